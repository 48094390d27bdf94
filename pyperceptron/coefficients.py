"""A fitted model from coefficients that are known: a published score, or another program's."""

from __future__ import annotations

from array import array

from pyperceptron.backends import backend_of
from pyperceptron.checks import LIMIT, counted, named
from pyperceptron.containers import UNORDERED, read_rows
from pyperceptron.labels import Classes
from pyperceptron.losses import loss_for
from pyperceptron.model import FittedModel, Record
from pyperceptron.samples import check_range
from pyperceptron.vectors import as_flat, float64_copy, list_of, numpy_if_loaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyperceptron.containers import Rows


def known_model(
    backend: str, coef: Any, intercept: Any, classes: Any, feature_names: Any, loss: str, fit_intercept: bool
) -> FittedModel:
    """Return a model with these coefficients; raise ValueError or TypeError if they do not fit one another.

    coef           n_outputs × n_inputs, where two classes need one output, more one for each; for one output a flat sequence
    intercept      n_outputs numbers, or one for all
    classes        a label for each output; for a single one those of 0 and 1
    feature_names  the names of the columns, or None
    """
    own = _read_classes(classes)
    n_outputs = own.n_outputs
    table = _read(coef, "coef", backend)
    values = float64_copy(as_flat(table.view))
    n_inputs = table.n_columns
    if n_outputs == 1 and n_inputs == 1:  # a flat sequence, or a column
        n_inputs = table.n_rows
    elif table.n_rows != n_outputs:
        raise ValueError(
            f"coef has {counted(table.n_rows, 'row')} of {counted(n_inputs, 'number')} but {len(own.labels)} classes "
            f"need {counted(n_outputs, 'row')}: {_rows_needed(own)}"
        )
    intercepts = _read_intercepts(intercept, n_outputs, backend)
    if not fit_intercept and any(intercepts):
        raise ValueError(f"intercept is {named(intercept)} but fit_intercept is False; expected 0: leave fit_intercept True")
    coefficients = array("d")
    for output in range(n_outputs):
        coefficients += values[output * n_inputs : (output + 1) * n_inputs]
        if fit_intercept:
            coefficients.append(intercepts[output])
    names = None if feature_names is None else _read_names(feature_names, n_inputs)
    activation = loss_for(loss, own.kind).activations[own.kind]
    record = Record("none", 0, 0, [], [])
    return FittedModel(backend, coefficients, own, activation, n_inputs, fit_intercept, names, table.container, record)


def _rows_needed(classes: Classes) -> str:
    if classes.n_outputs > 1:
        return "give one for each class"
    return f"give only that of {named(classes.labels[1])}, less that of {named(classes.labels[0])} if there are two"


def _read(numbers: Any, name: str, backend: str) -> Rows:
    table = read_rows(numbers, name, flat=True)
    check_range(table, name, -LIMIT, LIMIT, backend_of(backend))
    return table


def _read_intercepts(intercept: Any, n_outputs: int, backend: str) -> array[float]:
    shape = getattr(intercept, "shape", None)
    alone = shape == () or not (hasattr(intercept, "__len__") or hasattr(intercept, "__iter__"))
    table = _read([[intercept]] if alone else intercept, "intercept", backend)
    values = float64_copy(as_flat(table.view))
    if len(values) == 1:
        return values * n_outputs
    if len(values) != n_outputs or table.n_rows != n_outputs:
        raise ValueError(
            f"intercept has {counted(len(values), 'number')} but coef has {counted(n_outputs, 'row')}: give one number, or one "
            "for each row"
        )
    return values


def _read_classes(classes: Any) -> Classes:
    """Return the classes in the order given; raise ValueError or TypeError if they are not two or more different labels."""
    if isinstance(classes, (str, bytes, *UNORDERED)) or not hasattr(classes, "__iter__"):
        raise TypeError(f"classes is {named(classes)}; expected a sequence of labels: write them as classes=['no', 'yes']")
    labels = list_of(classes.tolist() if hasattr(classes, "tolist") else classes)
    found: set[Any] = set()
    for number, label in enumerate(labels):
        try:
            is_new = label not in found
            found.add(label)
        except TypeError:
            raise TypeError(
                f"classes[{number}] is {named(label)}, which cannot be hashed; expected a label such as a number or a string: "
                "give a flat sequence"
            ) from None
        if label is None or label != label:
            raise ValueError(f"classes[{number}] is {named(label)}; expected a label such as a number or a string: name it")
        if not is_new:
            raise ValueError(f"classes has {named(label)} twice; expected different labels: leave one out")
    if len(labels) < 2:
        raise ValueError(f"classes has {counted(len(labels), 'label')}; expected two or more: give one for each class")
    numpy = numpy_if_loaded()
    dtype = classes.dtype if numpy is not None and isinstance(classes, numpy.ndarray) else None
    return Classes(tuple(labels), False, dtype)


def _read_names(names: Any, n_inputs: int) -> tuple[str, ...]:
    read = () if isinstance(names, str) or not hasattr(names, "__iter__") else tuple(names)
    if len(read) != n_inputs or len(set(map(str, read))) < n_inputs or not all(isinstance(name, str) for name in read):
        raise ValueError(
            f"feature_names is {named(names)}; expected {counted(n_inputs, 'different string')}: "
            "give one for each column of coef"
        )
    return tuple(map(str, read))
