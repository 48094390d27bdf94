"""Perceptron and SigmoidLayer as Python objects: subclasses, copies, pickles, parameters of any number type, scikit-learn."""

import copy
import inspect
import multiprocessing
import pickle
import subprocess
import sys
from array import array
from decimal import Decimal
from fractions import Fraction
from unittest import mock

import numpy as np
import pytest
from optimum import bits, samples

import pyperceptron as pp

X, Y = samples(n=40, d=3)
ROWS = X[:5].tolist()
FITTED = ["coef_", "intercept_", "classes_", "n_features_in_", "feature_names_in_", "n_iter_", "history_", "solver_"]
FITTED += ["backend_", "findings_"]
METHODS = ["fit", "predict", "predict_proba", "predict_log_proba", "decision_function", "predict_one", "predict_proba_one"]
METHODS += ["score", "get_params", "set_params", "from_coefficients"]


class ByC(pp.Perceptron):
    """A subclass whose parameters are its own."""

    def __init__(self, *, C=1.0, backend="auto"):
        super().__init__(backend=backend)
        self.C = C

    def fit(self, X, y, sample_weight=None):
        self.l2 = 1 / (self.C * len(X))
        return super().fit(X, y, sample_weight)


class WithCut(pp.Perceptron):
    """A subclass that adds a parameter and overrides predict_one."""

    def __init__(self, *, cut=0.5, **others):
        super().__init__(**others)
        self.cut = cut

    def predict_one(self, x):
        assert super().predict_one(x) in self.classes_
        return int(self.predict_proba_one(x)[1] > self.cut)


@pytest.fixture
def model(make_model):
    return make_model(l2=0.1).fit(X, Y)


# The class.


def test_everything_is_on_the_class_with_a_docstring(model):
    like = mock.Mock(spec=pp.Perceptron)
    for name in FITTED + METHODS:
        assert inspect.getdoc(getattr(pp.Perceptron, name)), name
        getattr(like, name)
    for name in METHODS:
        assert inspect.getdoc(getattr(model, name)), name


def test_the_signature_is_that_of_init():
    names = list(inspect.signature(pp.Perceptron).parameters)
    assert names == list(pp.Perceptron().get_params())
    assert {parameter.kind.name for parameter in inspect.signature(pp.Perceptron).parameters.values()} == {"KEYWORD_ONLY"}
    assert list(inspect.signature(ByC).parameters) == ["C", "backend"]


# Subclasses.


@pytest.mark.parametrize("kind", [ByC, WithCut])
def test_a_subclass_is_made_again_from_its_own_parameters(make_model, kind):
    own = {"C": 5.0} if kind is ByC else {"cut": 0.9, "l2": 0.1}
    model = kind(**own, **make_model.keywords)
    assert own.items() <= model.get_params().items()
    again = kind(**model.get_params())
    assert again.get_params() == model.get_params()
    for copied in (copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))):
        assert copied(model).get_params() == model.get_params()
        assert copied(model.fit(X, Y)).predict(ROWS) == model.predict(ROWS)
    name, value = next(iter(own.items()))
    assert repr(again) == f"{kind.__name__}({', '.join(f'{n}={v!r}' for n, v in {**own, **make_model.keywords}.items())})"
    assert getattr(again.set_params(**{name: 0.25}), name) == 0.25
    with pytest.raises(ValueError, match=rf"^{kind.__name__} has no parameter 'no_such'; expected some of {name}, "):
        again.set_params(**{name: value, "no_such": 1})
    assert getattr(again, name) == 0.25


def test_parameters_of_a_subclass():
    assert list(ByC().get_params()) == ["C", "backend"]
    assert list(WithCut().get_params()) == ["cut", *pp.Perceptron().get_params()]
    with pytest.raises(TypeError, match=r"^ByC has no parameter 'penalty'; expected some of C, backend$"):
        ByC(penalty="l1")
    with pytest.raises(TypeError, match="'penalty'"):
        WithCut(penalty="l1")

    class Positional(pp.Perceptron):
        def __init__(self, strength, cut=0.5):
            super().__init__(l2=strength)
            self.strength, self.cut = strength, cut

    assert Positional(2.0).get_params() == {"strength": 2.0, "cut": 0.5}
    assert repr(Positional(2.0)) == "Positional(strength=2.0)"

    class TakesAll(pp.Perceptron):
        def __init__(self, **others):
            super().__init__(l2=1 / others.pop("C", 1.0), **others)

    assert TakesAll(C=4.0, l1=0.5).get_params() == pp.Perceptron(l2=0.25, l1=0.5).get_params()


