"""Open any container of numbers (lists, NumPy arrays, data frames, buffers) as a memoryview, and give answers back in kind."""

from __future__ import annotations

import sys
from _collections_abc import Mapping  # unlike the package collections, loaded by Python itself
from array import array

from pyperceptron.checks import counted, described, is_lookalike, named, read_number, refuse_failure, refuse_number
from pyperceptron.frames import column_names, read_frame
from pyperceptron.table import Table
from pyperceptron.vectors import (
    PIECE,
    as_flat,
    as_list,
    as_view,
    float64_copy,
    list_of,
    numpy_copy,
    numpy_if_loaded,
    pieces,
    reshaped,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from typing import Any

NATIVE_FORMATS = frozenset("dfbB?hHiIlLqQnN")  # of buffers whose elements are real numbers
_READ_IN_PLACE = "dfB"
UNORDERED = (Mapping, set, frozenset)
_NATIVE_ORDER = "<" if sys.byteorder == "little" else ">"


class Rows:
    """Numbers in rows and columns.

    view       an n_rows × n_columns, C-contiguous memoryview of float64 ("d"), float32 ("f") or bytes ("B"): the caller's own
               memory if that has such a form, else a copy
    container  the kind in which they came: "list", "numpy" or "array" (any other buffer)
    names      of the columns, if they came in a data frame; else None, also if they are fewer or more than the columns
    first_row  the number that errors give the first row, if these rows are a part of a table
    """

    __slots__ = ("container", "first_row", "names", "view")

    def __init__(
        self, view: memoryview[float], container: str, names: tuple[Hashable, ...] | None = None, first_row: int = 0
    ) -> None:
        self.view = view
        self.first_row = first_row
        self.container = container
        self.names = names if names and len(names) == self.n_columns else None

    def __len__(self) -> int:
        return self._shape[0]

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

    def name_of(self, column: int) -> Hashable:
        """Return the name of a column, None if it has none."""
        return None if self.names is None else self.names[column]

    def as_float64(self) -> memoryview[float]:
        """Return a copy of the view in float64."""
        return as_view(float64_copy(as_flat(self.view)), self.n_columns)


def read_rows(source: Any, name: str, flat: bool = False) -> Rows:
    """Return any container of rows of numbers as Rows; nan and infinities are allowed, and missing values are nan.

    name  what errors call it
    flat  whether a one-dimensional source is a column; else it is refused

    Raises ValueError or TypeError if it is not a non-empty table of real numbers, naming the row and column of a bad value.
    """
    refuse_unreadable(source, name, "rows of numbers", "give a list of rows")
    frame = read_frame(source, name)
    assert not isinstance(frame, Table)
    return _read_rows(source, frame, name, flat)


def read_table(source: Any, name: str) -> Rows | Table:
    """As read_rows, but a table or a data frame with columns of texts, or with missing numbers to be filled in, is a Table."""
    refuse_unreadable(source, name, "rows of numbers", "give a list of rows")
    frame = read_frame(source, name, texts=True)
    return frame if isinstance(frame, Table) else _read_rows(source, frame, name)


def _read_rows(source: Any, frame: tuple[Any, tuple[Hashable, ...]] | None, name: str, flat: bool = False) -> Rows:
    """Return a source as Rows; `frame` has its numbers and names if it is a data frame."""
    numbers, names = (source, column_names(source)) if frame is None else frame
    opened, container = _opened(numbers, name)
    if frame is not None and container == "array":
        container = "list"
    try:
        view: memoryview[float] = memoryview(opened)
    except TypeError:
        return Rows(_view_of_rows(opened, name, flat, names), container, names)
    if view.ndim != 2 and not (flat and view.ndim == 1):
        remedy = "flatten each sample into one row" if view.ndim > 2 else flat_remedy(source, name)
        remedy = remedy if view.ndim else "give a list of rows"
        if not view.nbytes:
            raise empty(name)
        raise ValueError(f"{name} must have two dimensions, rows and columns; got {view.ndim}: {remedy}")
    if not view.nbytes:
        raise empty(name)
    view = contiguous(view, name)
    return Rows(view if view.ndim == 2 else reshaped(view, (view.nbytes // view.itemsize, 1)), container, names)


def to_container(values: array[float], n_columns: int, container: str) -> Any:
    """Return n_rows × n_columns values in the caller's container: nested lists, a NumPy array, or a flat array.array."""
    if container == "array":
        return values[:]
    view = as_view(values, n_columns)
    # A model unpickled in another process may find NumPy not imported.
    numpy = numpy_if_loaded() if container == "numpy" else None
    return numpy_copy(numpy.asarray(view), "d") if numpy else as_list(view)


def refuse_unreadable(source: Any, name: str, expected: str, remedy: str = "") -> None:
    """Raise TypeError for a source without rows or without a known end, as a pointer of ctypes, and for a text."""
    if hasattr(source, "tocsr"):
        raise TypeError(
            f"{name} {_is(name)} a sparse matrix of type {type(source).__name__}; expected a dense one: call its toarray()"
        )
    if isinstance(source, memoryview):
        try:
            len(source.format)
        except ValueError as error:  # it has been released
            refuse_failure(name, error)
    iterable = hasattr(source, "__iter__") or hasattr(source, "__len__")
    lazy = hasattr(source, "collect") and hasattr(source, "collect_schema")  # a frame without rows as yet
    if isinstance(source, UNORDERED):
        remedy = "give its values in a list"
    elif isinstance(source, str) and remedy:
        remedy = "turn texts into columns of numbers, such as a count for each word"
    elif lazy:
        remedy = "call its collect()"
    elif not isinstance(source, (str, type)) and (iterable or _offers_memory(source) or column_names(source)):
        return
    raise TypeError(f"{name} {_is(name)} {described(source)}; expected {expected}{': ' * bool(remedy)}{remedy}")


def _offers_memory(source: Any) -> bool:
    """Whether the source is a buffer, or offers its data to NumPy, Arrow or the data frame interchange protocol."""
    others = ("__array__", "__arrow_c_stream__", "__arrow_c_array__", "__dataframe__")
    return _is_buffer(source) or any(hasattr(source, way) for way in others)


def _is_buffer(source: Any) -> bool:
    """Whether the source has the buffer protocol, with at least one dimension: a pointer of ctypes has none."""
    try:
        return memoryview(source).ndim > 0
    except (TypeError, ValueError, BufferError):
        return False


def flat_remedy(source: Any, name: str) -> str:
    """Say how to make rows of a source of one dimension."""
    if hasattr(source, "to_frame"):
        own_name = getattr(source, "name", None)
        column = f"{name}.to_frame()" if own_name is None else f"df[[{named(own_name)}]] of its frame"
    elif hasattr(source, "reshape"):
        column = f"{name}.reshape(-1, 1)"
    else:
        column = f"[[value] for value in {name}]"
    return f"write [{name}] for one row, or {column} for one column"


def refuse_masked(mask: Any, name: str, row: int | None = None) -> None:
    """Raise ValueError with the place of the first masked number, if there is one.

    row  to which a mask of one dimension belongs; None if it is that of a column
    """
    if hasattr(mask, "any") and mask.any():
        place = [int(places[0]) for places in mask.nonzero()] if mask.ndim else [0]
        place = [*place, 0] if row is None else [row, *place]
        refuse_number(name, place[0], place[1], None, "masked", "fill it in or drop that row")


def numpy_array_of(source: Any, name: str) -> Any:
    """Return a NumPy array, or what `__array__` of another source gives; None if the source is neither.

    An array is of NumPy's own class or a masked one: others, such as a matrix, have operations of other meanings. NumPy is not
    imported for a source that can be read without.
    """
    numpy = numpy_if_loaded()
    if numpy is None or not isinstance(source, numpy.ndarray):
        readable = numpy is None and (hasattr(source, "to_list") or hasattr(source, "to_pylist") or _is_buffer(source))
        if readable or not callable(getattr(source, "__array__", None)) or isinstance(source, type):
            return None
        try:
            source = source.__array__()
        except ImportError:  # NumPy is not installed
            return None
        except Exception as error:
            refuse_failure(name, error)
        numpy = numpy_if_loaded()
    return source if isinstance(source, numpy.ma.MaskedArray) else numpy.asarray(source)


def rows_of(source: Any, name: str) -> Any:
    """Return the rows of a data frame, or the values of a column of one, in a list; any other source as it is.

    Iterating over a frame gives columns or their names, never rows, so a frame of an unknown kind is a TypeError.
    """
    try:
        if hasattr(source, "iter_rows"):  # polars, narwhals
            return [list(row) for row in source.iter_rows()]
        if hasattr(source, "to_pylist") and not hasattr(source, "columns"):  # an array of pyarrow
            return source.to_pylist()
        if hasattr(source, "fetchall"):  # the result of a query
            return source.fetchall()
    except Exception as error:
        refuse_failure(name, error)
    exchanged = hasattr(source, "__dataframe__") or hasattr(source, "__arrow_c_stream__")
    if column_names(source) or (exchanged and not hasattr(source, "to_list")):  # a Series of polars has to_list
        raise TypeError(
            f"{name} {_is(name)} a data frame of type {type(source).__name__}, whose rows cannot be told from its columns; "
            "expected rows: give a list of its rows, or a NumPy array"
        )
    return source


def _opened(source: Any, name: str) -> tuple[Any, str]:
    """Return the source, or a buffer or list made of it, and the kind of container that answers should have."""
    values = numpy_array_of(source, name)
    if values is not None:
        refuse_masked(getattr(values, "mask", None), name)
        if values.dtype.kind in "OSU":
            return as_list(values) if values.ndim else values.tolist(), "numpy"
        if values.dtype.kind not in "biuf":
            raise TypeError(f"{name} must hold real numbers; got elements of type {values.dtype}: convert them first")
        if values.dtype.char in "dfB?" and values.dtype.isnative:
            # NumPy copies a strided array several times as fast as a memoryview does.
            return values if values.flags.c_contiguous else numpy_copy(values, values.dtype), "numpy"
        with numpy_if_loaded().errstate(all="ignore"):  # overflow gives inf, which is refused later
            return numpy_copy(values, "d"), "numpy"
    return (source, "array") if _is_buffer(source) else (rows_of(source, name), "list")


def contiguous(view: memoryview[Any], name: str) -> memoryview[Any]:
    """Return the view itself if its elements can be read in place, else a copy that can."""
    view_format = view.format or ""
    code = view_format.lstrip("@=" + _NATIVE_ORDER)
    assert view.shape is not None
    if code not in NATIVE_FORMATS or view.itemsize != _size_of(code):
        raise TypeError(
            f"{name} must hold real numbers in native byte order; got elements of buffer format {view_format!r}: "
            "convert them first"
        )
    if code == "?":
        code = "B"
    if code in _READ_IN_PLACE and view.c_contiguous and view_format in (code, "@" + code, "?"):
        return reshaped(view, view.shape, code)
    copied = array(code if code in _READ_IN_PLACE else "d")
    for some in pieces(view):
        own = memoryview(some.tobytes())
        copied.frombytes(own) if code == copied.typecode else copied.extend(own.cast(code))  # type: ignore[call-overload]
    return reshaped(memoryview(copied), view.shape)


def _size_of(code: str) -> int:
    """Return the native item size, in bytes, of a one-letter buffer format."""
    return memoryview(b"").cast(code).itemsize  # type: ignore


def _view_of_rows(source: Any, name: str, flat: bool, names: tuple[Hashable, ...] | None) -> memoryview[float]:
    """Return a float64 copy of a sequence of rows of equal length, n_rows × n_columns; if `flat`, a bare number is a row."""
    rows = listed(source, name, "rows of numbers: give a list of rows")
    if flat and rows and _is_scalar(rows[0]):
        rows = [(row,) if _is_scalar(row) else row for row in rows]
    numbers = array("d")
    width = 0
    for index, row in enumerate(rows):
        before = len(numbers)
        values = _values_of(row, name, index, source)
        try:
            if index == 0 and any(map(is_lookalike, values)):  # it fills a whole column
                raise TypeError
            for some in pieces(values) if len(values) > PIECE else (values,):
                numbers.extend(some)
        except Exception:
            del numbers[before:]
            for column, value in enumerate(values):
                numbers.append(read_number(value, name, index, column, names[column] if names else None))
        if index == 0:
            width = len(numbers)
        elif len(numbers) - before != width:
            raise ValueError(
                f"{name} row {index} has {counted(len(numbers) - before, 'number')} but row 0 has {width}: "
                "give every row equally many"
            )
    if not width:
        raise empty(name)
    return as_view(numbers, width)


def listed(source: Any, name: str, expected: str) -> list[Any]:
    """Return list(source); TypeError if it cannot be iterated over, ValueError with the reason if that fails."""
    try:
        return list_of(source)
    except TypeError:
        raise TypeError(f"{name} {_is(name)} {named(source)}; expected {expected}") from None
    except Exception as error:
        refuse_failure(name, error)


def _is(name: str) -> str:
    return "are" if name.endswith("s") else "is"


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str) or not hasattr(value, "__len__")


def _values_of(row: Any, name: str, index: int, source: Any) -> Sequence[Any]:
    """Return the values of a row as a list or a tuple; an iterator is read once and whole."""
    if isinstance(row, (list, tuple)):
        return row
    if isinstance(row, (str, bytes, *UNORDERED)) or not (hasattr(row, "__iter__") or hasattr(row, "__len__")):
        if isinstance(row, (str, bytes)):
            remedy = "turn texts into columns of numbers, such as a count for each word"
        elif isinstance(row, UNORDERED):
            remedy = "give its values in the order of the columns"
        else:
            remedy = flat_remedy(source, name) if index == 0 and row is not None else "fill it in or drop it"
        raise TypeError(f"{name} row {index} is {described(row)}; expected a row of numbers: {remedy}")
    if getattr(row, "ndim", 1) != 1 and hasattr(row, "shape"):
        raise ValueError(
            f"{name} row {index} has the shape {row.shape}; expected a flat row of numbers: flatten each sample into one row"
        )
    refuse_masked(getattr(row, "mask", None), name, index)
    values: list[Any] = []
    try:
        values.extend(row)
    except Exception as error:
        raise ValueError(f"{name} row {index}, column {len(values)} cannot be read ({error}): give numbers") from error
    return values


def empty(name: str) -> ValueError:
    return ValueError(f"{name} must not be empty: give at least one row of at least one number")
