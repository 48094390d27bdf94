"""What a model answers in the form that an evaluation takes, and which labels the texts in a file are."""

from __future__ import annotations

from array import array

from pyperceptron.notation import Notation
from pyperceptron.vectors import float64_copy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pyperceptron.table import Texts


def flat_probabilities(model: Any, table: Any) -> array[float]:
    """Return the probabilities of each row, n_rows × n_classes, in a flat vector."""
    probabilities = model.predict_proba(table)
    if not isinstance(probabilities, list):
        return float64_copy(memoryview(probabilities).cast("B").cast("d"))
    flat = array("d")
    for row in probabilities:
        flat.extend(row)
    return flat


def labels_of(texts: Texts, classes: Sequence[Any]) -> list[Any]:
    """Return for each row the class that its text reads like: "1", "1.0" and "+1" are all 1. A text like none stays a text."""
    named = {str(label): label for label in classes}
    numbers = {float(label): label for label in classes if isinstance(label, (int, float))}
    notation = Notation(".")
    read = []
    for text in map(str.strip, texts.levels):
        number = notation.number(text)
        read.append(named.get(text, text if number is None else numbers.get(number, text)))
    return list(map(read.__getitem__, texts.codes))
