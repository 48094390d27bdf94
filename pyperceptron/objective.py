"""The objective J, a loss over samples plus penalties: its value, gradient and Hessian, summed chunk by chunk."""

from __future__ import annotations

from array import array
from itertools import pairwise, repeat
from math import fsum, inf, sqrt
from operator import add, le, mul, sub

from pyperceptron.chunks import WORTH_A_THREAD, Chunks
from pyperceptron.vectors import as_flat, as_view, zeros

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyperceptron.backends import Backend, LinearLoss
    from pyperceptron.columns import Columns
    from pyperceptron.losses import Loss

    Numbers = array[float]

_BYTES_FOR_A_SCORE = 1600  # bytes of samples for each 8-byte sampling score, which exists twice: the scores take 1%
_NEGLIGIBLE = 2e-9  # twice the part of J that a component of the gradient may leave unseen
_ROUNDING_ERRORS = 1e-13  # of J: mean errors that are nothing but rounding
_ROWS_AT_ONCE = 16_384  # whose logits are kept at a time
_HESSIAN_PARTS = 4  # a Hessian of many rows is summed in at most as many parts, whatever the number of threads
_GRAM_PARTS = 8  # of a Gram matrix, whose numbers do not depend on how many there are
_BYTES_FOR_A_PART = 100  # of samples, to one byte of such a part
_NUMBERS_AT_ONCE = 131_072  # in the Hessians of several outputs that are summed at a time, 1 MB


class RowSubset:
    """Indices of sampled rows and their weights: the weighted sum over them approximates the sum over all rows."""

    def __init__(self, rows: array[int], weights: Numbers) -> None:
        self.rows = rows
        self.weights = weights


