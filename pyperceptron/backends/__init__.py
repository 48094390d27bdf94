"""The one place that chooses between the twins: the compiled one where it is built, else the reference."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable
    from typing import Any, Protocol

    class ChunkedProblem(Protocol):
        """One loss over checked samples, to be summed chunk by chunk: what an objective is made of.

        inputs          n_rows × n_inputs, float64, float32 or bytes
        targets         bytes or uint16 ("H"): n_rows × n_outputs of 0 and 1; or n_rows × 1, the number of the one output
                        whose target is 1 (for a single output, that is its target)
        sample_weights  n_rows of float64, or None where each is 1
        loss            a name in pyperceptron.losses.LOSSES; the softmax's is for two outputs or more
        intercept       whether each output has an intercept, as the coefficient of an input that is always 1
        rows_in_chunk   chunk c holds the rows from c · rows_in_chunk

        Coefficients are n_outputs × width, each output's together: n_inputs and, with an intercept, one more."""

        def evaluate(self, coefficients: array[float], first: int, last: int, parts: array[float]) -> None:
            """For each chunk of first … last - 1, its row of `parts`: Σ s·ℓ, then the gradient of it in the coefficients."""

        def hessian(
            self,
            coefficients: array[float],
            output: int,
            rows: array[int] | None,
            row_weights: array[float] | None,
            first: int,
            last: int,
            matrix: array[float],
        ) -> None:
            """matrix = Σ s·h·x·xᵀ over the rows first … last - 1, x with its 1: the lower triangle, the rest 0.

            h is the loss's curvature in that output's sum; output -1 takes the mean over the outputs. Where `rows` (of "q")
            lists some rows, first and last are places in it, and each row's term is multiplied by its row weight."""

        def importances(
            self, coefficients: array[float], means: array[float], scales: array[float], chunk: int, values: array[float]
        ) -> int:
            """For each row of a chunk, into `values`: s·h·(1 + Σ ((x - mean)/scale)²), h the outputs' mean. How many rows.

            It is what the row adds to the trace of the Hessian, the columns standardised."""

        def moments(self, centre: array[float], first: int, last: int, parts: array[float]) -> None:
            """For each of those chunks, its row of `parts`: Σ s, each column's Σ s·(x - centre), each's Σ s·(x - centre)²."""

    class RowScorer(Protocol):
        """One row at a time, as fast as can be. `door` makes a checked row of what is no list or array of n_inputs numbers,
        or refuses it; `classes` are the labels, None where each output is a label of its own, 0 or 1."""

        def predict_proba_one(self, x: Any) -> tuple[float, ...]:
            """The answers for one row, as a row of `predict`, to the bit."""

        def predict_one(self, x: Any) -> Any:
            """The label for one row; a tuple of 0 and 1 where classes are None."""

    class Backend(Protocol):
        """What each twin can do. Tables are two-dimensional C-contiguous memoryviews of float64; inputs may also be
        float32 or bytes. `weights` has a row for each input and, with a bias, one row more: the bias is the weight of an
        input that is always 1. What a function computes it writes into the last tables it was given."""

        def find_outside(self, values: memoryview[float], low: float, high: float) -> int:
            """The flat index of the first value that is not in low … high, as nan never is; -1 if there is none."""

        def weighted_sums(self, inputs: memoryview[float], weights: memoryview[float], sums: memoryview[float]) -> None:
            """sums = inputs @ weights (n_samples × n_outputs); finite tables give no nan."""

        def forward(self, inputs: memoryview[float], weights: memoryview[float], outputs: memoryview[float]) -> None:
            """outputs = sigmoid(inputs @ weights) (n_samples × n_outputs)."""

        def train(
            self,
            inputs: memoryview[float],
            targets: memoryview[float],
            weights: memoryview[float],
            outputs: memoryview[float],
            iterations: int,
            learning_rate: float,
        ) -> int:
            """Step `weights` along the summed squared error's gradient, `iterations` times; the last pass is in `outputs`.

            Returns how many steps were made: fewer than asked for if the next would leave the range of a float. After
            an exception, KeyboardInterrupt too, `weights` are those of the last whole iteration."""

        def Problem(
            self,
            inputs: memoryview[float],
            targets: memoryview[int],
            sample_weights: memoryview[float] | None,
            n_outputs: int,
            loss: str,
            intercept: bool,
            rows_in_chunk: int,
        ) -> ChunkedProblem:
            """What ChunkedProblem says."""

        def Scorer(
            self,
            coefficients: array[float],
            n_outputs: int,
            n_inputs: int,
            link: str,
            classes: tuple[Any, ...] | None,
            door: Callable[[Any], array[float]],
        ) -> RowScorer:
            """What RowScorer says."""

        def predict(
            self,
            inputs: memoryview[float],
            coefficients: array[float],
            link: str,
            start: int,
            stop: int,
            results: memoryview[float],
        ) -> bool:
            """The answers for the rows start … stop - 1, written into their rows of `results`.

            `link` makes them of the weighted sums: "sums" themselves, "sigmoid" of each, "softmax", "shares" (sigmoids,
            divided by their total), or for a single sum the "pair" of 1 - sigmoid and sigmoid. No finite numbers give nan.

            Returns whether all numbers of these rows are sure to be finite, which costs nothing to tell along the way."""

        def pick(self, values: array[float], wanted: int, picked: array[int], weights: array[float]) -> int:
            """List the numbers (as "q") of about `wanted` values that stand for all, and what to multiply each by; how many.

            Each has its share of the total as its chance, or 1. No chance is drawn: a value is taken where the running total
            of the chances passes a whole number. A weight is 1/chance: weighted sums over those listed are right on average."""

        def choose(self, sums: memoryview[float], choices: memoryview[int]) -> None:
            """For each row of sums: the column of the largest, or of a single column whether it is above 0."""

        # Vectors and matrices are flat arrays of float64; what is computed is written into the argument that names it.

        def dot(self, left: array[float], right: array[float]) -> float:
            """Σ left·right."""

        def add_scaled(self, target: array[float], factor: float, source: array[float]) -> None:
            """target += factor · source."""

        def add_up(self, parts: array[float], total: array[float]) -> None:
            """total = the sum of the rows of `parts`, in their order."""

        def add_up_objective(
            self,
            parts: array[float],
            total_weight: float,
            coefficients: array[float],
            ridge: array[float],
            gradient: array[float],
        ) -> float:
            """The value, and in `gradient` the gradient, of the sum of an objective's parts, divided by total_weight, plus
            Σ (ridge/2)·coefficients²."""

        def largest_slope(self, gradient: array[float], n_outputs: int, means: array[float], scales: array[float]) -> float:
            """The largest |(∂J/∂w - mean·∂J/∂b) / scale| or |∂J/∂b| of any output."""

        def cholesky(self, matrix: array[float], n: int) -> int:
            """The lower triangle of a symmetric n × n matrix becomes L, matrix = L·Lᵀ. Returns -1; or the first column
            whose pivot is not positive beyond rounding, the matrix being spoilt."""

        def cholesky_solve(self, factors: array[float], n: int, vector: array[float]) -> None:
            """vector = (L·Lᵀ)⁻¹ · vector, n numbers at a time; as many factors as that makes, or one for all."""

        def sparse_step(
            self,
            matrix: array[float],
            n: int,
            gradient: array[float],
            point: array[float],
            thresholds: array[float],
            step: array[float],
            sweeps: int,
            tolerance: float,
        ) -> None:
            """Go on from `step` to the minimum over it of gradient·step + ½ step·matrix·step + Σ thresholds·|point + step|.

            By coordinate descent (Friedman, Hastie and Tibshirani 2010), at most `sweeps` times over all coordinates, until
            none changes the value by more than about `tolerance`. `matrix` is a lower triangle."""


