"""Read the numbers of a data frame of any library: pandas, one that speaks Arrow, or the data frame interchange protocol."""

from __future__ import annotations

import sys
from array import array
from math import nan

from pyperceptron.checks import is_missing, named, read_number, refuse_failure
from pyperceptron.table import Table, Texts, level_of, looks_like_number
from pyperceptron.vectors import PIECE, as_view, float64_copy, numpy_if_loaded, reshaped, zeros

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator
    from typing import Any, NoReturn

    from pyperceptron.arrow import ArrowTable, Column

    Names = tuple[Hashable, ...]

# Of the interchange protocol: kinds of columns and of missing values, and Arrow's letters by kind and bits.
_NO_NUMBERS = {21: "texts", 22: "dates", 23: "categories"}
_SENTINEL, _BIT_MASK, _BYTE_MASK = 2, 3, 4
_FORMATS = {
    **{(0, bits): letter for bits, letter in zip((8, 16, 32, 64), "csil", strict=True)},
    **{(1, bits): letter for bits, letter in zip((8, 16, 32, 64), "CSIL", strict=True)},
    **{(2, bits): letter for bits, letter in zip((16, 32, 64), "efg", strict=True)},
    (20, 8): "C",
    (20, 1): "b",
}


def column_names(source: Any) -> Names | None:
    """Return the names of the columns of a data frame or a table; None if the source has none."""
    for attribute in ("column_names", "columns"):
        names = getattr(source, attribute, None)
        if names is not None and not callable(names) and hasattr(names, "__iter__") and not isinstance(source, type):
            return tuple(names) or None
    return None


def read_frame(source: Any, name: str, texts: bool = False) -> Table | tuple[Any, Names] | None:
    """Return the numbers of a data frame, n_rows × n_columns, in a NumPy array or a memoryview, and its columns' names.

    A missing value is nan. With `texts`, a frame that has columns of texts or categories is given as a Table, in which truth
    values are texts too. None if the source is no data frame, or one that only NumPy or its own methods can read. Raises
    TypeError, naming the column, if one holds dates or anything else that cannot be read, or texts without `texts`.
    """
    if isinstance(source, Table):
        return source if texts and (source.has_texts or source.missing != "error") else _numbers_of_table(source, name)
    if is_pandas(source, "DataFrame"):
        if texts and (mixed := _table_of_pandas(source, name)) is not None:
            return mixed
        return _numbers_of_pandas(source, name), tuple(source.columns)
    if is_pandas(source, "Series"):  # it speaks Arrow too, but cannot say objects
        return None
    if _speaks(source, "__arrow_c_stream__") or _speaks(source, "__arrow_c_array__"):
        from pyperceptron.arrow import ArrowTable, holds_texts  # only here, as importing ctypes takes milliseconds

        with ArrowTable(source, name) as table:
            if table.names is None and hasattr(source, "__iter__"):  # a single column, which may hold lists
                return None
            names: Names = (None,) if table.names is None else table.names
            if texts and any(map(holds_texts, table.formats)):
                return _table_of_arrow(table, names, name)
            return _joined(names, table.formats, table.batches(), name), names
    if _speaks(source, "__dataframe__") and not hasattr(source, "__array__"):
        try:
            return _numbers_of_interchange(source.__dataframe__(), name)
        except (TypeError, ValueError):
            raise
        except Exception as error:
            refuse_failure(name, error)
    return None


def is_pandas(source: Any, kind: str) -> bool:
    """Whether the source is a "DataFrame" or a "Series" of pandas, which is not imported for that."""
    return isinstance(source, getattr(sys.modules.get("pandas"), kind, ()))


def _speaks(source: Any, method: str) -> bool:
    return callable(getattr(source, method, None)) and not isinstance(source, type)


def _numbers_of_table(table: Table, name: str) -> tuple[Any, Names]:
    n_rows, n_columns = table.shape
    flat = zeros(n_rows * n_columns)
    view = memoryview(flat)
    for j, (column, values) in enumerate(table.columns.items()):
        if isinstance(values, Texts):
            _refuse_column(name, column, "texts")
        view[j::n_columns] = memoryview(values)
    return as_view(flat, n_columns) if flat else memoryview(b""), table.names


def _table_of_pandas(frame: Any, name: str) -> Table | None:
    """Return a pandas frame as a Table if it has a column of texts or categories, else None."""
    kinds = [_kind_of_pandas(dtype) for dtype in frame.dtypes]
    for index, kind in enumerate(kinds):
        if kind == "O":
            kinds[index] = _kind_of_objects(frame.iloc[:, index].tolist())
    if "texts" not in kinds and "categories" not in kinds:
        return None
    columns: dict[Any, Any] = {}
    for index, (column, kind) in enumerate(zip(frame.columns, kinds, strict=True)):
        _refuse_twice(name, column, columns)
        columns[column] = _column_of_pandas(frame.iloc[:, index], kind, name, index, column)
    return Table(columns, container="numpy")


