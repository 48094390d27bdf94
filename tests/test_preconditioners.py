"""Several outputs: the optimum with each kind of preconditioner, and how many passes it takes."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from cases import cases, flat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optimum import Oracle, bits, check_optimum, samples

import pyperceptron as pp
from pyperceptron import preconditioners
from pyperceptron.chunks import Chunks

COMPILED = len(pp.available_backends()) > 1
compiled = pytest.mark.skipif(not COMPILED, reason="the reference takes minutes")


@pytest.fixture(params=["blocks", "mean", "all outputs"])
def kind(request, monkeypatch):
    """Which Hessians are used, however small the problem is; those of all outputs once there have been enough passes."""
    monkeypatch.setattr(preconditioners, "LITTLE_WORK", 0)
    monkeypatch.setattr(preconditioners, "FIRST_WAIT", 3)
    if request.param == "mean":
        monkeypatch.setattr(preconditioners, "LITTLE_MEMORY", 0)
    if request.param == "all outputs":
        monkeypatch.setattr(preconditioners, "PATIENCE", 0)
    return request.param


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(5, 40),
    d=st.integers(1, 7),
    classes=st.integers(3, 5),
    l2=st.sampled_from([1e-4, 1e-2, 1.0]),
    fit_intercept=st.booleans(),
    standardize=st.booleans(),
    scale=st.sampled_from([0.0, 2.0]),
)
def test_the_optimum_is_that_of_newtons_method(make_model, kind, seed, n, d, classes, l2, fit_intercept, standardize, scale):
    n = max(n, classes)
    X, y = samples(n, d, classes, seed)
    random = np.random.default_rng(seed)
    X = X * 10.0 ** random.uniform(-scale, scale, d)
    weights = random.integers(1, 4, n)
    params = {"l2": l2, "fit_intercept": fit_intercept, "standardize": standardize}
    model = make_model(tol=1e-8, solver="lbfgs", **params).fit(X, y, weights)
    oracle = check_optimum(model, X, y, weights, **params)
    W, b = oracle.optimum()
    if oracle.slope(SimpleNamespace(coef_=W, intercept_=b)) > 1e-9:
        return  # its steps are never shortened, so it may go astray
    intercepts = np.array(model.intercept_)
    expected, found = X @ W.T + b, X @ np.array(model.coef_).T + intercepts
    np.testing.assert_allclose(
        found - found.mean(axis=1, keepdims=True), expected - expected.mean(axis=1, keepdims=True), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_outputs_that_are_not_coupled(make_model, kind, loss):
    X, _ = samples()
    Y = (X[:, :3] + np.random.default_rng(2).normal(size=(60, 3)) > 0).astype(int)
    check_optimum(make_model(l2=0.03, loss=loss, solver="lbfgs").fit(X, Y), X, Y, l2=0.03, loss=loss)


def test_a_start_whose_outputs_do_not_sum_to_0(make_model, kind):
    """The part that all outputs have in common is only penalised, so it must come back to 0."""
    X, y = samples(classes=3)
    model = make_model(l2=0.03, tol=1e-9, solver="lbfgs", warm_start=True, max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    model._fitted.coefficients = flat(np.array(model._fitted.coefficients) + np.arange(15) / 7)
    model.set_params(max_iter=1000).fit(X, y)
    check_optimum(model, X, y, l2=0.03)
    assert abs(np.array(model.coef_).sum(axis=0)).max() < 1e-6


@settings(max_examples=60)
@given(cases(), st.data())
def test_hessians_of_several_outputs(backend, case, data):
    output = data.draw(st.integers(0, case.k - 1))
    count = data.draw(st.integers(1, case.k - output))
    loss = case.linear_loss(backend)
    rows = (None, None, 0, case.n)
    found = np.reshape(loss.hessians(flat(case.coefficients), output, count, *rows), (count, case.width, case.width))
    for own, matrix in enumerate(found, output):
        assert matrix.tobytes() == np.array(loss.hessian(flat(case.coefficients), own, own, *rows)).tobytes()


def rare_columns(n=4000, k=6, seed=0):
    """Return numbers of very different scales, columns of rare indicators, and classes of which one is rare."""
    random = np.random.default_rng(seed)
    Z = random.normal(size=(n, 6)) @ (np.eye(6) + 0.4 * random.normal(size=(6, 6)))
    kinds = np.argmax(random.gumbel(size=(n, 20)) - 5 * random.random(20) + np.outer(Z[:, 0], random.normal(size=20)), axis=1)
    logits = 1.5 * Z @ random.normal(size=(6, k)) + (2 * random.normal(size=(20, k)))[kinds] + [2, 3, 1, -3, 0, 0]
    return np.hstack([Z * [1000, 100, 1, 0.1, 10, 50], np.eye(20)[kinds]]), np.argmax(logits + random.gumbel(size=(n, k)), 1)


def strokes(n=1500, seed=0):
    """Return pictures of 16 × 16 bytes in ten classes, many of whose pixels are nearly always 0."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 10, n)
    points = random.uniform(4, 12, (10, 4, 2))[y] + random.normal(size=(n, 4, 2)) * 0.5 + random.normal(size=(n, 1, 2)) * 0.5
    along = np.linspace(0, 1, 5)[:, None]
    points = np.concatenate([(1 - along) * points[:, None, i] + along * points[:, None, i + 1] for i in range(3)], axis=1)
    x, y_ = (np.exp(-((points[:, :, [axis]] - np.arange(16)) ** 2) / 1.5) for axis in (0, 1))
    return np.clip(np.einsum("npx,npy->nxy", x, y_) * 255 - 10, 0, 255).round().reshape(n, 256), y


