"""Models of J's Hessian that a quasi-Newton method steps by, and remakes on its way."""

# Design of HessianBlocks, for several outputs
#
# (a) The Hessian of k outputs of w coefficients each has k²·w² numbers, and its Cholesky factor takes k³·w³/6 multiplications.
#     The blocks on its diagonal, one for each output, take 1/k and 1/k² of that. B consists of these; what the outputs do to
#     each other is left to the curvature pairs, with one exception: adding the same to all outputs of a softmax changes no
#     probability. So B is for what is left of each output when their mean is subtracted. Otherwise each step would leave the
#     plane that holds the optimum, and only the penalty, which is weak, would bring the next ones back.
# (b) A row whose class is certain has no curvature until a step makes it uncertain. So a tenth of each block is the Hessian
#     with equal curvatures, at coefficients of 0, with as large a diagonal on average. It is computed once. It also makes up
#     for columns of which a sample has too few rows, so that two rows per column do.
# (c) The first B is the Hessian with equal curvatures. The blocks are computed after 10, 20, 40 ... passes since the last time,
#     from as many rows as a fifth of these passes cost, or from two rows per column; if these cost more, B waits until the
#     passes have cost as much. So all Hessians together cost about as much as the passes, at most.
# (d) If there is no more than a weak penalty, two outputs may share nearly all probability of many rows, and the curvature of
#     their sum is a tiny part of that of either. No blocks tell. So the Hessian of all outputs follows after as many passes as
#     two of it cost, and then after 10, 20, 40 ... passes, if it takes no more than 32 MB.
# (e) Memory: k + 2 matrices of w². If they have more numbers than the samples, and more than 32 MB, B is one Hessian for all
#     outputs, their mean.
#
# Passes to within 1e-6 of the optimum, and until tol=1e-6 ends the training (C = 1, columns standardised or divided by 255):
#
#     rows×columns, classes                   columns' scales   mean Hessian   blocks      with (b)   with (b) and less the mean
#     digits 1,797×64, 10                       77    92          82    95     38    44    42    50     32    40
#     rare columns 10,000×54, 7                177   278         354   518    157   210   134   209     33    66
#     clusters 20,000×30, 50                                      82    94     27    30    61    72     20    29
#     strokes / 255, 10,000×784, 10            401   598         202   255     92   109                 64    86
#     strokes 10,000×655, 10                   793   835        2067  2105                             143   168

from __future__ import annotations

from array import array
from math import fsum, sqrt
from operator import mul, truediv

from pyperceptron.row_preconditioner import RowPreconditioner
from pyperceptron.vectors import zeros

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyperceptron.backends import Backend
    from pyperceptron.objective import Objective
    from pyperceptron.stopping import Point

    Numbers = array[float]

REFRESH_ABOVE = 0.1  # a step that leaves more than this fraction of the gradient norm triggers a new Hessian
FIRST_ROWS = 10  # rows per column in the first sampled Hessian of one output; doubled at each refresh
LEAST_ROWS = 2  # rows per column in Hessians of several outputs
FIRST_WAIT = 10  # passes until these are made anew; doubled each time
SHARE_OF_WAIT = 0.2  # how much of the passes until then the new ones may cost
LITTLE_MEMORY = 4_000_000  # numbers, 32 MB: what Hessians may take, however few the samples are
PATIENCE = 2.0  # times the cost of a Hessian of all outputs: how many passes are made before it is computed
EQUAL_SHARE = 0.1  # of the Hessian with equal curvatures
MAX_HESSIAN_COST = 8.0  # of the first Hessian of one output, in evaluations
MAX_BLOCK_COST = 32.0  # of one from as few rows as possible; if it costs more, B is by rows
FIRST_ROOTS = 4.0  # times the root of the number of rows: rows of the first B by rows
MOST_FOR_ALL_ROWS = 1600.0  # n·(d + 7·n) / d, up to which a B by rows has all n rows of d columns
LITTLE_WORK = 5e5  # multiplications, a millisecond: what the Hessian of all outputs may cost to be used from the start
MUCH_WORK = 2e10  # if the caller asks for Newton's method
NEARLY_SINGULAR = 1e-9  # a pivot of a Hessian relative to its diagonal that makes it worth looking for collinear columns


def preconditioner(objective: Objective, point: Point, sampled: bool) -> Preconditioner:
    """Return the model to begin with; `sampled`: it may be from some of the rows."""
    several, n_rows, width = objective.n_outputs > 1, objective.n_rows, objective.width
    is_wide = width > n_rows
    if several and objective.cost_of_all_outputs() <= (LITTLE_WORK if sampled or is_wide else MUCH_WORK):
        return SingleHessian(objective, point, n_rows, sampled=False, whole=True)
    first = min(FIRST_ROWS * width, n_rows) if sampled else n_rows
    if not several and (objective.hessian_cost(first) <= MAX_HESSIAN_COST if sampled else not is_wide):
        return SingleHessian(objective, point, first, sampled)
    if is_wide or (sampled and objective.hessian_cost(min(LEAST_ROWS * width, n_rows)) > MAX_BLOCK_COST):
        return ByRows(objective, point, sampled)
    return HessianBlocks(objective)


