"""The page about a fitted Perceptron: what it says, in its file and in Chromium."""

import base64
import contextlib
import hashlib
import random
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from pages import HOSTILE, axe_violations

import pyperceptron as pp
from pyperceptron.cli import main


class Reading(HTMLParser):
    """The tables of a page by their labels, its paragraphs, and its elements; all as a browser reads them."""

    def __init__(self, path):
        super().__init__()
        self.tables, self.paragraphs, self.elements = {}, [], []
        self.lines, self.text, self.open = [], None, []
        self.feed(path.read_text("utf-8"))
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.elements.append((tag, attributes))
        if tag in ("meta", "link"):
            return
        self.open.append(tag)
        if tag == "div" and "aria-label" in attributes:
            self.label = attributes["aria-label"]
        elif tag == "table":
            self.lines = self.tables[self.label] = []
        elif tag == "tr":
            self.lines.append([])
        elif tag in ("td", "th", "p", "h1", "h2", "dt", "dd"):
            self.text = ""

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag in ("td", "th"):
            self.lines[-1].append(self.text)
        elif tag in ("p", "h1", "h2", "dt", "dd"):
            self.paragraphs.append(self.text)

    def handle_data(self, data):
        if self.text is not None:
            self.text += data


def reported(path, model, *data):
    assert model.report(path, *data) is None
    return Reading(path)


def three_classes(seed=0, n_rows=300):
    dice = random.Random(seed)
    X = [[dice.gauss(0, 1), dice.gauss(5, 3), dice.gauss(0, 0.01)] for _ in range(n_rows)]
    y = ["abc"[(a > 0) + (b > 5 + dice.gauss(0, 2))] for a, b, _ in X]
    return X, y


def test_the_numbers_are_those_of_the_model(tmp_path):
    X, y = three_classes()
    model = pp.Perceptron(l2=0.01).fit(X[:200], y[:200])
    page = reported(tmp_path / "page.html", model, X[200:], y[200:])
    probabilities, predicted = np.array(model.predict_proba(X[200:])), model.predict(X[200:])
    codes = np.array(["abc".index(label) for label in y[200:]])
    own = probabilities[range(100), codes]
    areas = [np.mean(np.greater.outer(p[codes == c], p[codes != c])) for c, p in enumerate(probabilities.T)]
    matrix = [[sum(pair == (a, b) for pair in zip(y[200:], predicted, strict=True)) for b in "abc"] for a in "abc"]
    measures = {line[0]: line[1] for line in page.tables["Measures"]}
    assert measures["log-loss"] == f"{-np.mean(np.log(own)):.4f}"
    assert measures["accuracy"] == f"{np.trace(matrix) / 100:.4f}"
    assert measures["ROC AUC"] == f"{np.mean(areas):.4f}"
    lines = [[label, *map(str, counts)] for label, counts in zip("abc", matrix, strict=True)]
    assert page.tables["Confusion matrix"] == [["class", "a", "b", "c"], *lines]
    assert [line[:2] for line in page.tables["Classes"][1:]] == [[label, str(y[200:].count(label))] for label in "abc"]
    last = model.history_[-1]
    assert page.tables["Steps of the training"][-1][:2] == [str(last["iteration"]), f"{last['objective']:.6g}"]
    column = [row[1] for row in X[200:]]
    numbers = [f"{number:.6g}" for number in (min(column), np.mean(column), max(column))]
    assert page.tables["Columns of numbers"][2] == ["x1", *numbers, "0"]
    assert page.paragraphs[:2] == ["What the model learned", "3 classes: a, b, c. Trained on 200 rows of 3 columns."]


def test_weights_stand_by_size(tmp_path):
    X, y = three_classes()
    model = pp.Perceptron(l2=0.01).fit(X, [label == "a" for label in y])
    page = reported(tmp_path / "page.html", model)
    deviations = np.std(X, axis=0)
    sizes = {f"x{j}": model.coef_[0][j] * deviations[j] for j in range(3)}
    assert [line[0] for line in page.tables["Weights by size"][1:]] == sorted(sizes, key=lambda name: -abs(sizes[name]))
    assert {line[0]: float(line[2]) for line in page.tables["Weights by size"][1:]} == pytest.approx(sizes, rel=1e-3)
    assert "No rows were given. With X and y this page says how well the model answers." in page.paragraphs
    assert "Measures" not in page.tables