def standard(X):
    deviations = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(deviations > 0, deviations, 1)


@compiled
@pytest.mark.parametrize(
    ("make", "most"),
    [
        (lambda: (standard(rare_columns()[0]), rare_columns()[1]), 70),
        (rare_columns, 60),
        (lambda: (standard(strokes()[0]), strokes()[1]), 130),
        (lambda: (strokes()[0] / 255, strokes()[1]), 60),
        (lambda: samples(4000, 20, 60), 40),
    ],
    ids=["rare columns", "raw rare columns", "strokes", "strokes from 0 to 1", "many classes"],
)
def test_passes(make, most):
    """The number of passes does not depend on the machine."""
    X, y = make()
    model = pp.Perceptron(l2=1 / len(X)).fit(X, y)
    check_optimum(model, X, y, l2=1 / len(X))
    assert model.history_[-1]["passes"] <= most


@compiled
def test_scales_of_columns_cost_nothing():
    X, y = rare_columns()
    scales = 10.0 ** np.random.default_rng(1).uniform(-3, 4, X.shape[1])
    first, second = (pp.Perceptron(l2=1 / len(X), standardize=True).fit(own, y) for own in (X, X * scales))
    assert abs(first.history_[-1]["passes"] - second.history_[-1]["passes"]) <= 3
    np.testing.assert_allclose(second.coef_ * scales, first.coef_, rtol=1e-4, atol=1e-4)


@compiled
def test_penalties_of_very_different_weight():
    """Scaled columns without `standardize`: some are hardly penalised, others hardly used."""
    X, y = rare_columns()
    X = standard(X) * 10.0 ** np.random.default_rng(1).uniform(-3, 4, X.shape[1])
    model = pp.Perceptron(l2=1 / len(X)).fit(X, y)
    check_optimum(model, X, y, l2=1 / len(X))
    assert model.history_[-1]["passes"] <= 150


@compiled
def test_many_columns_with_almost_no_variance():
    X, y = strokes()
    model = pp.Perceptron(l2=1 / len(X)).fit(X / 255, y >= 5)
    assert Oracle(X / 255, y >= 5, l2=1 / len(X)).slope(model) <= model.tol
    assert model.findings_ == []


@compiled
def test_many_classes_are_shared_out_among_threads():
    X, y = samples(3000, 20, 100)
    backend = pp.backends.backend_of("cython")
    assert Chunks(memoryview(X), 21, 100, 2, backend).n_chunks > 1
    fits = [pp.Perceptron(l2=1e-3, threads=threads).fit(X, y) for threads in (1, 2, 5)]
    assert len({bits(model) for model in fits}) == 1
