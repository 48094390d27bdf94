"""The solvers: generators that yield the point after each step. They depend on the data only through an Objective."""

from __future__ import annotations

from array import array
from math import isfinite

from pyperceptron.containers import zeros
from pyperceptron.objective import soft_threshold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pyperceptron.backends import Backend
    from pyperceptron.objective import Objective

    Numbers = array[float]
    # Yields the point after each step; returns why no further step is possible: "stuck" if rounding hides any progress,
    # "diverged" if the next step leaves the range of floats.
    Solver = Callable[["Objective", "Point", "float | None"], Generator["Point", None, str]]

ARMIJO = 1e-4  # the least accepted fraction of the decrease that the directional derivative predicts
ROUNDING = 1e-13  # relative differences of J that may be nothing but rounding
MAX_BACKTRACKS = 50
MAX_BACKTRACKS_IN_ROUNDING = 3  # if the predicted decrease is below ROUNDING
MEMORY = 8  # curvature pairs
REFRESH_ABOVE = 0.1  # a step that leaves more than this fraction of the gradient norm triggers a new Hessian
FIRST_ROWS = 10  # rows per column in the first sampled Hessian; doubled at each refresh
MAX_HESSIAN_COST = 8.0  # in evaluations; if the first Hessian costs more, precondition with the columns' scales only
SWEEPS = 200  # of coordinate descent over all columns, for one step with l1


class Point:
    """Coefficients, n_outputs × width, with the value and gradient of J there.

    value          J
    gradient       of its smooth part
    gradient_norm  objective.gradient_norm: how far from optimal
    """

    def __init__(self, objective: Objective, coefficients: Numbers, value: float, gradient: Numbers) -> None:
        self.coefficients = coefficients
        self.value = value + objective.l1_penalty(coefficients)
        self.gradient = gradient
        self.gradient_norm = objective.gradient_norm(coefficients, gradient)


def evaluate(objective: Objective, coefficients: Numbers) -> Point:
    """Return the point with these coefficients."""
    return Point(objective, coefficients, *objective.evaluate(coefficients))


def gd(objective: Objective, point: Point, learning_rate: float | None) -> Generator[Point, None, str]:
    """Gradient descent, as in the lesson: W ← W - rate·∂J/∂W, with l1 followed by soft thresholding.

    Without a learning rate it is 1 / objective.max_curvature(), so J never increases.
    """
    rate = learning_rate or 1 / objective.max_curvature()
    while True:
        coefficients = point.coefficients[:]
        objective.backend.add_scaled(coefficients, -rate, point.gradient)
        if objective.l1:
            pairs = zip(coefficients, objective.l1_weights, strict=True)
            coefficients = array("d", (soft_threshold(w, rate * l1) for w, l1 in pairs))
        point = evaluate(objective, coefficients)
        if not (isfinite(point.value) and all(map(isfinite, coefficients))):
            return "diverged"
        yield point


def newton(objective: Objective, point: Point, learning_rate: float | None) -> Generator[Point, None, str]:
    """Newton's method: each step to the minimum of a quadratic model from all rows, or as far as J decreases."""
    if objective.l1:
        return (yield from proximal_newton(objective, point))
    return (yield from quasi_newton(objective, point, sampled=False))


def lbfgs(objective: Objective, point: Point, learning_rate: float | None) -> Generator[Point, None, str]:
    """L-BFGS preconditioned by a Hessian of some of the rows or, if that costs too much, by the columns' means and scales."""
    if objective.l1:
        return (yield from proximal_newton(objective, point))
    return (yield from quasi_newton(objective, point, sampled=True))


SOLVERS: dict[str, Solver] = {"gd": gd, "lbfgs": lbfgs, "newton": newton}


def quasi_newton(objective: Objective, point: Point, sampled: bool) -> Generator[Point, None, str]:
    """Newton's method with a preconditioner B, a model of the Hessian that is reused until progress slows.

    `sampled`: B is of about FIRST_ROWS rows per column at first, and of twice as many at each refresh; else of all rows.
    """
    backend = objective.backend
    n_rows = min(FIRST_ROWS * objective.width, objective.n_rows) if sampled else objective.n_rows
    use_scales = sampled and objective.hessian_cost(n_rows) > MAX_HESSIAN_COST
    model: HessianPreconditioner | ScalePreconditioner
    model = ScalePreconditioner(objective) if use_scales else HessianPreconditioner(objective, point.coefficients, n_rows)
    passes = objective.passes
    pairs: list[CurvaturePair] = []
    while True:
        # 1. The direction -B⁻¹·gradient, corrected by the curvature pairs.
        direction = two_loop_recursion(point.gradient, model, pairs, backend)
        directional_derivative = backend.dot(point.gradient, direction)
        # 2. A step along it.
        before = point
        found = line_search(objective, point, direction, directional_derivative) if directional_derivative < 0 else None
        if found is None:
            return "stuck"
        point = found
        yield point
        # 3. The pair of changes that it made.
        pair = CurvaturePair(before, point, backend)
        if pair.sy > 0:
            pairs.append(pair)
            del pairs[:-MEMORY]
        # 4. A new B, if the step reduced the gradient too little. A sampled B waits until the passes since the last one have
        #    cost as much as the new one will, so that the total cost is at most twice the minimum.
        if use_scales or point.gradient_norm <= REFRESH_ABOVE * before.gradient_norm:
            continue
        more = min(2 * n_rows, objective.n_rows)
        if not sampled or objective.passes - passes >= objective.n_outputs * objective.hessian_cost(more):
            n_rows, passes = more, objective.passes
            model = HessianPreconditioner(objective, point.coefficients, n_rows)
            if objective.n_outputs == 1:  # else B lacks the blocks between outputs, which the pairs approximate
                pairs.clear()


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
            return Point(objective, coefficients, value, gradient)
        lowest = -predicted / (change - predicted) / 2 if isfinite(change) else 0.0
        step_size *= min(max(lowest, 0.1), 0.5)
    return None


