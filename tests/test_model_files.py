"""Model files: what is saved comes back exactly, any other file is refused, and a save is whole or nothing."""

import datetime
import json
import os
import pickle
import random
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from optimum import samples

import pyperceptron as pp
from pyperceptron.whole_file import write_whole

X, CODES = samples(n=60, d=3, classes=3)
TWO = (CODES > 0).astype(int)
LABELS = {
    "texts": [["no", "yes"][code] for code in TWO],
    "whole numbers": [code * 2**70 for code in TWO.tolist()],
    "floats": [[0.1, -1e300][code] for code in TWO],
    "bool": (TWO > 0).tolist(),
    "tuples": [[("a", 1), ("b", (2.5, None))][code] for code in TWO],
    "dates": [datetime.date(2020 + code, 1, 1) for code in TWO],
    "times": [datetime.datetime(2020 + code, 1, 1, 12, 30, tzinfo=datetime.UTC) for code in TWO],
    "bytes": [[b"\xff", b"\x00"][code] for code in TWO],
    "hostile texts": [['"\\\n\u2028\x00', "</script>\ud800"][code] for code in TWO],
    "three": ["abc"[code] for code in CODES],
    "matrix": (X > 0).astype(int).tolist(),
    "NumPy": TWO,
    "NumPy float32": TWO.astype("f"),
    "NumPy bool": TWO > 0,
    "NumPy texts": np.array(["no", "yes"])[TWO],
    "NumPy bytes": np.array([b"no", b"yes"])[TWO],
    "NumPy dates": np.array(["2020-01-01", "2021-01-01T00:00:01"], "M8[ns]")[TWO],
    "NumPy objects": np.array(["no", 7], object)[TWO],
}


@pytest.fixture
def model(make_model):
    return make_model(l2=0.1).fit(X, CODES)


def same(model, other):
    assert other.predict_proba(X).tolist() == model.predict_proba(X).tolist()
    assert np.array_equal(other.coef_, model.coef_)
    assert np.array_equal(other.intercept_, model.intercept_)
    assert list(map(type, list(other.classes_))) == list(map(type, list(model.classes_)))
    assert list(other.classes_) == list(model.classes_)
    assert np.array_equal(other.predict(X), model.predict(X))
    assert other.predict(X.tolist()) == model.predict(X.tolist())
    assert np.asarray(other.predict(X)).dtype == np.asarray(model.predict(X)).dtype
    assert other.get_params() == model.get_params()
    assert other.history_ == [{name: entry[name] for name in entry if name != "seconds"} for entry in model.history_]
    for attribute in ("n_iter_", "findings_", "solver_", "backend_", "n_features_in_"):
        assert getattr(other, attribute) == getattr(model, attribute)
    assert getattr(other, "feature_names_in_", None) == getattr(model, "feature_names_in_", None)


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_models_come_back_exactly(make_model, tmp_path, kind, fit_intercept):
    model = make_model(l2=0.1, fit_intercept=fit_intercept).fit(X, LABELS[kind])
    text = model.to_json()
    other = pp.from_json(text)
    same(model, other)
    assert other.to_json() == text
    model.save(tmp_path / "model.json")
    assert (tmp_path / "model.json").read_text(encoding="utf-8") == text
    same(model, pp.load(str(tmp_path / "model.json")))
    same(model, pp.from_json(text.encode()))


@pytest.mark.parametrize(
    "params",
    [
        {"loss": "squared_error", "l2": 0.1},
        {"l2": np.float32(0.5), "l1": 0.01, "max_iter": np.int64(7), "tol": 1e-3, "fit_intercept": np.True_},
        {"l2": 0.1, "class_weight": {0: 2, 1: 0.5, 2: 1}, "standardize": True, "threads": 2, "warm_start": True},
        {"solver": "gd", "learning_rate": 0.1, "max_iter": 3, "class_weight": "balanced"},
    ],
    ids=lambda params: " ".join(params),
)
@pytest.mark.filterwarnings("ignore::pyperceptron.TrainingWarning")
def test_parameters_come_back(make_model, params):
    model = make_model(**params).fit(X, CODES)
    same(model, pp.from_json(model.to_json()))
    assert pp.from_json(model.to_json()).fit(X, CODES).coef_.tolist() == model.fit(X, CODES).coef_.tolist()


