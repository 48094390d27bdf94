"""Diagnoses of a training that ended without an error but not as its user would wish."""

from __future__ import annotations

import warnings

from pyperceptron.backends import missing_backend
from pyperceptron.checks import counted
from pyperceptron.exceptions import TrainingWarning
from pyperceptron.stopping import evaluate
from pyperceptron.vectors import as_flat, as_view, zeros

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Container, Hashable
    from typing import Any

    from pyperceptron.backends import Backend
    from pyperceptron.columns import Columns
    from pyperceptron.containers import Rows
    from pyperceptron.encoding import Encoding
    from pyperceptron.labels import Targets
    from pyperceptron.objective import Objective
    from pyperceptron.stopping import Point, Tolerance

_MANY_NAMES = 10
_RULED = 100.0  # times the range of the other numbers: a huge one
_MOST_RULERS = 0.02  # of a column's numbers: more than a few
_NEGLIGIBLE_LOGIT = 0.01
_FEW_LEVELS = 10  # of which as many as rows are no sign of an identifier
_MOST_CLASSES = 20  # of which some have a fraction, with under two rows each: more of them are a measurement
_FLAT = 1e-3  # logits that vary less are one answer for every row
_UNRELATED = 1e-6  # a gradient norm in units of J; as J is convex, _FLAT logits decrease it by 1e-9 at most
_UNRELATED_IN_A_LAYER = 0.01  # the lesson's descent only comes near its optimum
_SATURATED = 1e-6  # the distance from 0 or 1, and so the slope
_FEW = 0.05  # of the outputs: as few on the wrong side may be mislabelled
_ROW = 100  # multiplications take as long as all else that the reference does for an output of a row
_SLOW = 5_000_000  # such multiplications, about a second of the reference and ten milliseconds of the compiled backend
_LOOKED_AT = 1000  # rows at most, evenly spaced, so that a diagnosis costs little


class Finding:
    """What the user of a training should know: a sentence with its remedy, and whether it is worth a warning."""

    def __init__(self, sentence: str, warns: bool = True) -> None:
        self.sentence = sentence
        self.warns = warns


def warn(findings: list[Finding], stacklevel: int) -> None:
    """Issue one TrainingWarning with the sentences of the findings that are worth one, if any are."""
    told = [finding.sentence for finding in findings if finding.warns]
    if told:
        warnings.warn(" ".join(told), TrainingWarning, stacklevel=stacklevel + 1)


def diagnose_backend(backend: str, objective: Objective) -> list[Finding]:
    """Say that the compiled backend is missing, if the training was so much work that its user has waited for it.

    backend  the parameter: one who chose the reference is told nothing. The work is counted and not timed, so that a training
             has the same findings each time.
    """
    work = objective.passes * (objective.work + _ROW * objective.n_rows * objective.n_outputs)
    remedy = missing_backend(backend) if work > _SLOW else ""
    if not remedy:
        return []
    return [
        Finding(
            "The compiled backend, which trains a hundred times as fast, is missing here, so the reference "
            f"did the work: {remedy}, or choose backend='python' to hide this line.",
            warns=False,
        )
    ]


def diagnose_texts(encoding: Encoding | None, n_rows: int) -> list[Finding]:
    """Say which columns of texts tell the rows apart, and so teach nothing about others."""
    findings = []
    for column in encoding.columns if encoding else ():
        if column.levels is not None and len(column.levels) > max(_FEW_LEVELS, n_rows / 2):
            findings.append(
                Finding(
                    f"Column {column.name!r} of X holds {len(column.levels):,} different texts in {n_rows:,} rows: it looks "
                    "like an identifier, from which a model learns the rows by heart and nothing about others: leave it out.",
                    warns=False,
                )
            )
    return findings


