"""ONNX exports, run by onnxruntime: the probabilities and labels of the model."""

import json
import sys

import numpy as np
import pytest
from exported import executed
from optimum import samples

import pyperceptron as pp
from pyperceptron.table import Table

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

X, CODES = samples(n=200, d=4, classes=3)
TWO = (CODES > 0).astype(int)
Y = {
    "texts": [["no", "ja \u2028 \U0001f600"][code] for code in TWO],
    "whole numbers": (TWO * 7 - 3).tolist(),
    "floats": (TWO / 3).tolist(),
    "truth": (TWO > 0).tolist(),
    "three texts": ["abc"[code] for code in CODES],
    "three numbers": CODES,
    "matrix": (X[:, :3] > 0).astype(int),
}


def run(content, rows):
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found = session.run(None, {"X": np.asarray(rows, float)})
    return dict(zip([output.name for output in session.get_outputs()], found, strict=True))


@pytest.mark.parametrize("kind", Y)
@pytest.mark.parametrize("params", [{}, {"loss": "squared_error"}, {"fit_intercept": False}], ids=str)
def test_models_in_onnxruntime(make_model, kind, params):
    model = make_model(l2=0.01, **params).fit(X, Y[kind])
    found = run(model.to_onnx(), X)
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(X), rtol=0, atol=1e-14)
    assert found["label"].tolist() == np.asarray(model.predict(X)).tolist()
    assert model.to_onnx() == model.to_onnx()


def test_probabilities_far_out_and_ties(make_model):
    model = pp.Perceptron.from_coefficients([[1.0, 0.0]], 0.0, ["no", "yes"])
    rows = [[z, 0.0] for z in (0.0, -0.0, 20.5, -20.5, 300.0, -300.0, 700.0, -744.0, 1e300, -1e300)]
    found = run(model.to_onnx(), rows)
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(rows), rtol=1e-15, atol=5e-324)
    assert found["label"].tolist() == model.predict(rows)
    several = pp.Perceptron.from_coefficients([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], 0.0, ["a", "b", "c"])
    rows = [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1e300, -1e300]]
    found = run(several.to_onnx(), rows)
    np.testing.assert_allclose(found["probabilities"], several.predict_proba(rows), rtol=1e-14)
    assert found["label"].tolist() == several.predict(rows)


def test_a_column_far_from_0(make_model):
    far = X * np.array([1000.0, 1, 1, 1]) + np.array([1e6, 0, 0, 0])
    model = make_model(l2=0.01).fit(far, TWO)
    np.testing.assert_allclose(run(model.to_onnx(), far)["probabilities"], model.predict_proba(far), rtol=0, atol=1e-12)


@pytest.mark.parametrize("bias", [False, True])
def test_layers_in_onnxruntime(make_layer, bias):
    layer = make_layer(4, 3, seed=1, bias=bias).train(X, Y["matrix"], 5, 0.01)
    found = run(layer.to_onnx(), X)
    assert list(found) == ["probabilities"]
    np.testing.assert_allclose(found["probabilities"], layer.forward(X), rtol=0, atol=1e-14)


def test_only_plain_operators_in_double_precision(make_model):
    for y in Y.values():
        made = onnx.load_from_string(make_model(l2=0.1).fit(X, y).to_onnx())
        assert {node.domain for node in made.graph.node} == {""}
        kinds = {constant.data_type for constant in made.graph.initializer}
        assert onnx.TensorProto.FLOAT not in kinds
        assert made.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.DOUBLE


@pytest.mark.parametrize("kind", ["texts", "three texts", "matrix"])
def test_models_of_texts_take_the_numbers_that_they_become(make_model, kind):
    ages = [None if index % 5 == 0 else float(index % 50) for index in range(len(X))]
    work = [["Private", "State\u2028 \u4e2d", "?"][index % 3] for index in range(len(X))]
    table = Table({"age": ages, "work": work}, missing="mean")
    model = make_model(l2=0.01).fit(table, Y[kind])
    content = model.to_onnx()
    numbers = executed(model)["numbers"]
    rows = [*zip(ages, work, strict=True), (30.0, "never seen"), (None, " Private ")]
    found = run(content, list(map(numbers, rows)))
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(rows), rtol=0, atol=1e-14)
    assert found["label"].tolist() == model.predict(rows)
    made = onnx.load_from_string(content)
    properties = {entry.key: json.loads(entry.value) for entry in made.metadata_props}
    assert properties["columns"] == model.coef_names_ == ["age", "age missing", *model.coef_names_[2:4], "work missing"]
    assert properties["encoding"] == model.encoding_
    assert made.doc_string.startswith("X holds the numbers that the columns of a table become: ")
    assert onnx.load_from_string(make_model(l2=0.1).fit(X, TWO).to_onnx()).doc_string == ""


@pytest.mark.parametrize("labels", [[(1, 2), (3, 4)], [1, "a"], [2**70, 1], ["a", "\ud800"], [1, True + 1.5]], ids=repr)
def test_labels_that_onnx_cannot_hold(make_model, labels):
    model = make_model(l2=0.1).fit([[0.0], [1.0]], labels)
    with pytest.raises(ValueError, match=r"^the label .* cannot be exported, as ONNX"):
        model.to_onnx()


def test_without_the_package(make_model, monkeypatch):
    model = make_model(l2=0.1).fit(X, TWO)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"^to_onnx needs the package onnx: install it, as pip install"):
        model.to_onnx()
