"""The result of a fit: coefficients, classes and the record of the training, with the predictions."""

from __future__ import annotations

from array import array
from math import nan

from pyperceptron.backends import backend_at_hand, backend_of
from pyperceptron.checks import counted
from pyperceptron.containers import read_rows, to_container
from pyperceptron.samples import read_row, refuse_overflow
from pyperceptron.table import Table
from pyperceptron.vectors import PIECE, as_list, as_view, numpy_copy, numpy_if_loaded, pieces, zeros

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence
    from typing import Any

    from pyperceptron.backends import RowPredictor
    from pyperceptron.containers import Rows
    from pyperceptron.encoding import Encoding
    from pyperceptron.labels import Classes

    Numbers = array[float]
    # The objective, the loss, the gradient norm, the step size, the passes and the seconds until then.
    Step = tuple[float, float, float, float, int, float]

_MOST_COLUMNS_BY_NAME = 1000  # that a backend looks up by itself


class Record:
    """How a training went.

    solver      its name
    n_rows      how many rows there were
    n_iter      how many steps it made
    history     of the start and of each step, a Step or what is made of it; a caller may go on adding to it
    findings    sentences for the user; empty if all is well
    deviations  the standard deviation of each column of numbers that the model sees, to six digits; None if there was no fit
    """

    def __init__(
        self,
        solver: str,
        n_rows: int,
        n_iter: int,
        history: list[Any],
        findings: list[str],
        deviations: Sequence[float] | None = None,
    ) -> None:
        self.solver = solver
        self.n_rows = n_rows
        self.n_iter = n_iter
        self._history, self._n_entries = history, len(history)
        self.findings = findings
        self._deviations = deviations

    @property
    def deviations(self) -> list[float] | None:
        """They are rounded when somebody asks, as of many columns that takes longer than their fit."""
        return None if self._deviations is None else [float(f"{deviation:.6g}") for deviation in self._deviations]

    @deviations.setter
    def deviations(self, deviations: Sequence[float] | None) -> None:
        self._deviations = deviations

    @property
    def history(self) -> list[dict[str, float]]:
        """What Perceptron.history_ describes, as far as it went when this record was made.

        Records of the same training share a list, as a copy for each step would take as long as the square of their number.
        """
        entries = self._history[: self._n_entries]
        return [dict(step) if type(step) is dict else _entry(place, *step) for place, step in enumerate(entries)]


def _entry(
    iteration: int, objective: float, loss: float, gradient_norm: float, step_size: float, passes: int, seconds: float
) -> dict[str, float]:
    return {
        "iteration": iteration,
        "objective": objective,
        "loss": loss,
        "penalty": objective - loss,
        "gradient_norm": gradient_norm,
        "step_size": step_size,
        "passes": passes,
        "seconds": seconds,
    }


