"""The solvers: generators that yield the point after each step. They depend on the data only through an Objective."""

from __future__ import annotations

from array import array
from itertools import islice
from math import inf, isfinite, sqrt
from operator import mul

from pyperceptron.column_model import ColumnModel
from pyperceptron.objective import soft_threshold
from pyperceptron.orthogonal import OrthogonalColumns
from pyperceptron.preconditioners import preconditioner, regularized_cholesky
from pyperceptron.stopping import ROUNDING, Doubt, Point, Progress, Tolerance, evaluate, examine
from pyperceptron.vectors import zeros

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pyperceptron.backends import Backend
    from pyperceptron.objective import Objective
    from pyperceptron.preconditioners import Preconditioner

    Numbers = array[float]
    # Yields the point after each step; returns why it ends: "optimum", "separable", "stuck" if rounding hides any progress, or
    # "diverged" if the next step leaves the range of floats.
    Solver = Callable[["Objective", "Point", "Tolerance", "float | None"], Generator["Point", None, str]]

ARMIJO = 1e-4  # the least accepted fraction of the decrease that the directional derivative predicts
MAX_BACKTRACKS = 50
MAX_BACKTRACKS_IN_ROUNDING = 3  # if the predicted decrease is below ROUNDING
ROUNDING_DECREMENT = 1e-10  # of J: what may be left where rounding hides any progress ...
ROUNDING_IMBALANCE = 1e-6  # ... if the gradient is as balanced as that
ROUNDING_GRADIENT = 1e-6  # of the largest gradient norm that tol allows: smaller ones may be nothing but rounding
LITTLE_WORK = 2e7  # multiplications, some ten milliseconds: what the Hessian of all outputs may cost with l1
NEARLY_COLLINEAR = 1e-4  # of a column, which no other columns explain
MIN_STEP_SIZE = 1e-6
NEGLIGIBLE = 1e-11  # of the largest coefficient in standardised columns: with l1, a coefficient that is only rounding
ROUNDS = 5  # of coordinate descent
MANY_SIGNS = 300
FIRST_COLUMNS = 100  # in the set over which J with l1 is minimised, at most
TURN = 0.03  # of a gradient norm: what is left of it on the set's columns
STEPS_OF_A_PART = 200  # at most, to an optimum over a part of the columns
LEAST_CLOSER = 1e-4  # closer than this, a set of columns does not lead to the optimum of all
FEW_COLUMNS_OF_A_MATRIX = 64
MOST_COLUMNS_OF_A_MATRIX = 300  # of one output, whose Hessian costs less than the sweeps over columns that it saves
SWEEPS_FOR_SIGNS = 10  # over columns, before a quasi-Newton method finds the numbers
MOST_SWEEPS = 300  # over the columns of several outputs
SLOW = 0.5  # of a gradient norm: if more is left after a step by columns, the next one makes more effort
MOST_EFFORT = 16  # times as many sweeps as at first; then a matrix of the columns, if they are not too many
MOST_COLUMNS_IF_SLOW = 1000
SWEEPS = 100  # of coordinate descent over all columns, for one step with l1


def gd(objective: Objective, point: Point, tolerance: Tolerance, learning_rate: float | None) -> Generator[Point, None, str]:
    """Gradient descent, as in the lesson: W ← W - rate·∂J/∂W, with l1 followed by soft thresholding.

    Without a learning rate it is 1 / objective.max_curvature(), so J never increases.
    """
    rate = learning_rate or 1 / objective.max_curvature()
    doubt = Doubt(objective, tolerance)
    examined_at, progress = inf, Progress()
    while True:
        if progress.has_ended(point):
            verdict = doubt.verdict(examine(objective, point.coefficients), ROUNDING_IMBALANCE, is_stuck=True)
            return verdict if isinstance(verdict, str) and verdict else "stuck"
        if point.gradient_norm <= min(tolerance.gradient_norm, examined_at / 2):
            examined_at = point.gradient_norm
            verdict = doubt.verdict(examine(objective, point.coefficients), tolerance.imbalance)
            if isinstance(verdict, str) and verdict:
                return verdict
        coefficients = point.coefficients[:]
        objective.backend.add_scaled(coefficients, -rate, point.gradient)
        if objective.l1:
            pairs = zip(coefficients, objective.l1_weights, strict=True)
            coefficients = array("d", (soft_threshold(w, rate * l1) for w, l1 in pairs))
        value, gradient = objective.evaluate(coefficients)
        if not (isfinite(value) and all(map(isfinite, coefficients))):
            return "diverged"
        point = Point(objective, coefficients, value, gradient)
        point.step_size = rate
        yield point


