"""Labels of every type: encoding them and returning them from predict."""

from array import array

import numpy as np
import pytest
from optimum import bits, samples

from pyperceptron import labels as labels_module
from pyperceptron.labels import Classes, class_codes, read_labels
from pyperceptron.vectors import as_flat


@pytest.fixture
def large_from_41_rows(monkeypatch):
    """Labels of more than 40 rows are read as those of more than 4096 rows are."""
    monkeypatch.setattr(labels_module, "SMALL", 40)


@pytest.mark.parametrize(("classes", "rows"), [(2, 200_000), (3, 65_537), (300, 131_072)])
@pytest.mark.parametrize("dtype", [np.int64, np.float32])
def test_labels_of_many_rows(classes, rows, dtype):
    """Enough rows for several blocks, because labels are encoded and counted in blocks."""
    y = np.random.default_rng(classes).integers(0, classes, rows).astype(dtype) * 2 - 5
    targets = read_labels(y, rows)
    np.testing.assert_array_equal(np.array(targets.classes.labels)[as_flat(targets.table)], y)
    assert targets.class_totals(None) == np.unique(y, return_counts=True)[1].tolist()


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


def test_labels_of_mixed_types_keep_order_of_appearance(make_model):
    X, y = samples(n=40, classes=3)
    model = make_model(l2=0.01).fit(X.tolist(), [("tuple", "string", 5)[code] if code else "x" for code in y])
    assert model.classes_ == ["x", "string", 5]
    assert set(model.predict(X.tolist())) <= {"x", "string", 5}


@pytest.mark.usefixtures("large_from_41_rows")
@pytest.mark.parametrize("dtype", ["i1", "i8", "u2", "f", "d", "?", "U7", "S7", "O"])
@pytest.mark.parametrize("n", [40, 41])
def test_numpy_labels_keep_their_dtype(make_model, dtype, n):
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
    # At X = 0 the probabilities equal the class frequencies only if the codes match the classes.
    counts = [(labels == label).sum() for label in model.classes_]
    np.testing.assert_allclose(model.predict_proba([[0.0]])[0], np.array(counts) / n, rtol=1e-12)


@pytest.mark.usefixtures("large_from_41_rows")
@pytest.mark.parametrize("n", [20, 40, 41])
@pytest.mark.parametrize("place", [0, -1])
@pytest.mark.parametrize("dtype", ["i8", "d", "?", "U3", "O"])
def test_masked_labels_are_refused(make_model, dtype, place, n):
    X, y = samples(n=n, d=1)
    labels, Y = np.ma.array(y.astype(dtype)), np.ma.array(np.eye(2)[y])
    model = make_model(l2=0.1, tol=10.0).fit(X, labels)  # nothing is masked yet; no step is made
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


@pytest.mark.usefixtures("large_from_41_rows")
@pytest.mark.parametrize(
    "labels", [[("a", 1), ("b", 2)], [("a",), ("b", 2)], [(), (1,)], [("a", 1), "b"], ["a", None]], ids=str
)
@pytest.mark.parametrize("n", [6, 41])
def test_tuple_labels_in_an_object_array(make_model, labels, n):
    X = np.sign(np.arange(float(n)) - n / 2 + 0.5)[:, None]
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
def test_multilabel_targets_from_any_container(make_model, kind):
    X, _ = samples(n=40)
    Y = X[:, :2] > 0.3 * X[:, 2:]
    lists = [[kind(value) for value in row] for row in Y]
    model = make_model(l2=0.1).fit(X.tolist(), lists)
    assert model.predict(X.tolist()) == make_model(l2=0.1).fit(X, Y).predict(X).tolist()
    assert np.shape(model.predict_proba(X.tolist())) == (40, 2)
    assert model.classes_ == [0, 1]


def test_class_codes_are_the_indices_of_the_labels():
    codes = class_codes(["b", "a", "b"], Classes(("a", "b"), False, None))
    assert (codes.typecode, list(codes)) == ("B", [1, 0, 1])
    codes = class_codes([299, 0, 299.0], Classes(tuple(range(300)), False, None))
    assert (codes.typecode, list(codes)) == ("H", [299, 0, 299])


@pytest.mark.parametrize(
    ("labels", "known", "error", "message"),
    [
        (
            ["a", "x", "b", "x"],
            ("a", "b"),
            ValueError,
            "y has 1 label that the model does not know, in 2 rows: 'x' (first in row 1); expected 'a', 'b': correct them or "
            "leave those rows out",
        ),
        (
            ["1", *"uvwxyz"],
            tuple(range(9)),
            ValueError,
            "y has 7 labels that the model does not know, in 7 rows: '1' (first in row 0), 'u' (first in row 1), 'v' (first in "
            "row 2), 'w' (first in row 3), 'x' (first in row 4) and 2 more; expected 0, 1, 2, 3, 4, ...: correct them or leave "
            "those rows out",
        ),
        (
            ["a", ["b"]],
            ("a", "b"),
            TypeError,
            "y row 1 is ['b'], which cannot be hashed; expected a label such as a number or a string",
        ),
    ],
)
def test_labels_that_a_model_does_not_know_are_refused(labels, known, error, message):
    with pytest.raises(error) as caught:
        class_codes(labels, Classes(known, False, None))
    assert str(caught.value) == message


def test_labels_for_a_model_of_several_outputs_are_refused():
    with pytest.raises(ValueError, match="the model has 2 outputs, each 0 or 1; expected a single label for each row"):
        class_codes([0, 1], Classes((0, 1), True, None))
