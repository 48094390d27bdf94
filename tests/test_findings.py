"""Findings: the data that cause each, data that nearly do, and what following its remedy does."""

import itertools
import pickle
from array import array
from decimal import Decimal
from functools import partial
from warnings import catch_warnings, simplefilter

import numpy as np
import pytest
from containers import Frame
from hypothesis import given, settings
from hypothesis import strategies as st
from optimum import samples

import pyperceptron as pp
from pyperceptron import findings as diagnoses
from pyperceptron import labels
from pyperceptron.findings import Finding, warn
from pyperceptron.labels import read_labels

XOR = [[0, 0], [0, 1], [1, 0], [1, 1]]
XOR_LABELS = [0, 1, 1, 0]
USELESS = "Every row gets the same answer: no weights of these columns were found that do better"
MEASURED = np.random.default_rng(3).normal(size=60)


@pytest.fixture(scope="session")
def make_model():
    """Perceptron on the fastest backend: these tests are long, and run on the reference where that is the only one."""
    return partial(pp.Perceptron, backend=pp.available_backends()[0])


def findings(model, word):
    return [finding for finding in model.findings_ if word in finding]


def test_one_warning_joins_the_findings_that_are_worth_one():
    with pytest.warns(pp.TrainingWarning, match=r"^A\. C\.$") as told:
        warn([Finding("A."), Finding("B.", warns=False), Finding("C.")], stacklevel=1)
    assert len(told) == 1
    assert told[0].filename == __file__
    warn([Finding("B.", warns=False)], stacklevel=1)


MEASUREMENTS = {
    "NumPy": np.array,
    "float32": lambda y: y.astype("f"),
    "a column": lambda y: y[:, None],
    "list": list,
    "array": lambda y: array("d", y),
    "Series": Frame,
    "Decimal": lambda y: [Decimal(value) for value in y],
    "some whole": lambda y: [*map(float, y[:-1]), 3],
}


@pytest.mark.parametrize("container", MEASUREMENTS.values(), ids=MEASUREMENTS)
@pytest.mark.filterwarnings("ignore::pyperceptron.TrainingWarning")
def test_a_measurement_as_y_warns(make_model, container):
    X = np.arange(120.0).reshape(60, 2)
    model = make_model(l2=0.1, max_iter=1).fit(X, container(MEASURED))
    [said] = findings(model, "measurement")
    assert said.startswith("y looks like a measurement, not classes: 60 rows have 60 different labels, such as ")
    remedy = said.partition("as [")[2].partition("]")[0]
    y = list(np.ravel(MEASURED).tolist())
    model.set_params(max_iter=1000).fit(X, eval(f"[{remedy}]", {"y": y}))
    assert list(model.classes_) == [False, True]
    assert model.findings_ == []


def test_a_measurement_of_many_rows_warns(monkeypatch):
    """A long NumPy array is read by code of its own; here one of more than 40 rows is long."""
    monkeypatch.setattr(labels, "SMALL", 40)
    with pytest.warns(pp.TrainingWarning, match=r"^y looks like a measurement, not classes: 60 rows have 60 different"):
        pp.Perceptron(tol=10.0).fit(np.ones((60, 1)), MEASURED)


NO_MEASUREMENTS = {
    "whole": np.arange(60),
    "whole floats": np.arange(60.0),
    "strings": [f"{value}" for value in MEASURED],
    "tuples": [(value, 0) for value in MEASURED.tolist()],
    "two rows a class": np.repeat(MEASURED[:30], 2),
    "few classes": np.arange(36) % 20 / 3,
}


@pytest.mark.parametrize("y", NO_MEASUREMENTS.values(), ids=NO_MEASUREMENTS)
@pytest.mark.filterwarnings("ignore::pyperceptron.TrainingWarning")
def test_classes_are_no_measurement(make_model, y):
    model = make_model(l2=0.1, max_iter=1).fit(np.arange(2.0 * len(y)).reshape(-1, 2), y)
    assert findings(model, "measurement") == []


