"""`pyperceptron inspect`: show what a model was trained on, and its weights by size."""

from __future__ import annotations

from math import exp, inf

from pyperceptron.checks import counted
from pyperceptron.cli.files import load_classifier
from pyperceptron.cli.lines import aligned, in_ascii, print_json, shortened, wrapped
from pyperceptron.cli.parser import whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Sequence
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


def inspection(model: Any) -> dict[str, Any]:
    """Return what there is to say of a fitted Perceptron, in types that JSON has.

    weights  for each output its "label", its "intercept" and its "weights", each with the "name" of what it belongs to, its
             change of the logit "per_unit", and "per_deviation" of that column in the training, None if that is not known;
             "factor" is e to the power of the first, by which a unit multiplies the odds. Those come first that change most
    """
    fitted = model._require_fitted()
    deviations = fitted.record.deviations
    names, width = fitted.coef_names, fitted.width
    outputs = []
    for number, label in enumerate(_labels(fitted)):
        own = fitted.coefficients[number * width : (number + 1) * width].tolist()
        intercept = own.pop() if fitted.intercept else None
        weights = [
            {
                "name": name,
                "per_unit": weight,
                "per_deviation": None if deviations is None else weight * deviations[place],
                "factor": _exp(weight),
            }
            for place, (name, weight) in enumerate(zip(names, own, strict=True))
        ]
        size = "per_unit" if deviations is None else "per_deviation"
        weights.sort(key=lambda weight: -abs(weight[size]))
        outputs.append({"label": label, "intercept": intercept, "weights": weights})
    return {
        "target": None if fitted.classes.name is None else str(fitted.classes.name),
        "classes": [_plain(label) for label in fitted.classes.labels],
        "multilabel": fitted.classes.multilabel,
        "columns": None if fitted.names is None else list(map(str, fitted.names)),
        "encoding": model.encoding_,
        "rows": fitted.record.n_rows,
        "solver": fitted.record.solver,
        "steps": fitted.record.n_iter,
        "loss": model.loss,
        "l2": model.l2,
        "l1": model.l1,
        "objective": fitted.record.history[-1]["objective"] if fitted.record.history else None,
        "findings": fitted.record.findings,
        "weights": outputs,
    }


def _labels(fitted: Any) -> Sequence[Any]:
    """Return what each output is about: of two classes the second."""
    labels = [_plain(label) for label in fitted.classes.labels]
    return labels[1:] if fitted.classes.kind == "binary" else labels


def _plain(label: Any) -> str | int | float | bool:
    return label if type(label) in (str, int, float, bool) else str(label)


def _exp(weight: float) -> float | None:
    try:
        factor = exp(weight)
    except OverflowError:
        factor = inf
    return factor if factor < inf else None


def _lines(path: str, report: dict[str, Any], top: int) -> Iterator[str]:
    classes = report["classes"]
    of_target = "" if report["target"] is None else f" of {in_ascii(report['target'])}"
    kind = "independent outputs" if report["multilabel"] else "classes"
    yield f"{path}: {len(classes)} {kind}{of_target}"
    facts = [("classes", ", ".join(in_ascii(str(label)) for label in classes))]
    if report["rows"]:
        facts.append(("trained on", f"{report['rows']:,} rows of {_columns(report)}"))
        facts.append(("solver", f"{report['solver']}, {counted(report['steps'], 'step')}, objective {report['objective']:.6g}"))
    facts.append(("penalty", f"l2 {report['l2']:.4g}, l1 {report['l1']:.4g}"))
    for name, text in facts:
        yield from wrapped(text, f"  {name:<12}")
    for finding in report["findings"]:
        yield from wrapped(finding, f"  {'finding':<12}")
    for output in report["weights"]:
        yield ""
        yield from _weight_lines(report, output, top)


def _digits(number: float | None) -> str:
    if number is None:
        return "over 1e308"
    return f"{number:.4f}" if 0.1 <= abs(number) < 10 else f"{number:.4g}"


def _columns(report: dict[str, Any]) -> str:
    encoding = report["encoding"]
    count = len(report["weights"][0]["weights"]) if encoding is None else len(encoding)
    texts = sum(column["kind"] == "text" for column in encoding or ())
    return counted(count, "column") + (f", {texts} of them texts" if texts else "")


def _weight_lines(report: dict[str, Any], output: dict[str, Any], top: int) -> Iterator[str]:
    weights = output["weights"]
    label = in_ascii(str(output["label"]))
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
        rows.append([name, *map(_digits, numbers)])
    yield from aligned(rows, indent="  ")
    if len(weights) > top:
        yield f"  ... and {len(weights) - top} more: --top {len(weights)}"
