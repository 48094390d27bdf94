"""Exports of models whose columns of texts, or with missing numbers, become numbers: they take the raw values."""

import json
import math
import random
import re
import shutil
import struct
import subprocess
import sys
from functools import cache

import pytest
from exported import COMPILERS, HOSTILE, executed, oldest_python, ran

import pyperceptron as pp
from pyperceptron.table import MISSING_WORDS, Table

WORK = ["Private", "Self-emp", "State-gov", "Never worked"]
N_ROWS = 300
SPACES = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
NAMES = [
    "age",
    "Age",
    "AGE",
    "hours-per-week",
    "hours per week",
    "int",
    "errno",
    "2nd",
    "",
    "_",
    "na\u00efve",
    "*/ ??/",
    "x" * 90,
]


def table(columns, n_rows, seed, missing="error", gaps=()):
    """Return a table of random columns, each given as None for numbers or as its levels; those in gaps lack values."""
    rng = random.Random(seed)
    made = {}
    for name, levels in columns.items():
        values = [rng.gauss(3, 10) if levels is None else rng.choice(levels) for _ in range(n_rows)]
        if levels is not None:
            values[: len(levels)] = levels[:n_rows]
        if name in gaps:
            values[1::7] = [None] * len(values[1::7])
        made[name] = values
    return Table(made, missing=missing)


def fitted(columns, labels=("no", "yes"), n_rows=200, seed=1, missing="error", gaps=(), **params):
    rng = random.Random(seed)
    X = table(columns, n_rows, seed, missing, gaps)
    if isinstance(labels, int):
        y = [[int(rng.random() < 0.5) for _ in range(labels)] for _ in range(n_rows)]
    else:
        y = [labels[index % len(labels)] for index in range(n_rows)]
        rng.shuffle(y)
    return pp.Perceptron(**{"l2": 1e-3, **params}).fit(X, y)


ADULT = {"age": None, "work": WORK, "capital-gain": None, "sex": ["Male", "Female"], "country": [f"c{i}" for i in range(40)]}


def models():
    made = {
        "adult": fitted(ADULT, gaps=["work"]),
        "filled": fitted(ADULT, missing="mean", gaps=["work", "age"]),
        "only_fills": fitted({"a": None, "b": None}, missing="mean", gaps=["a"]),
        "one_text": fitted({"work": WORK}),
        "one_number": fitted({"a": None}, missing="mean"),
        "no_intercept": fitted(ADULT, fit_intercept=False, missing="mean", gaps=["sex"]),
        "softmax": fitted(ADULT, ["a", "b", "c"], missing="mean", gaps=["capital-gain"]),
        "many": fitted(ADULT, list(range(6)), gaps=["country"]),
        "normalized": fitted(ADULT, [1, 2, 3], loss="squared_error", l2=0.1, gaps=["work"]),
        "multilabel": fitted(ADULT, 3, missing="mean", gaps=["age", "sex"]),
        "levels": fitted({"code": [f"{i:x}" for i in range(1000)], "b": None, "c": WORK}, n_rows=1200, l2=0.1),
        "hostile": fitted(dict(zip(HOSTILE, [HOSTILE, None, HOSTILE[:3]] * 4, strict=False)), HOSTILE, l2=0.1),
        "names": fitted(dict.fromkeys(NAMES) | {"x": WORK, "__proto__": WORK, "length": None, "toString": None}),
        "all_missing": fitted({"a": None, "b": [""]}),
        "columns": fitted({f"c{i}": None if i % 2 else ["a", "b"] for i in range(300)}, l2=0.1),
    }
    for backend in pp.available_backends():
        made[f"of_{backend}"] = fitted(ADULT, missing="mean", gaps=["work", "age"], backend=backend, seed=5)
    return made


MODELS = models()


@cache
def rows_for(name):
    """Rows of raw values that JSON can hold: numbers, texts that are known, unknown, in spaces or missing, and None."""
    rng = random.Random(name)
    return [[_value(rng, column) for column in MODELS[name].encoding_] for _ in range(N_ROWS)]


