"""What the exports write: the numbers, labels and names of a model, and pieces of text that several languages share."""

from __future__ import annotations

from math import isfinite

from pyperceptron.checks import counted, named
from pyperceptron.table import MISSING_WORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Hashable, Iterator, Sequence
    from typing import Any, NoReturn

    from pyperceptron.encoding import ColumnEncoding

MOST_WRITTEN_OUT = 16  # products of a weighted sum; in languages whose loops are fast, more are in a loop
_ON_A_LINE = 32  # numbers; longer rows are broken after each _ON_A_BROKEN_LINE
_ON_A_BROKEN_LINE = 8
WORDS = sorted(MISSING_WORDS)


def added(first: str, second: str) -> str:
    """Return the sum of two expressions, with brackets that keep the order of the additions."""
    return f"{bracketed(first)} + {bracketed(second)}"


def bracketed(expression: str) -> str:
    """Return an expression in brackets if it is a sum."""
    return f"({expression})" if " + " in expression else expression


class Description:
    """A model as the exports see it.

    coefficients  n_outputs × width, each output's together, its intercept last if there is one
    activation    the name of the activation that maps logits to probabilities
    partial_sums  how many partial sums each weighted sum is added from, as the backend that predicts does: 1, 4 or 8. Number j
                  goes into the (j mod partial_sums)th, so that the logits are those of the backend to the bit
    labels        of the classes; None if each output is a label of its own, 0 or 1, or if there are no labels
    multilabel    whether each output is a label of its own
    names         of the columns as given, as texts; None if they have none
    columns       how each column as given becomes some of the n_inputs numbers; None if it is a number itself
    """

    def __init__(
        self,
        coefficients: array[float],
        n_outputs: int,
        n_inputs: int,
        activation: str,
        partial_sums: int,
        *,
        labels: Sequence[Any] | None = None,
        multilabel: bool = False,
        names: Sequence[Hashable] | None = None,
        columns: Sequence[ColumnEncoding] | None = None,
    ) -> None:
        width = len(coefficients) // n_outputs
        self.rows = [coefficients[first : first + width].tolist() for first in range(0, len(coefficients), width)]
        self.n_outputs = n_outputs
        self.n_inputs = n_inputs
        self.has_intercept = width > n_inputs
        self.activation = activation
        self.partial_sums = min(partial_sums, n_inputs)  # those beyond would stay 0
        self.labels = None if labels is None or multilabel else tuple(map(plain_label, labels))
        self.multilabel = multilabel
        self.names = None if names is None else tuple(map(str, names))
        self.columns = columns
        self._order = partial_sums

    @property
    def row(self) -> str:
        """What a row holds, in words: "30 numbers" or, if columns become numbers, "14 values"."""
        return counted(self.n_inputs, "number") if self.columns is None else counted(len(self.columns), "value")

    @property
    def number_names(self) -> tuple[str, ...] | None:
        """The name of each of the n_inputs numbers; None if the columns have none."""
        return self.names if self.columns is None else tuple(name for column in self.columns for name in column.coef_names)

    @property
    def predicts(self) -> bool:
        """Whether there are labels to predict: a layer has outputs only."""
        return self.multilabel or self.labels is not None

    def total(self, name: Callable[[int], str], add: Callable[[str, str], str] = added) -> str:
        """Return the expression that adds the partial sums, name(0) and so on, in the order in which the backends do."""
        names = [name(i) if i < self.partial_sums else "" for i in range(self._order)]
        while len(names) > 1:  # the upper half is added to the lower
            half = len(names) // 2
            names = [add(*pair) if pair[1] else pair[0] for pair in zip(names[:half], names[half:], strict=True)]
        return names[0]

    def logit(self, name: Callable[[int], str], intercept: str, add: Callable[[str, str], str] = added) -> str:
        """Return the expression that adds the partial sums and, if there is one, the intercept."""
        total = self.total(name, add)
        return add(total, intercept) if self.has_intercept else total


def plain_label(label: Any) -> Any:
    """Return a label as a str, int, float, bool, bytes, date, datetime or tuple of these; ValueError if it is none."""
    if type(label).__module__ == "numpy" and getattr(label.dtype, "kind", "") in "biufUSM":  # a number, text or date of NumPy
        plain = label.item()
        if label.dtype.kind == "M" and type(plain) is int:
            refuse_label(label, "an export cannot hold nanoseconds", "give dates or texts")
        label = plain
    kind = type(label)
    if kind is tuple:
        return tuple(map(plain_label, label))
    if kind is float and not isfinite(label):
        refuse_label(label, "no source text can hold it", "give finite numbers")
    is_date = kind.__module__ == "datetime" and kind.__name__ in ("date", "datetime")
    if is_date and getattr(label, "tzinfo", None) is not None:
        refuse_label(label, "an export cannot hold a time with a zone", "give texts, as isoformat() does")
    if not is_date and kind not in (str, int, float, bool, bytes):
        refuse_label(label, f"an export cannot hold a value of type {kind.__name__}", "give texts or numbers")
    return label


def refuse_label(label: Any, why: str, remedy: str) -> NoReturn:
    raise ValueError(f"the label {named(label)} cannot be exported, as {why}: {remedy} as labels in fit")


def whole_text(number: int) -> str:
    """Return a whole number as text; in base 16 if Python prints it in no other."""
    return hex(number) if number.bit_length() > 10_000 else str(number)


def number_rows(rows: Sequence[Sequence[float]], brackets: str, indent: str) -> Iterator[str]:
    """Yield lines, each a row of numbers in brackets and a comma; long rows are broken. Every number is read back exactly."""
    for row in rows:
        if len(row) <= _ON_A_LINE:
            last = "," if brackets == "()" and len(row) == 1 else ""  # a tuple of Python
            yield f"{indent}{brackets[0]}{', '.join(map(repr, row))}{last}{brackets[1]},"
            continue
        yield f"{indent}{brackets[0]}"
        for first in range(0, len(row), _ON_A_BROKEN_LINE):
            comma = "," if first + _ON_A_BROKEN_LINE < len(row) else ""
            yield f"{indent}{indent}{', '.join(map(repr, row[first : first + _ON_A_BROKEN_LINE]))}{comma}"
        yield f"{indent}{brackets[1]},"


def written_by() -> str:
    """Return what the first comment of an export says of its origin: no date and no path."""
    from pyperceptron import __version__

    return f"written by pyperceptron {__version__}"


def filled(template: str, fields: dict[str, str]) -> str:
    """Return a template with each @NAME@ replaced by that field."""
    pieces = template.split("@")
    pieces[1::2] = [fields[name] for name in pieces[1::2]]
    return "".join(pieces)
