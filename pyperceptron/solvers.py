"""The solvers, each written once: they see an objective, and vectors that the backend adds and multiplies."""

from __future__ import annotations

from array import array
from math import isfinite

from pyperceptron.objective import zeros

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyperceptron.backends import Backend
    from pyperceptron.objective import Objective

    Numbers = array[float]
    Watch = Callable[["Run"], object]

_SUFFICIENT = 1e-4  # of the decrease that the slope promises, a step must bring so much (Armijo)
_ROUNDING = 1e-13  # relative differences of J that may be nothing but rounding
_TRIALS = 50  # of ever shorter steps
_PAIRS = 8  # steps that are remembered
_SLOW = 0.1  # a step that leaves more than this share of the slope may call for a new Hessian
_FIRST_ROWS = 10  # rows for each column in the first sampled Hessian; each further one takes twice as many
_DEAR = 8.0  # passes over the samples; where a first Hessian costs more, the columns' scales must do
_FLAT = 1e-6  # of J: at the optimum, a step that promises no more than this brings the coefficients nearer to it
_SWEEPS = 200  # over all coordinates, for one step with lasso


class Run:
    """Where a training is, and at its end where it came to.

    coefficients, value, gradient  the point, J there, and the gradient of its smooth part
    slope                          how far from optimal that is: objective.optimality
    iterations                     steps made
    reason                         why it ended: "optimum" (slope ≤ tol), "limit" (max_iter), "stuck" (rounding hides any
                                   further progress), "diverged" or "callback"; "" before
    """

    def __init__(self, objective: Objective, start: Numbers, tol: float, max_iter: int, watch: Watch) -> None:
        self.objective = objective
        self.iterations = 0
        self.reason = ""
        self._tol, self._max_iter, self._watch = tol, max_iter, watch
        self._be_at(start, *objective.evaluate(start))

    def goes_on(self) -> bool:
        """Whether another step is to be made."""
        if self._watch(self):
            self.reason = "callback"
        elif self.slope <= self._tol:
            self.reason = "optimum"
        elif self.iterations >= self._max_iter:
            self.reason = "limit"
        return not self.reason

    def arrive(self, coefficients: Numbers, value: float, gradient: Numbers) -> None:
        """Be at the end of one more step."""
        self.iterations += 1
        self._be_at(coefficients, value, gradient)

    def _be_at(self, coefficients: Numbers, value: float, gradient: Numbers) -> None:
        self.gradient = gradient
        self.value = value + self.objective.lasso_penalty(coefficients)
        self.slope = self.objective.optimality(coefficients, gradient)
        self.coefficients = coefficients

    @property
    def can_step(self) -> bool:
        """Whether steps were made, and another may be."""
        return 0 < self.iterations < self._max_iter

    def refine(self, direction: Numbers) -> None:
        """Go all of the way along the direction if that increases neither J, beyond its rounding, nor the slope."""
        there = self.coefficients[:]
        self.objective.kernels.add_scaled(there, 1.0, direction)
        value, gradient = self.objective.evaluate(there)
        if value <= self.value + _ROUNDING * abs(self.value) and self.objective.optimality(there, gradient) <= self.slope:
            self.arrive(there, value, gradient)
            self._watch(self)

    def step_along(self, direction: Numbers, promise: float) -> bool:
        """Go along the direction, all of it or less and less, until J decreases enough; False if it nowhere does.

        `promise` is the rate at which J changes as the direction is taken: negative. The next share to try is where the
        parabola through what is known has its minimum. Where J's change is lost in its rounding, a slope that has not become
        as steep upward will do (Hager and Zhang 2005).
        """
        kernels, lasso_penalty = self.objective.kernels, self.objective.lasso_penalty
        rounding = _ROUNDING * abs(self.value)
        share = 1.0
        for _ in range(_TRIALS):
            there = self.coefficients[:]
            kernels.add_scaled(there, share, direction)
            value, gradient = self.objective.evaluate(there)
            change = value + lasso_penalty(there) - self.value
            if change <= _SUFFICIENT * share * promise or (
                change <= rounding and (self.objective.l1 or abs(kernels.dot(gradient, direction)) <= 0.9 * -promise)
            ):
                self.arrive(there, value, gradient)
                return True
            lowest = -promise * share / (change - promise * share) / 2 if isfinite(change) else 0.0
            share *= min(max(lowest, 0.1), 0.5)
        return False