def one_hot(n=300, classes=3):
    X, y = samples(n=n, classes=classes)
    return X, np.eye(classes, dtype=int)[y]


@pytest.mark.parametrize("convert", [np.array, lambda Y: Y.tolist(), lambda Y: Y.astype(bool).tolist(), Frame])
@pytest.mark.parametrize("n", [6, 300])
def test_one_hot_targets_are_said(make_model, convert, n):
    X, Y = one_hot(n)
    model = make_model(l2=0.01, tol=10.0).fit(X, convert(Y))
    assert model.findings_ == [
        "Every row of y holds exactly one 1, as for 3 classes that exclude one another, but a matrix is fitted as 3 "
        "independent outputs, so predict may give a row no class, or two. For one class a row give numpy.argmax(y, axis=1), "
        "or for lists [row.index(1) for row in y]."
    ]
    for remedied in (
        np.argmax(convert(Y).values if convert is Frame else convert(Y), axis=1),
        [r.index(1) for r in Y.tolist()],
    ):
        model = make_model(l2=0.01, tol=10.0).fit(X, remedied)
        assert model.findings_ == []
        assert set(np.ravel(model.predict(X)).tolist()) <= {0, 1, 2}


@pytest.mark.parametrize("row", [0, 17, 4095, 4096, 4999])
@pytest.mark.parametrize("value", [[0, 0, 0], [1, 1, 0]])
def test_independent_outputs_are_not_one_hot(row, value):
    _, Y = one_hot(5000)
    assert read_labels(Y, 5000).is_one_hot()
    Y[row] = value
    assert not read_labels(Y, 5000).is_one_hot()
    Y[row - 1] = [1, 1, 0] if value[0] == 0 else [0, 0, 0]  # as many ones as rows again
    assert not read_labels(Y, 5000).is_one_hot()


def test_independent_outputs_have_no_findings(make_model):
    X, _ = samples()
    assert make_model(l2=0.01).fit(X, (X[:, :3] > 0).astype(int)).findings_ == []


def test_two_exclusive_columns_give_every_row_one_class(make_model):
    X, Y = one_hot(classes=2)
    model = make_model(l2=0.01).fit(X, Y)
    assert model.findings_ == []
    assert (np.sum(model.predict(X), axis=1) == 1).all()


PENALTIES = [
    {},
    {"l2": 0.1},
    {"l1": 0.1},
    {"loss": "squared_error"},
    {"fit_intercept": False},
    {"standardize": True, "l2": 1.0},
]


@pytest.mark.parametrize("solver", ["newton", "lbfgs", "gd"])
@pytest.mark.parametrize("params", PENALTIES, ids=str)
def test_xor_is_said_to_be_out_of_reach(make_model, solver, params):
    model = make_model(solver=solver, **params).fit(XOR, XOR_LABELS)
    loss = "0.125" if "loss" in params else "0.693"
    assert model.findings_ == [f"{USELESS} (mean loss {loss}). Add columns, such as their squares and products."]
    product = [[a, b, a * b] for a, b in XOR]
    model = make_model(l2=1e-3).fit(product, XOR_LABELS)
    assert model.findings_ == []
    assert model.score(product, XOR_LABELS) == 1


