"""A fitted model as the fields of a model file, and back."""

from __future__ import annotations

import sys
from array import array

from pyperceptron.checks import counted, named
from pyperceptron.encoding import Encoding
from pyperceptron.labels import MAX_CLASSES, Classes
from pyperceptron.losses import LOSSES
from pyperceptron.model import FittedModel, Record
from pyperceptron.model_file import Fields, from_value, to_value
from pyperceptron.table import level_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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
_LATER = ("online",)  # fields that later releases fill


def fields_of(model: FittedModel) -> dict[str, Any]:
    """Return what a file holds of a fitted model, in the order in which it is written."""
    classes, record, width = model.classes, model.record, model.width
    outputs = [model.coefficients[first : first + width].tolist() for first in range(0, len(model.coefficients), width)]
    return {
        "columns": model.n_columns,
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
            "history": [{name: entry[name] for name in entry if name != "seconds"} for entry in record.history],
            "deviations": record.deviations,
        },
        "encoding": None if model.encoding is None else [_plain(column) for column in model.encoding.as_fields()],
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
    for name in _LATER:
        fields.null(name)
    encoding = _encoding_of(fields, names)
    n_inputs = n_columns if encoding is None else encoding.width
    rows = fields.rows("coefficients", n_outputs, n_inputs)
    intercept = fields.take("intercepts") is not None
    coefficients = array("d")
    for row, own in zip(rows, fields.numbers("intercepts", n_outputs) if intercept else [None] * n_outputs, strict=True):
        coefficients += row
        if own is not None:
            coefficients.append(own)
    if training.has("deviations"):
        record.deviations = training.numbers("deviations", n_inputs).tolist()
    training.refuse_others()
    return FittedModel(backend, coefficients, classes, activation, n_inputs, intercept, names, container, record, encoding)


def _plain(column: dict[str, Any]) -> dict[str, Any]:
    return column | {"column": to_value(column["column"], "the column name")}


def _encoding_of(fields: Fields, names: tuple[Any, ...] | None) -> Encoding | None:
    given = fields.take("encoding")
    if given is None:
        return None
    if names is None:
        fields.refuse("has an 'encoding' but no 'column_names'")
    columns = _list(fields, "encoding", given, len(names))
    return Encoding(
        [_column_of(Fields(column, "the model file's 'encoding'"), name) for column, name in zip(columns, names, strict=True)]
    )


def _column_of(column: Fields, name: Any) -> tuple[Any, list[str] | None, float | None, bool]:
    if from_value(column.take("column"), "a column name") != name:
        column.refuse("has other names than 'column_names'")
    kind, missing = column.one_of("kind", ("number", "text")), column.truth("missing")
    levels = fill = None
    if kind == "text":
        levels = column.list_of("levels", str, "texts")
        if len({*levels}) < len(levels) or any(level_of(level) != level for level in levels):
            column.refuse("has levels that are not different texts")
    elif column.given.get("fill") is None:
        column.null("fill")
        if missing:
            column.refuse("marks missing values without a fill")
    else:
        fill = column.number("fill")
    column.refuse_others()
    return name, levels, fill, missing


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
