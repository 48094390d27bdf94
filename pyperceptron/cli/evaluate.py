"""`pyperceptron evaluate`: compare a model's answers with the labels in a CSV file."""

from __future__ import annotations

from array import array

from pyperceptron.cli.answers import flat_probabilities, labels_of
from pyperceptron.cli.command import CommandError, heading
from pyperceptron.cli.evaluation_lines import evaluation_lines
from pyperceptron.cli.files import load_classifier
from pyperceptron.cli.lines import print_json, tell
from pyperceptron.cli.progress import Progress
from pyperceptron.cli.reading import Refused, Rows, add_reading_options, source_of
from pyperceptron.evaluation import evaluation
from pyperceptron.labels import class_codes
from pyperceptron.table import Texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from pyperceptron.cli.parser import Parser


def set_up(parser: Parser) -> None:
    parser.example = "pyperceptron evaluate model.json others.csv"
    parser.description = "Compare a model's answers with the labels in a CSV file."
    parser.set_defaults(run=run)
    parser.add_argument("model", metavar="MODEL", help="a file that train or save wrote")
    add_reading_options(parser)
    parser.add_argument("--target", metavar="COLUMN", help="the column of the labels (default: that of the training)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(options: Namespace) -> None:
    model = load_classifier(options.model)
    classes = model._require_fitted().classes
    target = classes.name if options.target is None else options.target
    if target is None:
        raise CommandError("the model does not know the name of its target: say it with --target", 2)
    source = source_of(options)
    labels, probabilities = Texts(), array("d")
    with Progress(source) as progress, Refused(), Rows(options, model, source, [str(target)], progress) as rows:
        for table, kept in rows:
            probabilities += flat_probabilities(model, table)
            labels.extend(label for (label,) in kept)
        report = evaluation(classes, class_codes(labels_of(labels, classes.labels), classes), probabilities)
    for sentence in rows.unseen():
        tell(f"{options.prog}: {sentence}")
    if options.json:
        print_json(report)
        return
    for line in evaluation_lines(report, heading()):
        print(line)
