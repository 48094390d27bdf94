"""A model as a JavaScript module, for browsers, node and others."""

from __future__ import annotations

from pyperceptron.checks import counted
from pyperceptron.exports.description import MOST_WRITTEN_OUT, filled, number_rows, refuse_label, written_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyperceptron.exports.description import Description

_LARGEST_WHOLE = 2**53  # beyond it JavaScript has only some of the whole numbers


def source(model: Description, prefix: str) -> str:
    """Return the module's text, with predictProba(row) and, but for a layer, predict(row). The prefix is not used.

    Raises ValueError if JSON cannot hold a label.
    """
    templates = list(_PROBABILITIES[model.activation])
    if model.labels is not None:
        templates.append(_PREDICT_BINARY if model.n_outputs == 1 else _PREDICT_CLASS)
    elif model.multilabel:
        templates.append(_PREDICT_LABELS)
    templates += [
        _LOGIT if model.activation == "binary_sigmoid" else _LOGITS,
        _CHECK,
        _WEIGHTED_SUM,
        *_FUNCTIONS[model.activation],
        _OVERFLOWING,
    ]
    n = model.n_inputs
    fields = {
        "INPUTS": str(n),
        "TERMS": str(n + model.has_intercept),
        "NUMBER_J": f"j < {n} ? row[j] : 1" if model.has_intercept else "row[j]",
        "SUMS": "\n".join(_sums(model)),
        "TOTAL": model.logit("s{}".format, f"weights[{n}]"),
    }
    parts = [_head(model), _constants(model), *(filled(template, fields) for template in templates)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _head(model: Description) -> str:
    functions = "predictProba(row) and predict(row)" if model.predicts else "predictProba(row)"
    named = ", in the order of `names`" if model.names else ""
    return (
        f"// A linear model of pyperceptron: {functions}, where a row is {counted(model.n_inputs, 'number')}"
        f"{named}.\n// This module needs no other. It was {written_by()}."
    )


def _constants(model: Description) -> str:
    lines = []
    if model.labels is not None:
        lines += ["export const classes = [", *(f"  {_literal(label)}," for label in model.labels), "];", ""]
    if model.names:
        lines += ["export const names = [", *(f"  {_quoted(name)}," for name in model.names), "];", ""]
    intercept = ", the intercept last" if model.has_intercept else ""
    lines += [f"// The weights of each output{intercept}.", "const WEIGHTS = [", *number_rows(model.rows, "[]", "  "), "];"]
    return "\n".join(lines)


def _literal(label: Any) -> str:
    kind = type(label)
    if kind is str:
        return _quoted(label)
    if kind is bool:
        return "true" if label else "false"
    if kind is int and abs(label) > _LARGEST_WHOLE:
        refuse_label(label, "JavaScript has no whole numbers beyond 2**53 that are exact", "give texts")
    if kind in (int, float):
        return repr(label)
    refuse_label(label, f"JSON cannot hold a value of type {kind.__name__}", "give texts or numbers")


def _quoted(text: str) -> str:
    """Return a text in quotes, in ASCII and without a `<`, which might end a script in a page."""
    units = text.encode("utf-16-be", "surrogatepass")
    codes = [256 * high + low for high, low in zip(units[::2], units[1::2], strict=True)]
    plain = [chr(code) if 32 <= code < 127 and chr(code) not in '"\\<>' else f"\\u{code:04x}" for code in codes]
    return f'"{"".join(plain)}"'


def _sums(model: Description) -> list[str]:
    """Return the lines that add the products of row and weights to the partial sums: in a loop if there are many."""
    n, count = model.n_inputs, model.partial_sums
    looped = n - n % count if n > MOST_WRITTEN_OUT else 0
    if not looped:
        sums = [" + ".join(f"row[{j}] * weights[{j}]" for j in range(i, n, count)) for i in range(count)]
        return [f"  const s{i} = {total};" for i, total in enumerate(sums)]
    at = ["j", *(f"j + {i}" for i in range(1, count))]
    return [
        f"  let {', '.join(f's{i} = 0' for i in range(count))};",
        f"  for (let j = 0; j < {looped}; j += {count}) {{",
        *(f"    s{i} += row[{j}] * weights[{j}];" for i, j in enumerate(at)),
        "  }",
        *(f"  s{j % count} += row[{j}] * weights[{j}];" for j in range(looped, n)),
    ]


_LOGITS = """
function logitsOf(row) {
  check(row);
  const logits = [];
  let areFinite = true;
  for (const weights of WEIGHTS) {
    const logit = weightedSum(weights, row);
    logits.push(logit);
    areFinite = areFinite && Number.isFinite(logit);
  }
  return areFinite ? logits : overflowingLogits(row);
}
"""

_LOGIT = """
function logitOf(row) {
  check(row);
  const logit = weightedSum(WEIGHTS[0], row);
  return Number.isFinite(logit) ? logit : overflowingLogits(row)[0];
}
"""

_CHECK = """
function check(row) {
  if (row.length !== @INPUTS@) {
    throw new RangeError("row must hold @INPUTS@ numbers; got " + row.length);
  }
  for (let j = 0; j < @INPUTS@; j++) {
    if (typeof row[j] !== "number") {
      throw new TypeError("row must hold numbers; got " + row[j] + " at " + j);
    }
  }
}
"""

_WEIGHTED_SUM = """
// The logit of an output, in the order in which pyperceptron adds.
function weightedSum(weights, row) {
@SUMS@
  return @TOTAL@;
}
"""

_OVERFLOWING = """
// A logit in two parts, huge * 2^1100 + rest, neither of which can overflow. Unless `huge` is 0, `rest` is lost in it.
function parts(weights, row) {
  const tiny = 2 ** -550;
  let huge = 0, rest = 0;
  for (let j = 0; j < @TERMS@; j++) {
    const x = @NUMBER_J@;
    if (!Number.isFinite(x)) {
      throw new RangeError("row must hold finite numbers; got " + x + " at " + j);
    }
    if (Math.abs(x * weights[j]) < 1e270) {
      rest += x * weights[j];
    } else {
      huge += (x * tiny) * (weights[j] * tiny);
    }
  }
  return { huge, rest };
}

// Finite numbers that stand for the logits of a row, of which one overflows: in the same order.
function overflowingLogits(row) {
  const all = WEIGHTS.map((weights) => parts(weights, row));
  const highest = all.reduce((most, { huge }) => Math.max(most, huge), -Infinity);
  return all.map(({ huge, rest }) => {
    if (huge > 0) {
      return huge === highest ? Number.MAX_VALUE : Number.MAX_VALUE / 2;
    }
    if (huge < 0) {
      return huge === highest ? -Number.MAX_VALUE / 2 : -Number.MAX_VALUE;
    }
    return rest;
  });
}
"""

_SIGMOID = """
function sigmoid(logit) {
  const power = Math.exp(-Math.abs(logit));
  return logit >= 0 ? 1 / (1 + power) : power / (1 + power);
}
"""

_SOFTMAX = """
function softmax(logits) {
  const largest = logits.reduce((most, logit) => Math.max(most, logit));
  const powers = logits.map((logit) => Math.exp(logit - largest));
  const total = powers.reduce((sum, power) => sum + power);
  return powers.map((power) => power / total);
}
"""

_BINARY_SIGMOID = """
// The probabilities of the two classes, in the order of `classes`.
export function predictProba(row) {
  const logit = logitOf(row);
  const power = Math.exp(-Math.abs(logit));
  const total = 1 + power;
  return logit >= 0 ? [power / total, 1 / total] : [1 / total, power / total];
}
"""

_EACH_SIGMOID = """
// The output of each sigmoid, a number from 0 to 1.
export function predictProba(row) {
  return logitsOf(row).map(sigmoid);
}
"""

_OF_SOFTMAX = """
// The probability of each class, in the order of `classes`.
export function predictProba(row) {
  return softmax(logitsOf(row));
}
"""

_NORMALIZED_SIGMOID = """
// The probability of each class, in the order of `classes`: its sigmoid divided by the sum of all.
export function predictProba(row) {
  const logits = logitsOf(row);
  const outputs = logits.map(sigmoid);
  const total = outputs.reduce((sum, output) => sum + output);
  return total > 1e-290 ? outputs.map((output) => output / total) : softmax(logits);
}
"""

_PROBABILITIES = {
    "binary_sigmoid": (_BINARY_SIGMOID,),
    "sigmoid": (_EACH_SIGMOID,),
    "softmax": (_OF_SOFTMAX,),
    "normalized_sigmoid": (_NORMALIZED_SIGMOID,),
}
_FUNCTIONS: dict[str, tuple[str, ...]] = {
    "binary_sigmoid": (),
    "sigmoid": (_SIGMOID,),
    "softmax": (_SOFTMAX,),
    "normalized_sigmoid": (_SIGMOID, _SOFTMAX),
}

_PREDICT_BINARY = """
// The more probable class; the first if they are equally so.
export function predict(row) {
  return classes[logitOf(row) > 0 ? 1 : 0];
}
"""

_PREDICT_CLASS = """
// The most probable class; the first of those that are equally so.
export function predict(row) {
  const logits = logitsOf(row);
  let best = 0;
  for (let c = 1; c < logits.length; c++) {
    if (logits[c] > logits[best]) {
      best = c;
    }
  }
  return classes[best];
}
"""

_PREDICT_LABELS = """
// For each label whether its probability is above one half: 1 or 0.
export function predict(row) {
  return logitsOf(row).map((logit) => (logit > 0 ? 1 : 0));
}
"""
