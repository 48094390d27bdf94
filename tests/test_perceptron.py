"""Perceptron: its optimum against a NumPy oracle of its own, what it accepts and gives back, and how a training can end."""

import copy
import itertools
import pickle
import threading
from array import array
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyperceptron as pp
from pyperceptron.labels import read_labels

SOLVERS = ("auto", "newton", "lbfgs")


class Frame:
    """A data frame, as far as the door can see."""

    def __init__(self, values, columns):
        self.values, self.columns = np.array(values), columns

    def __array__(self, dtype=None, copy=None):
        return self.values


def samples(n=60, d=4, classes=2, seed=0):
    """Rows and labels 0 … classes - 1 that overlap, every label there."""
    random = np.random.default_rng([n, d, classes, seed])
    X = random.normal(size=(n, d))
    sums = X @ random.normal(size=(d, classes)) + random.gumbel(size=(n, classes))
    y = sums.argmax(axis=1)
    y[:classes] = range(classes)
    return X, y


def indicators(y):
    y = np.asarray(y)
    return y.astype(float) if y.ndim == 2 else (y[:, None] == np.unique(y)).astype(float)


class Oracle:
    """J and its slopes in NumPy; the columns' means and deviations as the model's documentation says them."""

    def __init__(self, X, y, weights=None, *, loss="log_loss", l2=0.0, l1=0.0, fit_intercept=True, standardize=False):
        self.X, self.loss, self.l2, self.l1, self.fit_intercept = np.asarray(X, float), loss, l2, l1, fit_intercept
        self.wanted = indicators(y)
        if np.ndim(y) == 1 and self.wanted.shape[1] == 2:
            self.wanted = self.wanted[:, 1:]
        self.softmax = loss == "log_loss" and np.ndim(y) == 1 and self.wanted.shape[1] > 1
        self.weights = np.ones(len(self.X)) if weights is None else np.asarray(weights, float)
        self.weights = self.weights / self.weights.sum()
        self.means = self.weights @ self.X
        self.deviations = np.sqrt(self.weights @ (self.X - self.means) ** 2)
        self.penalties = self.deviations if standardize else np.ones(self.X.shape[1])

    def losses_and_slopes(self, W, b):
        sums, wanted = self.X @ W.T + b, self.wanted
        if self.softmax:
            sums = sums - sums.max(axis=1, keepdims=True)
            logs = np.log(np.exp(sums).sum(axis=1))
            return logs - (sums * wanted).sum(axis=1), np.exp(sums - logs[:, None]) - wanted
        outputs = np.exp(-np.logaddexp(0, -sums))
        if self.loss == "log_loss":
            return np.where(wanted > 0, np.logaddexp(0, -sums), np.logaddexp(0, sums)).sum(axis=1), outputs - wanted
        return ((outputs - wanted) ** 2).sum(axis=1) / 2, (outputs - wanted) * outputs * (1 - outputs)

    def value(self, model):
        W = np.asarray(model.coef_)
        scaled = W * self.penalties
        losses, _ = self.losses_and_slopes(W, np.asarray(model.intercept_))
        return self.weights @ losses + self.l2 / 2 * (scaled**2).sum() + self.l1 * abs(scaled).sum()

    def slope(self, model):
        """The largest slope of J, were all columns standardised; with lasso, of its least subgradient."""
        W, b = np.asarray(model.coef_), np.asarray(model.intercept_)
        _, slopes = self.losses_and_slopes(W, b)
        slopes = slopes * self.weights[:, None]
        ofW = slopes.T @ self.X + self.l2 * self.penalties**2 * W
        lasso = self.l1 * self.penalties
        ofW = np.where(W, ofW + lasso * np.sign(W), np.sign(ofW) * np.maximum(abs(ofW) - lasso, 0))
        scales = self.deviations if self.fit_intercept else np.sqrt(self.deviations**2 + self.means**2)
        scales = np.where(scales > 0, scales, 1.0)
        if not self.fit_intercept:
            return abs(ofW / scales).max()
        ofb = slopes.sum(axis=0)
        return max(abs((ofW - np.outer(ofb, self.means)) / scales).max(), abs(ofb).max())

    def optimum(self):
        """W and b by Newton's method on the whole Hessian, for the log losses; Σb of a softmax is 0."""
        k, width = self.wanted.shape[1], self.X.shape[1] + self.fit_intercept
        rows = np.hstack([self.X, np.ones((len(self.X), 1))]) if self.fit_intercept else self.X
        ridge = np.zeros((k, width))
        ridge[:, : self.X.shape[1]] = self.l2 * self.penalties**2
        W = np.zeros((k, width))
        for _ in range(50):
            b = W[:, -1] if self.fit_intercept else np.zeros(k)
            _, slopes = self.losses_and_slopes(W[:, : self.X.shape[1]], b)
            outputs = slopes + self.wanted
            gradient = (slopes * self.weights[:, None]).T @ rows + ridge * W
            hessian = np.zeros((k, width, k, width))
            for i, j in itertools.product(range(k), repeat=2):
                curvature = outputs[:, i] * ((i == j) - outputs[:, j]) if self.softmax or i == j else np.zeros(len(rows))
                hessian[i, :, j] = (rows.T * (curvature * self.weights)) @ rows
            flat = hessian.reshape(k * width, k * width) + np.diag(ridge.ravel())
            step = np.linalg.lstsq(flat, gradient.ravel(), rcond=1e-12)[0].reshape(k, width)
            W = W - step
            if abs(step).max() < 1e-13:
                break
        b = W[:, -1] if self.fit_intercept else np.zeros(k)
        return W[:, : self.X.shape[1]], b - b.mean() if self.softmax else b


