"""The weight of each row: its sample weight times the weight of its class."""

from __future__ import annotations

from array import array
from math import fsum

from pyperceptron.checks import is_missing, named, positive_number
from pyperceptron.samples import read_sample_weights
from pyperceptron.vectors import as_flat, pieces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyperceptron.backends import Backend
    from pyperceptron.labels import Targets

    Numbers = array[float]

_LIGHTEST_CLASS = 1e-100  # as a fraction of the heaviest: its rows still have a part in every sum of a fit


def read_weights(
    targets: Targets, sample_weight: Any, class_weight: Any, n_rows: int, backend: Backend
) -> tuple[Targets, Numbers | None]:
    """Return the targets without classes of weight 0, and the weight of each row, at most 1: None if all are 1.

    sample_weight  a number for each row, or None
    class_weight   None, "balanced", or a mapping from labels to factors

    Raises ValueError or TypeError for weights that cannot be used, or that nearly weigh a class out.
    """
    weights, given = None, targets.classes.labels
    if sample_weight is not None:
        raw = read_sample_weights(sample_weight, n_rows, backend)
        largest = max(map(max, pieces(raw)))  # divided by it, so that their sum neither overflows nor underflows
        weights = array("d", (weight / largest for weight in raw))
        if not min(filter(None, raw)) / largest:  # a weight was lost
            _refuse_lost_classes(targets, raw, weights)
        targets = targets.without_weightless_classes(weights)
    if class_weight is not None:
        if isinstance(class_weight, str):  # "balanced"
            _refuse_light_class(targets, weights, "sample_weight")
            totals = targets.class_totals(weights)
            factors = [fsum(totals) / (len(totals) * total) for total in totals]
        else:
            factors = class_factors(class_weight, targets.classes.labels, given)
        factors = [factor / max(factors) for factor in factors]
        of_rows = (factors[code] for code in as_flat(targets.table))
        if weights is None:
            weights = array("d", of_rows)
        else:
            weights = array("d", (weight * factor for weight, factor in zip(weights, of_rows, strict=True)))
    if weights is not None and not targets.classes.multilabel and targets.table.format != "d":
        words = [("sample_weight", sample_weight), ("class_weight", class_weight)]
        _refuse_light_class(targets, weights, " and ".join(word for word, value in words if value is not None))
    return targets, weights


def class_factors(class_weight: Any, labels: tuple[Any, ...], known: tuple[Any, ...]) -> list[float]:
    """Return the factor of each label from a mapping, 1 for a label without an entry.

    known  the labels and those of rows of weight 0

    An entry for an unknown label is ignored if every label has one of its own; else it may be a misspelt label: ValueError.
    """
    entries = list(class_weight.items())
    factors = dict(entries)
    if len(factors) < len(entries):
        raise ValueError("class_weight names a label twice; expected one factor for each label: leave one out")
    missing = [label for label in labels if label not in factors]
    unknown = [label for label in factors if is_missing(label) or label not in known] if missing else []
    for key in unknown:
        for label in missing:
            if _text(key) == _text(label):
                kind = type(label).__name__
                remedy = f"convert them, as {kind}(...) does" if _converts(key, label) else "give the labels themselves"
                raise ValueError(
                    f"class_weight names {named(key)}, of type {type(key).__name__}, but y has {named(label)}, of type {kind}; "
                    f"expected keys that are labels of y: {remedy}"
                )
    if unknown:
        raise ValueError(
            f"class_weight names {named(unknown[0])}, which is no label in y, but not {named(missing[0])}, which is: "
            "leave it out, or name every label of y"
        )
    return [positive_number(factors.get(label, 1.0), f"class_weight[{named(label)}]") for label in labels]


def _text(label: Any) -> str:
    """Return how a label reads without its type: 1, 1.0 and '1' are alike, as are True and 'true'."""
    text = label.decode(errors="replace") if isinstance(label, bytes) else str(label)
    return text.strip().lower().removesuffix(".0")


def _converts(key: Any, label: Any) -> bool:
    """Whether the type of the label makes the label of the key."""
    try:
        return type(label) in (int, float, str) and bool(type(label)(key) == label)
    except (TypeError, ValueError):
        return False


def _refuse_lost_classes(targets: Targets, raw: Numbers, weights: Numbers) -> None:
    """Raise ValueError if all weights of a class are 0, but not all its raw ones."""
    if targets.classes.multilabel or targets.table.format == "d":
        return
    labels, totals = targets.classes.labels, targets.class_totals(weights)
    for code, weight in zip(as_flat(targets.table), raw, strict=True):
        if weight and not totals[code]:
            raise _light_class(labels[code], named(labels[totals.index(max(totals))]), "sample_weight")


def _refuse_light_class(targets: Targets, weights: Numbers | None, words: str) -> None:
    """Raise ValueError if a class has next to no weight; `words` names what gave the weights."""
    totals = targets.class_totals(weights)
    lightest, heaviest = min(totals), max(totals)
    if lightest < _LIGHTEST_CLASS * heaviest:
        labels = targets.classes.labels
        raise _light_class(labels[totals.index(lightest)], named(labels[totals.index(heaviest)]), words)


def _light_class(label: Any, heaviest: str, words: str) -> ValueError:
    return ValueError(
        f"class {named(label)} weighs less than {_LIGHTEST_CLASS} times as much as class {heaviest} under {words}; expected "
        "weights that differ less: choose less extreme ones"
    )
