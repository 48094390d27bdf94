"""Pictures in SVG: what they show, that any text is safe in them, and where a notebook finds them."""

import random
import re
import runpy
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from unicodedata import east_asian_width
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optimum import samples

import pyperceptron as pp
from pyperceptron import drawing, svg

ROOT = Path(__file__).parent.parent
INPUTS, TARGETS = [[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], [0, 1, 1, 0]
ELEMENTS = {"svg", "style", "rect", "text", "title", "line", "path", "circle"}
ATTRIBUTES = {
    *("viewBox", "width", "height", "style", "role", "aria-label", "x", "y", "rx", "class", "x1", "x2", "y1", "y2"),
    *("stroke-width", "d", "cx", "cy", "r"),
}
HOSTILE = [
    "</text></svg><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"' onload='alert(1)",
    "]]> & &amp; <!-- {color:red} */",
    "\x00\x07\n\t\x1b[31m\ud800\ufffe\u202e\u2066abc",
    "\u8868\u793a" * 50,
    "a" * 100_000,
    "\u0645\u0631\u062d\u0628\u0627",
    "",
]


def checked(picture):
    """Return the root of a picture, of which nothing can run or be loaded and nothing lies outside."""
    text = str(picture)
    assert text.isascii()
    root = ElementTree.fromstring(text)
    _, _, width, height = map(float, root.get("viewBox").split())
    for element in root.iter():
        assert element.tag.removeprefix("{http://www.w3.org/2000/svg}") in ELEMENTS
        assert set(element.attrib) <= ATTRIBUTES
        for name in ("x", "cx", "x1", "x2"):
            assert 0 <= float(element.get(name, 0)) <= width
        for name in ("y", "cy", "y1", "y2"):
            assert 0 <= float(element.get(name, 0)) <= height
        for number in re.findall(r"-?\d+(?:\.\d+)?", element.get("d", "")):
            assert 0 <= float(number) <= max(width, height)
        own = "".join(element.itertext()) if element.tag.endswith("style") else ""
        assert "url" not in own
        assert "@import" not in own
    return root


def texts(root):
    return [
        (element.text or "") + "".join(child.tail or "" for child in element)
        for element in root.iter()
        if element.tag.endswith("}text")
    ]


def lines(root):
    """Return the classes and widths of the lines from the inputs, from top to bottom."""
    found = [element for element in root.iter() if element.tag.endswith("path") and element.get("stroke-width")]
    return [(element.get("class").removeprefix("pp-"), float(element.get("stroke-width"))) for element in found]


@pytest.mark.parametrize("bias", [False, True])
def test_a_neuron_shows_every_number(make_layer, bias):
    layer = make_layer(3, seed=1, bias=bias).train(INPUTS, TARGETS, 2000)
    root = checked(svg.neuron(layer, [1, 0.5, -2]))
    shown = texts(root)
    numbers = [weight for [weight] in layer.weights] + (layer.bias or [])
    for number in numbers:
        assert f"{number:.8f}" in shown
    [[output]] = layer.forward([[1, 0.5, -2]])
    total = sum(value * weight for value, weight in zip([1, 0.5, -2, 1], numbers, strict=False))
    assert {f"{output:.8f}", f"{total:.8f}", "1", "0.5", "-2", "weighted sum", "sigmoid", "output", "input 2"} <= set(shown)
    assert ("bias" in shown) == bias
    drawn = lines(root)
    assert [kind for kind, _ in drawn] == ["down" if number < 0 else "up" for number in numbers]
    order = sorted(range(3), key=lambda place: abs(numbers[place]))
    assert [drawn[place][1] for place in order] == sorted(width for _, width in drawn[:3])
    for number in numbers:
        assert f"{number:.5g}" in root.get("aria-label")
    assert "weighted sum" in texts(checked(svg.neuron(layer)))
    with pytest.raises(ValueError, match="x has 2 numbers"):
        svg.neuron(layer, [1, 2])
    with pytest.raises(ValueError, match="x"):
        svg.neuron(layer, [1, 2, float("nan")])


@pytest.mark.parametrize("params", [{}, {"loss": "squared_error", "l2": 0.01}], ids=str)
@pytest.mark.parametrize("classes", [2, 3])
def test_a_model_shows_what_it_answers(make_model, params, classes):
    X, y = samples(classes=classes)
    labels = np.array(["ash", "elm", "oak"])[y]
    model = make_model(l2=0.1).set_params(**params).fit(X, labels)
    shown = texts(checked(svg.neuron(model, X[0].tolist())))
    answers = model.predict_proba_one(X[0])
    places = 8 if classes == 2 else 5
    for answer in answers[1:] if classes == 2 else answers:
        assert drawing.decimals(answer, places) in shown
    for total in np.ravel(model.decision_function(X[:1])):
        assert drawing.decimals(total, places) in shown
    for weight in np.ravel(model.coef_):
        assert drawing.decimals(weight, places) in shown
    assert ("softmax" in shown) == (classes == 3 and not params)
    assert any("divided by the sum" in line for line in shown) == (classes == 3 and bool(params))


def test_a_row_by_name_with_texts(make_model):
    table = pp.Table({"age": [39, 50, 20, 30], "work": ["Private", "State", "Private", "State"]})
    model = make_model(l2=0.1).fit(table, ["no", "yes", "no", "yes"])
    shown = texts(checked(svg.neuron(model, {"work": "State", "age": 41})))
    assert {"age", "work=Private", "work=State", "41", "0", "1", "yes", "probability of"} <= set(shown)
    assert f"{model.predict_proba_one({'work': 'State', 'age': 41})[1]:.8f}" in shown


def test_the_largest_weights_of_many(make_model):
    X = np.random.default_rng(1).normal(size=(200, 40)) * 10.0 ** np.arange(-2, 2).repeat(10)
    y = np.random.default_rng(2).integers(0, 15, 200)
    model = make_model(l2=0.1, max_iter=50).fit(X, y)
    root = checked(model._repr_svg_())
    shown = texts(root)
    notes = [line for line in shown if line.startswith("Shown are")]
    assert notes == [
        "Shown are the 12 largest of the 40 weights of each output.",
        "Shown are the 10 of 15 outputs that have the largest weights.",
    ]
    sizes = abs(np.asarray(model.coef_)) * X.std(axis=0)
    outputs = sorted(np.argsort(-sizes.max(axis=1))[:10])
    expected = [drawing.decimals(np.asarray(model.coef_)[c, j], 5) for c in outputs for j in sorted(np.argsort(-sizes[c])[:12])]
    weights = [e.text for e in root.iter() if e.get("class") in ("pp-up-text", "pp-down-text")]
    biases = {drawing.decimals(bias, 5) for bias in model.intercept_}
    assert [weight for weight in weights if weight not in biases] == expected
    assert len(lines(root)) == 10 * 13


def test_hostile_names_and_labels(make_model):
    names = HOSTILE
    X = np.random.default_rng(0).normal(size=(60, len(names)))
    columns = pp.Table({name or "empty": X[:, j].tolist() for j, name in enumerate(names)})
    for labels in (HOSTILE[:2], HOSTILE[:5], HOSTILE[5:8]):
        y = [labels[i % len(labels)] for i in range(60)]
        model = make_model(l2=0.1).fit(columns, y)
        for picture in (model._repr_svg_(), svg.neuron(model, X[0].tolist())):
            root = checked(picture)
            assert len(picture) < 60_000
            titles = [element.text for element in root.iter() if element.tag.endswith("title")]
            assert any(title.startswith("</text></svg><script>") for title in titles)
    checked(make_model(class_weight=dict.fromkeys(HOSTILE, 1.0))._repr_svg_())


@given(st.text(max_size=40), st.integers(12, 30))
def test_any_text(text, longest):
    [shown] = ElementTree.fromstring(f"<a>{drawing.escaped(text)}</a>").itertext() if text else [""]
    if text.isprintable():
        assert shown == text
    assert shown.isprintable()
    assert drawing.escaped(text).isascii()
    short = drawing.clipped(text, longest)
    assert sum(2 if east_asian_width(letter) in "WF" else 1 for letter in short) <= longest
    if short != text:
        front, back = short.split("...", 1) if short.count("...") == 1 else ("", "")
        assert text.startswith(front)
        assert text.endswith(back)


@given(st.floats(-1e12, 1e12), st.floats(1e-9, 1e12), st.integers(2, 10))
def test_ticks_are_round_and_cover_the_values(low, span, count):
    high = low + span
    if high - low <= 1e-9 * abs(high):
        return
    ticks = drawing.round_ticks(low, high, count)
    step = (ticks[-1] - ticks[0]) / (len(ticks) - 1)
    assert ticks[0] <= low + 1e-6 * step
    assert ticks[-1] >= high - 1e-6 * step
    assert 2 <= len(ticks) <= count + 3
    assert f"{step:.1e}"[:3] in ("1.0", "2.0", "5.0")


@given(st.floats(1e-300, 1e300), st.floats(100, 1e200))
def test_powers_of_ten_cover_the_values(low, factor):
    high = min(low * factor, 1e300)
    ticks = drawing.powers_of_ten(low, max(high, low * 100))
    assert ticks[0] <= low * (1 + 1e-6)
    assert ticks[-1] >= high * (1 - 1e-6)
    assert 2 <= len(ticks) <= 8


def test_decimals():
    assert [drawing.decimals(x, 8) for x in (0.0, 10.38040700835853, -0.00679672, 1e-9, -123456789.123)] == [
        "0.00000000", "10.38040701", "-0.00679672", "1e-09", "-1.23457e+08",
    ]  # fmt: skip
    assert [drawing.decimals(x, 5) for x in (0.5, 0.00123456, 3e200)] == ["0.50000", "0.00123", "3e+200"]


def curve_points(root):
    """Return the points of the curve, and the texts along both axes with their places."""
    path = next(e for e in root.iter() if e.get("class") == "pp-curve")
    return [tuple(map(float, point.split())) for point in path.get("d")[1:].split("L")]


@pytest.mark.parametrize(
    "values", [[3.0, 2.0, 1.0], [1.0, 1.0], [0.0, 0.0], [5.0, 0.0, 7.0], [1.0, 1e-9], [1e300, 1e-300], [-1.0, 2.0]]
)
@pytest.mark.parametrize("steps", [1, 10, 1000])
@pytest.mark.parametrize("start", [0, 1])
def test_curves(values, steps, start):
    values = [value for value in values for _ in range(steps)]
    history = [{"iteration": start + step, "loss": value} for step, value in enumerate(values)]
    root = checked(svg.curve(history))
    points = curve_points(root)
    assert 2 <= len(points) <= 402
    assert all(before[0] <= after[0] for before, after in pairwise(points))
    assert (points[0][1] < points[-1][1]) == (values[0] > values[-1])
    assert min(points, key=lambda point: point[1])[1] == points[0][1] or max(values) > values[0]
    assert f"{values[-1]:.6g}" in texts(root)


def test_the_curve_of_a_training(make_model, make_layer):
    X, y = samples()
    model = make_model().fit(X, y)
    assert svg.curve(model) == svg.curve(model.history_) == svg.curve(pp.from_json(model.to_json()))
    assert f"{model.history_[-1]['objective']:.6g}" in texts(checked(svg.curve(model)))
    layer = make_layer(3, seed=1).train(INPUTS, TARGETS)
    assert "10,000" in texts(checked(svg.curve(layer)))
    with pytest.raises(ValueError, match="the history is empty; expected that of a training: train first"):
        svg.curve(make_layer(3))
    with pytest.raises(ValueError, match="the history has one entry; expected two or more"):
        svg.curve(make_layer(3, seed=1).train(INPUTS, TARGETS, 1))
    with pytest.raises(pp.NotFittedError):
        svg.curve(make_model())
    for wrong in (3, "text", object()):
        for draw in (svg.curve, svg.neuron):
            with pytest.raises(TypeError, match="expected a SigmoidLayer"):
                draw(wrong)


def test_what_a_notebook_shows(make_model, make_layer):
    X, y = samples()
    layer, model = make_layer(3, seed=1), make_model(l2=0.25, solver="newton")
    for shown in (layer, model):
        assert shown._repr_html_() == shown._repr_svg_()
        assert str(shown) == repr(shown)
        assert "svg" not in repr(shown)
    assert not any("at each iteration" in text for text in texts(checked(layer._repr_svg_())))
    bold = [e.text for e in checked(model._repr_svg_()).iter() if e.get("class") == "pp-text pp-bold"]
    assert bold == ["0.25", "'newton'", *([f"'{model.backend}'"] if model.backend != "auto" else [])]
    assert "Perceptron, not fitted yet" in texts(checked(model._repr_svg_()))
    layer.train(INPUTS, TARGETS, 10)
    model.fit(X, y)
    assert "Loss at each iteration" in texts(checked(layer._repr_svg_()))
    assert "Objective at each step" in texts(checked(model._repr_svg_()))
    known = pp.Perceptron.from_coefficients([0.5, 2.0], -1.0, ["no", "yes"])
    assert {"0.50000000", "2.00000000", "-1.00000000"} <= set(texts(checked(known._repr_svg_())))
    stuck = make_layer(2, bias=True, seed=1).train([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], 3000)
    assert "The training has 1 finding: see findings." in texts(checked(stuck._repr_svg_()))


def test_a_subclass_shows_its_own_parameters(make_model):
    class Mine(pp.Perceptron):
        def __init__(self, *, depth=3, **others):
            self.depth = depth
            super().__init__(**others)

    shown = texts(checked(Mine(depth=4)._repr_svg_()))
    assert {"Mine, not fitted yet", "depth", "4", "l2"} <= set(shown)


def test_random_layers_and_models_are_drawn(make_layer, make_model):
    chance = random.Random(5)
    for _ in range(40):
        n, k = chance.randint(1, 30), chance.randint(1, 14)
        scale = 10.0 ** chance.randint(-200, 100)
        weights = [[chance.gauss(0, 1) * scale for _ in range(k)] for _ in range(n)]
        layer = make_layer(n, k, weights=weights, bias=chance.random() < 0.5)
        checked(layer._repr_svg_())
        checked(svg.neuron(layer, [chance.gauss(0, 1) for _ in range(n)]))
        model = pp.Perceptron.from_coefficients([*zip(*weights, strict=True)], 0.0, list(range(k)) if k > 1 else [0, 1])
        if k != 2:
            checked(svg.neuron(model, [chance.gauss(0, 1) for _ in range(n)]))
    checked(make_layer(3, weights=[0, 0, 0])._repr_svg_())


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["text", "muted", "up-text", "down-text", "up", "down", "curve"])
def test_colours_stand_out_from_the_card(name, dark):
    def colour(of, what):
        found = re.search(rf"{what}:(#\w{{6}})", drawing._LIGHT[of])[1]
        return drawing._DARK[found] if dark else found

    on, card = (
        luminance(colour(name, "fill" if "text" in name or name == "muted" else "stroke")),
        luminance(colour("card", "fill")),
    )
    lighter, darker = max(on, card), min(on, card)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_the_pictures_of_the_readme_are_up_to_date(each_backend):
    """If this fails, run docs/pictures.py and look at what it wrote."""
    for name, picture in runpy.run_path(str(ROOT / "docs" / "pictures.py"))["pictures"](each_backend).items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == picture
        checked(picture)
        assert f"(docs/{name})" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_program_that_draws_nothing_does_not_load_them():
    script = (
        "import sys, pyperceptron as pp; pp.SigmoidLayer(1, seed=1).train([[1]], [1], 9); "
        "assert not {'pyperceptron.svg', 'pyperceptron.drawing', 'pyperceptron.plot'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd="/")


def test_scikit_learn_shows_its_pipelines_as_before(make_model):
    pipeline = pytest.importorskip("sklearn.pipeline")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    X, y = samples()
    for fitted in (False, True):
        both = pipeline.make_pipeline(preprocessing.StandardScaler(), make_model(l2=0.1))
        if fitted:
            both.fit(X, y)
        page = both._repr_html_()
        assert "StandardScaler" in page
        assert "Perceptron" in page
        assert "pp-card" not in page
