"""A model as a JavaScript module, for browsers, node and others."""

from __future__ import annotations

from pyperceptron.checks import named
from pyperceptron.exports.description import (
    MOST_WRITTEN_OUT,
    WORDS,
    filled,
    number_rows,
    refuse_label,
    written_by,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from pyperceptron.encoding import ColumnEncoding
    from pyperceptron.exports.description import Description

# What str.strip of Python takes away: Unicode's spaces and U+001C to U+001F; trim of JavaScript takes others.
_CODES = (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
_SPACES = "".join(map(chr, _CODES))
_LARGEST_WHOLE = 2**53  # beyond it JavaScript has only some of the whole numbers


def source(model: Description, prefix: str) -> str:
    """Return the module's text, with predictProba(row) and, but for a layer, predict(row). The prefix is not used.

    Raises ValueError if JSON cannot hold a label, or if an object could not hold a row because two columns have the same name.
    """
    templates = list(_PROBABILITIES[model.activation])
    if model.labels is not None:
        templates.append(_PREDICT_BINARY if model.n_outputs == 1 else _PREDICT_CLASS)
    elif model.multilabel:
        templates.append(_PREDICT_LABELS)
    single = model.activation == "binary_sigmoid"
    if model.columns is None:
        templates += [_LOGIT if single else _LOGITS, _CHECK, _WEIGHTED_SUM]
    else:
        templates += [_LOGIT_OF_VALUES if single else _LOGITS_OF_VALUES, _SUM_OF_TERMS, _TERMS]
    templates += [*_FUNCTIONS[model.activation], _OVERFLOWING]
    n, sums = model.n_inputs, "s{}" if model.columns is None else "sums[{}]"
    fields = {
        "INPUTS": str(n),
        "VALUES": model.row,
        "COLUMNS": "0" if model.columns is None else str(len(model.columns)),
        "COUNT": str(model.partial_sums),
        "ZEROS": ", ".join(["0"] * model.partial_sums),
        "TERMS": str(n + model.has_intercept),
        "NUMBER_J": f"j < {n} ? row[j] : 1" if model.has_intercept else "row[j]",
        "SUMS": "\n".join(_sums(model)),
        "TOTAL": model.logit(sums.format, f"weights[{n}]"),
    }
    parts = [_head(model), _constants(model), *(filled(template, fields) for template in templates)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _head(model: Description) -> str:
    functions = "predictProba(row) and predict(row)" if model.predicts else "predictProba(row)"
    named = ", in the order of `names`" if model.names else ""
    of_values = "" if model.columns is None else filled(_OF_VALUES, {"INPUTS": str(model.n_inputs)}).lstrip("\n")
    return (
        f"// A linear model of pyperceptron: {functions}, where a row is {model.row}{named}.\n"
        f"{of_values}// This module needs no other. It was {written_by()}."
    )


def _constants(model: Description) -> str:
    lines = []
    if model.labels is not None:
        lines += ["export const classes = [", *(f"  {_literal(label)}," for label in model.labels), "];", ""]
    if model.names:
        lines += ["export const names = [", *(f"  {_quoted(name)}," for name in model.names), "];", ""]
    if model.columns is not None:
        lines += _columns(model.columns)
    intercept = ", the intercept last" if model.has_intercept else ""
    lines += [f"// The weights of each output{intercept}.", "const WEIGHTS = [", *number_rows(model.rows, "[]", "  "), "];"]
    return "\n".join(lines)


def _columns(columns: Sequence[ColumnEncoding]) -> Iterator[str]:
    """Yield the lines of COLUMNS, an object for each column; ValueError if two columns have the same name."""
    texts = [str(column.name) for column in columns]
    if len({*texts}) < len(texts):
        twice = next(text for index, text in enumerate(texts) if text in texts[:index])
        raise ValueError(
            f"two columns of X have the name {named(twice)} as a text, but JavaScript needs different names: rename one in fit"
        )
    yield from _ABOUT_COLUMNS.strip("\n").splitlines()
    yield "const COLUMNS = ["
    for column in columns:
        missing = column.places.get(None, -1)
        if column.levels is None:
            fill = "null" if column.fill is None else repr(column.fill)
            yield f"  {{ place: {column.first}, fill: {fill}, missing: {missing}, levels: null }},"
            continue
        yield f"  {{ place: {column.first}, fill: null, missing: {missing}, levels: new Map(["
        yield from (f"    [{_quoted(level)}, {column.places[level]}]," for level in column.levels)
        yield "  ]) },"
    yield "];"
    yield f"const MISSING = new Set([{', '.join(map(_quoted, WORDS))}]);"
    yield "// What Python's strip takes away, which is not quite what trim does."
    yield f"const SPACES = {_quoted(_SPACES)};"
    yield ""


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

_OF_VALUES = """
// A row is an array, or an object with a property for each of `names`. A text stands for itself without spaces around it; one
// that the model was not fitted with counts as none of its texts. undefined, null, NaN and the words in MISSING stand for a
// missing value. Where a text belongs, true and false are the texts True and False, and a number is refused, as it may stand
// for several texts. numbers(row) returns the @INPUTS@ numbers that the model sees of a row, such as an ONNX file of it takes.
"""

_ABOUT_COLUMNS = """
// For each column the place of its first number among those that the model sees, what stands for a missing number (null if none
// may be missing), the place that is 1 for a missing value (-1 if there is none), and the place that is 1 for each text.
"""

_LOGIT_OF_VALUES = """
function logitOf(row) {
  const terms = termsOf(row);
  const logit = weightedSum(WEIGHTS[0], terms);
  return Number.isFinite(logit) ? logit : overflowingLogits(dense(terms))[0];
}
"""

_LOGITS_OF_VALUES = """
function logitsOf(row) {
  const terms = termsOf(row);
  const logits = WEIGHTS.map((weights) => weightedSum(weights, terms));
  return logits.every(Number.isFinite) ? logits : overflowingLogits(dense(terms));
}
"""

_SUM_OF_TERMS = """
// The logit of an output, in the order in which pyperceptron adds; indicators that are 0 add nothing.
function weightedSum(weights, terms) {
  const sums = [@ZEROS@];
  for (const [place, number] of terms) {
    sums[place % @COUNT@] += number * weights[place];
  }
  return @TOTAL@;
}
"""

_TERMS = """
// The @INPUTS@ numbers that the model sees of a row.
export function numbers(row) {
  return dense(termsOf(row));
}

function dense(terms) {
  const found = new Array(@INPUTS@).fill(0);
  for (const [place, number] of terms) {
    found[place] = number;
  }
  return found;
}

// The places and values of the numbers that the model sees of a row, without the indicators that are 0.
function termsOf(row) {
  const terms = [];
  valuesOf(row).forEach((value, index) => {
    const { place, fill, missing, levels } = COLUMNS[index];
    if (levels !== null) {
      const found = levels.has(value) ? levels.get(value) : placeOf(value, levels, missing, index);
      if (found >= 0) {
        terms.push([found, 1]);
      }
    } else if (!isMissing(value)) {
      terms.push([place, numberOf(value, index)]);
    } else if (fill === null) {
      throw new RangeError("column " + JSON.stringify(names[index]) + " is missing; expected a finite number: fill it in");
    } else {
      terms.push([place, fill]);
      if (missing >= 0) {
        terms.push([missing, 1]);
      }
    }
  });
  return terms;
}

function valuesOf(row) {
  if (Array.isArray(row) || ArrayBuffer.isView(row)) {
    if (row.length !== @COLUMNS@) {
      throw new RangeError("row must hold @VALUES@; got " + row.length);
    }
    return Array.from(row);
  }
  if (typeof row !== "object" || row === null) {
    throw new TypeError("row must be an array of @VALUES@ or an object; got " + String(row));
  }
  const lacking = names.filter((name) => !Object.prototype.hasOwnProperty.call(row, name));
  const keys = Object.keys(row);
  if (lacking.length > 0 || keys.length !== @COLUMNS@) {
    const unknown = keys.filter((key) => !names.includes(key));
    const found = [["lacks", lacking], ["has besides", unknown]].filter(([, list]) => list.length > 0);
    const words = found.map(([verb, list]) => verb + " " + list.map((name) => JSON.stringify(name)).join(", "));
    throw new RangeError("row " + words.join(" and ") + "; expected a property for each of `names`");
  }
  return names.map((name) => row[name]);
}

function stripped(text) {
  let start = 0, end = text.length;
  while (start < end && SPACES.includes(text[start])) {
    start++;
  }
  while (end > start && SPACES.includes(text[end - 1])) {
    end--;
  }
  return text.slice(start, end);
}

function isMissing(value) {
  if (typeof value === "string") {
    return MISSING.has(stripped(value));
  }
  return value === undefined || value === null || Number.isNaN(value);
}

function placeOf(value, levels, missing, index) {
  if (isMissing(value)) {
    return missing;
  }
  if (typeof value === "boolean") {
    value = value ? "True" : "False"; // as Python writes them
  } else if (typeof value !== "string") {
    const found = typeof value === "number" ? value + ", which may stand for several texts, such as 1 and 1.0" : typeof value;
    throw new TypeError("column " + JSON.stringify(names[index]) + " must be a text; got " + found);
  }
  const text = stripped(value);
  return levels.has(text) ? levels.get(text) : -1;
}

function numberOf(value, index) {
  if (typeof value === "boolean") {
    return value ? 1 : 0;
  }
  if (typeof value !== "number") {
    const found = typeof value === "string" ? "the text " + JSON.stringify(value.slice(0, 40)) : typeof value;
    throw new TypeError("column " + JSON.stringify(names[index]) + " must be a number; got " + found);
  }
  if (!Number.isFinite(value)) {
    throw new RangeError("column " + JSON.stringify(names[index]) + " must be a finite number; got " + value);
  }
  return value;
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
