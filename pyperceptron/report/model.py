"""The page about a fitted Perceptron: how well it answers, what it weighs, how it was trained, and what the data are."""

from __future__ import annotations

from array import array
from math import fsum

from pyperceptron.checks import counted
from pyperceptron.drawing import STYLE, clipped
from pyperceptron.evaluation import MEASURES, decimal, evaluation, percent
from pyperceptron.inspection import columns_in_words, digits, inspection
from pyperceptron.labels import Classes, class_codes, label_list, read_labels
from pyperceptron.report.charts import bar, calibration_chart
from pyperceptron.report.html import LONGEST, Html, cell, element, joined, table
from pyperceptron.report.page import asset, page
from pyperceptron.svg import curve, neuron
from pyperceptron.table import Table, Texts, level_of
from pyperceptron.vectors import as_flat
from pyperceptron.whole_file import write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from pyperceptron.containers import Rows
    from pyperceptron.evaluation import Report
    from pyperceptron.model import FittedModel
    from pyperceptron.table import Column

    Facts = dict[str, Any]

_WEIGHTS, _WEIGHTS_OF_MANY = 20, 8  # shown at once, of one output and of each of several
_MORE_WEIGHTS = 500  # where a reader asks for more
_OUTPUTS = 10
_MATRIX_CLASSES = 20  # of a whole confusion matrix; the commonest confusions of more
_PAIRS = 15
_CLASSES = 50
_COLUMNS = 100
_STEPS = 15
_HEATS = 4


def write_model_page(
    path: str | os.PathLike[str], model: Any, X: Any = None, y: Any = None, rows: str = "the rows given", caveat: str = ""
) -> None:
    """Write the page about a fitted Perceptron; with X and their labels y also how well it answers them.

    rows    what to call the rows of X in a sentence
    caveat  a sentence about what is measured on them

    Raises ValueError and TypeError as `predict` and `score` do, NotFittedError, and OSError. A file is then as it was before.
    """
    from pyperceptron import __version__

    fitted = model._require_fitted()
    facts = inspection(model)
    title, style = "What the model learned", asset("page.css") + asset("model.css")
    sections = [_findings(facts)]
    data = [_section("The data", element("p", "No rows were given. With X and y this page says how well the model answers."))]
    if X is not None:
        given, evaluations = _answers(fitted, model.targets, X, y)
        sections += _answer_sections(facts, evaluations, f"Measured on {rows}", caveat)
        data = list(_data(facts, _columns(fitted, given), rows))
    sections += [*_weight_sections(model, facts), _training(model, facts), *data]
    body = joined(
        [
            element("header", element("h1", title), element("p", _summary(facts), id="summary")),
            element("main", joined(sections)),
            element("footer", element("p", f"Written by pyperceptron {__version__}. The page needs no network.")),
        ]
    )
    write_whole(path, page(title, body, style, other_styles=[STYLE]))


def _summary(facts: Facts) -> str:
    classes = facts["classes"]
    shown = ", ".join(clipped(str(label), LONGEST) for label in classes[:_OUTPUTS]) + ", ..." * (len(classes) > _OUTPUTS)
    what = counted(len(classes), "independent output") if facts["multilabel"] else f"{len(classes)} classes"
    target = "" if facts["target"] is None else f" of {clipped(facts['target'], LONGEST)}"
    trained = f" Trained on {facts['rows']:,} rows of {columns_in_words(facts)}." if facts["rows"] else ""
    return f"{what}{target}: {shown}.{trained}"


def _section(title: str, *content: str | None, half: bool = False) -> Html:
    return element("section", element("h2", title), *content, class_="half" if half else "whole", aria_label=title)


def _notes(*sentences: str) -> Html:
    return joined(element("p", sentence, class_="note") for sentence in sentences)


def _facts(pairs: Iterable[tuple[str, str]]) -> Html:
    return element("dl", *(part for name, text in pairs for part in (element("dt", name), element("dd", text))), class_="facts")


def _details(summary: str, *content: str) -> Html:
    return element("details", element("summary", summary), *content)


def _picture(svg: str, label: str, is_wide: bool = False) -> Html:
    shape = "scroll picture wide" if is_wide else "scroll picture"
    return element("div", Html(svg), class_=shape, tabindex="0", role="group", aria_label=label)


