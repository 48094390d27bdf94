"""Read y: the classes, and for each row the targets that refer to them."""

from __future__ import annotations

from array import array
from math import fsum, inf

from pyperceptron.checks import counted, is_lookalike, is_missing, named, refuse_number
from pyperceptron.containers import (
    NATIVE_FORMATS,
    UNORDERED,
    contiguous,
    listed,
    numpy_array_of,
    read_rows,
    refuse_unreadable,
    rows_of,
)
from pyperceptron.frames import column_names, is_pandas
from pyperceptron.table import Numbering
from pyperceptron.vectors import PIECE, as_flat, as_list, numpy_if_loaded, pieces, to_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence
    from typing import Any, NoReturn

    from pyperceptron.backends import Backend

MAX_CLASSES = 65_536  # class indices are at most uint16
SMALL = 4096  # rows up to which plain Python is as fast as NumPy
_LABELS = 8192  # that are Python objects at the same time, of a column that holds them in another form
_ROWS_WITH_ONE = 4096  # looked at before the next: most tables of independent outputs are known by the first
_EXPECTED = "a sequence of labels, one for each row of X"
_SUM_TOLERANCE = 1e-6  # of the probabilities of a row
_LABELS_SHOWN = 5  # in an error


class Classes:
    """What a model predicts.

    labels      sorted if they are comparable, else in order of first appearance; if multilabel, the column indices
    multilabel  whether each output is a label of its own, 0 or 1
    dtype       of the NumPy array in which the labels came, and will be given back, as NumPy writes it ("<i8", or "|O" for
                objects); None for another container
    name        of the column in which they came; None if it has none
    """

    def __init__(self, labels: tuple[Any, ...], multilabel: bool, dtype: Any, name: Hashable = None) -> None:
        self.labels = labels
        self.multilabel = multilabel
        self.dtype = getattr(dtype, "str", dtype)  # as a text, so that a pickle of it needs no NumPy
        self.name = name

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
        if self.dtype is not None and self.dtype != "|O":
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
    column, dtype, name = _opened(y)
    _check_length(len(column), n_rows)
    if isinstance(column, list) and column and all(isinstance(value, list) for value in column):
        return _multilabel(column, dtype)
    if getattr(column, "ndim", 1) == 2:
        return _multilabel_of_numbers(column, dtype)
    if dtype is not None and column.dtype.kind in "biuf" and len(column) > SMALL:
        targets = _from_numbers(column)
    else:
        targets = _from_values(column, dtype)
    targets.classes.name = name
    return targets


def read_probabilities(y: Any, n_rows: int, backend: Backend) -> Targets:
    """Return the Targets of n_rows probabilities of class 1, or n_rows × k of classes 0 … k-1 whose rows sum to 1.

    Raises ValueError or TypeError for anything else, naming the row if one is at fault, and ValueError if a class has
    probability 0 in every row.
    """
    table = read_rows(y, "y", flat=True)
    _check_length(table.n_rows, n_rows)
    outside = backend.first_outside(table.view, 0.0, 1.0)
    if outside >= 0:
        row, column = divmod(outside, table.n_columns)
        value = float(as_flat(table.view)[outside])
        remedy = "for labels leave targets='labels'"
        refuse_number("y", row, column, table.name_of(column), repr(value), remedy, expected="a probability from 0 to 1")
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
    """Return the labels of n_rows rows as a list; for several outputs, one of lists. Any but missing ones will do."""
    column, _, _ = _opened(y)
    _check_length(len(column), n_rows)
    if getattr(column, "ndim", 1) == 2:
        return as_list(column)
    labels = [value for some in _lists(column) for value in some]
    row = next((row for row, label in enumerate(labels) if is_missing(label)), None)
    if row is not None:
        _refuse_missing(row, labels[row])
    return labels