def newton(
    objective: Objective, point: Point, tolerance: Tolerance, learning_rate: float | None
) -> Generator[Point, None, str]:
    """Newton's method: each step to the minimum of a quadratic model from all rows, or as far as J decreases."""
    if objective.l1:
        return (yield from proximal_newton(objective, point, tolerance))
    return (yield from quasi_newton(objective, point, tolerance, sampled=False))


def lbfgs(objective: Objective, point: Point, tolerance: Tolerance, learning_rate: float | None) -> Generator[Point, None, str]:
    """L-BFGS preconditioned by Hessians of some of the rows or, if these cost too much, by the columns' means and scales."""
    if objective.l1:
        return (yield from proximal_newton(objective, point, tolerance))
    return (yield from quasi_newton(objective, point, tolerance, sampled=True))


SOLVERS: dict[str, Solver] = {"gd": gd, "lbfgs": lbfgs, "newton": newton}


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


def proximal_newton(objective: Objective, point: Point, tolerance: Tolerance) -> Generator[Point, None, str]:
    """Newton's method with l1, on a growing set of columns: those whose coefficients are not 0, or should not be.

    As long as the set is small, J is minimised over its columns alone, closer at each turn, and a pass over all columns tells
    which others belong to it. A step is such a turn. Coefficients that the penalty holds at 0 are exactly 0.
    """
    n_most, closer = FIRST_COLUMNS, 1.0
    while True:
        kept = objective.nonzero_columns(point.coefficients)
        n_most = max(n_most, 2 * len(kept))
        if 2 * n_most >= objective.n_inputs or closer < LEAST_CLOSER:
            return (yield from proximal_newton_on_all(objective, point, tolerance))
        norms = objective.column_norms(point.coefficients, point.gradient)
        others = sorted({j for j, norm in enumerate(norms) if norm > tolerance.gradient_norm}.difference(kept))
        others.sort(key=norms.__getitem__, reverse=True)
        if len(others) <= n_most - len(kept):
            closer *= 0.1
        listed = array("q", sorted(kept + others[: n_most - len(kept)]) or [0])
        part = objective.restricted(listed)
        norm = max(tolerance.gradient_norm, TURN * point.gradient_norm)
        goal = Tolerance(part, closer * norm / objective.rarest)
        reached = evaluate(part, objective.of_columns(point.coefficients, listed))
        steps, verdict = proximal_newton_on_all(part, reached, goal), ""
        for _ in range(STEPS_OF_A_PART):
            try:
                reached = next(steps)
            except StopIteration as stop:
                verdict = stop.value
                break
        point = examine(objective, objective.with_columns(reached.coefficients, listed))
        yield point
        if verdict != "optimum":
            return (yield from proximal_newton_on_all(objective, point, tolerance))
        is_close = point.gradient_norm <= tolerance.gradient_norm and goal.gradient_norm <= tolerance.gradient_norm
        if is_close and point.imbalance <= tolerance.imbalance:
            return "optimum"


