"""What a training leaves behind: coefficients and classes, and how they answer."""

from __future__ import annotations

import sys
from array import array

from pyperceptron.backends import backend_of
from pyperceptron.checks import counted
from pyperceptron.samples import (
    as_view,
    feature_names_of,
    in_container,
    read_one,
    read_samples,
    refuse_overflow,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyperceptron.backends import RowPredictor
    from pyperceptron.labels import Labels
    from pyperceptron.samples import Table

    Numbers = array[float]


class Fitted:
    """The coefficients, n_outputs × width with each output's intercept last, and what is needed to predict with them.

    It never changes: a new step of a training makes a new one, so predictions may go on in other threads meanwhile.
    """

    def __init__(
        self,
        backend: str,
        coefficients: Numbers,
        labels: Labels,
        activation: str,
        n_inputs: int,
        intercept: bool,
        names: tuple[str, ...] | None,
        container: str,
    ) -> None:
        self.backend = backend
        self.coefficients = coefficients
        self.labels = labels
        self.n_inputs = n_inputs
        self.intercept = intercept
        self.width = n_inputs + intercept
        self.n_outputs = len(coefficients) // self.width
        self.names = names
        self.container = "list" if container == "array" else container
        self.activation = activation

    def on(self, backend: str) -> Fitted:
        """The same, with another twin to compute."""
        other = Fitted.__new__(Fitted)
        other.__dict__.update(self.__dict__, backend=backend)
        return other

    @property
    def coef(self) -> Any:
        """n_outputs × n_inputs."""
        rows = [self.coefficients[first : first + self.n_inputs] for first in range(0, len(self.coefficients), self.width)]
        return in_container(array("d", [value for row in rows for value in row]), self.n_inputs, self.container)

    @property
    def intercepts(self) -> Any:
        """n_outputs numbers, 0 for a model without."""
        values = self.coefficients[self.n_inputs :: self.width] if self.intercept else array("d", bytes(8 * self.n_outputs))
        numpy = sys.modules.get("numpy") if self.container == "numpy" else None
        return numpy.array(values) if numpy else values.tolist()

    def sums(self, samples: Any) -> Any:
        """The weighted sums, n_samples × n_outputs; for a single output flat."""
        table, results = self._answers(samples, "identity", self.n_outputs)
        if table.container == "list":
            return results.tolist() if self.n_outputs == 1 else in_container(results, self.n_outputs, "list")
        return results.reshape(-1) if table.container == "numpy" and self.n_outputs == 1 else results

    def probabilities(self, samples: Any) -> Any:
        """n_samples × n_classes; for several outputs, each row's are of one output each."""
        n_columns = max(2, self.n_outputs)
        table, results = self._answers(samples, self.activation, n_columns)
        return in_container(results, n_columns, "list") if table.container == "list" else results

    def predictions(self, samples: Any) -> Any:
        """A label for each row, in a NumPy array for a NumPy array and else in a list; for several outputs rows of 0 and 1."""
        table, sums = self._answers(samples, "identity", self.n_outputs)
        if self.labels.multilabel:
            if table.container == "numpy":
                return (sums > 0).astype("l")
            values = [int(value > 0) for value in sums]
            return [values[first : first + self.n_outputs] for first in range(0, len(values), self.n_outputs)]
        choices = array("H", bytes(2 * table.n_rows))
        view: memoryview[float] = memoryview(sums) if table.container == "numpy" else as_view(sums, self.n_outputs)
        backend_of(self.backend).predicted_classes(view, memoryview(choices))
        if table.container == "numpy":
            return self.labels.as_numpy().take(choices)
        return list(map(self.labels.classes.__getitem__, choices))

    def scorer(self) -> RowPredictor:
        """The same for one row at a time."""
        kernels = backend_of(self.backend)
        predictor: RowPredictor = kernels.RowPredictor(
            self.coefficients,
            self.n_outputs,
            self.n_inputs,
            self.activation,
            None if self.labels.multilabel else self.labels.classes,
            lambda x, overflows=False: read_one(x, self.n_inputs, self.names, kernels, overflows),
        )
        return predictor

    def _answers(self, samples: Any, activation: str, n_columns: int) -> tuple[Table, Any]:
        """The samples and their answers: n_samples × n_columns in NumPy for NumPy, else a flat array.array.

        ValueError if the samples are not such as the model was fitted with.
        """
        kernels = backend_of(self.backend)
        table = read_samples(samples)
        self._check_columns(table, feature_names_of(samples))
        if table.container == "numpy":
            results = sys.modules["numpy"].empty((table.n_rows, n_columns))
            view: memoryview[float] = memoryview(results)
        else:
            results = array("d", bytes(8 * table.n_rows * n_columns))
            view = as_view(results, n_columns)
        failed = kernels.predict(table.view, self.coefficients, activation, view)
        if failed >= 0:
            refuse_overflow(table, failed, "X", kernels)
        return table, results

    def _check_columns(self, table: Table, names: tuple[str, ...] | None) -> None:
        if table.n_columns != self.n_inputs:
            raise ValueError(
                f"X has {counted(table.n_columns, 'column')} but the model was fitted with {self.n_inputs}: "
                f"give rows of {counted(self.n_inputs, 'number')}"
            )
        if names is None or self.names is None or names == self.names:
            return
        missing = [name for name in self.names if name not in names]
        if missing:
            raise ValueError(
                f"X lacks {counted(len(missing), 'column')} that the model was fitted with: {_listed(missing)}; "
                f"it has {_listed([name for name in names if name not in self.names])} instead: give the same columns"
            )
        moved = [name for name, own in zip(names, self.names, strict=True) if name != own]
        raise ValueError(
            f"X has its columns in another order than the model was fitted with, from {moved[0]!r} on: "
            f"give them as {_listed(self.names)}"
        )


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(map(repr, names[:20])) + (", …" if len(names) > 20 else "")
