"""A line on standard error that says how far a long command has come; only on a terminal."""

from __future__ import annotations

import os
from time import perf_counter

from pyperceptron.progress import StatusLine, described

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FIRST = 1.0  # seconds before the first line


class Progress:
    """A line that rewrites itself; it is erased in the end, or when something else is to be printed.

    size  of the file that is read, in bytes; 0 if it is not known
    """

    def __init__(self, source: Any) -> None:
        self._line = StatusLine(_FIRST)
        has_size = self._line.is_terminal and isinstance(source, str) and os.path.isfile(source)
        self._size = os.path.getsize(source) if has_size else 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self.clear()

    def read(self, n_bytes: int, n_rows: int) -> None:
        """Say how much has been read."""
        if not self._line.is_due():
            return
        seconds = perf_counter() - self._line.start
        speed = n_bytes / seconds
        left = f", {(self._size - n_bytes) / speed:.0f} s left" if self._size > n_bytes > 0 else ""
        self._line.show(f"{n_rows:,} rows, {n_bytes / 1e6:.0f} MB read, {speed / 1e6:.0f} MB/s{left}")

    def step(self, model: Any, iteration: int) -> None:
        """Say which step of a training was made; a callback of Perceptron."""
        if self._line.is_due():
            last = model.history_[-1]
            self._line.show(described(iteration, last["objective"], last["gradient_norm"]))

    def clear(self) -> None:
        self._line.clear()
