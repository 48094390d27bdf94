"""The lesson's training loop: a layer of sigmoid neurons learns by gradient descent on its squared error."""

from __future__ import annotations

from array import array
from itertools import islice

from pyperceptron.activations import sigmoid, sigmoid_derivative
from pyperceptron.history import next_mark
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


def half_squared_error(targets: Matrix, outputs: Matrix) -> float:
    """Return ½ Σ (targets - outputs)²."""
    total = 0.0
    for error in (targets - outputs).values:
        total += error * error / 2
    return total


def train(
    loss: LinearLoss,
    coefficients: array[float],
    iterations: int,
    learning_rate: float,
    limit: float,
    losses: array[float],
) -> int:
    """Step along the gradient of a squared error, `iterations` times, or until a coefficient would leave ±limit.

    loss          a "sigmoid_squared_error" without sample weights
    coefficients  n_outputs × width; changed in place
    losses        becomes, as far as there is room, ½ Σ (targets - outputs)² of the outputs that the steps 0, next_mark(0), ...
                  use

    Returns the number of steps made; a step that would leave ±limit is not made. After an exception, including
    KeyboardInterrupt, the coefficients are those of the last complete iteration.
    """
    made = mark = 0
    weights = Matrix(coefficients[first : first + loss.width] for first in range(0, len(coefficients), loss.width)).T
    steps = lesson(loss.rows, loss.targets, weights, learning_rate)
    try:
        for place in range(len(losses) + 1):
            end = iterations if place == len(losses) else min(mark, iterations)
            for updated_weights in islice(steps, end - made):
                if not all(-limit <= weight <= limit for weight in updated_weights.values):
                    return made
                weights = updated_weights
                made += 1
            if made == iterations:
                break
            losses[place] = half_squared_error(loss.targets, sigmoid(loss.rows @ weights))
            mark = next_mark(mark)
    finally:
        coefficients[:] = array("d", weights.T.values)  # one assignment, which no Ctrl-C can leave half done
    return made
