"""Write a model as C source that compiles as C89, C99 and C++, and its header."""

from __future__ import annotations

from pyperceptron.checks import counted
from pyperceptron.exports.description import MOST_WRITTEN_OUT, filled, number_rows, refuse_label, whole_text, written_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyperceptron.exports.description import Description

_KEYWORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl const const_cast constexpr continue
decltype default delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline int long
mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast restrict
return short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef
typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
"""
KEYWORDS = frozenset(_KEYWORDS.split())  # of C and C++
_LONGEST_TEXT = 509  # bytes; C89 lets a compiler refuse a longer one


def source(model: Description, prefix: str) -> str:
    """Return the text of PREFIX.c: PREFIX_predict_proba and, but for a layer, PREFIX_predict.

    Raises ValueError if a label holds the character 0, which ends a text of C.
    """
    templates = [_WEIGHTED_SUM, _OVERFLOWING, _LOGITS, *_PROBABILITIES[model.activation]]
    if model.labels is not None:
        templates.append(_PREDICT_BINARY if model.n_outputs == 1 else _PREDICT_CLASS)
    elif model.multilabel:
        templates.append(_PREDICT_LABELS)
    n = model.n_inputs
    fields = {
        "PREFIX": prefix,
        "OUTPUTS": str(model.n_outputs),
        "TERMS": str(n + model.has_intercept),
        "INTERCEPT": f" + {prefix}_weights[c][{n}]" if model.has_intercept else "",
        "NUMBER_J": f"j < {n} ? row[j] : 1.0" if model.has_intercept else "row[j]",
        "SUMS": "\n".join(_sums(model)),
        "TOTAL": model.total("s{}".format),
    }
    parts = [_head(model), "#include <float.h>\n#include <math.h>", _declarations(model, prefix), *_constants(model, prefix)]
    parts += [filled(template, fields) for template in templates]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def header(model: Description, prefix: str) -> str:
    """Return the text of PREFIX.h, for C and C++."""
    guard = f"PYPERCEPTRON_{prefix}_H"
    parts = [_head(model), f"#ifndef {guard}\n#define {guard}", _declarations(model, prefix), "#endif"]
    return "\n\n".join(parts) + "\n"


def _head(model: Description) -> str:
    return (
        f"/* A linear model of pyperceptron for rows of {counted(model.n_inputs, 'number')}, {written_by()}.\n"
        " *\n"
        " * It is C89, C99 and C++ and needs the mathematics of the C library (-lm) only. Where the compiler would fuse\n"
        " * multiplications and additions, -ffp-contract=off keeps the last digits. */"
    )


def _declarations(model: Description, prefix: str) -> str:
    k = model.n_outputs
    lines = ["#ifdef __cplusplus", 'extern "C" {', "#endif", ""]
    if model.names:
        lines += ["/* The columns, in the order of a row's numbers. */"]
        lines += [f"extern const char *const {prefix}_names[{model.n_inputs}];", ""]
    if model.labels is not None:
        count = len(model.labels)
        lines += ["/* The classes, as texts. */", f"extern const char *const {prefix}_classes[{count}];", ""]
        lines += [f"/* Writes the {count} probabilities of a row, in the order of the classes. */"]
    elif model.multilabel:
        lines += [f"/* Writes the {k} probabilities of a row: for each label, that of its being 1. */"]
    else:
        lines += [f"/* Writes the {counted(k, 'output')} of a row, from 0 to 1. */"]
    lines += [f"void {prefix}_predict_proba(const double row[], double probabilities[]);"]
    if model.labels is not None:
        lines += ["", "/* Returns the index of the most probable class of a row, the first of equals. */"]
        lines += [f"int {prefix}_predict(const double row[]);"]
    elif model.multilabel:
        lines += ["", f"/* Writes the {k} labels of a row: 1 where the probability is above one half, else 0. */"]
        lines += [f"void {prefix}_predict(const double row[], int labels[]);"]
    return "\n".join([*lines, "", "#ifdef __cplusplus", "}", "#endif"])


def _constants(model: Description, prefix: str) -> list[str]:
    parts = []
    if model.names:
        parts.append(_texts(f"{prefix}_names", [name.replace("\0", "\\0") for name in model.names]))
    if model.labels is not None:
        parts.append(_texts(f"{prefix}_classes", list(map(_label_text, model.labels))))
    intercept = ", the intercept last" if model.has_intercept else ""
    width = model.n_inputs + model.has_intercept
    rows = "\n".join(number_rows(model.rows, "{}", "    "))
    table = f"static const double {prefix}_weights[{model.n_outputs}][{width}] = {{\n{rows}\n}};"
    parts.append(f"/* The weights of each output{intercept}. */\n{table}")
    return parts


def _label_text(label: Any) -> str:
    text = whole_text(label) if type(label) is int else str(label)
    if "\0" in text:
        refuse_label(label, "the character 0 ends a text of C", "give texts without it")
    return text


def _texts(name: str, texts: list[str]) -> str:
    """Return the definition of an array of texts, UTF-8; those that are long for C89 are arrays of characters."""
    lines, pointers = [], []
    for index, text in enumerate(texts):
        encoded = text.encode("utf-8", "surrogatepass")
        if len(encoded) < _LONGEST_TEXT:
            pointers.append(f'    "{"".join(map(_in_text, encoded))}",')
            continue
        characters = [f"'{_in_text(byte)}'" for byte in (*encoded, 0)]
        lines.append(f"static const char {name}_{index}[] = {{")
        lines += [f"    {', '.join(characters[first : first + 16])}," for first in range(0, len(characters), 16)]
        lines[-1] = lines[-1].rstrip(",")
        lines.append("};")
        pointers.append(f"    {name}_{index},")
    return "\n".join([*lines, f"const char *const {name}[{len(texts)}] = {{", *pointers, "};"])


def _in_text(byte: int) -> str:
    """Return a byte as it stands between quotes; an escape of three digits ends there, and trigraphs need a bare `?`."""
    if 32 <= byte < 127 and chr(byte) not in "\"'?\\":
        return chr(byte)
    return f"\\{byte:03o}"


def _sums(model: Description) -> list[str]:
    """Return the lines that add the products of row and weights to the partial sums: in a loop if there are many."""
    n, count = model.n_inputs, model.partial_sums
    looped = n - n % count if n > MOST_WRITTEN_OUT else 0
    if not looped:
        sums = [" + ".join(f"row[{j}] * weights[{j}]" for j in range(i, n, count)) for i in range(count)]
        return [*(f"    double s{i} = {total};" for i, total in enumerate(sums)), ""]
    at = ["j", *(f"j + {i}" for i in range(1, count))]
    return [
        f"    double {', '.join(f's{i} = 0.0' for i in range(count))};",
        "    int j;",
        "",
        f"    for (j = 0; j < {looped}; j += {count}) {{",
        *(f"        s{i} += row[{j}] * weights[{j}];" for i, j in enumerate(at)),
        "    }",
        *(f"    s{j % count} += row[{j}] * weights[{j}];" for j in range(looped, n)),
    ]


_WEIGHTED_SUM = """
/* The logit of an output without its intercept, in the order in which pyperceptron adds. */
static double @PREFIX@_weighted_sum(const double weights[], const double row[])
{
@SUMS@
    return @TOTAL@;
}
"""

_OVERFLOWING = """
/* A logit in two parts, huge * 2^1100 + rest, neither of which can overflow. Unless `huge` is 0, `rest` is lost in it. */
static void @PREFIX@_parts(const double weights[], const double row[], double *huge, double *rest)
{
    const double tiny = 2.7133285516175262e-166; /* 2^-550 */
    int j;

    *huge = *rest = 0.0;
    for (j = 0; j < @TERMS@; j++) {
        double x = @NUMBER_J@;
        if (fabs(x * weights[j]) < 1e270)
            *rest += x * weights[j];
        else
            *huge += (x * tiny) * (weights[j] * tiny);
    }
}

