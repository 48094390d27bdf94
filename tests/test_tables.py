"""Columns of texts: tables and data frames in, indicators inside the model, raw values of one row to predict."""

import pickle
import random

import pytest

import pyperceptron as pp
from pyperceptron.encoding import MOST_LEVELS
from pyperceptron.table import Table, Texts

CITIES = ["Oslo", "Rome", "Lima", "Oslo ", "?", None, "São Paulo"]


def mixed(n_rows, seed, gaps=False):
    """Return columns of whole numbers, floats, texts with gaps and truth values, and labels that depend on all of them."""
    draw = random.Random(seed)
    columns = {
        "age": [draw.randrange(17, 90) for _ in range(n_rows)],
        "city": [draw.choice(CITIES) for _ in range(n_rows)],
        "income": [draw.gauss(0, 1) for _ in range(n_rows)],
        "smokes": [draw.random() < 0.3 for _ in range(n_rows)],
    }
    logits = [(a - 50) / 20 + x + (c == "Rome") - s for a, c, x, s in zip(*columns.values(), strict=True)]
    y = ["yes" if logit + draw.gauss(0, 1) > 0 else "no" for logit in logits]
    if gaps:
        columns["income"] = [value if draw.random() < 0.9 else None for value in columns["income"]]
    return columns, y


def rows_of(columns):
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def test_a_table_names_its_columns_and_gives_its_rows():
    table = Table({"a": [1, None, 2.5], "b": ["x", None, "y"], "c": [True, False, None]})
    assert (table.names, table.shape, len(table)) == (("a", "b", "c"), (3, 3), 3)
    assert table["a"].typecode == "d"
    assert [table["a"][0], table["a"][2]] == [1.0, 2.5]
    assert table["a"][1] != table["a"][1]
    assert table["b"] == ["x", None, "y"]
    assert table["c"] == ["True", "False", None]
    assert list(table)[2] == (2.5, "y", None)
    assert repr(table) == "<Table of 3 rows: a, b (texts), c (texts)>"


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        ([[1, 2]], TypeError, "columns is [[1, 2]]; expected a mapping from names to columns: write {'age': [39, 50]}"),
        ({"a": [1], "b": [1, 2]}, ValueError, "column 'b' has 2 values but column 'a' has 1: give every column equally many"),
        ({"a": 5}, TypeError, "column 'a' is 5; expected a sequence of numbers or texts"),
        ({"a": ["x", [1]]}, TypeError, "column 'a' holds [1]; expected a text: convert it with str(...)"),
    ],
)
def test_a_table_that_cannot_be_made(columns, error, message):
    with pytest.raises(error) as caught:
        Table(columns)
    assert str(caught.value) == message


def test_a_column_of_texts_becomes_an_indicator_for_each_level(make_model):
    table = Table({"age": [39, 50, 28, 61], "city": ["Rome", " Oslo", None, "Rome"]})
    model = make_model(l2=0.1).fit(table, [0, 1, 1, 0])
    assert model.coef_names_ == ["age", "city=Oslo", "city=Rome", "city missing"]
    assert model.encoding_ == [
        {"column": "age", "kind": "number", "fill": None, "missing": False},
        {"column": "city", "kind": "text", "levels": ["Oslo", "Rome"], "missing": True},
    ]
    assert (model.n_features_in_, model.feature_names_in_) == (2, ["age", "city"])
    by_hand = [[39, 0, 1, 0], [50, 1, 0, 0], [28, 0, 0, 1], [61, 0, 1, 0]]
    same = make_model(l2=0.1).fit(by_hand, [0, 1, 1, 0])
    assert same.coef_ == model.coef_
    assert same.encoding_ is None
    assert same.coef_names_ == ["x0", "x1", "x2", "x3"]
    assert model.predict_proba(table) == same.predict_proba(by_hand)
    # A level that was not seen is none of the known ones.
    assert model.predict_proba(Table({"age": [39], "city": ["Paris"]})) == same.predict_proba([[39, 0, 0, 0]])


