"""Perceptron as an estimator: copies, parameters, scores and extreme inputs."""

import copy
import functools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optimum import Oracle, bits, samples

import pyperceptron as pp


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, *(lambda m, p=p: pickle.loads(pickle.dumps(m, p)) for p in (2, 4, 5))]
)
def test_copies(make_model, copied):
    X, y = samples(n=40, classes=3)
    labels = np.array(["ash", "elm", "oak"])[y]
    model = make_model(l2=0.1).fit(X, labels)
    again = copied(model)
    assert again.get_params() == model.get_params()
    assert bits(again) == bits(model)
    assert again.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()
    assert again.predict(X).tolist() == model.predict(X).tolist()
    assert again.predict_one(X[0]) == model.predict_one(X[0])
    assert again.predict_proba_one(X[0]) == model.predict_proba_one(X[0])
    assert (again.n_iter_, again.solver_, again.backend_, again.history_, again.findings_) == (
        model.n_iter_,
        model.solver_,
        model.backend_,
        model.history_,
        model.findings_,
    )
    before = bits(model)
    again.set_params(l2=5.0).fit(X, labels)
    assert bits(model) == before
    assert model.l2 == 0.1
    assert not hasattr(copied(make_model()), "coef_")


def test_parameters(make_model):
    model = make_model(l2=0.5, solver="lbfgs")
    params = model.get_params()
    assert params["l2"] == 0.5
    assert {"loss", "l1", "fit_intercept", "tol", "threads", "backend", "callback"} <= set(params)
    assert type(model)(**params).get_params() == params
    assert model.get_params(deep=False) == params
    assert model.set_params(l1=0.1, max_iter=7) is model
    assert (model.l1, model.max_iter, model.l2) == (0.1, 7, 0.5)
    assert model.set_params() is model
    assert repr(model) == f"Perceptron(l2=0.5, l1=0.1, solver='lbfgs', max_iter=7, backend={model.backend!r})"
    assert repr(pp.Perceptron()) == "Perceptron()"
    before = model.get_params()
    with pytest.raises(ValueError):
        model.set_params(l2=0.9, l1=-1)
    assert model.get_params() == before


def test_numpy_scalars_as_parameters(make_model):
    X, y = samples(n=40)
    model = make_model(l2=np.float32(0.5), max_iter=np.int64(50), fit_intercept=np.bool_(True), tol=np.float64(1e-6)).fit(X, y)
    assert bits(model) == bits(make_model(l2=0.5, max_iter=50).fit(X, y))


def test_unfitted_model_raises_not_fitted_error(make_model):
    model, message = make_model(), r"^this Perceptron is not fitted yet: call fit\(X, y\) first$"
    fitted = ("coef_", "intercept_", "classes_", "n_features_in_", "n_iter_", "history_", "solver_", "backend_", "findings_")
    for name in (*fitted, "feature_names_in_"):
        assert not hasattr(model, name)
        with pytest.raises(pp.NotFittedError, match=message):
            getattr(model, name)
    for name in ("predict", "predict_proba", "decision_function", "predict_one", "predict_proba_one"):
        with pytest.raises(pp.NotFittedError, match=message):
            getattr(model, name)([[1.0]])
    model.fit([[0], [1], [0], [1]], [0, 1, 1, 0])
    with pytest.raises(AttributeError, match="'coeff_'"):
        _ = model.coeff_
    with pytest.raises(AttributeError, match=r"^the model was fitted without column names: fit it with a data frame$"):
        _ = model.feature_names_in_


def test_scores(make_model):
    X, y = samples(n=40)
    model = make_model(l2=0.1).fit(X, y)
    right = model.predict(X) == y
    assert model.score(X, y) == model.score(X.tolist(), y.tolist()) == right.mean()
    weights = np.arange(40.0)
    assert model.score(X, y, weights) == pytest.approx(weights @ right / weights.sum(), rel=1e-15)
    assert model.score(X, y[:, None]) == right.mean()
    wrong = [1 - label for label in model.predict(X).tolist()]
    assert model.score(X, wrong) == 0
    with pytest.raises(ValueError, match=r"^y row 1 is None; expected a label"):
        model.score(X, [y[0], None, *y[2:]])


