"""The records of trainings: history_ of a model, history of a layer, and what is said on standard error meanwhile."""

import copy
import io
import json
import pickle
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optimum import Oracle, bits, samples

import pyperceptron as pp
from pyperceptron import progress
from pyperceptron.history import LossCurve, next_mark

INPUTS, TARGETS = [[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], [0, 1, 1, 0]
FIELDS = ["iteration", "objective", "loss", "penalty", "gradient_norm", "step_size", "passes", "seconds"]
CASES = [{}, {"l2": 0.01}, {"l1": 0.02}, {"l1": 0.01, "l2": 0.02, "standardize": True}, {"loss": "squared_error", "l2": 1e-9}]


@pytest.mark.parametrize("params", CASES, ids=str)
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("solver", ["newton", "lbfgs", "gd"])
def test_fields(make_model, params, classes, solver):
    X, y = samples(classes=classes)
    seen = []

    def callback(model, step):
        seen.append((step, model.history_, model.n_iter_, model.coef_, model.intercept_))
        return step == 20

    model = make_model(solver=solver, callback=callback, tol=1e-3, **params).fit(X, y)
    history = model.history_
    assert [list(entry) for entry in history] == [FIELDS] * (model.n_iter_ + 1)
    assert json.loads(json.dumps(history)) == history
    assert [entry["iteration"] for entry in history] == list(range(model.n_iter_ + 1))
    assert all(before <= after for before, after in pairwise(entry["seconds"] for entry in history))
    assert all(entry["step_size"] > 0 or entry["iteration"] == 0 for entry in history if not params.get("l1"))
    oracle = Oracle(X, y, **params)
    for step, seen_history, n_iter, coef, intercept in seen:
        assert len(seen_history) == step + 1 == n_iter + 1
        assert seen_history == history[: step + 1]
        units = np.std(X, axis=0) if params.get("standardize") else 1.0
        weights = np.asarray(coef) * units
        penalty = params.get("l2", 0) / 2 * (weights**2).sum() + params.get("l1", 0) * abs(weights).sum()
        entry = seen_history[-1]
        assert entry["penalty"] == pytest.approx(penalty, rel=1e-9, abs=1e-15)
        assert entry["loss"] + entry["penalty"] == pytest.approx(entry["objective"], rel=1e-15)
        at = pp.Perceptron.from_coefficients(coef, intercept, list(range(classes)))
        assert entry["objective"] == pytest.approx(oracle.value(at), rel=1e-9)


def test_step_sizes(make_model):
    X, y = samples()
    rate = make_model(solver="gd", learning_rate=0.25, max_iter=9, callback=lambda model, step: step == 5).fit(X, y)
    assert [entry["step_size"] for entry in rate.history_] == [0] + [0.25] * 5
    newton = make_model(solver="newton").fit(X, y)
    assert [entry["step_size"] for entry in newton.history_] == [0] + [1] * newton.n_iter_


@pytest.mark.parametrize("params", CASES, ids=str)
def test_the_same_on_both_backends_but_for_the_seconds(make_models, params):
    X, y = samples(classes=3)
    first, *others = [model.fit(X, y).history_ for model in make_models(tol=1e-4, **params)]
    for other in others:
        assert len(other) == len(first)
        for entry, same in zip(first, other, strict=True):
            for name in FIELDS[:-1]:
                assert entry[name] == pytest.approx(same[name], rel=1e-7, abs=1e-12), name


def test_the_same_training_writes_the_same_file(make_model):
    X, y = samples()
    texts = {make_model(l2=0.1, threads=threads).fit(X, y).set_params(threads=None).to_json() for threads in (1, 2, 1)}
    assert len(texts) == 1
    assert "seconds" not in texts.pop()


def test_copies_that_a_callback_makes_stay_as_they_are(make_model):
    X, y = samples()
    kept = []
    model = make_model(callback=lambda model, step: kept.extend([copy.copy(model), pickle.loads(pickle.dumps(bare(model)))]))

    def bare(model):
        return copy.copy(model).set_params(callback=None)

    model.fit(X, y)
    assert model.n_iter_ > 3
    for at, other in enumerate(kept):
        assert len(other.history_) == other.n_iter_ + 1 == at // 2 + 2
        assert other.history_ == model.history_[: at // 2 + 2]


def test_callbacks_of_a_long_training_cost_no_copies_of_the_history(make_model):
    X, y = [[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1]
    kept = []

    def callback(model, step):
        kept.append(model._fitted.record)

    model = make_model(solver="gd", learning_rate=1e-3, max_iter=3000, callback=callback, l2=0.1)
    with pytest.warns(pp.TrainingWarning):
        model.fit(X, y)
    assert len(model.history_) == 3001
    assert len({id(record._history) for record in kept}) == 1


# The layer.


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("iterations", [0, 1, 2, 3, 17, 18, 100, 1000])
def test_a_layers_history_is_the_losses_of_its_trace(make_layer, bias, n_outputs, iterations):
    random = np.random.default_rng(iterations)
    inputs, targets = random.normal(size=(7, 4)), random.random((7, n_outputs))

    def layer():
        return make_layer(4, n_outputs, seed=1, bias=bias)

    trained = layer().train(inputs, targets, iterations, 0.1)
    traced, with_callback = layer(), layer()
    losses = {step.iteration: np.square(step.errors).sum() / 2 for step in traced.trace(inputs, targets, iterations, 0.1)}
    with_callback.train(inputs, targets, iterations, 0.1, callback=lambda layer, iteration: None)
    for other in (trained, traced, with_callback):
        history = other.history
        assert json.loads(json.dumps(history)) == history
        assert [entry["loss"] for entry in history] == pytest.approx([losses[entry["iteration"]] for entry in history])
        found = [entry["iteration"] for entry in history]
        assert found == [entry["iteration"] for entry in trained.history]
        assert found == sorted({*found})
        assert found[:13] == list(range(1, 1 + min(iterations, 13)))
        assert found[-1:] == [iterations][: len(found)]
        assert all(after - before <= max(1, before / 6) for before, after in pairwise(found))
        assert other.weights == trained.weights
        assert other.bias == trained.bias
    if iterations:
        assert trained.history[-1]["loss"] == pytest.approx(np.square(targets - trained.outputs).sum() / 2)


def test_a_layers_history_of_large_data(make_layer, monkeypatch):
    """Passes over chunks in threads record the losses elsewhere than those of small data."""
    random = np.random.default_rng(2)
    inputs, targets = random.normal(size=(60, 5)), random.random((60, 2))
    small = make_layer(5, 2, seed=1).train(inputs, targets, 50, 0.01)
    monkeypatch.setattr("pyperceptron.layer.WORTH_A_THREAD", 0)
    large = make_layer(5, 2, seed=1).train(inputs, targets, 50, 0.01)
    assert [entry["iteration"] for entry in large.history] == [entry["iteration"] for entry in small.history]
    assert [entry["loss"] for entry in large.history] == pytest.approx([entry["loss"] for entry in small.history])


def test_a_layers_history_of_inputs_that_are_not_packed(make_layer):
    """The compiled backend has a loop of its own for up to 8 inputs and 256 rows."""
    random = np.random.default_rng(3)
    for rows, columns in ((300, 3), (20, 9)):
        inputs, targets = random.normal(size=(rows, columns)), random.random((rows, 2))
        layer = make_layer(columns, 2, seed=1).train(inputs, targets, 30, 0.01)
        steps = make_layer(columns, 2, seed=1).trace(inputs, targets, 30, 0.01)
        losses = {step.iteration: np.square(step.errors).sum() / 2 for step in steps}
        assert [entry["loss"] for entry in layer.history] == pytest.approx(
            [losses[entry["iteration"]] for entry in layer.history]
        )


@given(st.integers(0, 2**63 - 1))
def test_the_points_of_a_curve_are_bounded(iterations):
    mark, count = 0, 0
    while mark < iterations:
        mark, count = next_mark(mark), count + 1
    assert count <= len(LossCurve().losses) < 500


def test_the_history_of_the_last_training(make_layer, make_layers):
    layer = make_layer(3, seed=1)
    assert layer.history == []
    layer.train(INPUTS, TARGETS, 100)
    layer.history.clear()
    layer.history[0]["loss"] = -1
    assert layer.history[0] == {"iteration": 1, "loss": pytest.approx(0.5 * sum(e * e for e in FIRST_ERRORS), rel=1e-6)}
    last = layer.history[-1]["loss"]
    for other in (copy.copy(layer), copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert other.history == layer.history
    layer.train(INPUTS, TARGETS, 5)
    assert len(layer.history) == 5
    assert layer.history[0]["loss"] < last
    with pytest.raises(ValueError):
        layer.train(INPUTS, [5, 5, 5, 5])
    assert len(layer.history) == 5
    assert layer.train(INPUTS, TARGETS, 0).history == []
    assert pp.from_json(layer.train(INPUTS, TARGETS, 5).to_json()).history == []
    first, *others = [layer.train(INPUTS, TARGETS).history for layer in make_layers(3, seed=1)]
    for other in others:
        assert [entry["iteration"] for entry in other] == [entry["iteration"] for entry in first]
        assert [entry["loss"] for entry in other] == pytest.approx([entry["loss"] for entry in first], rel=1e-9)


FIRST_ERRORS = [-0.26898640, 0.67372430, 0.76237183, -0.36375058]


def test_a_training_that_ends_early(make_layer):
    kept = []
    layer = make_layer(3, seed=1)

    def callback(layer, iteration):
        kept.append(copy.copy(layer))
        return iteration == 40

    layer.train(INPUTS, TARGETS, callback=callback)
    assert layer.history[-1]["iteration"] == 40
    for iteration, copied in enumerate(kept, 1):
        assert copied.history[-1]["iteration"] == iteration
        assert copied.history == make_layer(3, seed=1).train(INPUTS, TARGETS, iteration).history
    layer = make_layer(1, weights=[0.0])
    with pytest.raises(OverflowError, match="at iteration 1;"):
        layer.train([[1e150]], [1], learning_rate=1e10)
    assert layer.history == [{"iteration": 1, "loss": 0.125}]


# What is said meanwhile.


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def fileno(self):
        raise OSError("no file")


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by a second whenever it is read."""
    ticks = iter(range(10**9))
    monkeypatch.setattr(progress, "perf_counter", lambda: float(next(ticks)))


def test_verbose_prints_the_last_step_on_standard_error(make_model, capsys):
    X, y = samples()
    model = make_model(verbose=True, l2=0.01).fit(X, y)
    captured = capsys.readouterr()
    assert captured.out == ""
    last = model.history_[-1]
    assert captured.err.startswith(f"{model.solver_} step {model.n_iter_}: objective {last['objective']:.9g}, gradient norm ")
    assert captured.err.count("\n") == 1
    make_model(l2=0.01).fit(X, y)
    assert capsys.readouterr() == ("", "")


def test_verbose_prints_sparsely_without_a_terminal(make_model, capsys, clock):
    X, y = samples()
    model = make_model(verbose=True, solver="gd", learning_rate=1e-3, callback=lambda model, step: step == 1000).fit(X, y)
    assert model.n_iter_ == 1000
    lines = capsys.readouterr().err.splitlines()
    steps = [int(line.split("step ")[1].split(":")[0].replace(",", "")) for line in lines]
    assert steps[-1] == 1000
    assert 8 <= len(steps) <= 12
    assert all(after > 1.5 * before for before, after in pairwise(steps[:-1]))
    assert "\033" not in "".join(lines)


@pytest.mark.parametrize("ends", ["well", "by an error", "by Ctrl-C"])
def test_verbose_rewrites_one_line_of_a_terminal(make_model, monkeypatch, clock, ends):
    X, y = samples()
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")

    def callback(model, step):
        if step == 3 and ends != "well":
            raise KeyboardInterrupt if ends == "by Ctrl-C" else RuntimeError

    model = make_model(verbose=True, callback=callback)
    if ends == "well":
        model.fit(X, y)
    else:
        with pytest.raises((KeyboardInterrupt, RuntimeError)):
            model.fit(X, y)
    shown = stream.getvalue().split("\r\033[K")
    assert len(shown) > 3
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().endswith(" s\n")
    assert max(map(len, shown[:-1])) <= 79


@pytest.mark.parametrize("stream", [None, "closed", "full"])
def test_verbose_without_a_standard_error(make_model, monkeypatch, stream):
    X, y = samples()
    if stream == "closed":
        stream = io.StringIO()
        stream.close()
    elif stream == "full":
        stream = Terminal()
        stream.write = lambda text: (_ for _ in ()).throw(OSError("No space left on device"))
    expected = bits(make_model().fit(X, y))
    monkeypatch.setattr(sys, "stderr", stream)
    assert bits(make_model(verbose=True).fit(X, y)) == expected
