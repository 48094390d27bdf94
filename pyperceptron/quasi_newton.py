"""Newton's method with a model of the Hessian and curvature pairs, and its line search."""

from __future__ import annotations

from array import array
from math import isfinite, sqrt
from operator import mul

from pyperceptron.orthogonal import OrthogonalColumns
from pyperceptron.preconditioners import preconditioner, regularized_cholesky
from pyperceptron.stopping import ROUNDING, Doubt, Point, Progress, Tolerance, examine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    from pyperceptron.backends import Backend
    from pyperceptron.objective import Objective
    from pyperceptron.preconditioners import Preconditioner

    Numbers = array[float]

ARMIJO = 1e-4  # the least accepted fraction of the decrease that the directional derivative predicts
MAX_BACKTRACKS = 50
MAX_BACKTRACKS_IN_ROUNDING = 3  # if the predicted decrease is below ROUNDING
ROUNDING_DECREMENT = 1e-10  # of J: what may be left where rounding hides any progress ...
ROUNDING_IMBALANCE = 1e-6  # ... if the gradient is as balanced as that
ROUNDING_GRADIENT = 1e-6  # of the largest gradient norm that tol allows: smaller ones may be nothing but rounding
NEARLY_COLLINEAR = 1e-4  # of a column, which no other columns explain
MIN_STEP_SIZE = 1e-6


def quasi_newton(objective: Objective, point: Point, tolerance: Tolerance, sampled: bool) -> Generator[Point, None, str]:
    """Newton's method with a preconditioner B, a model of the Hessian that is reused until it is worth a new one.

    `sampled`: B may be of some of the rows.

    A point that the tolerance allows is followed by one more step, which hardly changes J but brings the coefficients ten to a
    thousand times closer to the optimum; the pass that evaluates it also measures its imbalance.
    """
    backend = objective.backend
    model = preconditioner(objective, point, sampled)
    if objective.is_singular:
        columns = OrthogonalColumns(objective)
        if columns.smallest_share < NEARLY_COLLINEAR:
            return (yield from orthogonal_newton(objective, point, tolerance, columns))
    pairs: list[CurvaturePair] = []
    doubt, progress = Doubt(objective, tolerance), Progress()
    has_moved = searches = False
    while True:
        # 1. The direction -B⁻¹·gradient, corrected by the curvature pairs.
        direction = two_loop_recursion(point.gradient, model, pairs, backend)
        slope = backend.dot(point.gradient, direction)
        has_small_gradient = point.gradient_norm <= tolerance.gradient_norm
        is_close = has_small_gradient and tolerance.allows(objective, point, direction, -slope / 2)
        is_last, searches = is_close and not searches, False
        # 2. A step along it, which is the last one if the point is close to an optimum.
        before, following = point, None
        if is_last and has_moved:
            following = _refined(objective, point, direction, tolerance)
        elif not is_last and slope < 0 and not (-slope < ROUNDING * point.value and progress.has_ended(point)):
            following = line_search(objective, point, direction, slope)
        if following:
            point = following
            yield point
        is_stuck = following is None and model.is_fresh and not is_last
        if has_small_gradient or is_stuck:
            examined = point if point.imbalance >= 0 else examine(objective, point.coefficients)
            bound = tolerance.imbalance if is_close else 0.0
            if is_stuck and -slope / 2 <= ROUNDING_DECREMENT * point.value:
                bound = max(bound, ROUNDING_IMBALANCE)
            verdict = doubt.verdict(examined, bound, is_stuck)
            if isinstance(verdict, Point):
                following = point = verdict
                yield point
            elif verdict or is_stuck:
                return verdict or "stuck"
            searches = following is None  # what looked like the last step was none
        has_moved = True
        # 3. The pair of changes that it made.
        if following:
            pair = CurvaturePair(before, point, backend)
            if pair.sy > 0:
                pairs.append(pair)
                del pairs[: -model.memory]
        # 4. A new B, if it is time, or if there was no step because B or the pairs are wrong.
        if model.renew(before, point, is_close, has_failed=following is None and not is_last):
            pairs.clear()