def test_an_overridden_predict_one_wins(make_model):
    model = WithCut(cut=2.0, l2=0.1, **make_model.keywords).fit(X, Y)
    plain = make_model(l2=0.1).fit(X, Y)
    for again in (model, copy.copy(model), pickle.loads(pickle.dumps(model))):
        assert [again.predict_one(row) for row in ROWS] == [0] * 5
        assert again.predict(ROWS) == plain.predict(ROWS)
        assert [again.predict_proba_one(row) for row in ROWS] == [plain.predict_proba_one(row) for row in ROWS]
    assert pickle.loads(pickle.dumps(model.predict_one))(ROWS[0]) == 0


def test_a_model_says_who_it_is_before_fit():
    with pytest.raises(pp.NotFittedError, match=r"^this ByC is not fitted yet: call fit\(X, y\) first$"):
        ByC().predict_one([1.0])


# Copies and pickles.


def test_nothing_that_a_model_hands_out_changes_it(make_model):
    model = make_model(l2=0.1).fit(X.tolist(), Y.tolist())
    history, coef = model.history_, [row[:] for row in model.coef_]
    assert history[0]["objective"] > 0
    for handed_out in (model.history_, model.coef_, model.classes_, model.intercept_, model.findings_):
        handed_out.append("x")
    model.history_[0]["objective"] = -1.0
    model.coef_[0][0] = 1e9
    assert (model.history_, model.coef_, model.classes_, model.findings_) == (history, coef, [0, 1], [])
    model = make_model(l2=0.1).fit(X, Y)
    for handed_out in (model.coef_, model.classes_, model.intercept_):
        handed_out[...] = 7
    assert np.array_equal(model.coef_, make_model(l2=0.1).fit(X, Y).coef_)
    assert list(model.classes_) == [0, 1]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_fit_of_a_copy_or_of_the_original_changes_only_that(model, copied):
    before, rows = bits(model), [model.predict_proba_one(row) for row in ROWS]
    again = copied(model)
    again.set_params(l2=3.0).fit(X, 1 - Y)
    assert (bits(model), model.l2, [model.predict_proba_one(row) for row in ROWS]) == (before, 0.1, rows)
    again = copied(model)
    model.set_params(l2=3.0).fit(X, 1 - Y)
    assert (bits(again), again.l2, [again.predict_proba_one(row) for row in ROWS]) == (before, 0.1, rows)


@pytest.mark.parametrize("name", ["predict_one", "predict_proba_one", "predict", "predict_proba", "score"])
def test_bound_methods_pickle(model, name):
    method = getattr(model, name)
    given = (X, Y) if name == "score" else (ROWS[0],) if name.endswith("one") else (ROWS,)
    for protocol in (2, pickle.HIGHEST_PROTOCOL):
        again = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(method, protocol)), protocol))
        assert again(*given) == method(*given)


def test_a_bound_method_maps_over_a_pool(model):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(model.predict_proba_one, ROWS) == [model.predict_proba_one(row) for row in ROWS]


def test_a_predictor_alone_cannot_be_pickled(backend):
    predictor = backend.RowPredictor(array("d", [1.0]), 1, 1, "binary_sigmoid", (0, 1), list)
    with pytest.raises(TypeError, match=r"^a RowPredictor without a recipe cannot be pickled$"):
        pickle.dumps(predictor)


ELSEWHERE = """
import pickle, sys
sys.modules["pyperceptron.backends.cython"] = None
model, predict_one, layer, rows = pickle.load(sys.stdin.buffer)
assert (model.backend_, layer.backend) == ("python", "python"), (model.backend_, layer.backend)
assert "numpy" not in sys.modules
assert model.predict(rows) == [predict_one(row) for row in rows] == [model.predict_one(row) for row in rows]
print(model.predict_proba(rows), model.predict_log_proba(rows), layer.forward(rows))
if model.backend == "cython":
    try:
        model.fit(rows, [0, 1, 0, 1, 1])
    except ImportError:
        print("refused")
assert layer.train(rows, [0, 1, 0, 1, 1], 1) is layer
"""


@pytest.mark.parametrize("asked", ["auto", *pp.available_backends()])
def test_a_pickle_opens_where_the_compiled_backend_is_missing(asked):
    model = pp.Perceptron(l2=0.1, backend=asked).fit(X.tolist(), Y.tolist())
    layer = pp.SigmoidLayer(3, seed=1, backend=asked).train(ROWS, [0, 1, 0, 1, 1], 3)
    data = pickle.dumps((model, model.predict_one, layer, ROWS))
    ran = subprocess.run([sys.executable, "-c", ELSEWHERE], input=data, capture_output=True, cwd="/")
    assert ran.returncode == 0, ran.stderr.decode()
    proba, logs, outputs, *refused = [
        eval(part) if part.startswith("[") else part for part in ran.stdout.decode().replace("]] ", "]]\n").split("\n") if part
    ]
    np.testing.assert_allclose(proba, model.predict_proba(ROWS), rtol=1e-12)
    np.testing.assert_allclose(logs, model.predict_log_proba(ROWS), rtol=1e-12)
    np.testing.assert_allclose(outputs, layer.forward(ROWS), rtol=1e-12)
    assert refused == ["refused"] * (asked == "cython")


