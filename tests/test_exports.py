"""Standalone exports: what they say, and what they compute under gcc, g++, clang, node and the oldest Python that is here."""

import datetime
import json
import math
import random
import shutil
import struct
import subprocess
import sys
from functools import cache

import pytest
from exported import COMPILERS, HOSTILE, executed, oldest_python, ran

import pyperceptron as pp
from pyperceptron.cli import main

N_ROWS = 200


def known(outputs, inputs, seed, *, classes=None, spread=1.0, **params):
    """Return a model of random coefficients."""
    rng = random.Random(seed)
    coef = [[rng.gauss(0, spread) for _ in range(inputs)] for _ in range(outputs)]
    intercept = [rng.gauss(0, 1) for _ in range(outputs)] if params.get("fit_intercept", True) else 0.0
    return pp.Perceptron.from_coefficients(coef, intercept, classes or range(max(2, outputs)), **params)


def multilabel(inputs, outputs, seed):
    rng = random.Random(seed)
    X = [[rng.gauss(0, 1) for _ in range(inputs)] for _ in range(60)]
    return pp.Perceptron(l2=0.1).fit(X, [[int(rng.random() < 0.5 + 0.2 * x[0]) for _ in range(outputs)] for x in X])


def layer(inputs, outputs, seed, bias):
    made = pp.SigmoidLayer(inputs, outputs, bias=bias, seed=seed)
    if bias:
        made.bias = [random.Random(seed).gauss(0, 1) for _ in range(outputs)]
    return made


def models():
    made = {
        "binary": known(1, 30, 1),
        "one_column": known(1, 1, 2),
        "no_intercept": known(1, 5, 3, fit_intercept=False),
        "softmax": known(3, 7, 4, classes=["a", "b", "c"]),
        "many": known(10, 40, 5),  # of so many outputs and columns the compiled backend adds in another order
        "wide": known(1, 300, 6, spread=0.1),
        "wide_softmax": known(5, 257, 7, spread=0.1, fit_intercept=False),
        "normalized": known(3, 17, 8, loss="squared_error"),
        "hostile": known(len(HOSTILE), 11, 9, classes=HOSTILE, feature_names=HOSTILE),
        "multilabel": multilabel(4, 3, 10),
        "layer": layer(3, 1, 11, False),
        "layer_bias": layer(20, 4, 12, True),
        "large_mean": known(1, 12, 13, spread=100.0),
    }
    for backend in pp.available_backends():
        made[f"of_{backend}"] = known(4, 33, 14, spread=30.0, backend=backend)
    return made


MODELS = models()


def width(model):
    return getattr(model, "n_inputs", None) or model.n_features_in_


@cache
def rows_for(name):
    rng = random.Random(name)
    scale = 1e4 if name == "large_mean" else 1.0
    rows = [[rng.gauss(0, 1) * scale for _ in range(width(MODELS[name]))] for _ in range(N_ROWS)]
    rows[0] = [0.0] * len(rows[0])
    rows[1] = [5e-324] * len(rows[0])
    rows[2] = [-1e-310] * len(rows[0])
    rows[3] = [rng.choice((-1.0, 1.0)) * 1e300 for _ in rows[0]]
    rows[4] = [1e3 * value for value in rows[4]]
    return rows


