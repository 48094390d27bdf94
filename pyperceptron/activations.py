"""The sigmoid and its slope, for one number or for every number of a Matrix, and the softmax of several numbers."""

from __future__ import annotations

from math import exp

from pyperceptron.matrix import Matrix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
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
    """The slope of the sigmoid where its value is `output`: output · (1 - output).

    It takes the sigmoid's *output*, as the lesson does, not its argument.

    >>> sigmoid_derivative(sigmoid(0))
    0.25
    """
    return output.map(_slope) if isinstance(output, Matrix) else _slope(output)


def softmax(values: Sequence[float]) -> list[float]:
    """eᵛ / Σ eᵛ for each of the finite values: positive shares of 1, the largest value's the largest.

    >>> softmax([7, 7])
    [0.5, 0.5]
    """
    highest = max(values)  # taken off each, which changes no share and keeps the powers from overflowing
    powers = [exp(value - highest) for value in values]
    total = 0.0
    for power in powers:
        total += power
    return [power / total for power in powers]


def _sigmoid(x: float) -> float:
    # Only ever e to a negative power: math.exp(710) raises, and e⁻ˣ would lose the small results.
    if x >= 0:
        return 1 / (1 + exp(-x))
    power = exp(x)
    return power / (1 + power)


def _slope(output: float) -> float:
    return output * (1 - output)