def test_a_pickle_does_not_grow_with_the_rows(make_model):
    few = make_model(l2=0.1).fit(X, Y)
    many = make_model(l2=0.1, max_iter=few.n_iter_).fit(np.tile(X, (20, 1)), np.tile(Y, 20))
    assert abs(len(pickle.dumps(many)) - len(pickle.dumps(few))) < 200


# Parameters.


def test_set_params_is_all_or_nothing(make_model, without_the_compiled_backend):
    model = make_model(l2=0.5).fit(X, Y)
    without_the_compiled_backend()
    before, state = model.get_params(), model.__dict__.copy()
    for wrong in ({"backend": "cython"}, {"l1": -1}, {"no_such": 1}, {"threads": 0}):
        with pytest.raises((ImportError, TypeError, ValueError)):
            model.set_params(l2=7.0, max_iter=3, **wrong)
        assert model.get_params() == before
        assert model.__dict__ == state


NUMBERS = [
    {"l2": np.float32(0.5)},
    {"l2": np.float16(0.5)},
    {"l2": np.array(0.5)},
    {"l2": Decimal("0.5")},
    {"l2": Fraction(1, 2)},
    {"l2": np.longdouble(0.5)},
    {"l2": np.int8(1)},
    {"l1": Decimal("0.01")},
    {"max_iter": np.int64(5)},
    {"max_iter": np.array(5)},
    {"tol": np.array(1e-6)},
    {"tol": Decimal("0.001")},
    {"fit_intercept": np.False_},
    {"standardize": np.True_},
    {"warm_start": np.True_},
    {"threads": np.int8(1)},
    {"learning_rate": Decimal("0.5"), "solver": "gd", "max_iter": 3},
    {"learning_rate": np.float32(0.5), "solver": "gd", "max_iter": 3},
    {"loss": np.str_("squared_error")},
    {"solver": np.str_("lbfgs")},
    {"targets": np.str_("labels")},
    {"class_weight": np.str_("balanced")},
]


def plain(value):
    if isinstance(value, np.ndarray | np.generic):
        return value.item()
    return float(value) if isinstance(value, Decimal | Fraction) else value


@pytest.mark.filterwarnings("ignore::pyperceptron.TrainingWarning")
@pytest.mark.parametrize("params", NUMBERS, ids=repr)
def test_numbers_of_every_kind_as_parameters(make_model, params):
    model = make_model(**params).fit(X, Y)
    expected = make_model(**{name: plain(value) for name, value in params.items()}).fit(X, Y)
    assert bits(model) == bits(expected)
    assert type(model.solver_) is str


REFUSED = [
    *({"l2": value} for value in (True, np.True_, "0.1", b"0.1", bytearray(b"1"), memoryview(b"12").cast("c"), np.str_("1"))),
    *(
        {"l2": value}
        for value in (np.ones(1), np.array("0.1"), np.array(True), 1j, None, [0.1], np.ma.masked, np.datetime64(1, "s"))
    ),
    *({"max_iter": value} for value in (5.0, np.float64(5), np.array([5]), np.True_, Decimal(5), "5")),
    *({"fit_intercept": value} for value in (1, np.int8(1), "True", None, np.ones(2))),
    *({"threads": value} for value in (-1, 0, np.int8(-1), 1.0, True)),
    *({"backend": value} for value in (np.zeros(2), None, np.zeros(1000), b"python")),
    *({"loss": value} for value in (np.zeros(2), None, 1)),
]


@pytest.mark.parametrize("params", REFUSED, ids=lambda params: str(params).partition(" at 0x")[0][:50])
def test_values_that_are_no_such_parameters(params):
    [name] = params
    with pytest.raises((TypeError, ValueError)) as caught:
        pp.Perceptron(**params)
    assert str(caught.value).startswith(f"{name} is ")
    assert "\n" not in str(caught.value)
    assert ("None" in str(caught.value)) >= (name == "threads")


def test_repr_of_a_parameter_without_a_truth_value():
    model = pp.Perceptron()
    model.l2 = np.zeros(2)
    assert repr(model) == "Perceptron(l2=array([0., 0.]))"