def _value(rng, column):
    if column["kind"] == "number":
        if column["fill"] is not None and rng.random() < 0.15:
            return rng.choice([None, None, " NA ", "?", ""])
        return rng.choice([rng.gauss(0, 10), rng.gauss(0, 10), rng.randint(-9, 99), 0.0, -0.0, 5e-324, 1e300])
    level = rng.choice(column["levels"] or ["x"])
    spaces = [rng.choice(SPACES) * rng.randint(0, 2) for _ in range(2)]
    words = [None, "", " \u2003", *sorted(MISSING_WORDS)]
    others = [level + "x", level[:-1], level.upper(), "\ufeff" + level, "\u4e2d", level + " " + level, "\u200b"]
    return rng.choice([level, level, level, level.join(spaces), rng.choice(words), rng.choice(others)])


def encoded(columns, row):
    """Return the numbers that docs/model-file.md says a row becomes: the oracle for model and exports."""
    found = []
    for column, value in zip(columns, row, strict=True):
        is_missing = value is None or (isinstance(value, str) and value.strip() in MISSING_WORDS)
        if column["kind"] == "number":
            found.append(column["fill"] if is_missing else float(value))
        else:
            found += [float(not is_missing and value.strip() == level) for level in column["levels"]]
        if column["missing"]:
            found.append(float(is_missing))
    return found


@cache
def expected(name):
    """Return probabilities and predictions of the rows; the latter as indices of classes or lists of labels."""
    model, rows = MODELS[name], rows_for(name)
    predicted = model.predict(rows)
    return model.predict_proba(rows), [label if isinstance(label, list) else model.classes_.index(label) for label in predicted]


def close(found, right):
    return all(abs(a - b) <= 1e-14 for pair in zip(found, right, strict=True) for a, b in zip(*pair, strict=True))


def check(name, probabilities, predicted):
    right, classes = expected(name)
    assert close(probabilities, right), name
    assert predicted == classes, name


def test_the_model_follows_the_documentation():
    for name, model in MODELS.items():
        if len(model.coef_) > 1:
            continue
        for row, logit in zip(rows_for(name), model.decision_function(rows_for(name)), strict=True):
            terms = [*map(float.__mul__, model.coef_[0], encoded(model.encoding_, row)), model.intercept_[0]]
            assert abs(logit - math.fsum(terms)) <= 1e-14 * math.fsum(map(abs, terms)), name


@cache
def executed_once(name):
    return executed(MODELS[name])


def test_python(tmp_path):
    for name, model in MODELS.items():
        (tmp_path / f"{name}.py").write_text(model.export("python"), encoding="ascii")
    (tmp_path / "rows.json").write_text(json.dumps({name: rows_for(name) for name in MODELS}))
    script = """
import importlib, json
from collections import UserDict
results = {}
for name, rows in json.load(open("rows.json")).items():
    module = importlib.import_module(name)
    kinds = [list, tuple, lambda row: dict(zip(module.names, row)), lambda row: UserDict(list(zip(module.names, row))[::-1])]
    found = []
    for kind in kinds:
        predicted = [module.predict(kind(row)) for row in rows]
        if getattr(module, "classes", None):
            predicted = [module.classes.index(label) for label in predicted]
        found.append([[module.predict_proba(kind(row)) for row in rows], predicted])
        found[-1].append([module.numbers(kind(row)) for row in rows])
    assert found[0] == found[1] == found[2] == found[3]
    results[name] = found[0]
print(json.dumps(results))
"""
    results = json.loads(ran(oldest_python(), "-W", "error", "-c", script, cwd=tmp_path))
    for name, model in MODELS.items():
        check(name, *results[name][:2])
        assert results[name][2] == [encoded(model.encoding_, row) for row in rows_for(name)]


