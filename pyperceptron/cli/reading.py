"""The options of the commands that read a table, and how they read it."""

from __future__ import annotations

import argparse
import sys

from pyperceptron.cli.parser import CommandError
from pyperceptron.exceptions import UnknownColumnError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from pyperceptron.cli.parser import Parser

_HEADERS = {"auto": "auto", "yes": True, "no": False}


def add_reading_options(parser: Parser) -> None:
    """Add FILE and the options that say how it is written."""
    parser.add_argument("file", metavar="FILE", help="a CSV file, also compressed; - for standard input")
    parser.add_argument("--header", choices=tuple(_HEADERS), default="auto", help="whether the first row names the columns")
    parser.add_argument("--delimiter", metavar="C", type=_character, help="between the values (default: found by the content)")
    parser.add_argument("--decimal", metavar="C", choices=(".", ","), default=".", help="the decimal mark (default: .)")
    parser.add_argument("--encoding", metavar="NAME", default="utf-8", help="of the file (default: utf-8)")


def source_of(options: argparse.Namespace) -> Any:
    """Return what to read: a path, or standard input."""
    if options.file != "-":
        return options.file
    if sys.stdin is None:
        raise CommandError("cannot read standard input: it is closed")
    return sys.stdin.buffer


def reading(options: argparse.Namespace) -> dict[str, Any]:
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


def positions_or_names(words: list[str]) -> Iterator[str | int]:
    """Yield columns as they are given on the command line: a name, or a position from 0."""
    for word in words:
        yield int(word) if word.isascii() and word.isdigit() else word


def _character(text: str) -> str:
    text = {"tab": "\t", "\\t": "\t", "space": " "}.get(text, text)
    if len(text) != 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a single character, tab or space")
    return text
