"""Lines that the commands print: aligned tables, wrapped sentences and JSON."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

WIDTH = 80
GAP = "  "


def aligned(rows: Sequence[Sequence[str]], alignments: str = "", indent: str = "") -> Iterator[str]:
    """Yield a line for each row, columns aligned as given: the first to the left, others to the right by default."""
    alignments = alignments or "<" + ">" * (len(rows[0]) - 1)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, alignments, widths, strict=True)
        yield (indent + GAP.join(f"{cell:{alignment}{width}}" for cell, alignment, width in cells)).rstrip()


def wrapped(text: str, first: str = "", hanging: str | None = None) -> Iterator[str]:
    """Yield a text as lines of WIDTH at most: `first` begins the first line, `hanging` the others, as many spaces if None."""
    from textwrap import wrap

    others = " " * len(first) if hanging is None else hanging
    yield from wrap(text, WIDTH, initial_indent=first, subsequent_indent=others)


def in_ascii(text: str) -> str:
    """Return a text in printable ASCII on one line, other characters by their escapes."""
    return text if text.isascii() and text.isprintable() else ascii(text)[1:-1]


def shortened(text: str, width: int) -> str:
    """Return a text of at most `width` characters: the beginning and the end of a longer one."""
    if len(text) <= width:
        return text
    end = (width - 2) // 2
    return f"{text[: width - 2 - end]}..{text[len(text) - end :]}"


def tell(line: str) -> None:
    """Print a line on standard error, if there is one, after what was printed on standard output."""
    if sys.stderr is not None:
        sys.stdout.flush()
        print(line, file=sys.stderr, flush=True)


def print_json(report: Any) -> None:
    from json import dumps

    print(dumps(report, indent=1, allow_nan=False))
