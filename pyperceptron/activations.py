"""The sigmoid and its derivative, of a number or of each element of a Matrix, and the activations: logits to probabilities."""

from __future__ import annotations

from math import exp

from pyperceptron.matrix import Matrix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    NumberOrMatrix = TypeVar("NumberOrMatrix", float, Matrix)


def sigmoid(x: NumberOrMatrix) -> NumberOrMatrix:
    """1 / (1 + e⁻ˣ), in [0, 1] for every x and accurate at both ends.

    >>> sigmoid(0)
    0.5
    >>> sigmoid(-1000)
    0.0
    """
    return x.map(_sigmoid) if isinstance(x, Matrix) else _sigmoid(x)


def sigmoid_derivative(output: NumberOrMatrix) -> NumberOrMatrix:
    """The derivative of the sigmoid at the point whose sigmoid is `output`: output · (1 - output).

    It takes the sigmoid's *output*, as the lesson does, not its argument.

    >>> sigmoid_derivative(sigmoid(0))
    0.25
    """
    return output.map(_slope) if isinstance(output, Matrix) else _slope(output)


def softmax(values: Sequence[float]) -> list[float]:
    """eᵛ / Σ eᵛ for each of the finite values: numbers in [0, 1] that sum to 1, in the order of the values.

    >>> softmax([7, 7])
    [0.5, 0.5]
    """
    highest = max(values)  # subtracted from each, which changes no result and keeps the powers from overflowing
    powers = [exp(value - highest) for value in values]
    total = 0.0
    for power in powers:
        total += power
    return [power / total for power in powers]


def normalized_sigmoid(logits: Sequence[float]) -> list[float]:
    """Return the sigmoids of the logits divided by their sum; the softmax if that sum underflows."""
    outputs = [sigmoid(z) for z in logits]
    total = 0.0
    for output in outputs:
        total += output
    return [output / total for output in outputs] if total > 1e-290 else softmax(logits)


def binary_sigmoid(logits: Sequence[float]) -> list[float]:
    """Return [1 - sigmoid(z), sigmoid(z)] of a single logit; both keep their relative accuracy near 0."""
    [z] = logits
    return [sigmoid(-z), sigmoid(z)]


def _sigmoid(x: float) -> float:
    # The exponent is never positive, as math.exp(710) raises.
    if x >= 0:
        return 1 / (1 + exp(-x))
    power = exp(x)
    return power / (1 + power)


def _slope(output: float) -> float:
    return output * (1 - output)


# Each maps the logits of a row to its outputs.
ACTIVATIONS: dict[str, Callable[[Sequence[float]], list[float]]] = {
    "identity": list,
    "sigmoid": lambda logits: [sigmoid(z) for z in logits],
    "softmax": softmax,
    "normalized_sigmoid": normalized_sigmoid,
    "binary_sigmoid": binary_sigmoid,
}