def proximal_newton_on_all(objective: Objective, point: Point, tolerance: Tolerance) -> Generator[Point, None, str]:
    """Newton's method with l1: the quadratic model and the l1 penalty are minimised together.

    (Lee, Sun and Saunders 2014; Friedman, Hastie and Tibshirani 2010.) The model is a Hessian where that costs little, else it
    is by columns.
    """
    backend = objective.backend
    most = min(MOST_COLUMNS_OF_A_MATRIX, objective.n_rows // 10) if objective.n_outputs == 1 else 0
    by_matrix = objective.size <= max(most, FEW_COLUMNS_OF_A_MATRIX)
    model = None if by_matrix else ColumnModel(objective)
    doubt, effort = Doubt(objective, tolerance), 1
    while True:
        before = point
        if model:
            step = model.step(point, effort * (SWEEPS_FOR_SIGNS if objective.n_outputs == 1 else MOST_SWEEPS), effort)
        else:
            hessian = objective.hessian_of_all_outputs(point.coefficients)
            step = _proximal_step(objective, point, hessian, slice(0, objective.size))
        coefficients = point.coefficients[:]
        backend.add_scaled(coefficients, 1.0, step)
        predicted = backend.dot(point.gradient, step)
        predicted += objective.l1_penalty(coefficients) - objective.l1_penalty(point.coefficients)
        decrement = -min(predicted, 0.0) / 2
        if predicted < 0:
            point = line_search(objective, point, step, predicted) or point
        if model and objective.n_outputs == 1 and point is not before:
            point = _with_these_signs(objective, point, tolerance)
        if point is not before:
            yield point
        is_close = tolerance.allows(objective, point, step, decrement)
        if model and point.gradient_norm > SLOW * before.gradient_norm:
            effort *= 4
            if effort > MOST_EFFORT and objective.size <= MOST_COLUMNS_IF_SLOW:
                model = None
            effort = min(effort, MOST_EFFORT)
        if is_close or point is before:
            cleaned = _with_exact_zeros(objective, point)
            examined = examine(objective, cleaned)
            if cleaned != point.coefficients:
                yield examined
            bound = tolerance.imbalance
            if not is_close:
                bound = ROUNDING_IMBALANCE if decrement <= ROUNDING_DECREMENT * point.value else 0.0
            verdict = doubt.verdict(examined, bound)
            if isinstance(verdict, str) and (verdict or point is before):
                return verdict or "stuck"
            point = examined


def _signs(coefficients: Numbers) -> list[int]:
    return [(w > 0) - (w < 0) for w in coefficients]


def _with_these_signs(objective: Objective, point: Point, tolerance: Tolerance) -> Point:
    """Return about the optimum over the coefficients that are not 0, of a single output, where none changes its sign.

    There J is smooth, and a quasi-Newton method takes far fewer passes than coordinate descent. Coefficients that would change
    their signs become 0 as long as J falls.
    """
    for _ in range(ROUNDS):
        listed = array("q", objective.nonzero_columns(point.coefficients))
        if not listed:
            return point
        start, n = objective.of_columns(point.coefficients, listed), len(listed)
        signs = _signs(start[:n])
        linear = array("d", map(mul, objective.l1_weights, signs)) + zeros(objective.intercept)
        part = objective.restricted(listed, linear)
        goal = Tolerance(part, max(tolerance.gradient_norm, TURN * point.gradient_norm) / objective.rarest)
        reached = first = evaluate(part, start)
        has_crossed = False
        for following in islice(quasi_newton(part, first, goal, sampled=True), STEPS_OF_A_PART):
            crossed = [j for j, (w, sign) in enumerate(zip(following.coefficients, signs, strict=False)) if w * sign <= 0]
            if crossed:
                coefficients = following.coefficients[:]
                for j in crossed:
                    coefficients[j] = 0.0
                clipped = evaluate(part, coefficients)
                has_crossed = clipped.value < reached.value
                reached = clipped if has_crossed else reached
                break
            reached = following
        if reached is first:
            return point
        point = evaluate(objective, objective.with_columns(reached.coefficients, listed))
        if not has_crossed:
            break
    return point


def _proximal_step(objective: Objective, point: Point, hessian: Numbers, own: slice) -> Numbers:
    """Return the step to the minimum of the quadratic model of some outputs plus their l1 penalty.

    hessian  of the coefficients in the slice `own`, which are those of one output or of all
    The intercepts, which have no penalty, are eliminated first: the remaining columns are centred, and coordinate descent does
    not zigzag.
    """
    backend, gradient, thresholds = objective.backend, point.gradient[own], objective.l1_weights[own]
    size = len(gradient)
    rows = [hessian[j * size : (j + 1) * size] for j in range(size)]
    for j, row in enumerate(rows):
        row[j + 1 :] = hessian[(j + 1) * size + j :: size]
    pivots = range(objective.n_inputs, size, objective.width) if objective.intercept else ()
    eliminated = []
    for pivot in pivots:  # Gaussian elimination
        pivot_row = rows[pivot]
        if pivot_row[pivot] > 0:
            for j in range(size):
                if j != pivot and j not in eliminated:
                    factor = rows[j][pivot] / pivot_row[pivot]
                    gradient[j] -= factor * gradient[pivot]
                    backend.add_scaled(rows[j], -factor, pivot_row)
            eliminated.append(pivot)
    kept = [j for j in range(size) if j not in pivots]
    n, step = len(kept), zeros(size)
    matrix = [array("d", [rows[j][k] for k in kept]) if len(pivots) else rows[j] for j in kept]
    flat = array("d", [value for row in matrix for value in row])
    parts = (array("d", [vector[j] for j in kept]) for vector in (gradient, point.coefficients[own], thresholds, step))
    reduced, here, bounds, moves = parts
    for _ in range(ROUNDS):
        backend.coordinate_descent(flat, n, reduced, here, bounds, moves, SWEEPS, 1e-20)
        before = moves[:]
        _solve_for_signs(backend, matrix, reduced, here, bounds, moves)
        if moves == before:
            break
    for j, move in zip(kept, moves, strict=True):
        step[j] = move
    for pivot in reversed(eliminated):  # back substitution
        step[pivot] = 0.0
        step[pivot] = -(gradient[pivot] + backend.dot(rows[pivot], step)) / rows[pivot][pivot]
    return step


def _solve_for_signs(
    backend: Backend, matrix: list[Numbers], gradient: Numbers, here: Numbers, thresholds: Numbers, moves: Numbers
) -> None:
    """Take `moves` to the minimum over the coefficients here + moves that are not 0, as far as no sign changes.

    A coefficient whose sign would change becomes 0, and the others go on without it. Coordinate descent finds the signs soon,
    but along correlated columns it takes many sweeps to find the numbers.
    """
    signs = {j: 1.0 if own + move > 0 else -1.0 for j, (own, move) in enumerate(zip(here, moves, strict=True)) if own + move}
    if len(signs) > MANY_SIGNS:
        return
    while signs:
        active = list(signs)
        block = array("d", [matrix[j][k] for j in active for k in active])
        slopes = array("d", [gradient[j] + backend.dot(matrix[j], moves) + thresholds[j] * signs[j] for j in active])
        largest = max(abs(gradient[j]) + thresholds[j] for j in active)
        if max(map(abs, slopes)) <= 1e-14 * largest:
            return
        factor, _ = regularized_cholesky(block, len(active), backend)
        backend.cholesky_solve(factor, len(active), slopes)
        share, first = 1.0, -1
        for j, change in zip(active, slopes, strict=True):
            value = here[j] + moves[j]
            if (value - change) * signs[j] <= 0 and value / change < share:
                share, first = value / change, j
        for j, change in zip(active, slopes, strict=True):
            moves[j] -= share * change
        if first < 0:
            return
        moves[first] = -here[first]
        del signs[first]


def _with_exact_zeros(objective: Objective, point: Point) -> Numbers:
    """Return the coefficients, with exactly 0 for those that are nothing but rounding."""
    coefficients = point.coefficients[:]
    scales = array("d", [*objective.scales, *([1.0] * objective.intercept)]) * objective.n_outputs
    effects = [abs(w) * scale for w, scale in zip(coefficients, scales, strict=True)]
    negligible = NEGLIGIBLE * max(effects)
    for at, effect in enumerate(effects):
        if effect <= negligible and objective.l1_weights[at]:
            coefficients[at] = 0.0
    return coefficients