class Preconditioner:
    """B, a model of J's Hessian.

    memory    how many curvature pairs correct it
    is_fresh  whether B is of the last point, so that a line search without success means that there is no way down
    """

    memory = 8
    is_fresh = False

    def solve(self, vector: Numbers) -> None:
        """vector = B⁻¹·vector."""
        raise NotImplementedError

    def renew(self, before: Point, point: Point, is_close: bool, has_failed: bool) -> bool:
        """Make B anew at the point, if it is time; return whether the curvature pairs are of no use any more.

        before      the point before the last step
        is_close    whether the point is close to an optimum
        has_failed  whether there was no step, so that B may be wrong
        """
        self.is_fresh = has_failed
        return has_failed


class SingleHessian(Preconditioner):
    """B is J's Hessian as L·Lᵀ: of one output, or if `whole` of all of them together.

    A new one is made after a step that reduced the gradient too little. If `sampled`, it is of about n_rows rows, then of twice
    as many each time, and waits until the passes since the last have cost as much as it will, so that the total cost is at
    most twice the minimum.
    """

    clears_pairs = True  # with a new one

    def __init__(self, objective: Objective, point: Point, n_rows: int, sampled: bool, whole: bool = False) -> None:
        self._objective, self._n_rows, self._sampled, self._whole = objective, n_rows, sampled, whole
        self._most_rows = objective.n_rows
        self._size = objective.size if whole else objective.width
        self._make(point)
        self.is_fresh = not sampled

    def _make(self, point: Point) -> None:
        objective = self._objective
        if self._whole:
            matrix = objective.hessian_of_all_outputs(point.coefficients)
        else:
            subset = objective.representative_rows(point.coefficients, self._n_rows)
            matrix = objective.hessian(point.coefficients, subset=subset)
        self._factor, is_singular = regularized_cholesky(matrix, self._size, objective.backend)
        objective.is_singular |= is_singular
        self._passes = objective.passes

    def solve(self, vector: Numbers) -> None:
        self._objective.backend.cholesky_solve(self._factor, self._size, vector)

    def renew(self, before: Point, point: Point, is_close: bool, has_failed: bool) -> bool:
        objective, self.is_fresh = self._objective, has_failed
        if has_failed:
            self._n_rows = objective.n_rows
        if point.gradient_norm <= REFRESH_ABOVE * before.gradient_norm and not is_close:
            return has_failed
        more = self._n_rows if has_failed else min(2 * self._n_rows, self._most_rows)
        if self._sampled and not has_failed and objective.passes - self._passes < self._cost(more):
            return False
        self._n_rows = more
        self._make(point)
        self.is_fresh = has_failed or not self._sampled
        return has_failed or self.clears_pairs

    def _cost(self, n_rows: int) -> float:
        """Return about what another B, of so many rows, costs, in evaluations."""
        return self._objective.hessian_cost(n_rows)


