"""The commands that train on a CSV file, answer one, evaluate and inspect: reports, errors and exit codes."""

import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

import pyperceptron as pp
from pyperceptron.cli import main

PROGRAM = [sys.executable, "-m", "pyperceptron"]


def run(capsys, *arguments):
    """Run the command; return its exit code, standard output and standard error."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as stopped:
        code = stopped.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A CSV file of 400 people with numbers, words, gaps in the words, and an answer that depends on them."""
    draw = random.Random(3)
    path = tmp_path_factory.mktemp("data") / "people.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        write = csv.writer(file).writerow
        write(["age", "city", "hours", "smokes", "income"])
        for _ in range(400):
            age, city, hours = draw.randrange(18, 80), draw.choice(["Oslo", "Rome, old town", "Lima", ""]), draw.gauss(38, 9)
            logit = (age - 45) / 15 + (hours - 38) / 9 + (city == "Oslo")
            answer = "high" if logit + draw.gauss(0, 1) > 0 else "low"
            write([age, city, f"{hours:.3f}", draw.choice(["yes", "no"]), answer])
    return path


@pytest.fixture(scope="module")
def trained(people, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.json"
    assert main(["train", str(people), "--target", "income", "--model", str(path)]) == 0
    return path


def answers(text):
    return list(csv.reader(io.StringIO(text)))


def test_train_writes_the_model_of_the_library(people, trained):
    table, y = pp.read_csv(people, target="income")
    model = pp.Perceptron(l2=1 / len(table)).fit(table, y)
    loaded = pp.load(trained)
    assert loaded.coef_ == model.coef_
    assert loaded.coef_names_ == model.coef_names_
    assert loaded.l2 == 1 / 400


def test_train_writes_the_same_bytes_each_time(people, trained, tmp_path, capsys):
    assert run(capsys, "train", people, "--target", "income", "--model", tmp_path / "again.json")[0] == 0
    assert (tmp_path / "again.json").read_bytes() == trained.read_bytes()


def test_the_report_of_a_training(people, tmp_path, capsys):
    code, out, err = run(capsys, "train", people, "--target", "income", "--model", tmp_path / "m.json", "--validate", "0.25")
    assert (code, err) == (0, "")
    assert "300 rows, 4 columns, 2 of them texts" in out
    assert "income: 2 classes" in out
    assert "l2 0.003333 = 1/rows, as scikit-learn's C = 1" in out
    assert "100 rows were left out of the training, drawn with seed 0" in out
    assert out.endswith(f"wrote {tmp_path / 'm.json'}\n")
    assert max(map(len, out.splitlines()[:-1])) <= 80 + len(str(people))


def test_the_report_of_a_training_as_json(people, tmp_path, capsys):
    arguments = ["train", people, "--target", "income", "--model", tmp_path / "m.json", "--validate", ".25", "--json"]
    report = json.loads(run(capsys, *arguments)[1])
    held_out = report["validation"]["held_out"]
    assert (len(held_out), report["rows"], report["weights"]) == (100, 300, 8)
    table, y = pp.read_csv(people, target="income")
    rest = sorted({*range(400)} - {*held_out})
    model = pp.Perceptron(l2=1 / 300).fit(table.take(rest), [y[row] for row in rest])
    assert pp.load(tmp_path / "m.json").coef_ == model.coef_
    accuracy = model.score(table.take(held_out), [y[row] for row in held_out])
    assert report["validation"]["measures"]["accuracy"]["value"] == pytest.approx(accuracy, rel=1e-12)
    other = json.loads(run(capsys, *arguments, "--seed", "1")[1])["validation"]["held_out"]
    assert other != held_out


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        (["--l2", "0.5"], {"l2": 0.5}),
        (["--l1", "0.01"], {"l1": 0.01}),
        (["--l1", "0.01", "--l2", "0.02"], {"l1": 0.01, "l2": 0.02}),
        (["--class-weight", "balanced"], {"l2": 1 / 400, "class_weight": "balanced"}),
        (["--class-weight", "high=3"], {"l2": 1 / 400, "class_weight": {"high": 3.0, "low": 1.0}}),
        (["--threads", "2"], {"l2": 1 / 400, "threads": 2}),
    ],
)
def test_the_options_of_a_training_are_parameters(people, tmp_path, capsys, options, parameters):
    assert run(capsys, "train", people, "--target", "income", "--model", tmp_path / "m.json", *options)[0] == 0
    table, y = pp.read_csv(people, target="income")
    assert pp.load(tmp_path / "m.json").coef_ == pp.Perceptron(**parameters).fit(table, y).coef_


