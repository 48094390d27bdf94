"""A model as a module for Python 3.8 or later that imports only from the standard library."""

from __future__ import annotations

from pyperceptron.checks import counted
from pyperceptron.exports.description import WORDS, added, bracketed, filled, number_rows, plain_label, whole_text, written_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from pyperceptron.encoding import ColumnEncoding
    from pyperceptron.exports.description import Description

# A sum that is written out takes half the time of a loop, but its numbers stand twice in the text.
_MOST_COLUMNS_WRITTEN_OUT = 256
_MOST_NUMBERS_WRITTEN_OUT = 1024
_MOST_LITERALS = 10_000  # Python needs a kilobyte and 7 us to read one; more numbers stand in a text
_NAMES_ON_A_LINE = 16
_TERMS_ON_A_LINE = 8
_LONGEST_SUM = 100  # characters on a line
_NEXT_ELEMENT = ",\n"


def source(model: Description, prefix: str) -> str:
    """Return the module's text, with predict_proba(row) and, but for a layer, predict(row). The prefix is not used."""
    parts = [_head(model), _constants(model), _PROBABILITIES[model.activation]]
    if model.labels is not None:
        parts.append(_PREDICT_BINARY if model.n_outputs == 1 else _PREDICT_CLASS)
    elif model.multilabel:
        parts.append(_PREDICT_LABELS)
    parts += _logits(model) if model.columns is None else _logits_of_values(model, model.columns)
    if model.activation in ("sigmoid", "normalized_sigmoid"):
        parts.append(_SIGMOID)
    if model.activation in ("softmax", "normalized_sigmoid"):
        parts.append(_SOFTMAX)
    parts.append(_OVERFLOWING)
    return "\n\n\n".join(part.strip("\n") for part in parts) + "\n"


def _head(model: Description) -> str:
    functions = "predict_proba(row) and predict(row)" if model.predicts else "predict_proba(row)"
    named = ", in the order of `names`" if model.names else ""
    lines = [f'"""A linear model of pyperceptron: {functions}, where a row is {model.row}{named}.', ""]
    if model.columns is not None:
        lines += [*filled(_OF_VALUES, {"INPUTS": str(model.n_inputs)}).strip("\n").splitlines(), ""]
    lines += [f"This module needs Python 3.8 or later and nothing else. It was {written_by()}.", '"""', ""]
    names = [] if model.columns is None else [_name(column) for column in model.columns]
    if any(map(_holds_date, [*(model.labels or ()), *names])):
        lines.append("import datetime")
    if model.columns is not None:
        lines.append("from array import array")
    lines.append("from math import exp, isfinite")
    if model.columns is not None:
        lines.append("from operator import itemgetter")
    return "\n".join(lines)


def _constants(model: Description) -> str:
    lines = []
    if model.labels is not None:
        lines += ["classes = (", *(f"    {_literal(label)}," for label in model.labels), ")"]
    if model.columns is not None:
        lines += ["names = (", *(f"    {_literal(_name(column))}," for column in model.columns), ")", *_columns(model.columns)]
    elif model.names:
        lines += ["names = (", *(f"    {name!a}," for name in model.names), ")"]
    intercept = ", the intercept last" if model.has_intercept else ""
    lines.append(f"# The weights of each output{intercept}.")
    if sum(map(len, model.rows)) <= _MOST_LITERALS:
        lines += ["WEIGHTS = (", *number_rows(model.rows, "()", "    "), ")"]
    else:
        rows = [" ".join(map(repr, row)) for row in model.rows]
        lines += ['WEIGHTS = [[float(number) for number in row.split()] for row in """', *rows, '""".strip().splitlines()]']
    return "\n".join(lines)


def _name(column: ColumnEncoding) -> Any:
    """Return the name by which a mapping has a column: its own if the export can hold it, else the text of it."""
    try:
        return plain_label(column.name)
    except ValueError:
        return str(column.name)


