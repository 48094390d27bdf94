"""Orthogonal combinations of the columns of X, where the columns themselves are nearly collinear."""

from __future__ import annotations

from array import array
from math import sqrt
from operator import mul

from pyperceptron.vectors import zeros

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyperceptron.objective import Objective

    Numbers = array[float]

_ROWS_PER_COLUMN = 20
_LITTLE = 200_000  # numbers in rows that are used without counting them
_ROUNDING = 1e-13  # what is left of a column, relative to it, when it is a combination of others


class OrthogonalColumns:
    """Columns of about n_rows rows as Q·R: orthonormal combinations of them, by Gram and Schmidt, each column projected twice.

    rows      indices of the rows, which stand for all
    kept      the columns of Q, in order; with an intercept its 1s come first, as column n_inputs
    basis     the columns of Q
    factors   for each kept column, its shares of the columns of Q: the columns of R
    dropped   for each other column, which is a combination of the kept ones but for rounding, its shares likewise
    smallest_share  of a kept column, as a fraction of it: what those before it do not explain

    With an l2 penalty, each column has a row more, so that their sums of squares count it.

    Second moments, as in a Hessian, hold the squares of small differences between columns, which rounding hides when they are
    below 1e-8 of the columns; this holds the differences themselves.
    """

    def __init__(self, objective: Objective, n_rows: int | None = None) -> None:
        backend, n = objective.backend, objective.n_inputs
        n_rows = n_rows or max(_ROWS_PER_COLUMN * objective.width, _LITTLE // objective.width)
        self.rows, self._row_weights = objective.some_rows(n_rows)
        columns = objective.columns_of(self.rows)
        self._penalty_curvatures = self._append_penalties(objective, columns)
        order = ([n] if objective.intercept else []) + [j for j in range(n) if j not in objective.constant]
        self.kept: list[int] = []
        self.basis: list[Numbers] = []
        self.factors: list[Numbers] = []
        self.dropped: dict[int, Numbers] = {}
        self.smallest_share = 1.0
        for j in order:
            column = columns[j]
            size = backend.dot(column, column) ** 0.5
            shares = zeros(len(self.basis))
            for _ in range(2):
                for index, own in enumerate(self.basis):
                    share = backend.dot(column, own)
                    shares[index] += share
                    backend.add_scaled(column, -share, own)
            left = backend.dot(column, column) ** 0.5
            if left <= _ROUNDING * size:
                self.dropped[j] = shares
                continue
            self.smallest_share = min(self.smallest_share, left / size)
            shares.append(left)
            self.kept.append(j)
            self.factors.append(shares)
            backend.scale(column, 1 / left)
            self.basis.append(column)

    def _append_penalties(self, objective: Objective, columns: list[Numbers]) -> Numbers:
        """Append a row for the l2 penalty of each column, with a number in this column only; return the rows' curvatures."""
        if not objective.l2:
            return array("d")
        curvature = 1 / (4 * len(self.rows))
        for j, column in enumerate(columns):
            penalties = zeros(objective.n_inputs)
            if j < objective.n_inputs:
                penalties[j] = sqrt(objective.l2_weights[j] / curvature)
            column.extend(penalties)
        return array("d", [curvature]) * objective.n_inputs

    def solve(self, shares: Numbers) -> Numbers:
        """Return R⁻¹·shares: the coefficients of the kept columns whose sum has these shares."""
        result = shares[:]
        for index in reversed(range(len(result))):
            result[index] /= self.factors[index][index]
            for other in range(index):
                result[other] -= self.factors[index][other] * result[index]
        return result

    def gradient(self, objective: Objective, gradient: Numbers) -> Numbers:
        """Return R⁻ᵀ·g for each output, len(kept) numbers each: the gradient in the coordinates of the basis."""
        result = array("d")
        for first in range(0, objective.size, objective.width):
            own = zeros(len(self.kept))
            for index, (column, factors) in enumerate(zip(self.kept, self.factors, strict=True)):
                own[index] = (gradient[first + column] - objective.backend.dot(own[:index], factors[:index])) / factors[index]
            result.extend(own)
        return result

    def coefficients(self, objective: Objective, shares: Numbers) -> Numbers:
        """Return the coefficients, n_outputs × width, of each output's shares of the basis."""
        result, size = zeros(objective.size), len(self.kept)
        for output in range(objective.n_outputs):
            own = self.solve(shares[output * size : (output + 1) * size])
            for column, coefficient in zip(self.kept, own, strict=True):
                result[output * objective.width + column] = coefficient
        return result

    def hessian(self, objective: Objective, coefficients: Numbers) -> Numbers:
        """Return J's Hessian in the coordinates of the basis, the mean over the outputs: the lower triangle."""
        backend, size = objective.backend, len(self.kept)
        curvatures = objective.curvatures_of(coefficients, self.rows)
        weights = array("d", map(mul, curvatures, self._row_weights)) + self._penalty_curvatures
        matrix = zeros(size * size)
        for j, column in enumerate(self.basis):
            scaled = array("d", map(mul, weights, column))
            for k in range(j + 1):
                matrix[j * size + k] = backend.dot(scaled, self.basis[k])
        return matrix
