"""The stopping rule: fits end at the optimum, whatever the scales, weights and rare classes, and say so if they cannot."""

import warnings
from functools import partial

import numpy as np
import pytest
from containers import Frame
from optimum import Oracle, samples

import pyperceptron as pp

SOLVERS = ("newton", "lbfgs")  # "auto" is one of them


@pytest.fixture(scope="session")
def make_model():
    """Perceptron on the fastest backend: these tests are long, and run on the reference where that is the only one."""
    return partial(pp.Perceptron, backend=pp.available_backends()[0])


def logistic_samples(coefficients, n=2000, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, len(coefficients)))
    return X, (random.random(n) < 1 / (1 + np.exp(-X @ coefficients))).astype(int)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("positives", [1, 3, 10])
def test_rare_events(make_model, solver, positives):
    """With an intercept, the probabilities sum to the number of positives at the optimum."""
    X = np.random.default_rng(positives).normal(size=(1500, 2))
    y = np.zeros(len(X), int)
    y[np.argsort(abs(X[:, 0] - 1))[:positives]] = 1
    model = make_model(solver=solver).fit(X, y)
    assert model.predict_proba(X)[:, 1].sum() == pytest.approx(positives, rel=1e-6)
    assert not any("separable" in finding for finding in model.findings_)


@pytest.mark.parametrize("weights", [{0: 1, 1: 1e6}, {0: 1e9, 1: 1}], ids=str)
def test_class_weights_of_any_size(make_model, weights):
    X, y = logistic_samples([1.0, -0.5], n=500)
    model = make_model(class_weight=weights).fit(X, y)
    exact = make_model(class_weight=weights, tol=1e-14).fit(X, y)
    assert model.n_iter_ > 1
    np.testing.assert_allclose(model.coef_, exact.coef_, rtol=1e-4)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("code", [-9999.0, 1e9, -2147483648.0, -9223372036854775808.0, 3.4e38])
def test_codes_for_missing_values(make_model, solver, code):
    """A few huge numbers, all on the side where the optimum gives their rows probability 1."""
    X, y = logistic_samples([1.5, -1.0], n=300)
    y[:5] = int(code > 0)
    X[:5, 0] = code
    model = make_model(solver=solver).fit(X, y)
    others = pp.Perceptron(tol=1e-10).fit(X[5:], y[5:])
    np.testing.assert_allclose(model.coef_, others.coef_, rtol=1e-4)
    assert [finding.partition(",")[0] for finding in model.findings_] == [
        f"column 0 of X is ruled by 5 huge numbers among 300: {code!r} occurs 5 times"
    ]
    marked = np.c_[X, np.arange(300) < 5]
    marked[:5, 0] = X[5:, 0].mean()
    assert not [finding for finding in pp.Perceptron(l2=1e-4).fit(marked, y).findings_ if "ruled" in finding]


def test_a_coefficient_that_hangs_on_huge_numbers_warns(make_model):
    X, y = logistic_samples([1.5, -1.0])
    X[:6, 0] = 1e9
    y[:6] = [0, 1, 1, 0, 1, 1]
    with pytest.warns(
        pp.TrainingWarning, match="^column 0 of X is ruled by 6 huge numbers among 2000: 1000000000.0 occurs 6 t"
    ):
        make_model().fit(X, y)


def test_heavy_tails_and_indicators_are_not_ruled_by_huge_numbers(make_model):
    X, y = logistic_samples([1.0, 1.0])
    heavy = np.random.default_rng(5).standard_cauchy(size=2000)
    assert make_model(l2=1e-3).fit(np.c_[X, heavy, np.arange(2000) % 500 == 0], y).findings_ == []


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("shift", [1e3, 1e6, -1e9])
def test_means_far_from_0(make_model, solver, shift):
    """Powers of two, so that the shifted columns hold the same numbers as the centred ones."""
    X, y = logistic_samples([1.0, -0.5, 0.2], n=400)
    X = np.round(X * 16) / 16
    for params in ({}, {"l2": 0.01}, {"l1": 0.01}):
        model = make_model(solver=solver, **params).fit(X + shift, y)
        centred = pp.Perceptron(solver=solver, **params).fit(X, y)
        assert model.findings_ == []
        np.testing.assert_allclose(model.coef_, centred.coef_, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e100, 1e148])
def test_scales_from_one_end_of_the_range_to_the_other(make_model, scale):
    X, y = logistic_samples([1.0, -0.5], n=400)
    model = make_model().fit(X * [scale, 1], y)
    np.testing.assert_allclose(model.coef_ * [scale, 1], make_model().fit(X, y).coef_, rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-160, 1e-200, 5e-324])