def test_columns_are_left_out_and_decided_by_hand(people, tmp_path, capsys):
    code, *_ = run(
        capsys, "train", people, "--target", "4", "--model", tmp_path / "m.json", "--drop", "city", "3", "--columns", "age=text"
    )
    model = pp.load(tmp_path / "m.json")
    assert code == 0
    assert model.feature_names_in_ == ["age", "hours"]
    assert model.coef_names_[0] == "age=18"


def test_missing_numbers(tmp_path, capsys):
    path = tmp_path / "gaps.csv"
    path.write_text("x,y\n1,a\n,b\n3,a\n5,b\n4,b\n", encoding="utf-8")
    train = ["train", path, "--target", "y", "--model", tmp_path / "m.json"]
    code, out, err = run(capsys, *train)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert f"{path} line 3, column 'x' is ''" in err
    assert "--missing mean or --missing drop" in err
    assert run(capsys, *train, "--missing", "mean")[0] == 0
    assert pp.load(tmp_path / "m.json").encoding_ == [{"column": "x", "kind": "number", "fill": 3.25, "missing": True}]
    path.write_text("x\n\n7\n", encoding="utf-8")
    code, out, err = run(capsys, *train, "--missing", "drop")
    assert code == 2  # there is no column y now


def test_predictions_are_those_of_the_library(people, trained, capsys):
    code, out, err = run(capsys, "predict", trained, people, "--probabilities", "--keep", "city", "income")
    assert code == 0
    assert err == "pyperceptron predict: left out, as the model does not need them: income (the target)\n" or err == ""
    table, y = pp.read_csv(people, target="income")
    model = pp.load(trained)
    head, *rows = answers(out)
    assert head == ["city", "income", "prediction", "probability of high", "probability of low"]
    assert [row[0] for row in rows] == table["city"]
    assert [row[1] for row in rows] == y
    assert [row[2] for row in rows] == model.predict(table)
    assert [[float(number) for number in row[3:]] for row in rows] == model.predict_proba(table)


def test_plain_predictions_name_what_is_left_out(people, trained, capsys):
    code, out, err = run(capsys, "predict", trained, people)
    assert code == 0
    assert err == "pyperceptron predict: left out, as the model does not need them: income (the target)\n"
    assert answers(out)[0] == ["prediction"]
    assert len(answers(out)) == 401


def test_texts_that_the_training_did_not_see_are_counted(trained, tmp_path, capsys):
    path = tmp_path / "new.csv"
    path.write_text("hours,city,smokes,age\n38,Atlantis,no,40\n38,Oslo,no,40\n38,Mu,no,40\n", encoding="utf-8")
    code, out, err = run(capsys, "predict", trained, path, "--probabilities")
    assert code == 0
    assert err == (
        "pyperceptron predict: 2 rows hold in city a text that the training did not: it counts as none of the known ones\n"
    )
    assert answers(out)[1] == answers(out)[3] != answers(out)[2]


def test_a_bad_cell_is_named_with_its_line(trained, tmp_path, capsys):
    path = tmp_path / "new.csv"
    for cell, told in (
        ("", "column 'age' is ''; expected a number, as none"),
        ("old", "column 'age' is 'old'; expected a number"),
    ):
        path.write_text(f"hours,city,smokes,age\n38,Oslo,no,40\n38,'\",no,40\n38,Oslo,no,{cell}\n", encoding="utf-8")
        code, _, err = run(capsys, "predict", trained, path)
        assert (code, err.count("\n")) == (1, 1)
        assert f"{path} line 4, {told}" in err


