"""Read tables through the Arrow C data interface: from the columns' own memory, without a Python object for each value.

Only standard C structures cross the interface, so any library that speaks it will do, and none is imported here:
https://arrow.apache.org/docs/format/CDataInterface.html, CStreamInterface.html and CDataInterface/PyCapsuleInterface.html.
"""

from __future__ import annotations

import ctypes
import struct
from array import array
from itertools import pairwise

from pyperceptron.checks import refuse_failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

NUMBERS = dict(zip("cCsSiIlLefg", "bBhHiIqQefd", strict=True))  # Arrow's letter: that of a memoryview
_TEXTS = ("u", "U", "vu")
_VIEW_SIZE = 16  # bytes
_KINDS = {
    "u": "texts",
    "U": "texts",
    "vu": "texts",
    "z": "bytes",
    "Z": "bytes",
    "vz": "bytes",
    "w": "bytes",
    "td": "dates",
    "ts": "dates",
    "tt": "times",
    "tD": "durations",
    "ti": "intervals",
    "+": "lists or records",
}


class Column:
    """A column of a table, or a part of one: where its values are and how they are stored.

    format      of Arrow: "g" is float64, "b" bits, "u" texts ...
    address     of the first value; None if there are no values
    offset      how many values, of the same memory, come before the first one of the column
    length      how many values it has
    missing     the indices of the values that are missing
    owner       what keeps the memory alive
    others      the addresses of the column's further memory, in which the letters of texts are
    dictionary  the column that holds the different values, if those of this column are indices into it
    """

    __slots__ = ("address", "dictionary", "format", "length", "missing", "offset", "others", "owner")

    def __init__(
        self,
        format: str,
        address: int | None,
        offset: int,
        length: int,
        missing: list[int],
        owner: object = None,
        others: tuple[int | None, ...] = (),
        dictionary: Column | None = None,
    ) -> None:
        self.format = format
        self.address = address
        self.offset = offset
        self.length = length
        self.missing = missing
        self.owner = owner
        self.others = others
        self.dictionary = dictionary

    def numbers(self) -> memoryview[Any]:
        """Return the values in a memoryview of any numeric format; those that are missing are meaningless.

        The column's memory is not copied, so the caller must do that as long as it exists.
        """
        if not self.length or self.address is None:
            return memoryview(array("d", bytes(8 * self.length)))
        if self.format == "b":
            return memoryview(_bits(self.address, self.offset, self.length))
        if self.format[0] == "d":
            return memoryview(_decimals(self.format, self.address, self.offset, self.length))
        code = NUMBERS[self.format]
        size = struct.calcsize(code)
        values = _memory(self.address + size * self.offset, size * self.length)
        return memoryview(array("d", struct.unpack(f"{self.length}e", values))) if code == "e" else values.cast(code)  # type: ignore[call-overload]

    def values(self) -> list[Any]:
        """Return the texts, truth values or numbers of a column as Python objects; a missing one is None."""
        if self.dictionary is not None:
            different = self.dictionary.values()
            values: list[Any] = [different[code] if 0 <= code < len(different) else None for code in self.numbers()]
        elif self.format in _TEXTS:
            values = self._texts()
        elif self.format == "b":
            values = list(map(bool, self.numbers()))
        else:
            values = self.numbers().tolist()
        for row in self.missing:
            values[row] = None
        return values

    def _texts(self) -> list[Any]:
        if not self.length or self.address is None:
            return [""] * self.length
        if self.format == "vu":
            return list(self._texts_of_views(self.address))
        size, code = (4, "i") if self.format == "u" else (8, "q")
        ends = _memory(self.address + size * self.offset, size * (self.length + 1)).cast(code).tolist()  # type: ignore[call-overload]
        first, letters = ends[0], self.others[0]
        if letters is None or ends[-1] == first:
            return [""] * self.length
        memory = _memory(letters + first, ends[-1] - first)
        return [str(memory[start - first : end - first], "utf-8") for start, end in pairwise(ends)]

    def _texts_of_views(self, address: int) -> Iterator[str | None]:
        """Yield texts whose letters stand in their views, if they are twelve bytes at most, else where the views say."""
        missing = {*self.missing}  # whose views may hold anything
        views = bytes(_memory(address + _VIEW_SIZE * self.offset, _VIEW_SIZE * self.length))
        for row, (length, buffer, start) in enumerate(struct.iter_unpack("=i4xii", views)):
            if row in missing:
                yield None
            elif length <= _VIEW_SIZE - 4:
                yield str(views[_VIEW_SIZE * row + 4 : _VIEW_SIZE * row + 4 + length], "utf-8")
            else:
                yield str(_memory((self.others[buffer] or 0) + start, length), "utf-8")


