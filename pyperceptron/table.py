"""A table of named columns, each of numbers or of texts."""

from __future__ import annotations

from _collections_abc import Mapping  # unlike the package collections, loaded by Python itself
from array import array
from math import isfinite, nan

from pyperceptron.checks import is_missing, named, one_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, TypeAlias

    Column: TypeAlias = "array[float] | Texts"

MISSING_WORDS = frozenset(["", "NA", "N/A", "n/a", "#N/A", "nan", "NaN", "null", "NULL", "None", "?", "-"])
_NAMES_SHOWN = 8


class Numbering(dict[object, int]):
    """The number of each value: 0 for the first that is asked for, 1 for the next different one, and so on."""

    def __missing__(self, value: Any) -> int:
        self[value] = number = len(self)
        return number


class Texts:
    """A column of texts.

    levels  the different ones as they were given, in the order in which they first occur; None stands for a missing value
    codes   for each row the index of its text in `levels`

    Values that are no texts may be given for it: they are put in words, as text_of does.
    """

    __slots__ = ("_numbers", "codes")

    def __init__(self, values: Iterable[object] = ()) -> None:
        self._numbers = Numbering()
        self.codes = array("I")
        self.extend(values)

    @classmethod
    def of_codes(cls, levels: Iterable[object], codes: array[int]) -> Texts:
        """Return a column with these different levels and this array("I") of their indices."""
        texts = cls()
        for level in levels:
            texts._numbers[level]
        texts.codes = codes
        return texts

    @property
    def levels(self) -> list[Any]:
        return [level if isinstance(level, str) else text_of(level, "of texts") for level in self._numbers]

    def counts(self) -> list[int]:
        """Return how many rows have each level."""
        counts = [0] * len(self._numbers)
        for code in self.codes:
            counts[code] += 1
        return counts

    def extend(self, values: Iterable[object]) -> None:
        self.codes.extend(map(self._numbers.__getitem__, values))

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[str | None]:
        return map(self.levels.__getitem__, self.codes)


class Table:
    """Columns of equal length, each of numbers or of texts; what read_csv gives, and what Perceptron takes as X.

    >>> table = Table({"age": [39, 50], "work": ["Private", "State"]})
    >>> table.names, table.shape, table["age"], list(table)
    (('age', 'work'), (2, 2), array('d', [39.0, 50.0]), [(39.0, 'Private'), (50.0, 'State')])

    columns     a mapping from names to sequences of equal length. One of int and float is a column of numbers, in which a
                missing value (None, nan) is nan; any other is one of texts, in which True stands for the text "True"
    missing     what a fit does with missing numbers: "error" refuses them; "mean" puts the column's mean in their place, and
                adds a column that says where they were
    target      the name of the column that was taken out as y, or None
    dropped     how many rows were left out because a value was missing
    has_header  whether the names are those of the source, or made up as x0, x1, ... for one that has none
    first_row   the number that errors give the first row, if the table is a part of a longer one
    container   the kind in which predictions for its rows are given: "list" or "numpy"

    `table[name]` is an array("d") of numbers, or a list of texts; iteration gives the rows as tuples.
    """

    def __init__(
        self,
        columns: Mapping[Any, Any],
        *,
        missing: str = "error",
        target: str | None = None,
        dropped: int = 0,
        has_header: bool = True,
        first_row: int = 0,
        container: str = "list",
    ) -> None:
        if not isinstance(columns, Mapping):
            raise TypeError(f"columns is {named(columns)}; expected a mapping from names to columns: write {{'age': [39, 50]}}")
        self.columns: dict[Any, Column] = {name: _column(name, values) for name, values in columns.items()}
        lengths = {name: len(column) for name, column in self.columns.items()}
        for name, length in lengths.items():
            first, expected = next(iter(lengths.items()))
            if length != expected:
                raise ValueError(
                    f"column {named(name)} has {length} values but column {named(first)} has {expected}: "
                    "give every column equally many"
                )
        self.missing = one_of(missing, "missing", ("error", "mean"))
        self.target = target
        self.dropped = dropped
        self.has_header = has_header
        self.first_row = first_row
        self.container = container

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in their order."""
        return tuple(self.columns)

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and of columns."""
        return len(self), len(self.columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def __getitem__(self, name: str) -> array[float] | list[Any]:
        column = self.columns[name]
        return list(column) if isinstance(column, Texts) else column

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return zip(*self.columns.values(), strict=True)

    def __repr__(self) -> str:
        shown = [f"{name} (texts)" if isinstance(column, Texts) else str(name) for name, column in self.columns.items()]
        more = [f"{len(shown) - _NAMES_SHOWN} more"] if len(shown) > _NAMES_SHOWN else []
        return f"<Table of {len(self)} rows: {', '.join(shown[:_NAMES_SHOWN] + more)}>"

    def take(self, rows: Sequence[int]) -> Table:
        """Return a table of these rows, which are copied."""
        columns = {
            name: Texts.of_codes(column.levels, array("I", map(column.codes.__getitem__, rows)))
            if isinstance(column, Texts)
            else array("d", map(column.__getitem__, rows))
            for name, column in self.columns.items()
        }
        return self._with(columns)

    def select(self, names: Iterable[Any]) -> Table:
        """Return a table of these columns, which are not copied."""
        return self._with({name: self.columns[name] for name in names})

    def _with(self, columns: dict[Any, Column]) -> Table:
        return Table(
            columns,
            missing=self.missing,
            target=self.target,
            dropped=self.dropped,
            has_header=self.has_header,
            first_row=self.first_row,
            container=self.container,
        )

    @property
    def has_texts(self) -> bool:
        return any(isinstance(column, Texts) for column in self.columns.values())


def _column(name: str, values: Any) -> Column:
    if isinstance(values, Texts) or (isinstance(values, array) and values.typecode == "d"):
        return values
    try:
        listed = values.tolist() if hasattr(values, "tolist") else list(values)
    except TypeError:
        raise TypeError(f"column {named(name)} is {named(values)}; expected a sequence of numbers or texts") from None
    numbers = array("d")
    try:
        for value in listed:
            if isinstance(value, (str, bool)):
                raise TypeError
            numbers.append(nan if is_missing(value) else value)
    except TypeError:
        return Texts([text_of(value, name) for value in listed])
    return numbers


def text_of(value: Any, name: object) -> str | None:
    """Return a value of a column of texts: a text itself, another value in words, None if it is missing; else TypeError."""
    if isinstance(value, str):
        return str(value)
    if is_missing(value):
        return None
    if hasattr(value, "item") and not getattr(value, "shape", ()):  # a single value of NumPy
        value = value.item()
    if isinstance(value, (bool, int, float)):
        return str(value)
    raise TypeError(f"column {named(name)} holds {named(value)}; expected a text: convert it with str(...)")


def looks_like_number(text: Any) -> bool:
    """Whether a text is a finite number as C and CSV files write it: Python's float() reads 1_000 and other digits too."""
    try:
        return bool(text.isascii() and "_" not in text and isfinite(float(text)))
    except (ValueError, AttributeError):
        return False


def level_of(text: str | None) -> str | None:
    """Return the level that a text stands for: the text without spaces around it, None if it says that it is missing."""
    if text is None:
        return None
    text = text.strip()
    return None if text in MISSING_WORDS else text
