"""One layer of sigmoid neurons, no hidden layers: the lesson's network.

The lesson's synaptic weights are `weights` here, its training inputs `inputs`, its training outputs `targets`, and its
"sigmoid derivative" of an output a slope. The arithmetic is in pyperceptron/backends/python.py, in `lesson`; this module
checks what it is given, keeps the weights, and has the chosen backend compute.
"""

from __future__ import annotations

from array import array

from pyperceptron.activations import sigmoid_derivative
from pyperceptron.backends import resolve
from pyperceptron.checks import named, positive_number, whole_number
from pyperceptron.matrix import Matrix, matrix_of
from pyperceptron.samples import as_view, in_container, read_bias, read_inputs, read_targets, read_weights, rows_of
from pyperceptron.seeding import uniform_weights

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from pyperceptron.backends import Backend
    from pyperceptron.samples import Table

    Rows = list[list[float]]


class SigmoidLayer:
    """n_outputs sigmoid neurons over n_inputs numbers: outputs = sigmoid(inputs @ weights + bias).

    >>> layer = SigmoidLayer(3, seed=1)
    >>> layer.train([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], [0, 1, 1, 0])
    SigmoidLayer(3)
    >>> [[answer]] = layer.forward([[1, 0, 0]])
    >>> round(answer, 4)
    1.0

    The starting weights are `weights` (n_inputs × n_outputs; for one output a flat sequence will do) or else uniform in
    [-1, 1): NumPy's own numbers after numpy.random.seed(seed) where a seed is given (0 … 2³²-1). `bias=True` adds to each
    neuron a bias, which starts at 0. `backend` is "auto", "cython" or "python"; the attribute tells which one it is.
    """

    n_inputs: int
    n_outputs: int
    backend: str

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int = 1,
        *,
        bias: bool = False,
        seed: int | None = None,
        weights: Any = None,
        backend: str = "auto",
    ) -> None:
        self.n_inputs = whole_number(n_inputs, "n_inputs", 1, 2**31 - 1)
        self.n_outputs = whole_number(n_outputs, "n_outputs", 1, 2**31 - 1)
        whole_number(self.n_inputs * self.n_outputs, "n_inputs × n_outputs", 1, 2**31 - 1)
        if not isinstance(bias, bool):
            raise TypeError(
                f"bias is {named(bias)}; expected True or False: its values are set afterwards, with layer.bias = ..."
            )
        self._asked_backend = backend
        self.backend, kernels = resolve(backend)
        if weights is None:
            if seed is not None:
                seed = whole_number(seed, "seed", 0, 2**32 - 1)
            # A flat array of n_inputs × n_outputs numbers and, with a bias, one row more.
            self._parameters = uniform_weights(self.n_inputs * self.n_outputs, seed)
        elif seed is None:
            self._parameters = read_weights(weights, self.n_inputs, self.n_outputs, kernels)
        else:
            raise ValueError("both seed and weights are given: give one of them")
        if bias:
            self._parameters.extend([0.0] * self.n_outputs)
        self._outputs: tuple[array[float], str] | None = None

    @property
    def weights(self) -> Rows:
        """The weights, n_inputs × n_outputs, as a copy in lists; assign to replace them."""
        return rows_of(as_view(self._parameters, self.n_outputs))[: self.n_inputs]

    @weights.setter
    def weights(self, weights: Any) -> None:
        # Joined before it is assigned, so a refused value leaves the layer as it was.
        self._parameters = read_weights(weights, self.n_inputs, self.n_outputs, self._kernels) + self._bias_row

    @property
    def bias(self) -> list[float] | None:
        """The n_outputs biases as a copy, or None for a layer without; assign to replace them."""
        return self._bias_row.tolist() or None

    @bias.setter
    def bias(self, bias: Any) -> None:
        if not self._bias_row:
            raise ValueError("this layer has no bias: make it with SigmoidLayer(..., bias=True)")
        self._parameters = self._parameters[: -self.n_outputs] + read_bias(bias, self.n_outputs, self._kernels)

    @property
    def outputs(self) -> Any:
        """n_samples × n_outputs, a copy of the last forward pass that training made (before its last update); None before.

        A training that Ctrl-C stopped leaves those of the training before it.
        """
        if self._outputs is None:
            return None
        values, container = self._outputs
        return in_container(values, self.n_outputs, container)

    @property
    def _bias_row(self) -> array[float]:
        return self._parameters[self.n_inputs * self.n_outputs :]

    @property
    def _kernels(self) -> Backend:
        return resolve(self.backend)[1]

    def forward(self, inputs: Any) -> Any:
        """The outputs for n_samples × n_inputs numbers: n_samples × n_outputs, in the caller's kind of container.

        That is: lists for lists, a NumPy array for a NumPy array, a flat array.array for another buffer.
        """
        kernels = self._kernels
        table = read_inputs(inputs, self.n_inputs, kernels)
        outputs = self._zeros(table)
        kernels.forward(table.view, as_view(self._parameters, self.n_outputs), as_view(outputs, self.n_outputs))
        return in_container(outputs, self.n_outputs, table.container)

    def train(
        self,
        inputs: Any,
        targets: Any,
        iterations: int = 20_000,
        learning_rate: float = 1.0,
        callback: Callable[[SigmoidLayer, int], object] | None = None,
    ) -> SigmoidLayer:
        """Learn by full-batch gradient descent on ½ Σ (targets - outputs)², from the weights as they are; returns the layer.

        inputs   n_samples × n_inputs finite numbers
        targets  n_samples × n_outputs numbers in [0, 1]; for one output a flat sequence will do

        After each iteration `callback(layer, iteration)` is called, iterations counted from 1; a true result ends the
        training. Bad input raises ValueError or TypeError and changes nothing. Ctrl-C keeps the weights of the last whole
        iteration, and so does the OverflowError that says that a step would leave the range of floats.
        """
        if callback is not None and not callable(callback):
            raise TypeError(f"callback is {named(callback)}; expected a function of the layer and the iteration, or None")
        samples, iterations, learning_rate = self._checked(inputs, targets, iterations, learning_rate)
        if callback is None:
            self._advance(*samples, iterations, learning_rate)
        else:
            for iteration in range(1, iterations + 1):
                self._advance(*samples, 1, learning_rate, iteration - 1)
                if callback(self, iteration):
                    break
        return self

    def trace(self, inputs: Any, targets: Any, iterations: int = 20_000, learning_rate: float = 1.0) -> Iterator[Step]:
        """Train, one iteration for each Step taken from the iterator, which tells every number of it.

        Taking N steps and `train` for N iterations end in the same weights, to the bit.
        """
        samples, iterations, learning_rate = self._checked(inputs, targets, iterations, learning_rate)
        return (self._traced(*samples, iteration, learning_rate) for iteration in range(1, iterations + 1))

    def _checked(
        self, inputs: Any, targets: Any, iterations: Any, learning_rate: Any
    ) -> tuple[tuple[Table, memoryview[float]], int, float]:
        """The samples as the kernels take them, and the rest, once every argument of a training is known to be sound."""
        iterations = whole_number(iterations, "iterations", 0, 2**63 - 1)
        learning_rate = positive_number(learning_rate, "learning_rate")
        kernels = self._kernels
        table = read_inputs(inputs, self.n_inputs, kernels)
        wanted = read_targets(targets, table.n_rows, self.n_outputs, kernels).as_doubles()
        return (table, wanted), iterations, learning_rate

    def _advance(
        self, table: Table, targets: memoryview[float], iterations: int, learning_rate: float, iterations_before: int = 0
    ) -> None:
        """Train on checked samples; the layer changes only once, at the end, so other threads never see half a step."""
        parameters = array("d", self._parameters)
        outputs = self._zeros(table)
        views = as_view(parameters, self.n_outputs), as_view(outputs, self.n_outputs)
        try:
            done = self._kernels.train(table.view, targets, *views, iterations, learning_rate)
        finally:
            self._parameters = parameters
        if iterations:
            self._outputs = outputs, table.container
        if done < iterations:
            done += iterations_before
            raise OverflowError(
                f"the weights leave the range of floats at iteration {done + 1} and stay as they are after iteration {done}: "
                "choose a smaller learning_rate or scale the inputs down"
            )

    def _traced(self, table: Table, targets: memoryview[float], iteration: int, learning_rate: float) -> Step:
        weights, bias = self.weights, self.bias
        sums = self._zeros(table)
        self._kernels.weighted_sums(table.view, as_view(self._parameters, self.n_outputs), as_view(sums, self.n_outputs))
        self._advance(table, targets, 1, learning_rate, iteration - 1)
        assert self._outputs is not None
        outputs = matrix_of(self._outputs[0].tolist(), (table.n_rows, self.n_outputs))
        errors = Matrix(rows_of(targets)) - outputs
        slopes = sigmoid_derivative(outputs)
        return Step(
            iteration=iteration,
            weights=weights,
            bias=bias,
            weighted_sums=rows_of(as_view(sums, self.n_outputs)),
            outputs=outputs.rows,
            errors=errors.rows,
            slopes=slopes.rows,
            adjustments=(errors * slopes).rows,
            updated_weights=self.weights,
            updated_bias=self.bias,
        )

    def _zeros(self, table: Table) -> array[float]:
        """Room for a number for each sample and output."""
        return array("d", bytes(8 * table.n_rows * self.n_outputs))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A layer from another process takes the backend that was asked for, as this one has it."""
        self.__dict__.update(state)
        self.backend = resolve(self._asked_backend)[0]

    def __repr__(self) -> str:
        outputs = f", {self.n_outputs}" if self.n_outputs > 1 else ""
        bias = ", bias=True" if self._bias_row else ""
        return f"SigmoidLayer({self.n_inputs}{outputs}{bias})"


class Step:
    """Every number of one iteration, each a list of rows, in the order in which the lesson computes them.

    iteration        counted from 1
    weights          before the step, n_inputs × n_outputs
    weighted_sums    inputs @ weights + bias, n_samples × n_outputs, as are the next four
    outputs          sigmoid(weighted_sums)
    errors           targets - outputs
    slopes           outputs · (1 - outputs)
    adjustments      errors · slopes
    updated_weights  weights + learning_rate · inputsᵀ @ adjustments
    bias             before the step, a flat list of n_outputs numbers; None for a layer without
    updated_bias     bias + learning_rate · the column sums of adjustments
    """

    iteration: int
    weights: Rows
    weighted_sums: Rows
    outputs: Rows
    errors: Rows
    slopes: Rows
    adjustments: Rows
    updated_weights: Rows
    bias: list[float] | None
    updated_bias: list[float] | None

    def __init__(self, **numbers: Any) -> None:
        self.__dict__.update(numbers)

    def __repr__(self) -> str:
        return f"Step({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"