class HessianBlocks(Preconditioner):
    """B is a Hessian of some rows for each output, or their mean for all, and in the end that of all outputs together.

    The design above says when which.
    """

    memory = 20

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        most = max(objective.n_rows * objective.width, LITTLE_MEMORY)
        self._n_matrices = objective.n_outputs if objective.size * objective.width <= most else 1
        start = zeros(objective.size)
        subset = objective.representative_rows(start, self._rows(SHARE_OF_WAIT * FIRST_WAIT, 1))
        self._equal = objective.hessian(start, subset=subset)
        self._of_mean, is_singular = regularized_cholesky(self._equal, objective.width, objective.backend)
        self._of_outputs = self._of_mean
        objective.is_singular |= is_singular
        self._of_all = array("d")  # none yet
        self._cost_of_all = objective.cost_of_all_outputs() / objective.cost_of_evaluation()
        self._began = self._passes = objective.passes
        self._wait = FIRST_WAIT

    def _rows(self, cost: float, n_matrices: int) -> int:
        objective = self._objective
        return min(max(LEAST_ROWS * objective.width, objective.rows_worth(cost, n_matrices)), objective.n_rows)

    def renew(self, before: Point, point: Point, is_close: bool, has_failed: bool) -> bool:
        objective, self.is_fresh = self._objective, has_failed
        passes = objective.passes
        together = objective.size**2 <= LITTLE_MEMORY and passes - self._began >= PATIENCE * self._cost_of_all
        begins_together = together and not self._of_all
        if begins_together:
            self._wait = FIRST_WAIT
        n_rows = self._rows(SHARE_OF_WAIT * self._wait, self._n_matrices)
        cost = 0.0 if together else objective.hessian_cost(n_rows, self._n_matrices)
        if not has_failed and not begins_together and passes - self._passes < max(self._wait, cost):
            return False
        self._of_outputs = self._of_mean  # frees the last ones
        if together:
            matrix = objective.hessian_of_all_outputs(point.coefficients)
            self._of_all = regularized_cholesky(matrix, objective.size, objective.backend)[0]
        else:
            self._of_outputs = self._factors(point.coefficients, n_rows)
        self._wait, self._passes = 2 * self._wait, passes
        return has_failed or together

    def _factors(self, coefficients: Numbers, n_rows: int) -> Numbers:
        objective = self._objective
        subset = objective.representative_rows(coefficients, n_rows)
        if self._n_matrices == 1:
            return self._factor(objective.hessian(coefficients, subset=subset))
        factors = array("d")
        for matrix in objective.hessians(coefficients, subset):
            objective.add_l2(matrix)
            factors.extend(self._factor(matrix))
        return factors

    def _factor(self, matrix: Numbers) -> Numbers:
        """Return the Cholesky factor of a Hessian with a share of the one with equal curvatures, scaled alike."""
        objective, width = self._objective, self._objective.width
        penalties = objective.l2_weights[:width]
        diagonals = zip(matrix[:: width + 1], self._equal[:: width + 1], penalties, strict=True)
        ratios = [(own - l2) / (equal - l2) for own, equal, l2 in diagonals if equal > l2]
        scale = fsum(ratios) / len(ratios) if ratios else 0.0
        objective.backend.scale(matrix, 1 - EQUAL_SHARE)
        objective.backend.add_scaled(matrix, EQUAL_SHARE * scale, self._equal)
        for j, l2 in enumerate(penalties):  # whole again
            matrix[j * width + j] += EQUAL_SHARE * (1 - scale) * l2
        return regularized_cholesky(matrix, width, objective.backend)[0]

    def solve(self, vector: Numbers) -> None:
        backend, width = self._objective.backend, self._objective.width
        if self._of_all:
            backend.cholesky_solve(self._of_all, len(vector), vector)
            return
        if not self._objective.loss.coupled:
            backend.cholesky_solve(self._of_outputs, width, vector)
            return
        mean = self._take_mean(vector)
        backend.cholesky_solve(self._of_mean, width, mean)
        backend.cholesky_solve(self._of_outputs, width, vector)
        self._take_mean(vector)
        for first in range(0, len(vector), width):
            own = vector[first : first + width]
            backend.add_scaled(own, 1.0, mean)
            vector[first : first + width] = own

    def _take_mean(self, vector: Numbers) -> Numbers:
        """Return the mean over the outputs, and subtract it from each."""
        backend, width = self._objective.backend, self._objective.width
        mean = zeros(width)
        for first in range(0, len(vector), width):
            backend.add_scaled(mean, 1 / self._objective.n_outputs, vector[first : first + width])
        for first in range(0, len(vector), width):
            own = vector[first : first + width]
            backend.add_scaled(own, -1.0, mean)
            vector[first : first + width] = own
        return mean


class ByRows(SingleHessian):
    """B is a RowPreconditioner of some rows, for each output, for tables so wide that a matrix of the columns costs too much.

    `sampled`: of a few rows if all are many, then of up to twice as many each time, at most a quarter of all; a product with
    more would cost more than the passes that it saves.
    """

    def __init__(self, objective: Objective, point: Point, sampled: bool) -> None:
        self._objective, self._sampled = objective, sampled
        self._last: RowPreconditioner | None = None
        self._n_rows = self._most_rows = n_rows = objective.n_rows
        if sampled and n_rows * (objective.width + 7 * n_rows) > MOST_FOR_ALL_ROWS * objective.width:
            self._n_rows = int(FIRST_ROOTS * sqrt(n_rows))
            self._most_rows = max(n_rows // 4, self._n_rows)
        self.clears_pairs = objective.n_outputs == 1  # else B lacks the blocks between outputs, which the pairs approximate
        self._make(point)
        self.is_fresh = not sampled

    def _make(self, point: Point) -> None:
        self._last = RowPreconditioner(self._objective, point.coefficients, self._n_rows, self._last)
        self._passes = self._objective.passes

    def _cost(self, n_rows: int) -> float:
        has_gram = self._last is not None and self._last.gram_of_all is not None
        return self._objective.row_preconditioner_cost(n_rows, has_gram)

    def solve(self, vector: Numbers) -> None:
        assert self._last is not None
        self._last.solve(vector)


def regularized_cholesky(matrix: Numbers, size: int, backend: Backend) -> tuple[Numbers, bool]:
    """Return the Cholesky factor L of a size × size matrix, its diagonal increased until it is positive definite.

    The second result tells whether the matrix may be singular. Raises FloatingPointError if no increase helps, because the
    matrix is not finite.
    """
    factor, diagonal = matrix[:], matrix[:: size + 1]
    for exponent in range(-10, 12, 2):
        if backend.cholesky(factor, size) < 0:
            roots = factor[:: size + 1]
            pivots = map(truediv, map(mul, roots, roots), diagonal)
            return factor, exponent > -10 or min(pivots) < NEARLY_SINGULAR
        factor = matrix[:]
        largest = max(diagonal)
        for j in range(size):
            factor[j * size + j] = (diagonal[j] or largest or 1.0) * (1 + 10.0**exponent)
    raise FloatingPointError("the Hessian is not finite: scale the columns of X down")