def gd(run: Run, learning_rate: float | None) -> None:
    """Gradient descent, as in the lesson: W ← W - rate·∂J/∂W; with lasso, what is then within rate·lasso of 0 becomes 0.

    Without a learning rate it is 1 / objective.largest_curvature(), at which no step goes too far.
    """
    objective = run.objective
    rate = learning_rate or 1 / objective.largest_curvature()
    while run.goes_on():
        there = run.coefficients[:]
        objective.kernels.add_scaled(there, -rate, run.gradient)
        if objective.l1:
            there = array("d", (_nearer_to_zero(w, rate * lasso) for w, lasso in zip(there, objective.lasso, strict=True)))
        value, gradient = objective.evaluate(there)
        if not (isfinite(value) and all(map(isfinite, there))):
            run.reason = "diverged"
            return
        run.arrive(there, value, gradient)


def newton(run: Run) -> None:
    """Newton's method: each step to the minimum of J's quadratic model, from all rows, or as far toward it as J decreases."""
    if run.objective.l1:
        _newton_with_lasso(run)
    else:
        _quasi_newton(run, sampled=False)


def lbfgs(run: Run) -> None:
    """L-BFGS, preconditioned by a Hessian of some of the rows, or where that is dear, by the columns' means and scales."""
    if run.objective.l1:
        _newton_with_lasso(run)
    else:
        _quasi_newton(run, sampled=True)


def _quasi_newton(run: Run, sampled: bool) -> None:
    """Newton's method with a model B of the Hessian, which is kept while it serves.

    1. B is made anew where the last step left much of the slope: from all rows; or, `sampled`, from twice as many as the
       last, once the passes since then have cost as much as it will, so that no more than twice the least is spent.
    2. The direction is -B⁻¹·gradient, B corrected by what the last steps told of the Hessian.
    3. A step along it is made, and remembered as a pair of changes: of the point and of the gradient.
    4. At the end, where B is good, as a single output's is, one more step is tried: J hardly changes, but the coefficients
       come ten to a thousand times as near to the optimum.
    """
    objective, kernels = run.objective, run.objective.kernels
    n_rows = min(_FIRST_ROWS * objective.width, objective.n_rows) if sampled else objective.n_rows
    wide = sampled and objective.cost_of_hessian(n_rows) > _DEAR
    model: HessianModel | ScaleModel = ScaleModel(objective) if wide else HessianModel(objective, run.coefficients, n_rows)
    passes = objective.passes
    pairs: list[Pair] = []
    while run.goes_on():
        slope, point, gradient = run.slope, run.coefficients, run.gradient
        direction = _downhill(gradient, model, pairs, kernels)
        promise = kernels.dot(gradient, direction)
        if not (promise < 0 and run.step_along(direction, promise)):
            run.reason = "stuck"
            return
        pair = Pair(point, gradient, run.coefficients, run.gradient, kernels)
        if pair.product > 0:
            pairs.append(pair)
            del pairs[:-_PAIRS]
        if wide or run.slope <= _SLOW * slope:
            continue
        more = min(2 * n_rows, objective.n_rows)
        if not sampled or objective.passes - passes >= objective.n_outputs * objective.cost_of_hessian(more):
            n_rows, passes = more, objective.passes
            model = HessianModel(objective, run.coefficients, n_rows)
            if objective.n_outputs == 1:  # of several outputs, B tells only half, and the pairs the rest
                pairs.clear()
    if run.reason == "optimum" and run.can_step and objective.n_outputs == 1:
        direction = _downhill(run.gradient, model, pairs, kernels)
        if -kernels.dot(run.gradient, direction) <= _FLAT * abs(run.value):
            run.refine(direction)


def _downhill(gradient: Numbers, model: HessianModel | ScaleModel, pairs: list[Pair], kernels: Backend) -> Numbers:
    """-B⁻¹·gradient, B being the model, scaled to the last pair and corrected by all (Nocedal and Wright 2006, 7.4)."""
    direction = gradient[:]
    shares = []
    for pair in reversed(pairs):
        share = kernels.dot(pair.step, direction) / pair.product
        kernels.add_scaled(direction, -share, pair.change)
        shares.append(share)
    model.solve(direction)
    factor = model.first_factor
    if pairs:
        changed = pairs[-1].change[:]
        model.solve(changed)
        factor = pairs[-1].product / kernels.dot(pairs[-1].change, changed)
    kernels.add_scaled(direction, -factor - 1, direction[:])
    for pair, share in zip(pairs, reversed(shares), strict=True):
        kernels.add_scaled(direction, -share - kernels.dot(pair.change, direction) / pair.product, pair.step)
    return direction


class Pair:
    """How the point and the gradient changed along a step, and the product of the two."""

    def __init__(self, point: Numbers, gradient: Numbers, new_point: Numbers, new_gradient: Numbers, kernels: Backend) -> None:
        self.step, self.change = new_point[:], new_gradient[:]
        kernels.add_scaled(self.step, -1.0, point)
        kernels.add_scaled(self.change, -1.0, gradient)
        self.product = kernels.dot(self.step, self.change)


