"""Newton's method with l1: a quadratic model and the penalty are minimised together."""

from __future__ import annotations

from array import array
from itertools import islice
from operator import mul

from pyperceptron.column_model import ColumnModel
from pyperceptron.preconditioners import regularized_cholesky
from pyperceptron.quasi_newton import ROUNDING_DECREMENT, ROUNDING_IMBALANCE, line_search, quasi_newton
from pyperceptron.stopping import Doubt, Point, Tolerance, evaluate, examine
from pyperceptron.vectors import zeros

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    from pyperceptron.backends import Backend
    from pyperceptron.objective import Objective

    Numbers = array[float]

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
            step = _proximal_step(objective, point, hessian)
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


def _proximal_step(objective: Objective, point: Point, hessian: Numbers) -> Numbers:
    """Return the step to the minimum of the quadratic model plus the l1 penalty, from the Hessian of all coefficients.

    The intercepts, which have no penalty, are eliminated first: the remaining columns are centred, and coordinate descent does
    not zigzag.
    """
    backend, size, gradient = objective.backend, objective.size, point.gradient[:]
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
    parts = (array("d", [vector[j] for j in kept]) for vector in (gradient, point.coefficients, objective.l1_weights, step))
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
