"""Read and check a caller's numbers: X, sample weights, a single row, and the layer's inputs, targets and weights."""

from __future__ import annotations

import sys
from _collections_abc import Mapping  # unlike the package collections, loaded by Python itself
from array import array

from pyperceptron.checks import LIMIT, counted, named, refuse_failure, refuse_number
from pyperceptron.containers import listed, read_rows, refuse_masked, refuse_unreadable
from pyperceptron.frames import column_names
from pyperceptron.vectors import as_flat, as_list, float64_copy, pieces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any, NoReturn

    from pyperceptron.backends import Backend
    from pyperceptron.containers import Rows
    from pyperceptron.encoding import Encoding

_LARGEST = sys.float_info.max


def check_range(table: Rows, name: str, low: float, high: float, backend: Backend) -> None:
    """Raise ValueError with the place of the first number outside low … high; nan and the infinities are outside."""
    outside = backend.first_outside(table.view, low, high)
    if outside >= 0:
        row, column = divmod(outside, table.n_columns)
        row += table.first_row
        value, column_name = float(as_flat(table.view)[outside]), table.name_of(column)
        if not abs(value) <= _LARGEST:
            refuse_number(name, row, column, column_name, repr(value), "fill it in or drop that row")
        if high == LIMIT:
            expected = "a number from -1e150 to 1e150"
            refuse_number(name, row, column, column_name, repr(value), "scale it down", expected=expected)
        refuse_number(name, row, column, column_name, repr(value), "scale them first", expected="a number from 0 to 1")


def refuse_overflow(table: Rows, row: int, name: str, backend: Backend) -> NoReturn:
    """Raise ValueError with the number that made a logit of this row overflow, or with the first that is not finite."""
    check_range(table, name, -_LARGEST, _LARGEST, backend)
    [values] = as_list(table.view[row : row + 1])
    column = max(range(len(values)), key=lambda index: abs(values[index]))
    expected = "a smaller number, as the weighted sum overflows"
    row += table.first_row
    refuse_number(name, row, column, table.name_of(column), repr(values[column]), "scale it down", expected=expected)


def read_sample_weights(weights: Any, n_rows: int, backend: Backend) -> array[float]:
    """Return a copy of n_rows finite numbers, none negative and not all 0; raise ValueError or TypeError if they are not."""
    table = read_rows(weights, "sample_weight", flat=True)
    if (table.n_rows, table.n_columns) != (n_rows, 1):
        raise ValueError(
            f"sample_weight has {counted(table.n_rows, 'row')} of {counted(table.n_columns, 'number')} but X has "
            f"{counted(n_rows, 'row')}: give one number for each row of X"
        )
    copied = _copy_within(table, "sample_weight", _LARGEST, backend)
    lowest = min(map(min, pieces(copied)))
    if lowest < 0:
        remedy = "weigh a row 0 to leave it out"
        refuse_number("sample_weight", copied.index(lowest), 0, None, repr(lowest), remedy, expected="0 or more")
    if not any(map(any, pieces(copied))):
        raise ValueError("sample_weight is 0 for every row: give at least one row of each class a positive weight")
    return copied


def read_row(
    sample: Any,
    n_columns: int,
    names: tuple[Hashable, ...] | None,
    backend: Backend,
    overflows: bool = False,
    encoding: Encoding | None = None,
) -> array[float]:
    """Return a single row of n_columns finite numbers, from a flat sequence or, if the columns have names, a mapping.

    With an encoding the row holds raw values, and what is returned are the numbers that the encoding makes of them; a row of
    numbers that this function has returned comes back as it is.

    A row with keys, such as a Series or a row of a database, is read by its keys if the columns have names. Raises ValueError
    or TypeError naming what is missing, unknown or not a number; if `overflows`, always ValueError naming the number that makes
    the logit overflow.
    """
    refuse_masked(getattr(sample, "mask", None), "x", 0)
    expected = f"a flat row of {counted(n_columns, 'number')}"
    if isinstance(sample, Mapping) and names is None:
        raise TypeError(f"x is {named(sample)}; expected {expected}: the model was fitted without column names")
    if not isinstance(sample, Mapping):
        refuse_unreadable(sample, "x", expected)
    n_dimensions = getattr(sample, "ndim", 1)
    if column_names(sample) is not None or n_dimensions != 1:
        raise TypeError(f"x is {named(sample)}; expected {expected}{': predict takes several rows' if n_dimensions else ''}")
    values = _values_by_name(sample, names) if names and hasattr(sample, "keys") else listed(sample, "x", expected)
    if encoding is not None:
        if not overflows:
            values = encoding.row(encoding.raw_row(values, "x")).tolist()
        names, n_columns = tuple(encoding.coef_names), encoding.width
    if values and (isinstance(values[0], (list, tuple)) or (hasattr(values[0], "ndim") and values[0].ndim)):
        raise TypeError(f"x is {named(sample)}; expected {expected}: predict takes several rows")
    table = read_rows([values], "x")
    if table.n_columns != n_columns:
        raise ValueError(
            f"x has {counted(table.n_columns, 'number')} but the model was fitted with {n_columns}: "
            f"give {counted(n_columns, 'number')}"
        )
    table.names = names
    if overflows:
        refuse_overflow(table, 0, "x", backend)
    return _copy_within(table, "x", _LARGEST, backend)


