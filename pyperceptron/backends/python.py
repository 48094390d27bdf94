"""The reference twin: the lesson's neuron over lists, and the specification of every compiled kernel."""

from __future__ import annotations

from array import array
from itertools import islice

from pyperceptron.activations import sigmoid, sigmoid_derivative
from pyperceptron.backends.chunks import Problem, Scorer, choose, pick, predict
from pyperceptron.backends.vectors import (
    add_scaled,
    add_up,
    add_up_objective,
    cholesky,
    cholesky_solve,
    dot,
    largest_slope,
    sparse_step,
)
from pyperceptron.matrix import Matrix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Problem",
    "Scorer",
    "add_scaled",
    "add_up",
    "add_up_objective",
    "cholesky",
    "cholesky_solve",
    "choose",
    "dot",
    "find_outside",
    "forward",
    "largest_slope",
    "lesson",
    "pick",
    "predict",
    "sparse_step",
    "train",
    "weighted_sums",
]


def lesson(inputs: Matrix, targets: Matrix, weights: Matrix, learning_rate: float) -> Iterator[tuple[Matrix, Matrix]]:
    """Learn for ever, one iteration at a time: yields the outputs of a pass and the weights after it.

    weights ← weights + learning_rate · inputsᵀ @ ((targets - outputs) · outputs · (1 - outputs)),
    which is gradient descent on ½ Σ (targets - outputs)².
    """
    inputs_transposed = inputs.T
    while True:
        outputs = sigmoid(inputs @ weights)
        errors = targets - outputs
        adjustments = errors * sigmoid_derivative(outputs)
        weights = weights + inputs_transposed @ adjustments * learning_rate
        yield outputs, weights


# From here on: the same as a backend's functions, which read tables into matrices and write matrices back into tables.
# pyperceptron.backends.Backend says what each of them does.


def train(
    inputs: memoryview[float],
    targets: memoryview[float],
    weights: memoryview[float],
    outputs: memoryview[float],
    iterations: int,
    learning_rate: float,
) -> int:
    iteration = 0
    last_outputs, last_weights = _matrix(outputs), _matrix(weights)
    passes = lesson(_with_ones(inputs, weights), _matrix(targets), last_weights, learning_rate)
    try:
        for last_outputs, updated_weights in islice(passes, iterations):  # noqa: B007 (used below, at whatever end)
            if not updated_weights.is_finite():
                break
            last_weights = updated_weights
            iteration += 1
    finally:
        _write(last_weights, weights)
        _write(last_outputs, outputs)
    return iteration


def weighted_sums(inputs: memoryview[float], weights: memoryview[float], sums: memoryview[float]) -> None:
    _write(_with_ones(inputs, weights) @ _matrix(weights), sums)


def forward(inputs: memoryview[float], weights: memoryview[float], outputs: memoryview[float]) -> None:
    _write(sigmoid(_with_ones(inputs, weights) @ _matrix(weights)), outputs)


def find_outside(values: memoryview[float], low: float, high: float) -> int:
    flat = values.cast("B").cast(values.format)  # type: ignore  # a one-dimensional view of them
    return next((index for index, value in enumerate(flat) if not low <= value <= high), -1)


def _matrix(table: memoryview[float]) -> Matrix:
    return Matrix(table.tolist())  # type: ignore[arg-type]  # a table's list is one of rows


def _with_ones(inputs: memoryview[float], weights: memoryview[float]) -> Matrix:
    """The inputs, with a last column of ones where the weights have a row for the bias."""
    matrix = _matrix(inputs)
    if len(weights) == matrix.shape[1]:
        return matrix
    return Matrix([*row, 1.0] for row in matrix.rows)


def _write(matrix: Matrix, table: memoryview[float]) -> None:
    # One assignment, which no Ctrl-C can leave half done.
    table.cast("B").cast("d")[:] = memoryview(array("d", matrix.values))
