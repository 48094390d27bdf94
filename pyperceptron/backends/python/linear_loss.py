"""One loss over samples, summed over chunks of rows: values and gradients, Hessians, and statistics of the columns."""

from __future__ import annotations

from array import array
from math import floor

from pyperceptron.backends.python.linear_algebra import add_in_tree
from pyperceptron.losses import LOSSES
from pyperceptron.matrix import Matrix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Numbers = array[float]
    Rows = list[list[float]]


class LinearLoss:
    """The data term of an objective: Σ s·ℓ(y, z) over the samples, with the logits z = W·x + b.

    inputs          n_rows × n_inputs, float64 ("d"), float32 ("f") or bytes ("B")
    targets         float64 ("d"), n_rows × n_outputs; or classes in bytes or uint16 ("H"): n_rows × n_outputs of 0 and 1, or
                    n_rows × 1, the index of the output whose target is 1 (for a single output its target, 0 or 1)
    sample_weights  the s, n_rows of float64; None if each is 1
    loss            a name in pyperceptron.losses.LOSSES
    intercept       whether each output has an intercept, as the coefficient of an input that is always 1
    rows_in_chunk   chunk c holds the rows from c · rows_in_chunk
    offsets         n_inputs of float64 that are subtracted from each row to make its x; None for none
    stop            a byte that another thread sets to 1 to have the methods raise InterruptedError soon; None for none

    All tables are C-contiguous memoryviews of two dimensions, vectors memoryviews of one. Coefficients are arrays of
    n_outputs × width, each output's together; width is n_inputs and, with an intercept, 1 more. Numbers within ±1e150 make
    finite results as long as the logits are finite. A pickle holds a copy of the samples.

    The results of several chunks are added pairwise, in a binary tree over the chunk numbers: first … last - 1 is split at
    the largest power of two below its length. So nodes computed separately give the same total to the bit.
    """

    def __init__(
        self,
        inputs: memoryview[float],
        targets: memoryview[Any],
        sample_weights: memoryview[float] | None,
        n_outputs: int,
        loss: str,
        intercept: bool,
        rows_in_chunk: int,
        offsets: memoryview[float] | None = None,
        stop: bytearray | None = None,
    ) -> None:
        self._arguments = inputs, targets, sample_weights, n_outputs, loss, intercept, rows_in_chunk, offsets
        rows: Rows = inputs.tolist()  # type: ignore[assignment]
        if offsets is not None:
            rows = [[value - offset for value, offset in zip(row, offsets, strict=True)] for row in rows]
        if intercept:
            rows = [[*row, 1.0] for row in rows]
        self._rows = rows
        given: Rows = targets.tolist()  # type: ignore[assignment]
        self._targets = [_indicators(row, n_outputs) for row in given]
        self._sample_weights: list[float] = [1.0] * len(rows) if sample_weights is None else sample_weights.tolist()  # type: ignore[assignment]
        self._loss, self._is_coupled = LOSSES[loss].function, LOSSES[loss].coupled
        self._rows_in_chunk = rows_in_chunk
        self._stop = stop
        self._n_outputs = n_outputs
        self.width = len(rows[0])

    def __reduce__(self) -> tuple[Any, ...]:
        return pickled_loss(LinearLoss, *self._arguments)

    @property
    def rows(self) -> Matrix:
        """Each x, with its 1 if there is an intercept: n_rows × width."""
        return Matrix(self._rows)

    @property
    def targets(self) -> Matrix:
        """The targets, n_rows × n_outputs."""
        return Matrix(self._targets)

    def evaluate(self, coefficients: Numbers, first: int, last: int) -> Numbers:
        """Return Σ s·ℓ, then its gradient, n_outputs × width, over the chunks first … last - 1."""
        weights = self._weights(coefficients)
        return add_in_tree([self._evaluate_chunk(weights, None, chunk) for chunk in range(first, last)])

    def examine(self, coefficients: Numbers, centre: Numbers, first: int, last: int) -> Numbers:
        """Return what `evaluate` does, then the magnitudes, n_outputs × width, of the terms that the gradient sums up.

        A magnitude is Σ s·|∂ℓ/∂z|·|x - centre| for a column, and Σ s·|∂ℓ/∂z| for an intercept.
        """
        weights = self._weights(coefficients)
        return add_in_tree([self._evaluate_chunk(weights, centre, chunk) for chunk in range(first, last)])

    def _evaluate_chunk(self, weights: Matrix, centre: Numbers | None, chunk: int) -> Numbers:
        rows, targets, sample_weights = self._chunk(chunk)
        total = 0.0
        gradients = []
        for logits, target, weight in zip((rows @ weights).rows, targets, sample_weights, strict=True):
            loss, own, _ = self._loss(logits, target)
            total += weight * loss
            gradients.append([weight * gradient for gradient in own])
        result = array("d", [total, *(Matrix(gradients).T @ rows).values])
        if centre is not None:
            middle = [*centre, 0.0]  # the 0 is for the 1 of an intercept
            distances = Matrix([abs(value - own) for value, own in zip(row, middle, strict=False)] for row in rows.rows)
            magnitudes = Matrix([abs(gradient) for gradient in own] for own in gradients)
            result.extend((magnitudes.T @ distances).values)
        return result

    def hessian(
        self,
        coefficients: Numbers,
        output: int,
        other: int,
        rows: array[int] | None,
        row_weights: Numbers | None,
        first: int,
        last: int,
    ) -> Numbers:
        """Return Σ s·h·x·xᵀ over the rows first … last - 1, x with its 1: width × width, the lower triangle, the rest 0.

        h is the second derivative of the loss in the logits of `output` and `other`, which differ for the softmax only; output
        -1 takes the mean over the outputs of the loss's curvatures. If `rows` (of "q") lists some rows, first and last are
        places in it, and each row's term is multiplied by its row weight.
        """
        numbers = range(first, last) if rows is None else rows[first:last]
        total = Matrix([[0.0] * self.width] * self.width)
        if len(numbers):
            samples = Matrix(self._rows[i] for i in numbers)
            scaled = []
            for place, (i, logits) in enumerate(zip(numbers, (samples @ self._weights(coefficients)).rows, strict=True), first):
                self._look()
                curvature = self._curvature(logits, self._targets[i], output, other) * self._sample_weights[i]
                curvature *= 1.0 if row_weights is None else row_weights[place]
                scaled.append([curvature * value for value in self._rows[i]])
            total = samples.T @ Matrix(scaled)
        return array("d", [value if k <= j else 0.0 for j, row in enumerate(total.rows) for k, value in enumerate(row)])

    def hessians(
        self,
        coefficients: Numbers,
        output: int,
        count: int,
        rows: array[int] | None,
        row_weights: Numbers | None,
        first: int,
        last: int,
    ) -> Numbers:
        """Return what `hessian` does for each of `count` outputs from `output` on, one after the other."""
        matrices = array("d")
        for own in range(output, output + count):
            matrices.extend(self.hessian(coefficients, own, own, rows, row_weights, first, last))
        return matrices

    def sampling_scores(self, coefficients: Numbers, means: Numbers, scales: Numbers, first: int, last: int) -> Numbers:
        """Return s·h·(1 + Σ ((x - mean)/scale)²) of each row of the chunks first … last - 1, h the mean over the outputs.

        This is the row's contribution to the trace of the Hessian in standardised columns.
        """
        weights = self._weights(coefficients)
        scores = array("d")
        for chunk in range(first, last):
            rows, targets, sample_weights = self._chunk(chunk)
            samples = zip(rows.rows, (rows @ weights).rows, targets, sample_weights, strict=True)
            for row, logits, target, weight in samples:
                score = 1.0
                for value, mean, scale in zip(row, means, scales, strict=False):  # a row may have its 1 besides
                    distance = (value - mean) / scale
                    score += distance * distance
                scores.append(weight * self._curvature(logits, target, -1, -1) * score)
        return scores

    def moments(self, centre: Numbers, first: int, last: int) -> Numbers:
        """Return Σ s, each column's Σ s·(x - centre), then each's Σ s·(x - centre)², over the chunks first … last - 1."""
        return add_in_tree([self._moments_of_chunk(centre, chunk) for chunk in range(first, last)])

    def _moments_of_chunk(self, centre: Numbers, chunk: int) -> Numbers:
        rows, _, sample_weights = self._chunk(chunk)
        total, sums, squares = 0.0, [0.0] * len(centre), [0.0] * len(centre)
        for row, weight in zip(rows.rows, sample_weights, strict=True):
            total += weight
            for j, middle in enumerate(centre):
                distance = row[j] - middle
                sums[j] += weight * distance
                squares[j] += weight * (distance * distance)
        return array("d", [total, *sums, *squares])

    def row_logits(self, coefficients: Numbers, rows: array[int] | None, first: int, last: int) -> Numbers:
        """Return the logits of some rows: n_outputs × (last - first), each output's together.

        They are the rows first … last - 1 or, if `rows` (of "q") lists some, those at these places in it.
        """
        logits = self._some_rows(rows, first, last) @ self._weights(coefficients)
        return array("d", logits.T.values)

    def combine_rows(self, values: Numbers, rows: array[int] | None, first: int, last: int) -> Numbers:
        """Return Σ values·x over such rows for each output, x with its 1: n_outputs × width.

        values  n_outputs × (last - first), as row_logits returns them
        """
        count = last - first
        factors = Matrix(values[at : at + count] for at in range(0, len(values), count))
        return array("d", (factors @ self._some_rows(rows, first, last)).values)

    def curvature_factors(
        self, coefficients: Numbers, rows: array[int] | None, first: int, last: int
    ) -> tuple[Numbers, Numbers]:
        """Return the sample weights s of such rows, and their curvature factors f: n_outputs × (last - first).

        The second derivatives of s·ℓ in a row's logits are s·f for each output, and 0 between outputs. Of the softmax they are
        s·(diag(f) - f·fᵀ), f its outputs.
        """
        numbers = range(first, last) if rows is None else rows[first:last]
        logits = self._some_rows(rows, first, last) @ self._weights(coefficients)
        factors = []
        for i, own in zip(numbers, logits.rows, strict=True):
            self._look()
            _, gradients, curvatures = self._loss(own, self._targets[i])
            outputs = [gradient + target for gradient, target in zip(gradients, self._targets[i], strict=True)]
            factors.append(outputs if self._is_coupled else list(curvatures))
        return array("d", [self._sample_weights[i] for i in numbers]), array("d", Matrix(factors).T.values)

    def gram(self, centre: Numbers, divisors: Numbers, rows: array[int] | None, first: int, last: int) -> Numbers:
        """Return Σⱼ (xᵢⱼ - centreⱼ)·(xₗⱼ - centreⱼ) / divisorsⱼ over the columns j, for rows i and l: some rows of a matrix.

        The matrix is of all rows, or of those that `rows` lists; its rows first … last - 1 are returned, up to the diagonal and
        then filled with 0. So it has (last - first) × n numbers for n rows.
        """
        numbers = range(len(self._rows)) if rows is None else rows
        distances = [[value - middle for value, middle in zip(self._rows[i], centre, strict=False)] for i in numbers]
        result = array("d")
        for i in range(first, last):
            self._look()
            scaled = Matrix([[value / divisor for value, divisor in zip(distances[i], divisors, strict=True)]])
            products = (scaled @ Matrix(distances[: i + 1]).T).values
            result.extend([*products, *[0.0] * (len(numbers) - i - 1)])
        return result

    def columns(self, listed: array[int], centre: Numbers, by_rows: bool) -> Numbers:
        """Return x - centre of the columns that `listed` (of "q") names: n_rows × len(listed), or transposed unless by_rows."""
        if by_rows:
            return array("d", [row[j] - centre[j] for row in self._rows for j in listed])
        return array("d", [row[j] - centre[j] for j in listed for row in self._rows])

    def with_inputs(self, inputs: memoryview[float], rows_in_chunk: int, stop: bytearray) -> LinearLoss:
        """Return the same loss over other inputs, as many rows of them, without offsets."""
        _, targets, sample_weights, n_outputs, loss, intercept, _, _ = self._arguments
        return LinearLoss(inputs, targets, sample_weights, n_outputs, loss, intercept, rows_in_chunk, None, stop)

    def _some_rows(self, rows: array[int] | None, first: int, last: int) -> Matrix:
        numbers = range(first, last) if rows is None else rows[first:last]
        return Matrix(self._rows[i] for i in numbers)

    def _look(self) -> None:
        if self._stop and self._stop[0]:
            raise InterruptedError("another thread has failed")

    def _curvature(self, logits: Sequence[float], targets: Sequence[float], output: int, other: int) -> float:
        _, gradients, curvatures = self._loss(logits, targets)
        if output >= 0 and output != other:  # of the softmax, whose gradients are o - y
            return -(gradients[output] + targets[output]) * (gradients[other] + targets[other])
        if output >= 0:
            return curvatures[output]
        total = 0.0
        for curvature in curvatures:
            total += curvature
        return total / len(curvatures)

    def _weights(self, coefficients: Numbers) -> Matrix:
        """The coefficients as width × n_outputs."""
        return Matrix(coefficients[first : first + self.width] for first in range(0, len(coefficients), self.width)).T

    def _chunk(self, chunk: int) -> tuple[Matrix, Rows, list[float]]:
        """The rows, targets and sample weights of a chunk."""
        self._look()
        place = slice(chunk * self._rows_in_chunk, (chunk + 1) * self._rows_in_chunk)
        return Matrix(self._rows[place]), self._targets[place], self._sample_weights[place]