def class_codes(labels: Sequence[Any], classes: Classes) -> array[int]:
    """Return for each label the index of its class; ValueError naming those that are none of the classes."""
    refuse_outputs(classes)
    code_of = {label: code for code, label in enumerate(classes.labels)}
    try:
        codes = [code_of.get(label, -1) for label in labels]
    except TypeError:
        _refuse_unhashable(enumerate(labels))
    if -1 in codes:
        _refuse_unknown(
            [(row, label) for row, (code, label) in enumerate(zip(codes, labels, strict=True)) if code < 0], classes
        )
    return _code_array(codes, len(classes.labels))


def refuse_outputs(classes: Classes) -> None:
    """Raise ValueError if a row may be of several classes, or of none."""
    if classes.multilabel:
        raise ValueError(
            f"the model has {counted(len(classes.labels), 'output')}, each 0 or 1; expected a single label for each row, as "
            "others cannot be evaluated yet: use score(X, y), the fraction of rows that are right in every output"
        )


def _refuse_unknown(found: list[tuple[int, Any]], classes: Classes) -> NoReturn:
    """Refuse labels that are none of the classes: found, (row, label) of each."""
    first_rows: dict[Any, int] = {}
    for row, label in found:
        first_rows.setdefault(label, row)
    shown = [f"{named(label)} (first in row {row})" for label, row in list(first_rows.items())[:_LABELS_SHOWN]]
    more = f" and {len(first_rows) - _LABELS_SHOWN} more" if len(first_rows) > _LABELS_SHOWN else ""
    known = ", ".join(map(named, classes.labels[:_LABELS_SHOWN])) + ", ..." * (len(classes.labels) > _LABELS_SHOWN)
    raise ValueError(
        f"y has {counted(len(first_rows), 'label')} that the model does not know, in {counted(len(found), 'row')}: "
        f"{', '.join(shown)}{more}; expected {known}: correct them or leave those rows out"
    )


def _opened(y: Any) -> tuple[Any, Any, Hashable]:
    """Return what y holds, the dtype of NumPy that its labels have when they are given back, and the name of its column.

    y becomes a list of labels, or of lists; an array of NumPy or a view of one dimension or two; or a column of pandas, polars
    or pyarrow, whose slices become lists. The dtype is None if y is not NumPy's or pandas', the name if it has none.
    """
    refuse_unreadable(y, "y", _EXPECTED)
    if isinstance(y, bytes):
        raise TypeError(f"y is {named(y)}; expected {_EXPECTED}")
    names = column_names(y)
    if names is not None and len(names) == 1:
        y, name = _only_column(y), names[0]
        return *_opened(y)[:2], name
    if names is not None:
        table = read_rows(y, "y")
        return table.view, None if table.container == "list" else numpy_if_loaded().dtype(int), None
    if is_pandas(y, "Series"):
        if hasattr(y.dtype, "char") or y.dtype.name.startswith("Sparse"):  # NumPy has the dtype
            values = y.to_numpy()
            return values, values.dtype, y.name
        return y.array, _dtype_of_numpy(y.dtype), y.name
    if hasattr(y, "to_list") and hasattr(y, "__arrow_c_stream__"):  # a column of polars
        return y, None, getattr(y, "name", None) or None
    if hasattr(y, "to_pylist"):  # a column of pyarrow
        return y, None, None
    values = numpy_array_of(y, "y")
    if values is not None:
        return *_opened_array(values), None
    try:
        view = memoryview(y)
    except TypeError:
        return _unwrapped(listed(rows_of(y, "y"), "y", _EXPECTED)), None, None
    _check_dimensions(view.ndim)
    if (view.format or "").lstrip("@") not in NATIVE_FORMATS:  # contiguous converts or refuses it
        view = contiguous(view, "y")
    return as_flat(view) if view.ndim == 2 and view.shape and view.shape[1] == 1 else view, None, None


