"""Repeated fits, warm starts, callbacks, Ctrl-C, and convergence warnings."""

import itertools
import threading

import numpy as np
import pytest
from optimum import SOLVERS, Oracle, bits, check_optimum, samples

import pyperceptron as pp


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


def test_refit_does_not_depend_on_earlier_fits(make_model):
    X, y = samples(n=40)
    wide, labels = samples(n=50, d=6, classes=3)
    model = make_model(l2=0.1).fit(wide, labels)
    assert bits(model.fit(X, y)) == bits(make_model(l2=0.1).fit(X, y))
    assert (model.n_features_in_, list(model.classes_), model.coef_.shape) == (4, [0, 1], (1, 4))


def test_fit_does_not_modify_its_arguments(make_model):
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
def test_warm_start_continues_from_the_last_optimum(make_model, params):
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
        with pytest.raises(ValueError, match=r"^warm_start needs the same classes, number of columns and"):
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


def test_callback_does_not_change_the_result(make_model):
    X, y = samples(classes=3)
    assert bits(make_model(l2=0.1, callback=lambda model, iteration: None).fit(X, y)) == bits(make_model(l2=0.1).fit(X, y))


@pytest.mark.parametrize("params", [{"solver": "newton"}, {"solver": "lbfgs"}, {"solver": "gd"}, {"l1": 0.01}], ids=str)
def test_ctrl_c_keeps_the_coefficients_of_the_last_step(make_model, params):
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
    """A standard error that raises KeyboardInterrupt when verbose=True first asks about it, which is before the first step."""

    closed = False

    def isatty(self):
        raise KeyboardInterrupt


def test_ctrl_c_before_the_first_step_changes_nothing(make_model, monkeypatch):
    X, y = samples()
    fresh, fitted = make_model(l2=0.01, verbose=True), make_model(l2=0.01).fit(X, y)
    before = bits(fitted), fitted.n_iter_, fitted.history_
    fitted.set_params(verbose=True)
    monkeypatch.setattr("sys.stderr", PressesAtOnce())
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


def test_error_in_a_callback_propagates(make_model):
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


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("classes", [2, 3])
def test_linearly_separable_classes_warn(make_model, solver, classes):
    X = [[float(i), float(i % 2)] for i in range(4 * classes)]
    y = [i // 4 for i in range(4 * classes)]
    with pytest.warns(pp.TrainingWarning, match="The classes are linearly separable"):
        model = make_model(solver=solver).fit(X, y)
    assert len(model.findings_) == 1
    assert model.findings_[0].startswith("The classes are linearly separable")
    assert model.score(X, y) == 1
    assert np.isfinite(model.coef_).all()
    assert make_model(solver=solver, l2=1e-4).fit(X, y).findings_ == []


@pytest.mark.parametrize("params", [{"solver": "newton"}, {"solver": "lbfgs"}, {"l1": 0.01}], ids=str)
def test_reaching_max_iter_warns(make_model, params):
    X, y = samples()
    model = make_model(max_iter=1, l2=0.001, **params)
    with pytest.warns(
        pp.TrainingWarning, match=r"^Training stopped at max_iter=1 before the optimum, at a gradient norm of .*\. Raise"
    ) as told:
        model.fit(X, y)
    assert (model.n_iter_, len(told), len(model.findings_)) == (1, 1, 1)
    assert told[0].filename == __file__


@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
@pytest.mark.parametrize("classes", [2, 3])
def test_gradient_descent_never_increases_the_objective(make_model, loss, classes):
    X, y = samples(classes=classes, d=3, n=40)
    params = {"loss": loss, "l2": 0.05}
    model = make_model(solver="gd", tol=1e-4, **params).fit(X * [1, 2, 0.5], y)
    check_optimum(model, X * [1, 2, 0.5], y, **params)
    values = [entry["objective"] for entry in model.history_]
    assert len(values) == model.n_iter_ + 1 > 3
    assert all(after <= before + 1e-15 for before, after in itertools.pairwise(values))


def test_gradient_descent_matches_the_lesson(make_model):
    """The lesson sums the loss and Perceptron averages it, so the learning rate is multiplied by n."""
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


def test_overflowing_gradient_step_warns_and_is_not_made(make_model):
    X, y = samples(n=40)
    model = make_model(solver="gd", learning_rate=1e308, l2=1.0)
    with pytest.warns(pp.TrainingWarning, match="^Gradient descent diverges"):
        model.fit(X, y)
    assert np.isfinite(model.coef_).all()
    assert np.isfinite([entry["objective"] for entry in model.history_]).all()


def test_the_history(make_model):
    X, y = samples()
    model = make_model(l2=0.01).fit(X, y)
    assert [entry["iteration"] for entry in model.history_] == list(range(model.n_iter_ + 1))
    slopes = [entry["gradient_norm"] for entry in model.history_]
    assert slopes[-1] <= slopes[-2] <= model.tol < slopes[-3]  # one extra step is made after tol is reached
    passes = [entry["passes"] for entry in model.history_]
    assert all(before < after for before, after in itertools.pairwise(passes))


# The reference takes seconds for each.
@pytest.mark.parametrize("seed", range(12 if len(pp.available_backends()) > 1 else 3))
@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
def test_rare_columns_that_decide_keep_their_coefficients(seed, solver):
    """The last step must be evaluated too, because saturated outliers contribute almost no curvature to predict it."""
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
    assert model.history_[-1]["gradient_norm"] == pytest.approx(oracle.slope(model), rel=1e-3, abs=1e-12)
    assert len(steps) == model.n_iter_
    assert steps[-1].tolist() == np.ravel(model.coef_).tolist()
    for column, label in ((0, 0), (1, 1)):
        ruled = (rare[:, column] > 0) & (rare[:, 1 - column] == 0)
        assert (model.predict(X[ruled]) == label).all()


def test_coefficient_of_a_saturated_column_is_not_reset():
    X = [[0.0]] * 25_948 + [[1.0]] * 52
    model = pp.Perceptron(l2=1e-12).fit(X, [i % 2 for i in range(25_948)] + [1] * 52)
    assert model.predict_proba_one([1.0])[1] > 0.999
