"""Loss and penalty over samples, summed chunk by chunk: the one thing that a solver sees."""

from __future__ import annotations

import os
from array import array
from math import isfinite, sqrt
from operator import mul

from pyperceptron.losses import LARGEST_CURVATURES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from types import TracebackType

    from pyperceptron.backends import Backend

    Numbers = array[float]

_CHUNK_VALUES = 65_536  # numbers in a chunk, at least
_CHUNK_ROWS = 512  # rows in a chunk for each output, at least: a chunk's gradient must be small beside its rows
_BYTES_FOR_A_NOTE = 800  # of samples, to one number of 8 bytes: 1%
_HESSIAN_PARTS = 4  # a Hessian of many rows is summed in so many parts at most, whatever the number of threads
_BYTES_FOR_A_PART = 100  # of samples, to one byte of such a part
_WORTH_A_THREAD = 2_000_000  # multiplications that repay starting one
_WORK_AT_ONCE = 8_000_000  # multiplications, a few milliseconds, after which a thread looks whether the others go on


class Sample:
    """Some of the rows, and what to multiply each one's term of a sum by."""

    def __init__(self, rows: array[int], weights: Numbers) -> None:
        self.rows = rows
        self.weights = weights


class Objective:
    """J(W, b) = (1/Σs) Σᵢ sᵢ·ℓ(yᵢ, zᵢ) + Σⱼ (ridge[j]/2)·wⱼ² + Σⱼ lasso[j]·|wⱼ|, zᵢ the weighted sums of row i.

    Coefficients are n_outputs × width, each output's together, its intercept last. ridge and lasso are l2 and l1; where
    `standardize` is set they are l2·deviation² and l1·deviation, which is what standardised columns would be given; they
    are 0 for intercepts.

    means, scales  of the columns, as an optimum sees them: deviations from the weighted mean where there is an intercept,
                   else from 0; 1 for a column that does not vary
    passes         how often the samples have been evaluated

    `refuse_not_finite` is called where the samples may hold what is no finite number, and raises if they do.
    """

    def __init__(
        self,
        kernels: Backend,
        inputs: memoryview[float],
        targets: memoryview[int],
        sample_weights: Numbers | None,
        refuse_not_finite: Callable[[], None],
        *,
        n_outputs: int,
        loss: str,
        l2: float = 0.0,
        l1: float = 0.0,
        fit_intercept: bool = True,
        standardize: bool = False,
        threads: int | None = 1,
    ) -> None:
        assert inputs.shape is not None
        self.kernels = kernels
        self.loss = loss
        self.n_rows, self.n_inputs = inputs.shape
        self.n_outputs = n_outputs
        self.intercept = fit_intercept
        self.width = self.n_inputs + fit_intercept
        self.size = n_outputs * self.width
        self.passes = 0
        self._row_bytes = inputs.nbytes // self.n_rows
        rows_in_chunk = self._rows_in_chunk = max(_CHUNK_ROWS * n_outputs, _CHUNK_VALUES // max(self.width, 8))
        self._n_chunks = -(-self.n_rows // rows_in_chunk)
        self._work_of_chunk = rows_in_chunk * self.width * n_outputs
        self._threads = threads or _sensible_threads(self._n_chunks * self._work_of_chunk)
        self._executor: Executor | None = None
        weights: memoryview[float] | None = None if sample_weights is None else memoryview(sample_weights)
        self._problem = kernels.Problem(inputs, targets, weights, n_outputs, loss, fit_intercept, rows_in_chunk)
        self._parts = zeros((1 + self.size) * self._n_chunks)
        first_row = array("d", inputs[:1].tolist()[0])  # type: ignore
        self.total_weight, self.means, deviations = self._moments(first_row, refuse_not_finite)
        self.scales = deviations
        if not fit_intercept:
            self.scales = array("d", (sqrt(d * d + mean * mean) for d, mean in zip(deviations, self.means, strict=True)))
            self.means = zeros(self.n_inputs)
        penalties = array("d", (d or 1.0 for d in deviations) if standardize else [1.0] * self.n_inputs)
        self.scales = array("d", (scale or 1.0 for scale in self.scales))
        self.l2, self.l1 = l2, l1
        self.ridge, self.lasso = zeros(self.size), zeros(self.size)
        for start in range(0, self.size, self.width):
            self.ridge[start : start + self.n_inputs] = array("d", (l2 * scale * scale for scale in penalties))
            self.lasso[start : start + self.n_inputs] = array("d", (l1 * scale for scale in penalties))

    def evaluate(self, coefficients: Numbers) -> tuple[float, Numbers]:
        """The smooth part of J, which is all but lasso, and its gradient."""
        evaluate, parts = self._problem.evaluate, self._parts
        self._share(self._n_chunks, self._work_of_chunk, lambda first, last: evaluate(coefficients, first, last, parts))
        gradient = zeros(self.size)
        value = self.kernels.add_up_objective(parts, self.total_weight, coefficients, self.ridge, gradient)
        self.passes += 1
        return value, gradient

    def lasso_penalty(self, coefficients: Numbers) -> float:
        """Σ lasso·|w|, the part of J that is not smooth."""
        return sum(map(mul, self.lasso, map(abs, coefficients))) if self.l1 else 0.0

    def hessian(self, coefficients: Numbers, output: int = -1, sample: Sample | None = None) -> Numbers:
        """The smooth part's second derivatives in one output's coefficients: width × width, the lower triangle.

        `output` -1 takes the mean curvature over the outputs. A sample of the rows makes it cheaper.
        """
        rows, row_weights = (sample.rows, sample.weights) if sample else (None, None)
        n_rows = len(sample.rows) if sample else self.n_rows
        work = n_rows * self.width**2
        room = self.n_rows * self._row_bytes // (_BYTES_FOR_A_PART * 8 * self.width**2)
        n_parts = 1 if work < _WORTH_A_THREAD else max(1, min(_HESSIAN_PARTS, room))
        bounds = [n_rows * part // n_parts for part in range(n_parts + 1)]
        parts = [zeros(self.width**2) for _ in range(n_parts)]

        def sum_parts(first: int, last: int) -> None:
            for part in range(first, last):
                self._problem.hessian(coefficients, output, rows, row_weights, bounds[part], bounds[part + 1], parts[part])

        self._share(n_parts, work // n_parts, sum_parts)
        matrix = parts[0]
        for part in parts[1:]:
            self.kernels.add_scaled(matrix, 1.0, part)
        self.kernels.add_scaled(matrix, 1 / self.total_weight - 1, matrix)
        for j in range(self.n_inputs):
            matrix[j * self.width + j] += self.ridge[j]
        return matrix

    def sample(self, coefficients: Numbers, n_rows: int) -> Sample | None:
        """About so many rows that stand for all in the Hessian there; None where that would spare less than half of them.

        Of short rows only every few chunks are looked at, so that what is noted of them stays small beside them.
        """
        if 2 * n_rows > self.n_rows:
            return None
        every = min(-(-_BYTES_FOR_A_NOTE // self._row_bytes), max(1, self.n_rows // (16 * n_rows)))
        noted, values = zeros(self._rows_in_chunk), array("d")
        for chunk in range(0, self._n_chunks, every):
            count = self._problem.importances(coefficients, self.means, self.scales, chunk, noted)
            values.extend(noted[:count])
        picked, weights = array("q", bytes(8 * (n_rows + 1))), zeros(n_rows + 1)
        count = self.kernels.pick(values, n_rows, picked, weights)
        rows, weights = picked[:count], weights[:count]
        if every > 1:  # every chunk but the last is whole, so a note's place tells its chunk
            places = (divmod(index, self._rows_in_chunk) for index in rows)
            rows = array("q", (chunk * every * self._rows_in_chunk + row for chunk, row in places))
            self.kernels.add_scaled(weights, self.n_rows / len(values) - 1, weights)
        return Sample(rows, weights)

    def cost_of_hessian(self, n_rows: int) -> float:
        """What a Hessian of so many rows and its factor cost, in evaluations.

        Counted in multiplications: a number that is read is worth two at least, an exponential 40. A Hessian needs the
        weighted sums and the exponentials too.
        """
        sums = self.width * max(2, self.n_outputs) + 40 * self.n_outputs
        evaluation = sums + self.width * max(2, self.n_outputs)
        return (n_rows * (sums + self.width**2 / 2) + self.width**3 / 6) / (self.n_rows * evaluation)

    def largest_curvature(self, standardised: bool = False) -> float:
        """A bound on the smooth part's second derivative in any direction, also were all columns standardised.

        A loss curves by at most so much in the sums, and the largest eigenvalue of mean(x·xᵀ) is at most its trace.
        """
        if standardised:
            trace, ridge = float(self.width), max(map(_over_square, self.ridge, self.scales), default=0.0)
        else:
            trace = self.intercept + sum(m * m + s * s for m, s in zip(self.means, self.scales, strict=True))
            ridge = max(self.ridge)
        return LARGEST_CURVATURES[self.loss] * trace + ridge

    def optimality(self, coefficients: Numbers, gradient: Numbers) -> float:
        """The largest slope of J in any coefficient, were all columns standardised: 0 at an optimum, and only there.

        In such coordinates a coefficient's slope is (∂J/∂w - mean·∂J/∂b) / scale. With lasso the slopes are those of the
        least of J's subgradients.
        """
        if self.l1:
            gradient = array("d", map(_least_subgradient, gradient, coefficients, self.lasso))
        return self.kernels.largest_slope(gradient, self.n_outputs, self.means, self.scales)

    def close(self) -> None:
        """End the threads, if any were started."""
        if self._executor is not None:
            self._executor.shutdown()

    def __enter__(self) -> Objective:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _moments(self, centre: Numbers, refuse_not_finite: Callable[[], None]) -> tuple[float, Numbers, Numbers]:
        """Σ s, and the weighted mean and standard deviation of each column, summed as distances from `centre`."""
        size = 1 + 2 * self.n_inputs
        parts, total = zeros(size * self._n_chunks), zeros(size)
        moments = self._problem.moments
        self._share(
            self._n_chunks, self._work_of_chunk // self.n_outputs, lambda first, last: moments(centre, first, last, parts)
        )
        self.kernels.add_up(parts, total)
        if not all(map(isfinite, total)):
            refuse_not_finite()
            column = next(index for index, value in enumerate(total[1:]) if not isfinite(value)) % self.n_inputs
            raise ValueError(f"X column {column} holds numbers too large to be squared and summed: scale it down")
        weight = total[0]
        shifts = [value / weight for value in total[1 : 1 + self.n_inputs]]
        variances = [square / weight - shift * shift for square, shift in zip(total[1 + self.n_inputs :], shifts, strict=True)]
        means = array("d", (middle + shift for middle, shift in zip(centre, shifts, strict=True)))
        if any(0 < variance < 1e-6 * shift * shift for variance, shift in zip(variances, shifts, strict=True)):
            return self._moments(means, refuse_not_finite)  # the centre was too far away to tell the variance
        return weight, means, array("d", (sqrt(max(variance, 0.0)) for variance in variances))

    def _share(self, n_jobs: int, work_of_job: int, work: Callable[[int, int], None]) -> None:
        """Do work(first, last) for all of the jobs 0 … n_jobs - 1, some at a time, on so many threads."""
        if self._threads == 1 or n_jobs == 1:
            work(0, n_jobs)
            return
        if self._executor is None:
            from concurrent.futures import ThreadPoolExecutor  # here, because most trainings need none

            self._executor = ThreadPoolExecutor(self._threads - 1)
        at_once = max(1, min(_WORK_AT_ONCE // max(work_of_job, 1), n_jobs // (4 * self._threads)))
        starts = iter(range(0, n_jobs, at_once))

        def take_turns() -> None:
            for first in starts:
                work(first, min(first + at_once, n_jobs))

        others = [self._executor.submit(take_turns) for _ in range(self._threads - 1)]
        try:
            take_turns()
        finally:
            for _ in starts:  # after an interruption: nothing is left to do for the others
                pass
            for other in others:
                other.result()


def _least_subgradient(slope: float, coefficient: float, lasso: float) -> float:
    if coefficient > 0:
        return slope + lasso
    if coefficient < 0:
        return slope - lasso
    return max(slope - lasso, 0.0) + min(slope + lasso, 0.0)


def _over_square(value: float, divisor: float) -> float:
    return value / (divisor * divisor)


def _sensible_threads(work: int) -> int:
    """As many threads as the work, in multiplications for one evaluation, is worth and the machine has."""
    if work < 2 * _WORTH_A_THREAD:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, work // _WORTH_A_THREAD)


def zeros(count: int) -> Numbers:
    """A vector of zeros."""
    return array("d", bytes(8 * count))
