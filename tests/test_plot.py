"""Plots with matplotlib, drawn by its Agg backend, and tqdm through a callback."""

import subprocess
import sys

import numpy as np
import pytest
from optimum import samples

import pyperceptron as pp

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from matplotlib import pyplot as plt  # noqa: E402

from pyperceptron import plot  # noqa: E402

INPUTS, TARGETS = [[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], [0, 1, 1, 0]


@pytest.fixture(autouse=True)
def _close(monkeypatch):
    """Nothing may call show(), and each figure is drawn once, so that a fault in what is drawn comes out."""
    monkeypatch.setattr(plt, "show", lambda *a, **k: pytest.fail("show() was called"))
    yield
    for number in plt.get_fignums():
        plt.figure(number).canvas.draw()
    plt.close("all")


def in_axes(draw):
    """Draw into a new figure and into given axes; return what both showed."""
    before = len(plt.get_fignums())
    alone = draw(ax=None)
    assert len(plt.get_fignums()) == before + 1
    figure, ax = plt.subplots()
    given = draw(ax=ax)
    assert len(plt.get_fignums()) == before + 2
    assert given.ax_ is ax
    assert given.figure_ is figure
    assert alone.figure_ is alone.ax_.figure
    return given


def test_loss_curves(make_model, make_layer):
    X, y = samples()
    model = make_model(l2=0.1).fit(X, y)
    display = in_axes(lambda ax: plot.loss_curve(model, ax=ax))
    steps, values = display.artists_["line"].get_data()
    assert list(steps) == [entry["iteration"] for entry in model.history_]
    assert list(values) == [entry["objective"] for entry in model.history_]
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("step", "objective")
    layer = make_layer(3, seed=1).train(INPUTS, TARGETS)
    display = plot.loss_curve(layer)
    assert list(display.artists_["line"].get_ydata()) == [entry["loss"] for entry in layer.history]
    assert (display.ax_.get_xlabel(), display.ax_.get_xscale(), display.ax_.get_yscale()) == ("iteration", "log", "log")
    with pytest.raises(ValueError, match="train first"):
        plot.loss_curve(make_layer(3))
    assert len(plt.get_fignums()) == 3


def shown_weights(display):
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    return dict(zip(names, [bar.get_width() for bar in display.artists_["bars"]], strict=True))


def test_weights(make_model, make_layer):
    random = np.random.default_rng(0)
    table = pp.Table(
        {"age": random.normal(50, 20, 90).tolist(), "$pay$": random.normal(size=90).tolist(), "job": ["a", "b", "c"] * 30}
    )
    model = make_model(l2=0.1).fit(table, random.choice(["no", "yes"], 90).tolist())
    display = in_axes(lambda ax: plot.weights(model, ax=ax))
    deviations = model._fitted.record.deviations
    sizes = dict(zip(model.coef_names_, np.ravel(model.coef_) * deviations, strict=True))
    expected = {name.replace("$", r"\$"): sizes[name] for name in sorted(sizes, key=lambda name: -abs(sizes[name]))}
    assert list(shown_weights(display).items()) == list(expected.items())
    assert display.ax_.get_title() == "yes"
    assert "deviation" in display.ax_.get_xlabel()
    per_unit = shown_weights(plot.weights(model, per_deviation=False, top=2))
    assert sorted(map(abs, per_unit.values())) == sorted(map(abs, np.ravel(model.coef_)))[-2:]
    assert shown_weights(plot.weights(model, output="yes")) == expected
    with pytest.raises(ValueError, match="expected one of 'yes'"):
        plot.weights(model, output="no")
    three = make_model(l2=0.1).fit(*samples(classes=3))
    assert plot.weights(three, output=2).ax_.get_title() == "2"
    with pytest.raises(ValueError, match="say which, as output=0"):
        plot.weights(three)
    layer = make_layer(3, 2, seed=1)
    assert list(shown_weights(plot.weights(layer, output=1)).values()) == sorted(
        (row[1] for row in layer.weights), key=lambda weight: -abs(weight)
    )
    with pytest.raises(ValueError, match="standard deviations of the columns are not known"):
        plot.weights(layer, output=1, per_deviation=True)
    with pytest.raises(pp.NotFittedError):
        plot.weights(make_model())


@pytest.mark.parametrize("container", ["lists", "NumPy", "table"])
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_decision_boundaries(make_model, classes, container):
    X, y = samples(n=80, d=2, classes=classes)
    labels = np.array(["ash", "elm", "oak", "fir", "yew"])[y]
    given = {"lists": X.tolist(), "NumPy": X, "table": pp.Table({"a": X[:, 0].tolist(), "b": X[:, 1].tolist()})}[container]
    model = make_model(l2=0.01).fit(given, labels)
    display = in_axes(lambda ax: plot.decision_boundary(model, given, labels, ax=ax))
    assert sum(len(points.get_offsets()) for points in display.artists_["points"]) == 80
    for points, label in zip(display.artists_["points"], sorted({*labels}), strict=True):
        assert np.array_equal(points.get_offsets(), X[labels == label])
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == sorted({*labels})
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == (("a", "b") if container == "table" else ("x0", "x1"))
    values = np.asarray(display.artists_["regions"].get_array()).reshape(200, 200)
    (left, right), (low, high) = display.ax_.get_xlim(), display.ax_.get_ylim()
    corner = [[left + (right - left) / 400, low + (high - low) / 400]]
    expected = model.predict_proba(corner)[0][1] if classes == 2 else list(model.classes_).index(model.predict(corner)[0])
    assert values[0, 0] == pytest.approx(expected, abs=1e-9)
    assert len(plot.decision_boundary(model, given).artists_["points"][0].get_offsets()) == 80
    with pytest.raises(ValueError, match="'birch', which is no class"):
        plot.decision_boundary(model, X, ["birch"] * 80)


def test_the_boundary_of_a_layer(make_layer):
    corners = [[0, 0], [0, 1], [1, 0], [1, 1]]
    layer = make_layer(2, bias=True, seed=1).train(corners, [0, 0, 0, 1], 1000)
    display = in_axes(lambda ax: plot.decision_boundary(layer, corners, [[0], [0], [0], [1]], ax=ax))
    [line] = display.artists_["boundary"].allsegs[0]
    outputs = np.ravel(layer.forward(np.asarray(line)))
    assert abs(outputs - 0.5).max() < 0.01
    assert list(display.artists_["points"][0].get_array()) == [0, 0, 0, 1]
    untrained = make_layer(2, weights=[0, 0])
    assert "boundary" not in plot.decision_boundary(untrained, corners).artists_


def test_the_boundary_of_probabilities(make_model):
    X, y = samples(n=50, d=2)
    shares = (y + 0.5) / 2
    model = make_model(targets="probabilities", l2=0.1).fit(X, shares)
    assert list(plot.decision_boundary(model, X, shares).artists_["points"][0].get_array()) == list(shares)


def test_what_has_no_boundary(make_model, make_layer):
    X, y = samples(d=3)
    with pytest.raises(ValueError, match="the model has 3 inputs; expected two"):
        plot.decision_boundary(make_model(l2=0.1).fit(X, y), X)
    X = X[:, :2]
    model = make_model(l2=0.1).fit(X, y)
    for bad in ([[1.0, float("nan")]], [[1.0, 2.0, 3.0]]):
        with pytest.raises(ValueError, match="X"):
            plot.decision_boundary(model, bad)
    with pytest.raises(ValueError, match="2 independent outputs"):
        plot.decision_boundary(make_layer(2, 2), X)
    with pytest.raises(ValueError, match="2 independent outputs"):
        plot.decision_boundary(make_model(l2=0.1).fit(X, np.c_[y, 1 - y]), X)
    texts = make_model(l2=0.1).fit(pp.Table({"a": ["x", "y", "x", "y"]}), [0, 1, 1, 0])
    with pytest.raises(ValueError, match="columns of texts"):
        plot.decision_boundary(texts, X)
    assert plt.get_fignums() == []


def test_matplotlib_is_loaded_only_to_plot():
    script = "import sys, pyperceptron.plot; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True, cwd="/")


def test_without_matplotlib(make_layer, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install 'pyperceptron-core\[plot\]'"):
        plot.weights(make_layer(2))


def test_tqdm_counts_the_steps_as_the_readme_says(make_model):
    tqdm = pytest.importorskip("tqdm").tqdm
    X, y = samples()
    plain = make_model(l2=0.01).fit(X, y)
    with tqdm(unit=" steps", mininterval=0, miniters=1) as bar:
        model = make_model(l2=0.01).set_params(callback=lambda model, step: bar.update() and False).fit(X, y)
    assert bar.n == model.n_iter_ == plain.n_iter_ > 3
