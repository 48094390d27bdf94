"""Open any container of numbers (lists, NumPy arrays, buffers) as a memoryview, and give answers back in kind."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping
from itertools import islice

from pyperceptron.checks import counted, named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, NoReturn

PIECE = 65_536  # numbers that one call of a C function handles at most, as Ctrl-C waits for its return
_READ_IN_PLACE = "dfB"
UNORDERED = (Mapping, set, frozenset)
_NATIVE_ORDER = "<" if sys.byteorder == "little" else ">"


class Table:
    """Numbers in rows and columns.

    view       an n_rows × n_columns, C-contiguous memoryview of float64 ("d"), float32 ("f") or bytes ("B"): the caller's own
               memory if that has such a form, else a copy
    container  the kind in which they came: "list", "numpy" or "array" (any other buffer)
    names      of the columns, if they came in a data frame whose columns all have strings for names; else None
    """

    __slots__ = ("container", "names", "view")

    def __init__(self, view: memoryview[float], container: str, names: tuple[str, ...] | None = None) -> None:
        self.view = view
        self.container = container
        self.names = names

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

    def as_float64(self) -> memoryview[float]:
        """Return a copy of the view in float64."""
        return as_view(float64_copy(as_flat(self.view)), self.n_columns)


def numpy_if_loaded() -> Any:
    """Return the NumPy module if something has imported it, else None: only a caller with an array needs it."""
    return sys.modules.get("numpy")


def read_table(source: Any, name: str, flat: bool = False) -> Table:
    """Return any container of rows of numbers as a Table; nan and infinities are allowed.

    name  what errors call it
    flat  whether a one-dimensional source is a column; else it is refused

    Raises ValueError or TypeError if it is not a non-empty table of real numbers, naming the row and column of a bad value.
    """
    opened, container = _opened(source, name)
    names = _column_names(source)
    try:
        view: memoryview[float] = memoryview(opened)
    except TypeError:
        return Table(_view_of_rows(opened, name, flat), container, names)
    if view.ndim != 2 and not (flat and view.ndim == 1):
        remedy = "flatten each sample into one row" if view.ndim > 2 else _one_row_remedy(name)
        raise ValueError(f"{name} must have two dimensions, rows and columns; got {view.ndim}: {remedy}")
    if not view.nbytes:
        raise _empty(name)
    view = _contiguous(view, name)
    return Table(view if view.ndim == 2 else _reshaped(view, (view.nbytes // view.itemsize, 1)), container, names)


def to_container(values: array[float], n_columns: int, container: str) -> Any:
    """Return n_rows × n_columns values in the caller's container: nested lists, a NumPy array, or a flat array.array."""
    if container == "array":
        return values[:]
    view = as_view(values, n_columns)
    # A model unpickled in another process may find NumPy not imported.
    numpy = numpy_if_loaded() if container == "numpy" else None
    return numpy_copy(numpy.asarray(view), "d") if numpy else as_list(view)


def as_list(values: Any) -> list[Any]:
    """Return a view, a vector or a NumPy array as a list; if it has two dimensions, as a list of lists."""
    listed: list[Any] = []
    for some in pieces(values):
        listed += some.tolist()
    return listed


def list_of(values: Iterable[Any]) -> list[Any]:
    """Return list(values)."""
    listed: list[Any] = []
    iterator = iter(values)
    while some := list(islice(iterator, PIECE)):
        listed += some
    return listed


