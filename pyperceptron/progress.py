"""A line on standard error that says how far something long has come."""

from __future__ import annotations

import os
import sys
from time import perf_counter

_BETWEEN = 0.2  # seconds between two lines on a terminal
_MOST_BETWEEN = 600.0  # seconds between two lines elsewhere
_ERASE = "\r\033[K"


class StatusLine:
    """A line that rewrites itself on a terminal; elsewhere, as in a log, either nothing or a new line now and then.

    first     seconds before the first line
    elsewhere whether to print where there is no terminal: after `first` seconds, and whenever that time has doubled

    A standard error that is closed or cannot be written to ends the lines, and nothing else.
    """

    def __init__(self, first: float, elsewhere: bool = False) -> None:
        self._stream = sys.stderr
        is_open = self._stream is not None and not self._stream.closed
        self.is_terminal = is_open and self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._shows = self.is_terminal or (is_open and elsewhere)
        self.start = perf_counter()
        self._next = self.start + first
        self._is_shown = False

    def is_due(self) -> bool:
        """Whether it is time for another line: by the clock, as that costs less than to print each step."""
        return self._shows and perf_counter() >= self._next

    def show(self, line: str) -> None:
        """Show a line in place of the last one."""
        if not self.is_terminal:
            self._write(f"{line}\n")
            now = perf_counter()
            self._next = now + min(max(now - self.start, _BETWEEN), _MOST_BETWEEN)
            return
        self._write(f"{_ERASE}{line[: self._width()]}")
        self._is_shown = True
        self._next = perf_counter() + _BETWEEN

    def clear(self) -> None:
        """Erase the line."""
        if self._is_shown:
            self._write(_ERASE)
            self._is_shown = False

    def end(self, line: str) -> None:
        """Print a line that stays."""
        self.clear()
        if self._shows:
            self._write(f"{line}\n")

    def _width(self) -> int:
        """The characters that fit: a longer line would wrap, and could not be erased."""
        try:
            return max(os.get_terminal_size(self._stream.fileno()).columns - 1, 20)
        except (OSError, ValueError):
            return 79

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: the file is closed
            self._shows = False


class TrainingProgress:
    """What verbose=True shows of a training: the step, and at the end the last one."""

    def __init__(self, solver: str) -> None:
        self._solver = solver
        self._line = StatusLine(_BETWEEN, elsewhere=True)

    def step(self, iteration: int, objective: float, gradient_norm: float) -> None:
        """Say which step was made, if it is time."""
        if self._line.is_due():
            self._line.show(f"{self._solver} {described(iteration, objective, gradient_norm)}")

    def end(self, iteration: int, objective: float, gradient_norm: float, passes: int) -> None:
        """Say which step was the last."""
        seconds = perf_counter() - self._line.start
        self._line.end(f"{self._solver} {described(iteration, objective, gradient_norm)}, {passes:,} passes, {seconds:.2g} s")


def described(iteration: int, objective: float, gradient_norm: float) -> str:
    """Return in words how far a step has come."""
    return f"step {iteration:,}: objective {objective:.9g}, gradient norm {gradient_norm:.3g}"
