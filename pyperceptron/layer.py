"""One layer of sigmoid neurons, no hidden layers: the lesson's network.

What the lesson calls synaptic weights, training inputs, training outputs and "sigmoid derivative" are `weights`, `inputs`,
`targets` and `slopes` here. The training loop is in pyperceptron/backends/python/lesson.py; this module checks the arguments,
holds the weights, and calls the chosen backend.
"""

from __future__ import annotations

from array import array

from pyperceptron.activations import sigmoid_derivative
from pyperceptron.backends import CHOICES, backend_at_hand, backend_name, backend_of, partial_sums
from pyperceptron.checks import LIMIT, named, positive_number, thread_count, true_or_false, whole_number
from pyperceptron.chunks import WORTH_A_THREAD, Chunks
from pyperceptron.containers import to_container
from pyperceptron.history import NOTHING, LossCurve, next_mark
from pyperceptron.matrix import Matrix, matrix_of
from pyperceptron.model_file import Stored
from pyperceptron.samples import (
    read_inputs,
    read_layer_bias,
    read_layer_targets,
    read_layer_weights,
    read_training_inputs,
    refuse_overflow,
)
from pyperceptron.seeding import unseeded_weights
from pyperceptron.vectors import as_flat, as_list, as_view, zeros

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from typing import Any, Self

    from pyperceptron.backends import Backend, LinearLoss
    from pyperceptron.containers import Rows
    from pyperceptron.exports.description import Description
    from pyperceptron.findings import Finding
    from pyperceptron.model_file import Fields
    from pyperceptron.objective import Objective

    Lists = list[list[float]]


