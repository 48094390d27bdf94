"""The report of an evaluation: its numbers beside those of the base rate, its notes and its lines of text."""

import json
from array import array
from fractions import Fraction

import numpy as np
import pytest

from pyperceptron.cli.evaluation_lines import SHOWN, evaluation_lines
from pyperceptron.evaluation import MATRIX_CLASSES, evaluation
from pyperceptron.labels import Classes, class_codes


def random_report(labels, n=300, seed=0, absent=(), predicted=None):
    """The report of a model that is right more often than not; no row is of a class whose code is absent."""
    rng = np.random.default_rng(seed)
    k = len(labels)
    present = [code for code in range(k) if code not in absent]
    codes = rng.choice(present, n)
    logits = rng.normal(0, 1, (n, k)) + 2 * np.eye(k)[codes]
    table = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return evaluation(Classes(tuple(labels), False, None), codes.tolist(), array("d", table.ravel()), predicted)


def of_rows(labels, rows, **how):
    """The report of rows (code, probabilities...)."""
    probabilities = array("d", [value for _, *values in rows for value in values])
    return evaluation(Classes(tuple(labels), False, None), [code for code, *_ in rows], probabilities, **how)


FOUR = [(0, 0.9, 0.1), (0, 0.4, 0.6), (1, 0.3, 0.7), (1, 0.05, 0.95)]


def test_a_report_by_hand():
    report = of_rows(["no", "yes"], FOUR)
    values = {name: measure["value"] for name, measure in report["measures"].items()}
    assert values == pytest.approx(
        {
            "log_loss": -np.log([0.9, 0.4, 0.7, 0.95]).mean(),
            "brier_score": np.square([0.1, 0.6, 0.3, 0.05]).mean(),
            "accuracy": 0.75,
            "balanced_accuracy": 0.75,
            "roc_auc": 1.0,
            "average_precision": 1.0,
            "calibration_error": (0.1 + 0.6 + 0.3 + 0.05) / 4,
        },
        rel=1e-12,
    )
    assert report["rows"] == 4
    assert report["positive"] == 1
    assert report["confusion_matrix"] == [[1, 1], [0, 2]]
    assert report["confused"] == [{"actual": 0, "predicted": 1, "rows": 1}]
    no, yes = report["classes"]
    assert no == {
        "label": "no", "rows": 2, "share": 0.5, "predicted": 1, "correct": 1, "precision": 1.0, "recall": 0.5, "f1": 2 / 3
    }  # fmt: skip
    assert (yes["precision"], yes["recall"], yes["f1"]) == (2 / 3, 1.0, 0.8)
    bins = [0.1, None, None, None, None, 0.6, 0.7, None, None, 0.95]
    assert [interval["mean_probability"] for interval in report["calibration"]] == bins
    assert [interval["fraction"] for interval in report["calibration"]] == [0, *[None] * 4, 0, 1, None, None, 1]
    assert report["notes"] == []


@pytest.mark.parametrize("seed", range(60))
def test_answering_the_base_rate_gets_the_base_rate(seed):
    """Whatever the shares of the classes are, also where some do not occur."""
    rng = np.random.default_rng(seed)
    k, n = int(rng.integers(2, 6)), int(rng.integers(1, 50))
    codes = rng.choice(k, n, p=rng.dirichlet(np.full(k, 0.7)))
    shares = np.bincount(codes, minlength=k) / n
    classes = Classes(tuple("abcdef"[:k]), False, None)
    report = evaluation(classes, codes.tolist(), array("d", np.tile(shares, n)))
    for name, measure in report["measures"].items():
        if measure["value"] is None:
            assert measure["base_rate"] is None, name
        else:
            assert measure["value"] == pytest.approx(measure["base_rate"], abs=1e-12), name
    assert not [note for note in report["notes"] if "worse" in note]


@pytest.mark.parametrize("labels", [("a", "b"), ("a", "b", "c"), tuple(range(30))])
def test_a_report_is_json(labels):
    report = random_report(labels, absent=(1,))
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_labels_that_json_does_not_have_become_texts():
    report = random_report([Fraction(1, 3), np.int64(7), np.str_("x"), True])
    assert [kind["label"] for kind in report["classes"]] == ["1/3", 7, "x", True]
    json.dumps(report)