JAVASCRIPT = """
import { readFileSync } from "node:fs";
const results = {};
for (const [name, rows] of Object.entries(JSON.parse(readFileSync("rows.json")))) {
  const model = await import(`./${name}.mjs`);
  const index = (label) => (model.classes ? model.classes.indexOf(label) : label);
  const kinds = [
    (row) => row,
    (row) => {
      const pairs = row.map((value, j) => JSON.stringify(model.names[j]) + ":" + JSON.stringify(value));
      return JSON.parse("{" + pairs.reverse().join(",") + "}");
    },
    (row) => row.map((value) => value ?? undefined),
  ];
  const found = kinds.map((kind) => [
    rows.map((row) => model.predictProba(kind(row))),
    rows.map((row) => index(model.predict(kind(row)))),
    rows.map((row) => model.numbers(kind(row))),
  ]);
  if (new Set(found.map((own) => JSON.stringify(own))).size > 1) {
    throw new Error(name);
  }
  results[name] = [...found[0], model.names];
}
console.log(JSON.stringify(results));
"""


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_javascript(tmp_path):
    for name, model in MODELS.items():
        (tmp_path / f"{name}.mjs").write_text(model.export("javascript"), encoding="ascii")
    (tmp_path / "rows.json").write_text(json.dumps({name: rows_for(name) for name in MODELS}))
    (tmp_path / "run.mjs").write_text(JAVASCRIPT)
    results = json.loads(ran("node", "run.mjs", cwd=tmp_path))
    for name, model in MODELS.items():
        check(name, *results[name][:2])
        assert results[name][2] == [encoded(model.encoding_, row) for row in rows_for(name)]
        assert results[name][3] == model.feature_names_in_


def fields_of(header):
    """Return the type and the name of each field of the row in a C header."""
    body = re.search(r"_row \{\n(.*?)\n\};", header, re.DOTALL)[1]
    return [re.match(r"    (double |const char \*)(\w+);", line).groups() for line in body.splitlines()]


def c_main(names):
    """Return a program that reads rows from its input and writes what each model answers, its probabilities and labels."""
    longest = max(len(texts_of(value)) for name in names for row in rows_for(name) for value in row) + 1
    lines = ["#include <stdio.h>", *(f'#include "{name}.h"' for name in names)]
    lines += [
        f"static char texts[400][{longest}];",
        "static double number(void) { double x; return fread(&x, sizeof x, 1, stdin) == 1 ? x : -1e308; }",
        "static const char *text(int column)",
        "{",
        "    int length;",
        "    if (fread(&length, sizeof length, 1, stdin) != 1 || length < 0) return 0;",
        "    texts[column][length] = 0;",
        "    return fread(texts[column], 1, (size_t)length, stdin) == (size_t)length ? texts[column] : 0;",
        "}",
        "int main(void)",
        "{",
    ]
    for name in names:
        model = MODELS[name]
        k = len(expected(name)[0][0])
        lines += ["    {", f"        struct {name}_row row;", f"        double p[{k}];", "        int r, c, refused;"]
        lines += [f"        int labels[{k}];"] * (name == "multilabel")
        lines += [f"        for (r = 0; r < {N_ROWS}; r++) {{"]
        for index, (kind, field) in enumerate(fields_of(model.export("c-header"))):
            lines += [f"            row.{field} = {'number()' if kind == 'double ' else f'text({index})'};"]
        lines += [f"            refused = {name}_predict_proba(&row, p);", '            printf("%d", refused);']
        lines += [f'            for (c = 0; c < {k}; c++) printf(" %.17g", p[c]);']
        if name == "multilabel":
            lines += [f"            if ({name}_predict(&row, labels) != refused) return 1;"]
            lines += [f'            for (c = 0; c < {k}; c++) printf(" %d", labels[c]);']
        else:
            lines += [f'            printf(" %d", {name}_predict(&row));']
        lines += ['            printf("\\n");', "        }", "    }"]
    return "\n".join([*lines, "    return 0;", "}", ""])


def texts_of(value):
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else b""


