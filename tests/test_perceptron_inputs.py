"""Containers for X, column names, and prediction of single rows."""

import itertools
from array import array
from types import MappingProxyType

import numpy as np
import pytest
from containers import CONTAINERS, Frame, OneShot, Series, view
from optimum import bits, samples

WHOLE = np.random.default_rng(6).integers(0, 9, (40, 3))


@pytest.mark.parametrize(("make", "kind"), CONTAINERS.values(), ids=CONTAINERS)
def test_every_kind_of_samples(make_model, make, kind):
    X = make(WHOLE.tolist())
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


ROWS_READ_ONCE = [iter, OneShot, lambda row: (value for value in row), lambda row: map(float, row)]


@pytest.mark.parametrize("as_row", ROWS_READ_ONCE)
def test_one_shot_rows(make_model, make_layer, as_row):
    X, y = samples(n=8, d=3)
    model = make_model(l2=0.1).fit(map(as_row, X.tolist()), y)
    assert bits(model) == bits(make_model(l2=0.1).fit(X, y))
    assert model.predict_proba([as_row(row) for row in X.tolist()]) == model.predict_proba(X.tolist())
    layer = make_layer(3, seed=1)
    assert layer.forward([as_row(row) for row in X.tolist()]) == layer.forward(X.tolist())


@pytest.mark.parametrize("as_row", [*ROWS_READ_ONCE, list, tuple])
@pytest.mark.parametrize("column", [0, 1, 2])
@pytest.mark.parametrize("value", ["n/a", "", None, 1j])
def test_error_locates_bad_value_in_one_shot_row(make_model, make_layer, as_row, column, value):
    """Values read before the bad one must be kept; otherwise the rest could pass as a narrower row."""
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
        ValueError, match="in a different order than in fit \\(first difference: 'b'\\): give them as 'a', 'b', 'c'"
    ):
        model.predict(Frame(X, ["b", "a", "c"]))
    with pytest.raises(
        ValueError,
        match=r"X lacks the column 'b' .* and has the column 'd' that the model was not fitted with: give 'a', 'b', 'c'$",
    ):
        model.predict_proba(Frame(X, ["a", "d", "c"]))
    assert not hasattr(make_model(l2=0.1).fit(X, y), "feature_names_in_")
    assert not hasattr(model.fit(X, y), "feature_names_in_")


@pytest.mark.parametrize("params", [{}, {"loss": "squared_error"}, {"fit_intercept": False}], ids=str)
@pytest.mark.parametrize("classes", [2, 3, "matrix"])
def test_single_row_predictions_equal_batch_predictions(make_model, params, classes):
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


def as_mapping(names, x):
    return dict(zip(names, x, strict=True))


BY_NAME = [as_mapping, lambda names, x: MappingProxyType(as_mapping(names, x)), lambda names, x: Series(x, names)]


@pytest.mark.parametrize("as_row", BY_NAME)
def test_single_row_as_a_mapping_of_column_names(make_model, as_row):
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


def test_single_row_with_unknown_column_names(make_model):
    """Keys of a mapping and column names of a data frame are never read as values."""
    X, y = samples(n=40, d=2)
    model = make_model(l2=0.1).fit(X, y)
    for refused in ({0: 9.0, 1: 9.0}, MappingProxyType({0: 9.0, 1: 9.0}), Frame([[9.0, 9.0]], [0, 1])):
        for ask in (model.predict_one, model.predict_proba_one):
            with pytest.raises(TypeError, match=r"^x is .*; expected a flat row of 2 numbers: "):
                ask(refused)
    assert model.predict_proba_one(Series(X[0], ["u", "v"])) == tuple(model.predict_proba(X)[0])  # the model knows no names
    named = make_model(l2=0.1).fit(Frame(X, ["a", "b"]), y)
    assert named.predict_proba_one(Series(X[0], [0, 1])) == tuple(model.predict_proba(X)[0])  # the row knows no names
    with pytest.raises(TypeError, match=r"^x is .*; expected a flat row of 2 numbers: predict takes several rows$"):
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
