"""Every kind of container that a table of small whole numbers may come in, and the kind in which answers are given back."""

import ctypes
import mmap
from array import array
from decimal import Decimal
from fractions import Fraction

import numpy as np

from pyperceptron import Matrix


class Frame:
    """A stand-in for a data frame: `values` and __array__, and `columns` if they have names."""

    def __init__(self, values, columns=None):
        self.values = np.array(values)
        if columns is not None:
            self.columns = columns

    def __array__(self, dtype=None, copy=None):
        return self.values


class Series:
    """A stand-in for a row of a data frame: keys, values and __array__."""

    def __init__(self, values, index):
        self._values = dict(zip(index, values, strict=True))

    def keys(self):
        return list(self._values)

    def __iter__(self):
        return iter(self._values.values())

    def __getitem__(self, key):
        return self._values[key]

    def __array__(self, dtype=None, copy=None):
        return np.array(list(self))


class Rows:
    """A sequence with only __len__ and __getitem__."""

    def __init__(self, values):
        self.values = values

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        return self.values[index]


class OneShot:
    """A row that can be iterated over only once and has no length, such as a database cursor."""

    def __init__(self, values):
        self._iterator = iter(values)

    def __iter__(self):
        return self._iterator


def view(rows, code="d"):
    """Return a memoryview of two dimensions."""
    flat = array(code, [value for row in rows for value in row])
    return memoryview(flat).cast("B").cast(code, (len(rows), len(rows[0])))


def read_only(rows):
    return memoryview(view(rows).tobytes()).cast("d", (len(rows), len(rows[0])))


def unaligned(rows):
    """Return unaligned float64, as in a memory-mapped file after a header of odd length."""
    return memoryview(b"x" + view(rows).tobytes())[1:].cast("d", (len(rows), len(rows[0])))


def of_ctypes(rows):
    return (ctypes.c_double * len(rows[0]) * len(rows))(*(tuple(row) for row in rows))


def in_a_file(rows):
    memory = mmap.mmap(-1, 8 * len(rows) * len(rows[0]))
    memory.write(view(rows).tobytes())
    return memoryview(memory).cast("d", (len(rows), len(rows[0])))


LISTS = {
    "lists": lambda rows: rows,
    "tuples": lambda rows: tuple(map(tuple, rows)),
    "Matrix": Matrix,
    "own sequence": lambda rows: Rows([Rows(row) for row in rows]),
    "list of array.array": lambda rows: [array("f", row) for row in rows],
    "list of bytearray": lambda rows: [bytearray(row) for row in rows],
    "list of NumPy rows": lambda rows: list(np.array(rows)),
    "exact numbers": lambda rows: [[Decimal(v) for v in rows[0]], *([Fraction(v) for v in row] for row in rows[1:])],
}
BUFFERS = {f"array.array {code}": lambda rows, code=code: view(rows, code) for code in "dfBHiIlLqQh"} | {
    "read-only": read_only,
    "unaligned": unaligned,
    "ctypes": of_ctypes,
    "mmap": in_a_file,
    "reversed rows": lambda rows: view(rows[::-1])[::-1],
}
NUMPY = {
    f"NumPy {dtype}": lambda rows, dtype=dtype: np.array(rows, dtype)
    for dtype in ("d", "f", "u1", "i2", "i4", "i8", "u8", ">f8", ">i4", "g", "e")
} | {
    "Fortran-ordered": lambda rows: np.asfortranarray(np.array(rows, float)),
    "strided columns": lambda rows: np.repeat(np.array(rows, float), 2, axis=1)[:, ::2],
    "strided rows": lambda rows: np.repeat(np.array(rows, "u1"), 3, axis=0)[::3],
    "negative strides": lambda rows: np.array(rows, "f")[::-1, ::-1].copy()[::-1, ::-1],
    "unaligned NumPy": lambda rows: np.frombuffer(b"x" + np.array(rows, float).tobytes(), "d", offset=1).reshape(
        np.shape(rows)
    ),
    "NumPy objects": lambda rows: np.array(rows, object),
    "read-only NumPy": lambda rows: np.broadcast_to(np.array(rows, float), np.shape(rows)),
    "data frame": Frame,
}

# name: (make the container of a list of rows, the type of answers)
CONTAINERS = {
    name: (make, kind)
    for makers, kind in ((LISTS, list), (BUFFERS, array), (NUMPY, np.ndarray))
    for name, make in makers.items()
}