def two_loop_recursion(
    gradient: Numbers, model: HessianPreconditioner | ScalePreconditioner, pairs: list[CurvaturePair], backend: Backend
) -> Numbers:
    """L-BFGS two-loop recursion; the model is the initial Hessian, scaled by the last pair (Nocedal and Wright 2006, 7.4)."""
    direction = gradient[:]
    alphas = []
    for pair in reversed(pairs):
        alpha = backend.dot(pair.s, direction) / pair.sy
        backend.add_scaled(direction, -alpha, pair.y)
        alphas.append(alpha)
    model.solve(direction)
    scale = model.initial_scale
    if pairs:
        solved = pairs[-1].y[:]
        model.solve(solved)
        scale = pairs[-1].sy / backend.dot(pairs[-1].y, solved)
    backend.add_scaled(direction, -scale - 1, direction[:])
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


class HessianPreconditioner:
    """B is J's Hessian in one output's coefficients, as L·Lᵀ, from about n_rows rows; the same for all outputs."""

    initial_scale = 1.0

    def __init__(self, objective: Objective, coefficients: Numbers, n_rows: int) -> None:
        self._backend, self._width = objective.backend, objective.width
        subset = objective.representative_rows(coefficients, n_rows)
        self._factor = _regularized_cholesky(objective.hessian(coefficients, subset=subset), self._width, self._backend)

    def solve(self, vector: Numbers) -> None:
        """vector = B⁻¹·vector."""
        self._backend.cholesky_solve(self._factor, self._width, vector)


def _regularized_cholesky(matrix: Numbers, width: int, backend: Backend) -> Numbers:
    """Return the Cholesky factor L of a width × width matrix, its diagonal increased until it is positive definite.

    Raises FloatingPointError if no increase helps, because the matrix is not finite.
    """
    factor = matrix[:]
    for exponent in range(-10, 12, 2):
        if backend.cholesky(factor, width) < 0:
            return factor
        factor = matrix[:]
        largest = max(matrix[:: width + 1])
        for j in range(width):
            factor[j * width + j] = (matrix[j * width + j] or largest or 1.0) * (1 + 10.0**exponent)
    raise FloatingPointError("the Hessian is not finite: scale the columns of X down")


class ScalePreconditioner:
    """B is the identity in standardised columns, so it needs only their means and scales."""

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self.initial_scale = 1 / objective.max_curvature(standardised=True)

    def solve(self, vector: Numbers) -> None:
        """vector = B⁻¹·vector, which in an output's (w, b) is ((w - mean·b) / scale², b - Σ mean·(w - mean·b) / scale²)."""
        objective = self._objective
        means, scales, n = objective.means, objective.scales, objective.n_inputs
        for first in range(0, objective.size, objective.width):
            intercept = vector[first + n] if objective.intercept else 0.0
            own = zip(vector[first : first + n], means, scales, strict=True)
            solved = array("d", [(value - mean * intercept) / (scale * scale) for value, mean, scale in own])
            vector[first : first + n] = solved
            if objective.intercept:
                vector[first + n] = intercept - objective.backend.dot(means, solved)


def proximal_newton(objective: Objective, point: Point) -> Generator[Point, None, str]:
    """Newton's method with l1: an output's quadratic model and its l1 penalty are minimised together, output after output.

    (Lee, Sun and Saunders 2014; Friedman, Hastie and Tibshirani 2010.) Coefficients that the penalty holds at 0 are exactly 0.
    """
    backend = objective.backend
    while True:
        before = point
        for output in range(objective.n_outputs):
            direction = zeros(objective.size)
            own = slice(output * objective.width, (output + 1) * objective.width)
            direction[own] = _proximal_step(objective, point, output, own)
            coefficients = point.coefficients[:]
            backend.add_scaled(coefficients, 1.0, direction)
            predicted = backend.dot(point.gradient, direction)
            predicted += objective.l1_penalty(coefficients) - objective.l1_penalty(point.coefficients)
            if predicted < 0:
                point = line_search(objective, point, direction, predicted) or point
        if point is before:
            return "stuck"
        yield point


def _proximal_step(objective: Objective, point: Point, output: int, own: slice) -> Numbers:
    """Return the step to the minimum of one output's quadratic model plus its l1 penalty.

    The intercept, which has no penalty, is eliminated first: the remaining columns are centred, and coordinate descent does not
    zigzag.
    """
    backend, n, width = objective.backend, objective.n_inputs, objective.width
    hessian, gradient = objective.hessian(point.coefficients, output), point.gradient[own]
    matrix, step = array("d"), zeros(n)
    with_intercept, curvature = hessian[n * width : n * width + n], hessian[-1]
    for j in range(n):
        row = hessian[j * width : j * width + n]
        if objective.intercept and curvature > 0:
            backend.add_scaled(row, -with_intercept[j] / curvature, with_intercept[: j + 1])
        matrix.extend(row)
    reduced = gradient[:n]
    if objective.intercept and curvature > 0:
        backend.add_scaled(reduced, -gradient[n] / curvature, with_intercept)
    backend.coordinate_descent(matrix, n, reduced, point.coefficients[own], objective.l1_weights[own], step, SWEEPS, 1e-20)
    if objective.intercept:
        step.append(-(gradient[n] + backend.dot(with_intercept, step)) / curvature if curvature > 0 else 0.0)
    return step