def _findings(facts: Facts) -> Html:
    findings = [element("p", finding, class_="finding") for finding in facts["findings"]]
    if not findings:
        none = "The training has no findings: nothing about it needs attention."
        findings = [element("p", none if facts["rows"] else "There was no training, so there are no findings.")]
    return _section("Findings", *findings)


# How well the model answers.


def _answers(fitted: FittedModel, targets: str, X: Any, y: Any) -> tuple[Rows | Table, list[tuple[str, Report]]]:
    """Return X as it was read, and an evaluation: for a model of independent outputs one for each, with its name.

    targets  the model's parameter
    """
    given, results = fitted._predict(X, fitted.activation, max(2, fitted.n_outputs))
    probabilities = results if isinstance(results, array) else array("d", results.tobytes())
    classes, n_rows = fitted.classes, len(given)
    if not classes.multilabel:
        labels = label_list(y, n_rows)
        if targets == "probabilities" and not {*labels} <= {*classes.labels}:
            raise ValueError(
                "y holds probabilities; expected a label for each row, as answers are compared with what came true"
            )
        return given, [("", evaluation(classes, class_codes(labels, classes), probabilities))]
    matrix, n_outputs = read_labels(y, n_rows), len(classes.labels)
    if not matrix.classes.multilabel or len(matrix.classes.labels) != n_outputs:
        raise ValueError(
            f"y is no matrix of 0 and 1 with {n_outputs} columns; expected one, as in fit: give a column for each output"
        )
    evaluations = []
    flat, yes_or_no = as_flat(matrix.table), Classes((0, 1), False, None)
    for output in range(min(n_outputs, _OUTPUTS)):
        own = probabilities[output::n_outputs]
        pairs = array("d", [part for probability in own for part in (1.0 - probability, probability)])
        codes = array("H", map(int, flat[output::n_outputs]))
        evaluations.append((f", output {classes.labels[output]}", evaluation(yes_or_no, codes, pairs)))
    return given, evaluations


def _answer_sections(facts: Facts, evaluations: Sequence[tuple[str, Report]], measured: str, caveat: str) -> Iterator[Html]:
    for of_output, report in evaluations:
        about = (
            f"{measured} ({report['rows']:,}). {caveat}The base rate is what anyone could say without a model: the shares of "
            "the classes in these rows."
        )
        measures = [element("p", about), _measures(report), _notes(*report["notes"])]
        yield _section(f"How well it answers{of_output}", *measures, half=True)
        yield _section(f"Calibration{of_output}", *_calibration(report), half=True)
        yield _section(f"Confusion{of_output}", *_confusion(report), half=True)
        yield _section(f"The classes{of_output}", *_classes(report), half=True)
    left_out = len(facts["classes"]) - _OUTPUTS
    if facts["multilabel"] and left_out > 0:
        yield _section("Outputs that are not evaluated", element("p", f"{counted(left_out, 'output')} more."))


def _measures(report: Report) -> Html:
    rows = []
    for key, (name, lower) in MEASURES.items():
        values = report["measures"][key]
        rows.append([name, element("strong", decimal(values["value"])), decimal(values["base_rate"]), "0" if lower else "1"])
    return table("Measures", ["measure", "model", "base rate", "best"], rows)


def _classes(report: Report) -> Iterator[Html]:
    kinds = report["classes"]
    headings = {"precision": "precision", "recall": "recall", "f1": "F1", "roc_auc": "ROC AUC"}
    keys = [key for key in headings if key in kinds[0]]
    rows = [
        [str(kind["label"]), f"{kind['rows']:,}", percent(kind["share"]), *(decimal(kind[key]) for key in keys)]
        for kind in kinds[:_CLASSES]
    ]
    yield table("Classes", ["class", "rows", "share", *(headings[key] for key in keys)], rows)
    if len(kinds) > _CLASSES:
        yield _notes(f"Shown are the first {_CLASSES} of {len(kinds):,} classes.")
    yield _notes(
        "Precision: the part of the rows predicted as a class that are of it. Recall: the part of its rows predicted as it."
    )