def _columns(columns: Sequence[ColumnEncoding]) -> Iterator[str]:
    """Yield the lines of COLUMNS, a tuple for each column."""
    yield from _ABOUT_COLUMNS.strip("\n").splitlines()
    yield "COLUMNS = ("
    for column in columns:
        missing = column.places.get(None)
        if column.levels is None:
            yield f"    ({column.first}, {column.fill!r}, {missing}, None),"
            continue
        yield f"    ({column.first}, None, {missing}, {{"
        yield from (f"        {level!a}: {column.places[level]}," for level in column.levels)
        yield "    }),"
    yield ")"
    yield f"MISSING = frozenset({WORDS!a})"


def _literal(label: Any) -> str:
    if isinstance(label, tuple):
        return f"({', '.join(map(_literal, label))}{',' * (len(label) == 1)})"
    if type(label) is int:
        return whole_text(label)
    return ascii(label)


def _holds_date(label: Any) -> bool:
    return any(map(_holds_date, label)) if isinstance(label, tuple) else hasattr(label, "isoformat")


def _logits(model: Description) -> list[str]:
    """Return the functions that make the logits of a row, the single one of two classes or a list: written out or in a loop."""
    n, count, single = model.n_inputs, model.partial_sums, model.activation == "binary_sigmoid"
    template = _LOGIT if single else _LOGITS
    if n <= _MOST_COLUMNS_WRITTEN_OUT and n * model.n_outputs <= _MOST_NUMBERS_WRITTEN_OUT:
        unpacked = f"    {_unpacked([f'x{j}' for j in range(n)])} = row\n"
        sums = [_written_out(model, row) for row in model.rows]
        text = _block(sums[0]) if single else f"[{_indented(_NEXT_ELEMENT.join(sums) + ',')}]"
        return [filled(template, {"UNPACKED": unpacked, "SUMS": text.replace("\n", "\n    ")})]
    in_loop = "_weighted_sum(row, WEIGHTS[0])" if single else "[_weighted_sum(row, weights) for weights in WEIGHTS]"
    total = model.logit("sums[{}]".format, f"weights[{n}]")
    return [
        filled(template, {"UNPACKED": "", "SUMS": in_loop}),
        filled(_WEIGHTED_SUM, {"INPUTS": str(n), "COUNT": str(count), "TOTAL": total}),
    ]


def _logits_of_values(model: Description, columns: Sequence[ColumnEncoding]) -> list[str]:
    """Return the functions that make the logits of a row of raw values, as those of _logits."""
    n, count, single = model.n_inputs, model.partial_sums, model.activation == "binary_sigmoid"
    fields = {
        "INPUTS": str(n),
        "VALUES": counted(len(columns), "value"),
        "COLUMNS": str(len(columns)),
        "COUNT": str(count),
        "TOTAL": model.logit("sums[{}]".format, f"weights[{n}]"),
    }
    is_quick = single and len(columns) <= _MOST_COLUMNS_WRITTEN_OUT
    templates = [_LOGIT_OF_VALUES if single else _LOGITS_OF_VALUES, _NUMBERS]
    if is_quick:
        fields |= _quick_fields(model, columns)
        templates = [_QUICK_LOGIT, _LOGIT_OF_VALUES.replace("def _logit(", "def _careful_logit("), _NUMBERS]
    return [filled(template, fields) for template in templates]


def _quick_fields(model: Description, columns: Sequence[ColumnEncoding]) -> dict[str, str]:
    weights, count = model.rows[0], model.partial_sums
    levels, sums = [], []
    for index, column in enumerate(columns):
        if column.levels is None:
            sums.append(f"s[{column.first % count}] += x{index} * {weights[column.first]!r}")
        else:
            levels.append(f"_LEVELS_{index} = _terms_of_levels({index})")
            sums.append(f"i, w = _LEVELS_{index}[x{index}]; s[i] += w")
    by_name = "itemgetter(*names)" if len(columns) > 1 else "lambda row: (row[names[0]],)"
    return {
        "LEVELS": "\n".join([*levels, f"_by_name = {by_name}"]),
        "UNPACKED": _unpacked([f"x{index}" for index in range(len(columns))]).replace("\n", "\n    "),
        "SUMS": "\n        ".join(sums),
        "QUICK_TOTAL": model.logit("s[{}]".format, repr(weights[-1])),
    }


