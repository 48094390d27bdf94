"""Coordinate descent by columns: a quadratic model of J plus an l1 penalty, minimised without a matrix of the columns."""

from __future__ import annotations

from array import array
from math import inf

TYPE_CHECKING = False
if TYPE_CHECKING:
    Numbers = array[float]

SWEEPS_OF_NONZEROS = 20  # over the coefficients that are not 0, after each sweep over all


class LogitChanges:
    """The changes u of the logits that changes of the coefficients make, and the contract of a table by columns.

    In a quadratic model each row's second derivatives in its logits are s·f for each output, or s·(diag(f) - f·fᵀ) if outputs
    are coupled. A column x takes part in two ways: `dot` with it, and `add` of a multiple of it. Both take time proportional to
    the rows, whatever the number of columns and outputs.

    weights, factors  the s, n_rows, and the f, n_outputs × n_rows, as LinearLoss.curvature_factors returns them
    """

    def __init__(self, weights: Numbers, factors: Numbers, n_outputs: int, coupled: bool) -> None:
        n_rows = len(weights)
        self._weights, self._coupled = weights.tolist(), coupled
        self._factors = [factors[c * n_rows : (c + 1) * n_rows].tolist() for c in range(n_outputs)]
        self._changes = [[0.0] * n_rows for _ in range(n_outputs)]
        self._sums = [0.0] * n_rows  # Σ f·u over the outputs, if they are coupled

    def dot(self, column: list[float], output: int) -> float:
        """Return Σ x·s·f·u over the rows, or Σ x·s·f·(u - Σ f·u): what the changes add to the slope in a coefficient."""
        total = 0.0
        for x, s, f, u, mean in zip(
            column, self._weights, self._factors[output], self._changes[output], self._sums, strict=True
        ):
            total += x * (s * f) * (u - mean)
        return total

    def add(self, column: list[float], step: float, output: int) -> None:
        """Make the changes of an output's coefficient that grows by `step`: u += step·x."""
        changes, factors = self._changes[output], self._factors[output]
        for i, x in enumerate(column):
            changes[i] += step * x
            if self._coupled:
                self._sums[i] += factors[i] * (step * x)

    def curvature(self, column: list[float], output: int) -> float:
        """Return Σ x²·s·f, or Σ x²·s·f·(1 - f)."""
        total = 0.0
        for x, s, f in zip(column, self._weights, self._factors[output], strict=True):
            total += x * x * (s * f * (1 - f) if self._coupled else s * f)
        return total


def coordinate_descent_by_columns(
    columns: Numbers,
    n_outputs: int,
    coupled: bool,
    weights: Numbers,
    factors: Numbers,
    gradient: Numbers,
    point: Numbers,
    l1_weights: Numbers,
    l2_weights: Numbers,
    step: Numbers,
    sweeps: int,
    fraction: float,
) -> None:
    """Improve `step` toward the minimum of gradient·step + ½ step·H·step + Σ l1_weights·|point + step|.

    H is that of LogitChanges plus diag(l2_weights). It goes over the coefficients at most `sweeps` times, until no change gains
    more than `fraction` of what the best one of the first sweep did; most sweeps leave out coefficients that are 0. After the
    outputs of a column comes the best shift of them all, if they are coupled: H is 0 along it but for the l2.

    columns  width × n_rows, each column's numbers together
    gradient, point, l1_weights, l2_weights, step  n_outputs × width
    """
    n_rows, size = len(weights), len(step)
    width = size // n_outputs
    table = [columns[j * n_rows : (j + 1) * n_rows].tolist() for j in range(width)]
    changes = LogitChanges(weights, factors, n_outputs, coupled)
    curvatures = [changes.curvature(table[at % width], at // width) + l2_weights[at] for at in range(size)]
    for at, own in enumerate(step):
        if own:
            changes.add(table[at % width], own, at // width)
    first, takes_all = 0.0, True
    for sweep in range(sweeps):
        largest = 0.0
        for j, column in enumerate(table):
            has_changed = False
            for output, at in enumerate(range(j, size, width)):
                here, curvature = point[at] + step[at], curvatures[at]
                if curvature <= 0 or (not takes_all and here == 0 and l1_weights[at] > 0):
                    continue
                slope = gradient[at] + l2_weights[at] * step[at] + changes.dot(column, output)
                there, threshold = here - slope / curvature, l1_weights[at] / curvature
                there = max(there - threshold, 0.0) + min(there + threshold, 0.0)
                change = there - here
                if change:
                    step[at] = step[at] + change if there else -point[at]
                    changes.add(column, change, output)
                    largest, has_changed = max(largest, curvature * change * change), True
            if coupled and has_changed and l1_weights[j] > 0:
                values = [point[at] + step[at] for at in range(j, size, width)]
                shift = best_shift(values, l1_weights[j], l2_weights[j])
                for at, value in zip(range(j, size, width), values, strict=True):
                    if shift:
                        step[at] = step[at] + shift if value != -shift else -point[at]
        first = first if sweep else largest
        is_small = largest <= fraction * first
        if takes_all and is_small:
            break
        takes_all = is_small or (sweep + 1) % SWEEPS_OF_NONZEROS == 0


def best_shift(values: list[float], l1: float, l2: float) -> float:
    """Return the t of least magnitude for which Σ l1·|w + t| + l2/2·(w + t)² over the values w is least."""
    zeros, total = sorted(-w for w in values), 0.0
    for w in values:
        total += w
    for c in range(len(values) + 1):  # t is between the shifts number c - 1 and c that make a value 0
        pull = l1 * (2 * c - len(values))
        low, high = zeros[c - 1] if c else -inf, zeros[c] if c < len(values) else inf
        if l2 > 0:
            root = -(pull + l2 * total) / (l2 * len(values))
            if root <= high:
                return max(root, low)
        elif pull >= 0:  # level from low to high if the pull is 0
            return low if pull > 0 or low > 0 else min(high, 0.0)
    return 0.0
