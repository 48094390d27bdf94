"""`pyperceptron train`: fit a model to a CSV file, and say what came of it."""

from __future__ import annotations

import argparse
import os
import warnings

from pyperceptron.checks import counted
from pyperceptron.cli.answers import flat_probabilities
from pyperceptron.cli.command import CommandError
from pyperceptron.cli.files import Writing, write
from pyperceptron.cli.lines import aligned, in_ascii, print_json, shortened, wrapped
from pyperceptron.cli.parser import factor, penalty, whole_number
from pyperceptron.cli.progress import Progress
from pyperceptron.cli.reading import Refused, add_reading_options, reading, source_of
from pyperceptron.csv_table import read_csv
from pyperceptron.evaluation import evaluation
from pyperceptron.labels import class_codes
from pyperceptron.metrics import accuracy, class_totals, confusion, entropy, log_loss, most_probable, probabilities_of
from pyperceptron.perceptron import Perceptron

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from pyperceptron.cli.parser import Parser
    from pyperceptron.table import Table

_CLASSES_SHOWN = 10
_ROWS_SHOWN = 8
_LONGEST_NAME = 40


def set_up(parser: Parser) -> None:
    parser.example = "pyperceptron train people.csv --target income --model model.json"
    parser.description = (
        "Find the exact optimum of logistic regression for the rows of a CSV file, and\n"
        "keep the model. Columns of words become indicators of their values; nothing\n"
        "needs scaling."
    )
    parser.set_defaults(run=run)
    add_reading_options(parser)
    parser.add_argument("--target", metavar="COLUMN", required=True, help="the column to predict: its name, or position from 0")
    parser.add_argument("--model", metavar="OUT", required=True, help="the file to write the model to")
    parser.add_argument(
        "--columns",
        metavar="NAME=KIND",
        nargs="+",
        action="extend",
        default=[],
        type=_column_kind,
        help="columns whose kind is decided by hand: number or text",
    )
    parser.add_argument(
        "--missing",
        choices=("error", "mean", "drop"),
        default="error",
        help="what to do with missing numbers: refuse them, put the mean in their place and mark them, or leave those rows out",
    )
    parser.add_argument("--l2", metavar="X", type=penalty, help="the squared penalty (default: 1/rows, or 0 with --l1)")
    parser.add_argument(
        "--l1", metavar="X", type=penalty, default=0.0, help="the absolute penalty, which makes weights exactly 0"
    )
    parser.add_argument(
        "--class-weight",
        metavar="W",
        nargs="+",
        action="extend",
        type=_class_weight,
        help="balanced, or LABEL=FACTOR for each label whose rows weigh otherwise",
    )
    parser.add_argument(
        "--validate", metavar="PART", type=_part, help="train without this part of the rows, 0.2 say, and evaluate on them"
    )
    parser.add_argument(
        "--seed", metavar="S", type=whole_number(0, 2**63 - 1), default=0, help="of the choice of those rows (default: 0)"
    )
    parser.add_argument("--threads", metavar="N", type=whole_number(1, 1024), help="(default: as many as the data are worth)")
    parser.add_argument("--report", metavar="PAGE", help="also write an HTML page about the model and how well it answers")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(options: argparse.Namespace) -> None:
    _check_outputs(options)
    source = source_of(options)
    with Progress(source) as progress, Refused():
        table, y = read_csv(
            source,
            target=options.target,
            columns=dict(options.columns),
            drop=options.drop,
            missing=options.missing,
            progress=progress.read,
            **reading(options),
        )
        held_out = _held_out(len(table), options.validate, options.seed) if options.validate else []
        trained = sorted({*range(len(table))} - {*held_out}) if held_out else range(len(table))
        X, labels = (table.take(trained), [y[row] for row in trained]) if held_out else (table, y)
        model = Perceptron(
            l2=options.l2 if options.l2 is not None else 0.0 if options.l1 else 1 / len(X),
            l1=options.l1,
            class_weight=_weights(options.class_weight, y),
            threads=options.threads,
            callback=progress.step,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the findings are part of the report
            model.fit(X, labels)
        model.callback = None
        report = _report(options, model, table, X, labels)
        if held_out:
            rows = [table.row_numbers[row] for row in held_out]
            report["validation"] = {"held_out": rows, "seed": options.seed, **_evaluated(model, table, y, held_out)}
        text = model.to_json()
    write(options.model, text)
    if options.report is not None:
        _write_page(options.report, model, table, y, held_out)
    if options.json:
        print_json(report)
        return
    for line in _lines(report):
        print(line)


def _check_outputs(options: argparse.Namespace) -> None:
    """Refuse an output file that cannot be written, or that is also an input or another output, before the work begins."""
    others = {"the file of the rows": options.file}
    for option, path in (("--model", options.model), ("--report", options.report)):
        if path is None:
            continue
        if path == "-":
            raise CommandError(f"{option} needs the name of a file; standard output has the report", 2)
        for meaning, other in others.items():
            if os.path.abspath(path) == os.path.abspath(other) or (
                other != "-" and os.path.exists(path) and os.path.exists(other) and os.path.samefile(path, other)
            ):
                raise CommandError(f"{option} {path} is {meaning}: name another one", 2)
        folder = os.path.dirname(path)
        if folder and not os.path.isdir(folder):
            raise CommandError(f"cannot write {path}: there is no folder {folder}")
        if not os.access(folder or ".", os.W_OK):
            raise CommandError(f"cannot write {path}: its folder cannot be written to")
        others["the file of the model"] = path


def _write_page(path: str, model: Any, table: Table, y: Sequence[Any], held_out: Sequence[int]) -> None:
    """Write the page about the model, with its answers for the rows that were left out or, if none were, all."""
    from pyperceptron.report.model import write_model_page  # only here, as few trainings want it

    rows, caveat = "the rows of the training", "A model answers them better than others. "
    if held_out:
        caveat = ""
        table, y, rows = table.take(held_out), [y[row] for row in held_out], "rows that were left out of the training"
    with Writing(path):
        write_model_page(path, model, table, y, rows, caveat)


def _held_out(n_rows: int, part: float, seed: int) -> list[int]:
    """Return the rows to evaluate on: drawn without replacement, the same for the same seed."""
    from random import Random

    count = round(part * n_rows)
    if not 0 < count < n_rows:
        raise CommandError(f"--validate {part:g} of {n_rows} rows leaves none to evaluate or to train on: give another part", 2)
    return sorted(Random(seed).sample(range(n_rows), count))


def _weights(given: Sequence[Any] | None, y: Sequence[Any]) -> Any:
    """Return the class weights as Perceptron takes them."""
    if given is None or given == [("balanced", None)]:
        return None if given is None else "balanced"
    labels = {str(label): label for label in y}
    weights = {}
    for name, value in given:
        if value is None:
            raise CommandError(f"--class-weight {name} is neither balanced nor LABEL=FACTOR", 2)
        if name not in labels:
            raise CommandError(f"--class-weight names {name!r}, which is no label in the target: {_listed(labels)}", 2)
        weights[labels[name]] = value
    return {label: weights.get(label, 1.0) for label in labels.values()}


def _listed(labels: Any) -> str:
    shown = [in_ascii(str(label)) for label in list(labels)[:_CLASSES_SHOWN]]
    return ", ".join(shown) + (", ..." if len(labels) > _CLASSES_SHOWN else "")


def _evaluated(model: Any, table: Table, y: Sequence[Any], rows: Sequence[int]) -> dict[str, Any]:
    """Return the evaluation of a model on some rows."""
    classes = model._require_fitted().classes
    codes = class_codes([y[row] for row in rows], classes)
    return evaluation(classes, codes, flat_probabilities(model, table.take(rows)))


def _report(options: argparse.Namespace, model: Any, table: Table, X: Table, y: Sequence[Any]) -> dict[str, Any]:
    classes = model._require_fitted().classes
    codes = class_codes(y, classes)
    totals = [codes.count(code) for code in range(len(classes.labels))]
    shares = [total / len(codes) for total in totals]
    probabilities = flat_probabilities(model, X)
    correct, actual, _ = class_totals(confusion(codes, most_probable(probabilities, len(totals))), len(totals))
    return {
        "file": options.file,
        "model": options.model,
        "report": options.report,
        "rows": len(X),
        "dropped": table.dropped,
        "has_header": table.has_header,
        "target": table.target,
        "columns": list(table.names),
        "texts": [column["column"] for column in model.encoding_ or () if column["kind"] == "text"],
        "weights": len(model.coef_names_),
        "classes": [
            {"label": label, "rows": total, "share": share}
            for label, total, share in zip(classes.labels, totals, shares, strict=True)
        ],
        "l2": model.l2,
        "l2_is_default": options.l2 is None and not options.l1,
        "l1": model.l1,
        "solver": model.solver_,
        "steps": model.n_iter_,
        "objective": model.history_[-1]["objective"],
        "training": {
            "log_loss": {"value": log_loss(probabilities_of(codes, probabilities)), "base_rate": entropy(shares)},
            "accuracy": {"value": accuracy(correct, actual), "base_rate": max(shares)},
        },
        "findings": model.findings_,
    }


def _lines(report: dict[str, Any]) -> Iterator[str]:
    texts = f", {len(report['texts'])} of them texts" if report["texts"] else ""
    name = "standard input" if report["file"] == "-" else report["file"]
    yield f"{name}: {report['rows']:,} rows, {counted(len(report['columns']), 'column')}{texts}"
    if report["dropped"]:
        yield f"  left out {report['dropped']:,} rows in which a value was missing"
    if not report["has_header"]:
        yield "  no header: the columns are called by position, x0, x1, ..."
    classes = report["classes"]
    yield f"  {in_ascii(str(report['target']))}: {len(classes)} classes"
    shown = classes[:_CLASSES_SHOWN]
    cells = [
        [shortened(in_ascii(str(own["label"])), _LONGEST_NAME), f"{own['rows']:,}", f"{own['share']:.1%}"] for own in shown
    ]
    yield from aligned(cells, indent="    ")
    if len(shown) < len(classes):
        yield f"    ... and {len(classes) - len(shown)} more"
    penalty = f"l2 {report['l2']:.4g}"
    if report["l2_is_default"]:
        penalty += " = 1/rows, as scikit-learn's C = 1 (--l2 changes it)"
    if report["l1"]:
        penalty += f", l1 {report['l1']:.4g}"
    of_each = " for each class" if len(classes) > 2 else ""
    yield f"  {report['weights']:,} weight{'' if report['weights'] == 1 else 's'}{of_each}, {penalty}"
    yield f"  {report['solver']}: {counted(report['steps'], 'step')}, objective {report['objective']:.6g}"
    for finding in report["findings"]:
        yield from wrapped(finding, "  note: ")
    rows = [["", "model", "base rate"]]
    for title, measures in (("on the rows of the training", report["training"]), *_validation(report)):
        for name, words in (("log_loss", "log-loss"), ("accuracy", "accuracy")):
            values = (measures[name]["value"], measures[name]["base_rate"])
            rows.append([f"{words} {title}", *(f"{value:.4f}" for value in values)])
    yield from aligned(rows, indent="  ")
    if "validation" in report:
        yield from _rows_lines(report["validation"])
    yield f"wrote {report['model']}" + ("" if report["report"] is None else f" and {report['report']}")


def _validation(report: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if "validation" in report:
        yield "on the rows left out", report["validation"]["measures"]


def _rows_lines(validation: dict[str, Any]) -> Iterator[str]:
    rows = validation["held_out"]
    shown = ", ".join(map(str, rows[:_ROWS_SHOWN])) + (", ..." if len(rows) > _ROWS_SHOWN else "")
    yield from wrapped(
        f"{len(rows):,} rows were left out of the training, drawn with seed {validation['seed']}: {shown}, counted from 0 in "
        "the file (--json has all of them, and every measure on them)",
        "  ",
    )


def _column_kind(text: str) -> tuple[str, str]:
    name, equals, kind = text.rpartition("=")
    if not equals or kind not in ("number", "text"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a column and its kind, such as zip=text or age=number")
    return name, kind


def _class_weight(text: str) -> tuple[str, float | None]:
    label, equals, value = text.rpartition("=")
    if not equals:
        return text, None
    return label, factor(value)


def _part(text: str) -> float:
    part = factor(text)
    if part >= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a part of the rows, such as 0.2")
    return part
