"""The labels that a caller hands over, checked and made into numbers of classes, and back."""

from __future__ import annotations

import sys
from array import array
from math import inf

from pyperceptron.checks import counted, named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

_MOST_CLASSES = 65_536  # as many as two bytes can tell apart
_ROWS_AT_ONCE = 65_536


class Labels:
    """The targets of n_rows samples.

    classes     the labels, sorted where they can be, else in the order of their first rows; for several outputs their numbers
    codes       which class each row is of, n_rows × 1; or, where `multilabel`, n_rows × n_outputs of 0 and 1: bytes, or
                uint16 where there are more than 256 classes
    multilabel  whether each output is a label of its own
    dtype       the NumPy array's in which the labels came, and will be given back; None for another container
    """

    __slots__ = ("classes", "codes", "dtype", "multilabel")

    def __init__(self, classes: tuple[Any, ...], codes: memoryview[int] | None, multilabel: bool, dtype: Any) -> None:
        self.classes = classes
        self.codes = codes
        self.multilabel = multilabel
        self.dtype = dtype

    @property
    def kind(self) -> str:
        """The kind of target that a loss serves: "binary", "multiclass" or "multilabel"."""
        return "multilabel" if self.multilabel else "binary" if len(self.classes) == 2 else "multiclass"

    def flat_codes(self) -> memoryview[int]:
        """The codes in one dimension."""
        assert self.codes is not None
        return self.codes.cast("B").cast(self.codes.format)  # type: ignore

    def class_weights(self, sample_weights: array[float] | None) -> list[float]:
        """Σ s over the rows of each class."""
        totals = [0.0] * len(self.classes)
        if sample_weights is not None:
            for code, weight in zip(self.flat_codes(), sample_weights, strict=True):
                totals[code] += weight
        elif len(totals) <= 16:
            flat = self.flat_codes()
            for start in range(0, len(flat), _ROWS_AT_ONCE):  # some at a time, so that no copy of the whole is made
                some = flat[start : start + _ROWS_AT_ONCE].tobytes()
                for code in range(len(totals)):
                    totals[code] += some.count(code)
        else:
            for code in self.flat_codes():
                totals[code] += 1
        return totals

    def of_weighty_rows(self, sample_weights: array[float]) -> Labels:
        """Without the classes of which every row weighs 0; those rows, which count nothing, become rows of another class."""
        if self.multilabel or all(totals := self.class_weights(sample_weights)):
            return self
        kept = [number for number, total in enumerate(totals) if total > 0]
        new_numbers = {number: new for new, number in enumerate(kept)}
        classes = tuple(self.classes[number] for number in kept)
        _check_classes(classes)
        codes = _codes((new_numbers.get(code, 0) for code in self.flat_codes()), len(classes))
        return Labels(classes, codes, self.multilabel, self.dtype)

    def without_codes(self) -> Labels:
        """The classes alone, as a fitted model keeps them."""
        return Labels(self.classes, None, self.multilabel, self.dtype)

    def as_numpy(self) -> Any:
        """The classes in a NumPy array, which is there because a caller's own array was."""
        numpy = sys.modules["numpy"]
        if self.dtype is not None and self.dtype != object:
            return numpy.array(self.classes, self.dtype)
        plain = all(isinstance(label, (int, float, str, bool)) for label in self.classes)
        if self.dtype is None and plain and len({type(label) for label in self.classes}) == 1:
            return numpy.array(self.classes)
        objects = numpy.empty(len(self.classes), object)
        for index, label in enumerate(self.classes):  # one by one, as NumPy would take a tuple apart
            objects[index] = label
        return objects

    def as_given(self) -> Any:
        """The classes in the kind of container in which the labels came."""
        return self.as_numpy() if self.dtype is not None and "numpy" in sys.modules else list(self.classes)


def read_labels(labels: Any, n_rows: int) -> Labels:
    """A label for each of n_rows rows: any hashable ones, in one dimension, or 0 and 1 in two (several outputs, a column each).

    ValueError or TypeError says which row has none, or that there are too few or too many of them.
    """
    opened = _opened(labels)
    if isinstance(opened, list):
        _check_length(len(opened), n_rows)
        if opened and all(isinstance(value, list) for value in opened):
            if all(len(value) == 1 for value in opened):
                opened = [value for [value] in opened]
            else:
                return _several_outputs(opened, None)
        return _from_values(opened, None)
    _check_length(len(opened), n_rows)
    if opened.ndim == 2:
        return _several_outputs(opened.tolist(), opened.dtype)
    if opened.dtype.kind in "biuf":
        return _from_numbers(opened, sys.modules["numpy"])
    return _from_values(opened.tolist(), opened.dtype)


def label_list(labels: Any, n_rows: int) -> list[Any]:
    """The labels of n_rows rows as a list; for several outputs, one of lists.

    ValueError or TypeError as from read_labels, but of the labels themselves nothing is asked.
    """
    opened = _opened(labels)
    _check_length(len(opened), n_rows)
    values: list[Any] = opened if isinstance(opened, list) else opened.tolist()
    if all(isinstance(value, list) and len(value) == 1 for value in values):
        return [value for [value] in values]
    return values