class HessianModel:
    """B is J's Hessian in an output's own coefficients, as L·Lᵀ, from about n_rows rows; the same for all outputs."""

    first_factor = 1.0

    def __init__(self, objective: Objective, coefficients: Numbers, n_rows: int) -> None:
        self._kernels, self._width = objective.kernels, objective.width
        sample = objective.sample(coefficients, n_rows)
        self._factor = _factor(objective.hessian(coefficients, sample=sample), self._width, self._kernels)

    def solve(self, vector: Numbers) -> None:
        """vector = B⁻¹·vector."""
        self._kernels.cholesky_solve(self._factor, self._width, vector)


def _factor(matrix: Numbers, width: int, kernels: Backend) -> Numbers:
    """The Cholesky factor of the matrix; of one with a heavier diagonal where it is not positive definite."""
    factor = matrix[:]
    for exponent in range(-10, 12, 2):
        if kernels.cholesky(factor, width) < 0:
            return factor
        factor = matrix[:]
        largest = max(matrix[:: width + 1])
        for j in range(width):
            factor[j * width + j] = (matrix[j * width + j] or largest or 1.0) * (1 + 10.0**exponent)
    raise FloatingPointError("the Hessian is not finite: scale the columns of X down")


class ScaleModel:
    """B is the identity in standardised coordinates: it knows the columns' means and scales, and no more."""

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self.first_factor = 1 / objective.largest_curvature(standardised=True)

    def solve(self, vector: Numbers) -> None:
        """vector = B⁻¹·vector, which in an output's (w, b) is ((w - mean·b) / scale², b - Σ mean·(w - mean·b) / scale²)."""
        objective = self._objective
        means, scales, n = objective.means, objective.scales, objective.n_inputs
        for first in range(0, objective.size, objective.width):
            intercept = vector[first + n] if objective.intercept else 0.0
            own = zip(vector[first : first + n], means, scales, strict=True)
            steps = array("d", [(slope - mean * intercept) / (scale * scale) for slope, mean, scale in own])
            vector[first : first + n] = steps
            if objective.intercept:
                vector[first + n] = intercept - objective.kernels.dot(means, steps)


def _newton_with_lasso(run: Run) -> None:
    """Newton's method with lasso: an output's quadratic model and its lasso are minimised together, output after output.

    (Lee, Sun and Saunders 2014; Friedman, Hastie and Tibshirani 2010.) What lasso holds at 0 is 0 exactly.
    """
    objective, kernels = run.objective, run.objective.kernels
    rounds, moved = 0, True
    while run.goes_on():
        if not moved:
            run.reason = "stuck"
            return
        moved = False
        for output in range(objective.n_outputs):
            direction = zeros(objective.size)
            own = slice(output * objective.width, (output + 1) * objective.width)
            direction[own] = _step_with_lasso(run, output, own)
            there = run.coefficients[:]
            kernels.add_scaled(there, 1.0, direction)
            promise = kernels.dot(run.gradient, direction)
            promise += objective.lasso_penalty(there) - objective.lasso_penalty(run.coefficients)
            moved = (promise < 0 and run.step_along(direction, promise)) or moved
        rounds += 1
        run.iterations = rounds


def _step_with_lasso(run: Run, output: int, own: slice) -> Numbers:
    """The step to the minimum of one output's quadratic model plus lasso.

    The intercept, which lasso leaves free, is first solved for: what remains has centred columns, on which coordinate
    descent does not zigzag.
    """
    objective, kernels, n, width = run.objective, run.objective.kernels, run.objective.n_inputs, run.objective.width
    hessian, gradient = objective.hessian(run.coefficients, output), run.gradient[own]
    matrix, step = array("d"), zeros(n)
    with_intercept, curvature = hessian[n * width : n * width + n], hessian[-1]
    for j in range(n):
        row = hessian[j * width : j * width + n]
        if objective.intercept and curvature > 0:
            kernels.add_scaled(row, -with_intercept[j] / curvature, with_intercept[: j + 1])
        matrix.extend(row)
    slopes = gradient[:n]
    if objective.intercept and curvature > 0:
        kernels.add_scaled(slopes, -gradient[n] / curvature, with_intercept)
    kernels.coordinate_descent(matrix, n, slopes, run.coefficients[own], objective.lasso[own], step, _SWEEPS, 1e-20)
    if objective.intercept:
        step.append(-(gradient[n] + kernels.dot(with_intercept, step)) / curvature if curvature > 0 else 0.0)
    return step


def _nearer_to_zero(value: float, distance: float) -> float:
    return max(value - distance, 0.0) + min(value + distance, 0.0)
