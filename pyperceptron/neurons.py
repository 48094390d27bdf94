"""A layer or a fitted model as neurons, for pictures and plots: weights, their names and sizes, and what an output means."""

from __future__ import annotations

from pyperceptron.backends import backend_of
from pyperceptron.samples import read_row
from pyperceptron.vectors import as_view, zeros

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from typing import Any

    Numbers = array[float]


class Neurons:
    """The neurons of a SigmoidLayer or a fitted Perceptron.

    inputs      the names of the inputs: of the columns, or of what an encoding made of them
    outputs     the name of each neuron's output
    weights     of each neuron, n_inputs numbers
    biases      one number a neuron; None if there are none
    deviations  the standard deviation of each input; None if it is not known
    is_layer    whether it is a layer, whose outputs are no probabilities of labels
    activation  what makes outputs of the weighted sums: "sigmoid", or the softmax or "normalized_sigmoid" of all of them
    """

    def __init__(self, model: Any) -> None:
        """Raises NotFittedError for a model that is not fitted, and TypeError for anything else."""
        kind = getattr(model, "_kind", "")
        self._fitted = None
        self.is_layer = kind == "SigmoidLayer"
        if self.is_layer:
            self._coefficients, width = model._coefficients, model._width
            n_inputs, self._backend, self.activation, self.deviations = model.n_inputs, model.backend, "sigmoid", None
            self.inputs = [f"input {j + 1}" for j in range(n_inputs)]
            self.outputs = ["output"] if model.n_outputs == 1 else [f"output {c + 1}" for c in range(model.n_outputs)]
        elif kind == "Perceptron":
            fitted = self._fitted = model._require_fitted()
            self._coefficients, width, n_inputs, self._backend = (
                fitted.coefficients,
                fitted.width,
                fitted.n_inputs,
                fitted.backend,
            )
            self.activation = "sigmoid" if fitted.classes.kind == "binary" else fitted.activation
            self.deviations = fitted.record.deviations
            self.inputs = fitted.coef_names
            labels = fitted.classes.labels
            self.outputs = list(map(str, labels[1:] if fitted.classes.kind == "binary" else labels))
            if fitted.classes.multilabel:
                self.outputs = [f"output {name}" for name in self.outputs]
        else:
            raise TypeError(f"expected a SigmoidLayer or a fitted Perceptron; got {type(model).__name__}")
        starts = range(0, len(self._coefficients), width)
        self.weights = [self._coefficients[start : start + n_inputs] for start in starts]
        self.biases = [self._coefficients[start + n_inputs] for start in starts] if width > n_inputs else None

    def sizes(self, output: int) -> list[float]:
        """Return how much each weight of a neuron counts: its magnitude, times the deviation of its input if that is known."""
        weights = map(abs, self.weights[output])
        return list(weights) if self.deviations is None else [w * d for w, d in zip(weights, self.deviations, strict=True)]

    def largest(self, output: int, count: int) -> list[int]:
        """Return the places of a neuron's weights of the largest size, at most `count`, the largest first."""
        sizes = self.sizes(output)
        return sorted(range(len(sizes)), key=lambda place: -sizes[place])[:count]

    def answers(self, row: Any) -> tuple[Numbers, Numbers, Numbers]:
        """Return the numbers of a row that the neurons see, their weighted sums and their outputs."""
        fitted, n_inputs, n_outputs = self._fitted, len(self.inputs), len(self.outputs)
        backend = backend_of(self._backend)
        names, encoding = (None, None) if fitted is None else (fitted.names, fitted.encoding)
        values = read_row(row, n_inputs, names, backend, encoding=encoding)
        sums, outputs = zeros(n_outputs), zeros(n_outputs)
        for activation, results in (("identity", sums), (self.activation, outputs)):
            if backend.predict(as_view(values, n_inputs), self._coefficients, activation, as_view(results, n_outputs)) >= 0:
                read_row(values, n_inputs, names, backend, True, encoding)  # names the number that makes the sum overflow
        return values, sums, outputs
