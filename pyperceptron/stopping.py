"""When a training ends: its points, the stopping rule, and the test of a small gradient that is not at the optimum."""

from __future__ import annotations

from math import inf, nan, sqrt

from pyperceptron.degeneracy import HUGE, is_separable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

    from pyperceptron.objective import Objective

    Numbers = array[float]

ROUNDING = 1e-13  # relative differences of J that may be nothing but rounding
MAX_DOUBLINGS = 500
SUSPICIOUS_LENGTH = 1e3  # of standardised coefficients: they may be on their way to infinity
STEPS_WITHIN_ROUNDING = 10  # without progress, that end a fit
BALANCED = 0.1  # an imbalance that is no sign of anything where a penalty makes the optimum finite
MAX_IMBALANCE = 1e-2  # of the gradient, whatever tol: less than where classes are separable


class Point:
    """Coefficients, n_outputs × width, with the value and gradient of J there, which were evaluated last.

    value          J
    gradient       of its smooth part
    gradient_norm  objective.gradient_norm: how far from optimal
    imbalance      of the gradient, as objective.examine returns it; nan where it was not computed
    component      the index of the coefficient that it is of
    loss           J without the penalties
    step_size      how much of a direction was gone to get here: of the gradient, or of a Newton step; 0 if no direction was
    """

    step_size = 0.0

    def __init__(
        self,
        objective: Objective,
        coefficients: Numbers,
        value: float,
        gradient: Numbers,
        imbalance: float = nan,
        component: int = -1,
    ) -> None:
        self.coefficients = coefficients
        self.value = value + objective.l1_penalty(coefficients)
        self.loss = objective.last_loss
        self.gradient = gradient
        self.gradient_norm = objective.gradient_norm(coefficients, gradient)
        self.imbalance = imbalance
        self.component = component
        if not self.gradient_norm <= inf:
            raise FloatingPointError(
                "the gradient is not a number; expected X, y and sample_weight to stay as they are during fit: give fit a copy"
            )


def evaluate(objective: Objective, coefficients: Numbers) -> Point:
    """Return the point with these coefficients."""
    return Point(objective, coefficients, *objective.evaluate(coefficients))


def examine(objective: Objective, coefficients: Numbers) -> Point:
    """Return the point with these coefficients and its imbalance."""
    return Point(objective, coefficients, *objective.examine(coefficients))


class Tolerance:
    """When a point counts as an optimum.

    gradient_norm  the largest gradient norm: tol times the weight of the rarest class
    decrement      the largest decrease of J that a quadratic model predicts, as a fraction of J
    step           the largest step that the quadratic model would make, in standardised columns; any with a penalty
    imbalance      the largest imbalance of the gradient

    The gradient norm alone would not do: in columns that are nearly the same, or in which a few huge numbers make the standard
    deviation, it is small far from the optimum. Where the optimum is at infinity, a Newton step is always long: it changes the
    logit of at least one row by 1 or more. A solver looks at the imbalance last, as that costs a pass.
    """

    def __init__(self, objective: Objective, tol: float) -> None:
        self.gradient_norm = tol * objective.rarest
        most = inf if objective.is_penalised else MAX_IMBALANCE
        least = BALANCED if objective.is_penalised else 0.0
        self.decrement = min(tol, most)
        # A standardised number of n rows is at most sqrt(n).
        self.step = inf if objective.is_penalised else 0.1 / sqrt(objective.n_rows)
        self.imbalance = max(min(sqrt(tol), most), least)

    def allows(self, objective: Objective, point: Point, step: Numbers, decrement: float) -> bool:
        """Whether the gradient norm, and the step that a quadratic model would make from there, are small enough."""
        is_small = point.gradient_norm <= self.gradient_norm and decrement <= self.decrement * point.value
        return is_small and (self.step == inf or objective.step_length(step) <= self.step)


class Progress:
    """Whether a solver still comes closer, or only moves about within rounding."""

    def __init__(self) -> None:
        self._least_value = self._least_norm = inf
        self._steps = 0

    def has_ended(self, point: Point) -> bool:
        """Whether many steps have changed J by no more than rounding and not lowered the gradient norm; ask once a step."""
        self._steps += 1
        has_changed = not abs(point.value - self._least_value) <= ROUNDING * abs(point.value)
        if has_changed or point.gradient_norm < self._least_norm:
            self._steps = 0
        self._least_value = min(self._least_value, point.value)
        self._least_norm = min(self._least_norm, point.gradient_norm)
        return self._steps >= STEPS_WITHIN_ROUNDING


class Doubt:
    """What to do at a point with a small gradient that may yet be far from an optimum.

    Separable classes, whose optimum is at infinity, end there; a few rows with huge numbers may hide the way from there. As it
    takes some passes, this is looked into at the first such point, the second, the fourth and so on.
    """

    def __init__(self, objective: Objective, tolerance: Tolerance) -> None:
        self._objective, self._tolerance = objective, tolerance
        self._count = 0

    def verdict(self, point: Point, bound: float, is_stuck: bool = False) -> str | Point:
        """Return "optimum" if the imbalance is at most `bound`, "separable", a point further on, or "" if all is unknown.

        point     an examined one
        is_stuck  whether rounding hides the way to a better one
        """
        objective, is_balanced = self._objective, point.imbalance <= bound
        if is_balanced and (objective.is_penalised or objective.step_length(point.coefficients) <= SUSPICIOUS_LENGTH):
            return "optimum"
        self._count += 1
        if is_stuck or self._count & (self._count - 1) == 0:
            if is_separable(objective, point.coefficients, point.component):
                return "separable"
        elif not is_balanced:
            return ""
        if is_balanced:
            return "optimum"
        further, has_turned = leap(objective, point)
        if further:
            return further
        has_small_gradient = point.gradient_norm <= self._tolerance.gradient_norm
        return "optimum" if (is_stuck and has_turned and has_small_gradient) or not any(point.gradient) else ""


def leap(objective: Objective, point: Point) -> tuple[Point | None, bool]:
    """Go as far along the most imbalanced coefficient as J falls, in steps that double.

    Return the point there, or None if it is nowhere, and whether J rises after the step that was next.

    Rows with huge numbers may have to be so far on their side that their losses vanish before the other rows count, which takes
    Newton's method many steps, and then is hidden by the rounding of other components. The sign of this one is exact.
    """
    at = point.component
    column = at % objective.width
    if not point.imbalance > MAX_IMBALANCE or column == objective.n_inputs:
        return None, False
    if objective.scales[column] < HUGE * objective.spreads[column]:
        return None, False
    sign = -1.0 if point.gradient[at] > 0 else 1.0
    step, found = 1 / objective.scales[column], None
    for _ in range(MAX_DOUBLINGS):
        coefficients = point.coefficients[:]
        coefficients[at] += sign * step
        value, gradient = objective.evaluate(coefficients)
        if not value <= point.value + ROUNDING * abs(point.value) or gradient[at] * sign > 0:
            return found, True
        found = Point(objective, coefficients, value, gradient)
        step *= 2
    return found, False
