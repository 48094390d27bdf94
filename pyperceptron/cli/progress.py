"""A line on standard error that says how far a long command has come; only on a terminal."""

from __future__ import annotations

import os
import sys
from time import perf_counter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FIRST = 1.0  # seconds before the first line
_BETWEEN = 0.2  # seconds between two
_ERASE = "\r\033[K"


class Progress:
    """A line that rewrites itself; it is erased in the end, or when something else is to be printed.

    size  of the file that is read, in bytes; 0 if it is not known
    """

    def __init__(self, source: Any) -> None:
        self._shows = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._size = os.path.getsize(source) if self._shows and isinstance(source, str) and os.path.isfile(source) else 0
        self._start = perf_counter()
        self._next = self._start + _FIRST
        self._is_shown = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self.clear()

    def read(self, n_bytes: int, n_rows: int) -> None:
        """Say how much has been read."""
        if not self._is_due():
            return
        seconds = perf_counter() - self._start
        speed = n_bytes / seconds
        left = f", {(self._size - n_bytes) / speed:.0f} s left" if self._size > n_bytes > 0 else ""
        self._show(f"{n_rows:,} rows, {n_bytes / 1e6:.0f} MB read, {speed / 1e6:.0f} MB/s{left}")

    def step(self, model: Any, iteration: int) -> None:
        """Say which step of a training was made; a callback of Perceptron."""
        if self._is_due():
            last = model.history_[-1]
            self._show(f"step {iteration}: objective {last['objective']:.6g}, gradient norm {last['gradient_norm']:.2g}")

    def clear(self) -> None:
        if self._is_shown:
            print(_ERASE, end="", file=sys.stderr, flush=True)
            self._is_shown = False

    def _is_due(self) -> bool:
        return self._shows and perf_counter() >= self._next

    def _show(self, line: str) -> None:
        print(f"{_ERASE}{line}", end="", file=sys.stderr, flush=True)
        self._is_shown = True
        self._next = perf_counter() + _BETWEEN