class FittedModel:
    """The result of a fit. It is immutable, so other threads may predict with it during another fit.

    backend       the name of the backend that predicts
    coefficients  n_outputs × width, each output's together, its intercept last
    classes       the Classes it predicts
    activation    the name of the activation that maps logits to probabilities
    intercept     whether there are intercepts
    n_inputs      how many numbers it sees of a row
    names         of the columns as given, or None
    encoding      how columns of texts become numbers; None if all columns are numbers
    container     "numpy" or "list": the kind in which coefficients are given
    record        of the training
    """

    def __init__(
        self,
        backend: str,
        coefficients: Numbers,
        classes: Classes,
        activation: str,
        n_inputs: int,
        intercept: bool,
        names: tuple[Hashable, ...] | None,
        container: str,
        record: Record,
        encoding: Encoding | None = None,
    ) -> None:
        self.backend = backend
        self.coefficients = coefficients
        self.classes = classes
        self.activation = activation
        self.n_inputs = n_inputs
        self.intercept = intercept
        self.width = n_inputs + intercept
        self.n_outputs = len(coefficients) // self.width
        self.names = names
        self.container = "list" if container == "array" else container
        self.record = record
        self.encoding = encoding

    @property
    def n_columns(self) -> int:
        """How many columns X has."""
        return self.n_inputs if self.encoding is None else len(self.encoding.columns)

    @property
    def coef_names(self) -> list[str]:
        """What each weight belongs to."""
        if self.encoding is not None:
            return self.encoding.coef_names[:]
        return [f"x{j}" for j in range(self.n_inputs)] if self.names is None else list(map(str, self.names))

    def with_backend(self, backend: str) -> FittedModel:
        """Return the same model with another backend to predict."""
        other = FittedModel.__new__(FittedModel)
        other.__dict__.update(self.__dict__, backend=backend)
        return other

    @property
    def coef(self) -> Any:
        """The weights, n_outputs × n_inputs."""
        rows = [self.coefficients[first : first + self.n_inputs] for first in range(0, len(self.coefficients), self.width)]
        return to_container(array("d", [value for row in rows for value in row]), self.n_inputs, self.container)

    @property
    def intercepts(self) -> Any:
        """n_outputs numbers, 0 for a model without intercepts."""
        values = self.coefficients[self.n_inputs :: self.width] if self.intercept else zeros(self.n_outputs)
        numpy = numpy_if_loaded() if self.container == "numpy" else None
        return numpy.array(values) if numpy else values.tolist()

    def logits(self, X: Any) -> Any:
        """Return the logits, n_samples × n_outputs; flat for a single output or an X that is neither lists nor NumPy."""
        table, results = self._predict(X, "identity", self.n_outputs)
        if table.container == "list":
            return as_list(results) if self.n_outputs == 1 else to_container(results, self.n_outputs, "list")
        return results.reshape(-1) if table.container == "numpy" and self.n_outputs == 1 else results

    def probabilities(self, X: Any) -> Any:
        """Return n_samples × n_classes probabilities, or n_samples × n_outputs if multilabel; flat for another buffer."""
        n_columns = max(2, self.n_outputs)
        table, results = self._predict(X, self.activation, n_columns)
        return to_container(results, n_columns, "list") if table.container == "list" else results

    def log_probabilities(self, X: Any) -> Any:
        """Return the logarithms of the probabilities, in their shape and container."""
        n_columns = max(2, self.n_outputs)
        table, logits = self._predict(X, "identity", self.n_outputs)
        numpy = numpy_if_loaded() if table.container == "numpy" else None
        results = numpy.empty((len(table), n_columns)) if numpy else zeros(len(table) * n_columns)
        views = (logits, results) if numpy else (as_view(logits, self.n_outputs), as_view(results, n_columns))
        backend_of(self.backend).log_probabilities(memoryview(views[0]), self.activation, memoryview(views[1]))
        return to_container(results, n_columns, "list") if table.container == "list" else results

    def predictions(self, X: Any) -> Any:
        """Return a label for each row, in a NumPy array for a NumPy array, else in a list; if multilabel, rows of 0 and 1."""
        table, logits = self._predict(X, "identity", self.n_outputs)
        if self.classes.multilabel:
            if table.container == "numpy":
                return numpy_copy(logits > 0, "l")
            values = [int(logit > 0) for logit in logits]
            return [values[first : first + self.n_outputs] for first in range(0, len(values), self.n_outputs)]
        found = array("H", bytes(2 * len(table)))
        view: memoryview[float] = memoryview(logits) if table.container == "numpy" else as_view(logits, self.n_outputs)
        view_of_found = memoryview(found)
        backend_of(self.backend).predicted_classes(view, view_of_found)
        if table.container == "numpy":
            labels = self.classes.as_numpy()
            if len(table) <= PIECE:
                return labels.take(found)
            predicted = numpy_if_loaded().empty(len(table), labels.dtype)
            for into, codes in zip(pieces(predicted), pieces(view_of_found), strict=True):
                into[...] = labels.take(codes)
            return predicted
        return [self.classes.labels[code] for code in found]

    def row_predictor(self) -> RowPredictor:
        """Return a RowPredictor with these coefficients."""
        backend = backend_of(self.backend)
        predictor: RowPredictor = backend.RowPredictor(
            self.coefficients,
            self.n_outputs,
            self.n_inputs,
            self.activation,
            None if self.classes.multilabel else self.classes.labels,
            lambda x, overflows=False: read_row(x, self.n_inputs, self.names, backend, overflows, self.encoding),
            self._plan(),
        )
        return predictor

    def _plan(self) -> Any:
        """Return how a mapping becomes a row, as RowPredictor takes it; None for so many columns that it hardly matters."""
        if self.names is None or len(self.names) > _MOST_COLUMNS_BY_NAME:
            return None
        if self.encoding is not None:
            return self.encoding.plan()
        return tuple((name, place, None, nan, -1) for place, name in enumerate(self.names))

    def picklable_row_predictor(self) -> RowPredictor:
        """Return a RowPredictor whose methods can be pickled: they take this model along."""
        predictor = self.row_predictor()
        predictor.recipe = FittedModel.picklable_row_predictor, (self,)
        return predictor

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickle: predict with another backend if this machine lacks the one that ran the fit."""
        self.__dict__.update(state, backend=backend_at_hand(state["backend"]))

    def _predict(self, X: Any, activation: str, n_columns: int) -> tuple[Rows | Table, Any]:
        """Return X as a table, and n_samples × n_columns activations: in NumPy for NumPy, else in a flat array.array.

        Raises ValueError if the columns are not those that the model was fitted with, or a number cannot be used.
        """
        backend = backend_of(self.backend)
        table, blocks = self._read(X)
        if table.container == "numpy":
            results = numpy_if_loaded().empty((len(table), n_columns))
            view: memoryview[float] = memoryview(results)
        else:
            results = zeros(len(table) * n_columns)
            view = as_view(results, n_columns)
        start = 0
        for block in blocks:
            failed = backend.predict(block.view, self.coefficients, activation, view[start : start + block.n_rows])
            if failed >= 0:
                refuse_overflow(block, failed, "X", backend)
            start += block.n_rows
        return table, results

    def _read(self, X: Any) -> tuple[Rows | Table, Iterable[Rows]]:
        """Return X, checked, and blocks of its rows as the numbers that the model sees."""
        if self.encoding is None:
            rows = read_rows(self._in_order(X) if isinstance(X, Table) else X, "X")
            rows.first_row = X.first_row if isinstance(X, Table) else 0
            self._check_columns(rows.names, rows.n_columns)
            return rows, [rows]
        table = self._in_order(self.encoding.table_of(X))
        return table, self.encoding.blocks(table)

    def _in_order(self, table: Table) -> Table:
        """Return a table with the model's columns in their order; ValueError for missing and unknown ones."""
        names = self.names
        if names is not None and {*names} == {*table.names}:
            return table.select(names)
        self._check_columns(table.names, len(table.columns))
        return table

    def _check_columns(self, names: tuple[Hashable, ...] | None, count: int) -> None:
        known = self.names
        if names and known and {*names} != {*known} and tuple(range(len(names))) in (names, known):
            names = None  # a frame that was made without names has the numbers of its columns instead
        if names and known and {*names} == {*known} and names != known and len(names) == len(known):
            moved = next(name for name, own in zip(names, known, strict=True) if name != own)
            raise ValueError(
                f"X's columns are in a different order than in fit (first difference: {moved!r}): give them as {_listed(known)}"
            )
        if names and known and names != known:
            missing = [name for name in known if name not in names]
            unknown = [name for name in names if name not in known]
            found = [f"lacks {_columns(missing)} that the model was fitted with"] * bool(missing)
            found += [f"has {_columns(unknown)} that the model was not fitted with"] * bool(unknown)
            remedy = f"give {_listed(known)}"
            if self.classes.name in unknown:
                remedy = f"leave out the target column {self.classes.name!r}"
            raise ValueError(f"X {' and '.join(found) or 'has a column twice'}: {remedy}")
        if count != self.n_columns:
            raise ValueError(
                f"X has {counted(count, 'column')} but the model was fitted with {self.n_columns}: "
                f"give rows of {counted(self.n_columns, 'number')}"
            )


def _columns(names: Sequence[Hashable]) -> str:
    return f"the column{'s' if len(names) > 1 else ''} {_listed(names)}"


def _listed(names: Sequence[Hashable]) -> str:
    return ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "")
