"""The solvers: generators that yield the point after each step. They depend on the data only through an Objective."""

from __future__ import annotations

from array import array
from math import inf, isfinite

from pyperceptron.objective import soft_threshold
from pyperceptron.proximal_newton import proximal_newton
from pyperceptron.quasi_newton import ROUNDING_IMBALANCE, quasi_newton
from pyperceptron.stopping import Doubt, Point, Progress, Tolerance, examine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pyperceptron.objective import Objective

    # Yields the point after each step; returns why it ends: "optimum", "separable", "stuck" if rounding hides any progress, or
    # "diverged" if the next step leaves the range of floats.
    Solver = Callable[["Objective", "Point", "Tolerance", "float | None"], Generator["Point", None, str]]


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
    """L-BFGS preconditioned by Hessians of some of the rows, by columns or by rows."""
    if objective.l1:
        return (yield from proximal_newton(objective, point, tolerance))
    return (yield from quasi_newton(objective, point, tolerance, sampled=True))


SOLVERS: dict[str, Solver] = {"gd": gd, "lbfgs": lbfgs, "newton": newton}