def _confusion(report: Report) -> Iterator[Html]:
    labels = [str(kind["label"]) for kind in report["classes"]]
    if len(labels) > _MATRIX_CLASSES:
        pairs, count = report["confused"][:_PAIRS], counted(len(report["confused"]), "pair")
        rows = [[labels[pair["actual"]], labels[pair["predicted"]], f"{pair['rows']:,}"] for pair in pairs]
        yield table("Classes that are confused most often", ["class", "predicted as", "rows"], rows)
        yield _notes(f"Shown are {len(pairs)} of {count} of classes that are confused.")
        return
    lines = []
    for code, counts in enumerate(report["confusion_matrix"]):
        total = report["classes"][code]["rows"]
        cells = [cell(f"{count:,}", _heat(count, total, code == guess)) for guess, count in enumerate(counts)]
        lines.append([labels[code], *cells])
    yield table("Confusion matrix", ["class", *labels], lines)
    yield _notes("A line holds the rows of a class, a column those that are predicted as one. Blue is right, orange is wrong.")


def _heat(count: int, total: int, is_right: bool) -> str:
    """Return the style of a cell: the larger the part of its class, the darker."""
    return f"{'right' if is_right else 'wrong'} heat-{-(-_HEATS * count // total) if total else 0}"


def _calibration(report: Report) -> Iterator[Html]:
    intervals = report["calibration"]
    if report["positive"] is None:
        what = "Each dot: the mean probability of some predictions, and the part of them that is correct."
    else:
        label = _name(report["classes"][report["positive"]]["label"])
        what = f"Each dot: the mean probability of {label} in some rows, and the part of them that is of it."
    yield _picture(calibration_chart(intervals), "Calibration")
    yield _notes(f"{what} On the diagonal a probability means what it says. The larger a dot, the more rows.")
    rows = [
        [f"{own['from']:.1f} to {own['to']:.1f}", f"{own['rows']:,}", *map(decimal, (own["mean_probability"], own["fraction"]))]
        for own in intervals
    ]
    yield _details("The numbers", table("Calibration", ["probability", "rows", "mean", "fraction"], rows))


# What the model weighs.


def _weight_sections(model: Any, facts: Facts) -> Iterator[Html]:
    outputs = facts["weights"]
    has_deviations = outputs[0]["weights"][0]["per_deviation"] is not None
    size = "per_deviation" if has_deviations else "per_unit"
    largest = max(abs(output["weights"][0][size]) for output in outputs)
    yield _section("The neuron" if len(outputs) == 1 else "The neurons", _picture(neuron(model), "The neurons", is_wide=True))
    for output in outputs[:_OUTPUTS]:
        yield _section(
            f"What speaks for {'output ' * facts['multilabel']}{_name(output['label'])}",
            *_weights(facts, output, size, largest),
            half=len(outputs) > 1,
        )
    if len(outputs) > _OUTPUTS:
        yield _section("More outputs", element("p", f"Shown are the first {_OUTPUTS} of {counted(len(outputs), 'output')}."))


def _weights(facts: Facts, output: dict[str, Any], size: str, largest: float) -> Iterator[Html]:
    weights, has_deviations = output["weights"], size == "per_deviation"
    is_alone = len(facts["weights"]) == 1 or facts["multilabel"]
    factor = "odds ratio" if is_alone else "factor"
    keys = ["per_deviation", "per_unit"] if has_deviations else ["per_unit"]
    head = ["weight of", "size", *(key.replace("_", " ") for key in keys), factor]
    rows = [[own["name"], bar(own[size], largest), *(digits(own[key]) for key in [*keys, "factor"])] for own in weights]
    at_once = _WEIGHTS if len(facts["weights"]) == 1 else _WEIGHTS_OF_MANY
    yield table("Weights by size", head, rows[:at_once])
    more, left_out = rows[at_once : at_once + _MORE_WEIGHTS], len(weights) - at_once
    if more:
        shown = f"The next {len(more)} of {left_out:,} more" if len(more) < left_out else f"{counted(left_out, 'weight')} more"
        yield _details(shown, table("More weights", head, more))
    if output["intercept"] is not None:
        yield _notes(f"The intercept, the weighted sum where every column is 0, is {output['intercept']:.6g}.")
    if output is facts["weights"][0]:
        meaning = "what it makes of the odds"
        if not is_alone:
            meaning = "e to that power; this one over another class's is what becomes of the odds between the two"
        yield _notes(f"Per unit: what one more of a column adds to the weighted sum. {factor.capitalize()}: {meaning}.")
    if output is facts["weights"][0] and has_deviations:
        yield _notes("Per deviation: the same for a standard deviation of the column in the training, to compare columns.")


# How it was trained.


