"""The page on which a layer trains: its file, its arithmetic under node, and what a person does with it in Chromium."""

import base64
import csv
import hashlib
import json
import math
import random
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pages import HOSTILE, axe_violations, until

import pyperceptron as pp
from pyperceptron.cli import main
from pyperceptron.containers import Rows
from pyperceptron.report.training import write_training_page
from pyperceptron.vectors import as_view

INPUTS = [[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]]
TARGETS = [0, 1, 1, 0]
REPORT = Path(pp.__file__).parent / "report"
COMPILED = "cython" in pp.available_backends()


def lesson_layer(**params):
    return pp.SigmoidLayer(3, seed=1, **params)


def compiled_or_reference(*args, **params):
    """The layer whose bits the page has or, where there is only the reference, comes near."""
    return pp.SigmoidLayer(*args, **params, backend="cython" if COMPILED else "python")


def assert_same_numbers(found, expected):
    """The same bits as the compiled backend; near the reference, if that is all there is."""
    if COMPILED:
        assert found == expected
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def data_of(path):
    [text] = re.findall(r'<script type="application/json" id="page-data">(.*?)</script>', path.read_text("utf-8"), re.DOTALL)
    return json.loads(text)


def random_problem(dice, most_rows=1500):
    """Inputs, targets, and the arguments of a layer and its training, of every size that takes another path in the library."""
    n, k = dice.choice([1, 2, 3, 5, 7, 8, 9, 12, 16, 17, 23, 24, 25, 70]), dice.choice([1, 1, 2, 3, 4, 5, 9])
    rows = dice.choice([size for size in (1, 2, 3, 4, 5, 7, 9, 30, 100, 255, 256, 257, 300, 700, 1500) if size <= most_rows])
    inputs = [[dice.choice([0, 1, dice.gauss(0, 1), dice.uniform(-9, 9)]) for _ in range(n)] for _ in range(rows)]
    targets = [[dice.choice([0, 1, dice.random()]) for _ in range(k)] for _ in range(rows)]
    layer = {
        "n_inputs": n,
        "n_outputs": k,
        "bias": dice.random() < 0.5,
        "seed": dice.choice([0, 1, 2**32 - 1, dice.getrandbits(32)]),
    }
    return (
        inputs,
        targets,
        layer,
        {"iterations": dice.choice([1, 2, 7, 40]), "learning_rate": dice.choice([1.0, 0.1, 0.37, 1 / rows])},
    )


# The file.


def test_the_page_is_small_and_holds_the_data(tmp_path):
    path = tmp_path / "page.html"
    assert lesson_layer().report(path, INPUTS, TARGETS) is None
    data = data_of(path)
    assert (data["inputs"], data["targets"]) == (INPUTS, [[target] for target in TARGETS])
    assert (data["seed"], data["weights"], data["bias"]) == (1, None, False)
    assert (data["steps"], data["rate"], data["ask"]) == (20_000, 1.0, INPUTS[0])
    assert path.stat().st_size < 120_000
    assert not re.search(r"(https?:)?//[a-z]", path.read_text("utf-8").replace("http://www.w3.org/2000/svg", ""))


