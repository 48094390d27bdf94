"""Read the records of a delimited text file in blocks: find the delimiter and the header, and know the line of each record."""

from __future__ import annotations

from _csv import Error, field_size_limit, reader  # the part of csv in C: csv itself loads re, which takes milliseconds
from _thread import allocate_lock
from array import array
from bisect import bisect_right
from io import StringIO
from operator import index

from pyperceptron.checks import counted, named
from pyperceptron.exceptions import UnknownColumnError
from pyperceptron.notation import Notation, is_missing_word, whole_number
from pyperceptron.text_source import PIECE, TextSource, UnreadableTextError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import Any, NoReturn

    Spell = Callable[[str, Any], str]
    Record = list[str]

_DELIMITERS = (",", ";", "\t", "|", " ")
_NO_DELIMITER = "\x1f"  # for a file of one column
_BEGINNING = 1 << 18  # characters that decide what the columns are, if the file has so many
_LEAST_ROWS = 16  # of a block, about: work for each column of a block is worth it
_LARGEST_BLOCK = 1 << 22
_LONGEST_QUOTED = 1 << 24  # characters; a quote that is never closed is found after so many
_LONGEST_LINE = 1 << 28
_SAMPLE_LINES = 100  # that the delimiter is found by
_SAMPLE_RECORDS = 1000  # that the header is found by; whether they are numbers, by as many as _SAMPLE_LINES
_limit_lock = allocate_lock()  # csv has one limit for the whole process


class Lines:
    """The line on which each row begins: rows are counted from 0, lines from 1."""

    def __init__(self) -> None:
        self._count = 0
        self._rows: list[int] = []  # the first row of each run
        self._runs: list[int | array[int]] = []  # the line of its first row, if each has one line more than the row before it

    def extend(self, lines: range | array[int]) -> None:
        if isinstance(lines, array) or not self._runs or self._after_last() != lines.start:
            self._rows.append(self._count)
            self._runs.append(lines if isinstance(lines, array) else lines.start)
        self._count += len(lines)

    def __getitem__(self, row: int) -> int:
        run = bisect_right(self._rows, row) - 1
        first, offset = self._runs[run], row - self._rows[run]
        return first[offset] if isinstance(first, array) else first + offset

    def __len__(self) -> int:
        return self._count

    def _after_last(self) -> int | None:
        last = self._runs[-1]
        return None if isinstance(last, array) else last + self._count - self._rows[-1]


class Block:
    """Some records that follow each other: `rows`, each of as many texts as the file has fields, and the line of each.

    is_plain  whether it is known that all texts are ASCII and hold no underscore
    """

    __slots__ = ("is_plain", "lines", "rows")

    def __init__(self, rows: list[Record], lines: range | array[int], is_plain: bool) -> None:
        self.rows = rows
        self.lines = lines
        self.is_plain = is_plain


