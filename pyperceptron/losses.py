"""The losses: for one sample, how wrong the outputs are and which way each weighted sum should go."""

from __future__ import annotations

from math import exp, log1p

from pyperceptron.activations import sigmoid, softmax

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Row = Sequence[float]
    Loss = Callable[[Row, Row], tuple[float, list[float], list[float]]]

# Each takes a sample's weighted sums z (one for each output) and its targets y (as many, each 0 or 1), and returns
#     ℓ       the loss,
#     ∂ℓ/∂z   its slopes, one for each output,
#     h       its curvatures, never negative: ∂²ℓ/∂z², or the part of it that is no less than 0.


def sigmoid_log_loss(sums: Row, targets: Row) -> tuple[float, list[float], list[float]]:
    """ℓ = Σ log(1 + eᶻ) - y·z, the cross-entropy of each sigmoid: ∂ℓ/∂z = o - y and h = o·(1 - o)."""
    outputs = [sigmoid(z) for z in sums]
    loss = 0.0
    for z, y in zip(sums, targets, strict=True):
        loss += log1p(exp(-abs(z))) + max(-z if y else z, 0.0)
    return loss, [o - y for o, y in zip(outputs, targets, strict=True)], [o * (1 - o) for o in outputs]


def softmax_log_loss(sums: Row, targets: Row) -> tuple[float, list[float], list[float]]:
    """ℓ = log Σ eᶻ - Σ y·z, the cross-entropy of the softmax: ∂ℓ/∂z = o - y and h = o·(1 - o), the Hessian's diagonal."""
    outputs = softmax(sums)
    highest = max(sums)
    total = 0.0
    for z in sums:
        total += exp(z - highest)
    # Added to what is often 0, the difference of large sums stays exact.
    loss = sum((highest - z for z, y in zip(sums, targets, strict=True) if y), 0.0) + log1p(total - 1)
    return loss, [o - y for o, y in zip(outputs, targets, strict=True)], [o * (1 - o) for o in outputs]


def sigmoid_squared_error(sums: Row, targets: Row) -> tuple[float, list[float], list[float]]:
    """ℓ = ½ Σ (o - y)², the lesson's: ∂ℓ/∂z = (o - y)·o·(1 - o) and h = (o·(1 - o))², after Gauss and Newton."""
    outputs = [sigmoid(z) for z in sums]
    errors = [o - y for o, y in zip(outputs, targets, strict=True)]
    slopes = [o * (1 - o) for o in outputs]
    loss = 0.0
    for error in errors:
        loss += error * error / 2
    return loss, [e * slope for e, slope in zip(errors, slopes, strict=True)], [slope * slope for slope in slopes]


LOSSES: dict[str, Loss] = {
    "sigmoid_log_loss": sigmoid_log_loss,
    "softmax_log_loss": softmax_log_loss,
    "sigmoid_squared_error": sigmoid_squared_error,
}

# No loss curves more than this along any direction of length 1 in the sums.
LARGEST_CURVATURES = {"sigmoid_log_loss": 0.25, "softmax_log_loss": 0.5, "sigmoid_squared_error": 0.0771}
