"""Predictions: logits of rows, and their activations, for many rows or for one."""

from __future__ import annotations

from array import array
from math import exp, isfinite, log1p

from pyperceptron.activations import ACTIVATIONS
from pyperceptron.matrix import Matrix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence
    from typing import Any

    Numbers = array[float]

_LOWEST = -1.7976931348623157e308  # the lowest float


def first_outside(values: memoryview[float], low: float, high: float) -> int:
    """Return the flat index of the first value outside low … high, -1 if there is none; nan is always outside.

    values  a C-contiguous memoryview of float64, float32 or bytes
    """
    flat = values.cast("B").cast(values.format)  # type: ignore  # a one-dimensional view of them
    return next((index for index, value in enumerate(flat) if not low <= value <= high), -1)


def predict(inputs: memoryview[float], coefficients: Numbers, activation: str, results: memoryview[float]) -> int:
    """results = activation(x·W + b) for each row x: n_rows × n_outputs, or n_rows × 2 for "binary_sigmoid" of one output.

    inputs        n_rows × n_inputs, as in LinearLoss
    coefficients  n_outputs × width, as in LinearLoss
    activation    a name in pyperceptron.activations.ACTIVATIONS

    Returns -1, or the index of the first row with a logit that is not finite, because the row holds nan or an infinity or its
    weighted sum overflows; the results are then undefined. The compiled backend reads whole vectors, so nan or an infinity in
    one of the next three rows may make it return this row.
    """
    assert results.shape is not None
    n_results = results.shape[1]
    weights = _weights(coefficients, 1 if activation == "binary_sigmoid" else n_results)
    flat = results.cast("B").cast("d")
    failed = -1
    for i in range(len(inputs)):
        [row] = inputs[i : i + 1].tolist()
        logits = _logits(row, weights)  # type: ignore[arg-type]
        if failed < 0 and not all(map(isfinite, logits)):
            failed = i
        flat[i * n_results : (i + 1) * n_results] = array("d", ACTIVATIONS[activation](logits))
    return failed


def predicted_classes(logits: memoryview[float], classes: memoryview[int]) -> None:
    """Write into `classes` (n_rows of "H") the index of the largest logit of each row; of a single logit, whether it is > 0."""
    for i, row in enumerate(logits.tolist()):
        classes[i] = _argmax(row)  # type: ignore[arg-type]


def log_probabilities(logits: memoryview[float], activation: str, results: memoryview[float]) -> None:
    """results = log(activation(z)) for each row z of finite logits, of the shape that `predict` gives them.

    They are finite, and accurate to rounding also where a probability rounds to 0 or 1. The activation is not "identity".
    """
    flat, place = results.cast("B").cast("d"), 0
    for row in logits.tolist():
        logs = array("d", _LOG_ACTIVATIONS[activation](row))  # type: ignore[arg-type]
        flat[place : place + len(logs)] = logs
        place += len(logs)


def _log_sigmoid(z: float) -> float:
    return min(z, 0.0) - log1p(exp(-abs(z)))


def _log_softmax(logits: Sequence[float]) -> list[float]:
    """log(eᶻ / Σ eᶻ) = (z - largest) - log(1 + the sum of e^(z - largest) over the others)."""
    best = _argmax(logits)
    below = [max(z - logits[best], _LOWEST) for z in logits]
    others = 0.0
    for c, distance in enumerate(below):
        others += exp(distance) if c != best else 0.0
    return [max(distance - log1p(others), _LOWEST) for distance in below]


# The logarithm of each activation in pyperceptron.activations.ACTIVATIONS: logits of a row to the logarithms of its outputs.
_LOG_ACTIVATIONS: dict[str, Callable[[Sequence[float]], list[float]]] = {
    "sigmoid": lambda logits: [_log_sigmoid(z) for z in logits],
    "softmax": _log_softmax,
    "normalized_sigmoid": lambda logits: _log_softmax([_log_sigmoid(z) for z in logits]),
    "binary_sigmoid": lambda logits: [_log_sigmoid(-logits[0]), _log_sigmoid(logits[0])],
}


class RowPredictor:
    """Predictions for one row at a time, the same to the bit as those of `predict`.

    coefficients  n_outputs × width; copied
    activation    for predict_proba_one
    classes       the label of each class; None if each output is a label of its own, 0 or 1
    read_row      read_row(x) returns x as an array of n_inputs finite float64, or raises ValueError or TypeError;
                  read_row(x, overflows=True) raises ValueError naming the number that makes a logit overflow
    columns       for each column (name, place, levels, fill, missing_place); None if they have no names. `place` is that of its
                  number in a row, and `fill` stands for a missing number. `levels` is None; for texts it has the place of the 1
                  of each, also of the words for a missing one. `missing_place` is that of the 1 of a missing value; -1 is no
                  place. A backend may read a mapping by them; what that cannot read goes to read_row

    The attribute `recipe` holds what makes the same predictor again, a function and its arguments, and is what is pickled; a
    predictor without one cannot be pickled.
    """

    recipe: tuple[Callable[..., RowPredictor], tuple[Any, ...]] | None = None

    def __init__(
        self,
        coefficients: Numbers,
        n_outputs: int,
        n_inputs: int,
        activation: str,
        classes: tuple[Any, ...] | None,
        read_row: Callable[..., Numbers],
        columns: Sequence[tuple[Hashable, int, Mapping[str, int] | None, float, int]] | None = None,
    ) -> None:
        self._weights = _weights(coefficients, n_outputs)
        self._activation = ACTIVATIONS[activation]
        self._classes = classes
        self._read_row = read_row

    def __reduce__(self) -> tuple[Any, ...]:
        if self.recipe is None:
            raise TypeError("a RowPredictor without a recipe cannot be pickled")
        return self.recipe

    def predict_proba_one(self, x: Any) -> tuple[float, ...]:
        """The activations for one row."""
        return tuple(self._activation(self._logits(x)))

    def predict_one(self, x: Any) -> Any:
        """The label for one row; a tuple of 0 and 1 if classes are None."""
        logits = self._logits(x)
        if self._classes is None:
            return tuple(int(logit > 0) for logit in logits)
        return self._classes[_argmax(logits)]

    def _logits(self, x: Any) -> list[float]:
        row = self._read_row(x)
        logits = _logits(row.tolist(), self._weights)
        if not all(map(isfinite, logits)):
            self._read_row(row, overflows=True)
        return logits


def _weights(coefficients: Numbers, n_outputs: int) -> Matrix:
    """The coefficients as width × n_outputs."""
    width = len(coefficients) // n_outputs
    return Matrix(coefficients[first : first + width] for first in range(0, len(coefficients), width)).T


def _logits(row: list[float], weights: Matrix) -> list[float]:
    """The row, with a last 1 if the weights have an intercept, times the weights."""
    completed = row if len(row) == weights.shape[0] else [*row, 1.0]
    return (Matrix([completed]) @ weights).values


def _argmax(logits: Sequence[float]) -> int:
    """Return the index of the largest logit, the first of equal ones; for a single logit, 1 if it is positive, else 0."""
    if len(logits) == 1:
        return int(logits[0] > 0)
    return max(range(len(logits)), key=logits.__getitem__)