def diagnose_targets(targets: Targets, names: tuple[Hashable, ...] | None) -> list[Finding]:
    """Return what is unusual about y, given the names of X's columns."""
    findings, labels, name = [], targets.classes.labels, targets.classes.name
    if name is not None and names and name in names:
        findings.append(
            Finding(
                f"A column of X is named {name!r}, as y is. If it holds the answers, the model copies them and has learned "
                "nothing: leave that column out of X.",
                warns=False,
            )
        )
    n_rows, n_classes = len(targets.table), len(labels)
    if n_classes > _MOST_CLASSES and n_rows < 2 * n_classes and _are_measured(labels):
        middle = f"{float(labels[n_classes // 2]):.6g}"
        findings.append(
            Finding(
                f"y looks like a measurement, not classes: {n_rows} rows have {n_classes} different labels, such as {middle}. "
                f"Cut it into classes, as [value > {middle} for value in y] does, or use a regression."
            )
        )
    if targets.is_one_hot():
        findings.append(
            Finding(
                f"Every row of y holds exactly one 1, as for {n_classes} classes that exclude one another, but a matrix is "
                f"fitted as {n_classes} independent outputs, so predict may give a row no class, or two. For one class a row "
                "give numpy.argmax(y, axis=1), or for lists [row.index(1) for row in y].",
                warns=False,
            )
        )
    return findings


def _are_measured(labels: tuple[Any, ...]) -> bool:
    """Return whether the labels are real numbers and some have a fraction."""
    return all(hasattr(label, "as_integer_ratio") for label in labels) and any(label % 1 for label in labels)


def diagnose(
    objective: Objective,
    point: Point,
    tolerance: Tolerance,
    solver: str,
    reason: str,
    max_iter: int,
    rose: bool,
    combinations: list[array[float]],
    smallest: bool | None,
    names: tuple[Hashable, ...] | None,
    indicators: Container[int],
) -> list[Finding]:
    """Return what went wrong in a training that ended at this point.

    reason        why it ended: "optimum", "separable", "limit", "stuck", "diverged" or "callback"
    rose          whether J ended higher than it began
    combinations  of columns, from degeneracy.dependencies
    indicators    the columns that the model made of columns of texts or with missing numbers: no user can leave one out
    smallest      whether the coefficients are the smallest of the many that are optimal where there are more columns than
                  rows; None if there are not
    """
    findings = []
    if reason == "separable":
        findings.append(_infinite(objective, point))
    elif reason == "diverged" or (reason == "limit" and rose and solver == "gd"):
        findings.append(
            "Gradient descent diverges, as its steps are too long. Choose a smaller learning_rate, learning_rate=None for one "
            "that is short enough, or solver='auto', which needs none."
        )
    elif reason in ("limit", "stuck"):
        distance = _distance(point, tolerance)
        if reason == "stuck" and solver == "gd":
            findings.append(
                f"Gradient descent stopped {distance}, as rounding hides what its steps change. Choose solver='auto', or scale "
                "the columns to mean 0 and standard deviation 1."
            )
        elif reason == "stuck":
            findings.append(
                f"Training stopped {distance}, as rounding hides any further progress. Leave out columns that others nearly "
                "determine, bring the columns to similar means and scales, set l2, or raise tol."
            )
        elif solver == "gd":
            findings.append(
                f"Gradient descent was still crawling after {max_iter} steps, {distance}. Choose solver='auto', which takes a "
                "few steps, or scale the columns to mean 0 and standard deviation 1."
            )
        else:
            findings.append(f"Training stopped at max_iter={max_iter} before the optimum, {distance}. Raise max_iter.")
    if combinations:
        findings.append(_collinear(combinations, names, indicators))
    if smallest is not None:
        findings.append(
            f"Columns are collinear, as there are {objective.n_inputs:,} of them and only {counted(objective.n_rows, 'row')}, "
            f"so many coefficients are optimal{' and these are the smallest' * smallest}. Leave out columns, or set l2, to "
            "1e-6 say."
        )
    constant = _diagnose_constant(objective, point, _UNRELATED) if reason == "optimum" else []
    return [*map(Finding, findings), *constant]


def _distance(point: Point, tolerance: Tolerance) -> str:
    """Say how far from an optimum a point is: the gradient norm alone does not tell, see Tolerance."""
    if point.gradient_norm <= tolerance.gradient_norm:
        return "where the gradient is small enough for tol but the coefficients may be far from optimal"
    return (
        f"at a gradient norm of {point.gradient_norm:.2g}, while tol times the weight of the rarest class is "
        f"{tolerance.gradient_norm:.2g}"
    )