def _training(model: Any, facts: Facts) -> Html:
    history = model.history_
    if not history:
        return _section("The training", element("p", "The weights were given: there was no training."))
    last = history[-1]
    pairs = [
        ("Solver", f"{facts['solver']}, {counted(facts['steps'], 'step')}"),
        ("Passes over the data", f"{last['passes']:,}"),
        ("Objective", f"{last['objective']:.9g} = loss {last['loss']:.9g} + penalty {last['penalty']:.9g}"),
        ("Penalty", f"l2 {facts['l2']:.4g}, l1 {facts['l1']:.4g}"),
        ("Gradient norm", f"{last['gradient_norm']:.3g} at the end"),
    ]
    if "seconds" in last:
        pairs.append(("Time", f"{last['seconds']:.3g} s"))
    content = [_facts(pairs)]
    if len(history) > 1:
        content.append(_picture(curve(history), "The objective at each step", is_wide=True))
    every = -(-len(history) // _STEPS)
    shown = [*history[:-1:every], last]
    names = ("objective", "loss", "penalty", "gradient_norm", "step_size", "passes", "seconds")
    keys = [name for name in names if name in last]
    rows = [[f"{step['iteration']:,}", *(f"{step[key]:.6g}" for key in keys)] for step in shown]
    table_of_steps = table("Steps of the training", ["step", *(key.replace("_", " ") for key in keys)], rows)
    content.append(
        _details(
            "The history" if every == 1 else f"{len(shown)} of the {len(history):,} entries of the history", table_of_steps
        )
    )
    return _section("The training", *content)


# What the data are.


def _columns(fitted: FittedModel, given: Rows | Table) -> Iterator[tuple[str, Column]]:
    """Yield the name and the values of each column, as the model takes them."""
    if isinstance(given, Table):
        yield from given.columns.items()
        return
    flat, count = as_flat(given.view), given.n_columns
    for place, name in enumerate(fitted.coef_names):
        yield name, array("d", flat[place::count].tolist())


def _data(facts: Facts, columns: Iterable[tuple[str, Column]], rows: str) -> Iterator[Html]:
    known = {own["column"]: own.get("levels", ()) for own in facts["encoding"] or ()}
    numbers: list[list[str]] = []
    texts: list[list[str]] = []
    for name, column in columns:
        if isinstance(column, Texts):
            texts.append([str(name), *(_text_cells(column, known[name]) if len(texts) < _COLUMNS else ())])
        else:
            numbers.append([str(name), *(_number_cells(column) if len(numbers) < _COLUMNS else ())])
    is_half = bool(numbers and texts)
    if numbers:
        shown = table("Columns of numbers", ["column", "lowest", "mean", "highest", "missing"], numbers[:_COLUMNS])
        yield _section("Columns of numbers", shown, _counts(numbers, rows), half=is_half)
    if texts:
        shown = table("Columns of texts", ["column", "texts", "commonest", "its share", "missing", "unknown"], texts[:_COLUMNS])
        unknown = _notes("Unknown: rows with a text that the training did not have, for which the column adds nothing.")
        yield _section("Columns of texts", shown, _counts(texts, rows), unknown, half=is_half)


def _counts(lines: Sequence[object], rows: str) -> Html:
    return _notes(f"In {rows}." if len(lines) <= _COLUMNS else f"In {rows}, the first {_COLUMNS} of {len(lines):,} columns.")


def _number_cells(column: Sequence[float]) -> list[str]:
    present = [number for number in column if number == number]
    missing = f"{len(column) - len(present):,}"
    if not present:
        return ["-", "-", "-", missing]
    return [f"{min(present):.6g}", f"{fsum(present) / len(present):.6g}", f"{max(present):.6g}", missing]


def _text_cells(column: Texts, known: Sequence[str]) -> list[str]:
    counts: dict[str | None, int] = {}
    for text, count in zip(column.levels, column.counts(), strict=True):
        level = level_of(text)
        counts[level] = counts.get(level, 0) + count
    missing = counts.pop(None, 0)
    counts = {level: count for level, count in counts.items() if count}
    unknown = sum(count for level, count in counts.items() if level not in known)
    if not counts:
        return ["0", "-", "-", f"{missing:,}", "0"]
    commonest = max(counts, key=lambda level: counts[level])
    return [f"{len(counts):,}", _name(commonest), percent(counts[commonest] / len(column)), f"{missing:,}", f"{unknown:,}"]


def _name(label: Any) -> str:
    return clipped(str(label), LONGEST)
