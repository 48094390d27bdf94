"""The command `pyperceptron`: parse the arguments, run the command, return the exit code."""

from __future__ import annotations

import argparse
import math
import os
import sys

from pyperceptron import __version__
from pyperceptron.backends import available_backends, backend_name
from pyperceptron.checks import LIMIT
from pyperceptron.demo import lesson_lines, write_lesson_page
from pyperceptron.exports import TARGETS, checked_prefix
from pyperceptron.model_file import load
from pyperceptron.whole_file import write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, NoReturn, TextIO


class Parser(argparse.ArgumentParser):
    """An argument parser that reports an error in one line, and does not hide that its help cannot be written."""

    def error(self, message: str) -> NoReturn:
        _complain(f"{self.prog}: {message} (see {self.prog} --help)")
        self.exit(2)

    def print_help(self, file: Any = None) -> None:
        print(self.format_help(), end="", file=file)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, or with sys.argv[1:] if None, and return the exit code.

    0: success; 1: the output cannot be written; 130: Ctrl-C. An error is one line on standard error. A wrong argument or
    variable of the environment raises SystemExit(2); --help raises SystemExit(0).
    """
    if sys.stdout is None:  # Python's stand-in for a closed one
        _complain("pyperceptron: cannot write: standard output is closed")
        return 1
    try:
        try:
            return _run(sys.argv[1:] if arguments is None else arguments)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        _complain("interrupted")
        return 130
    except BrokenPipeError:  # the reader, `head` say, has stopped reading
        _discard_the_rest(sys.stdout)
        return 0
    except OSError as error:
        _discard_the_rest(sys.stdout)
        _complain(f"pyperceptron: cannot write: {error.strerror}")
        return 1


def _run(arguments: Sequence[str]) -> int:
    parser = _parser()
    options = parser.parse_args(_with_plain_numbers(arguments))
    try:
        if options.version:
            print(_version())
            backend_name()  # raises an error if the environment names a wrong one
        elif options.command is None:
            parser.print_help()
        else:
            options.run(options)
    except (ValueError, OverflowError, ImportError) as error:
        _complain(f"{options.parser.prog}: {error}")
        options.parser.exit(2)
    return 0


def _complain(line: str) -> None:
    """Print a line on standard error, if that can be written."""
    if sys.stderr is None:  # closed; print would take standard output instead
        return
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        _discard_the_rest(sys.stderr)


def _discard_the_rest(stream: TextIO) -> None:
    """Redirect a stream to os.devnull, so that Python does not report the same error again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _with_plain_numbers(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the arguments so that argparse takes every number for a value, and none for an option such as -1.

    A number is what float() takes. One with a minus sign gets a space in front, and `--ask=1 0 0` becomes `--ask 1 0 0`.
    """
    for argument in arguments:
        option, equals, value = argument.partition("=")
        if equals and option.startswith("--") and _is_number(value):
            yield option
            argument = value
        yield f" {argument}" if argument.startswith("-") and _is_number(argument) else argument


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _demo(options: argparse.Namespace) -> None:
    if options.html is not None:
        try:
            write_lesson_page(options.html, iterations=options.iterations, seed=options.seed, situation=options.ask)
        except OSError as error:
            _complain(f"{options.parser.prog}: cannot write {options.html}: {error.strerror}")
            options.parser.exit(1)
        print(f"Open {options.html} in a browser.")
        return
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


def _export(options: argparse.Namespace) -> None:
    """Print the source text after writing the examples; exit code 1 for a wrong file or a label that the target cannot hold."""
    from pyperceptron.exports.examples import examples

    prog = options.parser.prog
    try:
        model = load(options.model)
        text = model.export(options.target, options.prefix)
    except (OSError, ValueError) as error:
        reason = f"cannot read {options.model}: {error.strerror}" if isinstance(error, OSError) else str(error)
        _complain(f"{prog}: {reason}")
        options.parser.exit(1)
    if options.tests is not None:
        try:
            write_whole(options.tests, examples(model))
        except OSError as error:
            _complain(f"{prog}: cannot write {options.tests}: {error.strerror}")
            options.parser.exit(1)
    print(text, end="")


def _parser() -> Parser:
    parser = Parser(prog="pyperceptron", description="A layer of sigmoid neurons: watch the lesson's neuron learn.")
    parser.add_argument("--version", action="store_true", help="print the version and the available backends, and exit")
    parser.set_defaults(parser=parser)
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
    demo.add_argument("--html", metavar="FILE", help="write a page instead, on which the neuron trains in a browser")

    export = commands.add_parser(
        "export",
        help="print a model as source text of Python, C or JavaScript",
        description="Print a model as source text that predicts without this package or any other.",
    )
    export.set_defaults(parser=export, run=_export)
    export.add_argument("model", metavar="MODEL", help="a file that save wrote")
    export.add_argument("target", metavar="TARGET", choices=tuple(TARGETS), help=", ".join(TARGETS))
    export.add_argument("--prefix", metavar="P", type=_prefix, default="model", help="of the names in C (default: %(default)s)")
    export.add_argument("--tests", metavar="FILE", help="also write 200 rows with the model's answers to a file, as JSON")
    return parser


def _prefix(text: str) -> str:
    try:
        return checked_prefix(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """Return an argparse type: a whole number from lowest to highest."""

    def whole_number(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = lowest - 1
        if not lowest <= number <= highest:
            raise argparse.ArgumentTypeError(f"{text.strip()!r} is not a whole number from {lowest} to {highest}")
        return number

    return whole_number


def _number(text: str) -> float:
    number = float(text) if _is_number(text) else math.nan
    if not abs(number) <= LIMIT:
        raise argparse.ArgumentTypeError(f"{text.strip()!r} is not a number from -1e150 to 1e150")
    return number


def _version() -> str:
    backends = available_backends()
    remedy = "" if "cython" in backends else "\nThe compiled backend is not built here: the README explains how to build it."
    return f"pyperceptron {__version__} (backends: {', '.join(backends)}){remedy}"
