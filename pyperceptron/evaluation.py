"""How well a classifier answers some rows: a report with every measure, and its lines of text."""

from __future__ import annotations

from textwrap import wrap

from pyperceptron.checks import counted, named
from pyperceptron.labels import refuse_outputs
from pyperceptron.metrics import (
    LEAST_PROBABILITY,
    N_BINS,
    accuracy,
    average_precision,
    balanced_accuracy,
    brier_score,
    brier_score_of_shares,
    calibration_bins,
    calibration_error,
    class_totals,
    confusion,
    entropy,
    f1,
    log_loss,
    macro,
    most_probable,
    precision,
    probabilities_of,
    recall,
    roc_auc,
    threshold_curve,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from pyperceptron.labels import Classes
    from pyperceptron.metrics import Bin, Numbers

    Report = dict[str, Any]

MATRIX_CLASSES = 256  # up to which a report has the confusion matrix, which grows as their square
SHOWN = 20  # classes, and pairs of classes, that the lines show
_NAMES_IN_NOTE = 5
_WIDTH = 80
_GAP = "  "
_LONGEST_NAME = 40
_BAR = 25
_SAME = 1e-9  # a difference up to which one value is not called worse than another
_MEASURES = {  # what a reader calls each, and whether lower values are better
    "log_loss": ("log-loss", True),
    "brier_score": ("Brier score", True),
    "accuracy": ("accuracy", False),
    "balanced_accuracy": ("balanced accuracy", False),
    "roc_auc": ("ROC AUC", False),
    "average_precision": ("average precision", False),
    "calibration_error": ("expected calibration error", True),
}


def evaluation(
    classes: Classes, codes: Sequence[int], probabilities: Numbers, predicted: Sequence[int] | None = None
) -> Report:
    """Return how well the predictions for n_rows rows agree with their classes, in types that JSON has.

    codes          for each row the index of its class in classes.labels
    probabilities  n_rows × n_classes, flat, as predict_proba gives them
    predicted      for each row the index of the class that predict gives; None for the most probable one, which differs only
                   where several probabilities are rounded to the same number

    The report is a dictionary:
    rows              n_rows
    positive          of two classes the index of the positive one, 1, which ROC AUC, average precision and calibration are
                      about; of more classes None
    measures          for each measure its "value", and as "base_rate" that of always giving the shares of the classes in these
                      rows as probabilities and the commonest class as prediction; None if undefined, and a note says why. Of
                      three or more classes ROC AUC and average precision are means over the classes that occur, each against
                      the rest
    classes           for each class its "label", the "rows" of it, their "share" of all, the rows "predicted" as it, the
                      "correct" ones among them, "precision", "recall" and "f1" (0 where undefined); of three or more classes
                      also "roc_auc" and "average_precision"
    confusion_matrix  for each class the number of its rows that are predicted as each class; None for more than MATRIX_CLASSES
    confused          for each pair of classes that are confused, most rows first: "actual" and "predicted", indices of classes,
                      and "rows"
    calibration       of N_BINS equal intervals of probability: "from", "to" (included), "rows", their "mean_probability", and
                      the "fraction" of them that is positive; None without rows. Of three or more classes the probability is
                      that of the predicted class, and a row is positive if the prediction is correct
    notes             sentences: which numbers are undefined and why, and what else a reader must know

    Raises ValueError if the model has several outputs, there are no rows, or the lengths disagree.
    """
    refuse_outputs(classes)
    n_rows, n_classes = len(codes), len(classes.labels)
    if not n_rows:
        raise ValueError("there are no rows to evaluate; expected one or more: give rows with their labels")
    if len(probabilities) != n_rows * n_classes:
        raise ValueError(
            f"there are {len(probabilities)} probabilities; expected {n_rows} x {n_classes}: give one for each row and class"
        )
    if predicted is None:
        predicted = most_probable(probabilities, n_classes)
    own = probabilities_of(codes, probabilities)
    confused = confusion(codes, predicted)
    correct, actual, guessed = class_totals(confused, n_classes)
    bins = _bins(codes, probabilities, predicted, n_classes)
    ranked = [1] if n_classes == 2 else list(range(n_classes))  # the classes of which rankings are measured
    rankings = [_ranking(codes, probabilities, code, n_classes) for code in ranked]
    area, area_precision = (macro(ranking[name] for ranking in rankings) for name in ("roc_auc", "average_precision"))
    shares = [total / n_rows for total in actual]
    values = {
        "log_loss": (log_loss(own), entropy(shares)),
        "brier_score": (brier_score(codes, probabilities), brier_score_of_shares(shares)),
        "accuracy": (accuracy(correct, actual), max(shares)),
        "balanced_accuracy": (balanced_accuracy(correct, actual), 1 / sum(total > 0 for total in actual)),
        "roc_auc": (area, None if area is None else 0.5),
        "average_precision": (area_precision, macro(shares[code] or None for code in ranked)),
        "calibration_error": (calibration_error(bins), 0.0),
    }
    report = {
        "rows": n_rows,
        "positive": 1 if n_classes == 2 else None,
        "measures": {name: {"value": value, "base_rate": base_rate} for name, (value, base_rate) in values.items()},
        "classes": [
            {
                "label": _plain(label),
                "rows": int(actual[code]),
                "share": shares[code],
                "predicted": int(guessed[code]),
                "correct": int(correct[code]),
                "precision": precision(correct[code], guessed[code]),
                "recall": recall(correct[code], actual[code]),
                "f1": f1(correct[code], actual[code], guessed[code]),
                **(rankings[code] if n_classes > 2 else {}),
            }
            for code, label in enumerate(classes.labels)
        ],
        "confusion_matrix": _matrix(confused, n_classes) if n_classes <= MATRIX_CLASSES else None,
        "confused": [
            {"actual": code, "predicted": guess, "rows": rows}
            for (code, guess), rows in sorted(confused.items(), key=lambda item: (-item[1], item[0]))
            if code != guess
        ],
        "calibration": [
            {"from": place / N_BINS, "to": (place + 1) / N_BINS, "rows": rows, "mean_probability": mean, "fraction": fraction}
            for place, (rows, mean, fraction) in enumerate(bins)
        ],
    }
    return {**report, "notes": list(_notes(report, sum(p < LEAST_PROBABILITY for p in own)))}


def _matrix(confused: dict[tuple[int, int], float], n_classes: int) -> list[list[float]]:
    return [[confused.get((code, guess), 0) for guess in range(n_classes)] for code in range(n_classes)]


def _plain(label: Any) -> str | int | float | bool:
    """Return a label as JSON has it: as text if it is neither a text, a number nor a truth value."""
    if hasattr(label, "item"):  # a single value of NumPy
        label = label.item()
    return label if type(label) in (str, int, float, bool) else str(label)


def _ranking(codes: Sequence[int], probabilities: Numbers, code: int, n_classes: int) -> dict[str, float | None]:
    """Return the measures of how well a class's probability ranks its rows above the rest."""
    curve = threshold_curve(probabilities[code::n_classes], bytes(actual == code for actual in codes))
    return {"roc_auc": roc_auc(curve), "average_precision": average_precision(curve)}


def _bins(codes: Sequence[int], probabilities: Numbers, predicted: Sequence[int], n_classes: int) -> list[Bin]:
    if n_classes == 2:
        return calibration_bins(probabilities[1::2], codes)
    is_correct = bytes(actual == guess for actual, guess in zip(codes, predicted, strict=True))
    return calibration_bins(probabilities_of(predicted, probabilities), is_correct)


def _notes(report: Report, n_clipped: int) -> Iterator[str]:
    """Yield sentences on what is undefined in a report, and what else a reader must know.

    n_clipped  how many rows have a probability below LEAST_PROBABILITY for their own class
    """
    kinds, measures = report["classes"], report["measures"]
    present = [kind["label"] for kind in kinds if kind["rows"]]
    absent = [kind["label"] for kind in kinds if not kind["rows"]]
    never = [kind["label"] for kind in kinds if not kind["predicted"]]
    if measures["roc_auc"]["value"] is None:
        yield f"ROC AUC is undefined, as every row is of the class {named(present[0])}."
    if measures["average_precision"]["value"] is None:
        yield f"Average precision is undefined, as no row is of the class {named(kinds[1]['label'])}."
    if absent:
        means = "balanced accuracy is the mean"
        if report["positive"] is None:
            means = "balanced accuracy, ROC AUC and average precision are means"
        yield f"No row is of {_listed(absent)}: recall is undefined there and given as 0; {means} over the other classes."
    if never:
        yield f"No row is predicted as {_listed(never)}: precision is undefined there and given as 0."
    if n_clipped:
        yield (
            f"{counted(n_clipped, 'row')} got a probability below {LEAST_PROBABILITY:.2g} for the right class; log-loss takes "
            "that number for it, as scikit-learn does, so the true log-loss is higher."
        )
    compared = {key: meaning for key, meaning in _MEASURES.items() if key != "calibration_error"}  # the base rate's is always 0
    worse = [name for key, (name, lower) in compared.items() if _is_worse(**measures[key], lower=lower)]
    if worse:
        yield f"The model is worse than always giving the base rate in {_joined(worse)}."


def _is_worse(value: float | None, base_rate: float | None, lower: bool) -> bool:
    if value is None or base_rate is None:
        return False
    return value > base_rate + _SAME if lower else value < base_rate - _SAME


def _listed(labels: Sequence[Any]) -> str:
    shown = ", ".join(map(named, labels[:_NAMES_IN_NOTE]))
    more = f" and {len(labels) - _NAMES_IN_NOTE} more" if len(labels) > _NAMES_IN_NOTE else ""
    return f"{'the class' if len(labels) == 1 else 'the classes'} {shown}{more}"


def _joined(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def evaluation_lines(report: Report, heading: Callable[[str], str] = str) -> Iterator[str]:
    """Yield what `evaluation` returned as lines of ASCII text of at most 80 characters.

    heading  a function applied to each heading, to print it bold for example
    """
    kinds = report["classes"]
    cells = _class_cells(kinds)
    room = _WIDTH - sum(len(_GAP) + max(map(len, column)) for column in zip(*cells, strict=True))
    matrix = _matrix_cells(report) if len(kinds) <= SHOWN else []
    names = _Names([kind["label"] for kind in kinds], min(room, _LONGEST_NAME), matrix)
    yield heading(f"Evaluation on {_rows(report['rows'])} of {len(kinds):,} classes")
    yield from _measure_lines(report, names)
    yield ""
    yield heading("Each class")
    shown = _shown_classes(kinds)
    yield from _class_lines(kinds, names, cells, shown)
    yield ""
    if matrix:
        yield heading("Confusion matrix: the rows of a class (down) by the class predicted (across)")
        yield from _matrix_lines(names, matrix)
    else:
        yield heading("The classes confused most")
        yield from _confused_lines(report, names)
    yield ""
    yield heading("Calibration")
    yield from _calibration_lines(report, names)
    confused = {code for pair in report["confused"][:SHOWN] for code in (pair["actual"], pair["predicted"])}
    alike = [code for code in names.alike if code in confused or code in shown]
    if alike:
        yield ""
        yield heading("The full names of classes that look alike when shortened")
        for code in alike:
            yield from _wrapped(f"#{code + 1} is {names.full[code]}", _GAP)
    if report["notes"]:
        yield ""
        yield heading("Notes")
        for note in report["notes"]:
            yield from _wrapped(f"- {_ascii(note)}", _GAP)


class _Names:
    """What the lines call the classes.

    full      each label as text
    short     at most `width` characters of it, all different; numbered ("#3 versicolor") where they would look alike or do not
              fit above the columns of the matrix
    headings  the same, or the numbers alone
    alike     the codes of those that differ in their numbers only
    """

    def __init__(self, labels: Sequence[Any], width: int, matrix: Sequence[Sequence[str]]) -> None:
        texts = [_text(label) for label in labels]
        self.full = texts if len(set(texts)) == len(texts) else [ascii(label) for label in labels]
        self.short = self.headings = [_shortened(text, width) for text in self.full]
        self.alike: list[int] = []
        widths = [max(map(len, column)) for column in zip(self.short, *matrix, strict=True)]
        is_wide = bool(matrix) and max(map(len, self.short)) + sum(len(_GAP) + width for width in widths) > _WIDTH
        if is_wide or len(set(self.short)) < len(labels):
            self.headings = [f"#{code + 1}" for code in range(len(labels))]
            longest = len(self.headings[-1])
            short = [_shortened(text, width - longest - 1) for text in self.full]
            first = {name: code for code, name in reversed(list(enumerate(short)))}
            twice = {name for code, name in enumerate(short) if first[name] != code}
            self.alike = [code for code, name in enumerate(short) if name in twice]
            self.short = [f"{number:>{longest}} {name}" for number, name in zip(self.headings, short, strict=True)]


def _measure_lines(report: Report, names: _Names) -> Iterator[str]:
    mean = ", mean of the classes" if report["positive"] is None else ""
    rows = [["measure", "model", "always the base rate", "best"]]
    for key, (name, lower) in _MEASURES.items():
        values = report["measures"][key]
        name += mean * (key in ("roc_auc", "average_precision"))
        rows.append([name, _decimal(values["value"]), _decimal(values["base_rate"]), "0" if lower else "1"])
    yield from _aligned(rows)
    yield from _wrapped(
        "The base rate knows nothing but the shares of the classes in these rows: it gives them as probabilities and predicts "
        "the largest."
    )
    if report["positive"] is not None:
        positive = names.short[report["positive"]].strip()
        yield from _wrapped(f"ROC AUC, average precision and calibration are about the probability of the class {positive}.")


def _class_cells(kinds: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Return the headings of the columns about each class, and each class's cells."""
    headings = {"precision": "precision", "recall": "recall", "f1": "F1", "roc_auc": "ROC AUC", "average_precision": "avg prec"}
    keys = [key for key in headings if key in kinds[0]]
    cells = [[f"{kind['rows']:,}", _percent(kind["share"]), *(_decimal(kind[key]) for key in keys)] for kind in kinds]
    return [["rows", "share", *(headings[key] for key in keys)], *cells]


def _shown_classes(kinds: Sequence[dict[str, Any]]) -> list[int]:
    """Return the codes of all classes, or of the SHOWN ones with the lowest F1 among those that have rows."""
    if len(kinds) <= SHOWN:
        return list(range(len(kinds)))
    present = [code for code, kind in enumerate(kinds) if kind["rows"]]
    return sorted(present, key=lambda code: kinds[code]["f1"])[:SHOWN]


def _class_lines(
    kinds: Sequence[dict[str, Any]], names: _Names, cells: Sequence[list[str]], shown: Sequence[int]
) -> Iterator[str]:
    yield from _aligned([["class", *cells[0]], *([names.short[code], *cells[code + 1]] for code in shown)])
    if len(kinds) > SHOWN:
        empty = sum(not kind["rows"] for kind in kinds)
        yield f"Left out: {len(kinds) - empty - len(shown):,} with an F1 as high or higher, {empty:,} without rows."


def _matrix_cells(report: Report) -> list[list[str]]:
    return [[f"{count:,}" if count else "." for count in row] for row in report["confusion_matrix"]]


def _matrix_lines(names: _Names, matrix: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the confusion matrix, in several blocks of columns if it is too wide for one."""
    columns = list(zip(names.headings, *matrix, strict=True))
    beside = ("", *names.short)
    room = _WIDTH - max(map(len, beside))
    width = sum(len(_GAP) + max(map(len, column)) for column in columns)
    if width > room:
        widest = len(_GAP) + max(len(cell) for column in columns for cell in column)
        in_block = room // widest
        n_blocks = -(-len(columns) // in_block)
        in_block = -(-len(columns) // n_blocks)  # as many in each
    else:
        in_block = len(columns)
    for first in range(0, len(columns), in_block):
        if first:
            yield ""
        yield from _aligned(list(zip(beside, *columns[first : first + in_block], strict=True)))


def _confused_lines(report: Report, names: _Names) -> Iterator[str]:
    kinds, pairs = report["classes"], report["confused"]
    if not pairs:
        yield "None: every row is predicted correctly."
        return
    rows = [["class", "predicted as", "rows", "of its rows"]]
    for pair in pairs[:SHOWN]:
        share = _percent(pair["rows"] / kinds[pair["actual"]]["rows"])
        rows.append([names.short[pair["actual"]], names.short[pair["predicted"]], f"{pair['rows']:,}", share])
    yield from _aligned(rows, "<<>>")
    left_out = pairs[SHOWN:]
    if left_out:
        yield f"Left out: {counted(len(left_out), 'more pair')}, with {_rows(sum(pair['rows'] for pair in left_out))}."


def _calibration_lines(report: Report, names: _Names) -> Iterator[str]:
    """Yield the table of the bins, each with a bar as long as the fraction and a mark at the mean probability."""
    if report["positive"] is None:
        about = "The probability of the predicted class: # shows the fraction of rows for which it is correct"
    else:
        positive = names.short[report["positive"]].strip()
        about = f"The probability of the class {positive}: # shows the fraction of rows that are of it"
    yield from _wrapped(f"{about}, | the mean probability.")
    rows = [["probability", "rows", "mean", "fraction", "0" + "1".rjust(_BAR - 1)]]
    for interval in report["calibration"]:
        mean, fraction = interval["mean_probability"], interval["fraction"]
        bar = ""
        if interval["rows"]:
            bar = ("#" * round(fraction * _BAR)).ljust(_BAR)
            place = min(int(mean * _BAR), _BAR - 1)
            bar = f"{bar[:place]}|{bar[place + 1 :]}"
        ends = f"{interval['from']:.1f} to {interval['to']:.1f}"
        rows.append([ends, f"{interval['rows']:,}", _decimal(mean), _decimal(fraction), bar])
    yield from _aligned(rows, "<>>><")


def _aligned(rows: Sequence[Sequence[str]], alignments: str = "") -> Iterator[str]:
    """Yield a line for each row, columns aligned as given: the first to the left, others to the right by default."""
    alignments = alignments or "<" + ">" * (len(rows[0]) - 1)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, alignments, widths, strict=True)
        yield _GAP.join(f"{cell:{alignment}{width}}" for cell, alignment, width in cells).rstrip()


def _wrapped(text: str, indent: str = "") -> Iterator[str]:
    """Yield a text as lines, the second and later ones indented."""
    yield from wrap(text, _WIDTH, subsequent_indent=indent)


def _text(label: Any) -> str:
    """Return a label in ASCII, a text without quotes unless it is empty or has spaces around it."""
    quoted = ascii(label)
    return quoted[1:-1] if isinstance(label, str) and label and label == label.strip() else quoted


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode()


def _shortened(text: str, width: int) -> str:
    """Return a text of at most `width` characters: the beginning and the end of a longer one."""
    if len(text) <= width:
        return text
    end = (width - 2) // 2
    return f"{text[: width - 2 - end]}..{text[len(text) - end :]}"


def _decimal(value: float | None) -> str:
    """Return a measure with four decimals, "-" for None; nothing but 0 looks like 0, and nothing below 1 like 1."""
    if value is None:
        return "-"
    text = f"{value:.4f}"
    if text == "0.0000" and value:
        return "<0.0001"
    return ">0.9999" if text == "1.0000" and value < 1 else text


def _percent(share: float) -> str:
    text = f"{share:.1%}"
    if text == "0.0%" and share:
        return "<0.1%"
    return ">99.9%" if text == "100.0%" and share < 1 else text


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