def _written_out(model: Description, row: list[float]) -> str:
    """Return the expression of a logit, a partial sum to a line or more if it is long."""

    def partial_sum(i: int) -> str:
        terms = [f"x{j} * {row[j]!r}" for j in range(i, model.n_inputs, model.partial_sums)]
        lines = [" + ".join(terms[first : first + _TERMS_ON_A_LINE]) for first in range(0, len(terms), _TERMS_ON_A_LINE)]
        return "\n+ ".join(lines)

    return model.logit(partial_sum, repr(row[-1]), _added)


def _added(first: str, second: str) -> str:
    line = added(first, second)
    return line if "\n" not in line and len(line) <= _LONGEST_SUM else f"{_block(first)}\n+ {_block(second)}"


def _block(expression: str) -> str:
    """Return an expression in brackets, indented if it has several lines."""
    return f"({_indented(expression)})" if "\n" in expression else bracketed(expression)


def _indented(text: str) -> str:
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    return f"\n{lines}"


def _unpacked(names: list[str]) -> str:
    if len(names) <= _NAMES_ON_A_LINE:
        return ", ".join(names) if len(names) > 1 else f"({names[0]},)"
    lines = [", ".join(names[i : i + _NAMES_ON_A_LINE]) for i in range(0, len(names), _NAMES_ON_A_LINE)]
    return "(\n" + "".join(f"        {line},\n" for line in lines) + "    )"


_BINARY_SIGMOID = '''
def predict_proba(row):
    """Return the probabilities of the two classes, in the order of `classes`."""
    logit = _logit(row)
    power = exp(-abs(logit))
    total = 1.0 + power
    return [power / total, 1.0 / total] if logit >= 0.0 else [1.0 / total, power / total]
'''

_EACH_SIGMOID = '''
def predict_proba(row):
    """Return the output of each sigmoid, a number from 0 to 1."""
    return [_sigmoid(logit) for logit in _logits(row)]
'''

_OF_SOFTMAX = '''
def predict_proba(row):
    """Return the probability of each class, in the order of `classes`."""
    return _softmax(_logits(row))
'''

_NORMALIZED_SIGMOID = '''
def predict_proba(row):
    """Return the probability of each class, in the order of `classes`: its sigmoid divided by the sum of all."""
    logits = _logits(row)
    outputs = [_sigmoid(logit) for logit in logits]
    total = 0.0
    for output in outputs:
        total += output
    return [output / total for output in outputs] if total > 1e-290 else _softmax(logits)
'''

_PROBABILITIES = {
    "binary_sigmoid": _BINARY_SIGMOID,
    "sigmoid": _EACH_SIGMOID,
    "softmax": _OF_SOFTMAX,
    "normalized_sigmoid": _NORMALIZED_SIGMOID,
}

_PREDICT_BINARY = '''
def predict(row):
    """Return the more probable class; the first if they are equally so."""
    return classes[_logit(row) > 0.0]
'''

_PREDICT_CLASS = '''
def predict(row):
    """Return the most probable class; the first of those that are equally so."""
    logits = _logits(row)
    return classes[logits.index(max(logits))]
'''

_PREDICT_LABELS = '''
def predict(row):
    """Return for each label whether its probability is above one half: 1 or 0."""
    return [int(logit > 0.0) for logit in _logits(row)]
'''

_LOGIT = """
def _logit(row):
    # Added in the order in which pyperceptron adds.
@UNPACKED@    logit = @SUMS@
    return logit if isfinite(logit) else _overflowing_logits(row)[0]
"""