def test_means_are_over_the_classes_that_occur():
    report = random_report("abcd", absent=(2,))
    kinds = [kind for kind in report["classes"] if kind["rows"]]
    for measure, of_class, base_rate in (
        ("balanced_accuracy", "recall", 1 / 3),
        ("roc_auc", "roc_auc", 0.5),
        ("average_precision", "average_precision", 1 / 3),
    ):
        found = report["measures"][measure]
        assert found["value"] == pytest.approx(np.mean([kind[of_class] for kind in kinds]), rel=1e-14)
        assert found["base_rate"] == pytest.approx(base_rate, rel=1e-14)
    assert report["classes"][2]["roc_auc"] is report["classes"][2]["average_precision"] is None
    assert report["notes"] == [
        "No row is of the class 'c': recall is undefined there and given as 0; balanced accuracy, ROC AUC and average "
        "precision are means over the other classes."
    ]


def test_what_is_undefined_is_none_and_said():
    report = of_rows(["no", "yes"], [(0, 0.9, 0.1), (0, 0.8, 0.2)])
    for name in ("roc_auc", "average_precision"):
        assert report["measures"][name] == {"value": None, "base_rate": None}
    notes = report["notes"]
    assert notes[:4] == [
        "ROC AUC is undefined, as every row is of the class 'no'.",
        "Average precision is undefined, as no row is of the class 'yes'.",
        "No row is of the class 'yes': recall is undefined there and given as 0; balanced accuracy is the mean over the other "
        "classes.",
        "No row is predicted as the class 'yes': precision is undefined there and given as 0.",
    ]
    lines = list(evaluation_lines(report))
    assert [line.split() for line in lines if line.startswith(("ROC AUC  ", "average precision  "))] == [
        ["ROC", "AUC", "-", "-", "1"],
        ["average", "precision", "-", "-", "1"],
    ]


def test_only_the_positive_class_occurs():
    measures = of_rows(["no", "yes"], [(1, 0.9, 0.1), (1, 0.2, 0.8)])["measures"]
    assert measures["roc_auc"]["value"] is None
    assert measures["average_precision"] == {"value": 1.0, "base_rate": 1.0}


def test_probabilities_that_round_to_0_and_what_is_worse_are_noted():
    report = of_rows([0, 1], [(1, 1.0, 0.0), (0, 0.6, 0.4), (0, 0.7, 0.3)])
    assert report["notes"] == [
        "No row is predicted as the class 1: precision is undefined there and given as 0.",
        "1 row got a probability below 2.2e-16 for the right class; log-loss takes that number for it, as scikit-learn does, "
        "so the true log-loss is higher.",
        "The model is worse than always giving the base rate in log-loss, Brier score and ROC AUC.",
    ]


def test_the_prediction_given_decides_between_equal_probabilities():
    rows = [(1, 0.5, 0.5), (0, 0.8, 0.2)]
    assert of_rows("ab", rows)["measures"]["accuracy"]["value"] == 0.5
    assert of_rows("ab", rows, predicted=[1, 0])["measures"]["accuracy"]["value"] == 1.0


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_accuracy_of_a_model_is_its_score(make_model, n_classes):
    rng = np.random.default_rng(3)
    codes = rng.integers(0, n_classes, 200)
    X = (rng.normal(size=(200, 2)) + codes[:, None]).tolist()
    y = ["abc"[code] for code in codes]
    model = make_model(l2=0.01).fit(X, y)
    classes = Classes(tuple(model.classes_), False, None)
    probabilities = array("d", [value for row in model.predict_proba(X) for value in row])
    report = evaluation(classes, class_codes(y, classes), probabilities, class_codes(model.predict(X), classes))
    assert report["measures"]["accuracy"]["value"] == model.score(X, y)
    assert report["measures"]["log_loss"]["value"] == pytest.approx(model.history_[-1]["objective"], rel=0.1)


