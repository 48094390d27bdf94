"""targets="probabilities": equivalence with weighted labels, and invalid targets."""

import numpy as np
import pytest
from optimum import samples

PARAMS = [{}, {"loss": "squared_error"}, {"l1": 0.01, "l2": 0.0}, {"solver": "lbfgs"}, {"solver": "gd", "max_iter": 20_000}]


def probabilities(n, k, seed=0):
    """Return an n × k matrix of probabilities, some of them 0 or 1."""
    random = np.random.default_rng([n, k, seed])
    table = random.dirichlet(np.full(k, 0.7), n)
    table[:k] = np.eye(k)
    return table


def doubled(X, table, weights):
    """Repeat each row once per class, weighted by the probability of that class."""
    n, k = table.shape
    return np.repeat(X, k, axis=0), np.tile(np.arange(k), n), (table * weights[:, None]).ravel()


@pytest.mark.parametrize("params", PARAMS, ids=str)
@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_optimum_equals_that_of_repeated_weighted_rows(make_model, k, weighted, params):
    if k == 3 and "l1" in params:
        params = {"l2": 0.05}
    params = {"l2": 0.05, "tol": 1e-9, **params}
    X, _ = samples(n=60, d=3)
    table = probabilities(60, k)
    weights = np.random.default_rng(1).random(60) + 0.1 if weighted else None
    model = make_model(targets="probabilities", **params).fit(X, table, weights)
    labels = make_model(**params).fit(*doubled(X, table, np.ones(60) if weights is None else weights))
    assert model.coef_.shape == labels.coef_.shape
    np.testing.assert_allclose(model.coef_, labels.coef_, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.intercept_, labels.intercept_, rtol=1e-5, atol=1e-6)
    if "loss" not in params:  # the squared errors differ by a constant, the variance of the labels
        assert model.history_[-1]["objective"] == pytest.approx(labels.history_[-1]["objective"], rel=1e-9)
    assert model.classes_.tolist() == list(range(k))
    assert model.predict(X).tolist() == labels.predict(X).tolist()
    assert [model.predict_one(row) for row in X] == model.predict(X).tolist()


@pytest.mark.parametrize("as_given", [list, np.array, lambda p: p[:, None], lambda p: p.astype("f"), lambda p: np.c_[1 - p, p]])
def test_one_number_a_row_is_the_probability_of_class_1(make_model, as_given):
    X, _ = samples(n=40, d=2)
    p = probabilities(40, 2)[:, 1].astype("f").astype(float)
    expected = make_model(targets="probabilities", l2=0.1).fit(X, p)
    model = make_model(targets="probabilities", l2=0.1).fit(X, as_given(p))
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-12)
    assert model.predict_proba(X).shape == (40, 2)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1].mean(), p.mean(), rtol=1e-6)  # the intercept is not penalised


@pytest.mark.parametrize("solver", ["newton", "lbfgs", "gd"])
@pytest.mark.parametrize("k", [1, 3])
def test_probabilities_that_a_model_can_meet_exactly(make_model, solver, k):
    random = np.random.default_rng(k)
    X, W = random.normal(size=(100, 3)), random.normal(size=(3, k))
    logits = X @ W + random.normal(size=k)
    p = 1 / (1 + np.exp(-logits[:, 0])) if k == 1 else np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    model = make_model(targets="probabilities", solver=solver, max_iter=3000, tol=1e-5).fit(X, p)
    assert model.findings_ == []
    assert model.n_iter_ < 3000
    found = model.predict_proba(X)
    np.testing.assert_allclose(found[:, 1] if k == 1 else found, p, atol=1e-4)


def test_one_hot_probabilities_equal_labels(make_model):
    X, y = samples(n=40, classes=3)
    model = make_model(targets="probabilities", l2=0.1).fit(X, np.eye(3)[y])
    np.testing.assert_allclose(model.coef_, make_model(l2=0.1).fit(X, y).coef_, rtol=1e-9, atol=1e-12)
    with_lists = make_model(targets="probabilities", l2=0.1).fit(X.tolist(), np.eye(3)[y].tolist())
    assert (with_lists.classes_, with_lists.predict(X.tolist())) == ([0, 1, 2], model.predict(X).tolist())


X3 = [[0.0], [1.0], [2.0]]
OUTSIDE = "expected a probability from 0 to 1: for labels leave targets='labels'"
REFUSED = [
    ([0.1, 1.5, 0.2], f"y row 1, column 0 is 1.5; {OUTSIDE}"),
    ([0.1, 0.5, -1e-9], f"y row 2, column 0 is -1e-09; {OUTSIDE}"),
    (
        [0.1, float("nan"), 0.5],
        f"y row 1, column 0 is nan; {OUTSIDE}",
    ),
    ([0.1, 0.5], "y has 2 labels but X has 3 rows: give one label for each row of X"),
    ([[0.5, 0.5], [0.25, 0.5], [0, 1]], "y row 1 sums to 0.75; expected probabilities that sum to 1: divide by their sum"),
    (
        [[0.5, 0.5], [1, 0], [0, 1 + 1e-5]],
        f"y row 2, column 1 is 1.00001; {OUTSIDE}",
    ),
    ([[0.5, 0.5], [1, 0], [0, 1 - 1e-5]], "y row 2 sums to 0.99999; expected probabilities that sum to 1: divide by their sum"),
    ([0.0, 0.0, 0.0], "y gives class 1 no probability in any row; expected some: give rows of it too"),
    ([1.0, 1.0, 1.0], "y gives class 0 no probability in any row; expected some: give rows of it too"),
    ([[0.5, 0, 0.5]] * 3, "y gives class 1 no probability in any row; expected some: give rows of it too"),
]


@pytest.mark.parametrize(("y", "message"), REFUSED, ids=str)
@pytest.mark.parametrize("as_given", [list, np.array])
def test_refused_probabilities(make_model, y, message, as_given):
    model = make_model(targets="probabilities", l2=0.1)
    with pytest.raises(ValueError, match="y ") as caught:
        model.fit(X3, as_given(y))
    assert str(caught.value) == message
    assert not hasattr(model, "coef_")


def test_probabilities_take_no_labels_and_no_class_weights(make_model):
    with pytest.raises(TypeError, match=r"^y row 0, column 0 is the text 'a'; expected a finite number"):
        make_model(targets="probabilities").fit(X3, [["a"], ["b"], ["a"]])
    with pytest.raises(ValueError, match=r"^class_weight is for one label per row"):
        make_model(targets="probabilities", class_weight="balanced").fit(X3, [0.1, 0.5, 0.9])


def test_row_sums_may_be_off_by_rounding(make_model):
    table = probabilities(30, 3)
    X, _ = samples(n=30, d=2)
    expected = make_model(targets="probabilities", l2=0.1).fit(X, table)
    rounded = make_model(targets="probabilities", l2=0.1).fit(X, table.astype("f"))
    np.testing.assert_allclose(rounded.coef_, expected.coef_, rtol=1e-5, atol=1e-6)
