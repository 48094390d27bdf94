"""The command `pyperceptron`: what it can be asked, and how it answers."""

from __future__ import annotations

import argparse
import math
import os
import sys

from pyperceptron import __version__
from pyperceptron.backends import available_backends
from pyperceptron.checks import LIMIT
from pyperceptron.demo import retell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (those of the process, if None) and return its exit code.

    0: done; 1: the output cannot be written; 2: a wrong argument, told in one line on standard error; 130: interrupted.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.version or options.command is None:
        print(_version() if options.version else parser.format_help(), end="")
        return 0
    try:
        _demo(options)
        sys.stdout.flush()
    except (ValueError, OverflowError, ImportError) as error:
        options.parser.error(str(error))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        _discard_the_rest()
    except OSError as error:
        _discard_the_rest()
        print(f"{parser.prog}: cannot write: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _discard_the_rest() -> None:
    """Point standard output at nothing, so that Python does not complain of it once more at the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _demo(options: argparse.Namespace) -> None:
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without the sign × still gets the numbers
    retell(
        print,
        (lambda text: f"\033[1m{text}\033[0m") if coloured else str,
        iterations=options.iterations,
        seed=options.seed,
        backend=options.backend,
        situation=options.ask,
        steps=options.steps,
    )


def _parser() -> Parser:
    parser = Parser(prog="pyperceptron", description="A sigmoid layer: see the lesson's neuron learn.")
    parser.add_argument("--version", action="store_true", help="tell the version and which backends are built, and exit")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="retell the lesson: a neuron learns from four examples",
        description="Retell the lesson: a neuron learns from four examples and answers a new situation.",
    )
    demo.set_defaults(parser=demo)

    def option(name: str, help: str, **how: Any) -> None:
        demo.add_argument(name, help=f"{help} (default: {how.pop('shown', '%(default)s')})", **how)

    option("--iterations", "how often to train", type=_whole_number(1, 2**63 - 1), default=20_000, metavar="N")
    option("--seed", "which starting weights, 0 to 4294967295", type=_whole_number(0, 2**32 - 1), default=1, metavar="S")
    option("--backend", "which twin computes", choices=("auto", "cython", "python"), default="auto")
    option("--ask", "the new situation", type=_number, nargs=3, default=(1, 0, 0), metavar=("A", "B", "C"), shown="1 0 0")
    option("--steps", "show the first K steps number by number", type=_whole_number(0, 2**63 - 1), default=0, metavar="K")
    return parser


def _whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """A whole number from lowest to highest, as argparse takes its types."""

    def whole_number(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = lowest - 1
        if not lowest <= number <= highest:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {lowest} to {highest}")
        return number

    return whole_number


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not abs(number) <= LIMIT:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from -1e150 to 1e150")
    return number


def _version() -> str:
    backends = available_backends()
    remedy = "" if "cython" in backends else "The compiled twin is not built here: the README says how to get it.\n"
    return f"pyperceptron {__version__} (backends: {', '.join(backends)})\n{remedy}"