@pytest.mark.parametrize("kind", ["list", "array", "frame"])
def test_columns_that_hardly_vary_are_refused(make_model, scale, kind):
    X = np.array([[1.0, 3 * scale], [2.0, 0.0], [0.0, -3 * scale], [1.0, 0.0]])
    name = "column 'b'" if kind == "frame" else "column 1"
    X = {"list": X.tolist(), "array": X, "frame": Frame(X, ["a", "b"])}[kind]
    with pytest.raises(ValueError, match=f"^X {name} varies by less than 1e-153; expected more.*: scale it up$"):
        make_model().fit(X, [0, 1, 1, 0])


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6, 1e-8])
def test_nearly_collinear_columns_reach_the_optimum(make_model, gap):
    random = np.random.default_rng(2)
    first, difference = random.normal(size=(2, 300))
    y = (random.random(300) < 1 / (1 + np.exp(-2 * difference))).astype(int)
    model = make_model().fit(np.c_[first, first + gap * difference], y)
    apart = make_model(tol=1e-10).fit(np.c_[first, difference], y)
    assert model.findings_ == []
    assert model.history_[-1]["objective"] == pytest.approx(apart.history_[-1]["objective"], abs=1e-9)
    assert model.coef_[0, 1] * gap == pytest.approx(apart.coef_[0, 1], rel=1e-3)


@pytest.mark.parametrize("params", [{}, {"l2": 0.01}, {"l1": 0.02}, {"loss": "squared_error", "l2": 0.01}], ids=str)
@pytest.mark.parametrize("classes", [2, 3])
def test_history_ends_with_the_returned_model(make_model, params, classes):
    X, y = samples(classes=classes)
    for data in (X, X + 1e4, np.c_[X, X[:, 0]]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pp.TrainingWarning)
            model = make_model(**params).fit(data, y)
        oracle = Oracle(data, y, **params)
        assert model.history_[-1]["objective"] == pytest.approx(oracle.value(model), rel=1e-12)
        assert model.history_[-1]["gradient_norm"] == pytest.approx(oracle.slope(model), abs=1e-10)


@pytest.mark.parametrize("solver", [*SOLVERS, "gd"])
@pytest.mark.parametrize("tol", [0, 1e-17])
def test_rounding_ends_a_fit_without_a_warning(make_model, solver, tol):
    X, y = samples(n=40, d=2)
    model = make_model(l2=0.1, tol=tol, solver=solver, max_iter=5000).fit(X, y)
    assert model.findings_ == []
    assert model.history_[-1]["gradient_norm"] < 1e-14
    assert model.n_iter_ < 2000


def test_eight_rows_in_four_classes(make_model):
    X = [[1, 0, 0], [1, 0, 3], [1, 0, 1], [0, 3, 0], [0, 0, 0], [0, 0, 2], [0, 0, 0], [0, 0, 3]]
    for params in ({"l2": 1e-6}, {"l1": 1e-5}):
        model = make_model(**params).fit(X, [0, 1, 2, 3, 0, 0, 2, 3])
        assert model.n_iter_ < 40
        assert model.findings_ == []


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_l1_makes_zeros_of_copies_exactly(make_model, classes):
    for seed in range(5):
        X, y = samples(n=120, d=2, classes=classes, seed=seed)
        level = np.random.default_rng(seed).integers(0, 2, 120)
        coefficients = np.asarray(make_model(l1=0.01).fit(np.c_[X, X[:, 0], level, 1 - level], y).coef_)
        assert not ((coefficients != 0) & (abs(coefficients) < 1e-10)).any()


def test_a_step_that_overshoots_is_taken_back(make_model):
    """Rows with large amounts, all of class 0: their losses vanish at a small coefficient, where the penalty is all."""
    random = np.random.default_rng(132)
    Z, amounts = random.normal(size=(3000, 2)), np.zeros(3000)
    paid = random.random(3000) < 0.015
    amounts[paid] = 1000.0
    y = (Z[:, 0] + random.logistic(size=3000) > 0).astype(int)
    y[paid] = 0
    exact = pp.Perceptron(l2=1 / 3000, tol=1e-13, solver="newton").fit(np.c_[Z, amounts], y)  # by the fastest backend
    for solver in SOLVERS:
        model = make_model(l2=1 / 3000, solver=solver).fit(np.c_[Z, amounts], y)
        assert model.findings_ == []
        assert model.history_[-1]["objective"] == pytest.approx(exact.history_[-1]["objective"], rel=1e-9)
        np.testing.assert_allclose(model.coef_, exact.coef_, rtol=1e-2)