def holds_texts(format: str) -> bool:
    """Whether an Arrow format is one of texts, or of categories."""
    return format in _TEXTS or format == "dictionary"


def holds_numbers(format: str) -> bool:
    """Whether an Arrow format is one of numbers, bits or decimals, or of nothing but missing values."""
    return format in NUMBERS or format in ("b", "n") or format.startswith("d:")


def kind_of(format: str) -> str:
    """Return the plural of what a column of an Arrow format without numbers holds."""
    return next((kind for start, kind in _KINDS.items() if format.startswith(start)), f"values of Arrow format {format!r}")


def missing_bits(address: int | None, offset: int, length: int) -> list[int]:
    """Return the indices of the bits that are 0 in a validity bitmap; none if there is no bitmap."""
    if not address:
        return []
    bits = _bits(address, offset, length)
    missing = []
    index = bits.find(0)
    while index >= 0:
        missing.append(index)
        index = bits.find(0, index + 1)
    return missing


class _Schema(ctypes.Structure):
    pass


class _Array(ctypes.Structure):
    pass


class _Stream(ctypes.Structure):
    pass


_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", ctypes.POINTER(_Schema)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))),
    ("private_data", ctypes.c_void_p),
]
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.POINTER(_Array)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))),
    ("private_data", ctypes.c_void_p),
]
_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Schema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Array))),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.POINTER(_Stream))),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Stream))),
    ("private_data", ctypes.c_void_p),
]


