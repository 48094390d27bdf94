"""One training from start to end: the loop that drives a solver, with its history, callback, limits and Ctrl-C."""

from __future__ import annotations

from time import perf_counter

from pyperceptron.degeneracy import dependencies, is_separable, least_norm, least_norm_by_rows
from pyperceptron.findings import diagnose
from pyperceptron.model import Record
from pyperceptron.progress import TrainingProgress
from pyperceptron.solvers import SOLVERS, lbfgs
from pyperceptron.stopping import MAX_IMBALANCE, Tolerance, evaluate, examine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Container, Generator, Hashable

    from pyperceptron.findings import Finding
    from pyperceptron.model import Step
    from pyperceptron.objective import Objective
    from pyperceptron.stopping import Point

    Keep = Callable[[array[float], Record], None]

_LITTLE_WORK = 100_000  # multiplications, some ten microseconds: less than the rest of a step takes
_MORE_STEPS = 30  # to see whether classes are separable, after a training that stopped early
_FEW_PASSES = 50  # what making the coefficients of wide data small may cost, besides as much as the training did
_WORTH_MORE_STEPS = 1_000_000  # multiplications of a pass; with more, such steps are a tenth of those made before


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
    names: tuple[Hashable, ...] | None,
    indicators: Container[int],
    data_findings: Callable[[array[float]], list[Finding]],
) -> list[Finding]:
    """Minimise the objective from `start` (n_outputs × width), pass the result to `keep`, and return the findings.

    keep        keep(coefficients, record) is called before each callback, at the end, and after Ctrl-C if a step was made
    callback    callback(iteration) is called after each step; a true result ends the training
    verbose     whether to say on standard error how far the training has come
    names       of the columns, or None
    indicators  the columns that an encoding made

    data_findings(coefficients) returns what there is to say about the data that led to these coefficients.
    `start` and what `keep` gets are coefficients of the columns as given, without the objective's offsets.
    """
    start_time = perf_counter()
    tolerance = Tolerance(objective, tol)
    point = evaluate(objective, objective.with_offsets(start))
    history = [_step(point, objective, start_time)]
    progress = TrainingProgress(solver) if verbose else None
    steps = SOLVERS[solver](objective, point, tolerance, learning_rate)
    reason = ""
    try:
        while not reason:
            n_iter = len(history) - 1
            if n_iter >= max_iter:
                reason = _reason_at_the_limit(objective, point, steps, tolerance, n_iter)
                break
            try:
                point = next(steps)
            except StopIteration as stop:
                reason = stop.value
                break
            history.append(_step(point, objective, start_time))
            if progress:
                progress.step(n_iter + 1, point.value, point.gradient_norm)
            if callback is not None:
                keep(objective.without_offsets(point.coefficients), Record(solver, objective.n_rows, n_iter + 1, history, []))
                if callback(n_iter + 1):
                    reason = "callback"
        combinations, smallest = [], None
        if objective.is_wide:
            if reason == "optimum" and not objective.is_penalised:
                point, smallest = _smallest(objective, point)
        elif _may_be_collinear(objective, solver):
            combinations = dependencies(objective)
            if combinations:
                point = evaluate(objective, least_norm(objective, point.coefficients, combinations))
        if combinations or smallest:
            history = [*history[:-1], _step(point, objective, start_time)]
        rose = point.value > history[0][0]
        findings = diagnose(
            objective, point, tolerance, solver, reason, max_iter, rose, combinations, smallest, names, indicators
        )
        coefficients = objective.without_offsets(point.coefficients)
        findings = data_findings(coefficients) + findings
    except KeyboardInterrupt:
        if len(history) > 1:
            keep(objective.without_offsets(point.coefficients), Record(solver, objective.n_rows, len(history) - 1, history, []))
        raise
    finally:
        if progress:
            progress.end(len(history) - 1, point.value, point.gradient_norm, objective.passes)
    sentences = [finding.sentence for finding in findings]
    keep(coefficients, Record(solver, objective.n_rows, len(history) - 1, history, sentences))
    return findings


def _reason_at_the_limit(
    objective: Objective, point: Point, steps: Generator[Point, None, str], tolerance: Tolerance, n_iter: int
) -> str:
    """Return why a training that has made all its steps would have ended: as the solver says, "separable", or "limit"."""
    try:
        next(steps)
    except StopIteration as stop:
        return str(stop.value)
    examined = examine(objective, point.coefficients)
    if examined.imbalance <= MAX_IMBALANCE:
        return "limit"
    if objective.is_penalised:
        is_infinite = is_separable(objective, examined.coefficients, examined.component)
        return "separable" if is_infinite else "limit"
    more_steps = lbfgs(objective, examined, tolerance, None)
    try:
        for _ in range(_MORE_STEPS if objective.work <= _WORTH_MORE_STEPS else n_iter // 10):
            next(more_steps)
    except StopIteration as stop:
        if stop.value == "separable":
            return "separable"
    return "limit"


def _may_be_collinear(objective: Objective, solver: str) -> bool:
    """Whether it is worth looking for collinear columns: no penalty, and a singular Hessian or none in a long training."""
    if objective.is_penalised:
        return False
    return objective.is_singular or (solver == "gd" and objective.hessian_cost(objective.n_rows) <= objective.passes / 20)


def _smallest(objective: Objective, point: Point) -> tuple[Point, bool]:
    """Return an optimal point of more columns than rows, and whether it has the least coefficients: not if they cost much."""
    coefficients = None
    if objective.row_preconditioner_cost(objective.n_rows, has_gram=False) <= objective.passes + _FEW_PASSES:
        coefficients = least_norm_by_rows(objective, point.coefficients)
    return (evaluate(objective, coefficients), True) if coefficients else (point, False)


def _step(point: Point, objective: Objective, start_time: float) -> Step:
    """Return what a Record holds of a step: no more, as a step of a small problem takes microseconds."""
    return point.value, point.loss, point.gradient_norm, point.step_size, objective.passes, perf_counter() - start_time
