"""The command `pyperceptron`: what it can be asked, and how it answers."""

from __future__ import annotations

import argparse
import os
import sys

from pyperceptron import __version__
from pyperceptron.backends import available_backends
from pyperceptron.demo import retell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (those of the process, if None) and return its exit code.

    0: done; 2: a wrong argument, told in one line on standard error; 130: interrupted.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


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
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(title="commands", dest="command", metavar="demo")
    demo = commands.add_parser(
        "demo",
        help="retell the lesson: a neuron learns from four examples",
        description="Retell the lesson: a neuron learns from four examples and answers a new situation.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    demo.set_defaults(parser=demo)
    demo.add_argument("--iterations", type=_at_least(1), default=20_000, metavar="N", help="how often to train")
    demo.add_argument("--seed", type=int, default=1, metavar="S", help="which starting weights, 0 to 4294967295")
    demo.add_argument("--backend", choices=("auto", "cython", "python"), default="auto", help="which twin computes")
    demo.add_argument(
        "--ask", type=float, nargs=3, default=(1, 0, 0), metavar=("A", "B", "C"), help="the new situation, three numbers"
    )
    demo.add_argument(
        "--steps", type=_at_least(0), default=0, metavar="K", help="show the first K steps number by number"
    )
    return parser


def _at_least(lowest: int) -> type[int]:
    """A whole number that is not below `lowest`, as argparse takes its types."""

    def whole_number(text: str) -> int:
        number = int(text)
        if number < lowest:
            raise argparse.ArgumentTypeError(f"{number} is less than {lowest}")
        return number

    whole_number.__name__ = "whole number"
    return whole_number  # type: ignore[return-value]


def _version() -> str:
    backends = available_backends()
    remedy = "" if "cython" in backends else "\nThe compiled twin is not built here: the README says how to get it."
    return f"pyperceptron {__version__} (backends: {', '.join(backends)}){remedy}"