def _opened_array(values: Any) -> tuple[Any, Any]:
    """As _opened, for an array of NumPy; masked labels are refused."""
    if getattr(values, "mask", False) is not False and values.mask.any():
        row = int(values.mask.nonzero()[0][0]) if values.ndim else 0
        raise ValueError(f"y row {row} is masked; expected a label: fill it in or drop that row")
    _check_dimensions(values.ndim)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 1:
        return values, values.dtype
    return values if values.dtype.kind in "biuf" else as_list(values), numpy_if_loaded().dtype(int)


def _only_column(frame: Any) -> Any:
    """Return the column of a data frame that has a single one, or the frame's rows."""
    if is_pandas(frame, "DataFrame"):
        return frame.iloc[:, 0]
    if hasattr(frame, "to_series"):  # polars
        return frame.to_series()
    if hasattr(frame, "to_pylist"):  # pyarrow
        return frame.column(0)
    values = numpy_array_of(frame, "y")
    return rows_of(frame, "y") if values is None else values


def _dtype_of_numpy(dtype: Any) -> Any:
    """Return the dtype of NumPy that holds what a dtype of pandas does: object if it is not one of numbers."""
    numpy_dtype = getattr(dtype, "numpy_dtype", None)
    return numpy_dtype if numpy_dtype is not None and numpy_dtype.kind in "biuf" else numpy_if_loaded().dtype(object)


def _unwrapped(values: list[Any]) -> list[Any]:
    """Return labels that come in rows of their own, [label] or those of a query, as labels; arrays of several become lists."""
    if not values or isinstance(values[0], str) or not hasattr(values[0], "__len__"):
        return values
    if all(hasattr(value, "tolist") and hasattr(value, "__len__") for value in values):
        values = [value.tolist() for value in values]
    alone = all(_is_row(value) and len(value) == 1 for value in values)
    return [value[0] for value in values] if alone else values


def _is_row(value: Any) -> bool:
    """Whether a value is a list, a tuple or a row of a database, which has keys and yet an order."""
    return isinstance(value, (list, tuple)) or (hasattr(value, "keys") and not isinstance(value, UNORDERED))


def _lists(column: Any) -> Iterator[list[Any]]:
    """Yield the labels of a column as short lists, so that no list of all is made."""
    for start in range(0, len(column), _LABELS):
        some = column[start : start + _LABELS]
        if isinstance(some, list):
            yield some
        elif hasattr(some, "to_pylist"):
            yield some.to_pylist()
        elif hasattr(some, "to_list"):
            yield some.to_list()
        else:
            yield to_list(some)


def _check_dimensions(n_dimensions: int) -> None:
    if n_dimensions not in (1, 2):
        raise ValueError(f"y must have one dimension, or two for several outputs; got {n_dimensions}")


def _check_length(length: int, n_rows: int) -> None:
    if length != n_rows:
        raise ValueError(
            f"y has {counted(length, 'label')} but X has {counted(n_rows, 'row')}: give one label for each row of X"
        )


def _from_values(column: Any, dtype: Any) -> Targets:
    numbers = Numbering()
    number_of = numbers.__getitem__
    codes: array[int] = array("B")
    try:
        for some in _lists(column):
            found = list(map(number_of, some))
            if len(numbers) <= 256:
                codes.frombytes(bytes(found))
                continue
            if codes.typecode == "B":
                codes = array("I", codes)
            codes.extend(found)
    except TypeError:
        _refuse_unhashable(_numbered(column))
    for value in numbers:
        if _is_not_finite(value):
            row = next(row for row, other in _numbered(column) if _is_not_finite(other))
            _refuse_missing(row, value)
    try:
        labels: tuple[Any, ...] = tuple(sorted(numbers))
    except TypeError:
        labels = tuple(numbers)
    _check_number_of_classes(labels)
    new_codes = array("H", bytes(2 * len(labels)))
    for code, label in enumerate(labels):
        new_codes[numbers[label]] = code
    if codes.typecode == "B":
        codes = array("B", codes.tobytes().translate(bytes(new_codes.tolist()).ljust(256)))
    else:
        codes = array("H", map(new_codes.__getitem__, codes))
    return Targets(Classes(labels, False, dtype), _as_table(codes, 1))