class Objective:
    """J(W, b) = (1/Σs) Σᵢ sᵢ·ℓ(yᵢ, zᵢ) + Σⱼ (l2ⱼ/2)·wⱼ² + Σⱼ l1ⱼ·|wⱼ|, z the logits of row i.

    Coefficients are n_outputs × width, each output's together, its intercept last. They refer to columns less the offsets that
    `linear_loss` has. The penalties l2_weights and l1_weights have the same shape: l2 and l1, or with `standardize`
    l2·deviation² and l1·deviation, as if the columns were standardised; 0 for intercepts.

    means, scales  of the columns, as an optimum sees them: deviations from the weighted mean with an intercept, else from 0;
                   1 for a column that does not vary
    is_penalised   whether l2 or l1 is positive
    units          what a penalty takes a coefficient times: 1, or with `standardize` the deviations
    centre         near most rows, however large a few numbers are; 0 without an intercept
    spreads        about the standard deviations of most rows, however large a few numbers are
    constant       the columns that do not vary, as an optimum sees them
    varies         whether any column differs between the rows
    rarest         the weight of the rarest class, as a fraction of all
    passes         how often the samples were evaluated
    last_loss      J without the penalties, at the coefficients that were evaluated last
    is_singular    whether a Hessian was found to be singular, beyond rounding
    work           multiplications for one pass
    is_wide        whether there are more columns that vary than rows, so that they are sure to depend on each other
    """

    def __init__(
        self,
        backend: Backend,
        view: memoryview[float],
        linear_loss: LinearLoss,
        chunks: Chunks,
        columns: Columns,
        loss: Loss,
        n_outputs: int,
        *,
        offsets: Numbers | None = None,
        rarest: float = 1.0,
        l2: float = 0.0,
        l1: float = 0.0,
        intercept: bool = True,
        standardize: bool = False,
        linear: Numbers | None = None,
    ) -> None:
        self.backend = backend
        self.loss = loss
        self.n_rows, self.n_inputs, self._rows_in_chunk = chunks.n_rows, len(columns.centre), chunks.rows_in_chunk
        self.n_outputs = n_outputs
        self.intercept = intercept
        self.width = self.n_inputs + intercept
        self.size = n_outputs * self.width
        self.total_weight = columns.total_weight
        self.offsets = offsets or zeros(self.n_inputs)
        self.rarest = rarest
        self.passes, self.last_loss = 0, 0.0
        self.is_singular = False
        self.work = chunks.work
        self._view, self._linear_loss, self._chunks = view, linear_loss, chunks
        self._statistics, self._standardize = columns, standardize
        self.centre = array("d", map(sub, columns.centre, offsets)) if offsets else columns.centre
        self.means = array("d", map(add, self.centre, columns.shifts))
        self.scales = columns.deviations
        if not intercept:
            deviations = zip(columns.deviations, self.means, strict=True)
            self.scales = array("d", (sqrt(d * d + mean * mean) for d, mean in deviations))
            self.means = self.centre = zeros(self.n_inputs)
        self.varies = any(columns.deviations)
        self.constant = [j for j, scale in enumerate(self.scales) if scale == 0] if 0.0 in self.scales else []
        if self.constant:
            self.scales = array("d", (scale or 1.0 for scale in self.scales))
        self.is_wide = self.n_inputs - len(self.constant) > self.n_rows - intercept
        self.spreads = array("d", map(min, columns.spreads, self.scales))
        if 0.0 in self.spreads:
            self.spreads = array("d", (spread or scale for spread, scale in zip(self.spreads, self.scales, strict=True)))
        units = array("d", (d or 1.0 for d in columns.deviations)) if standardize else array("d", [1.0]) * self.n_inputs
        self.units = units
        self._squared_scales = array("d", map(mul, self.scales, self.scales)) + zeros(intercept)
        self.l2, self.l1 = l2, l1
        self._linear = linear
        self.is_penalised = l2 > 0 or l1 > 0 or linear is not None
        of_intercept = zeros(intercept)
        own_l2 = array("d", map(mul, map(mul, repeat(l2), units), units)) if standardize else array("d", [l2]) * self.n_inputs
        own_l1 = array("d", map(mul, repeat(l1), units)) if standardize else array("d", [l1]) * self.n_inputs
        self.l2_weights, self.l1_weights = ((own + of_intercept) * n_outputs for own in (own_l2, own_l1))

    def without_offsets(self, coefficients: Numbers) -> Numbers:
        """Return the coefficients for the columns as given."""
        coefficients = coefficients[:]
        for first in range(0, self.size, self.width) if any(self.offsets) else ():
            products = map(mul, coefficients[first : first + self.n_inputs], self.offsets)
            coefficients[first + self.n_inputs] = fsum((coefficients[first + self.n_inputs], *(-term for term in products)))
        return coefficients

    def with_offsets(self, coefficients: Numbers) -> Numbers:
        """Return the coefficients for the columns less the offsets."""
        coefficients = coefficients[:]
        for first in range(0, self.size, self.width) if any(self.offsets) else ():
            products = map(mul, coefficients[first : first + self.n_inputs], self.offsets)
            coefficients[first + self.n_inputs] = fsum((coefficients[first + self.n_inputs], *products))
        return coefficients

    def evaluate(self, coefficients: Numbers) -> tuple[float, Numbers]:
        """Return the smooth part of J, which is all but the l1 penalty, and its gradient."""
        total = self._chunks.sum(self._linear_loss.evaluate, coefficients)
        return self._reduced(total, coefficients)

    def examine(self, coefficients: Numbers) -> tuple[float, Numbers, float, int]:
        """Return what `evaluate` does, the imbalance of J's gradient, 0 at an optimum and at most 1, and whose it is.

        An imbalance is |Σ t| / Σ |t| of the terms t that a component of the gradient sums up: those of the rows, with each
        column less its centre, and those of the penalties. It is 1 if all pull the same way, however small the component is, so
        that neither a scale nor a weight nor a rare class can hide a coefficient that still has far to go. The largest counts.

        If all outputs equal their targets, as they can where y holds probabilities, the terms are rounding and the imbalance is
        0. (Of separable classes J becomes as small as the terms.)
        """
        total = self._chunks.sum(self._linear_loss.examine, coefficients, self.centre)
        terms = total[1 + self.size :]
        self.backend.scale(terms, 1 / self.total_weight)
        errors = terms[self.n_inputs :: self.width]
        value, gradient = self._reduced(total[: 1 + self.size], coefficients)
        slopes = gradient[:]
        self.backend.centre_gradient(slopes, self.n_outputs, self.centre)
        if self.l2:
            self.backend.add_scaled(terms, 1.0, array("d", map(abs, map(mul, self.l2_weights, coefficients))))
            # A component g leaves at most g²/(2·l2) of J, by the convexity of the penalty.
            bounds = map(mul, repeat(_NEGLIGIBLE * value), self.l2_weights)
            for at in [at for at, leaves in enumerate(map(le, map(mul, slopes, slopes), bounds)) if leaves]:
                slopes[at] = 0.0 if self.l2_weights[at] else slopes[at]
        if self.l1:
            slopes = self.backend.minimum_norm_subgradients(slopes, coefficients, self.l1_weights)
            self.backend.add_scaled(terms, 1.0, self.l1_weights)
        if self._linear:
            self.backend.add_scaled(terms, 1.0, array("d", map(abs, self._linear)))
        for j in self.constant:
            for at in range(j, self.size, self.width):
                slopes[at], terms[at] = 0.0, 1.0
        if self.intercept and max(errors) <= _ROUNDING_ERRORS * value:
            slopes, terms = zeros(self.size), array("d", [1.0]) * self.size
        return value, gradient, *self.backend.largest_ratio(slopes, terms)

    def _reduced(self, total: Numbers, coefficients: Numbers) -> tuple[float, Numbers]:
        gradient = zeros(self.size)
        value: float = self.backend.reduce_objective(total, self.total_weight, coefficients, self.l2_weights, gradient)
        if self._linear:
            value += self.backend.dot(self._linear, coefficients)
            self.backend.add_scaled(gradient, 1.0, self._linear)
        self.passes += 1
        self.last_loss = total[0] / self.total_weight
        return value, gradient

    def l1_penalty(self, coefficients: Numbers) -> float:
        """Return Σ l1·|w|, the part of J that is not smooth."""
        return fsum(map(mul, self.l1_weights, map(abs, coefficients))) if self.l1 else 0.0

    def hessian(
        self, coefficients: Numbers, output: int = -1, other: int | None = None, subset: RowSubset | None = None
    ) -> Numbers:
        """Return second derivatives of the smooth part: width × width, the lower triangle.

        output  in whose coefficients; -1 for the mean over the outputs
        other   another output, for the mixed second derivatives in the coefficients of both
        subset  rows to sum over instead of all
        """
        pair = (output, output if other is None else other)
        matrix = self._sum_over_rows(self._linear_loss.hessian, coefficients, pair, subset, 1)
        if pair[0] == pair[1]:
            self.add_l2(matrix)
        return matrix

    def hessians(self, coefficients: Numbers, subset: RowSubset | None) -> Iterator[Numbers]:
        """Yield for each output what `hessian` returns, without the l2 penalty."""
        square = self.width**2
        at_once = max(1, min(_NUMBERS_AT_ONCE // square, self.n_outputs))
        for output in range(0, self.n_outputs, at_once):
            count = min(at_once, self.n_outputs - output)
            matrices = self._sum_over_rows(self._linear_loss.hessians, coefficients, (output, count), subset, count)
            for start in range(0, count * square, square):
                yield matrices[start : start + square]

    def add_l2(self, matrix: Numbers) -> None:
        """Add the second derivatives of the l2 penalty to a Hessian in one output's coefficients."""
        for j in range(self.n_inputs):
            matrix[j * self.width + j] += self.l2_weights[j]

    def _sum_over_rows(
        self,
        function: Callable[..., Numbers],
        coefficients: Numbers,
        outputs: tuple[int, int],
        subset: RowSubset | None,
        n_matrices: int,
    ) -> Numbers:
        """Return n_matrices sums over all rows or some, divided by the total weight, whatever the number of threads."""
        rows, row_weights = (subset.rows, subset.weights) if subset else (None, None)
        n_rows = len(subset.rows) if subset else self.n_rows
        numbers = n_matrices * self.width**2
        max_parts = self.n_rows * self._chunks.bytes_in_row // (_BYTES_FOR_A_PART * 8 * numbers)
        n_parts = 1 if n_rows * numbers < WORTH_A_THREAD else max(1, min(_HESSIAN_PARTS, max_parts))
        bounds = [(n_rows * part // n_parts, n_rows * (part + 1) // n_parts) for part in range(n_parts)]
        parts = self._chunks.map(bounds, function, coefficients, *outputs, rows, row_weights)
        total: Numbers = self.backend.add_in_tree(parts)
        self.backend.scale(total, 1 / self.total_weight)
        return total

    def restricted(self, listed: array[int], linear: Numbers | None = None) -> Objective:
        """Return J as a function of these columns' coefficients alone, of a copy of the columns without offsets.

        linear  n_outputs × the new width, stands for the l1 penalty: Σ linear·w, as where no coefficient changes its sign
        """
        n = len(listed)
        view = as_view(self._linear_loss.columns(listed, zeros(self.n_inputs), True), n)
        chunks = Chunks(view, n + self.intercept, self.n_outputs, self._chunks.threads, self.backend)
        return Objective(
            self.backend,
            view,
            self._linear_loss.with_inputs(view, chunks.rows_in_chunk, chunks.stop),
            chunks,
            self._statistics.of(listed, self.offsets),
            self.loss,
            self.n_outputs,
            rarest=self.rarest,
            l2=self.l2,
            l1=0.0 if linear else self.l1,
            intercept=self.intercept,
            standardize=self._standardize,
            linear=linear,
        )

    def of_columns(self, coefficients: Numbers, listed: array[int]) -> Numbers:
        """Return the coefficients of some columns and the intercepts."""
        result = array("d")
        for first in range(0, self.size, self.width):
            result.extend(array("d", [coefficients[first + j] for j in listed]))
            result.extend(coefficients[first + self.n_inputs : first + self.width])
        return result

    def with_columns(self, coefficients: Numbers, listed: array[int]) -> Numbers:
        """Return the inverse of of_columns, with 0 for all other columns."""
        result, n = zeros(self.size), len(listed)
        for first, own in zip(range(0, self.size, self.width), range(0, len(coefficients), n + self.intercept), strict=True):
            for place, j in enumerate(listed):
                result[first + j] = coefficients[own + place]
            result[first + self.n_inputs : first + self.width] = coefficients[own + n : own + n + self.intercept]
        return result

    def column_norms(self, coefficients: Numbers, gradient: Numbers) -> Numbers:
        """Return for each column the largest part, over the outputs, that it has in `gradient_norm`."""
        slopes = self._subgradients(coefficients, gradient)
        norms: Numbers = self.backend.column_norms(slopes, self.n_outputs, self.scales)
        return norms

    def nonzero_columns(self, coefficients: Numbers) -> list[int]:
        """Return the columns with a coefficient that is not 0."""
        sizes = self.backend.column_norms(coefficients, self.n_outputs, array("d", [1.0]) * self.n_inputs)
        return [j for j, size in enumerate(sizes) if size]

    def columns(self, listed: array[int], centre: Numbers) -> Numbers:
        """Return x - centre of some columns, less the offsets, each one's numbers together: len(listed) × n_rows."""
        return self._linear_loss.columns(listed, centre, False)

    def diagonal(self, penalty: float, ridge: float) -> Numbers:
        """Return penalty·l2 + ridge·scale² of each column, for one output: width numbers, an intercept's 0."""
        result = self._squared_scales[:]
        self.backend.scale(result, ridge)
        self.backend.add_scaled(result, penalty, self.l2_weights[: self.width])
        return result

    def gram(self, divisors: Numbers, rows: array[int] | None) -> Numbers:
        """Return the products Σ x·x' / divisors of some rows less the means of their columns: n × n, the lower triangle.

        rows  the rows' numbers; None for all
        """
        count, per_row = self.n_rows if rows is None else len(rows), self.n_inputs
        n_parts = 1 if count * count * per_row < 2 * WORTH_A_THREAD else _GRAM_PARTS
        ends = [int(count * sqrt(part / n_parts)) for part in range(n_parts)] + [count]  # parts of about equal work
        bounds = [(first, last) for first, last in pairwise(ends) if first < last]
        parts = self._chunks.map(bounds, self._linear_loss.gram, self.means, divisors[: self.n_inputs], rows)
        matrix = parts[0]
        for part in parts[1:]:
            matrix.extend(part)
        return matrix

    def row_logits(self, coefficients: Numbers, rows: array[int] | None) -> Numbers:
        """Return the logits of some rows, or of all: n_outputs × n, each output's together."""
        return self._joined(self._chunks.map(self._row_bounds(rows), self._linear_loss.row_logits, coefficients, rows))

    def combine_rows(self, values: Numbers, rows: array[int] | None) -> Numbers:
        """Return Σ values·x over some rows, or all, x with its 1, for each output: n_outputs × width."""
        bounds = self._row_bounds(rows)
        count = bounds[-1][1]

        def combine(first: int, last: int) -> Numbers:
            own = array("d")
            for start in range(0, len(values), count):
                own.extend(values[start + first : start + last])
            return self._linear_loss.combine_rows(own, rows, first, last)

        total: Numbers = self.backend.add_in_tree(self._chunks.map(bounds, combine))
        return total

    def curvature_factors(self, coefficients: Numbers, rows: array[int] | None) -> tuple[Numbers, Numbers]:
        """Return the weights of some rows, or of all, and their curvature factors, n_outputs × n, as LinearLoss says."""
        parts = self._chunks.map(self._row_bounds(rows), self._linear_loss.curvature_factors, coefficients, rows)
        return array("d", [weight for weights, _ in parts for weight in weights]), self._joined([own for _, own in parts])

    def _row_bounds(self, rows: array[int] | None) -> list[tuple[int, int]]:
        """Return ranges of some rows, or of all, that depend on nothing else, as sums over them have their bits from that."""
        count = self.n_rows if rows is None else len(rows)
        return [(first, min(first + self._rows_in_chunk, count)) for first in range(0, count, self._rows_in_chunk)]

    def _joined(self, parts: list[Numbers]) -> Numbers:
        """Return n_outputs × n numbers from those of each range of rows."""
        joined = array("d")
        for output in range(self.n_outputs):
            for part in parts:
                count = len(part) // self.n_outputs
                joined.extend(part[output * count : (output + 1) * count])
        return joined

    def hessian_of_all_outputs(self, coefficients: Numbers) -> Numbers:
        """Return all second derivatives of the smooth part: size × size, the lower triangle.

        If outputs are coupled, adding one number to a column's coefficients in all of them changes no probability; a curvature
        for such a change is added where no penalty gives one, so that the matrix is not singular for that reason.
        """
        size, width = self.size, self.width
        matrix = zeros(size * size)
        for output in range(self.n_outputs):
            for other in range(output + 1) if self.loss.coupled else (output,):
                block = self.hessian(coefficients, output, other)
                for j in range(width):
                    row = block[j * width : (j + 1) * width]
                    if other < output:  # a whole, symmetric block, of which the lower triangle is known
                        row[j + 1 :] = block[(j + 1) * width + j :: width]
                    start = (output * width + j) * size + other * width
                    matrix[start : start + width] = row
        if self.loss.coupled:
            for j in range(width):
                if not (self.l2_weights[j] or self.l1_weights[j]):
                    curvatures = [matrix[at * size + at] for at in range(j, size, width)]
                    for at in range(j, size, width):
                        for other in range(j, at + 1, width):
                            matrix[at * size + other] += fsum(curvatures) / self.n_outputs
        return matrix

    def cost_of_all_outputs(self) -> float:
        """Estimate the cost of `hessian_of_all_outputs` and its Cholesky factor, in multiplications."""
        n_blocks = self.n_outputs * (self.n_outputs + 1) / 2 if self.loss.coupled else self.n_outputs
        logits = self.n_outputs * (self.width + 40)
        return n_blocks * self.n_rows * (logits + self.width**2 / 2) + self.size**3 / 6

    def representative_rows(self, coefficients: Numbers, n_rows: int) -> RowSubset | None:
        """Sample about n_rows rows whose weighted Hessian approximates the full one; return None if that is over half of them.

        If rows are short, only every few chunks are scored, so that the scores take little memory compared with the samples.
        """
        if 2 * n_rows > self.n_rows:
            return None
        every = min(-(-_BYTES_FOR_A_SCORE // self._chunks.bytes_in_row), max(1, self.n_rows // (16 * n_rows)))
        scores = self._scores(coefficients, self.scales, every)
        rows, weights = self.backend.systematic_sample(scores, n_rows)
        if every > 1:  # every chunk but the last is whole, so the place of a score tells its chunk
            places = (divmod(index, self._rows_in_chunk) for index in rows)
            rows = array("q", (chunk * every * self._rows_in_chunk + row for chunk, row in places))
            self.backend.scale(weights, self.n_rows / len(scores))
        return RowSubset(rows, weights)

    def largest_logit(self, coefficients: Numbers) -> float:
        """Return the largest magnitude of a logit."""
        coefficients, largest = self.without_offsets(coefficients), 0.0
        for first in range(0, self.n_rows, _ROWS_AT_ONCE):
            rows = self._view[first : first + _ROWS_AT_ONCE]
            logits = zeros(len(rows) * self.n_outputs)
            self.backend.predict(rows, coefficients, "identity", as_view(logits, self.n_outputs))
            largest = max(largest, max(logits), -min(logits))
        return largest

    def some_rows(self, n_rows: int) -> tuple[list[int], Numbers]:
        """Return the indices of about n_rows rows that stand for all, with their weights: no column is rare among them."""
        scores = self._scores(zeros(self.size), self.scales)
        if self.n_rows > 2 * n_rows:
            rows, weights = self.backend.systematic_sample(scores, n_rows)
            return rows.tolist(), weights
        rows = [row for row, score in enumerate(scores) if score > 0]
        return rows, array("d", [1.0]) * len(rows)

    def curvatures_of(self, coefficients: Numbers, rows: list[int]) -> list[float]:
        """Return each row's part s·h / Σs of a Hessian, h the mean over the outputs."""
        curvatures = self._scores(coefficients, array("d", [inf]) * self.n_inputs)
        return [curvatures[row] / self.total_weight for row in rows]

    def _scores(self, coefficients: Numbers, scales: Numbers, every: int = 1) -> Numbers:
        """Return the sampling scores of the rows of every so many chunks."""
        scores, own_scores = array("d"), self._linear_loss.sampling_scores
        bounds = [(chunk, chunk + 1) for chunk in range(0, self._chunks.n_chunks, every)]
        for own in self._chunks.map(bounds, own_scores, coefficients, self.means, scales):
            scores.extend(own)
        return scores

    def columns_of(self, rows: list[int]) -> list[Numbers]:
        """Return the columns of these rows, less the offsets, and with an intercept its 1s."""
        n, flat = self.n_inputs, as_flat(self._view)
        lists = [flat[row * n : (row + 1) * n].tolist() for row in rows]
        columns = [array("d", column) for column in zip(*lists, strict=True)]
        for column, offset in zip(columns, self.offsets, strict=True):
            if offset:
                self.backend.add_scaled(column, -offset, array("d", [1.0]) * len(column))
        return columns + [array("d", [1.0]) * len(rows)] * self.intercept

    def cost_of_evaluation(self) -> float:
        """Estimate the cost of an evaluation, in multiplications as `cost_of_all_outputs` counts them."""
        return self._hessian_work(0)[2]

    def hessian_cost(self, n_rows: int, n_matrices: int = 1) -> float:
        """Estimate the cost of Hessians over n_rows rows and their Cholesky factors, in evaluations.

        Counted in multiplications: a read counts as two, an exponential as 40.
        """
        of_row, of_factors, evaluation = self._hessian_work(n_matrices)
        return (n_rows * of_row + of_factors) / evaluation

    def rows_worth(self, cost: float, n_matrices: int) -> int:
        """Return over how many rows Hessians cost as much as so many evaluations; none if the Cholesky factors cost more."""
        of_row, of_factors, evaluation = self._hessian_work(n_matrices)
        return max(0, int((cost * evaluation - of_factors) / of_row))

    def _hessian_work(self, n_matrices: int) -> tuple[float, float, float]:
        """Return the work for a row in Hessians, for their Cholesky factors, and for an evaluation."""
        logits = self.width * max(2, self.n_outputs) + 40 * self.n_outputs
        evaluation = logits + self.width * max(2, self.n_outputs)
        return logits + n_matrices * self.width**2 / 2, n_matrices * self.width**3 / 6, self.n_rows * evaluation

    def row_preconditioner_cost(self, n_rows: int, has_gram: bool) -> float:
        """Estimate the cost of a RowPreconditioner of n_rows rows, in evaluations, counted as for `hessian_cost`."""
        evaluation = 2 * self.width * max(2, self.n_outputs) + 40 * self.n_outputs
        gram = 0 if has_gram else n_rows**2 * self.width / 2 * (self.n_outputs if n_rows < self.n_rows else 1)
        return (gram + self.n_outputs * n_rows**3 / 6) / (self.n_rows * evaluation)

    def max_curvature(self) -> float:
        """Return a bound on the eigenvalues of the smooth part's Hessian.

        In the logits this bound is the loss's curvature_bound, and the largest eigenvalue of mean(x·xᵀ) is at most its trace.
        """
        trace = float(self.intercept)
        for mean, scale in zip(self.means, self.scales, strict=True):
            trace += mean * mean + scale * scale
        assert self.loss.curvature_bound is not None
        return self.loss.curvature_bound * trace + max(self.l2_weights)

    def gradient_norm(self, coefficients: Numbers, gradient: Numbers) -> float:
        """Return the maximum norm of J's gradient in standardised columns: 0 at a stationary point, and only there.

        A component is (∂J/∂w - mean·∂J/∂b) / scale or ∂J/∂b; with l1, (∂J/∂w - mean·∂J/∂b) is first made the subgradient of
        least magnitude.
        """
        if not self.l1:
            return float(self.backend.max_scaled_gradient(gradient, self.n_outputs, self.means, self.scales))
        slopes = self._subgradients(coefficients, gradient)
        return float(self.backend.max_scaled_gradient(slopes, self.n_outputs, zeros(self.n_inputs), self.scales))

    def _subgradients(self, coefficients: Numbers, gradient: Numbers) -> Numbers:
        """Return J's gradient for columns less their means; with l1, the subgradients of least magnitude."""
        slopes = gradient[:]
        self.backend.centre_gradient(slopes, self.n_outputs, self.means)
        return self.backend.minimum_norm_subgradients(slopes, coefficients, self.l1_weights) if self.l1 else slopes

    def step_length(self, step: Numbers) -> float:
        """Return the maximum norm of a step of the coefficients, in columns standardised by how most of their rows vary."""
        largest = 0.0
        for first in range(0, self.size, self.width):
            own = step[first : first + self.n_inputs]
            largest = max([largest, *(abs(w) * spread for w, spread in zip(own, self.spreads, strict=True))])
            if self.intercept:
                largest = max(largest, abs(step[first + self.n_inputs] + self.backend.dot(own, self.centre)))
        return largest


def soft_threshold(value: float, threshold: float) -> float:
    """Return sign(value)·max(|value| - threshold, 0)."""
    return max(value - threshold, 0.0) + min(value + threshold, 0.0)
