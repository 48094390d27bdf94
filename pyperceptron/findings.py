"""Diagnoses of a training that ended without an error but not as its user would wish."""

from __future__ import annotations

from pyperceptron.exceptions import TrainingWarning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyperceptron.objective import Objective
    from pyperceptron.solvers import Point

_SEPARABLE_BELOW = 1e-4  # a mean loss that only separable classes reach at an optimum


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
    return [Finding(sentence) for sentence in sentences]