def _refuse_unhashable(labels: Iterable[tuple[int, Any]]) -> NoReturn:
    row, value = next((row, value) for row, value in labels if not _is_hashable(value))
    raise TypeError(
        f"y row {row} is {named(value)}, which cannot be hashed; expected a label such as a number or a string"
    ) from None


def _is_not_finite(value: Any) -> bool:
    try:
        return is_missing(value) or value in (inf, -inf)
    except Exception:  # its == may give anything
        return False


def _numbered(column: Any) -> Iterator[tuple[int, Any]]:
    return enumerate(value for some in _lists(column) for value in some)


def _from_numbers(y: Any) -> Targets:
    """As _from_values, for a NumPy array of numbers; some rows at a time, so that no copy of the whole is made."""
    numpy = numpy_if_loaded()
    parts = list(pieces(y))
    labels = _distinct(numpy.concatenate([_distinct(part) for part in parts]))
    if y.dtype.kind == "f" and not numpy.isfinite(labels).all():
        row = int(numpy.flatnonzero(~numpy.isfinite(y))[0])
        _refuse_missing(row, float(y[row]))
    _check_number_of_classes(labels.tolist())
    codes = array("B" if len(labels) <= 256 else "H", [0]) * len(y)
    for part, start in zip(parts, range(0, len(y), PIECE), strict=True):
        # No index is beyond the last class, even if another thread changes y meanwhile.
        found = part == labels[1] if len(labels) == 2 else numpy.searchsorted(labels[:-1], part)
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
    _check_width(width)
    codes = array("B")
    for index, row in enumerate(rows):
        if len(row) != width:
            raise ValueError(
                f"y row {index} has {counted(len(row), 'number')} but row 0 has {width}: give every row one for each output"
            )
        for column, value in enumerate(row):
            if not _is_0_or_1(value):
                _refuse_indicator(index, column, value)
        codes.extend(map(int, row))
    return Targets(Classes(tuple(range(width)), True, dtype), _as_table(codes, width))


def _multilabel_of_numbers(values: Any, dtype: Any) -> Targets:
    """As _multilabel, for an array of NumPy or a view of two dimensions; some rows at a time."""
    width = values.shape[1]
    _check_width(width)
    numpy = numpy_if_loaded()
    codes = array("B")
    for some in pieces(values):
        if numpy:
            block = numpy.asarray(some)
            right = bool(((block == 0) | (block == 1)).all())
        else:
            block = [value for row in some.tolist() for value in row]
            right = {*block} <= {0, 1}
        if not right:
            row, column = next((r, c) for r, row in enumerate(some.tolist()) for c, v in enumerate(row) if not _is_0_or_1(v))
            _refuse_indicator(len(codes) // width + row, column, some.tolist()[row][column])
        codes.frombytes(block.astype("B").tobytes()) if numpy else codes.extend(map(int, block))
    return Targets(Classes(tuple(range(width)), True, dtype), _as_table(codes, width))


def _refuse_missing(row: int, label: Any) -> NoReturn:
    raise ValueError(f"y row {row} is {named(label)}; expected a label: fill it in or drop that row")


def _check_width(width: int) -> None:
    if width < 2:
        raise ValueError("y is empty in its second dimension: give a column for each output")


def _is_0_or_1(value: Any) -> bool:
    try:
        return not (isinstance(value, (str, bytes, complex)) or is_lookalike(value)) and bool(value == 0 or value == 1)
    except Exception:
        return False


def _refuse_indicator(row: int, column: int, value: Any) -> NoReturn:
    raise ValueError(
        f"y row {row}, column {column} is {named(value)}; expected 0 or 1: a two-dimensional y means "
        "multi-label, one 0/1 column per label; for one label per row give a flat sequence"
    )


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