def _values_by_name(sample: Any, names: tuple[Hashable, ...]) -> list[Any]:
    """Return the values of a mapping, a Series or another row with keys, in the order of the names."""
    try:
        keys = list(sample.keys())
        if {*keys} == {*names} and len(keys) == len(names):
            return [sample[name] for name in names]
        if not isinstance(sample, Mapping) and keys == list(range(len(keys))):  # a Series without names
            return list(sample)
    except Exception as error:
        refuse_failure("x", error)
    missing = ", ".join(repr(name) for name in names if name not in keys)
    unknown = ", ".join(repr(key) for key in keys if key not in names)
    found = " and ".join([f"lacks {missing}"] * bool(missing) + [f"has {unknown} besides"] * bool(unknown))
    raise ValueError(
        f"x {found or 'has a name twice'}; expected one number for each column that the model was fitted with: "
        f"give {', '.join(map(repr, names))}"
    )


def read_inputs(inputs: Any, n_columns: int) -> Rows:
    """Read the layer's inputs: rows of n_columns numbers, whatever their values; raise ValueError or TypeError for others."""
    table = read_rows(inputs, "inputs")
    if table.n_columns != n_columns:
        raise ValueError(
            f"inputs have {counted(table.n_columns, 'column')} but the layer has {counted(n_columns, 'input')}: "
            f"give rows of {counted(n_columns, 'number')}"
        )
    return table


def read_training_inputs(inputs: Any, n_columns: int, backend: Backend) -> Rows:
    """Read the layer's inputs for a training: as read_inputs, but all within ±LIMIT."""
    table = read_inputs(inputs, n_columns)
    check_range(table, "inputs", -LIMIT, LIMIT, backend)
    return table


def read_layer_targets(targets: Any, n_rows: int, n_columns: int, backend: Backend) -> Rows:
    """Read n_rows × n_columns numbers in [0, 1]; for one column a flat sequence of n_rows numbers will do."""
    table = read_rows(targets, "targets", flat=n_columns == 1)
    if table.n_rows != n_rows:
        raise ValueError(
            f"targets have {counted(table.n_rows, 'row')} but inputs have {n_rows}: "
            "give one row of targets for each row of inputs"
        )
    if table.n_columns != n_columns:
        raise ValueError(
            f"targets have {counted(table.n_columns, 'column')} but the layer has {counted(n_columns, 'output')}: "
            f"give rows of {counted(n_columns, 'number')}"
        )
    check_range(table, "targets", 0.0, 1.0, backend)
    return table


def read_layer_weights(weights: Any, n_inputs: int, n_outputs: int, backend: Backend) -> array[float]:
    """Return a copy of n_inputs × n_outputs numbers within ±LIMIT, row after row; for one output a flat sequence will do."""
    table = read_rows(weights, "weights", flat=n_outputs == 1)
    if (table.n_rows, table.n_columns) != (n_inputs, n_outputs):
        raise ValueError(
            f"weights have {counted(table.n_rows, 'row')} of {counted(table.n_columns, 'number')} but the layer has "
            f"{counted(n_inputs, 'input')} and {counted(n_outputs, 'output')}: "
            "give a row for each input and a column for each output"
        )
    return _copy_within(table, "weights", LIMIT, backend)


def read_layer_bias(bias: Any, n_outputs: int, backend: Backend) -> array[float]:
    """Return a copy of a flat sequence of n_outputs numbers within ±LIMIT."""
    if not hasattr(bias, "__len__"):
        raise TypeError(
            f"bias is {named(bias)}; expected a flat sequence of {counted(n_outputs, 'number')}: give one for each output"
        )
    table = read_rows(bias, "bias", flat=True)
    if (table.n_rows, table.n_columns) != (n_outputs, 1):
        raise ValueError(
            f"bias has {counted(table.n_rows, 'row')} of {counted(table.n_columns, 'number')} but the layer needs a flat "
            f"sequence of {counted(n_outputs, 'number')}: give one for each output"
        )
    return _copy_within(table, "bias", LIMIT, backend)


def _copy_within(table: Rows, name: str, limit: float, backend: Backend) -> array[float]:
    """Return a flat float64 copy of the numbers; raise ValueError if one is not within ±limit."""
    check_range(table, name, -limit, limit, backend)
    return float64_copy(as_flat(table.view))
