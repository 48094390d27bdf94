"""A model as a module of Python 3.8 or later, of standard library only."""

from __future__ import annotations

from pyperceptron.checks import counted
from pyperceptron.exports.description import number_rows, whole_text, written_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from pyperceptron.exports.description import Description

_MOST_NAMED = 256  # columns that have variables of their own, which are twice as fast as a loop; the compiler nests deeply
_NAMES_ON_A_LINE = 16
_TERMS_ON_A_LINE = 8


def source(model: Description, prefix: str) -> str:
    """Return the module's text, with predict_proba(row) and, but for a layer, predict(row). The prefix is not used."""
    parts = [_head(model), _constants(model), _PROBABILITIES[model.activation]]
    if model.labels is not None:
        parts.append(_PREDICT_BINARY if model.n_outputs == 1 else _PREDICT_CLASS)
    elif model.multilabel:
        parts.append(_PREDICT_LABELS)
    if model.activation == "binary_sigmoid":
        parts.append(_LOGIT)
    else:
        parts.append(_LOGITS)
    parts.append(_weighted_sum(model))
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
        f'"""A linear model of pyperceptron: {functions}, where a row is {counted(model.n_inputs, "number")}{named}.',
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
    lines += [f"# The weights of each output{intercept}.", "WEIGHTS = (", *number_rows(model.rows, "()", "    "), ")"]
    return "\n".join(lines)


def _literal(label: Any) -> str:
    if isinstance(label, tuple):
        return f"({', '.join(map(_literal, label))}{',' * (len(label) == 1)})"
    if type(label) is int:
        return whole_text(label)
    return ascii(label)


def _holds_date(label: Any) -> bool:
    return any(map(_holds_date, label)) if isinstance(label, tuple) else hasattr(label, "isoformat")


def _weighted_sum(model: Description) -> str:
    """Return the function _weighted_sum: with a variable for each number, or a loop over many."""
    if model.n_inputs > _MOST_NAMED:
        return _loop(model)
    n, count = model.n_inputs, model.partial_sums
    numbers = [f"x{j}" for j in range(n)]
    weights = [f"w{j}" for j in range(n)]
    lines = [f"    {_unpacked(numbers)} = row", f"    {_unpacked(weights + ['intercept'] * model.has_intercept)} = weights"]
    for i in range(count):
        terms = [f"x{j} * w{j}" for j in range(i, n, count)]
        for first in range(0, len(terms), _TERMS_ON_A_LINE):
            some = terms[first : first + _TERMS_ON_A_LINE]
            lines.append(f"    s{i} = " + " + ".join([f"s{i}"] * (first > 0) + some))
    lines.append(f"    return {model.logit('s{}'.format, 'intercept')}")
    return _function(lines)


def _loop(model: Description) -> str:
    n, count = model.n_inputs, model.partial_sums
    lines = [
        f"    if len(row) != {n}:",
        f'        raise ValueError("row must hold {n} numbers; got %d" % len(row))',
        f"    sums = [0.0] * {count}",
        f"    for i in range({count}):",
        f"        for x, w in zip(row[i::{count}], weights[i:{n}:{count}]):",
        "            sums[i] += x * w",
        f"    return {model.logit('sums[{}]'.format, f'weights[{n}]')}",
    ]
    return _function(lines)


def _function(lines: Iterable[str]) -> str:
    docstring = '    """Return the logit of an output, added in the order in which pyperceptron adds."""'
    return "\n".join(["def _weighted_sum(row, weights):", docstring, *lines])


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
    logit = _weighted_sum(row, WEIGHTS[0])
    return logit if isfinite(logit) else _overflowing_logits(row)[0]
"""

_LOGITS = """
def _logits(row):
    logits = [_weighted_sum(row, weights) for weights in WEIGHTS]
    return logits if all(map(isfinite, logits)) else _overflowing_logits(row)
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