class SigmoidLayer(Stored, kind="SigmoidLayer"):
    """n_outputs sigmoid neurons over n_inputs numbers: outputs = sigmoid(inputs @ weights + bias).

    >>> layer = SigmoidLayer(3, seed=1)
    >>> layer.train([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], [0, 1, 1, 0])
    SigmoidLayer(3)
    >>> [[answer]] = layer.forward([[1, 0, 0]])
    >>> round(answer, 4)
    1.0

    bias     whether each neuron has a bias, which starts at 0
    seed     0 … 2³²-1: uniform starting weights in [-1, 1), as NumPy's after numpy.random.seed(seed); None for a random seed
    weights  the starting weights instead, n_inputs × n_outputs; for one output a flat sequence will do
    threads  how many a training may use; None for as many as the data are worth. The result is the same to the bit
    backend  "auto", "cython" or "python"; the attribute is the one chosen
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
        threads: int | None = None,
        backend: str = "auto",
    ) -> None:
        self.n_inputs = whole_number(n_inputs, "n_inputs", 1, 2**31 - 1)
        self.n_outputs = whole_number(n_outputs, "n_outputs", 1, 2**31 - 1)
        whole_number(self.n_inputs * self.n_outputs, "n_inputs * n_outputs", 1, 2**31 - 1)
        try:
            has_bias = true_or_false(bias, "bias")
        except TypeError as error:
            raise TypeError(f"{error}: its values are set afterwards, with layer.bias = ...") from None
        self.threads = thread_count(threads)
        self._asked_backend = backend
        self.backend = backend_name(backend)
        if weights is None:
            count = self.n_inputs * self.n_outputs
            if seed is None:
                weights = unseeded_weights(count)
            else:
                seed = whole_number(seed, "seed", 0, 2**32 - 1)
                weights = self._backend.uniform_weights(count, seed)
        elif seed is None:
            weights = read_layer_weights(weights, self.n_inputs, self.n_outputs, self._backend)
        else:
            raise ValueError("both seed and weights are given: give one of them")
        # n_outputs × width: each neuron's weights together and, with a bias, one number more.
        self._coefficients = self._joined(weights, zeros(self.n_outputs) if has_bias else None)
        self._start, self._seed = self._coefficients, seed  # nothing changes an array of coefficients in place
        self._outputs: _Outputs | None = None
        self._findings: list[str] = []
        self._curve: LossCurve | None = None

    @property
    def weights(self) -> Lists:
        """The weights, n_inputs × n_outputs, as a copy in lists; assign to replace them."""
        return self._weights_in(self._coefficients)

    @weights.setter
    def weights(self, weights: Any) -> None:
        read = read_layer_weights(weights, self.n_inputs, self.n_outputs, self._backend)
        self._replace_coefficients(self._joined(read, self._biases))

    @property
    def bias(self) -> list[float] | None:
        """The n_outputs biases as a copy, or None for a layer without; assign to replace them."""
        biases = self._biases
        return None if biases is None else biases.tolist()

    @bias.setter
    def bias(self, bias: Any) -> None:
        if self._biases is None:
            raise ValueError("this layer has no bias: make it with SigmoidLayer(..., bias=True)")
        biases = read_layer_bias(bias, self.n_outputs, self._backend)
        coefficients = self._coefficients[:]
        coefficients[self.n_inputs :: self._width] = biases
        self._replace_coefficients(coefficients)

    @property
    def outputs(self) -> Any:
        """A copy of the outputs, n_samples × n_outputs, that the last weight update used; None before any training.

        A pickle leaves them out, so that it does not grow with the rows. Ctrl-C does not change them, except that with a
        callback, as in `trace`, they are kept after each iteration.
        """
        if self._outputs is None:
            return None
        return to_container(self._outputs.values, self.n_outputs, self._outputs.container)

    @property
    def findings(self) -> list[str]:
        """Sentences about the last training that its user should know; empty if all is well, and before any training."""
        return self._findings[:]

    @property
    def history(self) -> list[dict[str, float]]:
        """The loss curve of the last training: a list of {"iteration", "loss"}; empty before any training.

        iteration  counted from 1, as those of Step: each of the first 13, then each about a sixth further, and the last
        loss       ½ Σ (targets - outputs)² of the outputs that this iteration computed, before it changed the weights

        The last loss is that of `outputs`. A model file does not hold the history. `pyperceptron.svg.curve(layer)` and
        `pyperceptron.plot.loss_curve(layer)` draw it.
        """
        return [] if self._curve is None else self._curve.entries()

    @property
    def _width(self) -> int:
        return len(self._coefficients) // self.n_outputs

    @property
    def _biases(self) -> array[float] | None:
        return self._biases_in(self._coefficients)

    def _biases_in(self, coefficients: array[float]) -> array[float] | None:
        return coefficients[self.n_inputs :: self._width] if self._width > self.n_inputs else None

    def _weights_in(self, coefficients: array[float]) -> Lists:
        neurons = as_list(as_view(coefficients, self._width))
        return [list(row) for row in zip(*(neuron[: self.n_inputs] for neuron in neurons), strict=True)]

    def _replace_coefficients(self, coefficients: array[float]) -> None:
        """Take coefficients that the caller gives: they are where a report starts from then."""
        self._coefficients = self._start = coefficients
        self._seed = None

    def _joined(self, weights: array[float], biases: array[float] | None) -> array[float]:
        """Return n_inputs × n_outputs weights and n_outputs biases as coefficients, n_outputs × width."""
        neurons = [weights[output :: self.n_outputs] for output in range(self.n_outputs)]
        for neuron, bias in zip(neurons, biases or (), strict=False):
            neuron.append(bias)
        return array("d", [value for neuron in neurons for value in neuron])

    @property
    def _backend(self) -> Backend:
        return backend_of(self.backend)

    def forward(self, inputs: Any) -> Any:
        """Return the outputs for n_samples × n_inputs numbers: n_samples × n_outputs, in the caller's kind of container.

        That is: lists for lists, a NumPy array for a NumPy array, a flat array.array for another buffer. Raises ValueError or
        TypeError with the place of a number that is not finite, or so large that its weighted sum overflows.
        """
        table = read_inputs(inputs, self.n_inputs)
        return to_container(self._predict(table, "sigmoid", self._coefficients), self.n_outputs, table.container)

    def export(self, target: str, prefix: str = "model") -> str:
        """Return source text that computes as `forward` does, to rounding, and needs no package.

        target  "python": predict_proba(row); "javascript": a module with predictProba(row); "c": PREFIX_predict_proba(row,
                outputs), in C or C++; "c-header": what PREFIX.h holds
        prefix  of the names in C
        """
        from pyperceptron.exports import export  # only here, as few programs need it

        return export(self._description(), target, prefix)

    def to_onnx(self) -> bytes:
        """Return an ONNX model in double precision: input "X", rows × inputs; output "probabilities", rows × outputs.

        Needs the package onnx, as the extra "onnx" installs; ImportError without.
        """
        from pyperceptron.exports.onnx import to_onnx

        return to_onnx(self._description())

    def report(
        self,
        path: str | os.PathLike[str],
        inputs: Any,
        targets: Any,
        iterations: int = 20_000,
        learning_rate: float = 1.0,
        *,
        situation: Any = None,
    ) -> None:
        """Write one HTML file on which this training runs in a browser, step by step, and can be changed; it needs no network.

        The page begins with the starting weights: those of the seed, or those given or assigned last. It trains as `train` does
        with the same arguments, to the bits of the compiled backend. The layer does not change.

        situation  n_inputs numbers about which the page first asks the layer; None for the first row of inputs

        Raises ValueError or TypeError as `train` does, ValueError too if the table is too large for a page, and OSError if the
        file cannot be written.
        """
        from pyperceptron.report.training import write_training_page  # only here, as few programs need it

        iterations = whole_number(iterations, "iterations", 1, 10_000_000)
        learning_rate = positive_number(learning_rate, "learning_rate")
        table = read_training_inputs(inputs, self.n_inputs, self._backend)
        answers = read_layer_targets(targets, table.n_rows, self.n_outputs, self._backend)
        asked = table if situation is None else read_training_inputs([situation], self.n_inputs, self._backend)
        biases = self._biases_in(self._start)
        write_training_page(
            path,
            table,
            answers,
            seed=self._seed,
            weights=self._weights_in(self._start),
            biases=None if biases is None else biases.tolist(),
            iterations=iterations,
            learning_rate=learning_rate,
            situation=as_list(asked.view[:1])[0],
        )

    def _description(self) -> Description:
        from pyperceptron.exports.description import Description

        sums = partial_sums(self.backend, self.n_inputs, self.n_outputs)
        return Description(self._coefficients, self.n_outputs, self.n_inputs, "sigmoid", sums)

    def _predict(self, table: Rows, activation: str, coefficients: array[float]) -> array[float]:
        results = zeros(table.n_rows * self.n_outputs)
        failed = self._backend.predict(table.view, coefficients, activation, as_view(results, self.n_outputs))
        if failed >= 0:
            refuse_overflow(table, failed, "inputs", self._backend)
        return results

    def train(
        self,
        inputs: Any,
        targets: Any,
        iterations: int = 20_000,
        learning_rate: float = 1.0,
        callback: Callable[[SigmoidLayer, int], object] | None = None,
    ) -> Self:
        """Learn by full-batch gradient descent on ½ Σ (targets - outputs)², from the current weights; return the layer.

        inputs   n_samples × n_inputs numbers within ±1e150
        targets  n_samples × n_outputs numbers in [0, 1]; for one output a flat sequence will do

        callback callback(layer, iteration) is called after each iteration, counted from 1; a true result ends the training

        Bad input raises ValueError or TypeError and changes nothing. Raises OverflowError if a step would take a weight beyond
        ±1e150; that, Ctrl-C and any other exception keep the weights of the last whole iteration.
        """
        if callback is not None and not callable(callback):
            raise TypeError(f"callback is {named(callback)}; expected a function of the layer and the iteration, or None")
        iterations, learning_rate = _checked_steps(iterations, learning_rate)
        descent = _Descent(self, inputs, targets, learning_rate)
        self._findings = []
        self._curve = descent.curve
        if callback is None:
            self._advance(descent, iterations)
        else:
            for iteration in range(1, iterations + 1):
                self._advance(descent, 1, iteration - 1)
                if callback(self, iteration):
                    break
        self._findings = []
        if iterations:
            from pyperceptron.findings import warn  # here, as a program that only predicts never needs it

            findings = self._diagnose(descent)
            self._findings = [finding.sentence for finding in findings]
            warn(findings, stacklevel=2)
        return self

    def _diagnose(self, descent: _Descent) -> list[Finding]:
        from pyperceptron.findings import diagnose_layer

        assert self._outputs is not None
        return diagnose_layer(
            self._outputs.values,
            as_flat(descent.targets),
            descent.table.view,
            self._width > self.n_inputs,
            descent.learning_rate,
            self._backend,
            lambda: (descent.objective(), self._coefficients),
        )

    def trace(self, inputs: Any, targets: Any, iterations: int = 20_000, learning_rate: float = 1.0) -> Iterator[Step]:
        """Return an iterator that makes one iteration of training for each Step taken from it.

        After N steps the weights are those of `train` for N iterations, to the bit. Raises as `train` does.
        """
        iterations, learning_rate = _checked_steps(iterations, learning_rate)
        return self._steps(_Descent(self, inputs, targets, learning_rate), iterations)

    def _steps(self, descent: _Descent, iterations: int) -> Iterator[Step]:
        self._findings = []
        self._curve = descent.curve
        for iteration in range(1, iterations + 1):
            yield self._traced(descent, iteration)

    def _advance(self, descent: _Descent, iterations: int, iterations_before: int = 0) -> None:
        """Train on checked samples. The layer changes once, at the end, so other threads never see half a step."""
        if not iterations:
            return
        coefficients, curve, last_loss = self._coefficients[:], descent.curve, array("d", [0.0])
        try:
            made = descent.advance(coefficients, iterations - 1, curve.losses if iterations > 1 else NOTHING)
            outputs = self._predict(descent.table, "sigmoid", coefficients)  # of the pass before the last update
            if made == iterations - 1:
                made += descent.advance(coefficients, 1, last_loss)
        finally:
            self._coefficients = coefficients
        self._outputs = _Outputs(outputs, descent.table.container)
        if made == iterations:
            self._curve = descent.curve = curve.up_to(iterations_before + iterations - 1, last_loss[0])
        else:
            made += iterations_before
            raise OverflowError(
                f"a weight would leave the range of -1e150 to 1e150 at iteration {made + 1}; the weights stay as they are "
                f"after iteration {made}: choose a smaller learning_rate or scale the inputs down"
            )

    def _traced(self, descent: _Descent, iteration: int) -> Step:
        weights, bias = self.weights, self.bias
        sums = self._predict(descent.table, "identity", self._coefficients)
        self._advance(descent, 1, iteration - 1)
        assert self._outputs is not None
        outputs = matrix_of(self._outputs.values.tolist(), (descent.table.n_rows, self.n_outputs))
        errors = Matrix(as_list(descent.targets)) - outputs
        slopes = sigmoid_derivative(outputs)
        return Step(
            iteration=iteration,
            weights=weights,
            bias=bias,
            weighted_sums=as_list(as_view(sums, self.n_outputs)),
            outputs=outputs.rows,
            errors=errors.rows,
            slopes=slopes.rows,
            adjustments=(errors * slopes).rows,
            updated_weights=self.weights,
            updated_bias=self.bias,
        )

    def _fields(self) -> dict[str, Any]:
        return {
            "inputs": self.n_inputs,
            "outputs": self.n_outputs,
            "threads": self.threads,
            "backend": self._asked_backend,
            "findings": self.findings,
            "bias": self.bias,
            "weights": self.weights,
        }

    @classmethod
    def _from_fields(cls, fields: Fields) -> Self:
        n_inputs = fields.whole("inputs", 1, 2**31 - 1)
        n_outputs = fields.whole("outputs", 1, 2**31 - 1)
        weights = array("d")
        for row in fields.rows("weights", n_inputs, n_outputs):
            weights += row
        bias = None if fields.take("bias") is None else fields.numbers("bias", n_outputs)
        backend = fields.one_of("backend", CHOICES)
        findings = fields.list_of("findings", str, "texts")
        try:
            layer = cls(
                n_inputs, n_outputs, bias=bias is not None, weights=as_view(weights, n_outputs), threads=fields.take("threads")
            )
            if bias is not None:
                layer.bias = bias
        except (TypeError, ValueError) as error:
            raise ValueError(f"the model file cannot be used: {error}") from None
        layer._asked_backend, layer.backend = backend, backend_at_hand(backend)
        layer._findings = findings
        return layer

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickle: resolve the requested backend again, as this machine may lack it, and `backend` says which it is."""
        self.__dict__.update(state)
        self.backend = backend_at_hand(self._asked_backend)

    def _repr_svg_(self) -> str:
        """What a notebook shows: the neurons, and the curve of the last training."""
        from pyperceptron.svg import picture

        return picture(self)

    _repr_html_ = _repr_svg_  # an SVG may stand in HTML, where its text can be selected

    def __repr__(self) -> str:
        outputs = f", {self.n_outputs}" if self.n_outputs > 1 else ""
        bias = ", bias=True" if self._biases else ""
        return f"SigmoidLayer({self.n_inputs}{outputs}{bias})"