def test_a_missing_column_is_named_with_exit_code_2(trained, tmp_path, capsys):
    path = tmp_path / "new.csv"
    path.write_text("hours,town,smokes,age\n38,Oslo,no,40\n", encoding="utf-8")
    code, out, err = run(capsys, "predict", trained, path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "'city'" in err


def test_evaluate_compares_with_the_labels(people, trained, capsys):
    code, out, _ = run(capsys, "evaluate", trained, people, "--json")
    assert code == 0
    table, y = pp.read_csv(people, target="income")
    accuracy = pp.load(trained).score(table, y)
    assert json.loads(out)["measures"]["accuracy"]["value"] == pytest.approx(accuracy, rel=1e-12)
    code, out, _ = run(capsys, "evaluate", trained, people)
    assert (code, out.splitlines()[0]) == (0, "Evaluation on 400 rows of 2 classes")
    assert max(map(len, out.splitlines())) <= 80


def test_evaluate_reads_numbers_as_labels(tmp_path, capsys):
    path = tmp_path / "numbers.csv"
    path.write_text("x,y\n" + "".join(f"{x},{int(x % 7 > 3)}\n" for x in range(40)), encoding="utf-8")
    assert run(capsys, "train", path, "--target", "y", "--model", tmp_path / "m.json")[0] == 0
    others = tmp_path / "others.csv"
    others.write_text("x,y\n1,+1\n2,0.0\n3, 1 \n", encoding="utf-8")
    code, out, _ = run(capsys, "evaluate", tmp_path / "m.json", others, "--json")
    assert [kind["rows"] for kind in json.loads(out)["classes"]] == [1, 2]
    others.write_text("x,y\n1,1\n2,two\n3,2\n", encoding="utf-8")
    code, out, err = run(capsys, "evaluate", tmp_path / "m.json", others)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "'two'" in err


def test_inspect_shows_the_weights_by_size(trained, capsys):
    code, out, err = run(capsys, "inspect", trained, "--json")
    report = json.loads(out)
    assert (code, err) == (0, "")
    assert report["rows"] == 400
    model = pp.load(trained)
    [output] = report["weights"]
    by_name = {weight["name"]: weight for weight in output["weights"]}
    assert [by_name[name]["per_unit"] for name in model.coef_names_] == model.coef_[0]
    sizes = [abs(weight["per_deviation"]) for weight in output["weights"]]
    assert sizes == sorted(sizes, reverse=True)
    code, out, _ = run(capsys, "inspect", trained, "--top", "2")
    assert "... and 6 more: --top 8" in out
    assert max(map(len, out.splitlines()[1:])) <= 80


def test_a_file_without_a_header(tmp_path, capsys):
    path = tmp_path / "plain.csv"
    path.write_text("".join(f"{x},{x * x % 11},{'ab'[x % 3 > 0]}\n" for x in range(60)), encoding="utf-8")
    code, out, _ = run(capsys, "train", path, "--target", "2", "--model", tmp_path / "m.json")
    assert code == 0
    assert "no header: the columns are called by position, x0, x1, ..." in out
    assert len(answers(run(capsys, "predict", tmp_path / "m.json", path)[1])) == 61
    without = tmp_path / "without.csv"
    without.write_text("5.5,3.5\n7.5,1.5\n", encoding="utf-8")
    assert len(answers(run(capsys, "predict", tmp_path / "m.json", without)[1])) == 3


def test_a_model_without_names_answers_by_position(tmp_path, capsys):
    pp.Perceptron(l2=0.1).fit([[1.0, 2.0], [2.0, 1.0], [4.0, 1.0]], ["a", "b", "b"]).save(tmp_path / "m.json")
    path = tmp_path / "new.csv"
    path.write_text("p,q\n1,2\n4,1\n", encoding="utf-8")
    assert answers(run(capsys, "predict", tmp_path / "m.json", path)[1]) == [["prediction"], ["a"], ["b"]]
    path.write_text("p,q,r\n1,2,3\n", encoding="utf-8")
    code, _, err = run(capsys, "predict", tmp_path / "m.json", path)
    assert (code, err.count("\n")) == (1, 1)
    assert "X has 3 columns but the model was fitted with 2" in err


def test_independent_outputs(tmp_path, capsys):
    pp.Perceptron(l2=0.1).fit([[1.0], [2.0], [4.0]], [[0, 1], [1, 1], [1, 0]]).save(tmp_path / "m.json")
    path = tmp_path / "new.csv"
    path.write_text("p\n1\n4\n", encoding="utf-8")
    head, *rows = answers(run(capsys, "predict", tmp_path / "m.json", path, "--probabilities")[1])
    assert head == ["output 0", "output 1", "probability of 0", "probability of 1"]
    assert [row[:2] for row in rows] == [["0", "1"], ["1", "0"]]
    code, _, err = run(capsys, "evaluate", tmp_path / "m.json", path, "--target", "p")
    assert (code, err.count("\n")) == (1, 1)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ("train {people} --target incme --model {model}", 2, "did you mean 'income'?"),
        ("train {people} --target income --model {model} --drop ctiy", 2, "did you mean 'city'?"),
        ("train {people} --target income --model {model} --columns ctiy=text", 2, "did you mean 'city'?"),
        ("train {people} --target income --model {model} --columns city=words", 2, "zip=text or age=number"),
        ("train {people} --target income --model {folder}/no/m.json", 1, "there is no folder"),
        ("train {people} --target income --model {folder}", 1, "cannot write"),
        ("train {folder}/none.csv --target income --model {model}", 1, "cannot read"),
        ("train {folder} --target income --model {model}", 1, "cannot read"),
        ("train {people} --target income --model {model} --l2 -1", 2, "'-1' is not 0 or a positive number"),
        ("train {people} --target income --model {model} --validate 1", 2, "'1' is not a part of the rows"),
        ("train {people} --target income --model {model} --validate 0.0001", 1, "leaves none to evaluate or to train on"),
        ("train {people} --target income --model {model} --class-weight rich=2", 1, "'rich', which is no label"),
        ("train {people} --target income --model {model} --class-weight high=0", 2, "'0' is not a positive number"),
        ("train {people} --target income --model {model} --encoding klingon", 1, "klingon"),
        ("train {people} --target income --model {model} --delimter ;", 2, "did you mean --delimiter?"),
        ("train {people} --model {model}", 2, "the following arguments are required: --target"),
        ("predict {folder}/none.json {people}", 1, "cannot read"),
        ("predict {people} {people}", 1, "no valid JSON"),
        ("predict {trained} {folder}/none.csv", 1, "cannot read"),
        ("predict {trained} {people} --keep ctiy", 2, "did you mean 'city'?"),
        ("evaluate {trained} {people} --target ctiy", 2, "did you mean 'city'?"),
        ("inspect {people}", 1, "no valid JSON"),
        ("trian {people}", 2, "did you mean train?"),
    ],
)
def test_errors_are_one_line_with_their_exit_code(people, trained, tmp_path, capsys, arguments, code, told):
    words = arguments.format(people=people, trained=trained, model=tmp_path / "m.json", folder=tmp_path).split()
    found, out, err = run(capsys, *words)
    assert (found, out, err.count("\n")) == (code, "", 1), err
    assert told in err
    assert os.listdir(tmp_path) == []