@pytest.mark.parametrize("seed", range(5))
def test_one_row_of_raw_values_gets_the_answer_of_the_table(make_model, seed):
    columns, y = mixed(200, seed)
    table = Table(columns)
    model = make_model(l2=0.01).fit(table, y)
    for classes in (model, make_model(l2=0.01).fit(table, [*"abcd"] * 50)):  # one output, four outputs
        probabilities, labels = classes.predict_proba(table), classes.predict(table)
        for row, expected, label in zip(rows_of(columns), probabilities, labels, strict=True):
            shuffled = dict(random.Random(seed).sample([*row.items()], len(row)))
            assert list(classes.predict_proba_one(shuffled)) == expected
            assert classes.predict_one(shuffled) == label
            assert list(classes.predict_proba_one(list(row.values()))) == expected
    assert model.predict([list(row.values()) for row in rows_of(columns)]) == model.predict(table)


def test_raw_values_are_read_as_the_table_reads_them(make_model):
    columns, y = mixed(200, 1)
    model = make_model(l2=0.01).fit(Table(columns), y)
    row = {"age": 30, "city": "Rome", "income": 0.5, "smokes": True}
    expected = model.predict_proba_one(row)
    for other in (
        {**row, "city": " Rome\n"},
        {**row, "smokes": "True"},
        {**row, "age": 30.0},
        {"smokes": True, "income": 0.5, "city": "Rome", "age": 30},
    ):
        assert model.predict_proba_one(other) == expected
    missing = model.predict_proba_one({**row, "city": None})
    for word in ("", "?", " NA ", "null", float("nan")):
        assert model.predict_proba_one({**row, "city": word}) == missing
    unseen = model.predict_proba_one({**row, "city": "Atlantis"})
    assert unseen not in (missing, expected)
    assert model.predict_proba_one({**row, "city": 5}) == unseen


VALUES = [
    *(
        "Rome",
        " Rome\n",
        "Rome\u2003",
        "\xa0Oslo",
        "São Paulo",
        "Atlantis",
        "",
        " ",
        "\u3000",
        "?",
        " NA ",
        "null",
        "-",
        "True",
        "0",
        "5",
    ),
    *(None, True, False, 0, 5, -1, 10**400, 0.0, -0.0, 2.5, float("nan"), float("inf"), 1.7e308, [1.0], b"Rome"),
    *(type("Text", (str,), {})("Rome"), type("Number", (float,), {})(2.5)),
]


@pytest.mark.parametrize("missing", ["error", "mean"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_mapping_of_any_values_gets_the_answer_of_the_list_of_them(make_model, missing, n_classes):
    columns, y = mixed(200, 4, gaps=missing == "mean")
    model = make_model(l2=0.01).fit(
        Table(columns, missing=missing), [label if n_classes == 2 else row % 3 for row, label in enumerate(y)]
    )
    draw = random.Random(7)
    usual = [30, "Rome", 0.5, True]
    answered = 0
    for _ in range(1000):
        values = [draw.choice(VALUES) if draw.random() < 0.4 else value for value in usual]
        mapping = dict(draw.sample([*zip(columns, values, strict=True)], len(values)))
        for ask in (model.predict_one, model.predict_proba_one):
            expected = outcome(ask, values)
            assert outcome(ask, mapping) == expected, values
            answered += expected[0] != "refused"
    assert 500 < answered < 1900


def outcome(ask, x):
    """Return the answer, or the error's type and words."""
    try:
        return "answered", ask(x)
    except (TypeError, ValueError) as error:
        return "refused", type(error), str(error)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"age": None}, ValueError, "x row 0, column 'age' is missing; expected a finite number: fill it in or drop that row"),
        ({"age": "?"}, ValueError, "x row 0, column 'age' is missing; expected a finite number: fill it in or drop that row"),
        ({"age": "old"}, TypeError, "x row 0, column 'age' is the text 'old'; expected a finite number: give numbers"),
        ({"age": float("inf")}, ValueError, "x row 0, column 'age' is inf; expected a finite number: fill it in or drop that"),
        ({"city": ["Rome"]}, TypeError, "column 'city' holds ['Rome']; expected a text: convert it with str(...)"),
        ({"town": "Rome"}, ValueError, "x has 'town' besides; expected one number for each column that the model was"),
    ],
)
def test_raw_values_that_cannot_be_read(make_model, change, error, message):
    columns, y = mixed(50, 1)
    model = make_model(l2=0.01).fit(Table(columns), y)
    row = {"age": 30, "city": "Rome", "income": 0.5, "smokes": True}
    with pytest.raises(error) as caught:
        model.predict_one({**row, **change})
    assert str(caught.value).startswith(message)
    del row["age"]
    with pytest.raises(ValueError, match=r"^x lacks 'age'; expected"):
        model.predict_one(row)


