"""Sample weights and class weights."""

from array import array
from collections import ChainMap, UserDict
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

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


class Factors(UserDict):
    """A mapping that is no dict and iterates over its values, as a Series does."""

    def __iter__(self):
        return iter(self.data.values())

    def items(self):
        return self.data.items()


@pytest.mark.parametrize("kind", [dict, MappingProxyType, Factors, lambda entries: ChainMap({}, entries)])
@pytest.mark.parametrize("number", [float, int, np.float32, np.int8, np.array, Decimal, Fraction])
def test_every_mapping_and_number_as_class_weight(make_model, kind, number):
    X, y = samples(n=40, classes=3)
    expected = make_model(l2=0.1, class_weight={0: 1.0, 1: 2.0, 2: 5.0}).fit(X, y)
    given = kind({0: number(1), 1: number(2), 2: number(5)})
    assert bits(make_model(l2=0.1, class_weight=given).fit(X, y)) == bits(expected)


def test_a_class_weight_that_y_lacks_is_no_harm_if_each_of_its_labels_has_one(make_model):
    X, y = samples(n=40)
    labels = np.array(["a", "c"])[y].tolist()
    expected = make_model(l2=0.1, class_weight={"a": 1, "c": 2}).fit(X, labels)
    model = make_model(l2=0.1, class_weight={"a": 1, "b": 5, "c": 2})
    assert bits(model.fit(X, labels)) == bits(expected)
    weights = [1.0] * 39 + [0.0]
    expected = make_model(l2=0.1, class_weight={"a": 1, "c": 2}).fit(X, labels, weights)
    assert bits(model.fit(X, [*labels[:39], "b"], weights)) == bits(expected)  # all rows of b weigh 0
    model.set_params(class_weight={"b": 5, "c": 2})
    assert bits(model.fit(X, [*labels[:39], "b"], weights)) == bits(expected)  # and b is no misspelt label


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 2, 1: 3}])
@pytest.mark.parametrize(("light", "heavy"), [(1e-310, 1.0), (1e-300, 1e300), (1e-120, 1.0)])
def test_weights_that_all_but_lose_a_class_are_refused(make_model, class_weight, light, heavy):
    X, y = samples(n=40)
    model = make_model(l2=0.1, class_weight=class_weight)
    with pytest.raises(
        ValueError,
        match=r"^class 0 weighs less than 1e-100 times as much as class 1 under sample_weight( and class_weight)?; expected "
        "weights that differ less: choose less extreme ones$",
    ):
        model.fit(X, y, np.where(y == 0, light, heavy))
    model.fit(X, y, np.where(np.arange(40) < 5, light, heavy))  # single rows may weigh next to nothing
