"""`pyperceptron export`: print a model as source text."""

from __future__ import annotations

import argparse

from pyperceptron.cli.command import CommandError
from pyperceptron.cli.files import load_model, write
from pyperceptron.exports import TARGETS, checked_prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyperceptron.cli.parser import Parser


def set_up(parser: Parser) -> None:
    parser.example = "pyperceptron export model.json c > model.c"
    parser.description = "Print a model as source text that predicts without this package or any other."
    parser.set_defaults(run=run)
    parser.add_argument("model", metavar="MODEL", help="a file that train or save wrote")
    parser.add_argument("target", metavar="TARGET", choices=tuple(TARGETS), help=", ".join(TARGETS))
    parser.add_argument("--prefix", metavar="P", type=_prefix, default="model", help="of the names in C (default: %(default)s)")
    parser.add_argument("--tests", metavar="FILE", help="also write 200 rows with the model's answers to a file, as JSON")


def run(options: argparse.Namespace) -> None:
    """Print the source text after writing the examples; a wrong file, or a label that the target cannot hold, is an error."""
    model = load_model(options.model)
    try:
        text = model.export(options.target, options.prefix)
    except ValueError as error:
        raise CommandError(str(error)) from None
    if options.tests is not None:
        from pyperceptron.exports.examples import examples

        write(options.tests, examples(model))
    print(text, end="")


def _prefix(text: str) -> str:
    try:
        return checked_prefix(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