def test_the_content_policy_admits_the_pages_own_script_and_style_only(tmp_path):
    path = tmp_path / "page.html"
    lesson_layer().report(path, INPUTS, TARGETS)
    text = path.read_text("utf-8")
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for directive, tag in (("script-src", '<script type="module">(.*?)</script>'), ("style-src", "<style>(.*?)</style>")):
        [inline] = re.findall(tag, text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in policy
    assert not re.search(r"\s(on\w+|style)=", text.split("</style>")[1].split("<script")[0])


def test_the_page_starts_where_the_layer_started(tmp_path):
    path = tmp_path / "page.html"
    layer = lesson_layer(bias=True).train(INPUTS, TARGETS, 5)
    weights, findings = layer.weights, layer.findings
    layer.report(path, INPUTS, TARGETS, iterations=7, learning_rate=0.5, situation=[1, 0, 0])
    assert (layer.weights, layer.findings) == (weights, findings)
    data = data_of(path)
    assert (data["seed"], data["weights"], data["bias"]) == (1, None, True)
    assert (data["steps"], data["rate"], data["ask"]) == (7, 0.5, [1, 0, 0])
    layer.bias = [0.25]
    layer.report(path, INPUTS, TARGETS)
    assert (data_of(path)["seed"], data_of(path)["weights"], data_of(path)["biases"]) == (None, weights, [0.25])
    layer.weights = [0.5, -0.0, 1e-300]
    layer.train(INPUTS, TARGETS, 5).report(path, INPUTS, TARGETS)
    assert data_of(path)["weights"] == [[0.5], [0.0], [1e-300]]
    assert math.copysign(1, data_of(path)["weights"][1][0]) == -1
    pp.from_json(layer.to_json()).report(path, INPUTS, TARGETS)
    assert data_of(path)["weights"] == layer.weights
    unseeded = pp.SigmoidLayer(3)
    weights = unseeded.weights
    unseeded.train(INPUTS, TARGETS, 5).report(path, INPUTS, TARGETS)
    assert data_of(path)["weights"] == weights


def test_refusals_leave_the_file_alone(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    layer = lesson_layer()
    with pytest.raises(ValueError, match=r"targets row 1.* is 2\.0; expected a number from 0 to 1"):
        layer.report(path, INPUTS, [0, 2, 1, 0])
    with pytest.raises(ValueError, match="iterations is 0; expected a whole number from 1 to 10000000"):
        layer.report(path, INPUTS, TARGETS, iterations=0)
    with pytest.raises(ValueError, match="learning_rate is -1; expected a positive finite number"):
        layer.report(path, INPUTS, TARGETS, learning_rate=-1)
    with pytest.raises(ValueError, match="inputs have 2 columns but the layer has 3 inputs"):
        layer.report(path, INPUTS, TARGETS, situation=[1, 0])
    with pytest.raises(ValueError, match="have 8193 rows of 4 numbers; expected at most 8192 rows and 65536 numbers in a page"):
        layer.report(path, [[0, 0, 1]] * 8193, [0] * 8193)
    with pytest.raises(ValueError, match="the layer has 90000 weights; expected at most 65536 in a page"):
        pp.SigmoidLayer(300, 300).report(path, [[0.0] * 300], [[0.0] * 300])
    assert path.read_text() == "old"
    with pytest.raises(FileNotFoundError):
        layer.report(tmp_path / "none" / "page.html", INPUTS, TARGETS)


def test_the_demo_writes_the_page(tmp_path, capsys):
    path = tmp_path / "page.html"
    assert main(["demo", "--html", str(path), "--seed", "7", "--iterations", "99", "--ask", "1", "0", "0.5"]) == 0
    assert capsys.readouterr().out == f"Open {path} in a browser.\n"
    data = data_of(path)
    assert (data["seed"], data["steps"], data["ask"]) == (7, 99, [1, 0, 0.5])
    assert main(["demo", "--html", str(tmp_path / "none" / "page.html")]) == 1
    assert capsys.readouterr().err.startswith("pyperceptron demo: cannot write ")
    for option in (["--steps", "1"], ["--backend", "python"]):
        with pytest.raises(SystemExit):
            main(["demo", "--html", str(path), *option])
        assert f"{option[0]} does not go with --html" in capsys.readouterr().err


# The arithmetic, under node.


def in_node(tmp_path, script, argument, *modules):
    """Run a script after modules of the page; it has the argument, as JSON, and what it returns comes back."""
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    (tmp_path / "argument.json").write_text(json.dumps(argument))
    program = "\n".join((REPORT / module).read_text("utf-8") for module in modules)
    program += "\nconst argument = JSON.parse(require('fs').readFileSync('argument.json', 'utf8'));\n"
    program += f"console.log(JSON.stringify((() => {{{script}}})()));"
    (tmp_path / "program.js").write_text(program, encoding="utf-8")
    return json.loads(subprocess.run(["node", "program.js"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout)


TRAIN = """
return argument.map(([inputs, targets, layer, training]) => {
  const weights = seededWeights(layer.seed, layer.n_inputs, layer.n_outputs);
  const options = {bias: layer.bias, rate: training.learning_rate, steps: training.iterations, weights, biases: null};
  const p = makeProblem({inputs, targets}, options), trained = new Training(p);
  trained.work(p.steps, Infinity);
  const last = trained.at(p.steps - 1).slice(), outputs = targets[0].map((_, c) => numbersOfStep(p, last, c).outputs);
  trained.at(0);
  const after = trained.at(p.steps), each = targets[0].map((_, c) => c);
  return [
    weights, inputs[0].map((_, j) => each.map((c) => after[c * p.width + j])),
    p.bias ? each.map((c) => after[c * p.width + p.n]) : null, targets.map((_, i) => each.map((c) => outputs[c][i])),
  ];
});
"""


def trained_by_the_library(inputs, targets, params, training):
    layer = compiled_or_reference(**params)
    start = layer.weights
    layer.train(inputs, targets, **training)
    return [start, layer.weights, layer.bias, layer.outputs]


@pytest.mark.filterwarnings("ignore::pyperceptron.exceptions.TrainingWarning")
@pytest.mark.parametrize("seed", range(4))
def test_random_trainings_under_node(tmp_path, seed):
    dice = random.Random(seed)
    problems = [random_problem(dice, 1500 if COMPILED else 30) for _ in range(40)]
    problems = [problem for problem in problems if len(problem[0]) * len(problem[0][0]) * len(problem[1][0]) < 60_000]
    if not COMPILED:  # long steps amplify the rounding, in which the reference differs
        for *_, training in problems:
            training["iterations"] = min(training["iterations"], 2)
    for found, problem in zip(in_node(tmp_path, TRAIN, problems, "neuron.js"), problems, strict=True):
        for numbers, expected in zip(found, trained_by_the_library(*problem), strict=True):
            if expected is None:
                assert numbers is None
            else:
                assert_same_numbers(numbers, expected)


def test_the_lesson_under_node(tmp_path):
    layer = {"n_inputs": 3, "n_outputs": 1, "bias": False, "seed": 1}
    problems = [
        (INPUTS, [[t] for t in TARGETS], layer, {"iterations": n, "learning_rate": 1}) for n in (1, 10, 1000, 20_000, 100_000)
    ]
    for found, problem in zip(in_node(tmp_path, TRAIN, problems, "neuron.js"), problems, strict=True):
        for numbers, expected in zip(found, trained_by_the_library(*problem), strict=True):
            assert_same_numbers(numbers or [], expected or [])


def test_the_sigmoid_under_node(tmp_path):
    dice = random.Random(1)
    values = [0.0, -0.0, 1e-320, 709.0, -709.8, -745.2, -746.0, 1e300, -1e300] + [
        dice.gauss(0, 10 ** dice.uniform(-3, 3)) for _ in range(5000)
    ]
    found = in_node(tmp_path, "return argument.map(sigmoid);", values, "neuron.js")
    layer = compiled_or_reference(1, weights=[[1.0]])
    assert_same_numbers(found, [output for [output] in layer.forward([[value] for value in values])])


def test_numbers_are_printed_as_by_python(tmp_path):
    dice = random.Random(2)
    values = [
        0.0,
        0.5**9,
        -(0.5**9),
        3 * 0.5**9,
        0.5**6,
        3 * 0.5**6,
        1e5 + 0.5**9,
        0.125,
        123456.0000000051,
        999999.999999999,
        1e-9,
    ]
    values += [dice.gauss(0, 10 ** dice.uniform(-9, 5)) for _ in range(3000)]
    values += [dice.randrange(1 << 14) / 512 for _ in range(500)] + [dice.randrange(1 << 14) / 64 for _ in range(500)]
    found = in_node(tmp_path, "return argument.map((x) => [fixed(x, 8), fixed(x, 5)]);", values, "neuron.js", "numbers.js")
    assert found == [[f"{value:.8f}", f"{value:.5f}"] for value in values]


def test_numbers_are_shortened_without_changing_their_size(tmp_path):
    dice = random.Random(2)
    values = [1712345678, 2**53, 123456789.123, 0.1, 1e149, -2.5e-7, -0.000123456789, 0, 99999999.6, 999999995]
    values += [dice.gauss(0, 1) * 10.0 ** dice.randrange(-160, 150) for _ in range(2000)]
    values += [dice.randrange(10**12) for _ in range(500)]
    for most, digits in ((8, 1), (12, 5)):
        found = in_node(tmp_path, f"return argument.map((x) => brief(x, {most}));", values, "neuron.js", "numbers.js")
        assert max(map(len, found)) <= most
        np.testing.assert_allclose(list(map(float, found)), values, rtol=0.5 * 10.0 ** (1 - digits))


@pytest.mark.parametrize(
    ("text", "targets", "expected"),
    [
        ("1\t\u22122\t0\t\t\n3\t4\t1\t\t\n", 1, ([[1, -2], [3, 4]], [[0], [1]], None)),
        ("0\t1\n1\t0", 1, ([[0], [1]], [[1], [0]], None)),
        ("a,b c,y\r\n1,2,0\r\n3,4,1\r\n\r\n", 1, ([[1, 2], [3, 4]], [[0], [1]], ["a", "b c"])),
        ('"a, ""1""";y\n-1.5e3;.5\n', 1, ([[-1500]], [[0.5]], ['a, "1"'])),
        ("1 2  0 1\n3 4 1 0", 2, ([[1, 2], [3, 4]], [[0, 1], [1, 0]], None)),
        ('a\t"two\nlines"\ty\n1\t2\t1', 1, ([[1, 2]], [[1]], ["a", "two\nlines"])),
        ("", 1, "The table is empty: paste rows of numbers, the target last."),
        ("1\n0", 1, "The table has 1 column; expected at least 2: 1 target after the inputs, parted by tabs or commas."),
        ("a\ty", 1, "The table has names but no rows: paste rows of numbers below them."),
        ("1\t0\n2", 1, "Row 2 has 1 cell but the first line has 2: give each row as many."),
        ("1\t0\n2\t", 1, "Row 2, column 2 is empty; expected a number from 0 to 1: fill it in or leave that row out."),
        (
            "age\ty\n1\t0\nn/a\t1",
            1,
            "Row 2, column 'age' is 'n/a'; expected a number from -1e150 to 1e150: fill it in or leave that row out.",
        ),
        (
            "1\t0\nnan\t1",
            1,
            "Row 2, column 1 is 'nan'; expected a number from -1e150 to 1e150: fill it in or leave that row out.",
        ),
        (
            "0x10\t0\n1\t1",
            1,
            "Row 1, column 1 is '0x10'; expected a number from -1e150 to 1e150: fill it in or leave that row out.",
        ),
        (
            "0,5\t0\n1,5\t1",
            1,
            "Row 1, column 1 is '0,5'; expected a number from -1e150 to 1e150: write it with a point, as 0.5.",
        ),
        ("5\t2", 1, "Row 1, column 2 is '2'; expected a number from 0 to 1: scale the targets first."),
        ("1e151\t1", 1, "Row 1, column 1 is '1e151'; expected a number from -1e150 to 1e150: scale it down."),
        ('1\t"0\n1\t1', 1, 'A quote " is never closed: close it or leave it out.'),
        (
            "1\t0\n" * 8193,
            1,
            "The table has 8,193 rows of 2 columns; expected at most 8,192 rows and 65,536 numbers: take a sample of the rows.",
        ),
    ],
)
def test_pasted_tables(tmp_path, text, targets, expected):
    script = """
    try { const t = readTable(...argument); return [t.inputs, t.targets, t.names]; } catch (error) { return error.message; }
    """
    assert in_node(tmp_path, script, [text, targets], "neuron.js", "numbers.js") == (
        expected if isinstance(expected, str) else list(expected)
    )


# In the browser.


@pytest.fixture
def lesson_page(tmp_path, open_page):
    path = tmp_path / "lesson.html"
    lesson_layer().report(path, INPUTS, TARGETS)
    return open_page(path)


def go_to(page, step):
    page.fill("#step", str(step))
    page.press("#step", "Enter")
    until(page, f"document.querySelector('#slider').value === '{step}'")


def message_of(page):
    return page.text_content("#message")


def computed_columns(page):
    """The table's texts, without the inputs and targets, which are fields: one list a row."""
    return page.evaluate(
        "[...document.querySelectorAll('#table tbody tr')].map("
        "row => [...row.querySelectorAll('td:not(.cell)')].map(cell => cell.textContent))"
    )


def weight_columns(page):
    return page.evaluate(
        "[...document.querySelectorAll('#weights tbody tr')].map(r => [...r.querySelectorAll('td')].map(c => c.textContent))"
    )


def downloaded(page, button, tmp_path):
    with page.expect_download() as started:
        page.click(button)
    path = tmp_path / started.value.suggested_filename
    started.value.save_as(path)
    return path


def set_value(page, field, value):
    """Set a field as a paste does; typing a long text would take minutes."""
    page.evaluate(
        "([id, value]) => { const f = document.querySelector(id); f.value = value; f.dispatchEvent(new Event('input')); }",
        [field, value],
    )


def shown_of(step):
    columns = (step.weighted_sums, step.outputs, step.errors, step.slopes, step.adjustments)
    return [[f"{number:.8f}" for [number] in numbers] for numbers in zip(*columns, strict=True)]


def test_steps_show_the_numbers_of_the_library(lesson_page):
    page = lesson_page
    steps = {
        step.iteration: step
        for step in lesson_layer().trace(INPUTS, TARGETS, 20_000)
        if step.iteration in (1, 2, 10, 1000, 20_000)
    }
    assert page.input_value("#step") == "1"
    assert page.text_content("#play-text") == "Play"
    for number, step in steps.items():
        go_to(page, number)
        assert computed_columns(page) == shown_of(step)
        changes = [after - before for [before], [after] in zip(step.weights, step.updated_weights, strict=True)]
        assert weight_columns(page) == [
            [f"{before:.8f}", f"{change:.8f}", f"{after:.8f}"]
            for [before], change, [after] in zip(step.weights, changes, step.updated_weights, strict=True)
        ]
        loss = sum(error * error for [error] in step.errors) / 2
        assert page.text_content("#loss") == f"{loss:.8f}"
        drawn = page.evaluate("[...document.querySelectorAll('#neuron .weight')].map(t => t.textContent)")
        assert drawn == [f"{weight:.8f}" for [weight] in step.weights]
        assert f"{step.outputs[0][0]:.8f}" in page.text_content("#neuron")
        worked = page.text_content("#row")
        for [text] in zip(shown_of(step)[0]):
            assert text in worked
    assert message_of(page) == f"Step 20,000 of 20,000: the loss is {loss:.8f}."


def test_stepping_back_and_rewinding_return_to_the_same_bits(lesson_page, tmp_path):
    page = lesson_page
    first = downloaded(page, "#save-csv", tmp_path).read_bytes()
    seen = {}
    for step in (1, 2, 3):
        seen[step] = (computed_columns(page), weight_columns(page))
        page.click("#forward")
    assert page.input_value("#step") == "4"
    for step in (3, 2, 1):
        page.click("#back")
        assert (computed_columns(page), weight_columns(page)) == seen[step]
    assert page.is_disabled("#back")
    assert page.is_disabled("#rewind")
    for step in (20_000, 19_999, 777, 19_998, 1):
        go_to(page, step)
        layer = compiled_or_reference(3, seed=1).train(INPUTS, TARGETS, step)
        assert_same_numbers(pp.load(downloaded(page, "#save-model", tmp_path)).weights, layer.weights)
    page.click("#end")
    until(page, "document.querySelector('#slider').value === '20000'")
    page.click("#rewind")
    assert downloaded(page, "#save-csv", tmp_path).read_bytes() == first


def test_playing_pauses_and_ends(lesson_page):
    page = lesson_page
    page.select_option("#speed", "10")
    page.click("#play")
    assert page.text_content("#play-text") == "Pause"
    until(page, "Number(document.querySelector('#slider').value) >= 4")
    page.click("#play")
    step = int(page.input_value("#step"))
    assert message_of(page).startswith(f"Step {step} of 20,000: the loss is 0.")
    [expected] = [s for s in lesson_layer().trace(INPUTS, TARGETS, step) if s.iteration == step]
    assert computed_columns(page) == shown_of(expected)
    page.wait_for_timeout(300)
    assert page.input_value("#step") == str(step)
    page.fill("#steps", "30")
    page.press("#steps", "Enter")
    page.select_option("#speed", "100")
    page.click("#play")
    until(page, "document.querySelector('#play-text').textContent === 'Play'")
    assert page.input_value("#step") == "30"
    page.click("#play")  # from the start again
    until(page, "Number(document.querySelector('#slider').value) < 30")
    page.click("#play")


def test_a_hundred_thousand_steps_in_the_browser(lesson_page, tmp_path):
    page = lesson_page
    page.fill("#steps", "100000")
    page.press("#steps", "Enter")
    page.click("#end")
    until(page, "document.querySelector('#slider').value === '100000'")
    file = downloaded(page, "#save-model", tmp_path)
    layer = compiled_or_reference(3, seed=1).train(INPUTS, TARGETS, 100_000)
    loaded = pp.load(file)
    assert_same_numbers(loaded.weights, layer.weights)
    assert file.read_text().splitlines()[1:-2] == pp.SigmoidLayer(3, weights=loaded.weights).to_json().splitlines()[1:-2]
    with downloaded(page, "#save-csv", tmp_path).open(newline="") as lines:
        table = list(csv.reader(lines))
    assert table[0] == ["input 1", "input 2", "input 3", "target", "weighted sum", "output", "error", "slope", "adjustment"]
    assert [list(map(float, row[:4])) for row in table[1:]] == [[*row, t] for row, t in zip(INPUTS, TARGETS, strict=True)]
    assert_same_numbers([[float(row[5])] for row in table[1:]], layer.outputs)


def test_other_settings_train_as_the_library_does(lesson_page, tmp_path):
    page = lesson_page
    for field, value in (("#rate", "0.25"), ("#steps", "500"), ("#seed", "4294967295")):
        page.fill(field, value)
        page.press(field, "Enter")
    page.check("#bias")
    assert page.input_value("#step") == "1"
    page.click("#end")
    layer = compiled_or_reference(3, seed=4294967295, bias=True).train(INPUTS, TARGETS, 500, 0.25)
    loaded = pp.load(downloaded(page, "#save-model", tmp_path))
    assert_same_numbers([*loaded.weights, loaded.bias], [*layer.weights, layer.bias])
    for field, value, sentence in (
        ("#rate", "0", "Learning rate is '0'; expected a positive number, such as 0.5."),
        ("#rate", "fast", "Learning rate is 'fast'; expected a positive number, such as 0.5."),
        ("#steps", "1e9", "Steps is '1e9'; expected a whole number from 1 to 10000000."),
        ("#seed", "-1", "Seed is '-1'; expected a whole number from 0 to 4294967295."),
        ("#seed", "", "Seed is ''; expected a whole number from 0 to 4294967295."),
        ("#step", "501", "Step is '501'; expected a whole number from 1 to 500."),
    ):
        page.fill(field, value)
        page.press(field, "Enter")
        assert message_of(page) == sentence
        assert page.get_attribute(field, "aria-invalid") == "true"
    loaded_again = pp.load(downloaded(page, "#save-model", tmp_path))
    assert loaded_again.weights == loaded.weights


def test_the_table_is_edited_and_pasted(lesson_page, tmp_path):
    page = lesson_page
    page.fill('[aria-label="Row 2, input 1"]', "2.5")
    page.press('[aria-label="Row 2, input 1"]', "Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") in ("Row 2, input 1", "Row 2, input 2")
    page.fill('[aria-label="Row 4, target"]', "0.25")
    page.press('[aria-label="Row 4, target"]', "Enter")
    assert "Row 4, target is now 0.25." in message_of(page)
    page.fill('[aria-label="Row 1, target"]', "7")
    page.press('[aria-label="Row 1, target"]', "Enter")
    assert message_of(page) == "Row 1, 'target' is '7'; expected a number from 0 to 1: scale the targets first."
    page.click("#add-row")
    page.fill('[aria-label="Row 5, input 3"]', "-1")
    page.press('[aria-label="Row 5, input 3"]', "Enter")
    page.click('[aria-label="Row 1: show its arithmetic"]')
    page.click("#remove-row")
    page.click("#end")
    until(page, "document.querySelector('#slider').value === '20000'")
    edited = [[2.5, 1, 1], [1, 0, 1], [0, 1, 1], [0, 1, -1]], [1, 1, 0.25, 0.25]
    layer = compiled_or_reference(3, seed=1).train(*edited, 20_000)
    assert_same_numbers(pp.load(downloaded(page, "#save-model", tmp_path)).weights, layer.weights)

    dice = random.Random(7)
    inputs = [[dice.gauss(0, 1), dice.gauss(0, 30)] for _ in range(150)]
    targets = [[float(x > 0), float(y > 0)] for x, y in inputs]
    lines = ["dose\tage\tsick\told", *("\t".join(map(repr, [*x, *t])) for x, t in zip(inputs, targets, strict=True))]
    page.click("summary")
    assert page.input_value("#paste").splitlines()[1] == "2.5\t1\t1\t1"
    set_value(page, "#paste", "\n".join(lines).replace(repr(inputs[70][1]), "young"))
    page.fill("#target-columns", "2")
    page.click("#use")
    expected = "Row 71, column 'age' is 'young'; expected a number from -1e150 to 1e150: fill it in or leave that row out."
    assert page.text_content("#paste-message") == expected
    set_value(page, "#paste", "\n".join(lines))
    page.click("#use")
    page.fill("#rate", "0.001")
    page.press("#rate", "Enter")
    go_to(page, 1000)
    layer = compiled_or_reference(2, 2, seed=1).train(inputs, targets, 1000, 0.001)
    assert_same_numbers(pp.load(downloaded(page, "#save-model", tmp_path)).weights, layer.weights)
    assert page.is_visible("#plane")
    assert page.text_content("#rows-shown") == "Rows 1 to 20 of 150"
    page.click("#next-rows")
    page.select_option("#output", "1")
    assert [row[1] for row in computed_columns(page)] == [f"{output:.8f}" for [_, output] in layer.outputs[20:40]]
    page.click("#restore")
    assert page.input_value('[aria-label="Row 2, input 1"]') == "1"
    assert page.is_disabled("#restore")


def test_a_new_situation(lesson_page):
    page = lesson_page
    page.click("#end")
    until(page, "document.querySelector('#slider').value === '20000'")
    layer = lesson_layer().train(INPUTS, TARGETS)
    for situation, verdict in (([1, 0, 0], "1"), ([0, 1, 0.5], "0")):
        for j, value in enumerate(situation):
            page.fill(f"#ask label:nth-child({j + 1}) input", str(value))
            page.press(f"#ask label:nth-child({j + 1}) input", "Enter")
        [[answer]] = layer.forward([situation])
        assert f"= {answer:.8f}" in page.text_content("#answer")
        assert page.text_content("#verdict") == f"After step 20,000 the answer is {verdict}."
    for j in (1, 2, 3):
        page.fill(f"#ask label:nth-child({j}) input", "0")
        page.press(f"#ask label:nth-child({j}) input", "Enter")
    assert page.text_content("#verdict").endswith("without a bias the answer can only be 0.5.")
    page.fill("#ask label:nth-child(1) input", "x")
    page.press("#ask label:nth-child(1) input", "Enter")
    assert message_of(page).startswith("The new situation's input 1 is 'x'; expected a number")


def test_a_link_opens_the_same_state(lesson_page, open_page, tmp_path):
    page = lesson_page
    page.fill("#seed", "3")
    page.press("#seed", "Enter")
    page.fill('[aria-label="Row 3, input 2"]', "0.1")
    page.press('[aria-label="Row 3, input 2"]', "Enter")
    page.check("#bias")
    page.click('[aria-label="Row 4: show its arithmetic"]')
    go_to(page, 321)
    page.click("#make-link")
    link = page.input_value("#link")
    assert link == page.url
    other = open_page(tmp_path / "lesson.html", "#" + link.split("#")[1])
    assert other.input_value("#step") == "321"
    assert other.text_content("#row-title") == "Row 4 worked out"
    assert (computed_columns(other), weight_columns(other)) == (computed_columns(page), weight_columns(page))
    pages = [downloaded(each, "#save-model", tmp_path).read_bytes() for each in (page, other)]
    assert pages[0] == pages[1]


@pytest.mark.parametrize("named", ["inputs", "targets"])
def test_a_link_keeps_the_names_of_either_part(tmp_path, open_page, named):
    path = tmp_path / "page.html"
    names = {"inputs": (("a", "b"), None), "targets": (None, ("bought",))}[named]
    inputs, targets = (
        Rows(as_view(np.array(flat, float), width), "list", own)
        for flat, width, own in (([0, 1, 1, 1], 2, names[0]), ([0, 1], 1, names[1]))
    )
    settings = {"iterations": 9, "learning_rate": 1.0, "situation": [0.0, 1.0]}
    write_training_page(path, inputs, targets, seed=1, weights=[[0.0]] * 2, biases=None, **settings)
    page = open_page(path)
    page.fill("#table tbody tr:first-child td.cell input", "0.25")
    page.press("#table tbody tr:first-child td.cell input", "Tab")
    page.click("#make-link")
    again = open_page(path, "#" + page.url.split("#")[1])
    shown = "[...document.querySelectorAll('#table thead .bdi')].map(e => e.textContent)"
    assert (
        again.evaluate(shown)
        == page.evaluate(shown)
        == (["a", "b", "target"] if names[0] else ["input 1", "input 2", "bought"])
    )


@pytest.mark.parametrize(
    ("fragment", "sentence"),
    [
        ("#<script>window.hacked = 1</script>", "Steps of the link is ''; expected a whole number"),
        (
            "#step=1&steps=9&rate=1&seed=1&bias=0&row=9&output=1&ask=0,0,0",
            "Row of the link is '9'; expected a whole number from 1 to 4.",
        ),
        ("#step=1&steps=9&rate=1&seed=1&of=0", "The link belongs to another page"),
        ("#step=1&steps=9&rate=1&seed=&row=1", "The link has no seed"),
        ("#step=1&steps=9&rate=1&seed=1&inputs=1;2&targets=0;5", "Row 2, column 2 is '5'; expected a number from 0 to 1"),
        ("#step=1&steps=9&rate=1&seed=1&inputs=1;2&targets=0;1&names=%E0%A4%A", "The link is damaged: copy it again."),
    ],
)
def test_a_wrong_link_is_refused_with_a_sentence(tmp_path, open_page, fragment, sentence):
    path = tmp_path / "page.html"
    lesson_layer().report(path, INPUTS, TARGETS)
    page = open_page(path, fragment)
    assert message_of(page).startswith(sentence)
    assert page.input_value("#steps") == "20000"
    assert page.evaluate("window.hacked") is None


def test_hostile_names_are_texts(tmp_path, open_page):
    path = tmp_path / "page.html"
    rows = [[float(i == j) for j in range(8)] for i in range(3)]
    view = as_view(np.array(rows).ravel(), 8)
    targets = Rows(as_view(np.array([0.0, 1.0] * 3), 2), "list", (HOSTILE[0], HOSTILE[5]))
    write_training_page(
        path,
        Rows(view, "list", tuple(HOSTILE)),
        targets,
        seed=1,
        weights=[[0.0] * 2] * 8,
        biases=[0.0, 0.0],
        iterations=100,
        learning_rate=1.0,
        situation=rows[0],
    )
    page = open_page(path, viewport={"width": 360, "height": 740})
    shown = page.evaluate("[...document.querySelectorAll('#table th .bdi')].map(e => e.textContent)")
    assert shown == [*HOSTILE, HOSTILE[0]]
    page.select_option("#output", "1")
    page.click("#end")
    page.click("#make-link")
    again = open_page(path, "#" + page.url.split("#")[1], viewport={"width": 360, "height": 740})
    assert again.input_value("#step") == "100"
    again.click("summary")
    again.click("#use")
    assert again.text_content("#paste-message") == "The table has 3 rows and is in use."
    with downloaded(again, "#save-csv", tmp_path).open(newline="", encoding="utf-8") as lines:
        header = next(csv.reader(lines))
    assert header[0] == HOSTILE[0]
    assert header[5] == "'" + HOSTILE[5]
    for each in (page, again):
        assert each.evaluate("window.hacked") is None
        assert each.evaluate("document.documentElement.scrollWidth") == 360
        assert each.evaluate("document.scripts.length") == 2


def test_a_training_that_overflows_says_so(tmp_path, open_page):
    path = tmp_path / "page.html"
    inputs, targets = [[1e149, 1.0], [-1e149, 1.0], [1e149, -1.0]], [0, 0, 1]
    layer = pp.SigmoidLayer(2, weights=[[0.0], [0.5]])
    layer.report(path, inputs, targets, 50, 1e3)
    with pytest.raises(OverflowError, match="at iteration 1;"):
        layer.train(inputs, targets, 50, 1e3)
    page = open_page(path)
    until(page, "document.querySelector('#message').textContent.includes('1e150')")
    assert message_of(page) == (
        "Step 1 would take a weight beyond 1e150, so it is not made: choose a smaller learning rate or scale the inputs down."
    )
    assert page.is_disabled("#forward")
    assert pp.load(downloaded(page, "#save-model", tmp_path)).weights == [[0.0], [0.5]]


PAGES = {
    "lesson": lambda path: lesson_layer().report(path, INPUTS, TARGETS),
    "plane": lambda path: pp.SigmoidLayer(2, bias=True, weights=[0.5, -2]).report(
        path, [[i % 7, i % 11] for i in range(50)], [i % 2 for i in range(50)], 3000, 0.01
    ),
    "wide": lambda path: pp.SigmoidLayer(30, 12, seed=1, bias=True).report(
        path,
        [[math.sin(i * j) for j in range(30)] for i in range(300)],
        [[i % 12 == c for c in range(12)] for i in range(300)],
        300,
        0.1,
    ),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(tmp_path, open_page, name, width, scheme):
    path = tmp_path / "page.html"
    PAGES[name](path)
    page = open_page(path, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.click("#forward")
    page.click("summary")
    page.click("#make-link")
    page.fill("#rate", "x")
    page.press("#rate", "Enter")  # so that a refusal is shown too
    assert axe_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_alone_is_enough(lesson_page):
    page = lesson_page
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('aria-label') || ''"))
    for wanted in (
        "play",
        "forward",
        "end",
        "slider",
        "step",
        "speed",
        "rate",
        "bias",
        "Row 3, input 2",
        "add-row",
        "save-csv",
        "make-link",
    ):
        assert wanted in reached
    page.focus("#slider")
    page.keyboard.press("ArrowRight")
    assert page.input_value("#step") == "2"
    page.focus("#play")
    page.keyboard.press("Space")
    assert page.text_content("#play-text") == "Pause"
    page.keyboard.press("Space")
    assert page.text_content("#play-text") == "Play"


def test_less_motion_is_two_pictures_a_second(tmp_path, open_page):
    path = tmp_path / "page.html"
    lesson_layer().report(path, INPUTS, TARGETS)
    page = open_page(path, reduced_motion="reduce")
    page.evaluate(
        "window.changes = 0; new MutationObserver(() => window.changes++).observe(document.querySelector('#loss'),"
        " {childList: true, characterData: true, subtree: true})"
    )
    page.select_option("#speed", "1000")
    page.click("#play")
    page.wait_for_timeout(2000)
    assert 1 <= page.evaluate("window.changes") <= 6


def test_ten_thousand_steps_play_to_the_end(tmp_path, open_page):
    path = tmp_path / "page.html"
    lesson_layer().report(path, INPUTS, TARGETS, 10_000)
    page = open_page(path)
    page.select_option("#speed", "1000")
    page.click("#play")
    until(
        page, "document.querySelector('#step').value === '10000' && document.querySelector('#play-text').textContent === 'Play'"
    )
    layer = lesson_layer().train(INPUTS, TARGETS, 10_000)
    assert [line[-1] for line in weight_columns(page)] == [f"{weight:.8f}" for [weight] in layer.weights]


def test_the_print_shows_the_step_without_the_controls(lesson_page):
    page = lesson_page
    page.emulate_media(media="print")
    for hidden in ("#play", "#slider", "#rate", "#save-csv"):
        assert not page.is_visible(hidden)
    for visible in ("#neuron", "#curve", "#table", "#weights", "#row"):
        assert page.is_visible(visible)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf()[:4] == b"%PDF"
