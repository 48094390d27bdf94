"""A fitted model as the fields of a model file, and back."""

from __future__ import annotations

import sys
from array import array

from pyperceptron.checks import counted, named
from pyperceptron.labels import MAX_CLASSES, Classes
from pyperceptron.losses import LOSSES
from pyperceptron.model import FittedModel, Record
from pyperceptron.model_file import from_value, to_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyperceptron.model_file import Fields

_LARGEST = sys.float_info.max
_MOST_COLUMNS = 2**31 - 1
# The dtypes of NumPy in a file, and the type that labels of each have; a text's or bytes' length is that of the longest label.
_DTYPES: dict[str, type] = {
    "|b1": bool,
    "<U": str,
    "|S": bytes,
    **{f"{order}{kind}{size}": int for order in "<>|" for kind in "iu" for size in (1, 2, 4, 8)},
    **{f"{order}f{size}": float for order in "<>" for size in (2, 4, 8)},
}
_SHORTER = {"U": "<U", "S": "|S"}
_LATER = ("encoding", "online")  # fields that later releases fill


def fields_of(model: FittedModel) -> dict[str, Any]:
    """Return what a file holds of a fitted model, in the order in which it is written."""
    classes, record, width = model.classes, model.record, model.width
    outputs = [model.coefficients[first : first + width].tolist() for first in range(0, len(model.coefficients), width)]
    return {
        "columns": model.n_inputs,
        "column_names": None if model.names is None else [to_value(name, "the column name") for name in model.names],
        "classes": {
            "labels": None if classes.multilabel else [to_value(label, "the label") for label in classes.labels],
            "outputs": model.n_outputs,
            "dtype": classes.dtype and _SHORTER.get(classes.dtype[1], classes.dtype),
            "name": to_value(classes.name, "the name of y"),
        },
        "activation": model.activation,
        "container": model.container,
        "training": {
            "rows": record.n_rows,
            "solver": record.solver,
            "steps": record.n_iter,
            "findings": record.findings,
            "history": record.history,
        },
        **dict.fromkeys(_LATER),
        "intercepts": [output.pop() for output in outputs] if model.intercept else None,
        "coefficients": outputs,
    }


def model_of(fields: Fields, backend: str) -> FittedModel:
    """Return the model whose fields fields_of wrote; ValueError if one is missing or wrong."""
    n_columns = fields.whole("columns", 1, _MOST_COLUMNS)
    names = fields.take("column_names")
    if names is not None:
        names = tuple(from_value(name, "a column name") for name in _list(fields, "column_names", names, n_columns))
    classes, n_outputs = _classes_of(fields.fields("classes"))
    activation = fields.one_of("activation", _activations(classes.kind))
    container = fields.one_of("container", ("list", "numpy"))
    training = fields.fields("training")
    record = Record(
        training.text("solver"),
        training.whole("rows", 0),
        training.whole("steps", 0),
        [_entry(entry) for entry in training.list_of("history", dict, "objects")],
        training.list_of("findings", str, "texts"),
    )
    training.refuse_others()
    for name in _LATER:
        fields.null(name)
    rows = fields.rows("coefficients", n_outputs, n_columns)
    intercept = fields.take("intercepts") is not None
    coefficients = array("d")
    for row, own in zip(rows, fields.numbers("intercepts", n_outputs) if intercept else [None] * n_outputs, strict=True):
        coefficients += row
        if own is not None:
            coefficients.append(own)
    return FittedModel(backend, coefficients, classes, activation, n_columns, intercept, names, container, record)


def _list(fields: Fields, name: str, values: Any, count: int) -> list[Any]:
    if type(values) is not list or len(values) != count:
        fields.refuse(f"has as {name!r} no list of {counted(count, 'element')}")
    return values


def _activations(kind: str) -> tuple[str, ...]:
    return tuple({loss.activations[kind]: None for loss in LOSSES.values() if kind in loss.activations})


def _entry(entry: dict[str, Any]) -> dict[str, float]:
    if not all(type(number) in (int, float) and abs(number) <= _LARGEST for number in entry.values()):
        raise ValueError(f"the model file's 'history' has {named(entry)}; expected finite numbers")
    return entry


def _classes_of(fields: Fields) -> tuple[Classes, int]:
    n_outputs = fields.whole("outputs", 1, MAX_CLASSES)
    given = fields.take("labels")
    multilabel = given is None
    if multilabel:
        labels = tuple(range(n_outputs))
    else:
        count = max(2, n_outputs) if n_outputs != 2 else 0  # two classes have one output
        labels = tuple(from_value(label, "a label") for label in _list(fields, "labels", given, count))
        try:
            different = len(set(labels)) == count
        except TypeError:
            different = False
        if not different or None in labels:
            fields.refuse("has labels that are not all different")
    classes = Classes(labels, multilabel, _dtype(fields, labels), from_value(fields.take("name"), "the name of y"))
    fields.refuse_others()
    return classes, n_outputs


def _dtype(fields: Fields, labels: tuple[Any, ...]) -> str | None:
    """Return the dtype that NumPy shall give the labels; refuse one that cannot hold them."""
    dtype = fields.text_or_none("dtype")
    if dtype is None or dtype == "|O":
        return dtype
    kind = _DTYPES.get(dtype)
    fits = all(
        type(label) is kind if kind else str(getattr(label, "dtype", "")) and label.dtype.str == dtype for label in labels
    )
    if fits and kind is int:
        bits = 8 * int(dtype[2])
        lowest, highest = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if dtype[1] == "i" else (0, 2**bits)
        fits = all(lowest <= label < highest for label in labels)
    if not fits:
        fields.refuse(f"has {named(dtype)} as 'dtype', which cannot hold the labels")
    return dtype
