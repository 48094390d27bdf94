"""Diagnoses of a training that ended without an error but not as its user would wish."""

from __future__ import annotations

from typing import NamedTuple

from pyperceptron.checks import counted
from pyperceptron.containers import as_flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

    from pyperceptron.columns import Columns
    from pyperceptron.containers import Table
    from pyperceptron.objective import Objective
    from pyperceptron.solvers import Point, Tolerance

_MANY_NAMES = 10
_RULED = 100.0  # times the range of the other numbers: a huge one
_MOST_RULERS = 0.02  # of a column's numbers: more than a few
_NEGLIGIBLE_LOGIT = 0.01


class Finding(NamedTuple):
    """What a user should know of a training: a sentence with a remedy, and whether it deserves a warning."""

    sentence: str
    warns: bool


def diagnose(
    objective: Objective,
    point: Point,
    tolerance: Tolerance,
    solver: str,
    reason: str,
    max_iter: int,
    rose: bool,
    combinations: list[array[float]],
    names: tuple[str, ...] | None,
) -> list[Finding]:
    """Return what went wrong in a training that ended at this point.

    reason        why it ended: "optimum", "separable", "limit", "stuck", "diverged" or "callback"
    rose          whether J ended higher than it began
    combinations  of columns, from degeneracy.dependencies
    """
    findings = []
    if reason == "separable":
        findings.append(_separable(objective))
    elif reason == "diverged" or (reason == "limit" and rose and solver == "gd"):
        findings.append(
            "Gradient descent diverges, as its steps are too long. Choose a smaller learning_rate, learning_rate=None for one "
            "that is short enough, or solver='auto', which needs none."
        )
    elif reason in ("limit", "stuck"):
        distance = (
            f"at a gradient norm of {point.gradient_norm:.2g}, while tol times the weight of the rarest class is "
            f"{tolerance.gradient_norm:.2g}"
        )
        if reason == "stuck":
            findings.append(
                f"Training stopped {distance}, as rounding hides any further progress. Bring the columns to similar means and "
                "scales, set l2, or raise tol."
            )
        elif solver == "gd":
            findings.append(
                f"Gradient descent was still crawling after {max_iter} steps, {distance}. Choose solver='auto', which takes a "
                "few steps, or scale the columns to mean 0 and standard deviation 1."
            )
        else:
            findings.append(f"Training stopped at max_iter={max_iter} before the optimum, {distance}. Raise max_iter.")
    if combinations:
        findings.append(_collinear(combinations, names))
    return [Finding(sentence, True) for sentence in findings]


def _separable(objective: Objective) -> str:
    if objective.is_penalised:
        return (
            "The classes are linearly separable by an intercept alone, which no penalty bounds, as one column of y holds a "
            "single value: its optimal intercept is infinite. Leave that column of y out."
        )
    return (
        "The classes are linearly separable, at least in part, so without a penalty the optimal coefficients are infinite; "
        "training stopped once tol was met. Set l2, to 1e-4 say, for coefficients that mean something."
    )


def _collinear(combinations: list[array[float]], names: tuple[str, ...] | None) -> str:
    columns = sorted({j for combination in combinations for j, factor in enumerate(combination) if factor})
    shown = ", ".join(column_name(j, names) for j in columns[:_MANY_NAMES]) + ", ..." * (len(columns) > _MANY_NAMES)
    return (
        f"Columns are collinear, so many coefficients are optimal and these are the smallest: {shown} determine each other in "
        f"{counted(len(combinations), 'way')}. Leave out {len(combinations)} of them, or set l2, to 1e-6 say."
    )


def ruled_columns(table: Table, columns: Columns, coefficients: array[float], width: int) -> list[Finding]:
    """Return a finding for each column in which a few numbers are so huge that they make nearly all of its deviation.

    coefficients  n_outputs × width, of the columns as given. A finding warns if a coefficient is so small, because of the huge
                  numbers, that the other rows have no part in it.
    """
    findings = []
    n = table.n_columns
    for j, (middle, spread, deviation) in enumerate(zip(columns.centre, columns.spreads, columns.deviations, strict=True)):
        if deviation <= _RULED * (spread or 1.0):
            continue
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


def column_name(column: int, names: tuple[str, ...] | None) -> str:
    """Return what to call a column in a sentence."""
    return f"column {column}" if names is None else repr(names[column])


def warn(findings: list[Finding]) -> None:
    """Issue one TrainingWarning for those findings that deserve it, at the caller of the public method that calls this."""
    sentences = [finding.sentence for finding in findings if finding.warns]
    if sentences:
        import warnings

        from pyperceptron.exceptions import TrainingWarning

        warnings.warn(" ".join(sentences), TrainingWarning, stacklevel=3)
