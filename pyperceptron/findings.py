"""Diagnoses of a training that ended without an error but not as its user would wish."""

from __future__ import annotations

from array import array

from pyperceptron.exceptions import TrainingWarning
from pyperceptron.solvers import evaluate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyperceptron.labels import Targets
    from pyperceptron.objective import Objective
    from pyperceptron.solvers import Point

_SEPARABLE_BELOW = 1e-4  # a mean loss that only separable classes reach at an optimum
_MOST_CLASSES = 20  # of which some have a fraction, with under two rows each: more of them are a measurement
_FLAT = 1e-3  # logits that vary less are one answer for every row
_UNRELATED = 1e-5  # a gradient norm in units of J: by following it J decreases by about its square, 1e-10


class Finding:
    """What the user of a training should know: a sentence with its remedy, and whether it is worth a warning."""

    def __init__(self, sentence: str, warns: bool = True) -> None:
        self.sentence = sentence
        self.warns = warns


def warn(findings: list[Finding], stacklevel: int) -> None:
    """Issue one TrainingWarning with the sentences of the findings that are worth one, if any are."""
    told = [finding.sentence for finding in findings if finding.warns]
    if told:
        import warnings  # here, because most trainings need none

        warnings.warn(" ".join(told), TrainingWarning, stacklevel=stacklevel + 1)


def diagnose_targets(targets: Targets) -> list[Finding]:
    """Return what is unusual about y."""
    findings, labels = [], targets.classes.labels
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
                f"Every row of y holds exactly one 1, as {n_classes} classes that exclude one another do, but a matrix is fitted "
                f"as {n_classes} independent outputs, so predict may give a row no class, or two. For one class a row give "
                "numpy.argmax(y, axis=1) for y, or for lists [row.index(1) for row in y].",
                warns=False,
            )
        )
    return findings


def _are_measured(labels: tuple[Any, ...]) -> bool:
    """Return whether the labels are real numbers and some have a fraction."""
    return all(hasattr(label, "as_integer_ratio") for label in labels) and any(label % 1 for label in labels)


def diagnose(objective: Objective, point: Point, reason: str, max_iter: int) -> list[Finding]:
    """Return the problems of a training that ended at this point, empty if there are none.

    reason  why it ended: "optimum", "limit", "stuck", "diverged" or "callback"
    """
    sentences = []
    if not (objective.l2 or objective.l1) and point.value < _SEPARABLE_BELOW:
        sentences.append(
            "The classes are linearly separable, so without a penalty the optimal coefficients are infinite; training stopped "
            "once tol was met. Set l2, to 1e-4 say, for coefficients that mean something."
        )
    if reason == "limit":
        sentences.append(
            f"Training stopped at max_iter={max_iter} before the optimum, at a gradient norm of {point.gradient_norm:.2g}. "
            "Raise max_iter or tol."
        )
    elif reason == "stuck":
        sentences.append(
            f"Training stopped at a gradient norm of {point.gradient_norm:.2g}, where rounding hides any further progress. "
            "Raise tol, or bring the columns to similar means and scales."
        )
    elif reason == "diverged":
        sentences.append("Training stopped before a step that leaves the range of floats. Choose a smaller learning_rate.")
    return [*map(Finding, sentences), *(_diagnose_constant(objective, point) if reason == "optimum" else [])]


def _diagnose_constant(objective: Objective, point: Point) -> list[Finding]:
    """Say why an optimum gives one answer for every row, if it does: because of the data, or of a penalty."""
    width, n = objective.width, objective.n_inputs
    constant, spread = array("d", bytes(8 * objective.size)), 0.0
    for first in range(0, objective.size, width):
        weights = point.coefficients[first : first + n]
        spread = max(spread, sum(abs(w) * scale for w, scale in zip(weights, objective.scales, strict=True)))
        if objective.intercept:
            shift = sum(w * mean for w, mean in zip(weights, objective.means, strict=True))
            constant[first + n] = point.coefficients[first + n] + shift
    if spread > _FLAT:
        return []
    without = evaluate(objective, constant)  # the constant answer
    slope = float(
        objective.backend.max_scaled_gradient(without.gradient, objective.n_outputs, objective.means, objective.scales)
    )
    if slope <= _UNRELATED * without.value:
        sentence = (
            f"Every row gets the same answer: no weights of these columns were found that do better (J = {without.value:.3g}). "
            "Add columns, such as the product of two."
        )
    elif point.gradient_norm > 0.01 * slope:
        return []  # tol ended the training before it
    elif spread == 0:
        pairs = zip(without.gradient, objective.l1_weights, strict=True)
        smallest = objective.l1 * max(abs(gradient) / l1 for gradient, l1 in pairs if l1)
        sentence = (
            f"The penalty l1={objective.l1:.3g} is so strong that all coefficients are 0 and every row gets the same answer. "
            f"Set l1 below {smallest:.2g}, to {smallest / 10:.1g} say."
        )
    else:
        sentence = (
            f"The penalty l2={objective.l2:.3g} is so strong that the coefficients are almost 0 and every row gets almost the "
            f"same answer. Lower l2, to {objective.l2 * spread:.1g} say."
        )
    return [Finding(sentence, warns=False)]
