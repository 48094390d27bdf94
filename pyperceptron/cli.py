"""The command `pyperceptron`: parse the arguments, run the command, return the exit code."""

from __future__ import annotations

import argparse
import math
import os
import sys

from pyperceptron import __version__
from pyperceptron.backends import available_backends
from pyperceptron.checks import LIMIT
from pyperceptron.demo import lesson_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """An argument parser that reports an error in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, or with sys.argv[1:] if None, and return the exit code.

    0: success; 1: the output cannot be written; 130: Ctrl-C. A wrong argument is reported in one line on standard error and
    raises SystemExit(2); --help raises SystemExit(0).
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.version or options.command is None:
        print(_version() if options.version else parser.format_help(), end="")
        return 0
    try:
        options.run(options)
        sys.stdout.flush()
    except (ValueError, OverflowError, ImportError) as error:
        options.parser.error(str(error))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, `head` say, has stopped reading
        _discard_the_rest()
    except OSError as error:
        _discard_the_rest()
        print(f"{parser.prog}: cannot write: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _discard_the_rest() -> None:
    """Redirect standard output to os.devnull, so that Python does not report the same error again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _demo(options: argparse.Namespace) -> None:
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    lines = lesson_lines(
        (lambda text: f"\033[1m{text}\033[0m") if coloured else str,
        iterations=options.iterations,
        seed=options.seed,
        backend=options.backend,
        situation=options.ask,
        steps=options.steps,
    )
    for line in lines:
        print(line)


def _parser() -> Parser:
    parser = Parser(prog="pyperceptron", description="A layer of sigmoid neurons: watch the lesson's neuron learn.")
    parser.add_argument("--version", action="store_true", help="print the version and the available backends, and exit")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="show the lesson: a neuron learns from four examples",
        description="Show the lesson: a neuron learns from four examples and answers a new situation.",
    )
    demo.set_defaults(parser=demo, run=_demo)

    def option(name: str, help: str, **how: Any) -> None:
        demo.add_argument(name, help=f"{help} (default: {how.pop('shown', '%(default)s')})", **how)

    option("--iterations", "the number of training iterations", type=_whole_number(1, 2**63 - 1), default=20_000, metavar="N")
    option("--seed", "seed of the starting weights, 0 to 4294967295", type=_whole_number(0, 2**32 - 1), default=1, metavar="S")
    option("--backend", "the backend that computes", choices=("auto", "cython", "python"), default="auto")
    option("--ask", "the new situation", type=_number, nargs=3, default=(1, 0, 0), metavar=("A", "B", "C"), shown="1 0 0")
    option("--steps", "show the first K steps number by number", type=_whole_number(0, 2**63 - 1), default=0, metavar="K")
    return parser


def _whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """Return an argparse type: a whole number from lowest to highest."""

    def whole_number(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = lowest - 1
        if not lowest <= number <= highest:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {lowest} to {highest}")
        return number

    return whole_number


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not abs(number) <= LIMIT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from -1e150 to 1e150")
    return number


def _version() -> str:
    backends = available_backends()
    remedy = "" if "cython" in backends else "The compiled backend is not built here: the README explains how to build it.\n"
    return f"pyperceptron {__version__} (backends: {', '.join(backends)})\n{remedy}"