def _infinite(objective: Objective, point: Point) -> str:
    """Say why no finite coefficients are optimal."""
    if objective.is_penalised:
        return (
            "The classes are linearly separable by an intercept alone, which no penalty bounds, as one column of y holds a "
            "single value: its optimal intercept is infinite. Leave that column of y out."
        )
    # The squared error of a row on the wrong side is at least 1/8, and at most 1/2 however far it is.
    if objective.loss.name == "sigmoid_squared_error" and point.value * objective.n_rows > 0.125:
        return (
            "The optimal coefficients are infinite, as the squared error of the rows on the right side falls to 0 and that of "
            "the others stays below 1/2. Set l2, to 1e-4 say, for coefficients that mean something."
        )
    return (
        "The classes are linearly separable, at least in part, so without a penalty the optimal coefficients are infinite; "
        "coef_ holds those of the last step. Set l2, to 1e-4 say, for coefficients that mean something."
    )


def _collinear(combinations: list[array[float]], names: tuple[Hashable, ...] | None, indicators: Container[int]) -> str:
    places = [[j for j, factor in enumerate(combination) if factor] for combination in combinations]
    columns = sorted({j for combined in places for j in combined})
    remedy = "Set"
    if not any(j in indicators for j in columns):
        # The last column of a combination is in no other one, so without these columns the rest are independent.
        remedy = f"Leave out {_listed([combined[-1] for combined in places], names)}, or set"
    return (
        "Columns are collinear, so many coefficients are optimal and these are the smallest: "
        f"{_listed(columns, names)} determine each other in {counted(len(combinations), 'way')}. {remedy} l2, to 1e-6 say."
    )


def _listed(columns: list[int], names: tuple[Hashable, ...] | None) -> str:
    return ", ".join(column_name(j, names) for j in columns[:_MANY_NAMES]) + ", ..." * (len(columns) > _MANY_NAMES)


def ruled_columns(table: Rows, columns: Columns, coefficients: array[float], width: int) -> list[Finding]:
    """Return a finding for each column in which a few numbers are so huge that they make nearly all of its deviation.

    coefficients  n_outputs × width, of the columns as given. A finding warns if a coefficient is so small, because of the huge
                  numbers, that the other rows have no part in it.
    """
    findings = []
    n = table.n_columns
    pairs = zip(columns.spreads, columns.deviations, strict=True)
    for j in [j for j, (spread, deviation) in enumerate(pairs) if deviation > _RULED * (spread or 1.0)]:
        middle, deviation = columns.centre[j], columns.deviations[j]
        values = as_flat(table.view)[j::n].tolist()
        huge = [value for value in values if abs(value - middle) > deviation]
        others = [value for value in values if abs(value - middle) <= deviation]
        if not huge or len(huge) > _MOST_RULERS * len(values):
            continue
        spread = max(others) - min(others)
        value, times = max(((value, huge.count(value)) for value in set(huge)), key=lambda pair: (pair[1], abs(pair[0])))
        if not 0 < _RULED * spread < abs(value - middle):
            continue
        effect = max(map(abs, coefficients[j::width]))
        findings.append(
            Finding(
                f"{column_name(j, table.names)} of X is ruled by {counted(len(huge), 'huge number')} among {len(values)}: "
                f"{value!r} occurs {counted(times, 'time')}, while the others lie from {min(others)!r} to {max(others)!r}. "
                "If it stands for a missing value, replace it, by the mean of the others say, and add a column that marks "
                "those rows.",
                effect * spread < _NEGLIGIBLE_LOGIT < effect * abs(value - middle),
            )
        )
    return findings


def column_name(column: int, names: tuple[Hashable, ...] | None) -> str:
    """Return what to call a column in a sentence."""
    name = column if names is None else names[column]
    return repr(name) if isinstance(name, str) else f"column {name!r}"


