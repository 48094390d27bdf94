"""Read a delimited text file into a Table, whole or row by row as it arrives."""

from __future__ import annotations

from _collections_abc import Mapping
from array import array
from itertools import chain, compress
from math import nan
from operator import itemgetter

from pyperceptron.checks import named, one_of
from pyperceptron.table import Numbering, Table, Texts, level_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from types import TracebackType
    from typing import Any, NoReturn

    from pyperceptron.csv_file import Block, CsvFile, Spell
    from pyperceptron.notation import Notation

_KINDS = ("number", "text")


def read_csv(
    source: Any,
    *,
    target: str | int | None = None,
    columns: Mapping[str | int, str] | None = None,
    drop: Iterable[str | int] | str | int | None = None,
    header: str | bool = "auto",
    delimiter: str | None = None,
    decimal: str = ".",
    encoding: str = "utf-8",
    missing: str = "error",
    progress: Callable[[int, int], object] | None = None,
    spell: Spell | None = None,
) -> Any:
    """Return the Table in a delimited text file or, with a target, the Table of the other columns and y, a list.

    source     a path, an open file (binary or text, also a pipe) or bytes; gzip, bz2, xz and a zip of one file are decompressed
    target     the column to predict. y holds ints if all of its values are whole numbers, floats if all are numbers, else
               texts; only an empty value is missing there, which is an error
    columns    {name: "number" or "text"} decides what a column is; else it is one of numbers if all of its values are
    drop       the columns to leave out. A column is given by its name, or by its position in the file, from 0
    header     whether the first record names the columns; "auto" sees it by the content, or asks. Without one: x0, x1, ...
    delimiter  one character; None finds it by the content
    decimal    "." or ",", the decimal mark
    encoding   of a file without a byte order mark, which decides otherwise
    missing    for missing numbers: "error"; "mean" keeps them as nan, for a fit to fill in; "drop" leaves out rows with any
               missing value, and counts them in `dropped` of the table. Missing are the empty text, NA, N/A, n/a, #N/A, nan,
               NaN, null, NULL, None, ? and -
    progress   called now and then with the number of bytes and of rows read so far
    spell      says how an error names an option, given the option and its value; for a command line that has its own way

    >>> table, y = read_csv(b"age,work,pays\\n39,State,no\\n50,Private,yes\\n", target="pays")
    >>> table, y, table["age"]
    (<Table of 2 rows: age, work (texts)>, ['no', 'yes'], array('d', [39.0, 50.0]))

    Raises ValueError in one sentence that says what is wrong, where and what to do: nothing is guessed, shifted or left out
    silently. Raises UnknownColumnError, a ValueError, for a column that is not there, and OSError.
    """
    from pyperceptron.csv_file import CsvFile
    from pyperceptron.text_source import TextSource, as_argument

    notation = _notation(decimal)
    one_of(missing, "missing", ("error", "mean", "drop"))
    spell = spell or as_argument
    with TextSource(source, encoding, spell, whole=True) as text:
        file = CsvFile(text, notation, spell, header=header, delimiter=delimiter, progress=progress)
        table, y = _Reading(file, notation, spell, target, columns, drop).result(missing)
    return table if target is None else (table, y)


