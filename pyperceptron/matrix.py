"""A matrix of floats with the few operations that the lesson needs: @ + - * and .T."""

from __future__ import annotations

from _collections_abc import Mapping, Set  # unlike the package collections, loaded by Python itself
from array import array
from itertools import repeat
from operator import add, mul, sub

from pyperceptron.checks import counted, is_lookalike, named

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without the 3 ms that importing typing costs
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    T = TypeVar("T")


class Matrix:
    """An n_rows × n_columns matrix of floats, kept as one flat list, row after row.

    >>> Matrix([[1, 2], [3, 4]]) @ Matrix([[1], [10]])
    Matrix([[21.0], [43.0]])

    Rows of different lengths, no rows, or empty rows raise ValueError, as do operands whose shapes do not fit; what is no row
    of numbers raises TypeError.
    A matrix never changes.
    """

    __slots__ = ("_rows", "shape", "values")

    values: list[float]
    shape: tuple[int, int]
    _rows: list[list[float]]

    def __init__(self, rows: Iterable[Iterable[float]]) -> None:
        try:
            table = [array("d", _ordered(row)).tolist() for row in _ordered(rows)]  # unlike float, array takes no texts
        except OverflowError:
            raise
        except Exception as error:
            reason = str(error).partition("\n")[0]
            raise TypeError(
                f"a Matrix takes rows of numbers ({reason}): write Matrix([[1, 2, 3]]) for one row, "
                "Matrix([[1], [2], [3]]) for one column"
            ) from None
        if not table or not table[0]:
            raise ValueError("a Matrix needs at least one row of at least one number")
        for index, row in enumerate(table):
            if len(row) != len(table[0]):
                raise ValueError(
                    f"row {index} has {counted(len(row), 'number')} but row 0 has {len(table[0])}: "
                    "make all rows of a Matrix equally long"
                )
        self.values = [value for row in table for value in row]
        self.shape = len(table), len(table[0])

    @property
    def rows(self) -> list[list[float]]:
        """A copy of the rows, as lists."""
        return [list(row) for row in self._lists()]

    def _lists(self) -> list[list[float]]:
        """Return the rows as lists, made once and cached."""
        try:
            return self._rows
        except AttributeError:
            values, width = self.values, self.shape[1]
            self._rows = [values[start : start + width] for start in range(0, len(values), width)]
            return self._rows

    @property
    def T(self) -> Matrix:
        """The transpose: T[j][i] = self[i][j]."""
        values = [value for column in zip(*self._lists(), strict=True) for value in column]
        return matrix_of(values, self.shape[::-1])

    def __matmul__(self, other: Matrix) -> Matrix:
        """The product: (A @ B)[i][k] = Σⱼ A[i][j] · B[j][k], summed in the order of j.

        Numbers within ±1e150 multiply to finite ones; larger ones may overflow to inf or nan, as in NumPy.
        """
        if not isinstance(other, Matrix):
            return NotImplemented
        (n_rows, n_shared), (other_rows, n_columns) = self.shape, other.shape
        if n_shared != other_rows:
            raise ValueError(
                f"cannot multiply {_described(self)} by {_described(other)}: "
                "the left one needs as many columns as the right one has rows"
            )
        columns = [other.values[start::n_columns] for start in range(n_columns)]
        products = []
        for row in self._lists():
            for column in columns:
                total = 0.0
                for left, right in zip(row, column):  # noqa: B905 (checked above; strict costs a tenth of a training)
                    total += left * right
                products.append(total)
        return matrix_of(products, (n_rows, n_columns))

    def __add__(self, other: Matrix | float) -> Matrix:
        return self._with(other, add)

    def __sub__(self, other: Matrix | float) -> Matrix:
        return self._with(other, sub)

    def __mul__(self, other: Matrix | float) -> Matrix:
        """The elementwise product, as NumPy's `*`: not the matrix product, which is `@`."""
        return self._with(other, mul)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: float) -> Matrix:
        return self.map(lambda value: other - value)

    def _with(self, other: Matrix | float, operation: Callable[[float, float], float]) -> Matrix:
        if isinstance(other, Matrix):
            if self.shape != other.shape:
                raise ValueError(
                    f"cannot combine {_described(self)} with {_described(other)} element by element: make their shapes the same"
                )
            return matrix_of(list(map(operation, self.values, other.values)), self.shape)
        if not isinstance(other, (int, float)):
            return NotImplemented
        return matrix_of(list(map(operation, self.values, repeat(other))), self.shape)

    def map(self, function: Callable[[float], float]) -> Matrix:
        """Return the matrix with `function` applied to each value."""
        return matrix_of(list(map(function, self.values)), self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int) -> list[float]:
        return list(self._lists()[index])

    def __iter__(self) -> Iterator[list[float]]:
        return iter(self.rows)

    def __eq__(self, other: object) -> bool:
        """Equal to a matrix, or to a list of lists, of the same shape and values."""
        if isinstance(other, Matrix):
            return self.shape == other.shape and self.values == other.values
        return self._lists() == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Matrix({self._lists()!r})"


def _ordered(values: Iterable[T]) -> Iterator[T]:
    """Return an iterator over rows, or the numbers of one; TypeError for anything without an order or a known end.

    Such are sets, data frames, which iterate over columns, and a pointer of ctypes, which would be read until the process dies.
    """
    if not isinstance(values, (list, tuple)) and (
        isinstance(values, (bytes, Set, Mapping))
        or hasattr(values, "columns")
        or is_lookalike(values)
        or not (hasattr(values, "__iter__") or hasattr(values, "__len__"))
    ):
        raise TypeError(f"got {named(values)}")
    return iter(values)


_new = Matrix.__new__


def matrix_of(values: list[float], shape: tuple[int, int]) -> Matrix:
    """Make a matrix of a flat list of its values, row after row; the list is neither checked nor copied."""
    matrix = _new(Matrix)
    matrix.values = values
    matrix.shape = shape
    return matrix


def _described(matrix: Matrix) -> str:
    return f"{matrix.shape[0]}x{matrix.shape[1]}"