def packed(name, rows):
    """Return rows as c_main reads them: a double, or the length of a text and its bytes."""
    found = []
    for row in rows:
        for column, value in zip(MODELS[name].encoding_, row, strict=True):
            if column["kind"] == "number":
                found.append(struct.pack("d", value if isinstance(value, (int, float)) else math.nan))
            else:
                found.append(struct.pack("i", -1 if value is None else len(texts_of(value))) + texts_of(value))
    return b"".join(found)


@pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed")
@pytest.mark.parametrize("compiler", COMPILERS, ids=" ".join)
def test_c(tmp_path, compiler):
    for name, model in MODELS.items():
        (tmp_path / f"{name}.c").write_text(model.export("c", prefix=name), encoding="ascii")
        (tmp_path / f"{name}.h").write_text(model.export("c-header", prefix=name), encoding="ascii")
    (tmp_path / "main.c").write_text(c_main(MODELS))
    (tmp_path / "all.c").write_text("".join(f'#include "{name}.h"\n#include "{name}.c"\n' for name in MODELS))
    flags = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-O1", "-ffp-contract=off"]
    ran(*compiler, *flags, "main.c", "all.c", "-o", "program", "-lm", cwd=tmp_path)
    rows = b"".join(packed(name, rows_for(name)) for name in MODELS)
    done = subprocess.run([tmp_path / "program"], input=rows, capture_output=True, check=True)
    lines = iter(done.stdout.decode("ascii").splitlines())
    for name in MODELS:
        k = len(expected(name)[0][0])
        numbers = [next(lines).split() for _ in range(N_ROWS)]
        assert {own[0] for own in numbers} == {"0"}
        labels = [list(map(int, own[k + 1 :])) for own in numbers]
        predicted = labels if name == "multilabel" else [label for [label] in labels]
        check(name, [list(map(float, own[1 : k + 1])) for own in numbers], predicted)


@pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed")
def test_c_tells_which_number_it_refuses(tmp_path, monkeypatch):
    """Numbers that are infinite, or missing without a fill: the column, counted from 1, and -1 for all answers."""
    nan, inf = math.nan, math.inf
    cases = {
        "adult": ([[nan, "Private", 1.0, "Male", "c1"], [1.0, None, -inf, None, None], [1.0, None, 2.0, "", "?"]], [1, 3, 0]),
        "multilabel": ([[nan, "Private", 1.0, "Male", "c1"], [inf, None, nan, None, None], [1.0, "x", inf, "", ""]], [0, 1, 3]),
    }
    for name, (rows, refused) in cases.items():
        (tmp_path / f"{name}.c").write_text(MODELS[name].export("c", prefix=name))
        (tmp_path / f"{name}.h").write_text(MODELS[name].export("c-header", prefix=name))
        (tmp_path / "main.c").write_text(c_main([name]).replace(f"r < {N_ROWS}", f"r < {len(rows)}"))
        ran(*COMPILERS[0], "-O2", "main.c", f"{name}.c", "-o", "program", "-lm", cwd=tmp_path)
        done = subprocess.run([tmp_path / "program"], input=packed(name, rows), capture_output=True, check=True)
        found = [line.split() for line in done.stdout.decode("ascii").splitlines()]
        assert [int(own[0]) for own in found] == refused
        for own in found:
            assert ({*map(float, own[1:])} == {-1.0}) == (own[0] != "0")


def test_c_names_fields_after_the_columns():
    fields = [field for _, field in fields_of(MODELS["names"].export("c-header"))]
    start = [
        "age",
        "age_2",
        "age_3",
        "hours_per_week",
        "hours_per_week_2",
        "int_",
        "errno_",
        "x2nd",
        "x",
        "x_",
        "na_ve",
        "x______",
    ]
    assert fields[: len(start)] == start
    assert fields[12] == "x" * 63
    assert len({*fields}) == len(fields) == len(MODELS["names"].feature_names_in_)
    header = MODELS["filled"].export("c-header")
    assert "    double capital_gain; /* capital-gain; may be NaN */\n" in header
    assert all(word in header for word in MISSING_WORDS)


