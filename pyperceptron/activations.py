"""The sigmoid and its derivative, of a number or of each element of a Matrix or array, and the activations of logits."""

from __future__ import annotations

from math import exp

from pyperceptron.checks import is_lookalike, named
from pyperceptron.matrix import Matrix
from pyperceptron.vectors import as_list, numpy_if_loaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeVar

    Numbers = TypeVar("Numbers", float, Matrix, Any)  # Any: an array of NumPy


def sigmoid(x: Numbers) -> Numbers:
    """1 / (1 + e⁻ˣ), in [0, 1] for every x and accurate at both ends.

    x  a number, or a Matrix or a NumPy array, for each of whose elements it is computed; TypeError for anything else

    >>> sigmoid(0)
    0.5
    >>> sigmoid(-1000)
    0.0
    """
    return _of_each(_sigmoid, x, "sigmoid")  # type: ignore[no-any-return]


def sigmoid_derivative(output: Numbers) -> Numbers:
    """The derivative of the sigmoid at the point whose sigmoid is `output`: output · (1 - output).

    It takes the sigmoid's *output*, as the lesson does, not its argument.

    >>> sigmoid_derivative(sigmoid(0))
    0.25
    """
    return _of_each(_slope, output, "sigmoid_derivative")  # type: ignore[no-any-return]


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
    outputs = [_sigmoid(z) for z in logits]
    total = 0.0
    for output in outputs:
        total += output
    return [output / total for output in outputs] if total > 1e-290 else softmax(logits)


def binary_sigmoid(logits: Sequence[float]) -> list[float]:
    """Return [1 - sigmoid(z), sigmoid(z)] of a single logit; both keep their relative accuracy near 0."""
    [z] = logits
    return [_sigmoid(-z), _sigmoid(z)]


def _of_each(function: Callable[[float], float], x: Any, name: str) -> Any:
    """Return the function of a number, or of each element of a Matrix or a NumPy array, in the same shape."""
    if isinstance(x, Matrix):
        return x.map(function)
    numpy = numpy_if_loaded()
    masked = numpy and isinstance(x, numpy.ma.MaskedArray) and x.mask.any()
    if numpy and isinstance(x, numpy.ndarray) and x.ndim and x.dtype.kind in "biuf" and not masked:
        flat = numpy.asarray(x).reshape(-1)
        return numpy.array([function(float(value)) for value in as_list(flat)], "d").reshape(x.shape)
    try:
        if isinstance(x, (str, bytes)) or masked or is_lookalike(x):
            raise TypeError
        return function(float(x))
    except OverflowError:
        raise
    except Exception:
        raise TypeError(
            f"{name} takes a number, a Matrix or a NumPy array of real numbers; got {named(x)}: "
            "make a list of rows a Matrix, as Matrix([[0.5, 1.0]])"
        ) from None


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
    "sigmoid": lambda logits: [_sigmoid(z) for z in logits],
    "softmax": softmax,
    "normalized_sigmoid": normalized_sigmoid,
    "binary_sigmoid": binary_sigmoid,
}