class CsvFile:
    """A delimited text file whose delimiter and header are found, and whose records are read in blocks.

    source     where the text comes from
    header     "auto", True or False; delimiter  a character, or None; notation  how its numbers are written
    known      the names that the reader expects, which tell the header and the delimiter; None if it expects none
    is_stream  whether blocks are wanted as soon as their records have arrived, and only once
    progress   called with the bytes and the rows read so far after each block; or None

    name, delimiter ("" for one column), has_header
    names              of the columns: of the header, "" for none; without a header x0, x1, ...
    is_header_assumed  whether nothing shows the header but that it is all words, as are the other records

    Raises ValueError in one sentence, with the line, for whatever is wrong with the file.
    """

    def __init__(
        self,
        source: TextSource,
        notation: Notation,
        spell: Spell,
        *,
        header: Any = "auto",
        delimiter: str | None = None,
        known: Collection[str] | None = None,
        is_stream: bool = False,
        progress: Callable[[int, int], object] | None = None,
    ) -> None:
        if header != "auto" and not isinstance(header, bool):
            raise ValueError(f"header is {named(header)}; expected 'auto', True or False")
        self.name = source.name
        self._source = source
        self._notation = notation
        self._spell = spell
        self._known = known
        self._is_stream = is_stream
        self._progress = progress
        self._line = 1  # on which the text that is not parsed yet begins
        self._waiting = ""  # the beginning of that text
        self._blank_lines: list[int] = []  # of a file of one column, where they are records if another one follows
        self._pieces: Iterator[str] | None = None
        self._block_size = 0 if is_stream else _BEGINNING  # characters of a piece
        self.delimiter = _checked_delimiter(delimiter, notation.decimal, spell)
        records = self._find_start()
        self.is_header_assumed = False
        self.has_header = self._found_header(records) if header == "auto" else bool(header)
        first = records[0]
        self.names = tuple(map(str.strip, first)) if self.has_header else tuple(f"x{i}" for i in range(len(first)))
        self._width = 0  # of the rows; 0 until there is one

    def blocks(self) -> Iterator[Block]:
        """Yield the records after the header, blank lines left out. A second call begins at the beginning again."""
        if self._pieces is None:
            self._source.read_again()
            self._line, self._waiting, self._blank_lines = 1, "", []
            self._pieces = self._whole_lines()
        pieces, self._pieces = self._pieces, None
        skipped = self.has_header
        count = 0
        for rows, lines, is_plain in self._records(pieces):
            if skipped and rows:
                rows, lines, skipped = rows[1:], lines[1:], False
            if not rows:
                continue
            if not self._width:
                width = len(self.names)
                row = next((row for row in rows if row and (width == 1 or not _is_blank(row))), None)
                if row is None:
                    self._blank_lines.extend(lines)
                    continue
                self._width = width + (self.has_header and len(row) == width + 1 and not row[-1].strip())
                if self._width > 1:
                    self._blank_lines.clear()
            if self._blank_lines or set(map(len, rows)) != {self._width}:
                rows, lines = self._without_blank(rows, lines)
            if rows:
                count += len(rows)
                if self._width > len(self.names):
                    self._check_surplus(rows, lines)
                yield Block(rows, lines, is_plain)
            if self._progress is not None:
                self._progress(self._source.bytes_read, count)

    def position(self, column: Any, option: str) -> int:
        """Return the position of a column that is given by its name or position; UnknownColumnError if there is none.

        Digits that are no name are a position, as those of a command line are.
        """
        if isinstance(column, str) and column.isascii() and column.isdigit() and column not in self.names:
            column = int(column)
        if not isinstance(column, str):
            try:
                position = index(column) if not isinstance(column, bool) else None
            except TypeError:
                position = None
            if position is None:
                raise TypeError(f"{option} names the column {named(column)}; expected its name or position")
            if not -len(self.names) <= position < len(self.names):
                found = counted(len(self.names), "column")
                raise UnknownColumnError(f"{self.name} has {found} but {option} names column {position}; the first is 0")
            return position % len(self.names)
        wanted = column.strip()
        places = [position for position, name in enumerate(self.names) if name == wanted]
        if len(places) > 1:
            first, second = places[:2]
            remedy = "rename one in the file"
            if option in ("target", "drop"):
                remedy += f", or write {self._spell(option, [first] if option == 'drop' else first)}"
            raise ValueError(
                f"{self.name} has two columns {named(wanted)}, {first} and {second}, and {option} names it: {remedy}"
            )
        if not places:
            self._refuse_name(wanted, option)
        return places[0]

    def refuse(self, line: int, found: str) -> NoReturn:
        raise ValueError(f"{self.name} line {line}{found}") from None

    def refuse_cell(self, line: int, column: str, cell: str, rest: str) -> NoReturn:
        """Raise the error about a cell, which is shown so that every character of it can be seen."""
        cell = cell.strip()
        shown = ascii(cell) if len(cell) <= 36 else ascii(cell[:36]) + "..."
        self.refuse(line, f", column {named(column)} is {shown}; {rest}")

    # --- text to records

    def _whole_lines(self) -> Iterator[str]:
        """Yield the text in pieces of whole lines: of a stream each as soon as it arrives, else of the size of a block."""
        parts: list[str] = []
        size = 0
        has_end = False
        try:
            for text in self._source.texts():
                has_end = has_end or "\n" in text or "\r" in text[:-1] or bool(parts and parts[-1].endswith("\r"))
                parts.append(text)
                size += len(text)
                if size < self._block_size:
                    continue
                if has_end:
                    joined = "".join(parts)
                    end = max(joined.rfind("\n"), joined.rfind("\r", 0, -1)) + 1  # the last may be half of a line end
                    parts, size, has_end = [joined[end:]], len(joined) - end, False
                    yield joined[:end]
                elif size > _LONGEST_LINE:
                    self.refuse(self._line, f" is longer than {_LONGEST_LINE} characters; expected lines of text")
        except UnreadableTextError as error:
            before = "".join((self._waiting, *parts, error.before))
            self.refuse(self._line + _line_ends(before), f" {error}")
        if rest := "".join(parts):
            yield rest

    def _records(self, pieces: Iterator[str]) -> Iterator[tuple[list[Record], range | array[int], bool]]:
        """Yield the records that are whole, the line of each, and whether all are plain, from where the header begins."""
        skip = self._start_line - self._line
        checked = 0  # characters of the waiting text that are known to hold no whole record
        has_quote = False  # after them
        for piece in pieces:
            if skip > 0:
                lines = list(StringIO(piece, newline=""))
                self._line += min(skip, len(lines))
                piece, skip = "".join(lines[skip:]), skip - len(lines)
            self._waiting += piece
            has_quote = has_quote or '"' in piece
            if checked and not has_quote and len(self._waiting) > _LONGEST_QUOTED:
                self._refuse_open_quote(self._waiting, f"closed within {_LONGEST_QUOTED} characters")
            if checked and (not has_quote or len(self._waiting) - checked < checked // 4 - PIECE):
                continue  # so that a long record is not parsed again for each line of it
            yield self._parsed(is_last=False)
            checked, has_quote = len(self._waiting), False
        if self._waiting:
            yield self._parsed(is_last=True)

    def _parsed(self, *, is_last: bool) -> tuple[list[Record], range | array[int], bool]:
        """Parse the waiting text and keep the record that is not whole, if there is one."""
        text = self._waiting
        is_plain = text.isascii() and "_" not in text
        first = self._line
        if '"' not in text:
            rows = self._parse(text)
            self._line, self._waiting = first + len(rows), ""
            return rows, range(first, self._line), is_plain
        rows, ends, error, at = _parse_quoted(text, self.delimiter)
        self._line, self._waiting = first + (ends[-1] if ends else 0), ""
        if error:
            lines = list(StringIO(text, newline=""))
            rest = "".join(lines[ends[-1] if ends else 0 :])
            if error != _OPEN:
                self._refuse_quote(lines, ends[-1] if ends else 0, at)
            if is_last:
                self._refuse_open_quote(rest, "closed")
            if len(rest) > _LONGEST_QUOTED:
                self._refuse_open_quote(rest, f"closed within {_LONGEST_QUOTED} characters")
            self._waiting = rest
        if len(ends) == (ends[-1] if ends else 0):
            return rows, range(first, first + len(rows)), is_plain
        return rows, array("Q", [first, *(first + end for end in ends[:-1])]), is_plain

    def _parse(self, text: str) -> list[Record]:
        """Return the records of a text without quotes, one a line."""
        with _Limit():
            return list(_records_of(text, self.delimiter))

    def _refuse_open_quote(self, text: str, expected: str) -> NoReturn:
        line = self._line + _line_of_open_quote(text, self.delimiter)
        self.refuse(line, f" opens a quote that is not {expected}; close it, or double a quote that is part of a text")

    def _refuse_quote(self, lines: list[str], start: int, at: int) -> NoReturn:
        """Refuse letters after a closing quote, on the line `at` (from 1) of a text; the record begins at the line `start`."""
        before = "".join(lines[start : at - 1])
        opened = self._line + _line_of_open_quote(before, self.delimiter) if before else self._line
        closed = self._line - start + at - 1
        place = "" if opened == closed else f", opened on line {opened},"
        self.refuse(
            closed,
            f" has a closing quote{place} with something after it; expected a delimiter or the end of the line: "
            "double a quote that is part of a text",
        )

    def _without_blank(self, rows: list[Record], lines: range | array[int]) -> tuple[list[Record], array[int]]:
        """Return the rows without blank lines; refuse one that has too few or too many fields.

        In a file of one column a blank line before another record is a record, of a missing value.
        """
        kept: list[Record] = []
        places = array("Q")
        for row, line in zip(rows, lines, strict=True):
            if self._width == 1 and not row:
                self._blank_lines.append(line)
                continue
            if len(row) != self._width:
                if _is_blank(row):
                    continue
                self._refuse_width(row, line)
            kept.extend([""] for _ in self._blank_lines)
            places.extend(self._blank_lines)
            self._blank_lines.clear()
            kept.append(row)
            places.append(line)
        return kept, places

    def _refuse_width(self, row: Record, line: int) -> NoReturn:
        has_surplus = self._width > len(self.names) == len(row)
        expected = (
            f"{self._width}, as in the row before it" if has_surplus else f"{len(self.names)}, as in line {self._start_line}"
        )
        if row[0].startswith("#"):
            remedy = "it begins with '#', but comments may stand only before the header: remove it"
        elif len(row) == 1 and len(self.names) > 1:
            remedy = "remove that line, or fill it in"
        elif len(row) > len(self.names):
            remedy = f"put a text that holds {self.delimiter!r} in double quotes, or remove what is too much"
        else:
            remedy = "fill in what is missing, if need be with nothing between two delimiters"
        self.refuse(line, f" has {counted(len(row), 'field')}; expected {expected}: {remedy}")

    def _check_surplus(self, rows: list[Record], lines: range | array[int]) -> None:
        """Refuse a field beyond those of the header that is not empty."""
        for row, line in zip(rows, lines, strict=True):
            if row[-1].strip():
                self._refuse_width(row, line)

    # --- the beginning of a file

    def _find_start(self) -> list[Record]:
        """Find where the header begins and the delimiter, and return the records that have arrived by then, at least one."""
        text = ""
        pieces = self._whole_lines()
        tried = 0  # characters
        for piece in pieces:
            self._waiting = text = text + piece
            if len(text) >= 2 * tried - PIECE:
                if records := self._started(text, is_last=False):
                    break
                tried = len(text)
        else:
            records = self._started(text, is_last=True)
        if not records:
            found = "has only blank lines and comments" if text else "is empty"
            raise ValueError(f"{self.name} {found}; expected a header and rows")
        self._waiting, self._line = "", 1
        if not self._is_stream:
            self._block_size = min(max(PIECE, _LEAST_ROWS * len(text) // (_line_ends(text) or 1)), _LARGEST_BLOCK)
        self._pieces = _prepended(text, pieces)
        return records

    def _started(self, text: str, *, is_last: bool) -> list[Record]:
        """Find the first record and the delimiter in the beginning of a file; none are returned if more of it is needed."""
        lines = list(StringIO(text, newline=""))
        start = 0
        while start < len(lines) and not lines[start].strip():
            start += 1
        if start < len(lines) and lines[start].strip()[:4].lower() == "sep=" and len(lines[start].rstrip("\r\n")) == 5:
            self.delimiter = self.delimiter or lines[start].rstrip("\r\n")[4]  # Excel's way of naming it
            start += 1
        before = start
        while start < len(lines) and (not lines[start].strip() or lines[start].startswith("#")):
            start += 1
        if start == len(lines) and not is_last:
            return []
        start = before if start == len(lines) else start  # nothing but lines with '#': the first is no comment
        if start == len(lines) or not lines[start].strip():
            return []
        given = self.delimiter
        if given is None:
            self.delimiter = self._found_delimiter(lines[start : start + _SAMPLE_LINES], start + 1)
        records, error, at = self._sample(lines, start)
        if not records and (error != _OPEN or is_last or len(text) > _LONGEST_QUOTED):
            self._line = start + 1
            if error != _OPEN:
                self._refuse_quote(lines, start, start + at)
            self._refuse_open_quote("".join(lines[start:]), "closed")
        if not records:
            self.delimiter = given
            return []
        for comment in range(before, start):
            found = _parse_quoted(lines[comment], self.delimiter)[0]
            if found and len(found[0]) == len(records[0]):
                if not self.delimiter:
                    self.refuse(
                        comment + 1, " begins with '#': in a file of one column that may be a comment or a record; remove it"
                    )
                start = comment
                records = self._sample(lines, start)[0]
                break
        self._start_line = start + 1
        return records

    def _sample(self, lines: list[str], start: int) -> tuple[list[Record], str, int]:
        """Return the first records from the line with this index on, and the error after them with its line from there."""
        rows, _, error, at = _parse_quoted("".join(lines[start : start + _SAMPLE_RECORDS]), self.delimiter)
        if error == _OPEN and not rows:  # a record of more lines
            rows, _, error, at = _parse_quoted("".join(lines[start:]), self.delimiter)
        return [row for row in rows if row], error, at

    def _found_delimiter(self, lines: list[str], first_line: int) -> str:
        """Return the delimiter that the first lines show, "" if they have one column."""
        text = "".join(lines)
        candidates = [c for c in _DELIMITERS if c in text and c != self._notation.decimal]
        tables: dict[str, list[Record]] = {}
        for candidate in candidates:
            found, _, error, _ = _parse_quoted(text, candidate)
            if rows := [row for row in found if row]:
                tables[candidate] = rows
            elif error == _OPEN and candidate != " ":  # the first record may go on after these lines
                return candidate
        if self._known:
            for candidate, rows in tables.items():
                if self._holds_known(rows[0]):
                    return candidate
        even = [c for c, rows in tables.items() if len(rows[0]) > 1 and len(set(map(len, rows))) == 1]
        rivals = [c for c in even if c != " "]
        if len(rivals) > 1:
            fitting = [c for c in rivals if self._holds_only_numbers(tables[c], rivals)]
            if len(fitting) != 1:
                shown = " and by ".join(map(repr, rivals))
                remedy = f"write {self._spell('delimiter', rivals[0])} or {self._spell('delimiter', rivals[1])}"
                raise ValueError(f"{self.name} could be split by {shown}: {remedy}")
            rivals = fitting
        if rivals:
            return rivals[0]
        shares = {}
        for c, rows in tables.items():
            widths = [len(row) for row in rows]
            width = max(widths, key=widths.count)
            if (
                c != " "
                and width > 1
                and widths[0] > 1
                and width - widths[0] in (0, 1)
                and 2 * widths.count(width) >= len(rows)
            ):
                shares[c] = widths.count(width)
        if shares:
            return max(shares, key=lambda c: shares[c])
        if " " in even and self._is_mostly_numbers(tables[" "]):
            return " "
        for c, rows in tables.items():
            if c != " " and all(len(row) > 1 for row in rows[1:] or rows):
                unused = next(d for d in (*_DELIMITERS[1:4], "~", "^") if d not in text)
                remedy = f"write {self._spell('delimiter', c)}, or for one column {self._spell('delimiter', unused)}"
                begins = "" if len(rows[0]) > 1 else f" but not in line {first_line}, the first"
                raise ValueError(f"{self.name} has {c!r} in its lines{begins}: is it the delimiter? If so {remedy}")
        return ""

    def _holds_known(self, first: Record) -> bool:
        """Whether a first record has the names that the reader expects, or fields enough where they are x0, x1, ..."""
        names = {name.strip() for name in first}
        known = set(self._known or ())
        return known <= names or (not known & names and known <= {f"x{i}" for i in range(len(first))})

    def _holds_only_numbers(self, rows: list[Record], delimiters: list[str]) -> bool:
        """Whether the cells after the first record that hold one of the delimiters are numbers, such as 1,5."""
        cells = (cell for row in rows[1:] or rows for cell in row if any(d in cell for d in delimiters))
        return all(self._notation.looks_like_number(cell) for cell in cells)

    def _is_mostly_numbers(self, rows: list[Record]) -> bool:
        cells = [cell for row in rows[1:] or rows for cell in row]
        return 2 * sum(self._notation.number(cell) is not None for cell in cells) > len(cells)

    def _found_header(self, records: list[Record]) -> bool:
        """Return whether the first record is a header; refuse to guess where the file does not show it."""
        first, *others = records
        if self._known is not None:
            return bool({name.strip() for name in first} & set(self._known)) or not self._holds_known(first)
        others = [row for row in others if len(row) in (len(first), len(first) + 1)]
        is_number = [self._is_like_number(cell) for cell in first]
        is_word = [not number and not is_missing_word(cell) for cell, number in zip(first, is_number, strict=True)]
        some = others[:_SAMPLE_LINES]
        over_numbers = [self._is_of_numbers([row[position] for row in some]) for position in range(len(first))]
        indices = [row[0].strip() for row in others]
        has_index = bool(others) and not first[0].strip() and indices == list(map(str, range(len(others))))  # as pandas writes
        words_over_numbers = any(map(min, is_word, over_numbers)) or has_index
        numbers_over_numbers = any(map(min, is_number, over_numbers))
        whole = [whole_number(cell) for cell, number in zip(first, is_number, strict=True) if number]
        counts_up = len(whole) > 1 and None not in whole and whole == list(range(whole[0] or 0, (whole[0] or 0) + len(whole)))
        if words_over_numbers and not any(is_number):
            return True
        if numbers_over_numbers and not words_over_numbers and not counts_up:
            return False
        if not any(is_number) and any(is_word) and not any(over_numbers):
            is_named = all(word or not cell.strip() for word, cell in zip(is_word, first, strict=True))
            if is_named and not any(first[i] in {row[i] for row in others} for i, word in enumerate(is_word) if word):
                self.is_header_assumed = True
                return True
        if not others and any(is_number) and not counts_up:
            return False
        remedy = f"write {self._spell('header', True)} or {self._spell('header', False)}"
        self.refuse(self._start_line, f" may be the header or the first row: {remedy}")

    def _is_like_number(self, cell: str) -> bool:
        return not is_missing_word(cell) and (self._notation.number(cell) is not None or self._notation.looks_like_number(cell))

    def _is_of_numbers(self, cells: list[str]) -> bool:
        """Whether there are values that are not missing, and at least nine in ten of them are numbers or look like ones."""
        present = [cell for cell in cells if not is_missing_word(cell)]
        return bool(present) and 10 * sum(map(self._is_like_number, present)) >= 9 * len(present)

    def _refuse_name(self, wanted: str, option: str) -> NoReturn:
        from difflib import get_close_matches

        names = [name for name in self.names if name]
        lower = {name.lower(): name for name in reversed(names)}
        near = [lower[name] for name in get_close_matches(wanted.lower(), lower, 1)]
        if near:
            rest = f"did you mean {named(near[0])}?"
        elif len(self.names) == 1 and any(delimiter in self.names[0] for delimiter in _DELIMITERS[:4]):
            delimiter = next(delimiter for delimiter in _DELIMITERS if delimiter in self.names[0])
            ask = f"is the delimiter {delimiter!r}? Then write {self._spell('delimiter', delimiter)}"
            rest = f"it has one, {named(self.names[0])}: {ask}"
        else:
            more = f" and {len(names) - 8} more" if len(names) > 8 else ""
            rest = f"it has {', '.join(map(named, names[:8]))}{more}"
            if not self.has_header:
                rest += f": its first line is no header; if it is one, write {self._spell('header', True)}"
        raise UnknownColumnError(f"{self.name} has no column {named(wanted)}, which {option} names; {rest}")


class _Limit:
    """Lets csv read fields of any length, which it otherwise refuses beyond 131,072 characters, while in `with`."""

    def __enter__(self) -> None:
        _limit_lock.acquire()
        self._before = field_size_limit(_LONGEST_LINE + _LONGEST_QUOTED)

    def __exit__(self, *error: object) -> None:
        field_size_limit(self._before)
        _limit_lock.release()


_OPEN = "unexpected end of data"  # what csv says of a quote that is not closed


def _records_of(text: str, delimiter: str | None, *, strict: bool = True) -> Any:
    """Return csv's reader of a text; an empty delimiter, or None, is for one column."""
    lines: Any
    if '"' in text or ("\r" in text and text.count("\r") != text.count("\r\n")):
        lines = StringIO(text, newline="")
    else:  # faster; what is left of "\r\n" is a line end of csv too
        lines = text.removesuffix("\n").split("\n") if text else []
        if delimiter == " ":
            lines = map(str.rstrip, lines)
    return reader(lines, delimiter=delimiter or _NO_DELIMITER, strict=strict, skipinitialspace=True)


def _parse_quoted(text: str, delimiter: str | None) -> tuple[list[Record], list[int], str, int]:
    """Return the whole records of a text, the number of its lines up to the end of each, and csv's error after them or "", with
    its line."""
    rows: list[Record] = []
    ends: list[int] = []
    error = ""
    records = _records_of(text, delimiter)
    with _Limit():
        try:
            for row in records:
                rows.append(row)
                ends.append(records.line_num)
        except Error as exception:
            error = str(exception)
    return rows, ends, error, records.line_num


def _line_of_open_quote(text: str, delimiter: str | None) -> int:
    """Return the index of the line of a text on which the quote opens that is not closed in it."""
    last: Record = []
    with _Limit():
        for row in _records_of(text, delimiter, strict=False):
            last = row
    return _line_ends(text) - _line_ends(last[-1] if last else "")


def _is_blank(row: Record) -> bool:
    return not row or (len(row) == 1 and not row[0].strip())


def _line_ends(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _prepended(first: str, pieces: Iterator[str]) -> Iterator[str]:
    yield first
    yield from pieces


def _checked_delimiter(delimiter: Any, decimal: str, spell: Spell) -> str | None:
    if delimiter is None:
        return None
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise ValueError(f"delimiter is {named(delimiter)}; expected one character, such as ',' or ';', or None to find it")
    if delimiter == decimal:
        raise ValueError(f"delimiter and decimal are both {decimal!r}; expected two characters, as {spell('delimiter', ';')}")
    return str(delimiter)