def test_threads_of_a_layer():
    with pytest.raises(ValueError, match=r"^threads is -1; .*: for as many as the data are worth leave it None$"):
        pp.SigmoidLayer(3, threads=-1)
    assert pp.SigmoidLayer(3, threads=np.int8(2), bias=np.True_).bias == [0.0]


# Exceptions.


@pytest.mark.parametrize("error", [ValueError, SystemExit, GeneratorExit])
@pytest.mark.parametrize("fitted", [True, False])
def test_a_callback_that_raises_leaves_the_previous_model(make_model, error, fitted):
    model = make_model(l2=0.1)
    before = bits(model.fit(X, Y)) if fitted else None

    def callback(model, iteration):
        assert model.coef_ is not None
        raise error

    model.set_params(callback=callback, l2=3.0)
    with pytest.raises(error):
        model.fit(X, 1 - Y)
    if fitted:
        assert bits(model) == before
        assert model.predict_one(ROWS[0]) == model.predict(ROWS)[0]
    else:
        assert not hasattr(model, "coef_")
        with pytest.raises(pp.NotFittedError):
            model.predict_one(ROWS[0])


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int8])
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_numpy_told_to_raise_changes_nothing(make_model, kind, loss):
    inputs = (X * 30).astype(kind)
    expected = make_model(l2=1e-3, loss=loss).fit(inputs, Y)
    near_and_far = inputs, X * 1e300, X * 1e-310, X.astype("f") * np.float32(1e37)
    with np.errstate(all="raise"):
        model = make_model(l2=1e-3, loss=loss).fit(inputs, Y, np.where(Y, 1e-300, 1e-301))
        model = make_model(l2=1e-3, loss=loss).fit(inputs, Y)
        assert bits(model) == bits(expected)
        for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
            for rows in near_and_far:
                assert np.array_equal(getattr(model, method)(rows), getattr(expected, method)(rows))
        assert model.score(inputs, Y) == expected.score(inputs, Y)


# scikit-learn.


def test_scikit_learn_takes_a_model_as_a_classifier(make_model):
    base = pytest.importorskip("sklearn.base")
    model = make_model(l2=0.1, class_weight={0: 1.0, 1: 2.0})
    assert base.is_classifier(model)
    again = base.clone(model.fit(X, Y))
    assert again.get_params() == model.get_params()
    assert not hasattr(again, "coef_")
    assert base.clone(WithCut(cut=0.25, l1=0.5)).get_params() == WithCut(cut=0.25, l1=0.5).get_params()
    assert base.clone(ByC(C=3.0)).C == 3.0


@pytest.mark.parametrize("classes", [2, 3])
def test_scikit_learn_validates_and_searches(make_model, classes):
    selection = pytest.importorskip("sklearn.model_selection")
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    inputs, y = samples(n=90, classes=classes)
    labels = np.array(["ash", "elm", "oak"])[np.sort(y)]  # sorted: only stratified folds hold every class
    inputs = inputs[np.argsort(y, kind="stable")]
    model = make_model(l2=0.1)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        answers = selection.cross_val_predict(model, inputs, labels, method=method, cv=3)
        assert len(answers) == 90
    assert selection.cross_val_score(model, inputs, labels, cv=3).min() > 1 / classes
    assert selection.cross_val_score(model, inputs, labels, cv=3, scoring="neg_log_loss").min() > -1.1
    search = selection.GridSearchCV(make_pipeline(StandardScaler(), model), {"perceptron__l2": [100.0, 0.01]}, cv=3)
    assert search.fit(inputs, labels).best_params_ == {"perceptron__l2": 0.01}
    best = selection.GridSearchCV(ByC(), {"C": [1e-9, 10.0]}, cv=3).fit(inputs, labels).best_estimator_
    assert repr(best) == "ByC(C=10.0)"


def test_scikit_learn_calibrates_and_votes(make_model):
    ensemble = pytest.importorskip("sklearn.ensemble")
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.utils.validation import check_is_fitted

    model = make_model(l2=0.1)
    with pytest.raises(ValueError, match="not fitted"):
        check_is_fitted(model)
    assert CalibratedClassifierCV(model, cv=3).fit(X, Y).predict_proba(X).shape == (40, 2)
    voting = ensemble.VotingClassifier([("weak", model), ("strong", make_model(l2=9.0))], voting="soft").fit(X, Y)
    assert voting.score(X, Y) > 0.5
    assert ensemble.BaggingClassifier(model, 3, random_state=0).fit(X, Y).score(X, Y) > 0.5
    check_is_fitted(model.fit(X, Y))
