"""The argument parser of the commands: errors of one line, help that begins with an example, and types of arguments."""

from __future__ import annotations

import argparse
import os

from pyperceptron.checks import LIMIT, nonnegative_number, positive_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """A parser that reports an error in one line, with the name that was meant, and whose help begins with an example.

    complain  a function that prints a line on standard error
    """

    def __init__(self, *, complain: Callable[[str], None], example: str = "", **others: Any) -> None:
        super().__init__(formatter_class=_formatter, **others)
        self.complain = complain
        self.example = example

    def error(self, message: str) -> NoReturn:
        if "invalid choice: " in message:
            message = _with_near_choice(message)
        self.complain(f"{self.prog}: {message} (see {self.prog} --help)")
        self.exit(2)

    def refuse_unknown(self, arguments: Sequence[str]) -> NoReturn:
        """Exit with a line that says which arguments are unknown, and which option the first may be."""
        first = arguments[0].partition("=")[0]
        near = _nearest(first, self._option_string_actions)
        self.error(f"unrecognized arguments: {' '.join(arguments)}{near}")

    def format_help(self) -> str:
        example = f"Example: {self.example}\n\n" if self.example else ""
        return example + super().format_help()

    def print_help(self, file: Any = None) -> None:
        """Print the help; argparse's own hides that it cannot be written."""
        print(self.format_help(), end="", file=file)


def _formatter(prog: str) -> argparse.HelpFormatter:
    """Return a formatter as wide as the terminal; argparse finds that out by a module that imports much."""
    try:
        width = int(os.environ.get("COLUMNS") or 0) or os.get_terminal_size().columns
    except (ValueError, OSError):
        width = 80
    return argparse.RawDescriptionHelpFormatter(prog, width=max(width, 20) - 2)


def _with_near_choice(message: str) -> str:
    """Return argparse's message of a wrong choice with the nearest choice, if there is one."""
    wrong, _, choices = message.partition("invalid choice: ")[2].partition(" (choose from ")
    return message + _nearest(wrong.strip("'"), [choice.strip(" ')") for choice in choices.split(",")])


def _nearest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # here, as importing it takes a tenth of an answer

    near = get_close_matches(word, known, 1)
    return f"; did you mean {near[0]}?" if near else ""


def with_plain_numbers(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the arguments so that argparse takes every number for a value, and none for an option such as -1.

    A number is what float() takes. One with a minus sign gets a space in front, and `--ask=1 0 0` becomes `--ask 1 0 0`.
    """
    for argument in arguments:
        option, equals, value = argument.partition("=")
        if equals and option.startswith("--") and is_number(value):
            yield option
            argument = value
        yield f" {argument}" if argument.startswith("-") and is_number(argument) else argument


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """Return a type of argument: a whole number from lowest to highest."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = lowest - 1
        if not lowest <= number <= highest:
            raise argparse.ArgumentTypeError(f"{text.strip()!r} is not a whole number from {lowest} to {highest}")
        return number

    return read


def number_within_limit(text: str) -> float:
    number = float(text) if is_number(text) else LIMIT * 2
    if not abs(number) <= LIMIT:
        raise argparse.ArgumentTypeError(f"{text.strip()!r} is not a number from -1e150 to 1e150")
    return number


def penalty(text: str) -> float:
    """Read a penalty: 0 or a positive number."""
    return _checked(text, nonnegative_number, "0 or a positive number")


def factor(text: str) -> float:
    """Read a factor: a positive number."""
    return _checked(text, positive_number, "a positive number")


def _checked(text: str, check: Callable[[Any, str], float], expected: str) -> float:
    try:
        return check(float(text), "")
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text.strip()!r} is not {expected}") from None


def character(text: str) -> str:
    """Read a single character, or one by its name."""
    text = {"tab": "\t", "\\t": "\t", "space": " "}.get(text, text)
    if len(text) != 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a single character, tab or space")
    return text
