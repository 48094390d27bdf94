"""What a caller hands over, checked once at the door and made into two-dimensional views of numbers."""

from __future__ import annotations

import sys
from array import array

from pyperceptron.checks import LIMIT, counted, named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

    from pyperceptron.backends import Backend

_LARGEST = sys.float_info.max
_READ_IN_PLACE = "dfB"
_UNORDERED = (dict, set, frozenset)
_SINGULAR = ("X", "y", "sample_weight")
_NATIVE_ORDER = "<" if sys.byteorder == "little" else ">"


class Table:
    """Checked numbers in rows and columns, and the kind of container in which they came.

    `container` is "list", "numpy" or "array" (any other buffer). `view` is an n_rows × n_columns, C-contiguous memoryview
    of float64 ("d"), float32 ("f") or bytes ("B"): the caller's own memory where that has such a form, else a copy.
    """

    __slots__ = ("container", "view")

    def __init__(self, view: memoryview[float], container: str) -> None:
        self.view = view
        self.container = container

    @property
    def n_rows(self) -> int:
        return self._shape[0]

    @property
    def n_columns(self) -> int:
        return self._shape[1]

    @property
    def _shape(self) -> tuple[int, int]:
        shape = self.view.shape
        assert shape is not None
        return shape[0], shape[1]

    def as_doubles(self) -> memoryview[float]:
        """A copy of the view in float64."""
        values = flattened(self.view)
        return as_view(array("d", values.tobytes() if values.format == "d" else values), self.n_columns)


def in_container(values: array[float], n_columns: int, container: str) -> Any:
    """n · n_columns values in a kind of container that a Table came in: nested lists, a NumPy array, a flat array.array."""
    if container == "array":
        return values[:]
    view = as_view(values, n_columns)
    # NumPy is there because the caller's own array was; where a pickle has come from elsewhere, perhaps not.
    numpy = sys.modules.get("numpy") if container == "numpy" else None
    return numpy.array(view) if numpy else rows_of(view)


def rows_of(view: memoryview[float]) -> list[list[float]]:
    """A two-dimensional view as nested lists."""
    return view.tolist()  # type: ignore[return-value]


