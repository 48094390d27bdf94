"""A model of J's Hessian from some rows, for tables so wide that a matrix of the columns would cost too much."""

# Design
#
# (a) m of the n rows cost m²·width/2 multiplications for their Gram matrix and m³/6 for its factor. With m = 4·√n that is two
#     passes of 4·n·width each. Correlated columns (a factor of rank 20 and as much noise), C = 1; passes with the scales of the
#     columns alone for B, and with this: 2,000 × 3,000: 162, 52; 5,000 × 2,000: 465, 78; 200 × 5,000 and 5 classes: 177, 76.
# (b) All n rows: Newton's method in 10 to 15 passes. The Gram matrix is made once, for n/8 passes, and a factor at each step,
#     which runs at a third of the speed: 7·n²/(8·width) passes in all. Seconds of (a) and (b): 300 × 400 0.009, 0.016;
#     300 × 1,000 0.031, 0.027; 500 × 5,000 0.32, 0.26; 1,000 × 5,000 0.73, 0.70; 1,500 × 2,000 0.26, 1.32. So (b) is chosen up
#     to 200 passes.

from __future__ import annotations

from array import array
from math import fsum, sqrt
from operator import mul

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyperceptron.objective import Objective

    Numbers = array[float]

_LEAST_RIDGE = 1e-8  # of the diagonal of a Hessian: where no penalty makes it regular
_INTERCEPT_RIDGE = 1e-3  # of an intercept's curvature, which the rows have as well
_TINY = 1e-300  # curvatures of rows that are far on their side may vanish


class RowPreconditioner:
    """B = T⁻ᵀ·(D + Vᵀ·V)·T⁻¹ for each output, T as in divide_standardised: a model of J's Hessian in the output's coefficients.

    D is diagonal: the l2 penalty, and for what the rows cannot show a ridge, which is a part of the Hessian's own diagonal. V
    holds about n_rows rows less the means of their columns, each with a 1 and times the root of its curvature. With all rows
    the ridge vanishes, and B is the Hessian, without second derivatives between outputs.

    Woodbury's identity turns B⁻¹ into products with these rows of X and a matrix as wide as there are rows. So no other array
    is as large as the rows themselves.
    """

    def __init__(self, objective: Objective, coefficients: Numbers, n_rows: int, last: RowPreconditioner | None) -> None:
        """Make the model at these coefficients; `last` is the one before, whose Gram matrix of all rows serves again."""
        self._objective, backend = objective, objective.backend
        self.gram_of_all: Numbers | None = last.gram_of_all if last else None
        subset = objective.representative_rows(coefficients, n_rows)
        self._rows = subset.rows if subset else None
        weights, factors = objective.curvature_factors(coefficients, self._rows)
        self._count = count = len(weights)
        if subset:
            weights = array("d", map(mul, weights, subset.weights))
        self._roots, self._divisors, self._factors = array("d"), array("d"), array("d")
        for output in range(objective.n_outputs):
            own = factors[output * count : (output + 1) * count]
            if objective.loss.coupled:
                own = array("d", [f * (1 - f) for f in own])
            curvatures = array("d", [h * s / objective.total_weight for h, s in zip(own, weights, strict=True)])
            curvature = max(fsum(curvatures), _TINY)
            # D is `unit` times what the Gram matrix is divided by.
            if subset:
                unit, divisors = 1.0, objective.diagonal(1.0, (1 - count / objective.n_rows) * curvature)
                gram = objective.gram(divisors, self._rows)
            else:
                unit = 1.0 if objective.l2 else _LEAST_RIDGE * curvature
                divisors = objective.diagonal(1.0, 0.0) if objective.l2 else objective.diagonal(0.0, 1.0)
                gram = self.gram_of_all = self.gram_of_all or objective.gram(divisors, None)
                backend.scale(divisors, unit)
            shift = 0.0
            if objective.intercept:
                divisors[-1] = _INTERCEPT_RIDGE * curvature
                shift = unit / divisors[-1]
            factor = backend.capacitance(gram, count, array("d", [sqrt(h / unit) for h in curvatures]), shift)
            if backend.cholesky(factor, count) >= 0:
                raise FloatingPointError("the Hessian is not finite: scale the columns of X down")
            self._roots.extend(map(sqrt, curvatures))
            self._divisors.extend(divisors)
            self._factors.extend(factor)

    def solve(self, vector: Numbers) -> None:
        """vector = B⁻¹·vector, n_outputs × width."""
        objective, backend = self._objective, self._objective.backend
        shares = vector[:]
        backend.divide_standardised(shares, objective.n_outputs, objective.means, self._divisors)
        logits = array("d", map(mul, self._roots, objective.row_logits(shares, self._rows)))
        backend.cholesky_solve(self._factors, self._count, logits)
        combined = objective.combine_rows(array("d", map(mul, self._roots, logits)), self._rows)
        backend.add_scaled(vector, -1.0, combined)
        backend.divide_standardised(vector, objective.n_outputs, objective.means, self._divisors)