@pytest.mark.parametrize("name", ["adult", "of_python", "no_intercept", "levels", "columns", "softmax", "many"])
def test_logits_have_the_bits_of_the_backend(name):
    model, module = MODELS[name], executed_once(name)
    logits = [module["_logit" if len(model.coef_) == 1 else "_logits"](row) for row in rows_for(name)]
    assert logits == model.decision_function(rows_for(name))
    if "_careful_logit" in module:
        assert logits == list(map(module["_careful_logit"], rows_for(name)))


def test_sums_that_overflow_are_decided():
    largest = sys.float_info.max
    model = fitted({"a": None, "b": None, "c": WORK}, n_rows=40)
    model = pp.from_json(re.sub(r'"coefficients": .*\]\]', '"coefficients": [[3.0, 4.0, 1, 2, 3, 4]]', model.to_json()))
    module = executed(model)
    assert module["predict_proba"]([largest, largest, "Private"]) == [0.0, 1.0]
    assert module["predict"]({"a": -largest, "b": -largest, "c": None}) == "no"


class Row:
    """A row with keys that is no Mapping, as a row of a database or a Series."""

    def __init__(self, **values):
        self.values = values

    def keys(self):
        return list(self.values)

    def __getitem__(self, key):
        return self.values[key]


REFUSED = [
    [39, "Private", 0.0, "Male"],
    [39, "Private", 0.0, "Male", "c1", 1],
    [None, "Private", 0.0, "Male", "c1"],
    ["?", "Private", 0.0, "Male", "c1"],
    [math.nan, "Private", 0.0, "Male", "c1"],
    [math.inf, "Private", 0.0, "Male", "c1"],
    ["39", "Private", 0.0, "Male", "c1"],
    [b"39", "Private", 0.0, "Male", "c1"],
    [39, b"Private", 0.0, "Male", "c1"],
    [39, ["Private"], 0.0, "Male", "c1"],
    [39, {}, 0.0, "Male", "c1"],
    [39, 1j, 0.0, "Male", "c1"],
    [1j, "Private", 0.0, "Male", "c1"],
    [10**400, "Private", 0.0, "Male", "c1"],
    [[39], "Private", 0.0, "Male", "c1"],
    {"age": 39},
    {"age": 39, "work": "Private", "capital-gain": 0.0, "sex": "Male", "county": "c1"},
    {"age": 39, "work": "Private", "capital-gain": 0.0, "sex": "Male", "country": "c1", "more": 1},
    {"age": None, "work": "Private", "capital-gain": 0.0, "sex": "Male", "country": "c1"},
    "abcde",
    {1, 2, 3, 4, 5},
    5,
    None,
    [],
    {},
]


@pytest.mark.parametrize("row", REFUSED, ids=repr)
@pytest.mark.parametrize("name", ["adult", "many"])
def test_python_refuses_what_the_model_refuses(name, row):
    with pytest.raises((ValueError, TypeError)) as of_model:
        MODELS[name].predict_proba_one(row)
    for function in ("predict", "predict_proba", "numbers"):
        with pytest.raises(of_model.type, match=r"^(row|column) .*expected|row must hold 5 values; got"):
            executed_once(name)[function](row)


def test_python_takes_what_the_model_takes():
    numpy = pytest.importorskip("numpy")
    from decimal import Decimal
    from fractions import Fraction

    values = [
        [39, 39.5, True, numpy.float64(1.1), numpy.float32(1.1), numpy.int8(3), Decimal("1.1"), Fraction(1, 3), None, math.nan],
        [
            "Private",
            numpy.str_(" Private"),
            None,
            math.nan,
            numpy.float64("nan"),
            5,
            True,
            1.5,
            numpy.bool_(True),
            numpy.int64(3),
        ],
    ]
    columns = {"n": None, "t": ["Private", "5", "True", "1.5", "3"]}
    for labels in (["a", "b"], ["a", "b", "c"]):
        model = fitted(columns, labels, missing="mean", gaps=["n", "t"])
        module = executed(model)
        for number in values[0]:
            for text in values[1]:
                right = model.predict_proba_one([number, text])
                for row in ([number, text], {"t": text, "n": number}, Row(n=number, t=text)):
                    assert close([module["predict_proba"](row)], [right])