_LOGITS = """
def _logits(row):
    # Each is added in the order in which pyperceptron adds.
@UNPACKED@    logits = @SUMS@
    return logits if all(map(isfinite, logits)) else _overflowing_logits(row)
"""

_WEIGHTED_SUM = """
def _weighted_sum(row, weights):
    if len(row) != @INPUTS@:
        raise ValueError("row must hold @INPUTS@ numbers; got %d" % len(row))
    sums = [0.0] * @COUNT@
    for i in range(@COUNT@):
        for x, w in zip(row[i::@COUNT@], weights[i:@INPUTS@:@COUNT@]):
            sums[i] += x * w
    return @TOTAL@
"""

_OF_VALUES = """
A row is a sequence, or a mapping from `names`. A text stands for itself without spaces around it; one that the model was not
fitted with counts as none of its texts. None, nan and the words in `MISSING` stand for a missing value. numbers(row) returns
the @INPUTS@ numbers that the model sees of a row, such as an ONNX file of it takes.
"""

_ABOUT_COLUMNS = """
# For each column the place of its first number among those that the model sees, what stands for a missing number (None if none
# may be missing), the place that is 1 for a missing value, and the place that is 1 for each text.
"""

_QUICK_LOGIT = """
def _terms_of_levels(index):
    # For each text of a column, and for missing ones, the partial sum that its weight belongs to, and the weight.
    _, _, missing, levels = COLUMNS[index]
    places = dict(levels)
    if missing is not None:
        places.update(dict.fromkeys((None, *MISSING), missing))
    return {text: (place % @COUNT@, WEIGHTS[0][place]) for text, place in places.items()}


@LEVELS@


def _logit(row):
    # Added in the order in which pyperceptron adds; indicators that are 0 add nothing. What this cannot read, the next can.
    kind = type(row)
    if not (kind is list or kind is tuple or kind is dict and len(row) == @COLUMNS@):
        return _careful_logit(row)
    try:
        @UNPACKED@ = _by_name(row) if kind is dict else row
        s = [0.0] * @COUNT@
        @SUMS@
    except (KeyError, TypeError, ValueError, OverflowError):
        return _careful_logit(row)
    logit = @QUICK_TOTAL@
    return logit if type(logit) is float and isfinite(logit) else _careful_logit(row)
"""

_LOGIT_OF_VALUES = """
def _logit(row):
    terms = _terms(row)
    logit = _weighted_sum(terms, WEIGHTS[0])
    return logit if isfinite(logit) else _overflowing_logits(_dense(terms))[0]
"""

_LOGITS_OF_VALUES = """
def _logits(row):
    terms = _terms(row)
    logits = [_weighted_sum(terms, weights) for weights in WEIGHTS]
    return logits if all(map(isfinite, logits)) else _overflowing_logits(_dense(terms))
"""

