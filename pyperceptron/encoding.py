"""Columns of texts as columns of 0 and 1, and fills for missing numbers: how a table becomes the numbers that a model sees."""

from __future__ import annotations

from array import array
from math import fsum, isfinite, nan

from pyperceptron.checks import counted, is_missing, named, read_number, refuse_number
from pyperceptron.containers import Rows, empty, read_table, rows_of, values_by_name
from pyperceptron.frames import column_names
from pyperceptron.table import MISSING_WORDS, TRUTH_WORDS, Table, Texts, level_of, text_of
from pyperceptron.vectors import as_view, list_of, zeros

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from pyperceptron.table import Column

    Numbers = array[float]

MOST_LEVELS = 1000  # of a column of texts
_AT_ONCE = 150_000  # numbers that are encoded at the same time: they fit into the cache


def read_samples(X: Any) -> tuple[Rows, Encoding | None]:
    """Return X as rows of numbers, and how its columns became them: None if they are numbers that are all there."""
    read = read_table(X, "X")
    if isinstance(read, Rows):
        return read, None
    if not len(read):
        raise empty("X")
    encoding = Encoding.of(read)
    return encoding.rows(read), encoding


class ColumnEncoding:
    """How one column of a table becomes one or more columns of numbers.

    name         of the column
    first        the index of its first column of numbers
    levels       the texts that have an indicator, a column that is 1 in their rows and else 0; None for a column of numbers
    fill         what stands for a missing number; None if none may be missing
    has_missing  whether a last indicator is 1 where the value is missing
    """

    __slots__ = ("fill", "first", "has_missing", "levels", "name", "places")

    def __init__(self, name: Hashable, first: int, levels: Sequence[str] | None, fill: float | None, has_missing: bool) -> None:
        self.name = name
        self.first = first
        self.levels = None if levels is None else tuple(levels)
        self.fill = fill
        self.has_missing = has_missing
        self.places: dict[str | None, int] = {level: first + index for index, level in enumerate(self.levels or ())}
        self.places |= {word: self.places[level] for word, level in TRUTH_WORDS.items() if level in self.places}
        if has_missing:
            self.places[None] = first + self.width - 1

    @property
    def width(self) -> int:
        """The number of columns of numbers."""
        return (1 if self.levels is None else len(self.levels)) + self.has_missing

    @property
    def texts(self) -> list[str]:
        """The texts that have an indicator: the levels, and other ways to write them."""
        return [text for text in self.places if text is not None]

    @property
    def coef_names(self) -> list[str]:
        own = [str(self.name)] if self.levels is None else [f"{self.name}={level}" for level in self.levels]
        return [*own, f"{self.name} missing"] if self.has_missing else own

    def plan(self) -> tuple[Hashable, int, Mapping[str, int] | None, float, int]:
        """Return how the value in a mapping becomes numbers, as RowPredictor takes it."""
        missing_place = self.places.get(None, -1)
        levels = None
        if self.levels is not None:
            words = dict.fromkeys(MISSING_WORDS, missing_place)
            levels = words | {level: place for level, place in self.places.items() if level is not None}
        return self.name, self.first, levels, nan if self.fill is None else self.fill, missing_place

    def as_fields(self) -> dict[str, Any]:
        """Return a plain record: what `encoding_` shows and a model file holds."""
        kind = {"kind": "number", "fill": self.fill} if self.levels is None else {"kind": "text", "levels": [*self.levels]}
        return {"column": self.name, **kind, "missing": self.has_missing}


