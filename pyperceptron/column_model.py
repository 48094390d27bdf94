"""A quadratic model of J with an l1 penalty, minimised by coordinate descent over columns instead of a matrix."""

from __future__ import annotations

from array import array

from pyperceptron.vectors import zeros

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyperceptron.objective import Objective
    from pyperceptron.stopping import Point

    Numbers = array[float]

_FRACTION = 1e-2  # of the largest gain of a coordinate in the first sweep: where a step has come close enough


class ColumnModel:
    """The columns of X less their means, each one's numbers together, and with an intercept a last one of 1s."""

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._columns = objective.columns(array("q", range(objective.n_inputs)), objective.means)
        self._columns.extend(array("d", [1.0]) * (objective.n_rows * objective.intercept))

    def step(self, point: Point, sweeps: int, effort: int) -> Numbers:
        """Return the step, n_outputs × width, to about the minimum of J's quadratic model at the point plus the l1 penalty.

        sweeps  at most
        effort  1, or more for a step that comes closer: its square divides what a change gains that is still worth a sweep
        """
        objective, backend, n = self._objective, self._objective.backend, self._objective.n_inputs
        weights, factors = objective.curvature_factors(point.coefficients, None)
        backend.scale(weights, 1 / objective.total_weight)
        gradient, step = point.gradient[:], zeros(objective.size)
        for first in range(0, objective.size, objective.width) if objective.intercept else ():
            own = gradient[first : first + n]
            backend.add_scaled(own, -gradient[first + n], objective.means)
            gradient[first : first + n] = own
        backend.coordinate_descent_by_columns(
            self._columns,
            objective.n_outputs,
            objective.loss.coupled,
            weights,
            factors,
            gradient,
            point.coefficients,
            objective.l1_weights,
            objective.l2_weights,
            step,
            sweeps,
            _FRACTION / effort**2,
        )
        for first in range(0, objective.size, objective.width) if objective.intercept else ():
            step[first + n] -= backend.dot(step[first : first + n], objective.means)
        return step
