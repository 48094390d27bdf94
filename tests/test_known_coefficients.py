"""Perceptron.from_coefficients: a model of known numbers predicts as a fitted one does."""

from decimal import Decimal
from functools import partial

import numpy as np
import pytest
from optimum import bits, samples

import pyperceptron as pp


@pytest.fixture
def known(make_model):
    """Perceptron.from_coefficients with a fixed backend."""
    return partial(pp.Perceptron.from_coefficients, **make_model.keywords)


@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("convert", [np.asarray, lambda values: np.asarray(values).tolist()], ids=["numpy", "list"])
def test_the_coefficients_of_a_fit_make_the_same_model(make_model, known, loss, intercept, classes, convert):
    X, y = samples(n=40, classes=classes)
    labels = np.array(["ash", "elm", "oak"])[y]
    fitted = make_model(l2=0.1, loss=loss, fit_intercept=intercept).fit(convert(X), convert(labels))
    model = known(fitted.coef_, fitted.intercept_, fitted.classes_, loss=loss, fit_intercept=intercept)
    assert bits(model) == bits(fitted)
    for name in ("coef_", "intercept_", "classes_", "n_features_in_", "backend_"):
        ours, theirs = getattr(model, name), getattr(fitted, name)
        assert type(ours) is type(theirs)
        assert np.array_equal(ours, theirs)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        ours, theirs = getattr(model, method)(convert(X)), getattr(fitted, method)(convert(X))
        assert type(ours) is type(theirs)
        assert np.array_equal(ours, theirs)
    row = X[0].tolist()
    assert (model.predict_one(row), model.predict_proba_one(row)) == (fitted.predict_one(row), fitted.predict_proba_one(row))
    assert model.score(X, labels) == fitted.score(X, labels)
    assert (model.n_iter_, model.history_, model.findings_, model.solver_) == (0, [], [], "none")


@pytest.mark.parametrize("coef", [[1, 2.0], [[1, 2]], [[1], [2]], np.array([1.0, 2.0]), (Decimal(1), np.float32(2))], ids=str)
@pytest.mark.parametrize("intercept", [3, [3], np.float64(3), np.array(3), np.array([[3.0]]), Decimal(3)], ids=repr)
def test_two_classes(known, coef, intercept):
    model = known(coef, intercept)
    assert np.array_equal(model.coef_, [[1.0, 2.0]])
    assert np.array_equal(model.intercept_, [3.0])
    assert list(model.classes_) == [0, 1]
    assert model.predict_proba_one([0.0, 0.0])[1] == pytest.approx(1 / (1 + np.exp(-3)))


def test_the_order_of_classes_is_that_of_the_rows(known):
    model = known([[1.0], [3.0], [2.0]], classes=["c", "a", "b"])
    assert model.classes_ == ["c", "a", "b"]
    assert model.predict([[1.0], [-1.0]]) == ["a", "c"]
    assert model.intercept_ == [0.0, 0.0, 0.0]


def test_column_names(known):
    model = known([1.0, -1.0], feature_names=["a", "b"])
    assert model.feature_names_in_ == ["a", "b"]
    assert model.predict_one({"b": 0.0, "a": 1.0}) == 1
    assert not hasattr(known([1.0, -1.0]), "feature_names_in_")


def test_a_fit_starts_from_known_coefficients(make_model, known):
    X, y = samples(n=40)
    optimum = make_model(l2=0.1, tol=1e-9).fit(X, y)
    model = known(optimum.coef_, optimum.intercept_, l2=0.1, warm_start=True, solver="lbfgs").fit(X, y)
    assert model.n_iter_ <= 1
    assert model.solver_ == "lbfgs"


def test_a_subclass_makes_itself(known):
    class Score(pp.Perceptron):
        def is_likely(self, x):
            return self.predict_one(x) == 1

    assert Score.from_coefficients([1.0], **known.keywords).is_likely([1.0])


MATRIX = [[1, 2], [3, 4], [5, 6]]
ABC = ["a", "b", "c"]
REFUSED = [
    (
        (MATRIX,),
        ValueError,
        "coef has 3 rows of 2 numbers but 2 classes need 1 row: give only that of 1, less that of 0 if there are two",
    ),
    (([1, 2], 0, ABC), ValueError, "coef has 2 rows of 1 number but 3 classes need 3 rows: give one for each class"),
    ((MATRIX, [1, 2], ABC), ValueError, "intercept has 2 numbers but coef has 3 rows: give one number, or one for each row"),
    (
        (MATRIX, [[1, 2, 3]], ABC),
        ValueError,
        "intercept has 3 numbers but coef has 3 rows: give one number, or one for each row",
    ),
    (
        ([1, "2"],),
        TypeError,
        "coef row 1, column 0 is the text '2'; expected a finite number: convert it first, as float(...) does",
    ),
    (([1, 1e200],), ValueError, "coef row 1, column 0 is 1e+200; expected a number from -1e150 to 1e150: scale it down"),
    (([1, 2], None), TypeError, "intercept row 0, column 0 is None; expected a finite number: fill it in or drop that row"),
    (
        ([1, 2], float("nan")),
        ValueError,
        "intercept row 0, column 0 is nan; expected a finite number: fill it in or drop that row",
    ),
    (([1, 2], 0, "ab"), TypeError, "classes is 'ab'; expected a sequence of labels: write them as classes=['no', 'yes']"),
    (([1, 2], 0, {1}), TypeError, "classes is {1}; expected a sequence of labels: write them as classes=['no', 'yes']"),
    (([1, 2], 0, ["a"]), ValueError, "classes has 1 label; expected two or more: give one for each class"),
    (([1, 2], 0, ["a", "a"]), ValueError, "classes has 'a' twice; expected different labels: leave one out"),
    (([1, 2], 0, ["a", None]), ValueError, "classes[1] is None; expected a label such as a number or a string: name it"),
    (
        ([1, 2], 0, [[0], [1]]),
        TypeError,
        "classes[0] is [0], which cannot be hashed; expected a label such as a number or a string: give a flat sequence",
    ),
]


@pytest.mark.parametrize(("given", "error", "message"), REFUSED, ids=[message for *_, message in REFUSED])
def test_refused_coefficients(known, given, error, message):
    with pytest.raises(error) as caught:
        known(*given)
    assert str(caught.value) == message


@pytest.mark.parametrize("names", ["ab", ["a"], ["a", "a"], [1, 2], 7])
def test_refused_names(known, names):
    with pytest.raises(ValueError, match=r"expected 2 different strings: give one for each column of coef$"):
        known([1, 2], feature_names=names)


def test_refused_parameters(known):
    with pytest.raises(ValueError, match=r"^intercept is 1 but fit_intercept is False; expected 0: leave fit_intercept True$"):
        known([1, 2], 1, fit_intercept=False)
    with pytest.raises(TypeError, match=r"has no parameter 'C': set l2"):
        known([1, 2], C=1)


def test_setting_what_a_fit_makes_is_refused_with_the_way(make_model):
    model = make_model(l2=0.1)
    for name in ("coef_", "intercept_", "classes_"):
        with pytest.raises(AttributeError, match=rf"^{name} cannot be set; .*Perceptron\.from_coefficients\(coef, intercept, "):
            setattr(model, name, [[1.0]])
        assert not hasattr(model, name)
