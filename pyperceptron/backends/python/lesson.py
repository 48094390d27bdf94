"""The lesson's training loop: a layer of sigmoid neurons learns by gradient descent on its squared error."""

from __future__ import annotations

from array import array
from itertools import islice

from pyperceptron.activations import sigmoid, sigmoid_derivative
from pyperceptron.matrix import Matrix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyperceptron.backends.python.linear_loss import LinearLoss


def lesson(inputs: Matrix, targets: Matrix, weights: Matrix, learning_rate: float) -> Iterator[Matrix]:
    """Yield the weights, n_inputs × n_outputs, after each iteration of gradient descent, without end.

    weights ← weights + learning_rate · inputsᵀ @ ((targets - outputs) · outputs · (1 - outputs)),
    which is gradient descent on ½ Σ (targets - outputs)².
    """
    inputs_transposed = inputs.T
    while True:
        outputs = sigmoid(inputs @ weights)
        errors = targets - outputs
        adjustments = errors * sigmoid_derivative(outputs)
        weights = weights + inputs_transposed @ adjustments * learning_rate
        yield weights


def train(loss: LinearLoss, coefficients: array[float], iterations: int, learning_rate: float, limit: float) -> int:
    """Step along the gradient of a squared error, `iterations` times, or until a coefficient would leave ±limit.

    loss          a "sigmoid_squared_error" without sample weights
    coefficients  n_outputs × width; changed in place

    Returns the number of steps made; a step that would leave ±limit is not made. After an exception, including
    KeyboardInterrupt, the coefficients are those of the last complete iteration.
    """
    made = 0
    weights = Matrix(coefficients[first : first + loss.width] for first in range(0, len(coefficients), loss.width)).T
    try:
        for updated_weights in islice(lesson(loss.rows, loss.targets, weights, learning_rate), iterations):
            if not all(-limit <= weight <= limit for weight in updated_weights.values):
                break
            weights = updated_weights
            made += 1
    finally:
        coefficients[:] = array("d", weights.T.values)  # one assignment, which no Ctrl-C can leave half done
    return made