def test_known_coefficients_and_names_come_back(make_model):
    model = pp.Perceptron.from_coefficients([[0.1, -2e-308]], 1 / 3, ["no", "yes"], feature_names=["a", 'b"\n'])
    other = pp.from_json(model.to_json())
    assert other.coef_ == model.coef_
    assert other.feature_names_in_ == ["a", 'b"\n']
    assert other.predict_one({"a": 1.0, 'b"\n': 0.0}) == "yes"


@pytest.mark.parametrize("params", [{}, {"bias": True}, {"n_outputs": 3, "bias": True, "threads": 1}], ids=repr)
def test_layers_come_back_and_go_on_training(make_layer, tmp_path, params):
    targets = [[0.0, 1.0, 0.5][: params.get("n_outputs", 1)]] * 2
    inputs = [[0.0, 1.0], [1.0, 1.0]]
    layer = make_layer(2, seed=1, **params).train(inputs, targets, 10)
    layer.save(tmp_path / "layer.json")
    other = pp.load(tmp_path / "layer.json")
    assert type(other) is pp.SigmoidLayer
    assert (other.weights, other.bias, other.findings, other.backend) == (
        layer.weights,
        layer.bias,
        layer.findings,
        layer.backend,
    )
    assert other.train(inputs, targets, 10).weights == layer.train(inputs, targets, 10).weights
    assert other.to_json() == layer.to_json()


def test_the_same_training_writes_the_same_bytes(make_model):
    first, second = (make_model(l2=0.1).fit(X, LABELS["texts"]).to_json() for _ in range(2))
    assert first == second
    dated = make_model(l2=0.1).fit(X, LABELS["texts"]).to_json(date="one day")
    assert json.loads(dated) == json.loads(first) | {"date": "one day"}


@pytest.mark.parametrize(
    "label",
    [1j, frozenset({1}), np.timedelta64(1, "s"), datetime.timedelta(1), object()],
    ids=lambda label: type(label).__name__,
)
def test_labels_that_a_file_cannot_hold(make_model, label):
    model = make_model(l2=0.1).fit([[0.0], [1.0]], [label, "other"])
    with pytest.raises(ValueError, match=r"^the label .* is of type \w+, which a model file cannot hold; expected a str, int"):
        model.to_json()


def test_unfitted_models_have_no_file(make_model, tmp_path):
    with pytest.raises(pp.NotFittedError):
        make_model().save(tmp_path / "model.json")
    assert list(tmp_path.iterdir()) == []


# Files that are refused.


def changed(text, change):
    fields = json.loads(text)
    change(fields)
    return json.dumps(fields)


