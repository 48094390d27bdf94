"""The report of an evaluation as lines of text."""

from __future__ import annotations

from pyperceptron.checks import counted
from pyperceptron.cli.lines import GAP, WIDTH, aligned, in_ascii, shortened, wrapped
from pyperceptron.evaluation import MEASURES, decimal, percent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from pyperceptron.evaluation import Report, decimal, percent

SHOWN = 20  # classes, and pairs of classes
_LONGEST_NAME = 40
_BAR = 25


def evaluation_lines(report: Report, heading: Callable[[str], str] = str) -> Iterator[str]:
    """Yield what `evaluation` returned as lines of ASCII text of at most 80 characters.

    heading  a function applied to each heading, to print it bold for example
    """
    kinds = report["classes"]
    cells = _class_cells(kinds)
    room = WIDTH - sum(len(GAP) + max(map(len, column)) for column in zip(*cells, strict=True))
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
            yield from wrapped(f"#{code + 1} is {names.full[code]}", hanging=GAP)
    if report["notes"]:
        yield ""
        yield heading("Notes")
        for note in report["notes"]:
            yield from wrapped(f"- {in_ascii(note)}", hanging=GAP)


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
        self.short = self.headings = [shortened(text, width) for text in self.full]
        self.alike: list[int] = []
        widths = [max(map(len, column)) for column in zip(self.short, *matrix, strict=True)]
        is_wide = bool(matrix) and max(map(len, self.short)) + sum(len(GAP) + width for width in widths) > WIDTH
        if is_wide or len(set(self.short)) < len(labels):
            self.headings = [f"#{code + 1}" for code in range(len(labels))]
            longest = len(self.headings[-1])
            short = [shortened(text, width - longest - 1) for text in self.full]
            first = {name: code for code, name in reversed(list(enumerate(short)))}
            twice = {name for code, name in enumerate(short) if first[name] != code}
            self.alike = [code for code, name in enumerate(short) if name in twice]
            self.short = [f"{number:>{longest}} {name}" for number, name in zip(self.headings, short, strict=True)]


def _measure_lines(report: Report, names: _Names) -> Iterator[str]:
    mean = ", mean of the classes" if report["positive"] is None else ""
    rows = [["measure", "model", "always the base rate", "best"]]
    for key, (name, lower) in MEASURES.items():
        values = report["measures"][key]
        name += mean * (key in ("roc_auc", "average_precision"))
        rows.append([name, decimal(values["value"]), decimal(values["base_rate"]), "0" if lower else "1"])
    yield from aligned(rows)
    yield from wrapped(
        "The base rate knows nothing but the shares of the classes in these rows: it gives them as probabilities and predicts "
        "the largest."
    )
    if report["positive"] is not None:
        positive = names.short[report["positive"]].strip()
        yield from wrapped(f"ROC AUC, average precision and calibration are about the probability of the class {positive}.")


def _class_cells(kinds: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Return the headings of the columns about each class, and each class's cells."""
    headings = {"precision": "precision", "recall": "recall", "f1": "F1", "roc_auc": "ROC AUC", "average_precision": "avg prec"}
    keys = [key for key in headings if key in kinds[0]]
    cells = [[f"{kind['rows']:,}", percent(kind["share"]), *(decimal(kind[key]) for key in keys)] for kind in kinds]
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
    yield from aligned([["class", *cells[0]], *([names.short[code], *cells[code + 1]] for code in shown)])
    if len(kinds) > SHOWN:
        empty = sum(not kind["rows"] for kind in kinds)
        yield f"Left out: {len(kinds) - empty - len(shown):,} with an F1 as high or higher, {empty:,} without rows."


def _matrix_cells(report: Report) -> list[list[str]]:
    return [[f"{count:,}" if count else "." for count in row] for row in report["confusion_matrix"]]


def _matrix_lines(names: _Names, matrix: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the confusion matrix, in several blocks of columns if it is too wide for one."""
    columns = list(zip(names.headings, *matrix, strict=True))
    beside = ("", *names.short)
    room = WIDTH - max(map(len, beside))
    width = sum(len(GAP) + max(map(len, column)) for column in columns)
    if width > room:
        widest = len(GAP) + max(len(cell) for column in columns for cell in column)
        in_block = room // widest
        n_blocks = -(-len(columns) // in_block)
        in_block = -(-len(columns) // n_blocks)  # as many in each
    else:
        in_block = len(columns)
    for first in range(0, len(columns), in_block):
        if first:
            yield ""
        yield from aligned(list(zip(beside, *columns[first : first + in_block], strict=True)))


def _confused_lines(report: Report, names: _Names) -> Iterator[str]:
    kinds, pairs = report["classes"], report["confused"]
    if not pairs:
        yield "None: every row is predicted correctly."
        return
    rows = [["class", "predicted as", "rows", "of its rows"]]
    for pair in pairs[:SHOWN]:
        share = percent(pair["rows"] / kinds[pair["actual"]]["rows"])
        rows.append([names.short[pair["actual"]], names.short[pair["predicted"]], f"{pair['rows']:,}", share])
    yield from aligned(rows, "<<>>")
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
    yield from wrapped(f"{about}, | the mean probability.")
    rows = [["probability", "rows", "mean", "fraction", "0" + "1".rjust(_BAR - 1)]]
    for interval in report["calibration"]:
        mean, fraction = interval["mean_probability"], interval["fraction"]
        bar = ""
        if interval["rows"]:
            bar = ("#" * round(fraction * _BAR)).ljust(_BAR)
            place = min(int(mean * _BAR), _BAR - 1)
            bar = f"{bar[:place]}|{bar[place + 1 :]}"
        ends = f"{interval['from']:.1f} to {interval['to']:.1f}"
        rows.append([ends, f"{interval['rows']:,}", decimal(mean), decimal(fraction), bar])
    yield from aligned(rows, "<>>><")


def _text(label: Any) -> str:
    """Return a label in ASCII, a text without quotes unless it is empty or has spaces around it."""
    quoted = ascii(label)
    return quoted[1:-1] if isinstance(label, str) and label and label == label.strip() else quoted


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