@pytest.mark.parametrize(
    ("classes", "codes", "probabilities", "message"),
    [
        (Classes((0, 1, 2), True, None), [0], [0.1, 0.2, 0.3], "the model has 3 outputs, each 0 or 1; expected a single label"),
        (
            Classes((0, 1), False, None),
            [],
            [],
            "there are no rows to evaluate; expected one or more: give rows with their labels",
        ),
        (
            Classes((0, 1), False, None),
            [0],
            [0.1],
            "there are 1 probabilities; expected 1 x 2: give one for each row and class",
        ),
    ],
)
def test_what_cannot_be_evaluated_is_refused(classes, codes, probabilities, message):
    with pytest.raises(ValueError, match=message):
        evaluation(classes, codes, array("d", probabilities))


def test_the_matrix_of_very_many_classes_is_left_out():
    assert random_report(range(MATRIX_CLASSES), n=20)["confusion_matrix"]
    assert random_report(range(MATRIX_CLASSES + 1), n=20)["confusion_matrix"] is None


# The lines.


def test_the_lines_of_two_classes():
    assert (
        "\n".join(evaluation_lines(of_rows(["no", "yes"], FOUR), heading=str.upper))
        == """\
EVALUATION ON 4 ROWS OF 2 CLASSES
measure                      model  always the base rate  best
log-loss                    0.3574                0.6931     0
Brier score                 0.1156                0.2500     0
accuracy                    0.7500                0.5000     1
balanced accuracy           0.7500                0.5000     1
ROC AUC                     1.0000                0.5000     1
average precision           1.0000                0.5000     1
expected calibration error  0.2625                0.0000     0
The base rate knows nothing but the shares of the classes in these rows: it
gives them as probabilities and predicts the largest.
ROC AUC, average precision and calibration are about the probability of the
class yes.

EACH CLASS
class  rows  share  precision  recall      F1
no        2  50.0%     1.0000  0.5000  0.6667
yes       2  50.0%     0.6667  1.0000  0.8000

CONFUSION MATRIX: THE ROWS OF A CLASS (DOWN) BY THE CLASS PREDICTED (ACROSS)
     no  yes
no    1    1
yes   .    2

CALIBRATION
The probability of the class yes: # shows the fraction of rows that are of it, |
the mean probability.
probability  rows    mean  fraction  0                       1
0.0 to 0.1      1  0.1000    0.0000    |
0.1 to 0.2      0       -         -
0.2 to 0.3      0       -         -
0.3 to 0.4      0       -         -
0.4 to 0.5      0       -         -
0.5 to 0.6      1  0.6000    0.0000                 |
0.6 to 0.7      1  0.7000    1.0000  #################|#######
0.7 to 0.8      0       -         -
0.8 to 0.9      0       -         -
0.9 to 1.0      1  0.9500    1.0000  #######################|#"""
    )