def _opened(labels: Any) -> Any:
    """The labels as a list, or as a NumPy array of one dimension or two if they came in one; masked ones are refused."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and not isinstance(labels, numpy.ndarray) and hasattr(labels, "__array__"):
        labels = labels.__array__()  # a column of a data frame
    if numpy is not None and isinstance(labels, numpy.ndarray):
        if getattr(labels, "mask", False) is not False and labels.mask.any():
            raise ValueError(
                f"y row {int(labels.mask.nonzero()[0][0])} is masked; expected a label: fill it in or drop that row"
            )
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.ndim > 2 or labels.ndim == 0:
            raise ValueError(f"y has {counted(labels.ndim, 'dimension')}; expected one, or two for several outputs")
        return labels
    try:
        if isinstance(labels, (str, bytes, dict, set, frozenset)):
            raise TypeError
        values: list[Any] = labels.tolist() if isinstance(labels, memoryview) else list(labels)
    except TypeError:
        raise TypeError(f"y is {named(labels)}; expected a sequence of labels, one for each row of X") from None
    return values


def _check_length(length: int, n_rows: int) -> None:
    if length != n_rows:
        raise ValueError(
            f"y has {counted(length, 'label')} but X has {counted(n_rows, 'row')}: give one label for each row of X"
        )


def _from_values(values: list[Any], dtype: Any) -> Labels:
    try:
        found = dict.fromkeys(values)
    except TypeError:
        row = next(row for row, value in enumerate(values) if not _hashable(value))
        raise TypeError(
            f"y row {row} is {named(values[row])}, which cannot be hashed; expected a label such as a number or a string"
        ) from None
    for value in found:
        if value is None or value != value or value in (inf, -inf):
            row = next(row for row, other in enumerate(values) if other is value)
            raise ValueError(f"y row {row} is {value!r}; expected a label: fill it in or drop that row")
    classes = _sorted(found)
    numbers = {value: number for number, value in enumerate(classes)}
    return Labels(classes, _codes(map(numbers.__getitem__, values), len(classes)), multilabel=False, dtype=dtype)


def _from_numbers(labels: Any, numpy: Any) -> Labels:
    """As _from_values, for a NumPy array of numbers; some rows at a time, so that no copy of the whole is made."""
    parts = [labels[start : start + _ROWS_AT_ONCE] for start in range(0, len(labels), _ROWS_AT_ONCE)]
    if len(labels) <= 4096:  # where NumPy's own start-up would cost more than it saves
        return _from_values(labels.tolist(), labels.dtype)
    classes = numpy.unique(numpy.concatenate([numpy.unique(part) for part in parts]))
    if labels.dtype.kind == "f" and not numpy.isfinite(classes).all():
        row = int(numpy.flatnonzero(~numpy.isfinite(labels))[0])
        raise ValueError(f"y row {row} is {float(labels[row])!r}; expected a label: fill it in or drop that row")
    _check_classes(classes.tolist())
    codes = array("B" if len(classes) <= 256 else "H", [0]) * len(labels)
    for part, start in zip(parts, range(0, len(labels), _ROWS_AT_ONCE), strict=True):
        found = part == classes[1] if len(classes) == 2 else numpy.searchsorted(classes, part)
        memoryview(codes)[start : start + len(part)] = memoryview(found.astype(codes.typecode))
    return Labels(tuple(classes.tolist()), _table(codes, 1), multilabel=False, dtype=labels.dtype)


def _several_outputs(rows: list[list[Any]], dtype: Any) -> Labels:
    width = len(rows[0])
    if width < 2:
        raise ValueError("y is empty in its second dimension: give a column for each output")
    codes = array("B")
    for index, row in enumerate(rows):
        if len(row) != width:
            raise ValueError(
                f"y row {index} has {counted(len(row), 'number')} but row 0 has {width}: give every row one for each output"
            )
        for column, value in enumerate(row):
            if not isinstance(value, (int, float)) or value not in (0, 1):
                raise ValueError(
                    f"y row {index}, column {column} is {named(value)}; expected 0 or 1: for several outputs y says of each "
                    "column whether it applies; for one label a row give a flat sequence"
                )
        codes.extend(map(int, row))
    return Labels(tuple(range(width)), _table(codes, width), multilabel=True, dtype=dtype)


def _codes(numbers: Iterable[int], n_classes: int) -> memoryview[int]:
    return _table(array("B", bytes(numbers)) if n_classes <= 256 else array("H", list(numbers)), 1)


def _table(codes: array[int], n_columns: int) -> memoryview[int]:
    return memoryview(codes).cast("B").cast(codes.typecode, (len(codes) // n_columns, n_columns))  # type: ignore


def _sorted(found: Iterable[Any]) -> tuple[Any, ...]:
    try:
        classes = tuple(sorted(found))
    except TypeError:
        classes = tuple(found)
    _check_classes(classes)
    return classes


def _check_classes(classes: Sequence[Any]) -> None:
    if len(classes) < 2:
        raise ValueError(
            f"y has only the label {named(classes[0])}; expected two classes or more: give rows of another class too"
        )
    if len(classes) > _MOST_CLASSES:
        raise ValueError(
            f"y has {len(classes):,} different labels; expected at most {_MOST_CLASSES:,}: are they measurements, not classes?"
        )


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
