"""The options of the commands that read a table, and how they read it."""

from __future__ import annotations

import sys

from pyperceptron.cli.command import CommandError
from pyperceptron.cli.lines import in_ascii
from pyperceptron.csv_table import CsvStream
from pyperceptron.exceptions import UnknownColumnError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Sequence
    from typing import Any

    from pyperceptron.cli.parser import Parser
    from pyperceptron.cli.progress import Progress
    from pyperceptron.model import FittedModel
    from pyperceptron.table import Table

_HEADERS = {"auto": "auto", "yes": True, "no": False}


READING_DEFAULTS = {"header": "auto", "delimiter": None, "decimal": ".", "encoding": "utf-8"}


def add_reading_options(parser: Parser) -> None:
    """Add FILE and the options that say how it is written."""
    from pyperceptron.cli.parser import character

    parser.add_argument("file", metavar="FILE", help="a CSV file, also compressed; - for standard input")
    parser.add_argument("--header", choices=tuple(_HEADERS), default="auto", help="whether the first row names the columns")
    parser.add_argument("--delimiter", metavar="C", type=character, help="between the values (default: found by the content)")
    parser.add_argument("--decimal", metavar="C", choices=(".", ","), default=".", help="the decimal mark (default: .)")
    parser.add_argument("--encoding", metavar="NAME", default="utf-8", help="of the file (default: utf-8)")


def source_of(options: Namespace) -> Any:
    """Return what to read: a path, or standard input."""
    if options.file != "-":
        return options.file
    if sys.stdin is None:
        raise CommandError("cannot read standard input: it is closed")
    return sys.stdin.buffer


def reading(options: Namespace) -> dict[str, Any]:
    """Return the arguments of read_csv and CsvStream that say how a file is written."""
    return {
        "header": _HEADERS[options.header],
        "delimiter": options.delimiter,
        "decimal": options.decimal,
        "encoding": options.encoding,
        "spell": spelled,
    }


def spelled(option: str, value: Any) -> str:
    """Return how the command line says what `option=value` says in Python."""
    if isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, dict):
        value = " ".join(f"{name}={kind}" for name, kind in value.items())
    elif isinstance(value, (list, tuple)):
        value = " ".join(map(str, value))
    import shlex

    return f"--{option} {' '.join(map(shlex.quote, str(value).split(' '))) if isinstance(value, str) else value}"


class Refused:
    """A context in which faults of the data become errors of the command."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, UnknownColumnError):
            raise CommandError(str(error), 2) from None
        if isinstance(error, (ValueError, TypeError, FloatingPointError)):
            raise CommandError(str(error)) from None
        if isinstance(error, OSError) and error.filename is not None:
            raise CommandError(f"cannot read {error.filename}: {error.strerror}") from None


class Rows:
    """The rows of a file as tables that a model can answer; iteration yields (table, cells kept) for some rows at a time.

    keep        the columns whose cells are kept
    kept_names  their names
    """

    def __init__(
        self, options: Namespace, model: Any, source: Any, keep: Sequence[str], progress: Progress | None = None
    ) -> None:
        fitted = model._require_fitted()
        kinds, required = _kinds(fitted)
        self._encoding = fitted.encoding
        self._target = fitted.classes.name
        self._unseen: dict[Any, int] = {}
        self._stream = CsvStream(
            source,
            kinds,
            required=required,
            keep=keep,
            progress=None if progress is None else progress.read,
            **reading(options),
        )
        self.kept_names = self._stream.kept_names

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()

    def __iter__(self) -> Iterator[tuple[Table, list[tuple[str, ...]]]]:
        for table, kept in self._read():
            if self._encoding is not None:
                for name, count in self._encoding.unseen(table).items():
                    self._unseen[name] = self._unseen.get(name, 0) + count
            yield table, kept

    def _read(self) -> Iterator[tuple[Table, list[tuple[str, ...]]]]:
        """Yield what the stream does; an error of reading is not to be taken for one of writing."""
        try:
            yield from self._stream
        except OSError as error:
            raise CommandError(f"cannot read {error.filename or 'the file'}: {error.strerror}") from None

    def ignored(self) -> Iterator[str]:
        """Yield a sentence that names the columns which are left out, if there are any."""
        names = [in_ascii(name) + " (the target)" * (name == self._target) for name in self._stream.ignored]
        if names:
            yield f"left out, as the model does not need them: {', '.join(names)}"

    def unseen(self) -> Iterator[str]:
        """Yield a sentence for each column with texts that were not in the training."""
        for name, count in self._unseen.items():
            rows = "1 row holds" if count == 1 else f"{count:,} rows hold"
            yield f"{rows} in {in_ascii(str(name))} a text that the training did not: it counts as none of the known ones"


def _kinds(fitted: FittedModel) -> tuple[dict[str, str] | None, list[str]]:
    """Return the kind of each column that the model needs, by its name, and the names of those in which none may be missing.

    The kinds are None if its columns have no names.
    """
    if fitted.encoding is None:
        names = list(map(str, fitted.names or ()))
        return (dict.fromkeys(names, "number") if names else None), names
    columns = fitted.encoding.columns
    kinds = {str(column.name): "number" if column.levels is None else "text" for column in columns}
    return kinds, [str(column.name) for column in columns if column.levels is None and column.fill is None]
