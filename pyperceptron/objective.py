"""The objective J, a loss over samples plus penalties: its value, gradient and Hessian, summed chunk by chunk."""

from __future__ import annotations

from array import array
from math import fsum, sqrt
from operator import mul

from pyperceptron.chunks import WORTH_A_THREAD
from pyperceptron.containers import zeros

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyperceptron.backends import Backend, LinearLoss
    from pyperceptron.chunks import Chunks
    from pyperceptron.columns import Columns
    from pyperceptron.losses import Loss

    Numbers = array[float]

_BYTES_FOR_A_SCORE = 1600  # bytes of samples for each 8-byte sampling score, which exists twice: the scores take 1%
_HESSIAN_PARTS = 4  # a Hessian of many rows is summed in at most as many parts, whatever the number of threads
_BYTES_FOR_A_PART = 100  # of samples, to one byte of such a part


class RowSubset:
    """Indices of sampled rows and their weights: the weighted sum over them approximates the sum over all rows."""

    def __init__(self, rows: array[int], weights: Numbers) -> None:
        self.rows = rows
        self.weights = weights


class Objective:
    """J(W, b) = (1/Σs) Σᵢ sᵢ·ℓ(yᵢ, zᵢ) + Σⱼ (l2ⱼ/2)·wⱼ² + Σⱼ l1ⱼ·|wⱼ|, z the logits of row i.

    Coefficients are n_outputs × width, each output's together, its intercept last. The penalties l2_weights and l1_weights have
    the same shape: l2 and l1, or with `standardize` l2·deviation² and l1·deviation, as if the columns were standardised; 0 for
    intercepts.

    means, scales  of the columns, as an optimum sees them: deviations from the weighted mean with an intercept, else from 0;
                   1 for a column that does not vary
    passes         how often the samples were evaluated
    """

    def __init__(
        self,
        backend: Backend,
        linear_loss: LinearLoss,
        chunks: Chunks,
        columns: Columns,
        loss: Loss,
        n_outputs: int,
        *,
        l2: float = 0.0,
        l1: float = 0.0,
        intercept: bool = True,
        standardize: bool = False,
    ) -> None:
        self.backend = backend
        self.loss = loss
        self.n_rows, self.n_inputs, self._rows_in_chunk = chunks.n_rows, len(columns.means), chunks.rows_in_chunk
        self.n_outputs = n_outputs
        self.intercept = intercept
        self.width = self.n_inputs + intercept
        self.size = n_outputs * self.width
        self.total_weight = columns.total_weight
        self.passes = 0
        self._linear_loss, self._chunks = linear_loss, chunks
        self.means, self.scales = columns.means, columns.deviations
        if not intercept:
            deviations = zip(columns.deviations, columns.means, strict=True)
            self.scales = array("d", (sqrt(d * d + mean * mean) for d, mean in deviations))
            self.means = zeros(self.n_inputs)
        self.scales = array("d", (scale or 1.0 for scale in self.scales))
        units = array("d", (d or 1.0 for d in columns.deviations) if standardize else [1.0] * self.n_inputs)
        self.l2, self.l1 = l2, l1
        self.l2_weights, self.l1_weights = zeros(self.size), zeros(self.size)
        for start in range(0, self.size, self.width):
            self.l2_weights[start : start + self.n_inputs] = array("d", (l2 * unit * unit for unit in units))
            self.l1_weights[start : start + self.n_inputs] = array("d", (l1 * unit for unit in units))

    def evaluate(self, coefficients: Numbers) -> tuple[float, Numbers]:
        """Return the smooth part of J, which is all but the l1 penalty, and its gradient."""
        total = self._chunks.sum(self._linear_loss.evaluate, coefficients)
        gradient = zeros(self.size)
        value: float = self.backend.reduce_objective(total, self.total_weight, coefficients, self.l2_weights, gradient)
        self.passes += 1
        return value, gradient

    def l1_penalty(self, coefficients: Numbers) -> float:
        """Return Σ l1·|w|, the part of J that is not smooth."""
        return fsum(map(mul, self.l1_weights, map(abs, coefficients))) if self.l1 else 0.0

    def hessian(self, coefficients: Numbers, output: int = -1, subset: RowSubset | None = None) -> Numbers:
        """Return the smooth part's second derivatives in one output's coefficients: width × width, the lower triangle.

        output  -1 for the mean curvature over the outputs
        subset  rows to sum over instead of all
        """
        rows, row_weights = (subset.rows, subset.weights) if subset else (None, None)
        n_rows = len(subset.rows) if subset else self.n_rows
        work = n_rows * self.width**2
        max_parts = self.n_rows * self._chunks.bytes_in_row // (_BYTES_FOR_A_PART * 8 * self.width**2)
        n_parts = 1 if work < WORTH_A_THREAD else max(1, min(_HESSIAN_PARTS, max_parts))
        bounds = [(n_rows * part // n_parts, n_rows * (part + 1) // n_parts) for part in range(n_parts)]
        parts = self._chunks.map(bounds, self._linear_loss.hessian, coefficients, output, rows, row_weights)
        matrix: Numbers = self.backend.add_in_tree(parts)
        self.backend.add_scaled(matrix, 1 / self.total_weight - 1, matrix)
        for j in range(self.n_inputs):
            matrix[j * self.width + j] += self.l2_weights[j]
        return matrix

    def representative_rows(self, coefficients: Numbers, n_rows: int) -> RowSubset | None:
        """Sample about n_rows rows whose weighted Hessian approximates the full one; return None if that is over half of them.

        If rows are short, only every few chunks are scored, so that the scores take little memory compared with the samples.
        """
        if 2 * n_rows > self.n_rows:
            return None
        every = min(-(-_BYTES_FOR_A_SCORE // self._chunks.bytes_in_row), max(1, self.n_rows // (16 * n_rows)))
        scored = [(chunk, chunk + 1) for chunk in range(0, self._chunks.n_chunks, every)]
        scores, score = array("d"), self._linear_loss.sampling_scores
        for own in self._chunks.map(scored, score, coefficients, self.means, self.scales):
            scores.extend(own)
        rows, weights = self.backend.systematic_sample(scores, n_rows)
        if every > 1:  # every chunk but the last is whole, so the place of a score tells its chunk
            places = (divmod(index, self._rows_in_chunk) for index in rows)
            rows = array("q", (chunk * every * self._rows_in_chunk + row for chunk, row in places))
            self.backend.add_scaled(weights, self.n_rows / len(scores) - 1, weights)
        return RowSubset(rows, weights)

    def hessian_cost(self, n_rows: int) -> float:
        """Estimate the cost of a Hessian over n_rows rows and its Cholesky factor, in evaluations.

        Counted in multiplications: a read counts as two, an exponential as 40.
        """
        logits = self.width * max(2, self.n_outputs) + 40 * self.n_outputs
        evaluation = logits + self.width * max(2, self.n_outputs)
        return (n_rows * (logits + self.width**2 / 2) + self.width**3 / 6) / (self.n_rows * evaluation)

    def max_curvature(self, standardised: bool = False) -> float:
        """Return a bound on the eigenvalues of the smooth part's Hessian; `standardised`: in standardised columns.

        In the logits this bound is the loss's curvature_bound, and the largest eigenvalue of mean(x·xᵀ) is at most its trace.
        """
        if standardised:
            pairs = zip(self.l2_weights, self.scales, strict=False)
            trace, l2 = float(self.width), max((weight / (scale * scale) for weight, scale in pairs), default=0.0)
        else:
            trace = float(self.intercept)
            for mean, scale in zip(self.means, self.scales, strict=True):
                trace += mean * mean + scale * scale
            l2 = max(self.l2_weights)
        assert self.loss.curvature_bound is not None
        return self.loss.curvature_bound * trace + l2

    def gradient_norm(self, coefficients: Numbers, gradient: Numbers) -> float:
        """Return the maximum norm of J's gradient in standardised columns: 0 at a stationary point, and only there.

        A component is (∂J/∂w - mean·∂J/∂b) / scale or ∂J/∂b. With l1 the gradient is the minimum-norm subgradient.
        """
        if self.l1:
            gradient = array("d", map(minimum_norm_subgradient, gradient, coefficients, self.l1_weights))
        return float(self.backend.max_scaled_gradient(gradient, self.n_outputs, self.means, self.scales))


def minimum_norm_subgradient(gradient: float, coefficient: float, l1: float) -> float:
    """Return the subgradient of smallest magnitude of a smooth function plus l1·|w|, from the smooth one's gradient at w."""
    if coefficient > 0:
        return gradient + l1
    if coefficient < 0:
        return gradient - l1
    return soft_threshold(gradient, l1)


def soft_threshold(value: float, threshold: float) -> float:
    """Return sign(value)·max(|value| - threshold, 0)."""
    return max(value - threshold, 0.0) + min(value + threshold, 0.0)