def test_texts_missing_values_and_unknown_texts(tmp_path):
    table = pp.Table({"age": [20, None, 40, 60] * 5, "work": ["state", "private", None, "state"] * 5}, missing="mean")
    model = pp.Perceptron(l2=0.1).fit(table, ["yes", "no", "no", "yes"] * 5)
    given = pp.Table({"age": [20, None, 30], "work": ["state", "army", ""]}, missing="mean")
    page = reported(tmp_path / "page.html", model, given, ["yes", "no", "yes"])
    assert page.tables["Columns of numbers"][1] == ["age", "20", "25", "30", "1"]
    assert page.tables["Columns of texts"][1] == ["work", "2", "state", "33.3%", "1", "1"]
    assert "work=private" in [line[0] for line in page.tables["Weights by size"]]


def test_findings_stand_with_their_remedies(tmp_path):
    X = [[float(i), 2.0 * i] for i in range(20)]
    with pytest.warns(pp.TrainingWarning):
        model = pp.Perceptron().fit(X, [i > 9 for i in range(20)])
    page = reported(tmp_path / "page.html", model, X, [i > 9 for i in range(20)])
    assert model.findings_
    assert [finding for finding in model.findings_ if finding not in page.paragraphs] == []
    clean = reported(tmp_path / "clean.html", pp.Perceptron(l2=0.1).fit([[0.0], [1.0], [2.0]], [0, 1, 1]))
    assert "The training has no findings: nothing about it needs attention." in clean.paragraphs


def test_a_model_of_independent_outputs_is_evaluated_output_by_output(tmp_path):
    X, _ = three_classes()
    y = [[int(a > 0), int(b > 5)] for a, b, _ in X]
    model = pp.Perceptron(l2=0.1).fit(X, y)
    page = reported(tmp_path / "page.html", model, X, y)
    right = [f"{np.mean([p[c] == row[c] for p, row in zip(model.predict(X), y, strict=True)]):.4f}" for c in range(2)]
    assert page.tables["Measures"][3][:2] == ["accuracy", right[1]]  # the last of two tables of this name
    assert "How well it answers, output 0" in page.paragraphs
    for wrong in ([0, 1] * 150, [[0, 1, 1], [1, 0, 0]] * 150):
        with pytest.raises(ValueError, match="y is no matrix of 0 and 1 with 2 columns; expected one, as in fit"):
            model.report(tmp_path / "page.html", X, wrong)


def test_many_classes_columns_and_outputs_are_cut_with_a_note(tmp_path):
    dice = random.Random(0)
    X = [[dice.gauss(0, 1) for _ in range(130)] for _ in range(240)]
    model = pp.Perceptron(l2=1.0).fit(X, [i % 60 for i in range(240)])
    page = reported(tmp_path / "page.html", model, X, [i % 60 for i in range(240)])
    assert len(page.tables["Columns of numbers"]) == 101
    assert len(page.tables["Classes"]) == 51
    assert "Confusion matrix" not in page.tables
    assert "Shown are the first 10 of 60 outputs." in page.paragraphs
    assert (tmp_path / "page.html").stat().st_size < 1_000_000


def test_models_without_a_training_and_models_from_files(tmp_path):
    known = pp.Perceptron.from_coefficients([[1.0, -2.0]], [0.5], ["no", "yes"])
    page = reported(tmp_path / "page.html", known, [[1.0, 0.0], [0.0, 1.0]], ["yes", "no"])
    assert "The weights were given: there was no training." in page.paragraphs
    assert "There was no training, so there are no findings." in page.paragraphs
    X, y = three_classes()
    loaded = pp.from_json(pp.Perceptron(l2=0.1).fit(X, y).to_json())
    page = reported(tmp_path / "page.html", loaded, X, y)
    assert page.tables["Steps of the training"][0] == [
        "step",
        "objective",
        "loss",
        "penalty",
        "gradient norm",
        "step size",
        "passes",
    ]


