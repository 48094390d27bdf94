"""Statistics of the columns of X: total weight, weighted means and standard deviations."""

from __future__ import annotations

from array import array
from math import sqrt

from pyperceptron.checks import LIMIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyperceptron.backends import LinearLoss
    from pyperceptron.chunks import Chunks

    Numbers = array[float]

_SAFE_TOTAL = 1e290  # a sum of weighted squares with a number beyond ±LIMIT is larger
LEAST_WEIGHT = 1e-9  # of a row whose numbers beyond ±LIMIT are sure to make it so


class Columns:
    """The statistics of n columns.

    total_weight  Σ s
    means         weighted means, n numbers
    deviations    weighted standard deviations, 0 for a column that does not vary
    in_range      False if X may hold nan or a number beyond ±LIMIT in a row of LEAST_WEIGHT or more; the other statistics are
                  then undefined
    """

    def __init__(self, total_weight: float, means: Numbers, deviations: Numbers, in_range: bool) -> None:
        self.total_weight = total_weight
        self.means = means
        self.deviations = deviations
        self.in_range = in_range


def column_statistics(loss: LinearLoss, chunks: Chunks, centre: Numbers) -> Columns:
    """Compute the statistics in one pass over the data, as sums of differences from `centre`, a point near the data.

    If the centre is so far from a mean that cancellation spoils the variance, repeat the pass with the means as the centre.
    """
    n = len(centre)
    total = chunks.sum(loss.moments, centre)
    weight, sums, squares = total[0], total[1 : 1 + n], total[1 + n :]
    in_range = sum(map(abs, total)) < _SAFE_TOTAL and max(map(abs, centre)) <= LIMIT  # False for nan
    shifts = [value / weight for value in sums]
    variances = [square / weight - shift * shift for square, shift in zip(squares, shifts, strict=True)]
    means = array("d", (middle + shift for middle, shift in zip(centre, shifts, strict=True)))
    if any(0 < variance < 1e-6 * shift * shift for variance, shift in zip(variances, shifts, strict=True)):
        return column_statistics(loss, chunks, means)
    return Columns(weight, means, array("d", (sqrt(max(variance, 0.0)) for variance in variances)), in_range)