def bits(model):
    return array("d", np.ravel(model.coef_).tolist() + np.ravel(model.intercept_).tolist()).tobytes()


def check_optimum(model, X, y, weights=None, **params):
    oracle = Oracle(X, y, weights, **params)
    assert oracle.slope(model) <= model.tol * 1.001 + 1e-14
    assert model.history_[-1]["objective"] == pytest.approx(oracle.value(model), rel=1e-10)
    assert model.history_[-1]["slope"] == pytest.approx(oracle.slope(model), rel=1e-6, abs=1e-13)
    assert model.findings_ == []
    return oracle


# The optimum.


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_optimum_with_ridge(make_model, classes, fit_intercept, standardize, solver):
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
def test_the_optimum_with_lasso(make_model, classes, standardize, solver):
    """What the conditions of Karush, Kuhn and Tucker ask for; and zeros that are zeros exactly."""
    X, y = samples(n=40, classes=classes, d=5)
    X[:, 2:] = np.random.default_rng(3).normal(size=(40, 3)) * [1, 2, 0.5]
    params = {"l1": 0.08, "standardize": standardize}
    model = make_model(solver=solver, tol=1e-4, **params).fit(X, y)
    check_optimum(model, X, y, **params)
    coefficients = np.array(model.coef_)
    assert (coefficients == 0).any()
    assert (coefficients != 0).any()


def test_lasso_and_ridge_together(make_model):
    X, y = samples(d=6)
    params = {"l1": 0.03, "l2": 0.1, "fit_intercept": False}
    check_optimum(make_model(tol=1e-9, **params).fit(X, y), X, y, **params)


def test_so_much_lasso_that_nothing_is_left(make_model):
    X, y = samples(classes=3)
    model = make_model(l1=100.0).fit(X, y)
    assert not np.any(model.coef_)
    np.testing.assert_allclose(model.predict_proba(X)[0], np.bincount(y) / len(y), rtol=1e-5)


@pytest.mark.parametrize("solver", SOLVERS)
def test_several_labels_are_as_many_models(make_model, solver):
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
def test_squared_error_ends_where_its_slope_is_0(make_model, solver, classes, l2):
    X, y = samples(classes=classes, n=50, d=3, seed=4)
    model = make_model(loss="squared_error", solver=solver, l2=l2).fit(X, y)
    check_optimum(model, X, y, loss="squared_error", l2=l2)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("params", [{}, {"l2": 0.1, "standardize": True}, {"l1": 0.01, "standardize": True}], ids=str)
@pytest.mark.parametrize("classes", [2, 3])
def test_raw_columns_of_any_scale_and_mean(make_model, solver, params, classes):
    """They converge without a warning, to what standardised columns do."""
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
def test_columns_that_say_nothing_new(make_model, solver):
    """A constant column, one of zeros, and one that is there twice."""
    X, y = samples(n=80, d=3)
    more = np.hstack([X, X[:, :1], np.full((80, 1), 3.0), np.zeros((80, 1))])
    model = make_model(solver=solver).fit(more, y)
    plain = make_model(tol=1e-9).fit(X, y)
    assert model.findings_ == []
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
def test_the_twins_learn_the_same(make_models, params):
    X, y = samples(classes=3, d=3)
    first, *others = (model.fit(X, y) for model in make_models(l2=0.05, tol=1e-8, **params))
    for other in others:
        np.testing.assert_allclose(other.coef_, first.coef_, rtol=1e-6, atol=1e-8)
        assert other.solver_ == first.solver_


# Weights.


@pytest.mark.parametrize("params", [{"l2": 0.02}, {"l1": 0.02}, {"l2": 0.02, "standardize": True}], ids=str)
def test_a_weight_counts_the_row_so_often(make_model, params):
    X, y = samples(classes=3, n=40)
    weights = np.random.default_rng(4).integers(0, 4, len(y))
    weights[:3] = 1
    weighted = make_model(tol=1e-9, **params).fit(X, y, weights)
    repeated = make_model(tol=1e-9, **params).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-5, atol=1e-7)