def test_refusals_leave_the_file_alone(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(pp.NotFittedError):
        pp.Perceptron().report(path)
    X, y = three_classes()
    model = pp.Perceptron(l2=0.1).fit(X, y)
    for data, sentence in (
        ((X,), "y is None; expected X and y together, or neither"),
        ((None, y), "X is None; expected X and y together, or neither"),
        ((X, y[1:]), "y has 299"),
        ((X, ["d", *y[1:]]), "'d'"),
        (([[1.0]], ["a"]), "X has 1 column but the model was fitted with 3"),
        (([], []), "X"),
    ):
        with pytest.raises(ValueError, match=sentence):
            model.report(path, *data)
    of_probabilities = pp.Perceptron(targets="probabilities", l2=0.1).fit(X, [0.3, 0.6, 0.9] * 100)
    with pytest.raises(ValueError, match="y holds probabilities; expected a label for each row"):
        of_probabilities.report(path, X, [0.3, 0.6, 0.9] * 100)
    assert path.read_text() == "old"
    of_probabilities.report(tmp_path / "labels.html", X, [0, 1, 1] * 100)
    with pytest.raises(FileNotFoundError):
        model.report(tmp_path / "none" / "page.html", X, y)


@pytest.mark.parametrize("container", ["numpy", "buffer"])
def test_every_container_gives_the_same_page(tmp_path, container):
    X, y = three_classes()
    model = pp.Perceptron(l2=0.1).fit(X, y)
    model.report(tmp_path / "lists.html", X, y)
    given = (np.asfortranarray(X), np.array(y)) if container == "numpy" else (memoryview(np.array(X)), y)
    model.report(tmp_path / "others.html", *given)
    assert (tmp_path / "others.html").read_bytes() == (tmp_path / "lists.html").read_bytes()


def hostile_model():
    dice = random.Random(0)
    columns = {name: [dice.gauss(0, 1) for _ in range(60)] for name in HOSTILE[:6]}
    columns["words"] = [HOSTILE[i % 7] for i in range(60)]
    table = pp.Table(columns)
    y = [HOSTILE[i % 3] for i in range(60)]
    return pp.Perceptron(l2=0.1).fit(table, y), table, y


def test_nothing_of_the_data_is_markup(tmp_path):
    path = tmp_path / "page.html"
    page = reported(path, *hostile_model())
    assert {tag for tag, _ in page.elements} & {"script", "img", "iframe", "a", "form", "input"} == set()
    assert not [attributes for _, attributes in page.elements if [a for a in attributes if a.startswith("on") or a == "style"]]
    [policy] = [a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'none'; ")
    assert "unsafe" not in policy
    for style in re.findall("<style>(.*?)</style>", path.read_text("utf-8"), re.DOTALL):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in policy
    assert any(label.startswith("</script><script>") for label in page.tables["Confusion matrix"][0])


# The command line.


def test_train_writes_the_page(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dice = random.Random(0)
    lines = [f"{dice.gauss(i % 2, 1):.3f},{dice.choice('rgb')},{'yes' if i % 2 else 'no'}" for i in range(100)]
    (tmp_path / "rows.csv").write_text("\n".join(["size,colour,bought", *lines]))
    command = ["train", "rows.csv", "--target", "bought", "--model", "model.json", "--report", "page.html"]
    assert main(command) == 0
    assert capsys.readouterr().out.endswith("wrote model.json and page.html\n")
    page = Reading(tmp_path / "page.html")
    assert page.paragraphs[1] == "2 classes of bought: no, yes. Trained on 100 rows of 2 columns, 1 of them texts."
    assert any(
        text.startswith("Measured on the rows of the training (100). A model answers them better") for text in page.paragraphs
    )
    assert main([*command, "--validate", "0.2"]) == 0
    page = Reading(tmp_path / "page.html")
    assert any(text.startswith("Measured on rows that were left out of the training (20)") for text in page.paragraphs)
    for wrong, sentence in (
        ("model.json", "--report model.json is the file of the model: name another one"),
        ("rows.csv", "--report rows.csv is the file of the rows: name another one"),
        ("none/page.html", "cannot write none/page.html: there is no folder none"),
        ("-", "--report needs the name of a file; standard output has the report"),
    ):
        with contextlib.suppress(SystemExit):
            assert main([*command[:-1], wrong]) == 1
        assert sentence in capsys.readouterr().err


# In the browser.


def write_page(name, path):
    if name == "hostile":
        model, *data = hostile_model()
    elif name == "outputs":
        X, _ = three_classes()
        data = X, [[int(a > 0), int(b > 5)] for a, b, _ in X]
        model = pp.Perceptron(l2=0.1).fit(*data)
    else:
        X, y = three_classes()
        data = X, [label == "a" for label in y] if name == "two" else y
        with pytest.warns(pp.TrainingWarning):
            model = pp.Perceptron(l2=1e-9, max_iter=1).fit(*data)
    model.report(path, *data)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", ["two", "three", "outputs", "hostile"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(tmp_path, open_page, name, width, scheme):
    write_page(name, tmp_path / "page.html")
    page = open_page(tmp_path / "page.html", viewport={"width": width, "height": 800}, color_scheme=scheme)
    for summary in page.query_selector_all("summary"):
        summary.press("Enter")
    assert page.evaluate("[...document.querySelectorAll('details')].every(details => details.open)")
    assert axe_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.hacked") is None
