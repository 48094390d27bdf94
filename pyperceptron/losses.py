"""The losses of a sample, each with its gradient and curvature in the logits."""

from __future__ import annotations

from math import exp, log, log1p

from pyperceptron.activations import sigmoid, softmax

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Row = Sequence[float]


def sigmoid_log_loss(logits: Row, targets: Row) -> tuple[float, list[float], list[float]]:
    """ℓ = Σ log(1 + eᶻ) - y·z, the cross-entropy of each sigmoid: ∂ℓ/∂z = o - y and curvature o·(1 - o).

    1 - o is computed as the sigmoid of -z, so that no digits are lost where o is near 1.
    """
    outputs = [sigmoid(z) for z in logits]
    complements = [sigmoid(-z) for z in logits]
    loss = 0.0
    for z, y in zip(logits, targets, strict=True):
        loss += log1p(exp(-abs(z))) + (max(z, 0.0) - y * z)
    rows = zip(outputs, complements, targets, strict=True)
    gradients = [(1 - y) * o - y * complement for o, complement, y in rows]
    return loss, gradients, [o * complement for o, complement in zip(outputs, complements, strict=True)]


def softmax_log_loss(logits: Row, targets: Row) -> tuple[float, list[float], list[float]]:
    """ℓ = log Σ eᶻ - Σ y·z, the cross-entropy of the softmax: ∂ℓ/∂z = o - y and curvature o·(1 - o). Σ y must be 1."""
    outputs = softmax(logits)
    largest = max(logits)
    total = loss = 0.0
    for z, y in zip(logits, targets, strict=True):
        total += exp(z - largest)
        loss += y * (largest - z)  # often 0, so that the logarithm of a sum near 1 stays exact
    loss += log1p(total - 1)
    return loss, [o - y for o, y in zip(outputs, targets, strict=True)], [o * (1 - o) for o in outputs]


def sigmoid_squared_error(logits: Row, targets: Row) -> tuple[float, list[float], list[float]]:
    """ℓ = ½ Σ (o - y)², the lesson's: ∂ℓ/∂z = (o - y)·o·(1 - o) and curvature (o·(1 - o))², after Gauss and Newton."""
    outputs = [sigmoid(z) for z in logits]
    errors = [o - y for o, y in zip(outputs, targets, strict=True)]
    slopes = [o * (1 - o) for o in outputs]
    loss = 0.0
    for error in errors:
        loss += error * error / 2
    return loss, [e * slope for e, slope in zip(errors, slopes, strict=True)], [slope * slope for slope in slopes]


def log_odds(class_weights: Sequence[float]) -> list[float]:
    """Return the intercepts that minimise a log loss without features: log-odds of two classes, else centred log weights."""
    logs = [log(weight) for weight in class_weights]
    if len(logs) == 2:
        return [logs[1] - logs[0]]
    total = 0.0
    for value in logs:
        total += value
    return [value - total / len(logs) for value in logs]


class Loss:
    """A loss function and its properties.

    name                what the backends call it
    function            of a sample's logits z and targets y (n_outputs numbers each): the loss ℓ, its gradient ∂ℓ/∂z, and its
                        curvatures, never negative: ∂²ℓ/∂z², or a nonnegative approximation
    activations         the name of the activation for each supported kind of target: "binary", "multiclass", "multilabel"
    curvature_bound     an upper bound on the eigenvalues of the Hessian in the logits; None if there is none
    initial_intercepts  from the weight of each class to the intercepts where a fit begins; None for zeros
    coupled             whether the second derivatives in the logits of two outputs are not all 0: -o·o' of the softmax
    """

    def __init__(
        self,
        function: Callable[[Row, Row], tuple[float, list[float], list[float]]],
        activations: dict[str, str],
        curvature_bound: float | None = None,
        initial_intercepts: Callable[[Sequence[float]], list[float]] | None = None,
        coupled: bool = False,
    ) -> None:
        self.name = function.__name__
        self.function = function
        self.activations = activations
        self.curvature_bound = curvature_bound
        self.initial_intercepts = initial_intercepts
        self.coupled = coupled


# The losses of each value of Perceptron's parameter `loss`, each for its kinds of target.
LOSSES_OF_PARAMETER: dict[str, tuple[Loss, ...]] = {
    "log_loss": (
        Loss(sigmoid_log_loss, {"binary": "binary_sigmoid", "multilabel": "sigmoid"}, 0.25, log_odds),
        Loss(softmax_log_loss, {"multiclass": "softmax"}, 0.5, log_odds, coupled=True),
    ),
    "squared_error": (
        Loss(
            sigmoid_squared_error,
            {"binary": "binary_sigmoid", "multiclass": "normalized_sigmoid", "multilabel": "sigmoid"},
            0.0771,
        ),
    ),
}

LOSSES: dict[str, Loss] = {loss.name: loss for losses in LOSSES_OF_PARAMETER.values() for loss in losses}


def loss_for(parameter: str, kind: str) -> Loss:
    """Return the loss for a value of Perceptron's parameter `loss` and a kind of target."""
    return next(loss for loss in LOSSES_OF_PARAMETER[parameter] if kind in loss.activations)