def test_names_decide_and_order_does_not(make_model):
    columns, y = mixed(100, 2)
    model = make_model(l2=0.01).fit(Table(columns), y)
    expected = model.predict_proba(Table(columns))
    backwards = Table(dict(reversed(columns.items())))
    assert model.predict_proba(backwards) == expected
    assert model.score(backwards, y) == model.score(Table(columns), y)
    del columns["city"]
    with pytest.raises(ValueError, match=r"^X lacks the column 'city' that the model was fitted with: give 'age', 'city'"):
        model.predict(Table(columns))
    with pytest.raises(ValueError, match=r"^X has the column 'town' that the model was not fitted with"):
        model.predict(Table(mixed(3, 1)[0] | {"town": ["x"] * 3}))
    numbers = {"a": [1.0, 2.0, 4.0], "b": [3.0, 1.0, 1.0]}
    model = make_model(l2=0.1).fit(Table(numbers), [0, 1, 1])
    assert model.encoding_ is None
    assert model.predict_proba(Table({"b": [3.0], "a": [1.0]})) == model.predict_proba([[1.0, 3.0]])
    assert model.predict_proba_one({"b": 3.0, "a": 1.0}) == tuple(model.predict_proba([[1.0, 3.0]])[0])


def test_columns_of_the_other_kind_are_refused(make_model):
    model = make_model(l2=0.1).fit(Table({"age": [39, 50, 28], "city": ["Rome", "Oslo", "Rome"]}), [0, 1, 1])
    with pytest.raises(TypeError, match=r"^X column 'city' holds numbers; expected texts, as in fit: make texts of them"):
        model.predict(Table({"age": [39], "city": [7]}))
    with pytest.raises(TypeError, match=r"^X row 1, column 'age' is the text 'x'; expected a finite number: give numbers"):
        model.predict(Table({"age": [None, "x"], "city": ["Rome", "Oslo"]}))
    with pytest.raises(ValueError, match=r"^X row 1, column 'age' is missing; expected a finite number"):
        model.predict(Table({"age": [1, None], "city": ["Rome", "Oslo"]}))
    # A column without any value has no kind.
    assert model.predict_proba(Table({"age": [39], "city": [None]})) == [list(model.predict_proba_one([39, None]))]


def test_texts_in_lists_are_refused_with_the_way_to_give_them(make_model):
    with pytest.raises(TypeError, match=r"^X row 0, column 1 is the text 'Rome'; .*: give a Table or a data frame"):
        make_model().fit([[39, "Rome"], [50, "Oslo"]], [0, 1])


