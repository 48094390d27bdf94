"""One training from start to end: the loop that drives a solver, with its history, callback, limits and Ctrl-C."""

from __future__ import annotations

from pyperceptron.findings import diagnose
from pyperceptron.model import Record
from pyperceptron.solvers import SOLVERS, evaluate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable

    from pyperceptron.objective import Objective
    from pyperceptron.solvers import Point

    Keep = Callable[[array[float], Record], None]

_LITTLE_WORK = 100_000  # multiplications, some ten microseconds: less than the rest of a step takes


def best_solver(objective: Objective) -> str:
    """Return "newton" if a Hessian is little work, or with an l1 penalty, which needs it; else "lbfgs"."""
    little = objective.n_outputs == 1 and objective.n_rows * objective.width**2 <= _LITTLE_WORK
    return "newton" if little or objective.l1 else "lbfgs"


def train(
    objective: Objective,
    start: array[float],
    solver: str,
    *,
    tol: float,
    max_iter: int,
    learning_rate: float | None,
    keep: Keep,
    callback: Callable[[int], object] | None,
    verbose: bool,
) -> list[str]:
    """Minimise the objective from `start` (n_outputs × width), pass the result to `keep`, and return the findings.

    keep      keep(coefficients, record) is called before each callback, at the end, and after Ctrl-C if a step was made
    callback  callback(iteration) is called after each step; a true result ends the training

    Training ends at a gradient norm of tol or less. With one output and no l1, "newton" and "lbfgs" then make one more step,
    which hardly changes J but brings the coefficients ten to a thousand times closer to the optimum.
    """
    point = evaluate(objective, start)
    history: list[dict[str, float]] = []
    _note(history, point, objective, solver, verbose)
    refines = objective.n_outputs == 1 and not objective.l1 and solver != "gd"
    steps = SOLVERS[solver](objective, point, learning_rate)
    reason = ""
    try:
        while not reason:
            n_iter, converged = len(history) - 1, point.gradient_norm <= tol
            if converged and not (refines and 0 < n_iter < max_iter):
                reason = "optimum"
            elif n_iter >= max_iter:
                reason = "limit"
            else:
                try:
                    following = next(steps)
                except StopIteration as stop:
                    reason = "optimum" if converged else stop.value
                    continue
                if converged and following.gradient_norm > point.gradient_norm:
                    reason = "optimum"
                    continue
                refines = refines and not converged
                point = following
                _note(history, point, objective, solver, verbose)
                if callback is not None:
                    keep(point.coefficients[:], Record(solver, n_iter + 1, history[:], []))
                    if callback(n_iter + 1):
                        reason = "callback"
        findings = diagnose(objective, point, reason, max_iter)
    except KeyboardInterrupt:
        if len(history) > 1:
            keep(point.coefficients, Record(solver, len(history) - 1, history, []))
        raise
    keep(point.coefficients, Record(solver, len(history) - 1, history, findings))
    return findings


def _note(history: list[dict[str, float]], point: Point, objective: Objective, solver: str, verbose: bool) -> None:
    iteration = len(history)
    history.append(
        {
            "iteration": iteration,
            "objective": point.value,
            "gradient_norm": point.gradient_norm,
            "passes": objective.passes,
        }
    )
    if verbose:
        print(f"{solver} step {iteration}: J = {point.value:.9g}, gradient norm {point.gradient_norm:.3g}", flush=True)