def test_a_row_of_weight_0_is_as_if_it_were_not_there(make_model):
    """However far away, and where it is the only one of its class."""
    X, y = samples(n=40)
    far = np.vstack([X, np.full((2, 4), 1e4)])
    model = make_model(tol=1e-9, l2=0.01, standardize=True).fit(far, [*y.tolist(), 1, 7], [1] * 40 + [0, 0])
    alone = make_model(tol=1e-9, l2=0.01, standardize=True).fit(X, y)
    assert list(model.classes_) == [0, 1]
    np.testing.assert_allclose(model.coef_, alone.coef_, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("as_given", [list, tuple, np.array, lambda w: array("d", w), lambda w: np.array(w)[:, None]])
def test_every_kind_of_weights(make_model, as_given):
    X, y = samples(n=30)
    weights = [1.0 + i % 3 for i in range(30)]
    assert bits(make_model(l2=0.1).fit(X, y, as_given(weights))) == bits(make_model(l2=0.1).fit(X, y, weights))


def test_all_weights_alike_are_none(make_model):
    X, y = samples(n=30)
    one, many = (make_model(l2=0.1, tol=1e-9).fit(X, y, weights) for weights in (None, np.full(30, 1e6)))
    np.testing.assert_allclose(one.coef_, many.coef_, rtol=1e-7)


@pytest.mark.parametrize("weights", [None, np.arange(60) % 3 + 1])
def test_class_weights(make_model, weights):
    X, y = samples(classes=3, seed=2)
    labels = np.array(["ash", "beech", "oak"])[y]
    ones = np.ones(60) if weights is None else weights
    totals = np.bincount(y, ones)
    balanced = make_model(l2=0.1, tol=1e-9, class_weight="balanced").fit(X, labels, weights)
    by_hand = make_model(l2=0.1, tol=1e-9).fit(X, labels, ones * (totals.sum() / (3 * totals))[y])
    np.testing.assert_allclose(balanced.coef_, by_hand.coef_, rtol=1e-6, atol=1e-8)
    mapped = make_model(l2=0.1, tol=1e-9, class_weight={"oak": 3, "ash": 0.5}).fit(X, labels, weights)
    by_hand = make_model(l2=0.1, tol=1e-9).fit(X, labels, ones * np.array([0.5, 1, 3])[y])
    np.testing.assert_allclose(mapped.coef_, by_hand.coef_, rtol=1e-6, atol=1e-8)


# Labels and containers.


@pytest.mark.parametrize(("classes", "rows"), [(2, 200_000), (3, 65_537), (300, 131_072)])
@pytest.mark.parametrize("dtype", [np.int64, np.float32])
def test_labels_of_many_rows(classes, rows, dtype):
    """They are read and counted some at a time."""
    y = np.random.default_rng(classes).integers(0, classes, rows).astype(dtype) * 2 - 5
    labels = read_labels(y, rows)
    np.testing.assert_array_equal(np.array(labels.classes)[labels.flat_codes()], y)
    assert labels.class_weights(None) == np.unique(y, return_counts=True)[1].tolist()


LABELS = {
    "strings": ["oak", "ash"],
    "numbers": [3, -7],
    "floats": [0.5, -1.5],
    "booleans": [True, False],
    "tuples": [("b", 1), ("a", 2)],
    "three strings": ["oak", "ash", "elm"],
    "negative numbers": [-1, 0, 1],
    "bytes": [b"no", b"ja"],
    "big numbers": [2**70, -(2**70)],
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels(make_model, labels):
    X, y = samples(n=40, classes=len(labels))
    given_labels = [labels[code] for code in y]
    model = make_model(l2=0.01).fit(X.tolist(), given_labels)
    assert model.classes_ == sorted(labels)
    predicted = model.predict(X.tolist())
    assert type(predicted) is list
    assert {type(label) for label in predicted} == {type(labels[0])}
    proba = np.array(model.predict_proba(X.tolist()))
    assert predicted == [model.classes_[column] for column in proba.argmax(axis=1)]
    assert [model.predict_one(row) for row in X.tolist()] == predicted
    assert model.score(X.tolist(), given_labels) == np.mean([a == b for a, b in zip(predicted, given_labels, strict=True)])


def test_labels_of_several_types_stay_in_their_order(make_model):
    X, y = samples(n=40, classes=3)
    model = make_model(l2=0.01).fit(X.tolist(), [("tuple", "string", 5)[code] if code else "x" for code in y])
    assert model.classes_ == ["x", "string", 5]
    assert set(model.predict(X.tolist())) <= {"x", "string", 5}


@pytest.mark.parametrize("dtype", ["i1", "i8", "u2", "f", "d", "?", "U7", "S7", "O"])
@pytest.mark.parametrize("n", [40, 5000])
def test_labels_in_numpy_keep_their_type(make_model, dtype, n):
    X, y = samples(n=n, d=1)
    labels = np.array(["1", "0"] if dtype in ("U7", "S7", "O") else [1, 0]).astype(dtype)[y]
    model = make_model(l2=0.01, tol=10.0).fit(X, labels)  # no step is made
    assert model.n_iter_ == 0
    assert type(model.classes_) is np.ndarray
    assert model.classes_.dtype == labels.dtype
    assert model.classes_.tolist() == sorted(set(labels.tolist()))
    predicted = model.predict(X[:50])
    assert predicted.dtype == labels.dtype
    assert predicted.tolist() == model.classes_[model.predict_proba(X[:50]).argmax(axis=1)].tolist()
    # The more frequent class has the larger intercept: the codes fit the classes.
    counts = [(labels == label).sum() for label in model.classes_]
    np.testing.assert_allclose(model.predict_proba([[0.0]])[0], np.array(counts) / n, rtol=1e-12)


@pytest.mark.parametrize("n", [20, 4096, 4097, 5000])
@pytest.mark.parametrize("place", [0, -1])
@pytest.mark.parametrize("dtype", ["i8", "d", "?", "U3", "O"])
def test_masked_labels_are_refused(make_model, dtype, place, n):
    X, y = samples(n=n, d=1)
    labels, Y = np.ma.array(y.astype(dtype)), np.ma.array(np.eye(2)[y])
    model = make_model(l2=0.1).fit(X, labels)  # nothing is masked yet
    labels[place], Y[place, 1] = np.ma.masked, np.ma.masked
    message = rf"^y row {range(n)[place]} is masked; expected a label: fill it in or drop that row$"
    for refused in (
        lambda: model.fit(X, labels),
        lambda: model.fit(X, labels[:, None]),
        lambda: model.fit(X, Y),
        lambda: model.score(X, labels),
    ):
        with pytest.raises(ValueError, match=message):
            refused()


@pytest.mark.parametrize(
    "labels", [[("a", 1), ("b", 2)], [("a",), ("b", 2)], [(), (1,)], [("a", 1), "b"], ["a", None]], ids=str
)
@pytest.mark.parametrize("n", [6, 5000])
def test_tuples_in_an_array_of_objects_stay_whole(make_model, labels, n):
    X = np.arange(float(n))[:, None] - n / 2
    y = np.empty(n, object)
    for row in range(n):
        y[row] = labels[row >= n // 2] or ("c", 3)
    model = make_model(l2=0.1).fit(X, y)
    assert set(model.classes_.tolist()) == set(y.tolist())
    assert type(model.classes_) is np.ndarray
    assert model.classes_.dtype == object
    assert model.predict(X[[0, -1]]).tolist() == [y[0], y[-1]]
    assert model.predict_one(X[-1]) == y[-1]
    assert model.score(X, y) >= 0.99


@pytest.mark.parametrize("column", [lambda y: y[:, None], lambda y: y[:, None].tolist(), lambda y: array("q", y), memoryview])
def test_labels_in_other_containers(make_model, column):
    X, y = samples(n=40)
    assert bits(make_model(l2=0.01).fit(X, column(y))) == bits(make_model(l2=0.01).fit(X, y))


@pytest.mark.parametrize("kind", [int, float, bool])
def test_several_labels_from_any_container(make_model, kind):
    X, _ = samples(n=40)
    Y = X[:, :2] > 0.3 * X[:, 2:]
    lists = [[kind(value) for value in row] for row in Y]
    model = make_model(l2=0.1).fit(X.tolist(), lists)
    assert model.predict(X.tolist()) == make_model(l2=0.1).fit(X, Y).predict(X).tolist()
    assert np.shape(model.predict_proba(X.tolist())) == (40, 2)
    assert model.classes_ == [0, 1]


def view(values, code="d"):
    flat = array(code, np.ravel(values).tolist())
    return memoryview(flat).cast("B").cast(code, np.shape(values))


WHOLE = np.random.default_rng(6).integers(0, 9, (40, 3))
INPUTS = {
    "lists": (WHOLE.tolist(), list),
    "tuples": (tuple(map(tuple, WHOLE.tolist())), list),
    "lists of NumPy rows": (list(WHOLE), list),
    "matrix": (pp.Matrix(WHOLE.tolist()), list),
    "memoryview": (view(WHOLE), array),
    "memoryview of float32": (view(WHOLE, "f"), array),
    "memoryview of bytes": (view(WHOLE, "B"), array),
    "memoryview of int": (view(WHOLE, "i"), array),
    "read-only memory": (view(WHOLE).toreadonly(), array),
    "across addresses": (memoryview(b"x" + WHOLE.astype("d").tobytes())[1:].cast("d", WHOLE.shape), array),
    "NumPy int": (WHOLE, np.ndarray),
    "NumPy float32": (WHOLE.astype("f"), np.ndarray),
    "NumPy bytes": (WHOLE.astype("B"), np.ndarray),
    "NumPy float16": (WHOLE.astype("e"), np.ndarray),
    "Fortran": (np.asfortranarray(WHOLE.astype(float)), np.ndarray),
    "strided": (np.repeat(WHOLE.astype(float), 2, axis=1)[:, ::2], np.ndarray),
    "reversed": (WHOLE.astype(float)[::-1, ::-1].copy()[::-1, ::-1], np.ndarray),
    "objects": (WHOLE.astype(object), np.ndarray),
    "data frame": (Frame(WHOLE, ["a", "b", "c"]), np.ndarray),
}


@pytest.mark.parametrize(("X", "kind"), INPUTS.values(), ids=INPUTS)
def test_every_kind_of_samples(make_model, X, kind):
    y = [int(a + b > c + 4) ^ (i % 7 == 0) for i, (a, b, c) in enumerate(WHOLE.tolist())]
    model, expected = make_model(l2=0.1).fit(X, y), make_model(l2=0.1).fit(WHOLE.astype(float), y)
    assert bits(model) == bits(expected)
    plain = WHOLE.tolist()
    for method in ("predict_proba", "decision_function"):
        answer = getattr(model, method)(X)
        assert type(answer) is kind
        np.testing.assert_array_equal(np.ravel(answer), np.ravel(getattr(expected, method)(plain)))
    predicted = model.predict(X)
    assert type(predicted) is (np.ndarray if kind is np.ndarray else list)
    assert list(predicted) == expected.predict(plain)
    assert type(model.coef_) is (np.ndarray if kind is np.ndarray else list)
    assert np.shape(model.coef_) == (1, 3)
    assert model.n_features_in_ == 3


class OneShot:
    """A row that can be read only once and has no length, as a file's line reader or a cursor."""

    def __init__(self, values):
        self._iterator = iter(values)

    def __iter__(self):
        return self._iterator


ROWS_READ_ONCE = [iter, OneShot, lambda row: (value for value in row), lambda row: map(float, row)]


@pytest.mark.parametrize("as_row", ROWS_READ_ONCE)
def test_rows_that_can_be_read_only_once(make_model, make_layer, as_row):
    X, y = samples(n=8, d=3)
    model = make_model(l2=0.1).fit(map(as_row, X.tolist()), y)
    assert bits(model) == bits(make_model(l2=0.1).fit(X, y))
    assert model.predict_proba([as_row(row) for row in X.tolist()]) == model.predict_proba(X.tolist())
    layer = make_layer(3, seed=1)
    assert layer.forward([as_row(row) for row in X.tolist()]) == layer.forward(X.tolist())


@pytest.mark.parametrize("as_row", [*ROWS_READ_ONCE, list, tuple])
@pytest.mark.parametrize("column", [0, 1, 2])
@pytest.mark.parametrize("value", ["n/a", "", None, 1j])
def test_a_fault_in_a_row_that_can_be_read_only_once(make_model, make_layer, as_row, column, value):
    """No number before the fault is lost, so that the rest would pass for a narrower row."""
    table = [[1.0, 2.0, 3.0] for _ in range(4)]
    for row in table:
        row[column] = value
    for refused in (
        lambda: make_model(l2=0.1).fit([as_row(row) for row in table], [0, 1, 0, 1]),
        lambda: make_layer(3 - column).forward([as_row(row) for row in table]),
        lambda: make_layer(3).train([as_row(row) for row in table], [0, 1, 0, 1], 1),
    ):
        with pytest.raises((TypeError, ValueError), match=rf"^(X|inputs) row 0, column {column} (is|cannot be read)"):
            refused()


def test_shapes(make_model):
    X, y = samples(n=40, classes=3)
    several = make_model(l2=0.1).fit(X, y)
    assert several.decision_function(X).shape == several.predict_proba(X).shape == (40, 3)
    assert len(several.decision_function(view(X))) == len(several.predict_proba(view(X))) == 120
    two = make_model(l2=0.1).fit(X, y > 0)
    assert two.decision_function(X).shape == (40,)
    assert two.predict_proba(X).shape == (40, 2)
    assert np.shape(two.decision_function(X.tolist())) == (40,)
    np.testing.assert_allclose(several.decision_function(X), X @ several.coef_.T + several.intercept_, rtol=1e-12, atol=1e-13)


def test_feature_names(make_model):
    X, y = samples(n=40, d=3)
    model = make_model(l2=0.1).fit(Frame(X, ["a", "b", "c"]), y)
    assert model.feature_names_in_ == ["a", "b", "c"]
    assert model.predict(Frame(X, ["a", "b", "c"])).tolist() == model.predict(X).tolist()
    with pytest.raises(
        ValueError, match="another order than the model was fitted with, from 'b' on: give them as 'a', 'b', 'c'"
    ):
        model.predict(Frame(X, ["b", "a", "c"]))
    with pytest.raises(ValueError, match="X lacks 1 column that the model was fitted with: 'b'; it has 'd' instead"):
        model.predict_proba(Frame(X, ["a", "d", "c"]))
    assert not hasattr(make_model(l2=0.1).fit(X, y), "feature_names_in_")
    assert not hasattr(make_model(l2=0.1).fit(Frame(X, [0, 1, 2]), y), "feature_names_in_")
    assert not hasattr(model.fit(X, y), "feature_names_in_")


# One row at a time.


@pytest.mark.parametrize("params", [{}, {"loss": "squared_error"}, {"fit_intercept": False}], ids=str)
@pytest.mark.parametrize("classes", [2, 3, "matrix"])
def test_one_row_is_as_one_of_many(make_model, params, classes):
    X, y = samples(n=40, classes=3 if classes == 3 else 2)
    if classes == "matrix":
        y = (X[:, :3] > X[:, 1:]).astype(int)
    model = make_model(l2=0.1, **params).fit(X, y)
    proba, labels = model.predict_proba(X).tolist(), model.predict(X).tolist()
    for i, row in enumerate(X):
        for x in (row, row.tolist(), tuple(row.tolist()), array("d", row), memoryview(row), (value for value in row)):
            assert model.predict_proba_one(x) == tuple(proba[i])
        assert model.predict_one(row.tolist()) == (tuple(labels[i]) if classes == "matrix" else labels[i])
    assert model.predict_proba_one([1, 2, 3, 4]) == model.predict_proba_one([1.0, 2.0, 3.0, 4.0])


class Series:
    """A row of a data frame, as far as the checks can see."""

    def __init__(self, values, index):
        self._values = dict(zip(index, values, strict=True))

    def keys(self):
        return list(self._values)

    def __iter__(self):
        return iter(self._values.values())

    def __getitem__(self, key):
        return self._values[key]

    def __array__(self, dtype=None, copy=None):
        return np.array(list(self))


def as_mapping(names, x):
    return dict(zip(names, x, strict=True))


BY_NAME = [as_mapping, lambda names, x: MappingProxyType(as_mapping(names, x)), lambda names, x: Series(x, names)]


@pytest.mark.parametrize("as_row", BY_NAME)
def test_one_row_by_the_names_of_its_columns(make_model, as_row):
    X, y = samples(n=40, d=3)
    model = make_model(l2=0.1).fit(Frame(X, ["a", "b", "c"]), y)
    for order in itertools.permutations(range(3)):
        names = ["abc"[column] for column in order]
        assert model.predict_proba_one(as_row(names, X[0, order])) == tuple(model.predict_proba(X)[0])
    for names, said in (
        (["a", "b"], "lacks 'c'"),
        (["a", "b", "c", "d"], "has 'd' besides"),
        (["a", "b", "C"], "lacks 'c' and has 'C' besides"),
    ):
        with pytest.raises(ValueError, match=rf"^x {said}; expected one number for each column .*: give 'a', 'b', 'c'$"):
            model.predict_one(as_row(names, range(len(names))))
    with pytest.raises(TypeError, match=r"^x row 0, column 1 is None; expected a finite number"):
        model.predict_one(as_row(["b", "a", "c"], [None, 1.0, 1.0]))


def test_one_row_whose_names_say_nothing(make_model):
    """The keys of a mapping and the columns of a frame are never taken for numbers."""
    X, y = samples(n=40, d=2)
    model = make_model(l2=0.1).fit(X, y)
    for refused in ({0: 9.0, 1: 9.0}, MappingProxyType({0: 9.0, 1: 9.0}), Frame([[9.0, 9.0]], [0, 1])):
        for ask in (model.predict_one, model.predict_proba_one):
            with pytest.raises(TypeError, match=r"^x is .*; expected a flat sequence of 2 numbers$"):
                ask(refused)
    assert model.predict_proba_one(Series(X[0], ["u", "v"])) == tuple(model.predict_proba(X)[0])  # the model knows no names
    named = make_model(l2=0.1).fit(Frame(X, ["a", "b"]), y)
    assert named.predict_proba_one(Series(X[0], [0, 1])) == tuple(model.predict_proba(X)[0])  # the row knows no names
    with pytest.raises(TypeError, match=r"^x is .*; expected a flat sequence of 2 numbers$"):
        named.predict_one(Frame([[9.0, 9.0]], ["a", "b"]))


@pytest.mark.parametrize("place", [0, 1])
def test_one_masked_row(make_model, place):
    X, y = samples(n=40, d=2)
    model = make_model(l2=0.1).fit(X, y)
    assert model.predict_proba_one(np.ma.array(X[0], mask=False)) == tuple(model.predict_proba(X)[0])
    masked = np.ma.array([1.0, 9.0], mask=[place == 0, place == 1])
    for row in (X[0], masked):  # a plain array before it changes nothing
        for ask in (model.predict_one, model.predict_proba_one):
            if row is masked:
                with pytest.raises(ValueError, match=rf"^x row 0, column {place} is masked; expected a finite number"):
                    ask(row)
            else:
                ask(row)


# From one training to the next.


@pytest.mark.parametrize("params", [{"solver": "newton"}, {"solver": "lbfgs"}, {"l1": 0.01}, {"solver": "gd"}], ids=str)
def test_the_same_bits_again_and_with_any_number_of_threads(make_model, params):
    X, y = samples(classes=3, n=40)
    first = bits(make_model(l2=0.3, tol=1e-3, **params).fit(X, y))
    for threads in (None, 1, 2, 3, 8):
        assert bits(make_model(l2=0.3, tol=1e-3, threads=threads, **params).fit(X, y)) == first


def test_the_same_bits_with_any_number_of_threads_and_several_chunks(make_model):
    X, y = samples(n=1200, d=127)
    first, *others = (
        make_model(l2=1.0, solver="gd", threads=threads, callback=lambda model, iteration: True).fit(X, y)
        for threads in (1, 2, 3, 8)
    )
    assert first.n_iter_ == 1
    assert {bits(other) for other in others} == {bits(first)}


def test_a_training_does_not_depend_on_the_ones_before(make_model):
    X, y = samples(n=40)
    wide, labels = samples(n=50, d=6, classes=3)
    model = make_model(l2=0.1).fit(wide, labels)
    assert bits(model.fit(X, y)) == bits(make_model(l2=0.1).fit(X, y))
    assert (model.n_features_in_, list(model.classes_), model.coef_.shape) == (4, [0, 1], (1, 4))


def test_fit_changes_nothing_of_what_it_is_given(make_model):
    X, y = samples(n=40)
    weights = np.ones(40)
    before = X.copy(), y.copy(), weights.copy()
    for array_ in (X, y, weights):
        array_.setflags(write=False)
    model = make_model(l2=0.1, class_weight="balanced").fit(X, y, weights)
    model.predict(X)
    for now, then in zip((X, y, weights), before, strict=True):
        assert now.tobytes() == then.tobytes()


@pytest.mark.parametrize("params", [{}, {"l1": 0.01}, {"solver": "gd", "l2": 0.2}, {"loss": "squared_error"}], ids=str)
def test_a_warm_start_goes_on_from_the_last_optimum(make_model, params):
    X, y = samples(classes=3)
    model = make_model(warm_start=True, **{"l2": 0.01, **params}).fit(X, y)
    assert model.n_iter_ > 1
    model.fit(X, y)
    assert model.n_iter_ <= 1
    model.set_params(warm_start=False).fit(X, y)
    assert model.n_iter_ > 1


def test_a_warm_start_of_another_shape_is_an_error(make_model):
    X, y = samples(n=40)
    model = make_model(warm_start=True, l2=0.1).fit(X, y)
    before = bits(model)
    for other in ((X[:, :3], y), (X, y + 1), (X, y + np.arange(40) % 2)):
        with pytest.raises(ValueError, match=r"^warm_start goes on from a fit with the same classes, number of columns and"):
            model.fit(*other)
    assert bits(model) == before


@pytest.mark.parametrize("solver", ["newton", "lbfgs", "gd"])
def test_a_callback_sees_each_step_and_can_stop(make_model, solver):
    X, y = samples()
    seen = []

    def callback(model, iteration):
        seen.append((iteration, model.n_iter_, bits(model), model.score(X, y), len(model.history_), model.solver_))
        return iteration == 3

    model = make_model(solver=solver, l2=0.01, callback=callback).fit(X, y)
    assert [(iteration, n) for iteration, n, *_ in seen] == [(1, 1), (2, 2), (3, 3)]
    assert len({state for _, _, state, *_ in seen}) == 3
    assert [entry["iteration"] for entry in model.history_] == [0, 1, 2, 3]
    assert seen[-1][2:] == (bits(model), model.score(X, y), 4, solver)
    assert (model.n_iter_, model.findings_) == (3, [])


def test_a_callback_changes_nothing_of_the_result(make_model):
    X, y = samples(classes=3)
    assert bits(make_model(l2=0.1, callback=lambda model, iteration: None).fit(X, y)) == bits(make_model(l2=0.1).fit(X, y))


@pytest.mark.parametrize("params", [{"solver": "newton"}, {"solver": "lbfgs"}, {"solver": "gd"}, {"l1": 0.01}], ids=str)
def test_ctrl_c_keeps_what_was_reached(make_model, params):
    X, y = samples()

    def press(model, iteration):
        if iteration == 2:
            raise KeyboardInterrupt

    model = make_model(l2=0.01, callback=press, **params)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    stopped = make_model(l2=0.01, callback=lambda model, iteration: iteration == 2, **params).fit(X, y)
    assert (model.n_iter_, bits(model)) == (2, bits(stopped))
    assert model.predict_proba_one(X[0]) == tuple(model.predict_proba(X)[0])


class PressesAtOnce:
    """An output that is interrupted by its first line."""

    def write(self, text):
        raise KeyboardInterrupt

    def flush(self):
        pass


def test_ctrl_c_before_the_first_step_changes_nothing(make_model, monkeypatch):
    X, y = samples()
    fresh, fitted = make_model(l2=0.01, verbose=True), make_model(l2=0.01).fit(X, y)
    before = bits(fitted), fitted.n_iter_, fitted.history_
    fitted.set_params(verbose=True)
    monkeypatch.setattr("sys.stdout", PressesAtOnce())
    for model in (fresh, fitted):
        with pytest.raises(KeyboardInterrupt):
            model.fit(X[:50], y[:50])
    monkeypatch.undo()
    assert not hasattr(fresh, "coef_")
    assert not hasattr(fresh, "n_iter_")
    assert (bits(fitted), fitted.n_iter_, fitted.history_) == before


def test_a_failed_training_leaves_the_model_as_it_was(make_model):
    X, y = samples(n=40)
    model = make_model(l2=0.1).fit(X, y)
    before = bits(model), model.n_iter_, list(model.history_), model.predict_proba(X).tolist()
    broken = X.copy()
    broken[7, 2] = np.nan
    for arguments in ((broken, y), (X, y[:-1]), (X, [1] * 40), (X, y, [-1.0] * 40), ([], []), (X * 1e200, y)):
        with pytest.raises(ValueError):
            model.fit(*arguments)
        assert (bits(model), model.n_iter_, list(model.history_), model.predict_proba(X).tolist()) == before
        assert model.predict_proba_one(X[0]) == tuple(before[3][0])


def test_an_error_in_a_callback_is_the_callers(make_model):
    X, y = samples(n=40)

    def broken(model, iteration):
        raise RuntimeError("mine")

    model = make_model(l2=0.1, callback=broken)
    with pytest.raises(RuntimeError, match=r"^mine$"):
        model.fit(X, y)
    assert bits(model.set_params(callback=None).fit(X, y)) == bits(make_model(l2=0.1).fit(X, y))


def test_many_threads_predict_while_another_trains(make_model):
    X, y = samples(classes=3, n=40)
    model = make_model(l2=0.1).fit(X, y)
    expected = [model.predict_proba(X).tolist(), model.predict(X).tolist(), model.predict_proba_one(X[0])]
    other = make_model(l2=0.1)
    wrong = []

    def predict():
        for _ in range(5):
            if [model.predict_proba(X).tolist(), model.predict(X).tolist(), model.predict_proba_one(X[0])] != expected:
                wrong.append(1)

    threads = [threading.Thread(target=predict) for _ in range(6)] + [threading.Thread(target=other.fit, args=(X, y))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert bits(other) == bits(model)


# A model as an object.


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


def test_parameters_that_numpy_made(make_model):
    X, y = samples(n=40)
    model = make_model(l2=np.float32(0.5), max_iter=np.int64(50), fit_intercept=np.bool_(True), tol=np.float64(1e-6)).fit(X, y)
    assert bits(model) == bits(make_model(l2=0.5, max_iter=50).fit(X, y))


def test_what_is_not_fitted_has_no_coefficients(make_model):
    model = make_model()
    fitted = ("coef_", "intercept_", "classes_", "n_features_in_", "n_iter_", "history_", "solver_", "backend_", "findings_")
    for name in (*fitted, "feature_names_in_", "predict_one", "predict_proba_one"):
        assert not hasattr(model, name)
        with pytest.raises(AttributeError, match=r"^this Perceptron is not fitted yet: call fit\(X, y\) first$"):
            getattr(model, name)
    for name in ("predict", "predict_proba", "decision_function"):
        with pytest.raises(AttributeError, match=r"^this Perceptron is not fitted yet: call fit\(X, y\) first$"):
            getattr(model, name)([[1.0]])
    model.fit([[0], [1], [0], [1]], [0, 1, 1, 0])
    with pytest.raises(AttributeError, match=r"^Perceptron has no attribute 'coeff_'$"):
        _ = model.coeff_


def test_scores(make_model):
    X, y = samples(n=40)
    model = make_model(l2=0.1).fit(X, y)
    right = model.predict(X) == y
    assert model.score(X, y) == model.score(X.tolist(), y.tolist()) == right.mean()
    weights = np.arange(40.0)
    assert model.score(X, y, weights) == pytest.approx(weights @ right / weights.sum(), rel=1e-15)
    assert model.score(X, y[:, None]) == right.mean()


# How a training ends.


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("classes", [2, 3])
def test_classes_that_a_line_tells_apart(make_model, solver, classes):
    X = [[float(i), float(i % 2)] for i in range(4 * classes)]
    y = [i // 4 for i in range(4 * classes)]
    with pytest.warns(pp.TrainingWarning, match="The classes can be told apart without a doubt"):
        model = make_model(solver=solver).fit(X, y)
    assert len(model.findings_) == 1
    assert model.findings_[0].startswith("The classes can be told apart without a doubt")
    assert model.score(X, y) == 1
    assert np.isfinite(model.coef_).all()
    assert make_model(solver=solver, l2=1e-4).fit(X, y).findings_ == []


@pytest.mark.parametrize("params", [{"solver": "newton"}, {"solver": "lbfgs"}, {"solver": "gd"}, {"l1": 0.01}], ids=str)
def test_too_few_steps(make_model, params):
    X, y = samples()
    model = make_model(max_iter=1, l2=0.001, **params)
    with pytest.warns(
        pp.TrainingWarning, match=r"^Training stopped at max_iter=1 before the optimum, at a slope of .*\. Raise"
    ) as told:
        model.fit(X, y)
    assert (model.n_iter_, len(told), len(model.findings_)) == (1, 1, 1)
    assert told[0].filename == __file__


@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
@pytest.mark.parametrize("classes", [2, 3])
def test_gradient_descent_never_goes_up(make_model, loss, classes):
    X, y = samples(classes=classes, d=3, n=40)
    params = {"loss": loss, "l2": 0.05}
    model = make_model(solver="gd", tol=1e-4, **params).fit(X * [1, 2, 0.5], y)
    check_optimum(model, X * [1, 2, 0.5], y, **params)
    values = [entry["objective"] for entry in model.history_]
    assert len(values) == model.n_iter_ + 1 > 3
    assert all(after <= before + 1e-15 for before, after in itertools.pairwise(values))


def test_one_step_of_gradient_descent_is_the_lessons(make_model):
    """Along the mean: the lesson's rate, times the number of samples."""
    X, y = [[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], [0, 1, 1, 0]
    layer = pp.SigmoidLayer(3, weights=[0, 0, 0]).train(X, y, 5)
    model = make_model(
        loss="squared_error",
        solver="gd",
        learning_rate=4.0,
        fit_intercept=False,
        callback=lambda model, iteration: iteration == 5,
    ).fit(X, y)
    np.testing.assert_allclose(np.ravel(model.coef_), np.ravel(layer.weights), rtol=1e-13)


def test_a_step_out_of_the_range_of_floats_is_not_made(make_model):
    X, y = samples(n=40)
    model = make_model(solver="gd", learning_rate=1e308, l2=1.0)
    with pytest.warns(pp.TrainingWarning, match="^Training stopped before a step that leaves the range of floats"):
        model.fit(X, y)
    assert np.isfinite(model.coef_).all()
    assert np.isfinite([entry["objective"] for entry in model.history_]).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_line_for_each_step(make_model, capsys, solver):
    X, y = samples()
    model = make_model(verbose=True, solver=solver, l2=0.01).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == model.n_iter_ + 1
    for line, entry in zip(lines, model.history_, strict=True):
        assert line.startswith(f"{model.solver_} step {entry['iteration']}: J = {entry['objective']:.9g}")
    make_model(l2=0.01).fit(X, y)
    assert capsys.readouterr().out == ""


def test_the_history(make_model):
    X, y = samples()
    model = make_model(l2=0.01).fit(X, y)
    assert [entry["iteration"] for entry in model.history_] == list(range(model.n_iter_ + 1))
    slopes = [entry["slope"] for entry in model.history_]
    assert slopes[-1] <= slopes[-2] <= model.tol < slopes[-3]  # the last step brings the coefficients nearer still
    passes = [entry["passes"] for entry in model.history_]
    assert all(before < after for before, after in itertools.pairwise(passes))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
def test_rare_columns_that_decide_keep_their_coefficients(seed, solver):
    """The last step too is evaluated: rows far out on a saturated side leave it almost no curvature to go by."""
    random = np.random.default_rng([seed, 3])
    n, d = int(random.integers(500, 4000)), int(random.integers(1, 5))
    columns = random.normal(size=(n, d))
    rare = np.where(random.random((n, 2)) < [0.005, 0.02], [1000.0, random.lognormal(6, 1)], 0.0)
    y = (columns @ random.normal(size=d) + random.logistic(size=n) > 0).astype(int)
    y[rare[:, 0] > 0], y[rare[:, 1] > 0] = 0, 1
    X = np.hstack([columns, rare])
    steps = []
    model = pp.Perceptron(l2=1 / n, solver=solver, callback=lambda model, i: steps.append(np.ravel(model.coef_))).fit(X, y)
    oracle = Oracle(X, y, l2=1 / n)
    assert oracle.slope(model) <= model.tol
    assert model.history_[-1]["objective"] == pytest.approx(oracle.value(model), rel=1e-12)
    assert model.history_[-1]["slope"] == pytest.approx(oracle.slope(model), rel=1e-3, abs=1e-12)
    assert len(steps) == model.n_iter_
    assert steps[-1].tolist() == np.ravel(model.coef_).tolist()
    for column, label in ((0, 0), (1, 1)):
        ruled = (rare[:, column] > 0) & (rare[:, 1 - column] == 0)
        assert (model.predict(X[ruled]) == label).all()


def test_a_saturated_column_is_not_thrown_back_to_0():
    X = [[0.0]] * 25_948 + [[1.0]] * 52
    model = pp.Perceptron(l2=1e-12).fit(X, [i % 2 for i in range(25_948)] + [1] * 52)
    assert model.predict_proba_one([1.0])[1] > 0.999


# At the edges.


@settings(max_examples=30)
@given(st.data())
@pytest.mark.parametrize("classes", [2, 3, "matrix"])
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_probabilities_at_any_scale(make_model, classes, loss, data):
    X, y = samples(n=12, d=3, classes=3 if classes == 3 else 2)
    if classes == "matrix":
        y = (X[:, :2] > 0).astype(int)
    model = make_model(l2=0.5, loss=loss, tol=1e-2).fit(X, y)
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
def test_samples_of_any_scale(make_model, scale, params):
    X, y = samples()
    model = make_model(**params).fit(X * scale, y)
    expected = make_model(**params).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X * scale), expected.predict_proba(X), atol=1e-4)


def test_two_rows_of_one_number(make_model):
    model = make_model(l2=0.1).fit([[0], [1]], ["no", "yes"])
    assert model.predict([[0], [1]]) == ["no", "yes"]
    assert model.predict_one([5]) == "yes"
