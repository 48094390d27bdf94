"""Read y: the classes, and for each row the targets that refer to them."""

from __future__ import annotations

from array import array
from math import fsum, inf

from pyperceptron.checks import counted, named
from pyperceptron.containers import (
    PIECE,
    UNORDERED,
    as_flat,
    as_list,
    list_of,
    numpy_if_loaded,
    pieces,
    read_table,
    refuse_value,
    rows_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from pyperceptron.backends import Backend

MAX_CLASSES = 65_536  # class indices are at most uint16
SMALL = 4096  # rows up to which plain Python is as fast as NumPy
_ROWS_WITH_ONE = 4096  # looked at before the next: most tables of independent outputs are known by the first
_SUM_TOLERANCE = 1e-6  # of the probabilities of a row


class Classes:
    """What a model predicts.

    labels      sorted if they are comparable, else in order of first appearance; if multilabel, the column indices
    multilabel  whether each output is a label of its own, 0 or 1
    dtype       of the NumPy array in which the labels came, and will be given back; None for another container
    """

    def __init__(self, labels: tuple[Any, ...], multilabel: bool, dtype: Any) -> None:
        self.labels = labels
        self.multilabel = multilabel
        self.dtype = dtype

    @property
    def kind(self) -> str:
        """The kind of target that a loss serves: "binary", "multiclass" or "multilabel"."""
        return "multilabel" if self.multilabel else "binary" if len(self.labels) == 2 else "multiclass"

    @property
    def n_outputs(self) -> int:
        """The number of logits: one for two classes, else one for each."""
        return 1 if self.kind == "binary" else len(self.labels)

    def as_numpy(self) -> Any:
        """Return the labels in a NumPy array; NumPy is loaded, because a caller's own array was given."""
        numpy = numpy_if_loaded()
        if self.dtype is not None and self.dtype != object:
            return numpy.array(self.labels, self.dtype)
        plain = all(isinstance(label, (int, float, str, bool)) for label in self.labels)
        if self.dtype is None and plain and len({type(label) for label in self.labels}) == 1:
            return numpy.array(self.labels)
        objects = numpy.empty(len(self.labels), object)
        for index, label in enumerate(self.labels):  # one by one, as NumPy would take a tuple apart
            objects[index] = label
        return objects

    def as_given(self) -> Any:
        """Return the labels in the kind of container in which they came."""
        return self.as_numpy() if self.dtype is not None and numpy_if_loaded() else list(self.labels)


class Targets:
    """The targets of n_rows samples.

    classes  what they refer to
    table    as a LinearLoss takes them: n_rows × 1 class indices or n_rows × n_outputs of 0 and 1, in bytes or uint16; or
             n_rows × n_outputs probabilities in float64
    """

    def __init__(self, classes: Classes, table: memoryview[Any]) -> None:
        self.classes = classes
        self.table = table

    def class_totals(self, sample_weights: array[float] | None) -> list[float]:
        """Return for each class the sum of the weights of its rows, or of weight times probability."""
        n_classes, flat = len(self.classes.labels), as_flat(self.table)
        if self.table.format == "d":
            return _probability_totals(flat, sample_weights, 1 if n_classes == 2 else n_classes)
        totals = [0.0] * n_classes
        if sample_weights is not None:
            for code, weight in zip(flat, sample_weights, strict=True):
                totals[code] += weight
        elif n_classes <= 16:
            for some in pieces(flat):
                codes = some.tobytes()
                for code in range(n_classes):
                    totals[code] += codes.count(code)
        else:
            for code in flat:
                totals[code] += 1
        return totals

    def rarest_class(self, sample_weights: array[float] | None) -> float:
        """Return the weight of the rarest class as a fraction of all; if multilabel, of the rarest 0s or 1s of a column.

        A column that holds a single value is left out.
        """
        if not self.classes.multilabel:
            totals = self.class_totals(sample_weights)
            return min(totals) / fsum(totals)
        n_columns, flat = len(self.classes.labels), as_flat(self.table)
        rarest = total = float(len(flat) // n_columns) if sample_weights is None else fsum(sample_weights)
        for column in range(n_columns):
            own = flat[column::n_columns]
            if sample_weights is None:
                ones = float(sum(own))
            else:
                ones = fsum(weight for value, weight in zip(own, sample_weights, strict=True) if value)
            rarest = min([rarest, *(part for part in (ones, total - ones) if part > 0)])
        return rarest / total

    def is_one_hot(self) -> bool:
        """Return whether each row of three or more 0/1 columns holds exactly one 1.

        Two such columns are fitted as mirror images, so every row gets one class of them.
        """
        n_rows, width = self.table.shape or (0, 0)
        if not self.classes.multilabel or width < 3:
            return False
        for start in range(0, n_rows, _ROWS_WITH_ONE):
            block = as_flat(self.table[start : start + _ROWS_WITH_ONE]).tobytes()
            rows = len(block) // width
            union = 0  # of the columns, a byte for each row
            for column in range(width):
                union |= int.from_bytes(block[column::width])
            if block.count(1) != rows or union != int.from_bytes(b"\1" * rows):
                return False
        return True

    def without_weightless_classes(self, sample_weights: array[float]) -> Targets:
        """Return the targets without classes whose rows all have weight 0; those rows get class 0, without effect on a fit."""
        if self.classes.multilabel or self.table.format == "d" or all(totals := self.class_totals(sample_weights)):
            return self
        kept = [code for code, total in enumerate(totals) if total > 0]
        new_codes = {code: new for new, code in enumerate(kept)}
        labels = tuple(self.classes.labels[code] for code in kept)
        _check_number_of_classes(labels)
        codes = _code_array((new_codes.get(code, 0) for code in as_flat(self.table)), len(labels))
        return Targets(Classes(labels, False, self.classes.dtype), _as_table(codes, 1))


def read_labels(y: Any, n_rows: int) -> Targets:
    """Return the Targets of y: n_rows hashable labels, or an n_rows × n_outputs 0/1 matrix.

    Raises ValueError or TypeError, naming the row, for a missing or unusable label; ValueError if y has another length than
    n_rows, fewer than two classes, or more than MAX_CLASSES.
    """
    opened = _opened(y)
    _check_length(len(opened), n_rows)
    if isinstance(opened, list):
        if opened and all(isinstance(value, list) for value in opened):
            if not all(len(value) == 1 for value in opened):
                return _multilabel(opened, None)
            opened = [value for [value] in opened]
        return _from_values(opened, None)
    if opened.ndim == 2:
        return _multilabel(as_list(opened), opened.dtype)
    if opened.dtype.kind in "biuf" and len(opened) > SMALL:
        return _from_numbers(opened)
    return _from_values(as_list(opened), opened.dtype)


def read_probabilities(y: Any, n_rows: int, backend: Backend) -> Targets:
    """Return the Targets of n_rows probabilities of class 1, or n_rows × k of classes 0 … k-1 whose rows sum to 1.

    Raises ValueError or TypeError for anything else, naming the row if one is at fault, and ValueError if a class has
    probability 0 in every row.
    """
    table = read_table(y, "y", flat=True)
    _check_length(table.n_rows, n_rows)
    outside = backend.first_outside(table.view, 0.0, 1.0)
    if outside >= 0:
        row, column = divmod(outside, table.n_columns)
        value = float(as_flat(table.view)[outside])
        refuse_value("y", row, column, repr(value), "for labels leave targets='labels'", expected="a probability from 0 to 1")
    values = array("d", as_flat(table.view))
    n_columns = table.n_columns
    if n_columns > 1:
        for row in range(n_rows):
            own = slice(row * n_columns, (row + 1) * n_columns)
            total = fsum(values[own])
            if abs(total - 1) > _SUM_TOLERANCE:
                raise ValueError(f"y row {row} sums to {total!r}; expected probabilities that sum to 1: divide by their sum")
            values[own] = array("d", (value / total for value in values[own]))
    if n_columns == 2:
        values, n_columns = values[1::2], 1
    dtype = numpy_if_loaded().dtype(int) if table.container == "numpy" else None
    classes = Classes(tuple(range(max(2, n_columns))), False, dtype)
    targets = Targets(classes, _as_table(values, n_columns))
    for label, probability in enumerate(targets.class_totals(None)):
        if not probability:
            raise ValueError(f"y gives class {label} no probability in any row; expected some: give rows of it too")
    return targets


def label_list(y: Any, n_rows: int) -> list[Any]:
    """Return the labels of n_rows rows as a list; for several outputs, one of lists. Any values will do."""
    opened = _opened(y)
    _check_length(len(opened), n_rows)
    values: list[Any] = opened if isinstance(opened, list) else as_list(opened)
    if all(isinstance(value, list) and len(value) == 1 for value in values):
        return [value for [value] in values]
    return values


def _opened(y: Any) -> Any:
    """Return y as a list, or as a NumPy array of one dimension or two if it came in one; refuse masked labels."""
    numpy = numpy_if_loaded()
    if numpy is not None and not isinstance(y, numpy.ndarray) and hasattr(y, "__array__"):
        y = y.__array__()  # a column of a data frame
    if numpy is not None and isinstance(y, numpy.ndarray):
        if getattr(y, "mask", False) is not False and y.mask.any():
            row = int(y.mask.nonzero()[0][0])
            raise ValueError(f"y row {row} is masked; expected a label: fill it in or drop that row")
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim > 2 or y.ndim == 0:
            raise ValueError(f"y must have one dimension, or two for several outputs; got {y.ndim}")
        return y
    y = rows_of(y, "y")
    try:
        if isinstance(y, (str, bytes, *UNORDERED)):
            raise TypeError
        values: list[Any] = as_list(y) if isinstance(y, memoryview) else list_of(y)
    except TypeError:
        raise TypeError(f"y is {named(y)}; expected a sequence of labels, one for each row of X") from None
    return values


def _check_length(length: int, n_rows: int) -> None:
    if length != n_rows:
        raise ValueError(
            f"y has {counted(length, 'label')} but X has {counted(n_rows, 'row')}: give one label for each row of X"
        )


def _from_values(values: list[Any], dtype: Any) -> Targets:
    found: dict[Any, None] = {}
    try:
        for some in pieces(values):
            found |= dict.fromkeys(some)
    except TypeError:
        row = next(row for row, value in enumerate(values) if not _is_hashable(value))
        raise TypeError(
            f"y row {row} is {named(values[row])}, which cannot be hashed; expected a label such as a number or a string"
        ) from None
    for value in found:
        if value is None or value != value or value in (inf, -inf):
            row = next(row for row, other in enumerate(values) if other is value)
            raise ValueError(f"y row {row} is {value!r}; expected a label: fill it in or drop that row")
    try:
        labels = tuple(sorted(found))
    except TypeError:
        labels = tuple(found)
    _check_number_of_classes(labels)
    code_of = {label: code for code, label in enumerate(labels)}.__getitem__
    codes = _code_array((), len(labels))
    for some in pieces(values):
        codes += _code_array(map(code_of, some), len(labels))
    return Targets(Classes(labels, False, dtype), _as_table(codes, 1))


def _from_numbers(y: Any) -> Targets:
    """As _from_values, for a NumPy array of numbers; some rows at a time, so that no copy of the whole is made."""
    numpy = numpy_if_loaded()
    parts = list(pieces(y))
    labels = _distinct(numpy.concatenate([_distinct(part) for part in parts]))
    if y.dtype.kind == "f" and not numpy.isfinite(labels).all():
        row = int(numpy.flatnonzero(~numpy.isfinite(y))[0])
        raise ValueError(f"y row {row} is {float(y[row])!r}; expected a label: fill it in or drop that row")
    _check_number_of_classes(labels.tolist())
    codes = array("B" if len(labels) <= 256 else "H", [0]) * len(y)
    for part, start in zip(parts, range(0, len(y), PIECE), strict=True):
        found = part == labels[1] if len(labels) == 2 else numpy.searchsorted(labels, part)
        memoryview(codes)[start : start + len(part)] = memoryview(found.astype(codes.typecode))
    return Targets(Classes(tuple(labels.tolist()), False, y.dtype), _as_table(codes, 1))


def _distinct(values: Any) -> Any:
    """As numpy.unique, which imports a module when it is first called: in a child forked meanwhile it would wait for ever."""
    ordered = values.copy()
    ordered.sort()
    differs = ordered != ordered  # False, but for nan
    differs[0] = True
    differs[1:] |= ordered[1:] != ordered[:-1]
    return ordered[differs]


def _multilabel(rows: list[list[Any]], dtype: Any) -> Targets:
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
                    f"y row {index}, column {column} is {named(value)}; expected 0 or 1: a two-dimensional y means "
                    "multi-label, one 0/1 column per label; for one label per row give a flat sequence"
                )
        codes.extend(map(int, row))
    return Targets(Classes(tuple(range(width)), True, dtype), _as_table(codes, width))


def _probability_totals(flat: memoryview[float], sample_weights: array[float] | None, n_columns: int) -> list[float]:
    """Return the weighted sum of each column of probabilities; of a single one, of its complement and of itself."""
    totals = [0.0] * n_columns
    weight_total = 0.0
    for row in range(len(flat) // n_columns):
        weight = 1.0 if sample_weights is None else sample_weights[row]
        weight_total += weight
        for column in range(n_columns):
            totals[column] += weight * flat[row * n_columns + column]
    return totals if n_columns > 1 else [weight_total - totals[0], totals[0]]


def _code_array(codes: Iterable[int], n_classes: int) -> array[int]:
    return array("B", bytes(codes)) if n_classes <= 256 else array("H", list(codes))


def _as_table(values: array[Any], n_columns: int) -> memoryview[Any]:
    return memoryview(values).cast("B").cast(values.typecode, (len(values) // n_columns, n_columns))  # type: ignore


def _check_number_of_classes(labels: Sequence[Any]) -> None:
    if len(labels) < 2:
        raise ValueError(
            f"y has only the label {named(labels[0])}; expected two classes or more: give rows of another class too"
        )
    if len(labels) > MAX_CLASSES:
        raise ValueError(
            f"y has {len(labels):,} different labels; expected at most {MAX_CLASSES:,}: are they measurements, not classes?"
        )


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