def test_balanced_classes_that_columns_do_not_tell_apart(make_model):
    X = [row for row in XOR for _ in range(3)]
    for scale, shift in ((1, 0), (1e4, 3e7), (1e-6, 1)):
        moved = [[a, b * scale + shift] for a, b in X]
        [said] = make_model().fit(moved, [0, 1, 2] * 4).findings_
        assert said.startswith(f"{USELESS} (mean loss 1.1)")
    weights = [1 + i // 3 for i in range(12)]
    [said] = make_model().fit(X, [0, 1, 2] * 4, weights).findings_
    assert said.startswith(USELESS)
    [said] = make_model(warm_start=True).fit(X, [0, 1, 2] * 4).fit(X, [0, 1, 2] * 4).findings_
    assert said.startswith(USELESS)


@pytest.mark.parametrize("params", [{}, {"l2": 0.1}, {"l1": 1e-4}, {"loss": "squared_error"}], ids=str)
def test_a_weak_relation_is_not_said_to_be_none(make_model, params):
    """1 row of 1,000 tells, so J decreases by less than a millionth."""
    X, y = XOR * 250, XOR_LABELS * 250
    y[0] = 1
    assert make_model(**params).fit(X, y).findings_ == []
    X, _ = samples(n=2000)
    assert make_model(**params).fit(X, np.random.default_rng(0).integers(0, 2, 2000)).findings_ == []


def test_a_training_that_ends_early_says_nothing_of_its_columns(make_model):
    X, y = samples()
    for params in ({"tol": 10.0}, {"tol": 10.0, "l2": 1e-3}, {"callback": lambda model, iteration: True, "l2": 1e9}):
        assert make_model(**params).fit(X, y).findings_ == []


@pytest.mark.parametrize("solver", ["newton", "lbfgs", "gd"])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("penalty", [{"l1": 10.0}, {"l2": 1e6}, {"l2": 1e12}, {"l1": 1e-6, "l2": 1e7}], ids=str)
def test_a_penalty_that_leaves_nothing_is_said(make_model, solver, classes, penalty):
    X, y = samples(classes=classes)
    model = make_model(solver=solver, **penalty).fit(X, y)
    name, strength = list(penalty.items())[-1]
    [said] = model.findings_
    assert said.startswith(f"The penalty {name}={strength:.3g} is so strong that ")
    lower = float(said.rpartition(" to ")[2].removesuffix(" say."))
    followed = make_model(**{**penalty, name: lower}).fit(X, y)
    assert followed.findings_ == []
    assert np.ptp(followed.predict_proba(X)[:, 0]) > 0.01
    if name == "l1":
        below = float(said.partition("below ")[2].partition(",")[0])
        for factor in (0.9, 1.1):
            assert np.any(make_model(l1=below * factor).fit(X, y).coef_) == (factor < 1)


@pytest.mark.parametrize("params", [{"l1": 0.03}, {"l2": 1.0}, {"l2": 10.0, "standardize": True}], ids=str)
def test_an_ordinary_penalty_is_not_said_to_be_strong(make_model, params):
    X, y = samples()
    assert make_model(**params).fit(X, y).findings_ == []


HEIGHTS = np.array([[150.0, 50], [160, 80], [170, 60], [180, 95], [190, 70], [175, 100]])
HEAVY = [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("convert", "soft"), [(np.array, 0.0), (lambda X: X.tolist(), 0.01), (memoryview, 0.1)])
def test_a_saturated_layer_warns_and_its_remedy_helps(make_layer, seed, convert, soft):
    targets = [soft + (1 - 2 * soft) * target for target in HEAVY]
    layer = make_layer(2, bias=True, seed=seed)
    with pytest.warns(pp.TrainingWarning) as told:
        layer.train(convert(HEIGHTS), targets, 1000)
    assert layer.findings == [
        "3 of 6 outputs are 0 or 1 but on the wrong side, where the slope is below 1e-06, so they cannot learn. Start again "
        "with new weights, each column of inputs divided by its largest magnitude, learning_rate=0.4."
    ]
    assert [str(warning.message) for warning in told] == layer.findings
    assert told[0].filename == __file__
    scaled = HEIGHTS / abs(HEIGHTS).max(axis=0)
    layer = make_layer(2, bias=True, seed=seed).train(convert(scaled), targets, 5_000, learning_rate=0.4)
    assert layer.findings == []
    assert [round(value) for value in np.ravel(layer.outputs)] == HEAVY


def test_a_large_saturated_layer_of_several_outputs(make_layer):
    X, y = samples(n=1500, d=6, classes=3)
    targets = np.eye(3)[y]
    layer = make_layer(6, 3, bias=True, seed=1)
    with pytest.warns(pp.TrainingWarning, match=r"^\d+ of \d+ outputs looked at are 0 or 1 but on the wrong side") as told:
        layer.train(X * 100, targets, 5)
    rate = float(str(told[0].message).rpartition("=")[2].removesuffix("."))
    scaled = X / abs(X).max(axis=0)
    layer = make_layer(6, 3, bias=True, seed=1).train(scaled, targets, 100, learning_rate=rate)
    assert layer.findings == []
    assert np.mean(layer.outputs.argmax(axis=1) == y) > 0.5


def test_weights_that_saturate_from_the_start(make_layer):
    layer = make_layer(1, weights=[100.0])
    with pytest.warns(pp.TrainingWarning, match=r"cannot learn\. Start again with smaller weights\.$"):
        layer.train([[1.0], [-1.0]], [0, 1], 10)
    with pytest.warns(pp.TrainingWarning, match=r"cannot learn\. Start again with new weights, learning_rate=4\.$"):
        make_layer(1, weights=[100.0]).train([[1.0], [-1.0]], [0, 1], 10, 20.0)
    assert make_layer(1, weights=[0.1]).train([[1.0], [-1.0]], [0, 1], 10, 4.0).findings == []


def test_a_layer_that_learned_everything_or_all_but_a_few_is_well(make_layer):
    """Outputs are 0 or 1 but right, or wrong where they can still learn, or as few as mislabelled rows are."""
    X = np.linspace(-3, 3, 200)[:, None]
    targets = (X[:, 0] > 0).astype(float)
    layer = make_layer(1, weights=[20.0]).train(X, targets, 1)
    assert np.mean(np.minimum(layer.outputs, 1 - layer.outputs) < 1e-6) > 0.5
    assert layer.findings == []
    targets[[3, 120, 180]] = 1 - targets[[3, 120, 180]]
    assert make_layer(1, weights=[20.0]).train(X, targets, 1).findings == []
    targets[::3] = 1 - targets[::3]
    assert make_layer(1, weights=[2.0]).train(X, targets, 1, learning_rate=1e-3).findings == []


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("row", [[1, 1], [0, 0]])
def test_a_layer_cannot_tell_equal_rows_apart(make_layer, bias, row):
    [said] = make_layer(2, bias=bias, seed=1).train([row, row], [0, 1], 2000).findings
    assert said == "Every row gets the same answer, as no column varies. Add columns that differ between the rows."
    assert make_layer(2, bias=True, seed=1).train([row, row], [1, 1], 2000).findings == []


@pytest.mark.parametrize("as_column", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_a_layer_cannot_learn_xor(make_layer, as_column, seed):
    inputs = [[*row, 1] for row in XOR] if as_column else XOR
    layer = make_layer(2 + as_column, bias=not as_column, seed=seed).train(inputs, XOR_LABELS, 2000)
    assert layer.findings == [f"{USELESS} (mean loss 0.125). Add columns, such as their squares and products."]
    product = [[*row, row[0] * row[1]] for row in inputs]
    layer.train(inputs, XOR_LABELS, 0)
    assert layer.findings == []
    layer = make_layer(3 + as_column, bias=not as_column, seed=seed).train(product, XOR_LABELS, 2000)
    assert layer.findings == []
    assert [round(value) for [value] in layer.outputs] == XOR_LABELS


@pytest.mark.parametrize("scale", [1.0, 1e-3])
@pytest.mark.parametrize("shift", [0.0, 170.0])
def test_equal_outputs_before_learning_are_not_said_to_be_all_there_is(make_layer, scale, shift):
    inputs = [[a * scale + shift, b * scale] for a, b in XOR]
    for targets in ([0, 1, 1, 1], [0, 0, 1, 1], [0.5] * 4, [1] * 4):
        layer = make_layer(2, weights=[0, 0], bias=True).train(inputs, targets, 1, 1e-9)
        assert layer.outputs == [[0.5]] * 4
        assert layer.findings == []


def test_one_output_of_two_that_learns_is_enough(make_layer):
    targets = [[a ^ b, a | b] for a, b in XOR]
    assert make_layer(2, 2, bias=True, seed=1).train(XOR, targets, 2000).findings == []


def test_the_findings_of_a_layer_are_those_of_its_last_training(make_layer):
    layer = make_layer(2, bias=True, seed=1)
    assert layer.findings == []
    layer.train(XOR, XOR_LABELS, 2000)
    said = layer.findings
    assert len(said) == 1
    layer.findings.append("a copy")
    assert layer.findings == said == pickle.loads(pickle.dumps(layer)).findings
    with pytest.raises(ValueError, match="learning_rate is -1"):
        layer.train(XOR, XOR_LABELS, 1, -1)
    assert layer.findings == said
    layer.train(XOR, [0, 1, 1, 1], 1000)
    assert layer.findings == []
    layer.weights, layer.bias = [0.1, 0.2], [0]
    layer.train(XOR, XOR_LABELS, 1000, callback=lambda layer, iteration: None)
    assert layer.findings == said
    for _ in itertools.islice(layer.trace(XOR, XOR_LABELS), 2):
        assert layer.findings == []


def test_the_lesson_has_no_findings(make_layer):
    for iterations in (0, 1, 10, 1000, 20_000):
        layer = make_layer(3, seed=1).train([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], [0, 1, 1, 0], iterations)
        assert layer.findings == []


# Separable classes.

COMPLETE = ([[1.0], [2.0], [3.0], [10.0], [11.0], [12.0]], [0, 0, 0, 1, 1, 1])
IN_PART = ([[0, 0], [1, 0], [0, 0], [1, 0], [0, 1], [1, 1]], [0, 0, 1, 1, 1, 1])  # the last column occurs with class 1 only
ONE_OF_THREE = ([[0.0], [1.0], [2.0], [3.0], [9.0], [10.0], [11.0]], ["a", "b", "b", "a", "c", "c", "c"])
PAIRS = ([[i % 3, (i // 3) % 3, 5.0 * (i % 2)] for i in range(24)], [(i * 7 // 3) % 2 + 2 * (i % 2) for i in range(24)])
SEPARABLE = {"complete": COMPLETE, "in part": IN_PART, "one of three": ONE_OF_THREE, "two pairs": PAIRS}


@pytest.mark.parametrize("data", SEPARABLE.values(), ids=SEPARABLE)
@pytest.mark.parametrize("params", [{}, {"tol": 1e-2}, {"tol": 1e-12}, {"solver": "lbfgs"}, {"solver": "gd"}], ids=str)
def test_separable_classes_warn(make_model, data, params):
    with pytest.warns(pp.TrainingWarning, match="^The classes are linearly separable"):
        model = make_model(**params).fit(*data)
    assert len(findings(model, "separable")) == 1
    assert findings(make_model(l2=1e-4).fit(*data), "separable") == []


def test_an_infinite_optimum_of_the_squared_error_is_not_called_separable(make_model):
    x = np.r_[np.linspace(-1, -0.5, 20), np.linspace(0.5, 1, 20)][:, None]
    y = (x[:, 0] > 0).astype(int)
    with pytest.warns(pp.TrainingWarning, match="^The classes are linearly separable"):
        make_model(loss="squared_error").fit(x, y)
    y[3] = 1
    with pytest.warns(pp.TrainingWarning, match="^The optimal coefficients are infinite, as the squared error"):
        make_model(loss="squared_error").fit(x, y)
    assert make_model(loss="squared_error", l2=1e-4).fit(x, y).findings_ == []


@pytest.mark.parametrize("threshold", [0.0, 0.3])
def test_rows_on_the_wrong_side_make_an_optimum(make_model, threshold):
    """Classes that a single row keeps from being separable, at any distance."""
    x = np.linspace(-1, 1, 41)
    y = (x > threshold).astype(int)
    for distance in (0.125, 0.525, 1e-3):
        more, labels = np.append(x, threshold - distance), np.append(y, 1)
        if distance < 0.01:
            more, labels = np.append(more, threshold - distance / 2), np.append(labels, 0)
        assert findings(make_model().fit(more[:, None], labels), "separable") == []


def test_small_weights_and_rare_events_are_no_separable_classes(make_model):
    X, y = [[0], [1], [0], [1]], [0, 0, 1, 1]
    assert make_model().fit(X, y, sample_weight=[1, 1, 1e-6, 1e-6]).findings_[1:] == []
    assert findings(make_model().fit(X, y, sample_weight=[1, 1, 1e-6, 1e-6]), "separable") == []
    random = np.random.default_rng(0)
    X = random.normal(size=(1000, 1))
    y = np.zeros(1000, int)
    y[[5, 77]] = 1
    assert findings(make_model().fit(X, y), "separable") == []


def test_a_row_of_weight_0_separates_nothing_and_prevents_nothing(make_model):
    X, y = [[0.0], [1.0], [2.0], [3.0], [2.5]], [0, 0, 1, 1, 0]
    assert findings(make_model().fit(X, y), "separable") == []
    with pytest.warns(pp.TrainingWarning, match="separable"):
        make_model().fit(X, y, sample_weight=[1, 1, 1, 1, 0])


def test_an_intercept_that_no_penalty_bounds_warns(make_model):
    X, y = [[0.0], [1.0], [2.0]], np.array([[0, 1], [1, 1], [0, 1]])
    for params in ({"l2": 0.1}, {"l1": 0.1}):
        with pytest.warns(pp.TrainingWarning, match="^The classes are linearly separable by an intercept alone"):
            make_model(**params).fit(X, y)
    assert findings(make_model(l2=0.1).fit(X, y[:, 0]), "separable") == []


# Collinear columns.


def dummies(n=300, levels=3, seed=20):
    random = np.random.default_rng(seed)
    level = random.integers(0, levels, n)
    return np.eye(levels)[level], (random.random(n) < np.linspace(0.2, 0.8, levels)[level]).astype(int)


def test_collinear_columns_get_the_smallest_coefficients(make_models):
    X, y = dummies()
    X = np.c_[X, np.random.default_rng(1).normal(size=len(X))]
    fitted = []
    for model in make_models():
        with pytest.warns(
            pp.TrainingWarning, match="^Columns are collinear.*column 0, column 1, column 2 determine each other"
        ):
            fitted.append(model.fit(X, y))
    limit = pp.Perceptron(l2=1e-9, tol=1e-12).fit(X, y)
    for model in fitted:
        np.testing.assert_allclose(model.coef_, limit.coef_, atol=1e-6)
        np.testing.assert_allclose(model.intercept_, limit.intercept_, atol=1e-6)
        np.testing.assert_allclose(model.coef_, fitted[0].coef_, rtol=1e-9)
        assert model.history_[-1]["iteration"] == model.n_iter_


@pytest.mark.parametrize("solver", ["newton", "lbfgs", "gd"])
def test_remedies_of_collinear_columns(make_model, solver):
    X, y = dummies()
    frame = Frame(X, ["a", "b", "c"])
    params = {"solver": solver, "tol": 1e-3 if solver == "gd" else 1e-6}
    with pytest.warns(pp.TrainingWarning, match=r"'a', 'b', 'c' determine each other in 1 way\. Leave out 'c', or set l2"):
        make_model(**params).fit(frame, y)
    assert make_model(**params).fit(Frame(X[:, :2], ["a", "b"]), y).findings_ == []
    assert make_model(l2=1e-6, **params).fit(frame, y).findings_ == []


def test_columns_that_are_nearly_collinear_or_constant_are_not(make_model):
    X, y = dummies()
    X[7] = 0.0  # a level that occurs once: the indicators no longer sum to 1
    y[8:10] = 0, 1
    X[8:10] = 0.0
    assert findings(make_model().fit(np.c_[X, np.full(len(X), 3.0), np.zeros(len(X))], y), "collinear") == []
    with pytest.warns(pp.TrainingWarning, match="column 3, column 4 determine each other in 1 way"):
        make_model(fit_intercept=False).fit(np.c_[X, np.full(len(X), 3.0), np.full(len(X), -1.0)], y)


# Gradient descent.


def test_gradient_descent_that_crawls_says_what_helps(make_model):
    X, y = samples(n=100, d=2)
    X = X * [1000, 1]
    with pytest.warns(pp.TrainingWarning, match="^Gradient descent was still crawling after 50 steps.*Choose solver='auto'"):
        make_model(solver="gd", max_iter=50).fit(X, y)
    assert make_model(max_iter=50).fit(X, y).findings_ == []
    standardised = (X - X.mean(axis=0)) / X.std(axis=0)
    assert make_model(solver="gd", learning_rate=4.0, max_iter=500).fit(standardised, y).findings_ == []


def test_gradient_descent_that_diverges_says_what_helps(make_model):
    X, y = samples(n=100, d=2)
    with pytest.warns(pp.TrainingWarning, match="^Gradient descent diverges"):
        make_model(solver="gd", learning_rate=1e3, max_iter=50).fit(10 * X, y)
    assert "diverges" not in " ".join(make_model(solver="gd", max_iter=50, tol=1e-2).fit(10 * X, y).findings_)


def test_a_penalty_under_which_coefficients_underflow(make_model):
    model = make_model(l2=1e150, solver="gd").fit([[0.0], [1e-140], [2e-140], [3e-140]], [0, 1, 0, 1])
    assert 0 < model.coef_[0][0] < 1e-290
    assert "so strong" in model.findings_[-1]


# The missing compiled backend.


@pytest.mark.filterwarnings("ignore::pyperceptron.TrainingWarning")  # of a descent that stops early
def test_a_long_training_without_the_compiled_backend_is_said(without_the_compiled_backend, monkeypatch):
    X, y = [[i % 7, i % 11] for i in range(100)], [i % 2 for i in range(100)]

    def said(steps, **params):
        return findings(pp.Perceptron(solver="gd", tol=0.0, max_iter=steps, **params).fit(X, y), "compiled backend")

    monkeypatch.delenv("PYPERCEPTRON_BACKEND", raising=False)
    monkeypatch.setattr(diagnoses, "_SLOW", 200_000)  # a twenty-fifth
    if len(pp.available_backends()) > 1:
        assert said(30) == []
    without_the_compiled_backend()
    [sentence] = said(30)
    assert sentence.startswith("The compiled backend, which trains a hundred times as fast, is missing here")
    assert "install a C compiler" in sentence
    assert said(30) == [sentence]
    assert said(10) == []
    assert said(30, backend="python") == []
    monkeypatch.setenv("PYPERCEPTRON_BACKEND", "python")
    assert said(30) == []


# Remedies that can be followed.


def test_a_column_of_texts_with_the_name_of_y_is_said(make_model):
    columns = {"income": [20 + i * 7 % 30 for i in range(30)], "paid": ["yes" if i % 3 else "no" for i in range(30)]}
    y = columns["paid"]
    for table in (columns, {**columns, "paid": [len(word) for word in y]}, {**columns, "job": ["a", "b", "c"] * 10}):
        [said] = findings(make_model(l2=0.1).fit(pp.Table(table, target="paid"), y), "is named 'paid', as y is")
        assert said.endswith("leave that column out of X.")
    for table in (columns, {"income": columns["income"]}):
        assert findings(make_model(l2=0.1).fit(pp.Table(table, target="pays"), y), "is named") == []


@given(st.data())
@settings(max_examples=40)
def test_leaving_out_the_named_columns_leaves_no_collinear_ones(data):
    """A random matrix, some columns of which are replaced by combinations of others, in any order."""
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    independent, dependent = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    base = random.integers(-9, 10, (60, independent)).astype(float)
    factors = random.integers(-2, 3, (independent, dependent))
    X = np.c_[base, base @ factors + random.integers(-3, 4, dependent)][:, random.permutation(independent + dependent)]
    y = (base[:, 0] + random.normal(scale=9, size=60) > 0).astype(int)
    names = [f"c{j}" for j in range(X.shape[1])]
    with catch_warnings():
        simplefilter("ignore", pp.TrainingWarning)
        said = findings(pp.Perceptron().fit(Frame(X, names), y), "collinear")
        rank = np.linalg.matrix_rank(np.c_[X, np.ones(60)]) - 1
        assert len(said) == (rank < (X.std(axis=0) > 0).sum())
        if said:
            left_out = said[0].partition("Leave out ")[2].partition(", or set")[0].replace("'", "").split(", ")
            kept = [j for j, name in enumerate(names) if name not in left_out]
            assert np.linalg.matrix_rank(np.c_[X[:, kept], np.ones(60)]) - 1 == rank
            assert findings(pp.Perceptron().fit(Frame(X[:, kept], kept), y), "collinear") == []


@pytest.mark.filterwarnings("ignore::pyperceptron.TrainingWarning")
def test_no_indicator_of_a_text_is_to_be_left_out(make_model):
    texts = {"job": ["a", "b", "c", None] * 15, "age": [20 + i * 7 % 30 for i in range(60)]}
    y = [int(i * 7 % 13 > 6) for i in range(60)]
    [said] = findings(make_model().fit(pp.Table(texts), y), "collinear")
    assert said.endswith("'job missing' determine each other in 1 way. Set l2, to 1e-6 say.")
    assert make_model(l2=1e-6).fit(pp.Table(texts), y).findings_ == []
    twice = pp.Table({"age": texts["age"], "months": [12 * age for age in texts["age"]], "job": ["a"] * 60})
    [said] = findings(make_model().fit(twice, y), "collinear")
    assert said.endswith("Leave out 'months', or set l2, to 1e-6 say.")


def test_separable_classes_are_said_so_before_tol_is_met_too(make_model):
    with pytest.warns(pp.TrainingWarning, match="^The classes are linearly separable") as told:
        model = make_model(solver="gd", max_iter=50).fit(*COMPLETE)
    assert model.history_[-1]["gradient_norm"] > 1e-3
    assert "tol" not in str(told[0].message)


def test_gradient_descent_whose_steps_are_lost_in_rounding_says_what_helps(make_model):
    X, y = samples(n=100, d=2)
    X = X * [1e15, 1] + [1.7e18, 0]
    with pytest.warns(
        pp.TrainingWarning, match="^Gradient descent stopped at a gradient norm .* Choose solver='auto', or scale"
    ):
        make_model(solver="gd").fit(X, y)
    assert make_model().fit(X, y).findings_ == []
    standardised = (X - X.mean(axis=0)) / X.std(axis=0)
    assert make_model(solver="gd").fit(standardised, y).findings_ == []


@pytest.mark.filterwarnings("ignore::pyperceptron.TrainingWarning")  # of the huge number
@pytest.mark.parametrize(
    ("steps", "words"), [(8, "at a gradient norm of 1e-05, while tol times"), (15, "where the gradient is small")]
)
def test_a_small_gradient_far_from_the_optimum_is_not_called_too_large(make_model, steps, words):
    """A huge number makes the scale of its column, so the gradient is small before the other rows have had their part."""
    X, y = samples(n=100, d=2)
    X = X[:, :1].copy()
    X[3] = 1e12
    with pytest.warns(pp.TrainingWarning, match=rf"Training stopped at max_iter={steps} before the optimum, {words}"):
        make_model(max_iter=steps).fit(X, y)
    assert findings(make_model().fit(X, y), "Training stopped") == []