class ArrowTable:
    """A table that another library hands over; a context manager, after which its memory belongs to that library again.

    names     of the columns; None if the source is a single column instead
    formats   of the columns, as Arrow writes them; "dictionary" for one of categories
    """

    def __init__(self, source: Any, name: str) -> None:
        """Take over what `source.__arrow_c_stream__()` or `source.__arrow_c_array__()` gives; raise ValueError if it fails.

        name  what errors call the source
        """
        self._name = name
        self._stream: _Stream | None = None
        self._batch: _Array | None = None  # the last one received, released or not
        # The capsules own what the pointers refer to, until the last copy of this table is gone.
        self._schema = _Schema()
        try:
            if hasattr(source, "__arrow_c_stream__"):
                self._capsules: tuple[Any, ...] = (source.__arrow_c_stream__(),)
                self._stream = _Stream.from_address(_address(self._capsules[0], b"arrow_array_stream"))
            else:
                self._capsules = source.__arrow_c_array__()
                self._schema = _Schema.from_address(_address(self._capsules[0], b"arrow_schema"))
                self._batch = _Array.from_address(_address(self._capsules[1], b"arrow_array"))
        except Exception as error:
            refuse_failure(name, error)
        if self._stream is not None:
            self._check(self._stream.get_schema(ctypes.byref(self._stream), ctypes.byref(self._schema)))
        schema = self._schema
        is_table = schema.format == b"+s"
        columns = [schema.children[index].contents for index in range(schema.n_children)] if is_table else [schema]
        self.names = tuple((column.name or b"").decode() for column in columns) if is_table else None
        self._own_formats = [column.format.decode() for column in columns]
        self._formats_of_dictionaries = [
            column.dictionary.contents.format.decode() if column.dictionary else "" for column in columns
        ]
        self.formats = [
            "dictionary" if of_dictionary else own
            for own, of_dictionary in zip(self._own_formats, self._formats_of_dictionaries, strict=True)
        ]

    def __enter__(self) -> ArrowTable:
        return self

    def __exit__(self, *exception: object) -> None:
        """Release what was taken over, in the order that the interface asks for; the capsules release nothing twice."""
        for owned in (self._batch, self._schema, self._stream):
            if owned is not None and owned.release:
                owned.release(ctypes.byref(owned))

    def batches(self) -> Iterator[list[Column]]:
        """Yield the columns of one batch of rows after the other; they are valid until the next batch is asked for."""
        if self._batch is not None:
            yield self._columns(self._batch)
        while self._stream is not None:
            self._batch = _Array()
            self._check(self._stream.get_next(ctypes.byref(self._stream), ctypes.byref(self._batch)))
            if not self._batch.release:
                break
            yield self._columns(self._batch)
            self._batch.release(ctypes.byref(self._batch))

    def _columns(self, batch: _Array) -> list[Column]:
        """Return the columns of a batch. The rows of a table may be missing too, and have an offset of their own."""
        if self.names is None:
            return [_column(self._own_formats[0], batch, 0, batch.length, self._formats_of_dictionaries[0])]
        missing = missing_bits(batch.buffers[0], batch.offset, batch.length) if batch.n_buffers and batch.null_count else []
        columns = []
        for index, format in enumerate(self._own_formats):
            of_dictionary = self._formats_of_dictionaries[index]
            column = _column(format, batch.children[index].contents, batch.offset, batch.length, of_dictionary)
            column.missing = sorted({*column.missing, *missing})
            columns.append(column)
        return columns

    def _check(self, status: int) -> None:
        assert self._stream is not None
        if status:
            reason = self._stream.get_last_error(ctypes.byref(self._stream)) or b"no reason given"
            refuse_failure(self._name, ValueError(reason.partition(b". Detail: ")[0].decode(errors="replace")))


def _column(format: str, values: _Array, offset: int, length: int, of_dictionary: str = "") -> Column:
    """Return the column that an array of Arrow describes, of this length, from this offset on besides the array's own.

    of_dictionary  the format of the values to which those of the column are indices, if they are
    """
    offset += values.offset
    if format == "n":
        return Column(format, None, 0, length, list(range(length)))
    missing = missing_bits(values.buffers[0], offset, length) if values.null_count else []
    dictionary = None
    if of_dictionary:
        different = values.dictionary.contents
        dictionary = _column(of_dictionary, different, 0, different.length)
    others = tuple(values.buffers[index] for index in range(2, values.n_buffers))
    return Column(format, values.buffers[1], offset, length, missing, None, others, dictionary)


def _address(capsule: Any, name: bytes) -> int:
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    return int(get_pointer(capsule, name))


def _memory(address: int, size: int) -> memoryview[Any]:
    return memoryview((ctypes.c_ubyte * size).from_address(address)).cast("B")


def _bits(address: int, offset: int, length: int) -> bytes:
    """Return `length` bits, the lowest of each byte first, as bytes of 0 and 1."""
    first, last = offset // 8, (offset + length + 7) // 8
    unpacked = b"".join(map(_BITS_OF_BYTE.__getitem__, _memory(address + first, last - first)))
    return unpacked[offset - 8 * first :][:length]


_BITS_OF_BYTE = [bytes(byte >> bit & 1 for bit in range(8)) for byte in range(256)]


def _decimals(format: str, address: int, offset: int, length: int) -> array[float]:
    """Return decimals, whole numbers of 128 or as many bits as the format says times a power of ten, rounded to float64."""
    _, scale, *bits = map(int, format[2:].split(","))
    size = (bits[0] if bits else 128) // 8
    memory = _memory(address + size * offset, size * length)
    whole = (int.from_bytes(memory[start : start + size], "little", signed=True) for start in range(0, len(memory), size))
    power = 10 ** abs(scale)
    return array("d", (value / power if scale >= 0 else value * power for value in whole))
