"""`pyperceptron inspect`: show what a model was trained on, and its weights by size."""

from __future__ import annotations

from pyperceptron.checks import counted
from pyperceptron.cli.files import load_classifier
from pyperceptron.cli.lines import aligned, in_ascii, print_json, shortened, wrapped
from pyperceptron.cli.parser import whole_number
from pyperceptron.inspection import columns_in_words, digits, inspection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator
    from typing import Any

    from pyperceptron.cli.parser import Parser

_SHOWN = 20
_LONGEST_NAME = 40


def set_up(parser: Parser) -> None:
    parser.example = "pyperceptron inspect model.json"
    parser.description = "Show what a model was trained on, and its weights, the largest first."
    parser.set_defaults(run=run)
    parser.add_argument("model", metavar="MODEL", help="a file that train or save wrote")
    parser.add_argument(
        "--top",
        metavar="N",
        type=whole_number(1, 2**31),
        default=_SHOWN,
        help="how many weights of each output to show (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")


def run(options: Namespace) -> None:
    model = load_classifier(options.model)
    report = inspection(model)
    if options.json:
        print_json(report)
        return
    for line in _lines(options.model, report, options.top):
        print(line)


def _lines(path: str, report: dict[str, Any], top: int) -> Iterator[str]:
    classes = report["classes"]
    of_target = "" if report["target"] is None else f" of {in_ascii(report['target'])}"
    kind = "independent outputs" if report["multilabel"] else "classes"
    yield f"{path}: {len(classes)} {kind}{of_target}"
    facts = [("classes", ", ".join(in_ascii(str(label)) for label in classes))]
    if report["rows"]:
        facts.append(("trained on", f"{report['rows']:,} rows of {columns_in_words(report)}"))
        facts.append(("solver", f"{report['solver']}, {counted(report['steps'], 'step')}, objective {report['objective']:.6g}"))
    facts.append(("penalty", f"l2 {report['l2']:.4g}, l1 {report['l1']:.4g}"))
    for name, text in facts:
        yield from wrapped(text, f"  {name:<12}")
    for finding in report["findings"]:
        yield from wrapped(finding, f"  {'finding':<12}")
    for output in report["weights"]:
        yield ""
        yield from _weight_lines(report, output, top)


def _weight_lines(report: dict[str, Any], output: dict[str, Any], top: int) -> Iterator[str]:
    weights = output["weights"]
    label = "output " * report["multilabel"] + in_ascii(str(output["label"]))
    yield f"What speaks for {label}: {counted(len(weights), 'weight')}" + (
        "" if output["intercept"] is None else f", intercept {output['intercept']:.6g}"
    )
    has_deviations = weights[0]["per_deviation"] is not None
    softmax = len(report["weights"]) > 1 and not report["multilabel"]
    head = ["", "per unit", *(["per deviation"] if has_deviations else []), "factor" if softmax else "odds ratio"]
    rows = [head]
    for weight in weights[:top]:
        numbers = [weight["per_unit"], *([weight["per_deviation"]] if has_deviations else []), weight["factor"]]
        name = shortened(in_ascii(weight["name"]), _LONGEST_NAME)
        rows.append([name, *map(digits, numbers)])
    yield from aligned(rows, indent="  ")
    if len(weights) > top:
        yield f"  ... and {len(weights) - top} more: --top {len(weights)}"