def _kind_of_objects(values: list[Any]) -> str:
    """Return "texts" if some values are texts and the others truth values or missing, "truths" if all are truth values or
    missing, "O" for any others."""
    kinds = {*map(type, values)}
    others = tuple(kind for kind in kinds if not issubclass(kind, (str, bool)))
    if len(others) == len(kinds) or not all(is_missing(value) for value in values if isinstance(value, others)):
        return "O"
    return "texts" if any(issubclass(kind, str) for kind in kinds) else "truths"


def _column_of_pandas(series: Any, kind: str, name: str, index: int, column: Hashable) -> Texts | array[float]:
    if kind == "categories":
        codes = array("I", (series.cat.codes.to_numpy() + 1).astype("I").tobytes())  # the code of a missing value is -1
        return Texts.of_codes([None, *series.cat.categories.tolist()], codes)
    if kind == "texts":
        texts = Texts(series.tolist())
        _refuse_mostly_numbers(texts, name, column)
        return texts
    if kind == "truths" or series.dtype.kind == "b":
        return Texts(series.tolist())
    if kind == "O":
        return array("d", (read_number(value, name, row, index, column) for row, value in enumerate(series.tolist())))
    if kind != "d":
        _refuse_column(name, column, kind)
    with numpy_if_loaded().errstate(all="ignore"):
        return array("d", series.to_numpy(dtype="d", na_value=nan).tobytes())


def _refuse_twice(name: str, column: Hashable, columns: dict[Any, Any]) -> None:
    if column in columns:
        raise ValueError(f"{name} has the column {named(column)} twice; expected different names: rename one")


def _table_of_arrow(source: ArrowTable, names: Names, name: str) -> Table:
    from pyperceptron.arrow import holds_numbers, holds_texts, kind_of

    columns: dict[Any, Any] = {}
    for column, format in zip(names, source.formats, strict=True):
        _refuse_twice(name, column, columns)
        if not holds_numbers(format) and not holds_texts(format):
            _refuse_column(name, column, kind_of(format))
        columns[column] = Texts() if holds_texts(format) or format == "b" else array("d")
    for batch in source.batches():
        for column, values in zip(columns, batch, strict=True):
            into = columns[column]
            if isinstance(into, Texts):
                into.extend(values.values())
                continue
            start = len(into)
            into += float64_copy(values.numbers())
            for row in values.missing:
                into[start + row] = nan
    for (column, values), format in zip(columns.items(), source.formats, strict=True):
        if format != "dictionary" and isinstance(values, Texts):
            _refuse_mostly_numbers(values, name, column)
    return Table(columns, container="numpy" if numpy_if_loaded() else "list")


def _refuse_mostly_numbers(column: Texts, name: str, column_name: Hashable) -> None:
    """Raise TypeError for a column of texts of which all but a few are numbers: those few may be misspelt."""
    levels = column.levels
    numbers = {code for code, text in enumerate(levels) if looks_like_number(text)}
    words = {code for code, text in enumerate(levels) if level_of(text) is not None} - numbers
    if not numbers or not words:
        return
    counts = column.counts()
    n_numbers, n_words = sum(counts[code] for code in numbers), sum(counts[code] for code in words)
    if n_numbers >= 9 * n_words:
        row = next(row for row, code in enumerate(column.codes) if code in words)
        raise TypeError(
            f"{name} row {row}, column {named(column_name)} is the text {named(levels[column.codes[row]])} where nine in ten "
            "texts are numbers; expected one or the other: make the column numbers, or categories to take it as texts"
        )


def _numbers_of_pandas(frame: Any, name: str) -> Any:
    numpy = numpy_if_loaded()
    kinds = [_kind_of_pandas(dtype) for dtype in frame.dtypes]
    for column, kind in zip(frame.columns, kinds, strict=True):
        if len(kind) > 1:
            _refuse_column(name, column, kind)
    if "O" not in kinds:
        values = frame.to_numpy() if all(isinstance(dtype, numpy.dtype) for dtype in frame.dtypes) else None
        if values is not None and values.dtype != object:
            return values
        with numpy.errstate(all="ignore"):
            return frame.to_numpy(dtype="d", na_value=nan)
    values = numpy.empty(frame.shape)
    for index, (column, kind) in enumerate(zip(frame.columns, kinds, strict=True)):
        series = frame.iloc[:, index]
        if kind == "O":
            objects = enumerate(series.tolist())
            values[:, index] = [read_number(value, name, row, index, column) for row, value in objects]
        else:
            with numpy.errstate(all="ignore"):
                values[:, index] = series.to_numpy(dtype="d", na_value=nan)
    return values


