"""What commands have in common: an error that ends one, and bold headings."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class CommandError(Exception):
    """A command cannot go on: one sentence, and the exit code: 1 for data or a file, 2 for an argument or a column's name."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


def heading() -> Callable[[str], str]:
    """Return what makes a heading bold on a terminal, unless NO_COLOR or TERM says no."""
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        return lambda text: f"\033[1m{text}\033[0m"
    return str