@pytest.mark.parametrize(
    "convert", [np.array, list, lambda rows: rows.tolist(), lambda rows: rows > 0, lambda rows: [*map(tuple, rows)]]
)
def test_scores_of_a_matrix(make_model, convert):
    X, _ = samples(n=40)
    y = (X[:, :3] > 0).astype(int)
    model = make_model(l2=0.1).fit(X, y)
    right = (model.predict(X) == y).all(axis=1)
    assert 0 < model.score(X, convert(y)) == model.score(X.tolist(), convert(y)) == right.mean() < 1
    for refused in (y[:, 0], y[:, :2], ["101"] * 40):
        with pytest.raises(
            ValueError, match=r"^y row 0 is .*; expected 3 numbers, each 0 or 1, as fit was given: give a column for "
        ):
            model.score(X, refused)


@functools.cache
def fitted_once(make_model, classes, loss):
    X, y = samples(n=12, d=3, classes=3 if classes == 3 else 2)
    if classes == "matrix":
        y = (X[:, :2] > 0).astype(int)
    return make_model(l2=0.5, loss=loss, tol=1e-2).fit(X, y)


@settings(max_examples=30)
@given(st.data())
@pytest.mark.parametrize("classes", [2, 3, "matrix"])
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_probabilities_at_any_scale(make_model, classes, loss, data):
    model = fitted_once(make_model, classes, loss)
    value = st.floats(-1e300, 1e300) | st.sampled_from([0.0, 1e300, -1e300, 1e-300, 5e-324, 700.0, -745.2])
    rows = data.draw(st.lists(st.lists(value, min_size=3, max_size=3), min_size=1, max_size=4))
    proba = np.array(model.predict_proba(rows))
    assert ((proba >= 0) & (proba <= 1)).all()
    if classes != "matrix":
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
        assert model.predict(rows) == model.predict(np.array(rows)).tolist()
    assert np.isfinite(model.decision_function(rows)).all()
    for row, expected in zip(rows, proba.tolist(), strict=True):
        assert model.predict_proba_one(row) == tuple(expected)


@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_300_classes(make_model, loss):
    random = np.random.default_rng(0)
    X = random.normal(size=(302, 2))
    y = np.r_[np.arange(300), np.arange(2)] * 3
    model = make_model(l2=0.01, loss=loss, callback=lambda model, iteration: True).fit(X, y)
    assert model.classes_.tolist() == sorted(set(y.tolist()))
    assert model.coef_.shape == (300, 2)
    assert model.history_[-1]["objective"] == pytest.approx(Oracle(X, y, loss=loss, l2=0.01).value(model), rel=1e-10)
    assert model.history_[-1]["objective"] < model.history_[0]["objective"]
    proba = model.predict_proba(X[:20])
    assert proba.shape == (20, 300)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    assert model.predict(X[:20]).tolist() == model.classes_[model.decision_function(X[:20]).argmax(axis=1)].tolist()


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e140])
@pytest.mark.parametrize("params", [{}, {"l2": 0.1, "standardize": True}, {"l1": 0.01, "standardize": True}], ids=str)
def test_fit_on_samples_of_any_scale(make_model, scale, params):
    X, y = samples()
    model = make_model(**params).fit(X * scale, y)
    expected = make_model(**params).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X * scale), expected.predict_proba(X), atol=1e-4)


def test_fit_on_two_rows_and_one_column(make_model):
    model = make_model(l2=0.1).fit([[0], [1]], ["no", "yes"])
    assert model.predict([[0], [1]]) == ["no", "yes"]
    assert model.predict_one([5]) == "yes"


@pytest.mark.parametrize("convert", [list, np.array, lambda rows: memoryview(np.array(rows))], ids=["list", "numpy", "buffer"])
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
@pytest.mark.parametrize("classes", [2, 3, "matrix"])
def test_log_probabilities(make_model, convert, loss, classes):
    X, y = samples(n=12, d=3, classes=3 if classes == 3 else 2)
    if classes == "matrix":
        y = (X[:, :2] > 0).astype(int)
    model = make_model(l2=0.5, loss=loss).fit(X, y)
    for rows in (X.tolist(), (X * 1e5).tolist(), [[1e300, -1e300, 1e300], [-1e300, 1e300, 1e300], [0.0, 0.0, 0.0]]):
        given = convert(rows)
        logs, proba = model.predict_log_proba(given), model.predict_proba(given)
        assert type(logs) is type(proba)
        assert np.shape(logs) == np.shape(proba)
        assert np.isfinite(logs).all()
        np.testing.assert_allclose(np.exp(logs), proba, rtol=1e-12, atol=1e-300)
    with pytest.raises(ValueError, match="X row 0, column 1 is nan"):
        model.predict_log_proba([[0.0, float("nan"), 1.0]])