class CsvStream:
    """The rows of a delimited text file as they arrive; iteration yields (table, kept) for some rows at a time.

    kinds     {name: "number" or "text"}: the columns of the tables; None for all that are not kept, as numbers. A missing
              number is nan
    required  the columns of numbers in which none may be missing
    keep      columns whose cells are handed on as they are: `kept` is a list of one tuple for each row
    The other arguments are those of read_csv.

    names, has_header  of the file
    kept_names         the names of the columns that are kept
    ignored            the names of the columns that are neither in the tables nor kept

    It uses the memory of some rows, and gives the row of each line that a pipe delivers at once. Raises as read_csv does.
    """

    def __init__(
        self,
        source: Any,
        kinds: Mapping[str, str] | None,
        *,
        required: Collection[str] = (),
        keep: Sequence[str | int] = (),
        header: str | bool = "auto",
        delimiter: str | None = None,
        decimal: str = ".",
        encoding: str = "utf-8",
        progress: Callable[[int, int], object] | None = None,
        spell: Spell | None = None,
    ) -> None:
        from pyperceptron.csv_file import CsvFile
        from pyperceptron.text_source import TextSource, as_argument

        spell = spell or as_argument
        self._notation = _notation(decimal)
        self._text = TextSource(source, encoding, spell, whole=False)
        try:
            self._file = CsvFile(
                self._text,
                self._notation,
                spell,
                header=header,
                delimiter=delimiter,
                known=None if kinds is None else tuple(kinds),
                is_stream=True,
                progress=progress,
            )
            self.names = self._file.names
            self.has_header = self._file.has_header
            self._kept = [self._file.position(column, "keep") for column in keep]
            if kinds is None:
                others = [position for position in range(len(self.names)) if position not in self._kept]
                self._read = [(f"x{position}", position, "number") for position in others]
            else:
                self._read = [(name, self._file.position(name, "the model"), _kind(kind, name)) for name, kind in kinds.items()]
        except BaseException:
            self.close()
            raise
        self.kept_names = tuple(self.names[position] for position in self._kept)
        self._required = [position for name, position, _ in self._read if name in required]
        used = {position for _, position, _ in self._read} | set(self._kept)
        self.ignored = tuple(name for position, name in enumerate(self.names) if position not in used)

    def __enter__(self) -> CsvStream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, if it was given by its path."""
        self._text.__exit__()

    def __iter__(self) -> Iterator[tuple[Table, list[tuple[str, ...]]]]:
        first_row = 0
        for block in self._file.blocks():
            numbers = _NumberColumns(self._file, self._notation)
            for _, position, kind in self._read:
                if kind == "number":
                    numbers.add(position, is_fixed=True)
            numbers.extend(block)
            for position in self._required:
                if "missing" in (first := numbers.columns[position].first):
                    row, cell = first["missing"]
                    rest = "expected a number, as none was missing in the training: fill it in, or leave that row out"
                    self._file.refuse_cell(block.lines[row], self.names[position], cell, rest)
            columns: dict[str, Any] = {}
            for name, position, kind in self._read:
                is_number = kind == "number"
                columns[name] = numbers.columns[position].values if is_number else Texts(map(itemgetter(position), block.rows))
            kept = [tuple([row[position] for position in self._kept]) for row in block.rows]
            yield Table(columns, has_header=self.has_header, first_row=first_row), kept
            first_row += len(block.rows)


class _NumberColumns:
    """The columns of a file that are read as numbers, by their position."""

    def __init__(self, file: CsvFile, notation: Notation) -> None:
        self.columns: dict[int, _Numbers] = {}
        self._file = file
        self._notation = notation

    def add(self, position: int, *, is_fixed: bool) -> None:
        """Begin a column; if its kind is fixed, a cell that is no number is refused at once."""
        self.columns[position] = _Numbers(self._file, self._notation, position, is_fixed=is_fixed)

    def extend(self, block: Block) -> None:
        """Append the numbers of a block to the columns.

        The cells are converted row by row, in the order in which they lie in memory, as far as all are numbers.
        """
        width = len(self.columns)
        if not width:
            return
        picked = map(itemgetter(*self.columns), block.rows)
        cells: list[str] = list(picked if width == 1 else chain.from_iterable(picked))
        converted = self._notation.numbers(cells, is_plain=block.is_plain)
        if converted is None:
            for start, column in enumerate(self.columns.values()):
                column.extend(cells[start::width], block)
            return
        numbers, has_missing = converted
        for start, column in enumerate(self.columns.values()):
            if has_missing:
                column.note_missing(numbers[start::width], cells[start::width])
            column.values.extend(numbers[start::width])


class _Numbers:
    """A column of numbers, as far as it is known to be one.

    values   the numbers, nan for a missing one and for what is none
    missing  the rows in which a value is missing
    first    of each kind of cell that is no number, "missing", "word" and "odd" (which looks like a number), the first:
             its row and its text
    counts   how many cells there are of each of these kinds
    """

    def __init__(self, file: CsvFile, notation: Notation, position: int, *, is_fixed: bool) -> None:
        self.position = position
        self.values = array("d")
        self.missing = array("Q")
        self.first: dict[str, tuple[int, str]] = {}
        self.counts = {"missing": 0, "word": 0, "odd": 0}
        self._file = file
        self._notation = notation
        self._is_fixed = is_fixed

    def extend(self, cells: Sequence[str], block: Block) -> None:
        """Append the numbers of these cells of a block; if the kind is fixed, refuse one that is no number."""
        converted = self._notation.numbers(cells, is_plain=block.is_plain)
        if converted is None:
            row = len(self.values)
            self.values.extend([self._number(cell, row + i, block.lines[i]) for i, cell in enumerate(cells)])
            return
        if converted[1]:
            self.note_missing(converted[0], cells)
        self.values.extend(converted[0])

    def note_missing(self, numbers: array[float], cells: Sequence[str]) -> None:
        """Note which of these numbers, which are appended next, are missing."""
        row = len(self.values)
        for i, value in enumerate(numbers):
            if value != value:
                self._note("missing", row + i, cells[i])

    def _number(self, cell: str, row: int, line: int) -> float:
        number = self._notation.number(cell)
        if number is not None:
            return number
        kind = _kind_of_cell(cell, self._notation)
        if self._is_fixed and kind != "missing":
            remedy = "correct it, or leave that row out"
            self._file.refuse_cell(line, self._file.names[self.position], cell, f"expected a number: {remedy}")
        self._note(kind, row, cell)
        return nan

    def _note(self, kind: str, row: int, cell: str) -> None:
        self.first.setdefault(kind, (row, cell))
        self.counts[kind] += 1
        if kind == "missing":
            self.missing.append(row)


class _Reading:
    """One reading of a file: what its columns are, and their values."""

    def __init__(
        self,
        file: CsvFile,
        notation: Notation,
        spell: Spell,
        target: str | int | None,
        columns: Mapping[str | int, str] | None,
        drop: Iterable[str | int] | str | int | None,
    ) -> None:
        from pyperceptron.csv_file import Lines

        self._file = file
        self._notation = notation
        self._spell = spell
        self._lines = Lines()
        self._by_hand = self._kinds_by_hand(columns)
        self._target = None if target is None else file.position(target, "target")
        dropped = [drop] if isinstance(drop, (str, int)) else () if drop is None else drop
        if isinstance(dropped, (bytes, Mapping)) or not hasattr(dropped, "__iter__"):
            raise TypeError(f"drop is {named(drop)}; expected a list of columns, by name or position")
        self._dropped = {file.position(column, "drop") for column in dropped}
        self._columns = self._chosen_columns()
        self._numbers = _NumberColumns(file, notation)
        self._texts: dict[int, Texts] = {}
        self._unnamed: list[int] = []

    def result(self, missing: str) -> tuple[Table, list[Any]]:
        for block in self._file.blocks():
            if not len(self._lines):
                self._begin(block)
            self._numbers.extend(block)
            for position, texts in self._texts.items():
                texts.extend(map(itemgetter(position), block.rows))
            for position in self._unnamed:
                self._check_unnamed(position, block)
            self._lines.extend(block.lines)
        if not len(self._lines):
            raise ValueError(f"{self._file.name} has no rows after the header; expected some")
        self._decide()
        y = [] if self._target is None else self._labels(self._target)
        dropped = 0
        if missing == "drop":
            dropped, y = self._without_missing(y)
        elif missing == "error":
            self._refuse_missing()
        names = self._file.names
        table = Table(
            {names[position]: self._values(position) for position in self._columns if position not in self._unnamed},
            missing="mean" if missing == "mean" else "error",
            target=None if self._target is None else names[self._target],
            dropped=dropped,
            has_header=self._file.has_header,
        )
        return table, y

    # --- which columns

    def _kinds_by_hand(self, columns: Mapping[str | int, str] | None) -> dict[int, str]:
        if columns is not None and not isinstance(columns, Mapping):
            raise TypeError(f"columns is {named(columns)}; expected a mapping such as {{'age': 'number', 'zip': 'text'}}")
        return {self._file.position(column, "columns"): _kind(kind, column) for column, kind in (columns or {}).items()}

    def _chosen_columns(self) -> list[int]:
        """Return the positions of the columns of the table; refuse what cannot be told apart, or named."""
        file, names = self._file, self._file.names
        for position in {*self._by_hand, *([] if self._target is None else [self._target])} & self._dropped:
            raise ValueError(
                f"drop leaves out column {named(names[position])}, which another option uses: name it in one of them"
            )
        used = [position for position in range(len(names)) if position not in self._dropped]
        first: dict[str, int] = {}
        for position in used:
            name = names[position]
            if name and name in first:
                hint = "" if not file.is_header_assumed else f", or {self._spell('header', False)} if it is no header"
                raise ValueError(
                    f"{file.name} has the column {named(name)} twice, at positions {first[name]} and {position}: rename one, "
                    f"or write {self._spell('drop', [position])}{hint}"
                )
            first[name] = position
        chosen = [position for position in used if position != self._target]
        if not chosen:
            if self._target is None:
                raise ValueError(f"drop leaves out every column of {file.name}; expected one that stays")
            raise ValueError(f"{file.name} has no column beside the target; expected some{self._other_delimiter()}")
        return chosen

    def _other_delimiter(self) -> str:
        return "" if self._file.delimiter else f": is there a delimiter, such as {self._spell('delimiter', ';')}?"

    def _begin(self, block: Block) -> None:
        """Decide by the first rows how each column is read."""
        for position in self._columns:
            if not self._file.names[position]:
                self._unnamed.append(position)
            elif position in self._by_hand:
                self._read_as(position, self._by_hand[position])
            else:
                self._read_as(position, "number" if self._may_be_numbers(position, block) else "text")
        if self._target is not None:
            self._read_as(self._target, "text")

    def _read_as(self, position: int, kind: str) -> None:
        if kind == "text":
            self._texts[position] = Texts()
        else:
            self._numbers.add(position, is_fixed=position in self._by_hand)

    def _may_be_numbers(self, position: int, block: Block) -> bool:
        notation = self._notation
        cells = [row[position] for row in block.rows]
        if notation.numbers(cells, is_plain=block.is_plain) is not None:
            return True
        return all(notation.number(cell) is not None or _kind_of_cell(cell, notation) == "missing" for cell in cells)

    def _check_unnamed(self, position: int, block: Block) -> None:
        """Refuse a column without a name that is not empty."""
        if any(row[position].strip() for row in block.rows):
            remedy = f"name it, or write {self._spell('drop', [position])} to leave it out"
            index = ", perhaps an index that pandas wrote" if position == 0 else ""
            raise ValueError(f"{self._file.name} has no name for the column at position {position}{index}: {remedy}")

    # --- what they are

    def _decide(self) -> None:
        """Decide by all rows what each column is, and read again those that were taken for numbers but are texts."""
        late = []
        for position in self._columns:
            if position in self._by_hand or position in self._unnamed:
                continue
            if position in self._texts:
                self._judge_texts(position)
                continue
            column = self._numbers.columns[position]
            if column.counts["word"] or column.counts["odd"]:
                numbers = len(column.values) - sum(column.counts.values())
                self._judge(position, numbers, column.counts["word"], column.counts["odd"], column.first)
                late.append(position)
            elif column.counts["missing"] == len(column.values):
                late.append(position)
        for position in late:
            del self._numbers.columns[position]
            self._texts[position] = Texts()
        if late:
            for block in self._file.blocks():
                for position in late:
                    self._texts[position].extend(map(itemgetter(position), block.rows))
            if any(len(self._texts[position]) != len(self._lines) for position in late):
                raise ValueError(f"{self._file.name} has changed while it was read: read it again")
        last = self._columns[-1]
        is_empty = last in self._texts and not any(map(str.strip, self._texts[last].levels))
        if is_empty and not self._file.has_header and last == len(self._file.names) - 1 and len(self._columns) > 1:
            self._unnamed.append(last)  # each line ends in a delimiter
            del self._texts[last]

    def _judge_texts(self, position: int) -> None:
        """Refuse a column of texts most of which are numbers, or look like numbers."""
        texts = self._texts[position]
        levels = texts.levels
        kinds = [
            "number" if self._notation.number(text) is not None else _kind_of_cell(text, self._notation) for text in levels
        ]
        if "number" not in kinds and "odd" not in kinds:
            return
        from collections import Counter

        counts = dict.fromkeys((*_KINDS, "word", "odd", "missing"), 0)
        for code, count in Counter(texts.codes).items():
            counts[kinds[code]] += count
        first: dict[str, tuple[int, str]] = {}
        for kind in ("word", "odd"):
            if kind in kinds:
                first[kind] = (texts.codes.index(kinds.index(kind)), levels[kinds.index(kind)])
        self._judge(position, counts["number"], counts["word"], counts["odd"], first)

    def _judge(self, position: int, numbers: int, words: int, odd: int, first: dict[str, tuple[int, str]]) -> None:
        """Refuse a column that can hardly be meant as one of texts, given how many of its cells are what."""
        known = numbers + words + odd
        name = self._file.names[position]
        as_text = f"{self._spell('columns', {name: 'text'})} to take them as texts"
        if odd and 2 * (numbers + odd) > known:
            self._refuse_odd(*first["odd"], name, as_text)
        if words and 10 * numbers >= 9 * known:
            row, cell = first["word"]
            rest = f"expected a number, as in {numbers} of its {known} values: correct it, or write {as_text}"
            self._file.refuse_cell(self._lines[row], name, cell, rest)

    def _refuse_odd(self, row: int, cell: str, name: str, as_text: str) -> NoReturn:
        """Refuse a cell that looks like a number in a notation that is not read."""
        from pyperceptron.notation import Notation

        other = "," if self._notation.decimal == "." else "."
        example = f"1234{self._notation.decimal}5"
        if cell.strip().strip("+-").lower() in ("inf", "infinity", "nan") or self._notation.is_too_large(cell):
            rest = f"expected a finite number: correct it, leave that row out, or write {as_text}"
        elif Notation(other).number(cell) is not None and self._file.delimiter != other:
            mark = self._spell("decimal", other)
            rest = f"expected a number such as {example}: write {mark} if {other!r} is its decimal mark, or {as_text}"
        else:
            rest = f"expected a number such as {example}: write it so in the file, or write {as_text}"
        self._file.refuse_cell(self._lines[row], name, cell, rest)

    # --- their values

    def _labels(self, position: int) -> list[Any]:
        texts = self._texts.pop(position)
        levels = [text.strip() for text in texts.levels]
        name = self._file.names[position]
        kind = self._by_hand.get(position)
        numbers = [self._notation.number(level) for level in levels]
        for level, number in zip(levels, numbers, strict=True):
            if not level or (kind == "number" and number is None):
                line = self._lines[texts.codes.index(levels.index(level))]
                expected = "a number" if kind == "number" else "a label"
                self._file.refuse_cell(
                    line, name, level, f"expected {expected} in the target: fill it in, or leave that row out"
                )
        if kind == "text" or None in numbers:
            values: list[Any] = levels
        else:
            from pyperceptron.notation import whole_number

            whole = [whole_number(level) for level in levels]
            values = numbers if None in whole else whole
        return list(map(values.__getitem__, texts.codes))

    def _values(self, position: int) -> array[float] | Texts:
        numbers = self._numbers.columns
        return numbers[position].values if position in numbers else _stripped(self._texts[position])

    def _refuse_missing(self) -> None:
        """Refuse the first row in which a number is missing."""
        rows = [(*column.first["missing"], position) for position, column in self._numbers.columns.items() if column.missing]
        if rows:
            row, cell, position = min(rows)
            remedy = f"fill it in, or write {self._spell('missing', 'mean')} or {self._spell('missing', 'drop')}"
            rest = f"expected a number, but that is a missing value: {remedy}"
            self._file.refuse_cell(self._lines[row], self._file.names[position], cell, rest)

    def _without_missing(self, y: list[Any]) -> tuple[int, list[Any]]:
        """Leave out the rows with a missing value; return how many they are, and y without them."""
        kept = bytearray(b"\1") * len(self._lines)
        for column in self._numbers.columns.values():
            for row in column.missing:
                kept[row] = 0
        for texts in self._texts.values():
            missing = {code for code, text in enumerate(texts.levels) if level_of(text) is None}
            if missing:
                for row, code in enumerate(texts.codes):
                    if code in missing:
                        kept[row] = 0
        dropped = kept.count(0)
        if dropped == len(kept):
            raise ValueError(
                f"{self._file.name} has a missing value in every row; expected rows without: drop columns with many"
            )
        if dropped:
            for column in self._numbers.columns.values():
                column.values = array("d", compress(column.values, kept))
            self._texts = {position: Texts(compress(texts, kept)) for position, texts in self._texts.items()}
        return dropped, list(compress(y, kept))


def _notation(decimal: str) -> Notation:
    from pyperceptron.notation import Notation

    return Notation(one_of(decimal, "decimal", (".", ",")))


def _kind(kind: Any, column: Any) -> str:
    if kind not in _KINDS:
        raise ValueError(f"the kind of column {named(column)} is {named(kind)}; expected 'number' or 'text'")
    return str(kind)


def _kind_of_cell(cell: str, notation: Notation) -> str:
    """Return what a cell that is no number is: "missing", "odd" if it looks like a number, or "word"."""
    from pyperceptron.notation import is_missing_word

    if is_missing_word(cell):
        return "missing"
    return "odd" if notation.looks_like_number(cell) else "word"


def _stripped(texts: Texts) -> Texts:
    """Return a column of texts without spaces around them."""
    levels = texts.levels
    if all(text == text.strip() for text in levels):
        return texts
    numbers = Numbering()
    codes = [numbers[text.strip()] for text in levels]
    return Texts.of_codes(numbers, array("I", map(codes.__getitem__, texts.codes)))
