"""Statistics of the columns of X: total weight, a robust centre, weighted means and standard deviations."""

from __future__ import annotations

from array import array
from itertools import repeat
from operator import add, gt, mul, or_, sub

from pyperceptron.checks import LIMIT
from pyperceptron.vectors import as_flat, float64_copy, zeros

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyperceptron.backends import Backend, LinearLoss
    from pyperceptron.chunks import Chunks
    from pyperceptron.containers import Rows

    Numbers = array[float]

_SAFE_TOTAL = 1e290  # a sum of weighted squares with a number beyond ±LIMIT is larger
LEAST_WEIGHT = 1e-9  # of a row whose numbers beyond ±LIMIT are sure to make it so
_TINY = 1e-153  # the square of a deviation this small is the smallest float of full precision
_PASSES = 3  # at most, until no variance is spoilt by cancellation
_FAR_FROM_0 = 30.0  # a mean this many standard deviations from 0 is subtracted from its column
_FAR_FROM_BULK = 1000.0  # and so is a median this many times the spread of most rows


class Columns:
    """The statistics of n columns.

    total_weight  Σ s
    centre        the medians of nine rows, n numbers: a few outliers do not move them
    spreads       the ranges of the middle three of the nine rows, n numbers
    shifts        weighted means less the centre, n numbers
    deviations    weighted standard deviations, 0 for a column that does not vary
    in_range      False if X may hold nan or a number beyond ±LIMIT in a row of LEAST_WEIGHT or more; the other statistics are
                  then undefined
    """

    def __init__(
        self, total_weight: float, centre: Numbers, spreads: Numbers, shifts: Numbers, deviations: Numbers, in_range: bool
    ) -> None:
        self.total_weight = total_weight
        self.centre = centre
        self.spreads = spreads
        self.shifts = shifts
        self.deviations = deviations
        self.in_range = in_range

    def offsets(self) -> Numbers | None:
        """Return what to subtract from each column so that rounding does not hide how it varies; None for nothing.

        A column whose numbers are far from 0, compared with how they vary, gets its centre, any other one 0.
        """
        bulk, mean = map(mul, repeat(_FAR_FROM_BULK), self.spreads), map(mul, repeat(_FAR_FROM_0), self.deviations)
        by_median = map(gt, map(abs, self.centre), bulk)
        by_mean = map(gt, map(abs, map(add, self.centre, self.shifts)), mean)
        far = [j for j, is_far in enumerate(map(or_, by_median, by_mean)) if is_far]
        offsets = zeros(len(self.centre))
        for j in far:
            by_bulk = abs(self.centre[j]) > _FAR_FROM_BULK * self.spreads[j] > 0
            if by_bulk or abs(self.centre[j] + self.shifts[j]) > _FAR_FROM_0 * self.deviations[j] > 0:
                offsets[j] = self.centre[j]
        return offsets if any(offsets) else None

    def of(self, listed: array[int], offsets: Numbers) -> Columns:
        """Return the statistics of some of the columns, less their offsets."""
        centre, offset, spreads, shifts, deviations = (
            array("d", [numbers[j] for j in listed])
            for numbers in (self.centre, offsets, self.spreads, self.shifts, self.deviations)
        )
        return Columns(self.total_weight, array("d", map(sub, centre, offset)), spreads, shifts, deviations, self.in_range)


def column_statistics(loss: LinearLoss, chunks: Chunks, view: memoryview[float], backend: Backend) -> Columns:
    """Compute the statistics of the samples in `view`, as sums of differences from the centre.

    If a mean is so far from the centre that cancellation spoils the variance, repeat the pass with the means as the centre.
    """
    centre, spreads = _middle_of_nine_rows(view, backend)
    near = centre
    for _ in range(_PASSES):
        total = chunks.sum(loss.moments, near)
        in_range = sum(map(abs, total)) < _SAFE_TOTAL and max(map(abs, near)) <= LIMIT  # False for nan
        shifts, deviations, is_spoilt = backend.deviations(total)
        if not (in_range and is_spoilt):
            break
        near = array("d", map(add, near, shifts))
    from_centre = shifts if near is centre else array("d", map(add, map(sub, near, centre), shifts))
    return Columns(total[0], centre, spreads, from_centre, deviations, in_range)


def refuse_tiny(columns: Columns, table: Rows) -> None:
    """Raise ValueError if a column varies so little that the squares of its deviations underflow."""
    if min(columns.deviations) >= _TINY:
        return
    for j, deviation in enumerate(columns.deviations):
        if deviation >= _TINY or abs(columns.centre[j]) > 1e10 * _TINY or (deviation == 0 and table.view.format != "d"):
            continue
        values = as_flat(table.view)[j :: table.n_columns]
        if deviation > 0 or (values.tobytes().count(0) != values.nbytes and min(values) != max(values)):
            name = f"column {j}" if table.names is None else f"column {table.names[j]!r}"
            raise ValueError(f"X {name} varies by less than {_TINY:g}; expected more, as its square underflows: scale it up")


def _middle_of_nine_rows(view: memoryview[float], backend: Backend) -> tuple[Numbers, Numbers]:
    """Return each column's median of nine rows that lie evenly in the view, and the range of the middle three."""
    n_rows, n = len(view), as_flat(view).nbytes // view.itemsize // len(view)
    flat, rows = as_flat(view), array("d")
    for part in range(1, 18, 2):
        place = n * (n_rows * part // 18)
        rows.extend(float64_copy(flat[place : place + n]))
    middle: tuple[Numbers, Numbers] = backend.middle_of_nine(rows)
    return middle