def test_layers_are_no_classifiers(tmp_path, people, capsys):
    pp.SigmoidLayer(2, seed=1).save(tmp_path / "layer.json")
    for command in (["predict", tmp_path / "layer.json", people], ["inspect", tmp_path / "layer.json"]):
        code, out, err = run(capsys, *command)
        assert (code, out) == (1, "")
        assert "holds a SigmoidLayer; expected a Perceptron" in err


def test_a_pipe_that_waits_gets_an_answer_to_each_line(trained):
    with subprocess.Popen(
        [*PROGRAM, "predict", str(trained), "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/"
    ) as process:
        process.stdin.write("age,city,hours,smokes\n")
        process.stdin.flush()
        for row in ("40,Oslo,40,no", "20,Lima,10,yes"):
            process.stdin.write(f"{row}\n")
            process.stdin.flush()
            line = process.stdout.readline().strip()
            if line == "prediction":
                line = process.stdout.readline().strip()
            assert line in ("high", "low")
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def test_a_model_is_trained_from_a_pipe(people, trained, tmp_path):
    command = [*PROGRAM, "train", "-", "--target", "income", "--model", str(tmp_path / "m.json")]
    subprocess.run(command, input=people.read_bytes(), check=True, capture_output=True, cwd="/")
    assert (tmp_path / "m.json").read_bytes() == trained.read_bytes()


def test_a_reader_that_stops_is_no_error(people, trained):
    command = f"'{sys.executable}' -m pyperceptron predict '{trained}' '{people}' | head -2; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd="/")
    assert ran.returncode == 0
    assert ran.stdout.startswith("prediction\n")
    assert "Traceback" not in ran.stderr


def test_ctrl_c_writes_nothing_and_is_exit_code_130(trained, tmp_path):
    command = [*PROGRAM, "train", "-", "--target", "y", "--model", str(tmp_path / "m.json")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/") as process:
        process.stdin.write(b"x,y\n" + b"1,2\n" * 1000)
        process.stdin.flush()
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"interrupted\n")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("command", ["train", "predict", "evaluate", "inspect", "export", "demo"])
def test_each_help_begins_with_an_example(command, capsys):
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    assert out.startswith(f"Example: pyperceptron {command} ")
    assert max(map(len, out.splitlines())) <= 80
