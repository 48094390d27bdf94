"""Loss and penalty over samples, summed chunk by chunk: the one thing that a solver sees."""

from __future__ import annotations

from array import array
from functools import partial
from math import sqrt
from operator import mul

from pyperceptron.checks import LIMIT
from pyperceptron.chunks import WORTH_A_THREAD, Chunks, rows_in_chunk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    from pyperceptron.backends import Backend, LinearLoss
    from pyperceptron.losses import Loss

    Numbers = array[float]

_BYTES_FOR_A_NOTE = 800  # of samples, to one number of 8 bytes: 1%
_HESSIAN_PARTS = 4  # a Hessian of many rows is summed in so many parts at most, whatever the number of threads
_BYTES_FOR_A_PART = 100  # of samples, to one byte of such a part
_SAFE_TOTAL = 1e290  # a sum of squares with a number beyond ±LIMIT is larger


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

    `refuse_outside(limit)` is called if the samples may hold what is no number within ±limit, and raises if they do.
    """

    def __init__(
        self,
        backend: Backend,
        inputs: memoryview[float],
        targets: memoryview[Any],
        sample_weights: Numbers | None,
        refuse_outside: Callable[[float], None],
        *,
        n_outputs: int,
        loss: Loss,
        l2: float = 0.0,
        l1: float = 0.0,
        fit_intercept: bool = True,
        standardize: bool = False,
        threads: int | None = 1,
    ) -> None:
        assert inputs.shape is not None
        self.kernels = backend
        self.loss = loss
        self.n_rows, self.n_inputs = inputs.shape
        self.n_outputs = n_outputs
        self.intercept = fit_intercept
        self.width = self.n_inputs + fit_intercept
        self.size = n_outputs * self.width
        self.passes = 0
        self._row_bytes = inputs.nbytes // self.n_rows
        self._rows_in_chunk = rows_in_chunk(self.width)
        weights = None if sample_weights is None else memoryview(sample_weights)
        self._linear_loss: LinearLoss = backend.LinearLoss(
            inputs, targets, weights, n_outputs, loss.name, fit_intercept, self._rows_in_chunk
        )
        work = self._rows_in_chunk * self.width * n_outputs
        self._chunks = Chunks(-(-self.n_rows // self._rows_in_chunk), work, threads, backend)
        first_row = array("d", inputs[:1].tolist()[0])  # type: ignore
        self.total_weight, self.means, deviations = self._moments(first_row, refuse_outside)
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
        total = self._chunks.sum(partial(self._linear_loss.evaluate, coefficients))
        gradient = zeros(self.size)
        value: float = self.kernels.reduce_objective(total, self.total_weight, coefficients, self.ridge, gradient)
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
        n_parts = 1 if work < WORTH_A_THREAD else max(1, min(_HESSIAN_PARTS, room))
        bounds = [(n_rows * part // n_parts, n_rows * (part + 1) // n_parts) for part in range(n_parts)]
        parts = self._chunks.map(partial(self._linear_loss.hessian, coefficients, output, rows, row_weights), bounds)
        matrix: Numbers = self.kernels.add_in_tree(parts)
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
        chosen = [(chunk, chunk + 1) for chunk in range(0, self._chunks.n_chunks, every)]
        values = array("d")
        for scores in self._chunks.map(
            partial(self._linear_loss.sampling_scores, coefficients, self.means, self.scales), chosen
        ):
            values.extend(scores)
        rows, weights = self.kernels.systematic_sample(values, n_rows)
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
        assert self.loss.curvature_bound is not None
        return self.loss.curvature_bound * trace + ridge

    def optimality(self, coefficients: Numbers, gradient: Numbers) -> float:
        """The largest slope of J in any coefficient, were all columns standardised: 0 at an optimum, and only there.

        In such coordinates a coefficient's slope is (∂J/∂w - mean·∂J/∂b) / scale. With lasso the slopes are those of the
        least of J's subgradients.
        """
        if self.l1:
            gradient = array("d", map(_least_subgradient, gradient, coefficients, self.lasso))
        return float(self.kernels.max_scaled_gradient(gradient, self.n_outputs, self.means, self.scales))

    def close(self) -> None:
        """End the threads, if any were started."""
        self._chunks.close()

    def __enter__(self) -> Objective:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _moments(self, centre: Numbers, refuse_outside: Callable[[float], None]) -> tuple[float, Numbers, Numbers]:
        """Σ s, and the weighted mean and standard deviation of each column, summed as distances from `centre`."""
        total = self._chunks.sum(partial(self._linear_loss.moments, centre))
        if not (sum(map(abs, total)) < _SAFE_TOTAL and max(map(abs, centre)) <= LIMIT):  # nan is not either
            refuse_outside(LIMIT)
        weight = total[0]
        shifts = [value / weight for value in total[1 : 1 + self.n_inputs]]
        variances = [square / weight - shift * shift for square, shift in zip(total[1 + self.n_inputs :], shifts, strict=True)]
        means = array("d", (middle + shift for middle, shift in zip(centre, shifts, strict=True)))
        if any(0 < variance < 1e-6 * shift * shift for variance, shift in zip(variances, shifts, strict=True)):
            return self._moments(means, refuse_outside)  # the centre was too far away to tell the variance
        return weight, means, array("d", (sqrt(max(variance, 0.0)) for variance in variances))


def _least_subgradient(slope: float, coefficient: float, lasso: float) -> float:
    if coefficient > 0:
        return slope + lasso
    if coefficient < 0:
        return slope - lasso
    return max(slope - lasso, 0.0) + min(slope + lasso, 0.0)


def _over_square(value: float, divisor: float) -> float:
    return value / (divisor * divisor)


def zeros(count: int) -> Numbers:
    """A vector of zeros."""
    return array("d", bytes(8 * count))
