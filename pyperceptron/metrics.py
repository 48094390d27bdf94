"""How well predictions agree with y."""

from __future__ import annotations

from pyperceptron.checks import counted, named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyperceptron.labels import Classes


def are_correct(predicted: list[Any], expected: list[Any], classes: Classes) -> list[bool]:
    """Return for each row whether the prediction is what was expected; ValueError if no label expected is a class."""
    if classes.multilabel:
        expected = [list(row) if hasattr(row, "__iter__") and not isinstance(row, str) else row for row in expected]
    try:
        correct = [bool(own == given) for own, given in zip(predicted, expected, strict=True)]
    except (TypeError, ValueError):  # pandas.NA and arrays have no truth value
        correct = [_is_same(own, given) for own, given in zip(predicted, expected, strict=True)]
    if any(correct):
        return correct
    if classes.multilabel:
        n_columns = len(classes.labels)
        if not any(isinstance(row, list) and len(row) == n_columns for row in expected):
            raise ValueError(
                f"y row 0 is {named(expected[0])}; expected {counted(n_columns, 'number')}, each 0 or 1, as fit was given: "
                "give a column for each output"
            )
    elif not any(_is_one_of(label, classes.labels) for label in expected):
        raise ValueError(
            f"no label of y is a class of the model: y has {named(expected[0])} where classes_ has {named(classes.labels[0])}; "
            "expected labels such as fit was given: convert y to them"
        )
    return correct


def _is_same(own: Any, given: Any) -> bool:
    try:
        return bool(own == given)
    except (TypeError, ValueError):
        return False


def _is_one_of(label: Any, labels: tuple[Any, ...]) -> bool:
    return any(_is_same(own, label) for own in labels)