class Encoding:
    """How a table becomes the rows of numbers that a model sees; a column of texts becomes an indicator for each of its levels.

    columns     a ColumnEncoding for each column of the table, in its order
    width       the number of columns of numbers
    coef_names  their names: "age", "work=Private", "work missing"
    """

    def __init__(self, columns: Iterable[tuple[Hashable, Sequence[str] | None, float | None, bool]]) -> None:
        self.columns: list[ColumnEncoding] = []
        self.width = 0
        for column in columns:
            self.columns.append(ColumnEncoding(column[0], self.width, *column[1:]))
            self.width += self.columns[-1].width
        self.names = tuple(column.name for column in self.columns)
        self.coef_names = [name for column in self.columns for name in column.coef_names]

    @property
    def indicators(self) -> set[int]:
        """The columns of numbers that are 1 where a column of the table holds a certain text, or nothing."""
        firsts = ((column, column.first + (column.levels is None)) for column in self.columns)
        return {place for column, first in firsts for place in range(first, column.first + column.width)}

    @classmethod
    def of(cls, table: Table) -> Encoding:
        """Return the encoding that a table asks for; ValueError if a column has more than MOST_LEVELS different texts."""
        return cls((name, *_encoded(name, column, table.missing)) for name, column in table.columns.items())

    def rows(self, table: Table) -> Rows:
        """Return a table with these columns, in this order, as n_rows × width numbers.

        Raises ValueError for a missing number that has no fill, TypeError for a column of the other kind.
        """
        flat = zeros(len(table) * self.width)
        view: memoryview[float] = memoryview(flat)
        columns = self._with_places(table)
        for start in range(0, len(table), self._at_once):
            part = view[start * self.width : (start + self._at_once) * self.width]
            self._fill(part, columns, start, table.first_row)
        return self._as_rows(flat, table)

    def blocks(self, table: Table) -> Iterator[Rows]:
        """Yield the rows of a table some at a time, as `rows` gives them."""
        columns = self._with_places(table)
        for start in range(0, len(table), self._at_once):
            flat = zeros(min(self._at_once, len(table) - start) * self.width)
            self._fill(memoryview(flat), columns, start, table.first_row)
            yield self._as_rows(flat, table, start)

    @property
    def _at_once(self) -> int:
        """How many rows are encoded at the same time."""
        return max(1, _AT_ONCE // self.width)

    def _as_rows(self, flat: Numbers, table: Table, start: int = 0) -> Rows:
        return Rows(as_view(flat, self.width), table.container, tuple(self.coef_names), table.first_row + start)

    def _with_places(self, table: Table) -> list[tuple[ColumnEncoding, Column, list[int]]]:
        """Return each column with its encoding and, for texts, the place of the indicator of each level, -1 for none."""
        columns = []
        for encoding, (name, column) in zip(self.columns, table.columns.items(), strict=True):
            if isinstance(column, Texts) != (encoding.levels is not None):
                column = _of_other_kind(name, column)
            levels = column.levels if isinstance(column, Texts) else ()
            columns.append((encoding, column, [encoding.places.get(level_of(text), -1) for text in levels]))
        return columns

    def _fill(
        self, view: memoryview[float], columns: list[tuple[ColumnEncoding, Column, list[int]]], start: int, first_row: int
    ) -> None:
        """Write the numbers of the rows from `start` on into a view of zeros, as many rows as it has."""
        stop = start + len(view) // self.width
        for encoding, column, places in columns:
            if isinstance(column, Texts):
                self._add_indicators(view, column.codes[start:stop], places)
            else:
                self._add_numbers(view, encoding, column[start:stop], first_row + start)

    def _add_indicators(self, view: memoryview[float], codes: array[int], places: list[int]) -> None:
        if min(places, default=0) >= 0:
            for begin, code in zip(range(0, len(view), self.width), codes, strict=True):
                view[begin + places[code]] = 1.0
            return
        for begin, code in zip(range(0, len(view), self.width), codes, strict=True):
            if places[code] >= 0:
                view[begin + places[code]] = 1.0

    def _add_numbers(self, view: memoryview[float], encoding: ColumnEncoding, numbers: Numbers, first_row: int) -> None:
        if not isfinite(sum(numbers)):  # the sum of numbers that are not missing may overflow too
            for row, number in enumerate(numbers):
                if number == number:
                    continue
                if encoding.fill is None:
                    refuse_number("X", first_row + row, 0, encoding.name, "missing", "fill it in or drop that row")
                numbers[row] = encoding.fill
                if encoding.has_missing:
                    view[row * self.width + encoding.places[None]] = 1.0
        view[encoding.first :: self.width] = memoryview(numbers)

    def unseen(self, table: Table) -> dict[Hashable, int]:
        """Return in how many rows a column holds a text that it did not hold in the training, by the column's name."""
        found = {}
        for encoding, column in zip(self.columns, table.columns.values(), strict=True):
            if isinstance(column, Texts):
                known = [level_of(text) in encoding.places for text in column.levels]
                if count := sum(count for count, is_known in zip(column.counts(), known, strict=True) if not is_known):
                    found[encoding.name] = count
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Encoding) and self.as_fields() == other.as_fields()

    def as_fields(self) -> list[dict[str, Any]]:
        """Return a plain record for each column."""
        return [column.as_fields() for column in self.columns]

    def table_of(self, X: Any) -> Table:
        """Return X, a table, a data frame or rows of raw values, as a table with these columns in this order.

        A table's and a frame's names decide, and their order does not. Raises ValueError or TypeError for missing and unknown
        names, and for values that cannot be read.
        """
        if not isinstance(X, Table) and column_names(X) is None:
            return self._table_of_rows(X)
        read = read_table(X, "X", always=True)
        if isinstance(read, Rows):  # of a frame that only NumPy can read
            names = read.names if read.names is not None else self.names
            flat = list_of(zip(*(row for row in read.view.tolist()), strict=True))
            read = Table({name: array("d", values) for name, values in zip(names, flat, strict=True)}, container=read.container)
        if not len(read):
            raise empty("X")
        return read

    def _table_of_rows(self, X: Any) -> Table:
        values = [self.raw_row(row, f"X row {index}") for index, row in enumerate(rows_of(X, "X"))]
        if not values:
            raise empty("X")
        columns: dict[Hashable, Any] = {}
        for encoding, column in zip(self.columns, zip(*values, strict=True), strict=True):
            if encoding.levels is None:
                numbers = (_number(value, "X", row, encoding) for row, value in enumerate(column))
                columns[encoding.name] = array("d", numbers)
            else:
                columns[encoding.name] = Texts(text_of(value, encoding.name) for value in column)
        return Table(columns, container="list")

    def raw_row(self, row: Any, name: str) -> list[Any]:
        """Return a row of raw values, one for each column of the table, as a list; a mapping is read by the columns' names."""
        if hasattr(row, "keys"):
            return values_by_name(row, self.names, name, "value")
        if isinstance(row, str) or not hasattr(row, "__iter__"):
            raise TypeError(f"{name} is {named(row)}; expected a row of {counted(len(self.columns), 'value')}")
        values = list(row)
        if len(values) != len(self.columns):
            count = len(self.columns)
            raise ValueError(
                f"{name} has {counted(len(values), 'value')} but the model was fitted with {counted(count, 'column')}: "
                f"give {counted(count, 'value')}"
            )
        return values

    def row(self, values: Sequence[Any]) -> Numbers:
        """Return a row of raw values, one for each column of the table, as `width` numbers."""
        row = zeros(self.width)
        for encoding, value in zip(self.columns, values, strict=True):
            if encoding.levels is not None:
                place = encoding.places.get(level_of(text_of(value, encoding.name)), -1)
            else:
                number = _number(value, "x", 0, encoding)
                place = encoding.places.get(None, -1) if number != number else -1
                row[encoding.first] = encoding.fill if number != number and encoding.fill is not None else number
            if place >= 0:
                row[place] = 1.0
        return row

    def plan(self) -> tuple[tuple[Hashable, int, Mapping[str, int] | None, float, int], ...]:
        """Return how a mapping becomes a row, as RowPredictor takes it."""
        return tuple(column.plan() for column in self.columns)