@cache
def extreme_rows(name):
    """Rows whose weighted sums overflow, to plus and minus infinity or to their difference, in every partial sum."""
    rng = random.Random(name)
    n = width(MODELS[name])
    largest = sys.float_info.max
    rows = [[sign * size] * n for sign in (1, -1) for size in (1e308, largest, 1e150)]
    rows += [[largest * (-1) ** (j // step) for j in range(n)] for step in (1, 2, 4, 8)]
    return rows + [[rng.choice((largest, -largest, 1e308, -1e308, 0.0, 5e-324, 1.0)) for _ in range(n)] for _ in range(90)]


@cache
def expected(name):
    """Return probabilities and predictions of the rows; the latter as indices of classes or lists of labels."""
    model, rows = MODELS[name], rows_for(name)
    if isinstance(model, pp.SigmoidLayer):
        return model.forward(rows), None
    predicted = model.predict(rows)
    return model.predict_proba(rows), [label if isinstance(label, list) else model.classes_.index(label) for label in predicted]


def check(name, probabilities, predicted):
    """Compare what an export made of rows_for(name) and extreme_rows(name) with the model."""
    right, classes = expected(name)
    assert len(probabilities) == N_ROWS + 100
    for row, other in zip(right, probabilities, strict=False):
        assert max(abs(a - b) for a, b in zip(row, other, strict=True)) <= 1e-14, name
    for row in probabilities:
        assert all(0.0 <= value <= 1.0 for value in row), name
        if not isinstance(MODELS[name], pp.SigmoidLayer) and not isinstance(predicted[0], list):
            assert math.isclose(sum(row), 1.0, rel_tol=1e-12)
    if classes is not None:
        assert predicted[:N_ROWS] == classes, name
        for row, answer in zip(probabilities[N_ROWS:], predicted[N_ROWS:], strict=True):
            if isinstance(answer, list):
                assert [int(value > 0.5) for value in row] == answer
            else:
                assert row[answer] == max(row)


def test_python(tmp_path):
    for name, model in MODELS.items():
        (tmp_path / f"{name}.py").write_text(model.export("python"), encoding="ascii")
    (tmp_path / "rows.json").write_text(json.dumps({name: rows_for(name) + extreme_rows(name) for name in MODELS}))
    script = """
import importlib, json
results = {}
for name, rows in json.load(open("rows.json")).items():
    module = importlib.import_module(name)
    predict = getattr(module, "predict", None)
    classes = getattr(module, "classes", None)
    predicted = predict and [predict(row) for row in rows]
    if classes:
        predicted = [classes.index(label) for label in predicted]
    results[name] = [module.predict_proba(row) for row in rows], predicted
print(json.dumps(results))
"""
    results = json.loads(ran(oldest_python(), "-W", "error", "-c", script, cwd=tmp_path))
    for name in MODELS:
        check(name, *results[name])


JAVASCRIPT = """
import { readFileSync } from "node:fs";
const results = {};
for (const [name, rows] of Object.entries(JSON.parse(readFileSync("rows.json")))) {
  const model = await import(`./${name}.mjs`);
  let predicted = model.predict ? rows.map((row) => model.predict(row)) : null;
  if (model.classes) {
    predicted = predicted.map((label) => model.classes.indexOf(label));
  }
  results[name] = [rows.map((row) => model.predictProba(row)), predicted, model.classes ?? null, model.names ?? null];
}
console.log(JSON.stringify(results));
"""


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_javascript(tmp_path):
    for name, model in MODELS.items():
        (tmp_path / f"{name}.mjs").write_text(model.export("javascript"), encoding="ascii")
    (tmp_path / "rows.json").write_text(json.dumps({name: rows_for(name) + extreme_rows(name) for name in MODELS}))
    (tmp_path / "run.mjs").write_text(JAVASCRIPT)
    results = json.loads(ran("node", "run.mjs", cwd=tmp_path))
    for name in MODELS:
        check(name, *results[name][:2])
    assert results["hostile"][2] == HOSTILE
    assert results["hostile"][3] == HOSTILE


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_javascript_refuses_rows_that_hold_no_finite_numbers(tmp_path):
    (tmp_path / "model.mjs").write_text(known(1, 3, 1).export("javascript"))
    script = """
import { predict, predictProba } from "./model.mjs";
for (const row of [[1, 2], [1, 2, 3, 4], [1, null, 3], [1, "2", 3], [1, undefined, 3], [1, NaN, 3], [1, Infinity, 3]]) {
  for (const f of [predict, predictProba]) {
    try {
      console.log(f(row));
    } catch (error) {
      console.log(error.message);
    }
  }
}
"""
    (tmp_path / "run.mjs").write_text(script)
    messages = ran("node", "run.mjs", cwd=tmp_path).splitlines()
    assert messages[::2] == messages[1::2]
    assert messages[0] == "row must hold 3 numbers; got 2"
    assert messages[4] == "row must hold numbers; got null at 1"
    assert messages[12] == "row must hold finite numbers; got Infinity at 1"
    assert len(messages) == 14
    assert all(message.startswith("row must hold ") for message in messages)


def c_main():
    """Return a program that reads the rows of every model, in turn, and writes the results, then hostile texts in base 16."""
    lines = ["#include <stdio.h>"]
    lines += [f'#include "{name}.h"' for name in MODELS]
    lines += ["int main(void)", "{"]
    for name, model in MODELS.items():
        n, k = width(model), len(expected(name)[0][0])
        several = name == "multilabel"
        lines += [
            "    {",
            f"        static double row[{n}], probabilities[{k}];",
            f"        int r, c{', labels[99]' * several};",
        ]
        lines += [f"        for (r = 0; r < {N_ROWS + 100}; r++) {{"]
        lines += [f"            if (fread(row, sizeof(double), {n}, stdin) != {n}) return 1;"]
        lines += [f"            {name}_predict_proba(row, probabilities);"]
        lines += [f'            for (c = 0; c < {k}; c++) printf("%.17g ", probabilities[c]);']
        if several:
            lines += [
                f"            {name}_predict(row, labels);",
                f'            for (c = 0; c < {k}; c++) printf("%d ", labels[c]);',
            ]
        elif not isinstance(model, pp.SigmoidLayer):
            lines += [f'            printf("%d", {name}_predict(row));']
        lines += ['            printf("\\n");', "        }", "    }"]
    texts = f"hostile_classes[{len(HOSTILE)}]"
    lines += [
        "    {",
        "        int c;",
        "        const char *text;",
        f"        /* {texts.replace('[', ' ')} */".replace("]", ""),
    ]
    for array in ("hostile_classes", "hostile_names"):
        lines += [f"        for (c = 0; c < {len(HOSTILE)}; c++) {{"]
        lines += [f'            for (text = {array}[c]; *text; text++) printf("%02x", (unsigned char)*text);']
        lines += ['            printf("\\n");', "        }"]
    return "\n".join([*lines, "    }", "    return 0;", "}", ""])


@pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed")
@pytest.mark.parametrize("compiler", COMPILERS, ids=" ".join)
def test_c(tmp_path, compiler):
    for name, model in MODELS.items():
        (tmp_path / f"{name}.c").write_text(model.export("c", prefix=name), encoding="ascii")
        (tmp_path / f"{name}.h").write_text(model.export("c-header", prefix=name), encoding="ascii")
    (tmp_path / "main.c").write_text(c_main())
    (tmp_path / "all.c").write_text("".join(f'#include "{name}.h"\n#include "{name}.c"\n' for name in MODELS))
    flags = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-O1", "-ffp-contract=off"]
    ran(*compiler, *flags, "main.c", "all.c", "-o", "program", "-lm", cwd=tmp_path)
    rows = [value for name in MODELS for row in rows_for(name) + extreme_rows(name) for value in row]
    done = subprocess.run([tmp_path / "program"], input=struct.pack(f"{len(rows)}d", *rows), capture_output=True, check=True)
    lines = iter(done.stdout.decode("ascii").splitlines())
    for name, model in MODELS.items():
        k = len(expected(name)[0][0])
        numbers = [next(lines).split() for _ in range(N_ROWS + 100)]
        predicted = None
        if name == "multilabel":
            predicted = [list(map(int, own[k:])) for own in numbers]
        elif not isinstance(model, pp.SigmoidLayer):
            predicted = [int(own[k]) for own in numbers]
        check(name, [list(map(float, own[:k])) for own in numbers], predicted)
    assert [bytes.fromhex(line).decode("utf-8", "surrogatepass") for line in lines] == HOSTILE * 2


@pytest.mark.parametrize("backend", pp.available_backends())
@pytest.mark.parametrize(("outputs", "inputs"), [(1, 1), (1, 9), (1, 30), (1, 300), (3, 24), (4, 23), (4, 24), (5, 300)])
def test_logits_have_the_bits_of_the_backend(backend, outputs, inputs):
    model = known(outputs, inputs, outputs + inputs, spread=1e6, backend=backend)
    module = executed(model)
    rng = random.Random(1)
    rows = [[rng.gauss(0, 1e6) for _ in range(inputs)] for _ in range(20)]
    assert [module["_logit" if outputs == 1 else "_logits"](row) for row in rows] == model.decision_function(rows)


def test_many_numbers_stand_in_a_text_which_python_reads_faster():
    model = known(11, 1000, 1)
    assert ".splitlines()" in model.export("python")
    rows = [[random.Random(seed).gauss(0, 1) for _ in range(1000)] for seed in range(3)]
    assert [executed(model)["_logits"](row) for row in rows] == model.decision_function(rows)


def test_ties_are_decided_as_predict_does():
    two = pp.Perceptron.from_coefficients([1.0, -1.0], 0.0, ["no", "yes"])
    three = pp.Perceptron.from_coefficients([[0.0], [1.0], [1.0]], 0.0, ["a", "b", "c"])
    assert executed(two)["predict"]([2.0, 2.0]) == two.predict([[2.0, 2.0]])[0] == "no"
    assert executed(three)["predict"]([0.0]) == three.predict([[0.0]])[0] == "a"
    assert executed(three)["predict"]([1.0]) == three.predict([[1.0]])[0] == "b"


def test_sums_beyond_the_largest_float_are_decided_by_what_is_left_of_them():
    largest = sys.float_info.max
    model = pp.Perceptron.from_coefficients([1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0], 0.0)
    probability = executed(model)["predict_proba"]([*[largest] * 8, 2.0])[1]
    assert probability == model.predict_proba([[*[0.0] * 8, 2.0]])[0][1]
    three = pp.Perceptron.from_coefficients([[1.0, 3.0], [1.0, 4.0], [-1.0, -5.0]], 0.0, range(3))
    module = executed(three)
    assert module["predict_proba"]([largest, largest]) == [0.0, 1.0, 0.0]
    assert module["predict"]([-largest, -largest]) == 2
    normalized = pp.Perceptron.from_coefficients([[1.0, 3.0], [1.0, 4.0], [-1.0, -5.0]], 0.0, range(3), loss="squared_error")
    assert executed(normalized)["predict_proba"]([largest, largest]) == [0.5, 0.5, 0.0]
    assert executed(normalized)["predict"]([largest, largest]) == 1


def test_python_and_javascript_refuse_rows_that_hold_no_finite_numbers():
    module = executed(known(1, 3, 1))
    for row in ([1.0, math.nan, 0.0], [math.inf, 0.0, 0.0], [1.0, 2.0], [1.0, 2.0, 3.0, 4.0]):
        with pytest.raises(ValueError):
            module["predict_proba"](row)
    with pytest.raises(ValueError, match="300 numbers; got 2"):
        executed(known(1, 300, 1))["predict_proba"]([1.0, 2.0])


LABELS = [
    [(1, "a"), (2, ("b", datetime.date(2026, 11, 28)))],
    [datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 2, 3, 4, 5, 6)],
    [b"a\xff", "a", ("a",), ()],
    [10**30, -(2**53), 0.1, True, 10**5000],
    [False, True],
]


@pytest.mark.parametrize("labels", LABELS, ids=range(len(LABELS)))
def test_python_holds_labels_of_every_type(labels):
    outputs = len(labels) if len(labels) > 2 else 1
    found = executed(known(outputs, 2, 1, classes=labels))["classes"]
    assert list(found) == labels
    assert list(map(type, found)) == list(map(type, labels))


def test_labels_of_numpy_become_plain():
    numpy = pytest.importorskip("numpy")
    X = numpy.array([[0.0], [1.0], [2.0], [3.0]])
    dates = numpy.array(["2026-11-27", "2026-11-27", "2026-11-28", "2026-11-28"], "M8[D]")
    found = executed(pp.Perceptron(l2=0.1).fit(X, dates))["classes"]
    assert found == (datetime.date(2026, 11, 27), datetime.date(2026, 11, 28))
    with pytest.raises(ValueError, match="cannot hold nanoseconds"):
        pp.Perceptron(l2=0.1).fit(X, dates.astype("M8[ns]")).export("python")
    for labels in (numpy.array([3, 3, 7, 7]), numpy.array(["a", "a", "b", "b"]), numpy.array([1.5, 1.5, 2.5, 2.5], "f4")):
        found = executed(pp.Perceptron(l2=0.1).fit(X, labels))["classes"]
        assert list(found) == sorted(set(labels.tolist()))
        assert {type(label) for label in found} <= {int, str, float}


@pytest.mark.parametrize(
    ("target", "label"),
    [
        ("javascript", (1, 2)),
        ("javascript", datetime.date(2020, 1, 1)),
        ("javascript", b"bytes"),
        ("javascript", 2**53 + 1),
        ("javascript", -(2**60)),
        ("c", "a\0b"),
        ("python", math.inf),
        ("python", frozenset()),
        ("c", 1j),
        ("python", datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)),  # noqa: UP017 (tested with 3.11's name too)
    ],
)
def test_labels_that_the_language_cannot_hold_are_refused(target, label):
    model = known(1, 2, 1, classes=[0, label])
    with pytest.raises(ValueError, match="cannot be exported") as refused:
        model.export(target)
    assert "give " in str(refused.value)


def test_refusals():
    with pytest.raises(pp.NotFittedError):
        pp.Perceptron().export("c")
    model = known(1, 2, 1)
    with pytest.raises(ValueError, match="target is 'rust'; expected 'python', 'c', 'c-header' or 'javascript'"):
        model.export("rust")
    for prefix in ("", "1a", "a-b", "a b", "na\u00efve", "int", "class", "a;", None, "a\n"):
        with pytest.raises(ValueError, match="expected an identifier"):
            model.export("c", prefix=prefix)


def test_the_same_model_gives_the_same_text_also_after_a_file(tmp_path):
    model = MODELS["softmax"]
    model.save(tmp_path / "model.json")
    for target in ("python", "c", "c-header", "javascript"):
        text = model.export(target)
        assert text == pp.load(tmp_path / "model.json").export(target)
        assert text.isascii()
        assert pp.__version__ in text
        assert text.endswith("\n")
        assert not any(line.endswith(" ") for line in text.splitlines())


def test_a_layer_predicts_no_labels():
    for target in ("python", "c", "c-header", "javascript"):
        assert "predict(" not in MODELS["layer"].export(target)


@pytest.mark.parametrize("shape", [(1, 100_000), (10_000, 10)])
def test_time_is_linear_in_the_coefficients(shape):
    outputs, inputs = shape
    model = known(outputs, inputs, 1)
    for target in ("python", "c", "javascript"):
        text = model.export(target)
        assert len(text) < 30 * outputs * inputs + 30 * outputs + 10_000


def command(capsys, *arguments):
    """Run the command line; return its exit code, standard output and standard error."""
    try:
        code = main([*map(str, arguments)])
    except SystemExit as stopped:
        code = stopped.code
    return code, *capsys.readouterr()


@pytest.mark.parametrize("name", ["softmax", "binary", "multilabel", "layer_bias", "normalized"])
def test_command_line_prints_the_source_and_writes_examples(capsys, tmp_path, name):
    model, file, examples = MODELS[name], tmp_path / "model.json", tmp_path / "tests.json"
    model.save(file)
    for target in ("python", "c", "c-header", "javascript"):
        assert command(capsys, "export", file, target, "--prefix", "own") == (0, model.export(target, prefix="own"), "")
    assert command(capsys, "export", file, "python", "--tests", examples) == (0, model.export("python"), "")
    found, module = json.loads(examples.read_text()), executed(model)
    assert len(found["rows"]) == 200
    for row, probabilities in zip(found["rows"], found["probabilities"], strict=True):
        assert max(abs(a - b) for a, b in zip(module["predict_proba"](row), probabilities, strict=True)) <= 1e-14
    if name.startswith("layer"):
        assert "predictions" not in found
    else:
        assert list(map(module["predict"], found["rows"])) == found["predictions"]
        assert len({str(label) for label in found["predictions"]}) > 1


def test_command_line_complains_in_one_line(capsys, tmp_path):
    file = tmp_path / "model.json"
    code, out, err = command(capsys, "export", file, "c")
    assert (code, out, err) == (1, "", f"pyperceptron export: cannot read {file}: No such file or directory\n")
    file.write_text("{}")
    code, out, err = command(capsys, "export", file, "c")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert str(file) in err
    known(1, 2, 1, classes=[(1,), (2,)]).save(file)
    code, out, err = command(capsys, "export", file, "javascript")
    assert (code, out) == (1, "")
    assert err == (
        "pyperceptron export: the label (1,) cannot be exported, as JSON cannot hold a value of type tuple: "
        "give texts or numbers as labels in fit\n"
    )
    code, out, err = command(capsys, "export", file, "c", "--tests", tmp_path / "none" / "tests.json")
    assert (code, out, err.count("\n")) == (1, "", 1)
    for wrong in (("rust",), ("c", "--prefix", "a-b"), ()):
        code, out, err = command(capsys, "export", file, *wrong)
        assert (code, out, err.count("\n")) == (2, "", 1)