def systematic_sample(values: Numbers, wanted: int) -> tuple[array[int], Numbers]:
    """Choose about `wanted` of the values, at most one more; return their indices (of "q") and their weights.

    Systematic sampling: value i has inclusion probability min(1, wanted·value/total) and is chosen when the running total of
    the probabilities passes an integer; its weight is 1/probability. Weighted sums over the chosen approximate those over all.
    Nothing is random.
    """
    total = 0.0
    for value in values:
        total += value
    indices, weights, passed = array("q"), array("d"), 0.0
    for index, value in enumerate(values):
        probability = min(1.0, wanted * value / total) if total > 0 else 0.0
        before, passed = passed, passed + probability
        if floor(passed) > floor(before) and len(indices) <= wanted:
            indices.append(index)
            weights.append(1 / probability)
    return indices, weights


def pickled_loss(
    kind: type[Any],
    inputs: memoryview[float],
    targets: memoryview[Any],
    sample_weights: memoryview[float] | None,
    n_outputs: int,
    loss: str,
    intercept: bool,
    rows_in_chunk: int,
    offsets: memoryview[float] | None,
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return the value of LinearLoss.__reduce__: a function and its arguments, which hold copies of the samples."""
    views = [view and (view.tobytes(), view.format, view.shape) for view in (inputs, targets, sample_weights, offsets)]
    return _unpickled_loss, (kind, *views, n_outputs, loss, intercept, rows_in_chunk)


def _unpickled_loss(kind: type[Any], inputs: Any, targets: Any, sample_weights: Any, offsets: Any, *settings: Any) -> Any:
    views = [
        packed and memoryview(packed[0]).cast(packed[1], packed[2]) for packed in (inputs, targets, sample_weights, offsets)
    ]
    return kind(*views[:3], *settings, views[3])


def _indicators(targets: list[float], n_outputs: int) -> list[float]:
    """The targets of each output: as given, or 1 for the output of this index and 0 for the others."""
    if len(targets) == n_outputs:
        return [float(target) for target in targets]
    return [float(targets[0] == output) for output in range(n_outputs)]