_NUMBERS = '''
def _weighted_sum(terms, weights):
    # In the order in which pyperceptron adds; indicators that are 0 add nothing.
    sums = [0.0] * @COUNT@
    for place, number in terms:
        sums[place % @COUNT@] += number * weights[place]
    return @TOTAL@


def numbers(row):
    """Return the @INPUTS@ numbers that the model sees of a row."""
    return _dense(_terms(row))


def _dense(terms):
    found = [0.0] * @INPUTS@
    for place, number in terms:
        found[place] = number
    return found


def _terms(row):
    """Return the places and values of the numbers that the model sees of a row, without the indicators that are 0."""
    terms = []
    for name, value, (place, fill, missing, levels) in zip(names, _values(row), COLUMNS):
        if levels is not None:
            found = levels.get(value) if type(value) is str else None
            if found is None:
                text = _text(name, value)
                found = missing if text is None else levels.get(text)
            if found is not None:
                terms.append((found, 1.0))
        elif type(value) is float and isfinite(value):
            terms.append((place, value))
        elif not _is_missing(value):
            terms.append((place, _number(name, value)))
        elif fill is None:
            raise ValueError("column %r is missing; expected a finite number: fill it in" % (name,))
        else:
            terms.append((place, fill))
            if missing is not None:
                terms.append((missing, 1.0))
    return terms


def _values(row):
    if hasattr(row, "keys"):
        keys = list(row.keys())
        if len(keys) == @COLUMNS@ and set(keys) == set(names):
            return [row[name] for name in names]
        lacking = ", ".join([repr(name) for name in names if name not in keys])
        unknown = ", ".join([repr(key) for key in keys if key not in names])
        found = " and ".join(["lacks " + lacking] * bool(lacking) + ["has " + unknown + " besides"] * bool(unknown))
        raise ValueError("row %s; expected a value for each of `names`" % (found or "has a name twice"))
    if isinstance(row, (str, bytes, bytearray, set, frozenset)) or not hasattr(row, "__iter__"):
        raise TypeError("row is of type %s; expected @VALUES@, or a mapping from `names`" % type(row).__name__)
    values = list(row)
    if len(values) != @COLUMNS@:
        raise ValueError("row must hold @VALUES@; got %d" % len(values))
    return values


def _is_missing(value):
    if isinstance(value, str):
        return value.strip() in MISSING
    try:
        return value is None or bool(value != value)
    except ArithmeticError:  # a signaling nan of Decimal
        return True
    except Exception:  # pandas.NA is neither equal to itself nor not
        return type(value).__name__ == "NAType"


def _text(name, value):
    if _is_missing(value):
        return None
    if hasattr(value, "item") and not getattr(value, "shape", ()):  # a single value of NumPy
        value = value.item()
    if not isinstance(value, (str, bool, int, float)):
        raise TypeError("column %r is of type %s; expected a text" % (name, type(value).__name__))
    return str(value).strip()


def _number(name, value):
    kind = getattr(getattr(value, "dtype", None), "kind", "f")
    try:
        if kind in "mMc" or type(value).__name__ == "MaskedConstant":
            raise TypeError
        number = array("d", [value])[0]
    except OverflowError:
        raise ValueError("column %r is an integer too large for a float; expected a smaller number" % (name,)) from None
    except Exception:
        found = ascii(value)[:40] if isinstance(value, str) else "of type %s" % type(value).__name__
        raise TypeError("column %r is %s; expected a number" % (name, found)) from None
    if not isfinite(number):
        raise ValueError("column %r is %r; expected a finite number" % (name, number))
    return number
'''

_SIGMOID = """
def _sigmoid(logit):
    power = exp(-abs(logit))
    return 1.0 / (1.0 + power) if logit >= 0.0 else power / (1.0 + power)
"""

_SOFTMAX = """
def _softmax(logits):
    largest = max(logits)
    powers = [exp(logit - largest) for logit in logits]
    total = 0.0
    for power in powers:
        total += power
    return [power / total for power in powers]
"""

_OVERFLOWING = '''
def _overflowing_logits(row):
    """Return finite numbers that stand for the logits of a row, of which one overflows: in the same order.

    A logit is huge * 2**1100 + rest; neither part can overflow, and unless `huge` is 0, `rest` is lost in it.
    """
    if not all(map(isfinite, row)):
        raise ValueError("row must hold finite numbers")
    tiny, largest = 2.0**-550, 1.7976931348623157e308
    parts = []
    for weights in WEIGHTS:
        huge = rest = 0.0
        for x, w in zip((*row, 1.0), weights):
            if abs(float(x) * w) < 1e270:
                rest += x * w
            else:
                huge += (x * tiny) * (w * tiny)
        parts.append((huge, rest))
    highest = max(huge for huge, _ in parts)
    logits = []
    for huge, rest in parts:
        if huge > 0.0:
            logits.append(largest if huge == highest else largest / 2)
        elif huge < 0.0:
            logits.append(-largest / 2 if huge == highest else -largest)
        else:
            logits.append(rest)
    return logits
'''
