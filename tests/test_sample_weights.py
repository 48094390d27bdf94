"""Sample weights and class weights."""

from array import array

import numpy as np
import pytest
from optimum import bits, samples


@pytest.mark.parametrize("params", [{"l2": 0.02}, {"l1": 0.02}, {"l2": 0.02, "standardize": True}], ids=str)
def test_integer_weights_equal_repeated_rows(make_model, params):
    X, y = samples(classes=3, n=40)
    weights = np.random.default_rng(4).integers(0, 4, len(y))
    weights[:3] = 1
    weighted = make_model(tol=1e-9, **params).fit(X, y, weights)
    repeated = make_model(tol=1e-9, **params).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-5, atol=1e-7)


def test_zero_weight_equals_removing_the_row(make_model):
    """Even if the row is an outlier or the only one of its class."""
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


def test_equal_weights_equal_no_weights(make_model):
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