@pytest.mark.parametrize("n_levels", [MOST_LEVELS, MOST_LEVELS + 1])
def test_a_column_with_too_many_levels_looks_like_an_identifier(make_model, n_levels):
    table = Table({"id": [f"person {number}" for number in range(n_levels)]})
    model = make_model(l2=0.1)
    if n_levels <= MOST_LEVELS:
        assert len(model.fit(table, [0, 1] * (n_levels // 2)).coef_names_) == n_levels
        return
    with pytest.raises(ValueError, match=r"^X column 'id' holds 1,001 different texts; expected at most 1,000: it looks like"):
        model.fit(table, [0, 1] * (n_levels // 2) + [0])


def test_missing_numbers_are_refused_or_filled_in(make_model):
    columns, y = mixed(300, 3, gaps=True)
    with pytest.raises(ValueError, match=r"^X row \d+, column 'income' is missing; expected a finite number"):
        make_model(l2=0.01).fit(Table(columns), y)
    table = Table(columns, missing="mean")
    model = make_model(l2=0.01).fit(table, y)
    present = [value for value in columns["income"] if value is not None]
    fill = next(record["fill"] for record in model.encoding_ if record["column"] == "income")
    assert fill == pytest.approx(sum(present) / len(present), rel=1e-12)
    assert "income missing" in model.coef_names_
    assert "age missing" not in model.coef_names_
    by_hand = {**columns, "income": [fill if value is None else value for value in columns["income"]]}
    names = [*by_hand]
    names.insert(3, "gap")
    by_hand["gap"] = [float(value is None) for value in columns["income"]]
    same = make_model(l2=0.01).fit(Table({name: by_hand[name] for name in names}), y)
    assert same.coef_ == model.coef_
    assert model.predict_proba(Table(columns)) == [list(model.predict_proba_one(row)) for row in rows_of(columns)]
    # A column that was whole in the training is filled too.
    row = rows_of(columns)[0]
    mean_age = next(record["fill"] for record in model.encoding_ if record["column"] == "age")
    assert model.predict_proba_one({**row, "age": None}) == model.predict_proba_one({**row, "age": mean_age})


def test_long_tables_are_encoded_some_rows_at_a_time(make_model, monkeypatch):
    columns, y = mixed(300, 4)
    model = make_model(l2=0.01).fit(Table(columns), y)
    expected = model.predict_proba(Table(columns))
    monkeypatch.setattr("pyperceptron.encoding._AT_ONCE", 100)
    assert model.predict_proba(Table(columns)) == expected
    columns["income"][250] = float("inf")
    with pytest.raises(ValueError, match=r"^X row 250, column 'income' is inf"):
        model.predict(Table(columns))
    columns["income"][250] = None
    with pytest.raises(ValueError, match=r"^X row 250, column 'income' is missing"):
        model.predict(Table(columns))
    part = Table({name: column[240:] for name, column in columns.items()}, first_row=240)
    with pytest.raises(ValueError, match=r"^X row 250, column 'income' is missing"):
        model.predict(part)
    numbers = make_model(l2=0.1).fit(Table({"a": [1, 2, 4]}), [0, 1, 1])
    with pytest.raises(ValueError, match=r"^X row 71, column 'a' is inf"):
        numbers.predict(Table({"a": [1, float("inf")]}, first_row=70))
    with pytest.raises(ValueError, match=r"^X must not be empty"):
        model.predict(Table({name: [] for name in columns}))


def test_models_with_an_encoding_are_kept(make_model, tmp_path):
    columns, y = mixed(200, 5, gaps=True)
    table = Table(columns, missing="mean")
    model = make_model(l2=0.01).fit(table, y)
    model.save(tmp_path / "model.json")
    for again in (pp.load(tmp_path / "model.json"), pickle.loads(pickle.dumps(model))):
        assert again.encoding_ == model.encoding_
        assert again.coef_names_ == model.coef_names_
        assert again.predict_proba(table) == model.predict_proba(table)
        assert all(again.predict_one(row) == model.predict_one(row) for row in rows_of(columns))
        assert again.to_json() == model.to_json()


def test_warm_start_needs_the_same_encoding(make_model):
    model = make_model(l2=0.1, warm_start=True).fit(Table({"a": ["x", "y", "y"]}), [0, 1, 1])
    model.fit(Table({"a": ["y", "y", "x"]}), [0, 1, 1])
    with pytest.raises(ValueError, match=r"^warm_start needs the same classes"):
        model.fit(Table({"a": ["x", "z", "z"]}), [0, 1, 1])


def test_a_target_column_left_in_is_named(make_model):
    table = Table({"a": ["x", "y", "y"]}, target="income")
    model = make_model(l2=0.1).fit(table, [0, 1, 1])
    with pytest.raises(ValueError, match=r"leave out the target column 'income'$"):
        model.predict(Table({"a": ["x"], "income": [0]}))


def test_both_backends_agree(make_models):
    if len(pp.available_backends()) < 2:
        pytest.skip("there is only one backend here")
    columns, y = mixed(300, 6)
    models = [model.fit(Table(columns), y) for model in make_models(l2=0.01)]
    ours, reference = (model.predict_proba(Table(columns)) for model in models)
    assert ours == [pytest.approx(row, rel=1e-9) for row in reference]
    assert models[0].coef_names_ == models[1].coef_names_


def test_texts_keep_what_was_given():
    texts = Texts(["b", "a", None, "b"])
    texts.extend(["c", True])
    assert texts.levels == ["b", "a", None, "c", "True"]
    assert list(texts) == ["b", "a", None, "b", "c", "True"]
    assert texts.counts() == [2, 1, 1, 1, 1]