class _Outputs:
    """The outputs of a pass, n_samples × n_outputs, and the kind of container to give them in; nothing changes them."""

    def __init__(self, values: array[float], container: str) -> None:
        self.values = values
        self.container = container

    def __deepcopy__(self, memo: object) -> _Outputs:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()  # a pickle holds None instead


def _checked_steps(iterations: Any, learning_rate: Any) -> tuple[int, float]:
    return whole_number(iterations, "iterations", 0, 2**63 - 1), positive_number(learning_rate, "learning_rate")


class _Descent:
    """Gradient descent on the squared error of a layer over samples; the constructor checks them."""

    def __init__(self, layer: SigmoidLayer, inputs: Any, targets: Any, learning_rate: float) -> None:
        self._backend = layer._backend
        self.table = read_training_inputs(inputs, layer.n_inputs, self._backend)
        n_rows, n_outputs, width = self.table.n_rows, layer.n_outputs, layer._width
        self.targets = read_layer_targets(targets, n_rows, n_outputs, self._backend).as_float64()
        self._chunks = Chunks(self.table.view, width, n_outputs, layer.threads, self._backend)
        self._loss: LinearLoss = self._backend.LinearLoss(
            self.table.view,
            self.targets,
            None,
            n_outputs,
            "sigmoid_squared_error",
            width > layer.n_inputs,
            self._chunks.rows_in_chunk,
            stop=self._chunks.stop,
        )
        self.learning_rate = learning_rate
        self.curve = LossCurve()
        self._n_outputs, self._bias = n_outputs, width > layer.n_inputs

    def objective(self) -> Objective:
        """Return the objective of the descent as a mean over the samples."""
        from pyperceptron.columns import column_statistics
        from pyperceptron.losses import loss_for
        from pyperceptron.objective import Objective

        columns = column_statistics(self._loss, self._chunks, self.table.view, self._backend)
        loss = loss_for("squared_error", "multilabel")
        return Objective(
            self._backend, self.table.view, self._loss, self._chunks, columns, loss, self._n_outputs, intercept=self._bias
        )

    def advance(self, coefficients: array[float], iterations: int, losses: array[float]) -> int:
        """Make up to `iterations` steps in place, as long as the coefficients stay within ±LIMIT; return the number made.

        losses  becomes, as far as there is room, the losses before the steps 0, next_mark(0) and so on

        After an exception, including KeyboardInterrupt, the coefficients are those of the last complete iteration.
        """
        if self._chunks.work < 2 * WORTH_A_THREAD:
            return int(self._backend.train(self._loss, coefficients, iterations, self.learning_rate, LIMIT, losses))
        place = mark = 0
        for made in range(iterations):  # the same steps over many chunks, in threads
            total = self._chunks.sum(self._loss.evaluate, coefficients)
            if made == mark and place < len(losses):
                losses[place] = total[0]
                place, mark = place + 1, next_mark(mark)
            updated = coefficients[:]
            self._backend.add_scaled(updated, -self.learning_rate, total[1:])
            if self._backend.first_outside(as_view(updated, 1), -LIMIT, LIMIT) >= 0:
                return made
            coefficients[:] = updated
        return iterations


class Step:
    """All numbers of one iteration, each a list of rows, in the order in which the lesson computes them.

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
    weights: Lists
    weighted_sums: Lists
    outputs: Lists
    errors: Lists
    slopes: Lists
    adjustments: Lists
    updated_weights: Lists
    bias: list[float] | None
    updated_bias: list[float] | None

    def __init__(self, **numbers: Any) -> None:
        self.__dict__.update(numbers)

    def __repr__(self) -> str:
        return f"Step({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"
