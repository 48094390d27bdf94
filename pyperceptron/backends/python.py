"""The reference twin: the lesson's neuron over lists, and the specification of every compiled kernel."""

from __future__ import annotations

from itertools import islice

from pyperceptron.activations import sigmoid, sigmoid_derivative
from pyperceptron.matrix import Matrix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


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


def train(
    inputs: memoryview,
    targets: memoryview,
    weights: memoryview,
    outputs: memoryview,
    iterations: int,
    learning_rate: float,
) -> int:
    iteration = 0
    last_outputs, last_weights = Matrix(outputs.tolist()), Matrix(weights.tolist())
    passes = lesson(_with_ones(inputs, weights), Matrix(targets.tolist()), last_weights, learning_rate)
    try:
        for last_outputs, updated_weights in islice(passes, iterations):
            if not updated_weights.is_finite():
                break
            last_weights = updated_weights
            iteration += 1
    finally:
        _write(last_outputs, outputs)
        _write(last_weights, weights)
    return iteration


def weighted_sums(inputs: memoryview, weights: memoryview, sums: memoryview) -> None:
    _write(_with_ones(inputs, weights) @ Matrix(weights.tolist()), sums)


def forward(inputs: memoryview, weights: memoryview, outputs: memoryview) -> None:
    _write(sigmoid(_with_ones(inputs, weights) @ Matrix(weights.tolist())), outputs)


def find_outside(values: memoryview, low: float, high: float) -> int:
    for index, value in enumerate(values.cast("B").cast(values.format)):  # type: ignore
        if not low <= value <= high:
            return index
    return -1


def _with_ones(inputs: memoryview, weights: memoryview) -> Matrix:
    """The inputs, with a last column of ones where the weights have a row for the bias."""
    rows = inputs.tolist()
    if len(weights) > len(rows[0]):
        rows = [[*row, 1.0] for row in rows]
    return Matrix(rows)


def _write(matrix: Matrix, table: memoryview) -> None:
    for row, values in enumerate(matrix.rows):
        for column, value in enumerate(values):
            table[row, column] = value