_FASTEST_FIRST = ("cython", "python")


def available_backends() -> tuple[str, ...]:
    """The names of the twins that can be used here, the fastest first.

    `("cython", "python")` where the compiled extension is built, else `("python",)`.
    """
    return tuple(name for name in _FASTEST_FIRST if _found(name))


def resolve(name: str = "auto") -> tuple[str, Backend]:
    """The twin called `name`, with its own name; "auto" means $PYPERCEPTRON_BACKEND or, without that, the fastest.

    ImportError if it is not built, ValueError if there is no such name.
    """
    wanted, source = name, "backend"
    if name == "auto":
        wanted, source = os.environ.get("PYPERCEPTRON_BACKEND") or "auto", "$PYPERCEPTRON_BACKEND"
    if wanted == "auto":
        wanted = available_backends()[0]
    if wanted not in _FASTEST_FIRST:
        raise ValueError(f"{source} is {wanted!r}; expected 'auto', 'cython' or 'python'")
    try:
        return wanted, _twin(wanted)
    except ImportError as error:
        raise ImportError(
            f"backend {wanted!r} cannot be used here ({error}): install a C compiler and build the package anew with "
            "PYPERCEPTRON_REQUIRE_EXTENSIONS=1 pip install --force-reinstall --no-cache-dir, or choose backend='python'"
        ) from error


def _twin(name: str) -> Backend:
    if name == "cython":
        from pyperceptron.backends import cython

        return cython
    from pyperceptron.backends import python

    return python


def _found(name: str) -> bool:
    try:
        _twin(name)
    except ImportError:
        return False
    return True