def _encoded(name: Hashable, column: Column, missing: str) -> tuple[Sequence[str] | None, float | None, bool]:
    """Return the levels, the fill, and whether there is an indicator of missing values."""
    if isinstance(column, Texts):
        texts = column.levels
        used = {level_of(texts[code]) for code in {*column.codes}}
        levels = sorted(level for level in used if level is not None)
        if len(levels) > MOST_LEVELS:
            raise ValueError(
                f"X column {named(name)} holds {len(levels):,} different texts; expected at most {MOST_LEVELS:,}: it looks "
                "like an identifier, so leave it out with drop"
            )
        return levels, None, None in used
    if missing != "mean":
        return None, None, False
    present = [number for number in column if number == number]
    return None, fsum(present) / len(present) if present else 0.0, len(present) < len(column)


def _number(value: Any, name: str, row: int, encoding: ColumnEncoding) -> float:
    """Return a raw value as a number, nan if it is missing and has a fill."""
    if is_missing(value) or (isinstance(value, str) and level_of(value) is None):
        if encoding.fill is None:
            refuse_number(name, row, 0, encoding.name, "missing", "fill it in or drop that row")
        return nan
    return read_number(value, name, row, 0, encoding.name)


def _of_other_kind(name: Hashable, column: Column) -> Column:
    """Return a column without any value as one of the other kind; TypeError if there is a value."""
    if isinstance(column, Texts):
        truths = column.as_truths()
        if truths is not None:
            return truths
        missing = {code for code, text in enumerate(column.levels) if level_of(text) is None}
        for row, code in enumerate(column.codes):
            if code not in missing:
                found = f"the text {named(column.levels[code])}"
                refuse_number("X", row, 0, name, found, "give numbers, as in fit", TypeError)
        return array("d", [nan]) * len(column)
    if any(number == number for number in column):
        raise TypeError(
            f"X column {named(name)} holds numbers; expected texts, as in fit: make texts of them, or read the file with "
            "columns that say 'text' for it"
        )
    return Texts([None] * len(column))
