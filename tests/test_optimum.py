"""The optimum found by Perceptron, against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optimum import SOLVERS, check_optimum, samples

import pyperceptron as pp


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("classes", [2, 3])
def test_optimum_with_l2(make_model, classes, fit_intercept, standardize, solver):
    X, y = samples(classes=classes, d=3)
    X = X * [1, 5, 0.3] + [0.5, -2, 0]
    weights = np.random.default_rng(1).random(len(y)) * 2
    params = {"l2": 0.05, "fit_intercept": fit_intercept, "standardize": standardize}
    model = make_model(solver=solver, tol=1e-9, **params).fit(X, y, weights)
    W, b = check_optimum(model, X, y, weights, **params).optimum()
    np.testing.assert_allclose(model.coef_, W, rtol=1e-6, atol=1e-7)
    intercepts = np.array(model.intercept_)
    np.testing.assert_allclose(intercepts - intercepts.mean() if classes > 2 else intercepts, b, rtol=1e-6, atol=1e-7)
    assert model.coef_.shape == ((1, 3) if classes == 2 else (3, 3))
    assert model.intercept_.shape == ((1,) if classes == 2 else (3,))
    if solver != "auto":
        assert model.solver_ == solver


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.integers(2, 30), st.integers(1, 9), st.sampled_from([2, 3, 5]), st.floats(1e-3, 1))
def test_the_optimum_of_any_small_problem(make_model, seed, n, d, classes, l2):
    n = max(n, classes)
    X, y = samples(n, d, classes, seed)
    weights = np.random.default_rng(seed).integers(1, 4, n)
    check_optimum(make_model(l2=l2).fit(X, y, weights), X, y, weights, l2=l2)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("classes", [2, 3])
def test_the_optimum_without_a_penalty(make_model, classes, solver):
    X, y = samples(classes=classes, d=3, seed=7)
    model = make_model(solver=solver, tol=1e-9).fit(X, y)
    W, b = check_optimum(model, X, y).optimum()
    proba = model.predict_proba(X)
    sums = X @ W.T + b
    expected = 1 / (1 + np.exp(-sums)) if classes == 2 else np.exp(sums) / np.exp(sums).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(proba[:, -expected.shape[1] :], expected, rtol=1e-6)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("solver", ["auto", "gd"])
def test_optimum_with_l1(make_model, classes, standardize, solver):
    """The coefficients satisfy the KKT conditions, and some are exactly 0."""
    X, y = samples(n=40, classes=classes, d=5)
    X[:, 2:] = np.random.default_rng(3).normal(size=(40, 3)) * [1, 2, 0.5]
    params = {"l1": 0.08, "standardize": standardize}
    model = make_model(solver=solver, tol=1e-4, **params).fit(X, y)
    check_optimum(model, X, y, **params)
    coefficients = np.array(model.coef_)
    assert (coefficients == 0).any()
    assert (coefficients != 0).any()


def test_optimum_with_l1_and_l2(make_model):
    X, y = samples(d=6)
    params = {"l1": 0.03, "l2": 0.1, "fit_intercept": False}
    check_optimum(make_model(tol=1e-9, **params).fit(X, y), X, y, **params)


def test_large_l1_sets_every_coefficient_to_zero(make_model):
    X, y = samples(classes=3)
    model = make_model(l1=100.0).fit(X, y)
    assert not np.any(model.coef_)
    np.testing.assert_allclose(model.predict_proba(X)[0], np.bincount(y) / len(y), rtol=1e-5)


@pytest.mark.parametrize("solver", SOLVERS)
def test_multilabel_fit_equals_separate_binary_fits(make_model, solver):
    X, _ = samples()
    Y = (X[:, :3] + np.random.default_rng(2).normal(size=(60, 3)) > 0).astype(int)
    model = make_model(l2=0.03, tol=1e-10, solver=solver).fit(X, Y)
    check_optimum(model, X, Y, l2=0.03)
    alone = [make_model(l2=0.03, tol=1e-10).fit(X, Y[:, c]) for c in range(3)]
    np.testing.assert_allclose(model.coef_, np.vstack([one.coef_ for one in alone]), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(model.predict_proba(X), np.array([one.predict_proba(X)[:, 1] for one in alone]).T, rtol=1e-6)
    assert model.predict(X).tolist() == np.array([one.predict(X) for one in alone]).T.tolist()
    assert model.predict_one(X[0]) == tuple(model.predict(X)[0].tolist())
    assert list(model.classes_) == [0, 1, 2]
    assert model.score(X, Y) == (model.predict(X) == Y).all(axis=1).mean()


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_squared_error_converges_to_a_stationary_point(make_model, solver, classes, l2):
    X, y = samples(classes=classes, n=50, d=3, seed=4)
    model = make_model(loss="squared_error", solver=solver, l2=l2).fit(X, y)
    check_optimum(model, X, y, loss="squared_error", l2=l2)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("params", [{}, {"l2": 0.1, "standardize": True}, {"l1": 0.01, "standardize": True}], ids=str)
@pytest.mark.parametrize("classes", [2, 3])
def test_raw_columns_of_any_scale_and_mean(make_model, solver, params, classes):
    """Raw columns converge without a warning to the same predictions as standardised ones."""
    X, y = samples(classes=classes)
    raw = X * [1e-3, 1, 1e4, 1e6] + [0, 50, 1e5, -1e8]
    model = make_model(solver=solver, **params).fit(raw, y)
    assert model.findings_ == []
    tidy = (X - X.mean(axis=0)) / X.std(axis=0)
    expected = make_model(tol=1e-9, **params).fit(tidy, y)
    np.testing.assert_allclose(model.predict_proba(raw), expected.predict_proba(tidy), atol=1e-4)
    assert model.history_[-1]["objective"] == pytest.approx(expected.history_[-1]["objective"], rel=1e-6)


def test_standardize_penalises_as_if_the_columns_were_standardised(make_model):
    X, y = samples()
    X = X * [1e-2, 1, 30, 1e3] + [1, 2, 3, 4]
    weights = np.random.default_rng(8).random(len(y))
    mean = weights @ X / weights.sum()
    deviation = np.sqrt(weights @ (X - mean) ** 2 / weights.sum())
    for penalty in ({"l2": 0.2}, {"l1": 0.02}):
        raw = make_model(standardize=True, tol=1e-10, **penalty).fit(X, y, weights)
        tidy = make_model(tol=1e-10, **penalty).fit((X - mean) / deviation, y, weights)
        np.testing.assert_allclose(raw.coef_ * deviation, tidy.coef_, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(raw.decision_function(X), tidy.decision_function((X - mean) / deviation), rtol=1e-5)


@pytest.mark.parametrize("solver", SOLVERS)
def test_constant_and_duplicate_columns(make_model, solver):
    """Add a constant column, a zero column and a duplicate, which must not change the predictions."""
    X, y = samples(n=80, d=3)
    more = np.hstack([X, X[:, :1], np.full((80, 1), 3.0), np.zeros((80, 1))])
    with pytest.warns(pp.TrainingWarning, match="^Columns are collinear.*: column 0, column 3 determine each other in 1 way"):
        model = make_model(solver=solver).fit(more, y)
    plain = make_model(tol=1e-9).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(more), plain.predict_proba(X), atol=1e-4)


def test_without_an_intercept(make_model):
    X, y = samples()
    model = make_model(fit_intercept=False, l2=0.01).fit(X, y)
    assert model.intercept_.tolist() == [0.0]
    np.testing.assert_allclose(model.decision_function(X), (X @ model.coef_.T)[:, 0], rtol=1e-12)
    assert make_model(fit_intercept=False, l2=0.01).fit(X.tolist(), y.tolist()).intercept_ == [0.0]


@pytest.mark.parametrize(
    "params", [{}, {"solver": "newton"}, {"l1": 0.02}, {"solver": "gd"}, {"loss": "squared_error"}], ids=str
)
def test_backends_find_the_same_optimum(make_models, params):
    X, y = samples(classes=3, d=3)
    first, *others = (model.fit(X, y) for model in make_models(l2=0.05, tol=1e-8, **params))
    for other in others:
        np.testing.assert_allclose(other.coef_, first.coef_, rtol=1e-6, atol=1e-8)
        assert other.solver_ == first.solver_
