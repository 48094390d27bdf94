"""Vectors, memoryviews and NumPy arrays: making, viewing and copying them some numbers at a time, as Ctrl-C waits for C."""

from __future__ import annotations

import sys
from array import array
from itertools import islice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

PIECE = 65_536  # numbers that one call of a C function handles at most, as Ctrl-C waits for its return


def zeros(count: int) -> array[float]:
    """Return a vector of zeros."""
    vector = array("d", bytes(8 * min(count, PIECE)))
    if count <= PIECE:
        return vector
    for start in range(PIECE, count, PIECE):
        vector.frombytes(bytes(8 * min(count - start, PIECE)))
    return vector


def as_view(values: array[float], n_columns: int) -> memoryview[float]:
    """Return a two-dimensional view of a flat array of float64, n_columns to a row; it shares the array's memory."""
    return memoryview(values).cast("B").cast("d", (len(values) // n_columns, n_columns))


def as_flat(view: memoryview[Any]) -> memoryview[Any]:
    """Return a one-dimensional view of a C-contiguous one."""
    return reshaped(view, (view.nbytes // view.itemsize,))


def reshaped(view: memoryview[Any], shape: tuple[int, ...], code: str | None = None) -> memoryview[Any]:
    """Return a view of the same memory in another shape, and of another format if `code` is given."""
    return view.cast("B").cast(code or view.format, shape)  # type: ignore


def as_list(values: Any) -> list[Any]:
    """Return a view, a vector or a NumPy array as a list; if it has two dimensions, as a list of lists."""
    listed: list[Any] = []
    for some in pieces(values):
        listed += to_list(some)
    return listed


def to_list(values: Any) -> list[Any]:
    """Return values.tolist(), but dates of NumPy as they are: tolist turns nanoseconds into numbers."""
    is_date = getattr(getattr(values, "dtype", None), "kind", "f") in "mM"
    if not is_date:
        return values.tolist()  # type: ignore[no-any-return]
    return [to_list(row) for row in values] if values.ndim > 1 else list(values)


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


def numpy_if_loaded() -> Any:
    """Return the NumPy module if something has imported it, else None: only a caller with an array needs it."""
    return sys.modules.get("numpy")