def _kind_of_pandas(dtype: Any) -> str:
    """Return "d" for a dtype of numbers, "O" for one of any Python objects, else what its values are."""
    if dtype.name == "category":
        return "categories"
    if dtype.name.startswith("period"):
        return "dates"
    return {"M": "dates", "m": "durations", "c": "complex numbers"}.get(dtype.kind, "d" if dtype.kind in "biuf" else "O")


def _numbers_of_interchange(frame: Any, name: str) -> tuple[Any, Names]:
    names = tuple(frame.column_names())
    formats = []
    for index, column in enumerate(names):
        kind, bits, *_ = frame.get_column(index).dtype
        if kind in _NO_NUMBERS:
            _refuse_column(name, column, _NO_NUMBERS[kind])
        if (kind, bits) not in _FORMATS:
            _refuse_column(name, column, f"values of kind {kind} and {bits} bits")
        formats.append(_FORMATS[kind, bits])

    batches = ([_interchanged(chunk.get_column(j), format) for j, format in enumerate(formats)] for chunk in frame.get_chunks())
    return _joined(names, formats, batches, name), names


def _interchanged(column: Any, format: str) -> Column:
    from pyperceptron.arrow import Column, missing_bits

    buffers, length, offset = column.get_buffers(), column.size(), column.offset
    kind, value = column.describe_null
    values = Column(format, buffers["data"][0].ptr, offset, length, [], buffers)
    if kind == _SENTINEL:
        values.missing = [row for row, number in enumerate(values.numbers()) if number == value]
    if kind in (_BIT_MASK, _BYTE_MASK) and buffers["validity"] is not None:
        address = buffers["validity"][0].ptr
        if kind == _BYTE_MASK:
            mask: Any = Column("C", address, offset, length, []).numbers()
            values.missing = [row for row, byte in enumerate(mask) if bool(byte) == bool(value)]
        else:
            zeros_of_mask = missing_bits(address, offset, length)
            values.missing = sorted({*range(length)} - {*zeros_of_mask}) if value else zeros_of_mask
    return values


def _joined(names: Names, formats: list[str], batches: Iterable[list[Column]], name: str) -> Any:
    """Return batches of columns as rows: in a NumPy array, or in a memoryview if NumPy is not loaded."""
    from pyperceptron.arrow import holds_numbers, kind_of

    for column, format in zip(names, formats, strict=True):
        if not holds_numbers(format):
            _refuse_column(name, column, "categories" if format == "dictionary" else kind_of(format))
    code = "f" if {*formats} == {"f"} else "d"
    numpy, n_columns = numpy_if_loaded(), len(names)
    numbers: array[float] = array(code)
    for columns in batches:
        start = len(numbers)
        for block in _blocks(columns, code):
            numbers.frombytes(block)
        for j, column in enumerate(columns):
            for row in column.missing:
                numbers[start + row * n_columns + j] = nan
    if not numbers:
        return memoryview(b"")
    view = reshaped(memoryview(numbers), (len(numbers) // n_columns, n_columns))
    return numpy.asarray(view) if numpy else view


def _blocks(columns: list[Column], code: str) -> Iterator[Any]:
    """Yield the numbers of columns of equal length row by row, as the bytes of some rows of float64 or float32 at a time."""
    numpy, n_columns, n_rows = numpy_if_loaded(), len(columns), columns[0].length
    views = [column.numbers() for column in columns]
    at_once = max(1, PIECE // n_columns)
    for start in range(0, n_rows, at_once):
        some = [view[start : start + at_once] for view in views]
        if numpy:
            yield numpy.stack(some, axis=1, dtype=code, casting="unsafe").tobytes()
        else:
            block = array(code, bytes(array(code).itemsize * n_columns * len(some[0])))
            for j, view in enumerate(some):
                memoryview(block)[j::n_columns] = view if view.format == code else memoryview(array(code, view))
            yield block.tobytes()


def _refuse_column(name: str, column: Hashable, kind: str) -> NoReturn:
    if kind in ("dates", "times", "durations", "intervals"):
        remedy = "turn them into numbers, such as days since a first date, or leave the column out"
    elif kind in ("texts", "categories"):
        remedy = "make a 0/1 column for each of them, or leave the column out"
    else:
        remedy = "turn them into numbers, or leave the column out"
    raise TypeError(f"{name} column {named(column)} holds {kind}; expected numbers: {remedy}")
