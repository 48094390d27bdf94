"""Write a model as C source that compiles as C89, C99 and C++, and its header."""

from __future__ import annotations

from pyperceptron.checks import counted, named
from pyperceptron.exports.description import (
    MOST_WRITTEN_OUT,
    WORDS,
    filled,
    number_rows,
    refuse_label,
    whole_text,
    written_by,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pyperceptron.encoding import ColumnEncoding
    from pyperceptron.exports.description import Description

_KEYWORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl const const_cast constexpr continue
decltype default delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline int long
mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast restrict
return short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef
typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
"""
KEYWORDS = frozenset(_KEYWORDS.split())  # of C and C++
# Names of fields that a compiler, or a header that nearly every program includes, replaces by something else.
_MACRO_NAMES = "complex errno far i386 imaginary interface linux near noreturn small stderr stdin stdout unix"
_MACROS = frozenset(_MACRO_NAMES.split())
_PLACES_ON_A_LINE = 16
_LONGEST_NAME = 63  # characters that C99 compares
_LONGEST_TEXT = 509  # bytes; C89 lets a compiler refuse a longer one


def source(model: Description, prefix: str) -> str:
    """Return the text of PREFIX.c: PREFIX_predict_proba and, but for a layer, PREFIX_predict.

    Raises ValueError if a label holds the character 0, which ends a text of C.
    """
    is_encoded = model.columns is not None
    templates = [_SUM_OF_TERMS if is_encoded else _WEIGHTED_SUM, _OVERFLOWING, _LOGITS, *_PROBABILITIES[model.activation]]
    if model.labels is not None:
        templates.append(_PREDICT_BINARY if model.n_outputs == 1 else _PREDICT_CLASS)
    elif model.multilabel:
        templates.append(_PREDICT_LABELS)
    n, has_intercept = model.n_inputs, model.has_intercept
    fields = {
        "PREFIX": prefix,
        "OUTPUTS": str(model.n_outputs),
        "COUNT": str(model.partial_sums),
        "INTERCEPT": f" + {prefix}_weights[c][{n}]" if has_intercept else "",
        "SUMS": "\n".join(_sums(model)),
        "TOTAL": model.total(("s[{}]" if is_encoded else "s{}").format),
    }
    parts = [_head(model), "#include <float.h>\n#include <math.h>", _declarations(model, prefix), *_constants(model, prefix)]
    if model.columns is None:
        fields |= {
            "ROW": "const double row[]",
            "PROBA": f"void {prefix}_predict_proba",
            "PREDICT": f"{_predicts(model)} {prefix}_predict",
            "TERMS": str(n + has_intercept),
            "NUMBER_J": f"j < {n} ? row[j] : 1.0" if has_intercept else "row[j]",
            "WEIGHT_J": "weights[j]",
        }
    else:
        fields |= {
            "ROW": f"const struct {prefix}_terms *row",
            "PROBA": f"static void {prefix}_probabilities",
            "PREDICT": f"static {_predicts(model)} {prefix}_prediction",
            "TERMS": f"row->count{' + 1' * has_intercept}",
            "NUMBER_J": "j < row->count ? row->numbers[j] : 1.0" if has_intercept else "row->numbers[j]",
            "WEIGHT_J": f"weights[j < row->count ? row->places[j] : {n}]" if has_intercept else "weights[row->places[j]]",
            "PROBABILITIES": str(max(2, model.n_outputs) if model.labels is not None else model.n_outputs),
        }
        parts[1] += "\n#include <string.h>" * any(column.levels is not None for column in model.columns)
        parts += _terms(model.columns, prefix)
        templates.append(_OF_ROW)
        if model.predicts:
            templates.append(_PREDICT_OF_ROW if model.labels is not None else _PREDICT_LABELS_OF_ROW)
    parts += [filled(template, fields) for template in templates]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _predicts(model: Description) -> str:
    return "int" if model.labels is not None else "void"


def header(model: Description, prefix: str) -> str:
    """Return the text of PREFIX.h, for C and C++."""
    guard = f"PYPERCEPTRON_{prefix}_H"
    parts = [_head(model), f"#ifndef {guard}\n#define {guard}", _declarations(model, prefix), "#endif"]
    return "\n\n".join(parts) + "\n"


def _head(model: Description) -> str:
    return (
        f"/* A linear model of pyperceptron for rows of {model.row}, {written_by()}.\n"
        " *\n"
        " * It is C89, C99 and C++ and needs the mathematics of the C library (-lm) only. Where the compiler would fuse\n"
        " * multiplications and additions, -ffp-contract=off keeps the last digits."
        f"{'' if model.columns is None else _NO_FAST_MATH} */"
    )


def _declarations(model: Description, prefix: str) -> str:
    k = model.n_outputs
    row, proba, predict, error, refused = "const double row[]", "void", "void", "", ""
    lines = ["#ifdef __cplusplus", 'extern "C" {', "#endif", ""]
    if model.columns is not None:
        row, proba, predict = f"const struct {prefix}_row *row", "int", "int"
        error, refused = filled(_ERROR, {"VALUES": "probability"}), ", or -1 where a number is refused"
        lines += [*_row_struct(model.columns, prefix), ""]
    if model.names:
        lines += [f"/* The columns, in the order of a row's {'numbers' if model.columns is None else 'fields'}. */"]
        lines += [f"extern const char *const {prefix}_names[{len(model.names)}];", ""]
    if model.labels is not None:
        count = len(model.labels)
        lines += ["/* The classes, as texts. */", f"extern const char *const {prefix}_classes[{count}];", ""]
        lines += [f"/* Writes the {count} probabilities of a row, in the order of the classes.{error} */"]
    elif model.multilabel:
        lines += [f"/* Writes the {k} probabilities of a row: for each label, that of its being 1.{error} */"]
    else:
        lines += [f"/* Writes the {counted(k, 'output')} of a row, from 0 to 1. */"]
    lines += [f"{proba} {prefix}_predict_proba({row}, double probabilities[]);"]
    if model.labels is not None:
        lines += ["", f"/* Returns the index of the most probable class of a row, the first of equals{refused}. */"]
        lines += [f"int {prefix}_predict({row});"]
    elif model.multilabel:
        returns = filled(_ERROR, {"VALUES": "label"}) if refused else ""
        lines += ["", f"/* Writes the {k} labels of a row: 1 where the probability is above one half, else 0.{returns} */"]
        lines += [f"{predict} {prefix}_predict({row}, int labels[]);"]
    return "\n".join([*lines, "", "#ifdef __cplusplus", "}", "#endif"])


def _row_struct(columns: Sequence[ColumnEncoding], prefix: str) -> list[str]:
    """Return the lines that define struct PREFIX_row, which may stand in a program twice."""
    guard = f"PYPERCEPTRON_{prefix}_ROW"
    about = filled(_ABOUT_ROW, {"WORDS": ", ".join(filter(None, WORDS))}).strip("\n")
    fields = []
    for column, field in zip(columns, _field_names(columns), strict=True):
        own = str(column.name)
        shown = [own] if own != field and all(" " <= letter < "\x7f" and letter not in "*/?\\" for letter in own) else []
        shown += ["may be NaN"] if column.fill is not None else []
        comment = f" /* {'; '.join(shown)} */" if shown else ""
        fields.append(f"    {'double ' if column.levels is None else 'const char *'}{field};{comment}")
    return [f"#ifndef {guard}", f"#define {guard}", *about.splitlines(), f"struct {prefix}_row {{", *fields, "};", "#endif"]


def _field_names(columns: Sequence[ColumnEncoding]) -> list[str]:
    """Return a different identifier for each column: its name in small letters, with _ for what an identifier cannot hold."""
    fields: dict[str, None] = {}
    for column in columns:
        letters = str(column.name).lower()
        field = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in letters)[:_LONGEST_NAME]
        if not field[:1].isalpha():  # names of C's own begin with _
            field = f"x{field}"[:_LONGEST_NAME]
        if field in KEYWORDS or field in _MACROS:
            field += "_"
        number, first = 1, field
        while field in fields:
            number += 1
            field = f"{first[: _LONGEST_NAME - 8]}_{number}"
        fields[field] = None
    return list(fields)


def _terms(columns: Sequence[ColumnEncoding], prefix: str) -> list[str]:
    """Return the definitions that turn a row into the numbers that the model sees, without the indicators that are 0."""
    levels: list[str] = []
    places: list[int] = []
    reads, templates = [], [_TERMS]
    for index, (column, field) in enumerate(zip(columns, _field_names(columns), strict=True)):
        missing = column.places.get(None, -1)
        if column.levels is not None:
            for level in column.levels:
                if "\0" in level:
                    raise ValueError(
                        f"the text {named(level)} in column {named(column.name)} cannot be exported, as the character "
                        "0 ends a text of C: give texts without it in fit"
                    )
            first = len(levels)
            levels += sorted(column.levels, key=_encoded)
            places += [column.places[level] for level in levels[first:]]
            reads.append(f"    {prefix}_add_text(terms, row->{field}, {first}, {len(levels)}, {missing});")
            continue
        given = f"terms, row->{field}, {column.first}"
        call = f"add_number({given})" if column.fill is None else f"add_filled({given}, {column.fill!r}, {missing})"
        reads.append(f"    if (!{prefix}_{call})\n        return {index + 1};")
    numbers = [column for column in columns if column.levels is None]
    templates += [_ADD_NUMBER] if any(column.fill is None for column in numbers) else []
    templates += [_ADD_FILLED] if any(column.fill is not None for column in numbers) else []
    templates += [_ADD_TEXT] if len(numbers) < len(columns) else []
    fields = {
        "PREFIX": prefix,
        "MOST": str(len(columns) + sum(column.has_missing for column in numbers)),
        "WORDS": str(len(WORDS)),
        "READS": "\n".join(reads),
    }
    parts = []
    if len(numbers) < len(columns):
        parts.append(_texts(f"{prefix}_words", WORDS, "static "))
        # An array of C has elements, though no column need have a level.
        about = "/* The texts that the model was fitted with, each column's together and in order; and their places. */\n"
        parts.append(about + _texts(f"{prefix}_levels", levels or [""], "static "))
        rows = [places[first : first + _PLACES_ON_A_LINE] for first in range(0, len(places), _PLACES_ON_A_LINE)] or [[0]]
        lines = ",\n    ".join(", ".join(map(str, row)) for row in rows)
        parts.append(f"static const int {prefix}_places[{len(places) or 1}] = {{\n    {lines}\n}};")
    return parts + [filled(template, fields) for template in [*templates, _READ]]


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


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _texts(name: str, texts: list[str], storage: str = "") -> str:
    """Return the definition of an array of texts, UTF-8; those that are long for C89 are arrays of characters."""
    lines, pointers = [], []
    for index, text in enumerate(texts):
        encoded = _encoded(text)
        if len(encoded) < _LONGEST_TEXT:
            pointers.append(f'    "{"".join(map(_in_text, encoded))}",')
            continue
        characters = [f"'{_in_text(byte)}'" for byte in (*encoded, 0)]
        lines.append(f"static const char {name}_{index}[] = {{")
        lines += [f"    {', '.join(characters[first : first + 16])}," for first in range(0, len(characters), 16)]
        lines[-1] = lines[-1].rstrip(",")
        lines.append("};")
        pointers.append(f"    {name}_{index},")
    return "\n".join([*lines, f"{storage}const char *const {name}[{len(texts)}] = {{", *pointers, "};"])


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

_NO_FAST_MATH = """
 * Compile it without -ffast-math, with which a missing number (NaN) cannot be told from others."""

_ABOUT_ROW = """
/* A row: a field for each column. Texts are UTF-8, and spaces around them do not count; one that the model was not fitted with
 * counts as none of its texts. NULL, the empty text and these words stand for a missing text:
 * @WORDS@.
 * NaN stands for a missing number, which only some fields may hold: those that say so. */
"""

_ERROR = """ Returns 0; or, if a number is infinite,
 * or missing where it must not be, its column, counted from 1, and then every @VALUES@ is -1."""

_TERMS = """
/* The numbers that the model sees of a row, and their places among them, without the indicators that are 0. */
struct @PREFIX@_terms {
    int count;
    int places[@MOST@];
    double numbers[@MOST@];
};

static void @PREFIX@_add(struct @PREFIX@_terms *terms, int place, double number)
{
    terms->places[terms->count] = place;
    terms->numbers[terms->count] = number;
    terms->count++;
}
"""

_ADD_NUMBER = """
/* Adds a number, and returns whether it is finite. */
static int @PREFIX@_add_number(struct @PREFIX@_terms *terms, double number, int place)
{
    @PREFIX@_add(terms, place, number);
    return fabs(number) <= DBL_MAX;
}
"""

_ADD_FILLED = """
/* Adds a number, or `fill` if it is missing and then, unless `missing` is -1, a 1 there; returns whether it is not infinite. */
static int @PREFIX@_add_filled(struct @PREFIX@_terms *terms, double number, int place, double fill, int missing)
{
    int is_missing = number != number;

    @PREFIX@_add(terms, place, is_missing ? fill : number);
    if (is_missing && missing >= 0)
        @PREFIX@_add(terms, missing, 1.0);
    return is_missing || fabs(number) <= DBL_MAX;
}
"""

_ADD_TEXT = """
/* The bytes of the space that a text begins with, or 0: one of those that Python's str.strip takes away. */
static int @PREFIX@_space(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;

    if ((c[0] >= 9 && c[0] <= 13) || (c[0] >= 28 && c[0] <= 32))
        return 1;
    if (c[0] == 0xC2)
        return c[1] == 0x85 || c[1] == 0xA0 ? 2 : 0;
    if (c[0] == 0xE1)
        return c[1] == 0x9A && c[2] == 0x80 ? 3 : 0;
    if (c[0] == 0xE2 && c[1] == 0x80)
        return (c[2] >= 0x80 && c[2] <= 0x8A) || c[2] == 0xA8 || c[2] == 0xA9 || c[2] == 0xAF ? 3 : 0;
    if (c[0] == 0xE2 && c[1] == 0x81)
        return c[2] == 0x9F ? 3 : 0;
    return c[0] == 0xE3 && c[1] == 0x80 && c[2] == 0x80 ? 3 : 0;
}

/* Compares a text with the first `length` bytes of another, as strcmp does. */
static int @PREFIX@_compare(const char *text, const char *other, size_t length)
{
    int order = strncmp(text, other, length);
    return order != 0 ? order : text[length] != 0;
}

/* Adds a 1 at the place of a text, which is one of the levels first <= i < last, or missing, or nowhere. */
static void @PREFIX@_add_text(struct @PREFIX@_terms *terms, const char *text, int first, int last, int missing)
{
    size_t length = 0, i;
    int order, middle, bytes, word = 0;

    if (text != 0) {
        while ((bytes = @PREFIX@_space(text)) > 0)
            text += bytes;
        for (i = 0; text[i] != 0; i += (size_t)(bytes > 0 ? bytes : 1)) {
            bytes = @PREFIX@_space(text + i);
            if (bytes == 0)
                length = i + 1;
        }
        while (first < last) {
            middle = first + (last - first) / 2;
            order = @PREFIX@_compare(@PREFIX@_levels[middle], text, length);
            if (order == 0) {
                @PREFIX@_add(terms, @PREFIX@_places[middle], 1.0);
                return;
            }
            if (order < 0)
                first = middle + 1;
            else
                last = middle;
        }
        for (word = 0; word < @WORDS@; word++)
            if (@PREFIX@_compare(@PREFIX@_words[word], text, length) == 0)
                break;
    }
    if (word < @WORDS@ && missing >= 0)
        @PREFIX@_add(terms, missing, 1.0);
}
"""

_READ = """
/* Returns 0, or the column of a number that cannot be used, counted from 1. */
static int @PREFIX@_read(const struct @PREFIX@_row *row, struct @PREFIX@_terms *terms)
{
    terms->count = 0;
@READS@
    return 0;
}
"""

_SUM_OF_TERMS = """
/* The logit of an output without its intercept, in the order in which pyperceptron adds; indicators that are 0 add nothing. */
static double @PREFIX@_weighted_sum(const double weights[], const struct @PREFIX@_terms *row)
{
    double s[@COUNT@] = {0.0};
    int j;

    for (j = 0; j < row->count; j++)
        s[row->places[j] % @COUNT@] += row->numbers[j] * weights[row->places[j]];
    return @TOTAL@;
}
"""

_OF_ROW = """
int @PREFIX@_predict_proba(const struct @PREFIX@_row *row, double probabilities[])
{
    struct @PREFIX@_terms terms;
    int c, refused = @PREFIX@_read(row, &terms);

    if (refused == 0)
        @PREFIX@_probabilities(&terms, probabilities);
    else
        for (c = 0; c < @PROBABILITIES@; c++)
            probabilities[c] = -1.0;
    return refused;
}
"""

_PREDICT_OF_ROW = """
int @PREFIX@_predict(const struct @PREFIX@_row *row)
{
    struct @PREFIX@_terms terms;

    return @PREFIX@_read(row, &terms) == 0 ? @PREFIX@_prediction(&terms) : -1;
}
"""

_PREDICT_LABELS_OF_ROW = """
int @PREFIX@_predict(const struct @PREFIX@_row *row, int labels[])
{
    struct @PREFIX@_terms terms;
    int c, refused = @PREFIX@_read(row, &terms);

    if (refused == 0)
        @PREFIX@_prediction(&terms, labels);
    else
        for (c = 0; c < @OUTPUTS@; c++)
            labels[c] = -1;
    return refused;
}
"""

_OVERFLOWING = """
/* A logit in two parts, huge * 2^1100 + rest, neither of which can overflow. Unless `huge` is 0, `rest` is lost in it. */
static void @PREFIX@_parts(const double weights[], @ROW@, double *huge, double *rest)
{
    const double tiny = 2.7133285516175262e-166; /* 2^-550 */
    int j;

    *huge = *rest = 0.0;
    for (j = 0; j < @TERMS@; j++) {
        double x = @NUMBER_J@;
        if (fabs(x * @WEIGHT_J@) < 1e270)
            *rest += x * @WEIGHT_J@;
        else
            *huge += (x * tiny) * (@WEIGHT_J@ * tiny);
    }
}

/* Finite numbers that stand for the logits of a row, of which one overflows: in the same order. */
static void @PREFIX@_overflowing_logits(@ROW@, double logits[])
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
static void @PREFIX@_logits(@ROW@, double logits[])
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
@PROBA@(@ROW@, double probabilities[])
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
@PROBA@(@ROW@, double probabilities[])
{
    int c;

    @PREFIX@_logits(row, probabilities);
    for (c = 0; c < @OUTPUTS@; c++)
        probabilities[c] = @PREFIX@_sigmoid(probabilities[c]);
}
"""

_OF_SOFTMAX = """
@PROBA@(@ROW@, double probabilities[])
{
    @PREFIX@_logits(row, probabilities);
    @PREFIX@_softmax(probabilities);
}
"""

_NORMALIZED_SIGMOID = """
@PROBA@(@ROW@, double probabilities[])
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
@PREDICT@(@ROW@)
{
    double logit;

    @PREFIX@_logits(row, &logit);
    return logit > 0.0;
}
"""

_PREDICT_CLASS = """
@PREDICT@(@ROW@)
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
@PREDICT@(@ROW@, int labels[])
{
    double logits[@OUTPUTS@];
    int c;

    @PREFIX@_logits(row, logits);
    for (c = 0; c < @OUTPUTS@; c++)
        labels[c] = logits[c] > 0.0;
}
"""