def test_python_takes_rows_of_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({0: [1.0, 2.0, 3.0, 4.0], 1: ["a", "b", None, "a"], ("x", 2): [True, False, True, True]})
    model = pp.Perceptron(l2=0.1).fit(frame, [0, 1, 0, 1])
    module = executed(model)
    assert module["names"] == (0, 1, ("x", 2))
    frame.iloc[0, 1] = pandas.NA
    right = model.predict_proba(frame)
    for index, row in enumerate(frame.iloc):
        found = module["predict_proba"](row)
        assert found == module["predict_proba"](row.to_dict()) == module["predict_proba"](row.tolist())
        assert close([found], [right[index]])


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_javascript_refuses_in_a_sentence(tmp_path):
    (tmp_path / "model.mjs").write_text(MODELS["adult"].export("javascript"))
    script = """
import { predict, predictProba } from "./model.mjs";
const rest = ["Private", 0, "Male", "c1"];
const object = { age: 1, work: "Private", "capital-gain": 0, sex: "Male" };
for (const row of [
  [1, ...rest, 2], [null, ...rest], [NaN, ...rest], [" ?", ...rest], [Infinity, ...rest], ["39", ...rest], [[39], ...rest],
  [39n, ...rest], [39, 5, 0, "Male", "c1"], [39, {}, 0, "Male", "c1"], object, { ...object, county: "c1" },
  { ...object, country: "c1", more: 1 }, "abcde", null, undefined, 5, new Float64Array(4),
]) {
  for (const f of [predict, predictProba]) {
    try {
      console.log("answered", f(row));
    } catch (error) {
      console.log(error.message);
    }
  }
}
console.log(JSON.stringify([predictProba([true, ...rest]), predictProba([1, ...rest])]));
"""
    (tmp_path / "run.mjs").write_text(script)
    *messages, last = ran("node", "run.mjs", cwd=tmp_path).splitlines()
    assert messages[::2] == messages[1::2]
    assert messages[::2] == [
        "row must hold 5 values; got 6",
        *['column "age" is missing; expected a finite number: fill it in'] * 3,
        'column "age" must be a finite number; got Infinity',
        'column "age" must be a number; got the text "39"',
        'column "age" must be a number; got object',
        'column "age" must be a number; got bigint',
        'column "work" must be a text; got 5, which may stand for several texts, such as 1 and 1.0',
        'column "work" must be a text; got object',
        'row lacks "country"; expected a property for each of `names`',
        'row lacks "country" and has besides "county"; expected a property for each of `names`',
        'row has besides "more"; expected a property for each of `names`',
        *[f"row must be an array of 5 values or an object; got {value}" for value in ("abcde", "null", "undefined", "5")],
        "row must hold 5 values; got 4",
    ]
    first, second = json.loads(last)
    assert first == second


def test_truth_values_are_the_texts_of_python(tmp_path):
    model = fitted({"a": ["True", "False"], "b": None})
    right = model.predict_proba([[True, 1.0], [False, 1.0]])
    assert right == model.predict_proba([["True", 1.0], ["False", 1.0]])
    assert close(map(executed(model)["predict_proba"], [[True, 1.0], [False, 1.0]]), right)
    if shutil.which("node"):
        (tmp_path / "model.mjs").write_text(model.export("javascript"))
        script = (
            'import { predictProba } from "./model.mjs"; console.log(JSON.stringify([[true, 1], [false, 1]].map(predictProba)))'
        )
        (tmp_path / "run.mjs").write_text(script)
        assert close(json.loads(ran("node", "run.mjs", cwd=tmp_path)), right)