def pieces(values: Any) -> Iterator[Any]:
    """Yield slices of at most PIECE numbers, or of one row, that make up a sequence of one dimension or two."""
    columns = values.shape[1] if len(getattr(values, "shape", ())) > 1 else 1
    at_once = max(1, PIECE // max(1, columns))
    if len(values) <= at_once:
        yield values
        return
    for start in range(0, len(values), at_once):
        yield values[start : start + at_once]


def as_view(values: array[float], n_columns: int) -> memoryview[float]:
    """Return a two-dimensional view of a flat array of float64, n_columns to a row; it shares the array's memory."""
    return memoryview(values).cast("B").cast("d", (len(values) // n_columns, n_columns))


def as_flat(view: memoryview[Any]) -> memoryview[Any]:
    """Return a one-dimensional view of a C-contiguous one."""
    return _reshaped(view, (view.nbytes // view.itemsize,))


def zeros(count: int) -> array[float]:
    """Return a vector of zeros."""
    vector = array("d", bytes(8 * min(count, PIECE)))
    if count <= PIECE:
        return vector
    for start in range(PIECE, count, PIECE):
        vector.frombytes(bytes(8 * min(count - start, PIECE)))
    return vector


def float64_copy(values: memoryview[Any]) -> array[float]:
    """Return the numbers of a one-dimensional view as a vector."""
    vector = array("d")
    for some in pieces(values):
        vector.frombytes(some.tobytes()) if values.format == "d" else vector.extend(some)
    return vector


def numpy_copy(source: Any, dtype: Any) -> Any:
    """Return a C-contiguous copy of a NumPy array, converted to the dtype."""
    if source.size <= PIECE:
        return source.astype(dtype, "C")
    copied = numpy_if_loaded().empty(source.shape, dtype)
    for into, some in zip(pieces(copied), pieces(source), strict=True):
        into[...] = some
    return copied


def refuse_value(
    name: str,
    row: int,
    column: int,
    found: str,
    remedy: str,
    error: type[Exception] = ValueError,
    expected: str = "a finite number",
) -> NoReturn:
    """Raise the error that says which number is wrong, what is expected, and the remedy."""
    raise error(f"{name} row {row}, column {column} is {found}; expected {expected}: {remedy}") from None


def rows_of(source: Any, name: str) -> Any:
    """Return the rows of a data frame, or the values of a column of one, in a list; any other source as it is.

    Iterating over a frame gives columns or their names, never rows, so a frame of an unknown kind is a TypeError.
    """
    if hasattr(source, "iter_rows"):  # polars
        return [list(row) for row in source.iter_rows()]
    if hasattr(source, "to_pylist"):  # pyarrow: a table or a record batch has columns, an array has none
        if not hasattr(source, "columns"):
            return source.to_pylist()
        return [list(row) for row in zip(*(column.to_pylist() for column in source.columns), strict=True)]
    named_columns = any(not callable(getattr(source, word, callable)) for word in ("columns", "column_names"))
    exchanged = hasattr(source, "__dataframe__") or hasattr(source, "__arrow_c_stream__")
    if named_columns or (exchanged and not hasattr(source, "to_list")):  # a Series of polars has to_list
        raise TypeError(
            f"{name} is a data frame of type {type(source).__name__}, whose rows cannot be told from its columns; expected "
            "rows: give a list of its rows, or a NumPy array"
        )
    return source


def refuse_masked(mask: Any, name: str) -> None:
    """Raise ValueError with the place of the first masked number, if there is one."""
    if hasattr(mask, "any") and mask.any():
        row, column = [*([0] * (mask.ndim < 2)), *(int(places[0]) for places in mask.nonzero())][:2]
        refuse_value(name, row, column, "masked", "fill it in or drop that row")


def _column_names(source: Any) -> tuple[str, ...] | None:
    names = getattr(source, "column_names", None) or getattr(source, "columns", None)
    if names is None or callable(names):
        return None
    names = tuple(names)
    return names if names and all(isinstance(name, str) for name in names) else None


def _opened(source: Any, name: str) -> tuple[Any, str]:
    """Return the source, or a buffer or list made of it, and the kind of container that answers should have."""
    if isinstance(source, UNORDERED):
        raise TypeError(f"{name} must be rows of numbers; got {named(source)}: {_one_row_remedy(name)}")
    numpy = numpy_if_loaded()
    if numpy is not None and not isinstance(source, numpy.ndarray) and hasattr(source, "__array__"):
        source = source.__array__()  # a data frame, or another package's array
    if numpy is not None and isinstance(source, numpy.ndarray):
        refuse_masked(getattr(source, "mask", None), name)
        if source.dtype.kind in "OSU":
            return as_list(source) if source.ndim else source.tolist(), "numpy"
        if source.dtype.kind not in "biuf":
            raise TypeError(f"{name} must hold real numbers; got elements of type {source.dtype}: convert them first")
        if source.dtype.char in "dfB?" and source.dtype.isnative:
            # NumPy copies a strided array several times as fast as a memoryview does.
            return source if source.flags.c_contiguous else numpy_copy(source, source.dtype), "numpy"
        with numpy.errstate(all="ignore"):  # overflow gives inf, which is refused later
            return numpy_copy(source, "d"), "numpy"
    try:
        memoryview(source)
    except TypeError:
        return rows_of(source, name), "list"
    return source, "array"


def _contiguous(view: memoryview[float], name: str) -> memoryview[float]:
    """Return the view itself if its elements can be read in place, else a copy that can."""
    view_format = view.format or ""
    code = view_format.lstrip("@=" + _NATIVE_ORDER)
    assert view.shape is not None
    if len(code) != 1 or code not in "dfbB?hHiIlLqQnN" or view.itemsize != _size_of(code):
        raise TypeError(
            f"{name} must hold real numbers in native byte order; got elements of buffer format {view_format!r}: "
            "convert them first"
        )
    if code == "?":
        code = "B"
    if code in _READ_IN_PLACE and view.c_contiguous and view_format in (code, "@" + code, "?"):
        return _reshaped(view, view.shape, code)
    copied = array(code if code in _READ_IN_PLACE else "d")
    for some in pieces(view):
        own = memoryview(some.tobytes())
        copied.frombytes(own) if code == copied.typecode else copied.extend(own.cast(code))  # type: ignore[call-overload]
    return _reshaped(memoryview(copied), view.shape)


def _reshaped(view: memoryview[Any], shape: tuple[int, ...], code: str | None = None) -> memoryview[Any]:
    return view.cast("B").cast(code or view.format, shape)  # type: ignore


def _size_of(code: str) -> int:
    """Return the native item size, in bytes, of a one-letter buffer format."""
    return memoryview(b"").cast(code).itemsize  # type: ignore


def _view_of_rows(source: Any, name: str, flat: bool) -> memoryview[float]:
    """Return a float64 copy of a sequence of rows of equal length, n_rows × n_columns; if `flat`, a bare number is a row."""
    try:
        rows = list_of(source)
    except TypeError:
        raise TypeError(f"{name} must be rows of numbers; got {named(source)}: {_one_row_remedy(name)}") from None
    if flat and rows and not hasattr(rows[0], "__len__"):
        rows = [(row,) if not hasattr(row, "__len__") else row for row in rows]
    numbers = array("d")
    width = 0
    for index, row in enumerate(rows):
        before = len(numbers)
        values = _values_of(row, name, index)
        try:
            for some in pieces(values) if len(values) > PIECE else (values,):
                numbers.extend(some)
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
        raise _empty(name)
    return as_view(numbers, width)


def _values_of(row: Any, name: str, index: int) -> Sequence[Any]:
    """Return the values of a row as a list or a tuple; an iterator is read once and whole."""
    if isinstance(row, (list, tuple)):
        return row
    try:
        if isinstance(row, UNORDERED):
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
    """Append the row's numbers, or raise with the place of the first value that is no number."""
    for column, value in enumerate(values):
        try:
            numbers.append(value)
        except OverflowError:
            refuse_value(name, index, column, "an integer too large for a float", "scale it down")
        except (TypeError, ValueError):
            remedy = "fill it in or drop that row" if value is None else "convert it first, as float(...) does"
            refuse_value(name, index, column, named(value), remedy, TypeError)


def _empty(name: str) -> ValueError:
    return ValueError(f"{name} must not be empty: give at least one row of at least one number")


def _one_row_remedy(name: str) -> str:
    return f"for a single row write [[...]], as in {name} = [[1, 0, 1]]"
