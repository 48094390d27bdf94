"""How well a classifier answers some rows: a report with every measure, beside that of the base rate."""

from __future__ import annotations

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
    from collections.abc import Iterator, Sequence
    from typing import Any

    from pyperceptron.labels import Classes
    from pyperceptron.metrics import Bin, Numbers

    Report = dict[str, Any]

MATRIX_CLASSES = 256  # up to which a report has the confusion matrix, which grows as their square
_NAMES_IN_NOTE = 5
_SAME = 1e-9  # a difference up to which one value is not called worse than another
MEASURES = {  # what a reader calls each, and whether lower values are better
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
                "label": plain(label),
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


def decimal(value: float | None) -> str:
    """Return a measure with four decimals, "-" for None; nothing but 0 looks like 0, and nothing below 1 like 1."""
    if value is None:
        return "-"
    text = f"{value:.4f}"
    if text == "0.0000" and value:
        return "<0.0001"
    return ">0.9999" if text == "1.0000" and value < 1 else text


def percent(share: float) -> str:
    """Return a share in percent with one decimal, as a reader may take it: only 0 looks like 0, only 1 like 100."""
    text = f"{share:.1%}"
    if text == "0.0%" and share:
        return "<0.1%"
    return ">99.9%" if text == "100.0%" and share < 1 else text


def _matrix(confused: dict[tuple[int, int], float], n_classes: int) -> list[list[float]]:
    return [[confused.get((code, guess), 0) for guess in range(n_classes)] for code in range(n_classes)]


def plain(label: Any) -> str | int | float | bool:
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
    compared = {key: meaning for key, meaning in MEASURES.items() if key != "calibration_error"}  # the base rate's is always 0
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