CHANGES = {
    "no format": (lambda f: f.pop("format"), "does not say 'pyperceptron model' as 'format'"),
    "another format": (lambda f: f.update(format="sklearn"), "does not say 'pyperceptron model' as 'format'"),
    "later version": (lambda f: f.update(version=2), "has format version 2, but this release reads up to 1: install a later"),
    "no version": (lambda f: f.pop("version"), "has no field 'version'"),
    "true as a version": (lambda f: f.update(version=True), "has True as 'version'; expected a whole number"),
    "another kind": (lambda f: f.update(kind="Forest"), "has 'Forest' as 'kind'; expected 'SigmoidLayer' or 'Perceptron'"),
    "unknown field": (lambda f: f.update(extra=1), "has a field 'extra', which is unknown"),
    "unknown parameter": (lambda f: f["parameters"].update(C=1), "'parameters' has a field 'C', which is unknown"),
    "wrong parameter": (lambda f: f["parameters"].update(l2=-1), "'parameters' cannot be used: l2 is -1.0|l2 is -1"),
    "parameter of a wrong type": (
        lambda f: f["parameters"].update(max_iter="9"),
        "'parameters' cannot be used: max_iter is '9'",
    ),
    "callback": (lambda f: f["parameters"].update(callback="os.system"), "has a field 'callback', which is unknown"),
    "unknown backend": (lambda f: f["parameters"].update(backend="os"), "has 'os' as 'backend'"),
    "class weights": (lambda f: f["parameters"].update(class_weight=[1]), "'parameters' cannot be used"),
    "no columns": (lambda f: f.update(columns=0), "has 0 as 'columns'; expected a whole number from 1"),
    "more columns": (lambda f: f.update(columns=10**9), "as 'coefficients'; expected lists of 1000000000 numbers"),
    "too many names": (lambda f: f.update(column_names=["a"] * 4), "has as 'column_names' no list of 3 elements"),
    "list as a name": (lambda f: f.update(column_names=[["a"], "b", "c"]), "a column name is \\['a'\\] in the model file"),
    "one label": (lambda f: f["classes"].update(labels=[1]), "has as 'labels' no list of 3 elements"),
    "equal labels": (lambda f: f["classes"].update(labels=[1, 1.0, 2]), "has labels that are not all different"),
    "two outputs": (lambda f: f["classes"].update(outputs=2), "has as 'labels' no list of"),
    "unknown type": (lambda f: f["classes"].update(labels=[{"exec": "x"}, 1, 2]), "a label is {'exec': 'x'} in the model file"),
    "wrong date": (lambda f: f["classes"].update(labels=[{"date": "x"}, 1, 2]), "a label is {'date': 'x'} in the model file"),
    "wrong dtype": (lambda f: f["classes"].update(dtype="<U"), "has '<U' as 'dtype', which cannot hold the labels"),
    "narrow dtype": (lambda f: f["classes"].update(dtype="|i1", labels=[1, 2, 300]), "has '|i1' as 'dtype', which cannot"),
    "huge dtype": (lambda f: f["classes"].update(dtype="|S999999999"), "as 'dtype', which cannot hold the labels"),
    "wrong activation": (lambda f: f.update(activation="sigmoid"), "has 'sigmoid' as 'activation'; expected 'softmax'"),
    "text as a number": (lambda f: f["coefficients"][0].__setitem__(0, "1"), "as 'coefficients'; expected lists of 3 numbers"),
    "truth as a number": (
        lambda f: f["coefficients"][0].__setitem__(0, True),
        "as 'coefficients'; expected lists of 3 numbers",
    ),
    "too large": (lambda f: f["coefficients"][0].__setitem__(0, 10**400), "as 'coefficients'; expected finite numbers"),
    "row missing": (lambda f: f["coefficients"].pop(), "as 'coefficients'; expected 3 lists of 3 numbers"),
    "intercept missing": (lambda f: f["intercepts"].pop(), "as 'intercepts'; expected lists of 3 numbers"),
    "a later field": (lambda f: f.update(online={}), "has {} as 'online'; expected null"),
    "history": (
        lambda f: f["training"].update(history=[{"objective": "x"}]),
        "'history' has {'objective': 'x'}; expected finite numbers",
    ),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_damaged_models_are_refused(model, tmp_path, kind):
    change, message = CHANGES[kind]
    text = changed(model.to_json(), change)
    with pytest.raises(ValueError, match=message) as caught:
        pp.from_json(text)
    assert str(caught.value).isascii()
    (tmp_path / "model.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message) as caught:
        pp.load(tmp_path / "model.json")
    assert str(caught.value).startswith(f"{tmp_path / 'model.json'}: ")


NO_MODELS = {
    "empty": ("", "is no valid JSON"),
    "text": ("hello", "is no valid JSON"),
    "list": ("[]", "the model file holds a list"),
    "number": ("1e999", "the model file holds a number"),
    "cut off": ('{"format": "pyperceptron model", "ver', "is no valid JSON"),
    "nan": ('{"format": NaN}', "NaN is no finite number"),
    "twice": ('{"format": 1, "format": 2}', "a name occurs twice"),
    "deep": ("[" * 100_000, "is nested too deeply"),
    "deep objects": ('{"a":' * 100_000, "is nested too deeply"),
    "long number": ("9" * 10_000, "is no valid JSON"),
    "other bytes": (b"\xff\xfe{", "is not UTF-8 at byte 0"),
    "pickle": (pickle.dumps({"a": 1}, 0), "is no valid JSON"),
    "pickle of bytes": (pickle.dumps({"a": 1}), "is not UTF-8|is no valid JSON"),
}


@pytest.mark.parametrize("kind", NO_MODELS)
def test_what_is_no_model_is_refused(kind):
    content, message = NO_MODELS[kind]
    with pytest.raises(ValueError, match=message):
        pp.from_json(content)


def test_deep_tuples_are_refused(model):
    label = "x"
    for _ in range(50):
        label = {"tuple": [label]}
    with pytest.raises(ValueError, match="a label is"):
        pp.from_json(changed(model.to_json(), lambda f: f["classes"].update(labels=[label, 1, 2])))


def test_what_is_no_text_is_refused():
    for content in (None, 1, {}, ["{}"]):
        with pytest.raises(TypeError, match=r"^text is .*; expected the text that to_json wrote$"):
            pp.from_json(content)


@pytest.mark.parametrize("make", [lambda m, x: m(l2=0.1).fit(X, CODES), lambda m, x: x(2, 2, seed=1, bias=True)])
def test_any_change_of_a_byte_is_read_or_refused(make_model, make_layer, make):
    text = make(make_model, make_layer).to_json().encode()
    rng = random.Random(7)
    for _ in range(1000):
        damaged = bytearray(text)
        for _ in range(rng.choice([1, 1, 2, 5])):
            place = rng.randrange(len(damaged))
            change = rng.randrange(4)
            if change == 0:
                damaged[place] = rng.randrange(256)
            elif change == 1:
                del damaged[place : place + rng.choice([1, 3, 50])]
            elif change == 2:
                damaged[place:place] = rng.choice([b"1", b'"', b"[", b"{", b"null", b"-", b"e99", b"\\u0000", b"true"])
            else:
                other = rng.randrange(len(damaged))
                damaged[place : place + 20] = damaged[other : other + 20]
        try:
            read = pp.from_json(bytes(damaged))
        except ValueError:
            continue
        assert pp.from_json(read.to_json()).to_json() == read.to_json()


# The documentation.

DOCS = Path(__file__).parents[1] / "docs"


def documented():
    return re.findall(r"```json\n(.*?)```", (DOCS / "model-file.md").read_text(encoding="utf-8"), re.DOTALL)


def test_the_documented_files_are_what_is_written():
    model, layer = documented()
    read = pp.from_json(model)
    assert read.predict([[1.0, 1.0], [0.0, 0.0]]) == ["yes", "no"]
    assert read.feature_names_in_ == ["age", "income"]
    assert read.to_json() == model
    known = pp.Perceptron.from_coefficients([0.5, 2.0], -1.0, ["no", "yes"], feature_names=["age", "income"], l2=0.1)
    assert known.to_json() == model
    assert pp.from_json(layer).to_json(date="2026-11-28") == layer


def test_the_schema_takes_what_is_written_and_nothing_else(make_model, make_layer):
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json.loads((DOCS / "model-file.schema.json").read_text(encoding="utf-8")))
    models = [make_model(l2=0.1).fit(X, labels) for labels in LABELS.values()]
    models += [make_model(l2=0.1, class_weight={0: 1, 1: 2, 2: 3}).fit(X, CODES), make_layer(2, 3, bias=True), make_layer(1)]
    for model in models:
        validator.validate(json.loads(model.to_json()))
    for text in documented():
        validator.validate(json.loads(text))
        for name in json.loads(text):
            assert not validator.is_valid({key: value for key, value in json.loads(text).items() if key != name}), name
        assert not validator.is_valid(json.loads(text) | {"extra": 1})


# Saving.

KILLED = """
import sys, pyperceptron as pp
from pathlib import Path
from pyperceptron.whole_file import write_whole
print("ready", flush=True)
while True:
    for letter in "ab":
        write_whole(sys.argv[1], letter * 300_000)
"""


@pytest.mark.skipif(os.name == "nt", reason="processes are killed by a signal")
def test_a_killed_save_leaves_the_old_file_or_the_new_one(tmp_path):
    path = tmp_path / "model.json"
    rng = random.Random(3)
    for _ in range(12):
        saver = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE)
        assert saver.stdout.readline() == b"ready\n"
        time.sleep(rng.uniform(0.001, 0.03))
        saver.kill()
        saver.communicate()
        if path.exists():
            text = path.read_text()
            assert text in ("a" * 300_000, "b" * 300_000)
    write_whole(path, "done")
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.json"]


