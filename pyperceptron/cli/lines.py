"""Lines that the commands print: aligned tables, wrapped sentences and JSON."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

WIDTH = 80


def aligned(rows: Sequence[Sequence[str]], indent: str = "  ", gap: str = "  ") -> Iterator[str]:
    """Yield rows of cells as lines, the first column flush left and the others flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        yield (indent + gap.join(cells)).rstrip()


def wrapped(text: str, first: str = "") -> Iterator[str]:
    """Yield a text as lines of WIDTH at most; `first` begins the first, and spaces of its length the others."""
    from textwrap import wrap

    yield from wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False, break_long_words=False
    )


def ascii_text(text: str, longest: int = 0) -> str:
    """Return a text in printable ASCII on one line, its middle left out if it is longer than `longest`."""
    shown = text if text.isascii() and text.isprintable() else ascii(text)[1:-1]
    if longest and len(shown) > longest:
        half = (longest - 3) // 2
        shown = f"{shown[: longest - 3 - half]}...{shown[len(shown) - half :]}"
    return shown


def tell(line: str) -> None:
    """Print a line on standard error, if there is one, after what was printed on standard output."""
    if sys.stderr is not None:
        sys.stdout.flush()
        print(line, file=sys.stderr, flush=True)


def print_json(report: Any) -> None:
    from json import dumps

    print(dumps(report, indent=1, allow_nan=False))
