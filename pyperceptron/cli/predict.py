"""`pyperceptron predict`: answer each row of a CSV file as it arrives."""

from __future__ import annotations

import sys
from _csv import writer  # the part of csv in C: csv itself loads re, which takes milliseconds

from pyperceptron.cli.files import load_classifier
from pyperceptron.cli.lines import tell
from pyperceptron.cli.reading import READING_DEFAULTS, Refused, Rows, add_reading_options, source_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable
    from typing import Any

    from pyperceptron.cli.parser import Parser


# Of the options, for a call without any: argparse takes as long to import as all the rest of an answer.
POSITIONALS = ("model", "file")
DEFAULTS: dict[str, Any] = {**READING_DEFAULTS, "probabilities": False, "keep": []}


def set_up(parser: Parser) -> None:
    parser.example = "pyperceptron predict model.json new.csv > answers.csv"
    parser.description = (
        "Print a model's answer to each row of a CSV file, as CSV. Rows are answered as\n"
        "they arrive, so a pipe may wait for each answer."
    )
    parser.set_defaults(run=run, **DEFAULTS)
    parser.add_argument("model", metavar="MODEL", help="a file that train or save wrote")
    add_reading_options(parser)
    parser.add_argument("--probabilities", action="store_true", help="also print the probability of each class")
    parser.add_argument(
        "--keep", metavar="COLUMN", nargs="+", default=[], help="columns of the file to print before the answer"
    )


def run(options: Namespace) -> None:
    model = load_classifier(options.model)
    write = writer(sys.stdout, lineterminator="\n").writerows
    with Refused(), Rows(options, model, source_of(options), options.keep) as rows:
        for sentence in rows.ignored():
            tell(f"{options.prog}: {sentence}")
        write([[*rows.kept_names, *_headings(model, options.probabilities)]])
        sys.stdout.flush()
        for table, kept in rows:
            write([*own, *answer] for own, answer in zip(kept, _answers(model, table, options.probabilities), strict=True))
            sys.stdout.flush()
    for sentence in rows.unseen():
        tell(f"{options.prog}: {sentence}")


def _headings(model: Any, with_probabilities: bool) -> list[str]:
    fitted = model._require_fitted()
    answers = [f"output {label}" for label in fitted.classes.labels] if fitted.classes.multilabel else ["prediction"]
    return answers + [f"probability of {label}" for label in fitted.classes.labels] * with_probabilities


def _answers(model: Any, table: Any, with_probabilities: bool) -> Iterable[list[Any]]:
    """Yield for each row its label, or one for each output, and then perhaps the probabilities."""
    labels = model.predict(table)
    answers = [label if isinstance(label, list) else [label] for label in labels]
    if not with_probabilities:
        return answers
    return [label + probabilities for label, probabilities in zip(answers, model.predict_proba(table), strict=True)]