def test_a_save_that_fails_changes_nothing(model, tmp_path, monkeypatch):
    path = tmp_path / "model.json"
    path.write_text("old")

    def fails(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="No space"):
        model.save(path)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.json"]
    with pytest.raises(FileNotFoundError):
        model.save(tmp_path / "nowhere" / "model.json")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions and links")
def test_links_permissions_and_devices(model, tmp_path):
    path, link = tmp_path / "model.json", tmp_path / "link.json"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    model.save(link)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.read_text(encoding="utf-8") == model.to_json()
    model.save("/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    old = os.umask(0o077)
    try:
        model.save(tmp_path / "private.json")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "private.json").stat().st_mode) == 0o600


def test_another_process_that_saves_is_left_alone(tmp_path):
    (tmp_path / f".model.json.{os.getpid()}-1.unfinished").write_text("of this process")
    (tmp_path / ".model.json.notes.unfinished").write_text("a name that only looks alike")
    (tmp_path / ".other.json.999999999-1.unfinished").write_text("of another file")
    write_whole(tmp_path / "model.json", "new")
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.skipif(os.name == "nt", reason="Windows has no kill")
def test_an_interrupted_save_leaves_nothing(model, tmp_path, monkeypatch):
    def interrupted(*args):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.save(tmp_path / "model.json")
    assert list(tmp_path.iterdir()) == []


# Elsewhere.


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_and_files_open_without_numpy(make_model, tmp_path, protocol):
    model = make_model(l2=0.1).fit(X, np.array(["no", "yes"])[TWO])
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(model, protocol))
    model.save(tmp_path / "model.json")
    script = (
        "import pickle, sys; sys.modules['numpy'] = None; import pyperceptron as pp\n"
        "for model in (pickle.load(open('model.pickle', 'rb')), pp.load('model.json')):\n"
        f"    assert model.predict_proba({X.tolist()!r}) == {model.predict_proba(X.tolist())!r}\n"
        "    assert model.classes_ == ['no', 'yes']\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(pp.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path, env=environment)


@pytest.mark.parametrize("path", sorted((Path(__file__).parent / "model_files").glob("*.json")), ids=lambda path: path.name)
def test_files_of_released_versions_are_read(path):
    """Beside each file are rows and the probabilities that the release gave for them."""
    model = pp.load(path)
    expected = json.loads(path.with_suffix(".expected").read_text(encoding="utf-8"))
    answer = model.predict_proba if isinstance(model, pp.Perceptron) else model.forward
    np.testing.assert_allclose(answer(expected["rows"]), expected["probabilities"], rtol=1e-12)
