"""Plain-word diagnoses of a training run: what trains badly but legally."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyperceptron.objective import Objective
    from pyperceptron.solvers import Run

_SEPARATED = 1e-4  # a mean loss that no classes reach, at an optimum, but such as a hyperplane separates


class TrainingWarning(UserWarning):
    """A training ended with something that its user should know; `findings_` of the model says all of it."""


def diagnose(objective: Objective, run: Run, max_iter: int) -> list[str]:
    """What to tell of a run that ended, each a sentence or two with a remedy; most runs need none."""
    findings = []
    if not (objective.l2 or objective.l1) and run.value < _SEPARATED:
        findings.append(
            "The classes can be told apart without a doubt, so without a penalty the best coefficients are infinite: these "
            "are as large as tol asks for. Set l2, to 1e-4 say, for coefficients that mean something."
        )
    if run.reason == "limit":
        findings.append(
            f"Training stopped at max_iter={max_iter} before the optimum, at a slope of {run.slope:.2g}. Raise max_iter or tol."
        )
    elif run.reason == "stuck":
        findings.append(
            f"Training stopped at a slope of {run.slope:.2g}, where rounding hides any further progress. Raise tol, or bring "
            "the columns to similar means and scales."
        )
    elif run.reason == "diverged":
        findings.append("Training stopped before a step that leaves the range of floats. Choose a smaller learning_rate.")
    return findings