def as_view(values: array[float], n_columns: int) -> memoryview[float]:
    """A two-dimensional view of a flat array of float64, n_columns to a row; it shares the array's memory."""
    return memoryview(values).cast("B").cast("d", (len(values) // n_columns, n_columns))


def flattened(view: memoryview[float]) -> memoryview[float]:
    """A one-dimensional view of a C-contiguous one."""
    return _reshaped(view, (view.nbytes // view.itemsize,))


def _reshaped(view: memoryview[float], shape: tuple[int, ...], code: str | None = None) -> memoryview[float]:
    return view.cast("B").cast(code or view.format, shape)  # type: ignore


def read_samples(samples: Any) -> Table:
    """The rows of X, whatever their number of columns and their values."""
    return _read(samples, "X")


def refuse_outside(samples: Table, limit: float, kernels: Backend) -> None:
    """ValueError that says where, if a number of X is not within ±limit."""
    _check_range(samples, "X", kernels, -limit, limit)


def refuse_overflow(table: Table, row: int, name: str, kernels: Backend) -> NoReturn:
    """ValueError that says which number made a logit of this row infinite or nan; a number that is not finite comes first."""
    _check_range(table, name, kernels, -_LARGEST, _LARGEST)
    [values] = rows_of(table.view[row : row + 1])
    column = max(range(len(values)), key=lambda index: abs(values[index]))
    _refuse(
        name, row, column, repr(values[column]), "scale it down", expected="a smaller number, as the weighted sum overflows"
    )


def read_sample_weights(weights: Any, n_rows: int, kernels: Backend) -> array[float]:
    """A copy of n_rows finite numbers, none negative and not all 0."""
    table = _read(weights, "sample_weight", flat=True)
    if (table.n_rows, table.n_columns) != (n_rows, 1):
        raise ValueError(
            f"sample_weight is {table.n_rows}×{table.n_columns} but X has {counted(n_rows, 'row')}: "
            "give one number for each row of X"
        )
    copied = _copy_within(table, "sample_weight", _LARGEST, kernels)
    lowest = min(copied)
    if lowest < 0:
        _refuse("sample_weight", copied.index(lowest), 0, repr(lowest), "weigh a row 0 to leave it out", expected="0 or more")
    if not any(copied):
        raise ValueError("sample_weight is 0 for every row: give at least one row of each class a positive weight")
    return copied


def read_one(
    sample: Any, n_columns: int, names: tuple[str, ...] | None, kernels: Backend, overflows: bool = False
) -> array[float]:
    """A single row of n_columns finite numbers: a flat sequence, or where the columns have names a mapping from these.

    A Series with names for its index is such a mapping. ValueError or TypeError says what is missing, unknown or no number;
    if the row's logit `overflows`, ValueError says which number is too large.
    """
    mask: Any = getattr(sample, "mask", None)
    if hasattr(mask, "any") and mask.any():
        _refuse("x", 0, int(mask.argmax()), "masked", "fill it in or drop that row")
    if hasattr(sample, "columns") or (hasattr(sample, "keys") and (names or not hasattr(sample, "__array__"))):
        sample = _values_by_name(sample, names, n_columns)
    if (not hasattr(sample, "__len__") and not hasattr(sample, "__iter__")) or isinstance(sample, (str, *_UNORDERED)):
        raise _no_flat_row(sample, n_columns)
    table = _read([list(sample)], "x")
    if table.n_columns != n_columns:
        raise ValueError(
            f"x has {counted(table.n_columns, 'number')} but the model was fitted with {n_columns}: "
            f"give {counted(n_columns, 'number')}"
        )
    if overflows:
        refuse_overflow(table, 0, "x", kernels)
    return _copy_within(table, "x", _LARGEST, kernels)


def _values_by_name(sample: Any, names: tuple[str, ...] | None, n_columns: int) -> Sequence[Any]:
    """The values of a mapping, or of a Series, in the order of the names."""
    if names is None or hasattr(sample, "columns"):
        raise _no_flat_row(sample, n_columns)
    keys = list(sample.keys())
    if hasattr(sample, "__array__") and not all(isinstance(key, str) for key in keys):
        return list(sample)  # a Series without names
    if sorted(keys, key=repr) != sorted(names, key=repr):
        missing = ", ".join(repr(name) for name in names if name not in keys)
        unknown = ", ".join(repr(key) for key in keys if key not in names)
        found = " and ".join([f"lacks {missing}"] * bool(missing) + [f"has {unknown} besides"] * bool(unknown))
        raise ValueError(
            f"x {found or 'has a name twice'}; expected one number for each column that the model was fitted with: "
            f"give {', '.join(map(repr, names))}"
        )
    return [sample[name] for name in names]


def _no_flat_row(sample: Any, n_columns: int) -> TypeError:
    return TypeError(f"x is {named(sample)}; expected a flat sequence of {counted(n_columns, 'number')}")


def feature_names_of(samples: Any) -> tuple[str, ...] | None:
    """The names of a data frame's columns, where all of them are strings; else None."""
    names = getattr(samples, "columns", None)
    if names is None:
        return None
    names = tuple(names)
    return names if names and all(isinstance(name, str) for name in names) else None


def read_inputs(inputs: Any, n_columns: int) -> Table:
    """Rows of n_columns numbers, whatever their values; ValueError or TypeError says what is no such row."""
    table = _read(inputs, "inputs")
    if table.n_columns != n_columns:
        raise ValueError(
            f"inputs have {counted(table.n_columns, 'column')} but the layer has {counted(n_columns, 'input')}: "
            f"give rows of {counted(n_columns, 'number')}"
        )
    return table


def read_training_inputs(inputs: Any, n_columns: int, kernels: Backend) -> Table:
    """Rows of n_columns numbers within ±LIMIT; ValueError or TypeError says which of them is not, and where."""
    table = read_inputs(inputs, n_columns)
    _check_range(table, "inputs", kernels, -LIMIT, LIMIT)
    return table


def read_targets(targets: Any, n_rows: int, n_columns: int, kernels: Backend) -> Table:
    """n_rows rows of n_columns numbers in [0, 1]; for one column also a flat sequence of n_rows numbers."""
    table = _read(targets, "targets", flat=n_columns == 1)
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
    _check_range(table, "targets", kernels, 0.0, 1.0)
    return table


def read_weights(weights: Any, n_inputs: int, n_outputs: int, kernels: Backend) -> array[float]:
    """A copy of n_inputs × n_outputs numbers within ±LIMIT, row after row; for one output also a flat sequence of them."""
    table = _read(weights, "weights", flat=n_outputs == 1)
    if (table.n_rows, table.n_columns) != (n_inputs, n_outputs):
        raise ValueError(
            f"weights are {table.n_rows}×{table.n_columns} but the layer needs {n_inputs}×{n_outputs}: "
            "give a row for each input and a column for each output"
        )
    return _copy_within(table, "weights", LIMIT, kernels)


def read_bias(bias: Any, n_outputs: int, kernels: Backend) -> array[float]:
    """A copy of a flat sequence of n_outputs numbers within ±LIMIT."""
    if not hasattr(bias, "__len__"):
        raise TypeError(
            f"bias is {named(bias)}; expected a flat sequence of {counted(n_outputs, 'number')}: give one for each output"
        )
    table = _read(bias, "bias", flat=True)
    if (table.n_rows, table.n_columns) != (n_outputs, 1):
        raise ValueError(
            f"bias is {table.n_rows}×{table.n_columns} but the layer needs a flat sequence of {counted(n_outputs, 'number')}: "
            "give one for each output"
        )
    return _copy_within(table, "bias", LIMIT, kernels)


def _copy_within(table: Table, name: str, limit: float, kernels: Backend) -> array[float]:
    _check_range(table, name, kernels, -limit, limit)
    return array("d", flattened(table.view))


def _read(source: Any, name: str, flat: bool = False) -> Table:
    """The source as a table, its numbers not yet looked at; `flat` lets a one-dimensional source be a column."""
    source, container = _opened(source, name)
    try:
        view: memoryview[float] = memoryview(source)
    except TypeError:
        return Table(_rows_to_view(source, name, flat), container)
    if view.ndim != 2 and not (flat and view.ndim == 1):
        remedy = "flatten each sample into one row" if view.ndim > 2 else _one_row_remedy(name)
        raise ValueError(f"{name} {_have(name)} {counted(view.ndim, 'dimension')}; expected two, rows and columns: {remedy}")
    if not view.nbytes:
        raise ValueError(f"{name} {_are(name)} empty: give at least one row of at least one number")
    view = _contiguous(view, name)
    return Table(view if view.ndim == 2 else _reshaped(view, (view.nbytes // view.itemsize, 1)), container)


def _opened(source: Any, name: str) -> tuple[Any, str]:
    """The source, a foreign one turned into a buffer or a list, and the kind of container that answers should have."""
    if isinstance(source, _UNORDERED):
        raise TypeError(f"{name} {_are(name)} {named(source)}; expected rows of numbers: {_one_row_remedy(name)}")
    numpy = sys.modules.get("numpy")
    if numpy is not None and not isinstance(source, numpy.ndarray) and hasattr(source, "__array__"):
        source = source.__array__()  # a data frame, or another package's array
    if numpy is not None and isinstance(source, numpy.ndarray):
        if getattr(source, "mask", False) is not False and source.mask.any():
            row, column = [*source.mask.nonzero(), [0]][:2]
            _refuse(name, int(row[0]), int(column[0]), "masked", "fill it in or drop that row")
        if source.dtype.kind in "OSU":
            return source.tolist(), "numpy"
        if source.dtype.kind not in "biuf":
            raise TypeError(f"{name} {_hold(name)} elements of type {source.dtype}; expected real numbers: convert them first")
        if source.dtype.char in "dfB?" and source.dtype.isnative:
            # NumPy copies what is strided several times as fast as a memoryview does.
            return source if source.flags.c_contiguous else source.copy("C"), "numpy"
        with numpy.errstate(over="ignore"):  # what is too large becomes infinite and is refused as such
            return source.astype("d", "C"), "numpy"
    try:
        memoryview(source)
    except TypeError:
        return source, "list"
    return source, "array"


def _contiguous(view: memoryview[float], name: str) -> memoryview[float]:
    """The view itself where the kernels read its elements in place, else a copy that they do."""
    view_format = view.format or ""
    code = view_format.lstrip("@=" + _NATIVE_ORDER)
    assert view.shape is not None
    if len(code) != 1 or code not in "dfbB?hHiIlLqQnN" or view.itemsize != _size_of(code):
        raise TypeError(
            f"{name} {_hold(name)} elements of buffer format {view_format!r}; "
            "expected real numbers in native byte order: convert them first"
        )
    if code == "?":
        code = "B"
    if code in _READ_IN_PLACE and view.c_contiguous and view_format in (code, "@" + code, "?"):
        return _reshaped(view, view.shape, code)
    copied = _reshaped(memoryview(view.tobytes()), (view.nbytes // view.itemsize,), code)
    if code not in _READ_IN_PLACE:
        copied, code = memoryview(array("d", copied)), "d"
    return _reshaped(copied, view.shape, code)


def _size_of(code: str) -> int:
    """How many bytes an element of this one-letter buffer format has on this machine."""
    return memoryview(b"").cast(code).itemsize  # type: ignore


def _rows_to_view(source: Any, name: str, flat: bool) -> memoryview[float]:
    """A sequence of equally long sequences of numbers as a float64 view; `flat` lets bare numbers be rows of one."""
    try:
        rows = list(source)
    except TypeError:
        raise TypeError(f"{name} {_are(name)} {named(source)}; expected rows of numbers: {_one_row_remedy(name)}") from None
    if flat and rows and not hasattr(rows[0], "__len__"):
        rows = [(row,) if not hasattr(row, "__len__") else row for row in rows]
    numbers = array("d")
    width = 0
    for index, row in enumerate(rows):
        before = len(numbers)
        values = _values_of(row, name, index)
        try:
            numbers.extend(values)
        except (TypeError, OverflowError, ValueError):
            del numbers[before:]
            _append_one_by_one(numbers, values, name, index)
        if index == 0:
            width = len(numbers)
        elif len(numbers) - before != width:
            raise ValueError(
                f"{name} row {index} has {counted(len(numbers) - before, 'number')} but row 0 has {width}: "
                "give every row equally many"
            )
    if not width:
        raise ValueError(f"{name} {_are(name)} empty: give at least one row of at least one number")
    return as_view(numbers, width)


def _values_of(row: Any, name: str, index: int) -> Sequence[Any]:
    """The values of a row as a list or a tuple; an iterator is read once and whole."""
    if isinstance(row, (list, tuple)):
        return row
    try:
        if isinstance(row, _UNORDERED):
            raise TypeError
        iterator = iter(row)
    except TypeError:
        raise TypeError(f"{name} row {index} is {named(row)}; expected a row of numbers: {_one_row_remedy(name)}") from None
    values: list[Any] = []
    try:
        values.extend(iterator)
    except Exception as error:
        raise ValueError(f"{name} row {index}, column {len(values)} cannot be read ({error}): give numbers") from error
    return values


def _append_one_by_one(numbers: array[float], values: Sequence[Any], name: str, index: int) -> None:
    """Append the row's numbers, or say which of them is none."""
    for column, value in enumerate(values):
        try:
            numbers.append(value)
        except OverflowError:
            _refuse(name, index, column, "an integer too large for a float", "scale it down")
        except (TypeError, ValueError):
            remedy = "fill it in or drop that row" if value is None else "convert it first, as float(...) does"
            _refuse(name, index, column, named(value), remedy, TypeError)


def _check_range(table: Table, name: str, kernels: Backend, low: float, high: float) -> None:
    """ValueError that says where, if a number is not in low … high, as nan and the infinities never are."""
    outside = kernels.first_outside(table.view, low, high)
    if outside >= 0:
        row, column = divmod(outside, table.n_columns)
        value = float(flattened(table.view)[outside])
        if not abs(value) <= _LARGEST:
            _refuse(name, row, column, repr(value), "fill it in or drop that row")
        if high == LIMIT:
            _refuse(name, row, column, repr(value), "scale it down", expected="a number from -1e150 to 1e150")
        _refuse(name, row, column, repr(value), "scale them first", expected="a number from 0 to 1")


def _refuse(
    name: str,
    row: int,
    column: int,
    found: str,
    remedy: str,
    error: type[Exception] = ValueError,
    expected: str = "a finite number",
) -> NoReturn:
    raise error(f"{name} row {row}, column {column} is {found}; expected {expected}: {remedy}") from None


def _are(name: str) -> str:
    return "is" if name in _SINGULAR else "are"


def _have(name: str) -> str:
    return "has" if name in _SINGULAR else "have"


def _hold(name: str) -> str:
    return "holds" if name in _SINGULAR else "hold"


def _one_row_remedy(name: str) -> str:
    return f"for a single row write [[...]], as in {name} = [[1, 0, 1]]"