def _diagnose_constant(objective: Objective, point: Point, unrelated: float, is_constant: bool = False) -> list[Finding]:
    """Say why an optimum gives one answer for every row, if it does: because of the data, or of a penalty.

    unrelated    the gradient norm of a constant answer, in units of J, up to which the columns are of no use
    is_constant  whether it is known that every row gets one answer
    """
    width, n = objective.width, objective.n_inputs
    spread = 0.0
    for first in range(0, objective.size, width):
        for weight, scale in zip(point.coefficients[first : first + n], objective.scales, strict=True):
            spread += abs(weight) * scale
    if spread > _FLAT and not is_constant:
        return []
    constant = zeros(objective.size)
    if objective.intercept:
        for first in range(0, objective.size, width):
            shift = objective.backend.dot(objective.means, point.coefficients[first : first + n])
            constant[first + n] = point.coefficients[first + n] + shift
    without = evaluate(objective, constant)
    slope = float(
        objective.backend.max_scaled_gradient(without.gradient, objective.n_outputs, objective.means, objective.scales)
    )
    if slope < unrelated * without.value:
        if not objective.varies:
            sentence = "Every row gets the same answer, as no column varies. Add columns that differ between the rows."
        else:
            sentence = (
                "Every row gets the same answer: no weights of these columns were found that do better "
                f"(mean loss {without.value:.3g}). Add columns, such as their squares and products."
            )
    elif not (objective.l1 or objective.l2) or point.gradient_norm > 0.01 * slope:
        return []  # training ended before the optimum
    elif spread == 0 and objective.l1:
        pairs = zip(without.gradient, objective.l1_weights, strict=True)
        smallest = objective.l1 * max(abs(gradient) / l1 for gradient, l1 in pairs if l1)
        sentence = (
            f"The penalty l1={objective.l1:.3g} is so strong that all coefficients are 0 and every row gets the same answer. "
            f"Set l1 below {smallest:.2g}, to {_round(smallest / 10)} say."
        )
    else:
        sentence = (
            f"The penalty l2={objective.l2:.3g} is so strong that the coefficients are almost 0 and every row gets almost the "
            f"same answer. Lower l2, to {_round(objective.l2 * spread)} say."
        )
    return [Finding(sentence, warns=False)]


def diagnose_layer(
    layer_outputs: array[float],
    targets: memoryview[float],
    inputs: memoryview[float],
    bias: bool,
    learning_rate: float,
    backend: Backend,
    reached: Callable[[], tuple[Objective, array[float]]],
) -> list[Finding]:
    """Return the problems of a layer's training, empty if there are none.

    layer_outputs  n_samples × n_outputs, flat, of the last pass; so are the targets
    reached        returns the objective and the coefficients after training; called only if all outputs are alike
    """
    n_rows, n_inputs = inputs.shape or (0, 0)
    n_outputs = len(layer_outputs) // n_rows
    every = n_outputs * (n_rows // _LOOKED_AT + 1)
    looked_at, wrong, alike = 0, 0, True
    for output in range(n_outputs):
        outputs = layer_outputs[output::every]
        view = as_view(outputs, 1)
        looked_at += len(outputs)
        alike = alike and backend.first_outside(view, outputs[0] - _FLAT, outputs[0] + _FLAT) < 0
        if backend.first_outside(view, _SATURATED, 1 - _SATURATED) >= 0:
            pairs = zip(outputs, targets[output::every], strict=True)
            wrong += sum(abs(target - o) > 0.5 and not _SATURATED <= o <= 1 - _SATURATED for o, target in pairs)
    if wrong > _FEW * looked_at:
        remedies = ["new weights"]
        if backend.first_outside(inputs, -1.0, 1.0) >= 0:
            remedies.append("each column of inputs divided by its largest magnitude")
        # The curvature of ½ (target - output)² in a weighted sum is below 1/8, so no step of this rate is too long.
        stable = 8 / (n_rows * (n_inputs + bias))
        if learning_rate > stable:
            remedies.append(f"learning_rate={_round(stable)}")
        return [
            Finding(
                f"{wrong} of {looked_at} outputs{' looked at' * (looked_at < len(layer_outputs))} are 0 or 1 but on the wrong "
                f"side, where the slope is below {_SATURATED}, so they cannot learn. Start again with "
                f"{', '.join(remedies) if remedies[1:] else 'smaller weights'}."
            )
        ]
    if alike:
        objective, coefficients = reached()
        return _diagnose_constant(objective, evaluate(objective, coefficients), _UNRELATED_IN_A_LAYER, True)
    return []


def _round(value: float) -> str:
    return f"{float(f'{value:.1g}'):g}"