def test_what_a_language_cannot_hold_is_refused():
    model = fitted({"a": ["x\0y", "z"], "b": None})
    assert close([executed(model)["predict_proba"](["x\0y ", 1.0])], model.predict_proba([["x\0y", 1.0]]))
    with pytest.raises(ValueError, match=r"^the text 'x\\x00y' in column 'a' cannot be exported, as the character 0"):
        model.export("c")
    model = fitted({1: WORK, "1": WORK})
    assert executed(model)["predict"]({"1": "Private", 1: "State-gov"}) == model.predict([["State-gov", "Private"]])[0]
    with pytest.raises(ValueError, match=r"^two columns of X have the name '1' as a text, but JavaScript needs different"):
        model.export("javascript")


def test_levels_of_a_file_may_have_any_order():
    text = MODELS["adult"].to_json()
    shuffled = text.replace(
        '["Never worked", "Private", "Self-emp", "State-gov"]', '["State-gov", "Private", "Never worked", "Self-emp"]'
    )
    assert shuffled != text
    model = pp.from_json(shuffled)
    assert "model_places[46] = {\n    3, 2, 4, 1, " in model.export("c")
    row = [1.0, "Never worked", 2.0, "Male", "c3"]
    assert executed(model)["_logit"](row) == model.decision_function([row])[0]


def test_the_same_model_gives_the_same_text_also_after_a_file():
    for model in MODELS.values():
        again = pp.from_json(model.to_json())
        for target in ("python", "c", "c-header", "javascript"):
            text = model.export(target)
            assert text == again.export(target)
            assert text.isascii()
            assert not any(line.endswith(" ") for line in text.splitlines())
            assert text.endswith("\n")


@pytest.mark.parametrize("seed", range(30))
def test_random_tables(seed):
    """Models of random columns: the Python export agrees with the model, and both with the documentation."""
    rng = random.Random(seed)
    columns = {}
    for index in range(rng.randint(1, 12)):
        letters = rng.sample("abcXYZ\u00e9\u4e2d\U0001f600'\"\\?/ 0", k=rng.randint(2, 9))
        levels = sorted({"".join(rng.choices(letters, k=rng.randint(1, 5))).strip() for _ in range(9)} - MISSING_WORDS)
        columns[f"c{index}"] = None if rng.random() < 0.4 else levels
    gaps = [name for name in columns if rng.random() < 0.4]
    labels = rng.choice([["a", "b"], ["a", "b", "c"], 2])
    model = fitted(columns, labels, 60, seed, missing="mean", gaps=gaps, fit_intercept=rng.random() < 0.8, l2=0.1)
    if model.encoding_ is None:
        return
    module = executed(model)
    rows = [[_value(rng, column) for column in model.encoding_] for _ in range(50)]
    for row, right, label in zip(rows, model.predict_proba(rows), model.predict(rows), strict=True):
        assert module["numbers"](row) == encoded(model.encoding_, row)
        assert close([module["predict_proba"](row)], [right])
        assert module["predict"](dict(zip(columns, row, strict=True))) == label


@pytest.mark.parametrize("name", MODELS)
def test_examples_hold_raw_rows(name):
    from pyperceptron.exports.examples import examples

    model, module = MODELS[name], executed_once(name)
    found = json.loads(examples(model))
    assert found == json.loads(examples(pp.from_json(model.to_json())))
    assert close(map(module["predict_proba"], found["rows"]), found["probabilities"])
    assert list(map(module["predict"], found["rows"])) == found["predictions"]
    values = [value for row in found["rows"] for value in row]
    if any(column["kind"] == "text" and column["levels"] for column in model.encoding_):
        levels = {level for column in model.encoding_ for level in column.get("levels", ())}
        texts = {value for value in values if isinstance(value, str)}
        assert texts & levels
        assert any(text.strip() in levels and text.strip() != text for text in texts)
        assert any(text.strip() not in levels | MISSING_WORDS for text in texts)
        assert None in values
        assert len({str(label) for label in found["predictions"]}) > 1