LABELS = {
    "two": ["no", "yes"],
    "three": ["setosa", "versicolor", "virginica"],
    "ten": list(range(10)),
    "twenty": [f"class {number}" for number in range(SHOWN)],
    "twenty-six": [chr(65 + code) for code in range(26)],
    "three hundred": [f"label number {number} of many" for number in range(300)],
    "long, alike": [f"the department of very long names, section {letter}, of the building in the north" for letter in "ABC"],
    "long, two": ["it was bought " + "again " * 20 + end for end in ("today", "tomorrow")],
    "not ASCII": ["\u4e2d\u6587", "caf\xe9\n", "\x1b[31mred", ""],
    "spaces": [" a", "a ", "a"],
    "two types": [1, "1", 1.5],
    "numbers": [-1.7976931348623157e308, 0.1, 3],
    "like a number of a class": ["#2 a", "#1 a", *[f"{'a' * 40}{number}" for number in range(5)], "#1"],
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("n", [1, 700, 5000])
def test_lines_are_narrow_ascii_and_aligned(labels, n):
    n = min(n, 700) if len(labels) > 30 else n
    lines = list(evaluation_lines(random_report(labels, n, absent=(1,) if len(labels) > 2 else ())))
    assert max(map(len, lines)) <= 80
    assert all(line.isascii() and line.isprintable() and line == line.rstrip() for line in lines)


def sections(report):
    """The lines under each heading, by its first word."""
    text = "\n".join(evaluation_lines(report, heading=lambda heading: f"\v{heading}"))
    return {part.split()[0]: part.rstrip("\n").split("\n")[1:] for part in text.split("\v")[1:]}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("seed", range(3))
def test_names_differ_and_the_matrix_is_whole(labels, seed):
    """Whatever is shortened or numbered, and in however many blocks of columns the matrix is."""
    report = random_report(labels, 300 if len(labels) > 30 else 3000, seed)
    found = sections(report)
    table, n_shown = found["Each"], min(SHOWN, len(labels))
    names = [line[: table[0].index("rows") - 1].strip() for line in table[1 : 1 + n_shown]]
    assert len(set(names)) == n_shown
    if len(labels) > SHOWN:
        return
    rows = [[] for _ in labels]
    for block in "\n".join(found["Confusion"]).split("\n\n"):
        heading, *lines = block.split("\n")
        n_columns = len(heading.split()) if heading.strip().startswith("#") else len(labels)
        for cells, line in zip(rows, lines, strict=True):
            cells += [int(cell.replace(",", "").replace(".", "0")) for cell in line.split()[-n_columns:]]
    assert rows == report["confusion_matrix"]


def test_classes_that_look_alike_are_named_in_full():
    labels = LABELS["long, alike"]
    report = random_report(labels)
    found = " ".join(line.strip() for line in sections(report)["The"])
    assert found == " ".join(f"#{number} is {label}" for number, label in enumerate(labels, 1))


def test_of_many_classes_the_worst_are_shown_and_the_others_counted():
    report = random_report([chr(65 + code) for code in range(26)], 3000, absent=(3,))
    found = sections(report)
    kinds = sorted((kind for kind in report["classes"] if kind["rows"]), key=lambda kind: kind["f1"])
    assert [line.split()[0] for line in found["Each"][1:21]] == [kind["label"] for kind in kinds[:20]]
    assert found["Each"][21] == "Left out: 5 with an F1 as high or higher, 1 without rows."
    errors = [int(line.split()[2]) for line in found["The"][1:21]]
    assert errors == [pair["rows"] for pair in report["confused"][:20]] == sorted(errors, reverse=True)
    n_correct = sum(kind["correct"] for kind in report["classes"])
    pairs, rows = len(report["confused"]) - 20, 3000 - n_correct - sum(errors)
    assert found["The"][21] == f"Left out: {pairs} more pairs, with {rows:,} rows."


def test_nothing_but_0_and_1_looks_like_them():
    rows = [(0, 1 - 1e-9, 1e-9)] * 20_000 + [(1, 0.6, 0.4)]
    measures = [line.split() for line in evaluation_lines(of_rows("ab", rows))][2:8]
    assert [cells[-3] for cells in measures] == ["<0.0001", "<0.0001", ">0.9999", "0.5000", "1.0000", "1.0000"]


def test_many_classes_that_are_never_confused():
    table = np.eye(SHOWN + 1)
    report = evaluation(Classes(tuple(range(SHOWN + 1)), False, None), list(range(SHOWN + 1)), array("d", table.ravel()))
    assert "None: every row is predicted correctly." in sections(report)["The"]


def test_of_very_many_classes_that_look_alike_only_those_shown_are_named_in_full():
    labels = [f"{'a' * 60}{code}{'b' * 60}" for code in range(2000)]
    report = random_report(labels, 3)
    lines = list(evaluation_lines(report))
    shown = {code for pair in report["confused"] for code in (pair["actual"], pair["predicted"])}
    shown |= {code for code, kind in enumerate(report["classes"]) if kind["rows"]}
    assert len([line for line in lines if " is aaa" in line]) == len(shown) < 10


def test_bars_end_where_the_fractions_are():
    """Of 25 characters: fractions of 0.7 and 1 are 17.5 and 25 of them; the mark of a mean of 1 is in the last."""
    rows = [(int(number < 7), 0.85, 0.15) for number in range(10)] + [(1, 0.0, 1.0)] * 3
    bars = {line[:10]: line.rpartition("  ")[2] for line in sections(of_rows("ab", rows))["Calibration"][3:]}
    assert bars["0.1 to 0.2"] == "###|##############"
    assert bars["0.9 to 1.0"] == "#" * 24 + "|"


def test_small_and_large_shares():
    rows = [(0, 0.9, 0.1)] * 3000 + [(1, 0.3, 0.7)]
    assert [line.split()[2] for line in sections(of_rows("ab", rows))["Each"][1:3]] == [">99.9%", "<0.1%"]