/* Finite numbers that stand for the logits of a row, of which one overflows: in the same order. */
static void @PREFIX@_overflowing_logits(const double row[], double logits[])
{
    double highest = 0.0, huge, rest;
    int c;

    for (c = 0; c < @OUTPUTS@; c++) {
        @PREFIX@_parts(@PREFIX@_weights[c], row, &huge, &rest);
        if (c == 0 || huge > highest)
            highest = huge;
    }
    for (c = 0; c < @OUTPUTS@; c++) {
        @PREFIX@_parts(@PREFIX@_weights[c], row, &huge, &rest);
        if (huge > 0.0)
            logits[c] = huge == highest ? DBL_MAX : DBL_MAX / 2.0;
        else if (huge < 0.0)
            logits[c] = huge == highest ? -DBL_MAX / 2.0 : -DBL_MAX;
        else
            logits[c] = huge + rest;
    }
}
"""

_LOGITS = """
static void @PREFIX@_logits(const double row[], double logits[])
{
    int c, all_finite = 1;

    for (c = 0; c < @OUTPUTS@; c++) {
        logits[c] = @PREFIX@_weighted_sum(@PREFIX@_weights[c], row)@INTERCEPT@;
        if (!(fabs(logits[c]) <= DBL_MAX))
            all_finite = 0;
    }
    if (!all_finite)
        @PREFIX@_overflowing_logits(row, logits);
}
"""

_SIGMOID = """
static double @PREFIX@_sigmoid(double logit)
{
    double power = exp(-fabs(logit));
    return logit >= 0.0 ? 1.0 / (1.0 + power) : power / (1.0 + power);
}
"""

_SOFTMAX = """
static void @PREFIX@_softmax(double values[])
{
    double largest = values[0], total = 0.0;
    int c;

    for (c = 1; c < @OUTPUTS@; c++)
        if (values[c] > largest)
            largest = values[c];
    for (c = 0; c < @OUTPUTS@; c++) {
        values[c] = exp(values[c] - largest);
        total += values[c];
    }
    for (c = 0; c < @OUTPUTS@; c++)
        values[c] /= total;
}
"""

_BINARY_SIGMOID = """
void @PREFIX@_predict_proba(const double row[], double probabilities[])
{
    double logit, power, total;
    int likely;

    @PREFIX@_logits(row, &logit);
    power = exp(-fabs(logit));
    total = 1.0 + power;
    likely = logit >= 0.0;
    probabilities[likely] = 1.0 / total;
    probabilities[1 - likely] = power / total;
}
"""

_EACH_SIGMOID = """
void @PREFIX@_predict_proba(const double row[], double probabilities[])
{
    int c;

    @PREFIX@_logits(row, probabilities);
    for (c = 0; c < @OUTPUTS@; c++)
        probabilities[c] = @PREFIX@_sigmoid(probabilities[c]);
}
"""

_OF_SOFTMAX = """
void @PREFIX@_predict_proba(const double row[], double probabilities[])
{
    @PREFIX@_logits(row, probabilities);
    @PREFIX@_softmax(probabilities);
}
"""

_NORMALIZED_SIGMOID = """
void @PREFIX@_predict_proba(const double row[], double probabilities[])
{
    double total = 0.0;
    int c;

    @PREFIX@_logits(row, probabilities);
    for (c = 0; c < @OUTPUTS@; c++)
        total += @PREFIX@_sigmoid(probabilities[c]);
    if (!(total > 1e-290)) {
        @PREFIX@_softmax(probabilities);
        return;
    }
    for (c = 0; c < @OUTPUTS@; c++)
        probabilities[c] = @PREFIX@_sigmoid(probabilities[c]) / total;
}
"""

_PROBABILITIES = {
    "binary_sigmoid": (_BINARY_SIGMOID,),
    "sigmoid": (_SIGMOID, _EACH_SIGMOID),
    "softmax": (_SOFTMAX, _OF_SOFTMAX),
    "normalized_sigmoid": (_SIGMOID, _SOFTMAX, _NORMALIZED_SIGMOID),
}

_PREDICT_BINARY = """
int @PREFIX@_predict(const double row[])
{
    double logit;

    @PREFIX@_logits(row, &logit);
    return logit > 0.0;
}
"""

_PREDICT_CLASS = """
int @PREFIX@_predict(const double row[])
{
    double logits[@OUTPUTS@];
    int c, best = 0;

    @PREFIX@_logits(row, logits);
    for (c = 1; c < @OUTPUTS@; c++)
        if (logits[c] > logits[best])
            best = c;
    return best;
}
"""

_PREDICT_LABELS = """
void @PREFIX@_predict(const double row[], int labels[])
{
    double logits[@OUTPUTS@];
    int c;

    @PREFIX@_logits(row, logits);
    for (c = 0; c < @OUTPUTS@; c++)
        labels[c] = logits[c] > 0.0;
}
"""