def orthogonal_newton(
    objective: Objective, point: Point, tolerance: Tolerance, columns: OrthogonalColumns
) -> Generator[Point, None, str]:
    """Newton's method in the coordinates of orthogonal columns, for columns that are nearly collinear.

    There a Hessian holds what the columns' own one loses in rounding. It is of the columns' rows, the mean over the outputs.
    The logits of such columns are differences of large numbers, whose rounding counts in a comparison of two values of J.
    """
    backend, size = objective.backend, len(columns.kept)
    length = sqrt(len(columns.rows))
    doubt = Doubt(objective, tolerance)
    while True:
        factor, _ = regularized_cholesky(columns.hessian(objective, point.coefficients), size, backend)
        shares = columns.gradient(objective, point.gradient)
        steps = array("d", (-share for share in shares))
        backend.cholesky_solve(factor, size, steps)
        slope = backend.dot(shares, steps)
        direction = columns.coefficients(objective, steps)
        effects = map(mul, map(abs, point.coefficients), objective.scales * objective.n_outputs)
        rounding = ROUNDING * max(1.0, max(effects)) * point.value
        following, step_size = None, 1.0
        while slope < 0 and following is None and step_size > MIN_STEP_SIZE:
            coefficients = point.coefficients[:]
            backend.add_scaled(coefficients, step_size, direction)
            value, gradient = objective.evaluate(coefficients)
            change, end_slope = value - point.value, backend.dot(columns.gradient(objective, gradient), steps)
            if change <= ARMIJO * step_size * slope or (change <= rounding and abs(end_slope) <= 0.9 * -slope):
                following = Point(objective, coefficients, value, gradient)
                following.step_size = step_size
            step_size /= 4
        is_close = point.gradient_norm <= tolerance.gradient_norm and -slope / 2 <= tolerance.decrement * point.value
        is_close = is_close and length * max(map(abs, steps)) <= tolerance.step
        if following:
            point = following
            yield point
        if is_close or following is None or point.gradient_norm <= tolerance.gradient_norm:
            is_stuck = following is None
            bound = tolerance.imbalance if is_close else 0.0
            if is_stuck and -slope / 2 <= max(ROUNDING_DECREMENT * point.value, rounding):
                bound = ROUNDING_IMBALANCE
            verdict = doubt.verdict(examine(objective, point.coefficients), bound, is_stuck)
            if isinstance(verdict, Point):
                point = verdict
                yield point
            elif verdict or is_stuck:
                return verdict or "stuck"


def _refined(objective: Objective, point: Point, direction: Numbers, tolerance: Tolerance) -> Point | None:
    """Return the examined point after a full step, or None if its gradient is larger by more than rounding."""
    coefficients = point.coefficients[:]
    objective.backend.add_scaled(coefficients, 1.0, direction)
    following = examine(objective, coefficients)
    following.step_size = 1.0
    allowed = max(point.gradient_norm, ROUNDING_GRADIENT * tolerance.gradient_norm)
    return following if following.gradient_norm <= allowed else None


def line_search(objective: Objective, point: Point, direction: Numbers, directional_derivative: float) -> Point | None:
    """Backtracking line search: try the full step, then shorter ones, until J decreases enough; None if none does.

    `directional_derivative` is negative. The next step size minimises the parabola through the known values and slope. If J's
    change is lost in rounding, the strong curvature condition decides, or with l1 none (Hager and Zhang 2005).
    """
    backend, l1_penalty = objective.backend, objective.l1_penalty
    rounding = ROUNDING * abs(point.value)
    step_size = 1.0
    for _ in range(MAX_BACKTRACKS if -directional_derivative > rounding else MAX_BACKTRACKS_IN_ROUNDING):
        coefficients = point.coefficients[:]
        backend.add_scaled(coefficients, step_size, direction)
        value, gradient = objective.evaluate(coefficients)
        change = value + l1_penalty(coefficients) - point.value
        predicted = step_size * directional_derivative
        if change <= ARMIJO * predicted or (
            change <= rounding and (objective.l1 or abs(backend.dot(gradient, direction)) <= 0.9 * -directional_derivative)
        ):
            following = Point(objective, coefficients, value, gradient)
            following.step_size = step_size
            return following
        lowest = -predicted / (change - predicted) / 2 if isfinite(change) else 0.0
        step_size *= min(max(lowest, 0.1), 0.5)
    return None


def two_loop_recursion(gradient: Numbers, model: Preconditioner, pairs: list[CurvaturePair], backend: Backend) -> Numbers:
    """L-BFGS two-loop recursion; the model is the initial Hessian, scaled by the last pair (Nocedal and Wright 2006, 7.4)."""
    direction = gradient[:]
    alphas = []
    for pair in reversed(pairs):
        alpha = backend.dot(pair.s, direction) / pair.sy
        backend.add_scaled(direction, -alpha, pair.y)
        alphas.append(alpha)
    model.solve(direction)
    scale = 1.0
    if pairs:
        solved = pairs[-1].y[:]
        model.solve(solved)
        scale = pairs[-1].sy / backend.dot(pairs[-1].y, solved)
    backend.scale(direction, -scale)
    for pair, alpha in zip(pairs, reversed(alphas), strict=True):
        backend.add_scaled(direction, -alpha - backend.dot(pair.y, direction) / pair.sy, pair.s)
    return direction


class CurvaturePair:
    """s and y, the changes of the point and of the gradient along a step, and their product sy."""

    def __init__(self, before: Point, after: Point, backend: Backend) -> None:
        self.s, self.y = after.coefficients[:], after.gradient[:]
        backend.add_scaled(self.s, -1.0, before.coefficients)
        backend.add_scaled(self.y, -1.0, before.gradient)
        self.sy = backend.dot(self.s, self.y)
