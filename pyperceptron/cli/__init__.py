"""The command `pyperceptron`: parse the arguments, run the command, return the exit code."""

from __future__ import annotations

import os
import sys

from pyperceptron import __version__
from pyperceptron.backends import available_backends, backend_name
from pyperceptron.cli.command import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TextIO

    from pyperceptron.cli.parser import Parser

# Each is a module of this package, which is imported only for its own command: an answer needs nothing of a training.
COMMANDS = {
    "train": "fit a model to a CSV file",
    "predict": "answer each row of a CSV file",
    "evaluate": "compare a model's answers with those in a CSV file",
    "inspect": "show what a model has learnt",
    "export": "print a model as source text of Python, C or JavaScript",
    "demo": "show the lesson: a neuron learns from four examples",
}


class Options:
    """Options as attributes, as argparse gives them."""

    def __init__(self, **options: Any) -> None:
        self.__dict__.update(options)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, or with sys.argv[1:] if None, and return the exit code.

    0: success; 1: data, a file or the output cannot be used; 130: Ctrl-C. An error is one line on standard error. A wrong
    argument or variable of the environment, and a column that is not there, raise SystemExit(2); --help raises SystemExit(0).
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
    options = _without_parser(arguments) or _parsed(arguments)
    try:
        if options.version:
            _check_environment()
            print(_version())
        elif options.command is None:
            options.parser.print_help()
        else:
            _check_environment()
            options.run(options)
    except CommandError as error:
        _complain(f"{options.prog}: {error}")
        if error.code == 2:
            sys.exit(2)
        return error.code
    return 0


def _without_parser(arguments: Sequence[str]) -> Any:
    """Return the options of a command that is given words but no options, if it knows its DEFAULTS; else None."""
    if not arguments or arguments[0] not in COMMANDS or any(word[:1] == "-" != word for word in arguments):
        return None
    command = _module_of(arguments[0])
    names = getattr(command, "POSITIONALS", None)
    if names is None or len(names) != len(arguments) - 1:
        return None
    words = dict(zip(names, arguments[1:], strict=True))
    prog = f"pyperceptron {arguments[0]}"
    return Options(command=arguments[0], version=False, prog=prog, run=command.run, **command.DEFAULTS, **words)


def _module_of(command: str) -> Any:
    """Import and return the module of a command, without importlib and its own imports: they take a twentieth of an answer."""
    return __import__(f"pyperceptron.cli.{command}", fromlist=["run"])


def _parsed(arguments: Sequence[str]) -> Any:
    from pyperceptron.cli.parser import with_plain_numbers

    parser = _parser(next((word for word in arguments if word in COMMANDS), None))
    options, unknown = parser.parse_known_args(list(with_plain_numbers(arguments)))
    options.prog = options.parser.prog
    if unknown:
        options.parser.refuse_unknown(unknown)
    return options


def _check_environment() -> None:
    try:
        backend_name()
    except (ValueError, ImportError) as error:
        raise CommandError(str(error), 2) from None


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


def _parser(wanted: str | None) -> Parser:
    """Return the parser; of the commands only the wanted one has its options."""
    from pyperceptron.cli.parser import Parser

    parser = Parser(
        prog="pyperceptron",
        description="Train a linear classifier on a table and ask it, or watch the lesson's neuron learn.",
        example="pyperceptron train people.csv --target income --model model.json",
        complain=_complain,
    )
    parser.add_argument("--version", action="store_true", help="print the version and the available backends, and exit")
    parser.set_defaults(parser=parser)
    # With `prog` given, argparse formats no usage, for which it would import much.
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", prog="pyperceptron", parser_class=Parser
    )
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, complain=_complain)
        command.set_defaults(parser=command)
        if name == wanted:
            _module_of(name).set_up(command)
    return parser


def _version() -> str:
    backends = available_backends()
    remedy = "" if len(backends) > 1 else "\nThe compiled backend is not built here: the README explains how to build it."
    return f"pyperceptron {__version__} (backends: {', '.join(backends)}){remedy}"
