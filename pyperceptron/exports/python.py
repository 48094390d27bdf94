"""A model as a module for Python 3.8 or later that imports only from the standard library."""

from __future__ import annotations

from pyperceptron.checks import counted
from pyperceptron.exports.description import added, bracketed, filled, number_rows, whole_text, written_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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
    parts += _logits(model)
    if model.activation in ("sigmoid", "normalized_sigmoid"):
        parts.append(_SIGMOID)
    if model.activation in ("softmax", "normalized_sigmoid"):
        parts.append(_SOFTMAX)
    parts.append(_OVERFLOWING)
    return "\n\n\n".join(part.strip("\n") for part in parts) + "\n"


def _head(model: Description) -> str:
    functions = "predict_proba(row) and predict(row)" if model.predicts else "predict_proba(row)"
    count = counted(model.n_inputs, "number")
    named = ", in the order of `names`" if model.names else ""
    lines = [
        f'"""A linear model of pyperceptron: {functions}, where a row is {count}{named}.',
        "",
        f"This module needs Python 3.8 or later and nothing else. It was {written_by()}.",
        '"""',
        "",
    ]
    if model.labels is not None and any(_holds_date(label) for label in model.labels):
        lines.append("import datetime")
    lines.append("from math import exp, isfinite")
    return "\n".join(lines)


def _constants(model: Description) -> str:
    lines = []
    if model.labels is not None:
        lines += ["classes = (", *(f"    {_literal(label)}," for label in model.labels), ")"]
    if model.names:
        lines += ["names = (", *(f"    {name!a}," for name in model.names), ")"]
    intercept = ", the intercept last" if model.has_intercept else ""
    lines.append(f"# The weights of each output{intercept}.")
    if sum(map(len, model.rows)) <= _MOST_LITERALS:
        lines += ["WEIGHTS = (", *number_rows(model.rows, "()", "    "), ")"]
    else:
        rows = [" ".join(map(repr, row)) for row in model.rows]
        lines += ['WEIGHTS = [[float(number) for number in row.split()] for row in """', *rows, '""".strip().splitlines()]']
    return "\n".join(lines)


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
