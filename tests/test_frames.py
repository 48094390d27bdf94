"""Data frames and Arrow tables in a process without NumPy: their rows are rows."""

import subprocess
import sys
import textwrap
from collections import UserDict
from types import MappingProxyType, SimpleNamespace

import pytest

import pyperceptron as pp

ROWS = [[0.0, 1.0, 5.0], [4.0, 1.0, 0.0], [1.0, 2.0, 3.0]]

# Each frame is of ROWS: square, so that columns read as rows would pass every check of its shape.
KINDS = {
    "polars": """
        import polars
        def frame(columns): return polars.DataFrame(columns)
        series = polars.Series
    """,
    "pyarrow": """
        sys.modules["numpy"] = None  # pyarrow imports NumPy if it can
        import pyarrow
        frame, series = pyarrow.table, pyarrow.array
    """,
    "pyarrow in batches": """
        sys.modules["numpy"] = None
        import pyarrow
        frame = pyarrow.RecordBatch.from_pydict
        def series(values): return pyarrow.chunked_array([values[:2], values[2:]])
    """,
}

SCRIPT = """
import sys
{kind}
import pyperceptron as pp

def of(rows, names="abc"):
    return frame({{name: [row[column] for row in rows] for column, name in enumerate(names)}})

def refused(call):
    try:
        call()
    except (TypeError, ValueError) as error:
        return str(error)

rows, labels = {rows}, ["no", "yes", "no"]
X = of(rows)
for backend in pp.available_backends():
    def new(): return pp.Perceptron(l2=0.01, backend=backend)
    model, expected = new().fit(X, labels), new().fit(rows, labels)
    assert model.coef_ == expected.coef_
    assert model.feature_names_in_ == ["a", "b", "c"]
    assert model.predict(X) == expected.predict(rows) == labels
    assert model.predict_proba(X) == expected.predict_proba(rows)
    assert model.predict_one(dict(zip("cab", [5.0, 0.0, 1.0]))) == "no"
    assert "different order" in refused(lambda: model.predict(of(rows, "bac")))
    assert "expected a flat row of 3 numbers" in refused(lambda: model.predict_one(of(rows[:1])))
    for y in (series(labels), frame({{"y": labels}})):
        assert new().fit(X, y).coef_ == expected.coef_
        assert model.score(X, y) == 1
    weighted = new().fit(rows, labels, [1.0, 2.0, 3.0]).coef_
    for weights in (series([1.0, 2.0, 3.0]), frame({{"w": [1, 2, 3]}})):
        assert new().fit(X, labels, weights).coef_ == weighted
    matrix = [[0, 1, 1], [1, 0, 1], [0, 0, 1]]
    assert new().fit(X, of(matrix)).coef_ == new().fit(rows, matrix).coef_
    probabilities = pp.Perceptron(targets="probabilities", l2=0.01, backend=backend)
    coefficients = probabilities.fit(rows, [0.2, 0.9, 0.4]).coef_
    assert probabilities.fit(X, series([0.2, 0.9, 0.4])).coef_ == coefficients

    layer, other = (pp.SigmoidLayer(3, seed=1, backend=backend) for _ in range(2))
    other.train(rows, [0, 1, 0], 50)
    assert layer.train(X, series([0, 1, 0]), 50).weights == other.weights
    assert layer.forward(X) == other.forward(rows)
    several, other = (pp.SigmoidLayer(3, 3, seed=1, backend=backend) for _ in range(2))
    assert several.train(X, of(matrix), 50).weights == other.train(rows, matrix, 50).weights

    assert refused(lambda: model.predict(of([[1.0, 2.0, 3.0], [4.0, None, 6.0]]))) == (
        "X row 1, column 'b' is nan; expected a finite number: fill it in or drop that row")
    assert refused(lambda: model.predict(of([[1.0, 2.0, "x"], [4.0, 5.0, "y"]]))) == (
        "X column 'c' holds texts; expected numbers: make a 0/1 column for each of them, or leave the column out")
    assert refused(lambda: new().fit(X, series(["a", None, "b"]))) == (
        "y row 1 is None; expected a label: fill it in or drop that row")
    assert "must not be empty" in refused(lambda: model.predict(frame({{}})))
assert not sys.modules.get("numpy")
"""


@pytest.mark.parametrize("kind", KINDS)
def test_frames_without_numpy(kind):
    pytest.importorskip(kind.partition(" ")[0])

    script = SCRIPT.format(kind=textwrap.dedent(KINDS[kind]), rows=ROWS)
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd="/")
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_frames_with_numpy(make_model, kind):
    module = pytest.importorskip(kind)
    make = module.DataFrame if kind == "polars" else module.table
    frame = make({name: [row[column] for row in ROWS] for column, name in enumerate("abc")})
    model, expected = make_model(l2=0.01).fit(frame, [0, 1, 0]), make_model(l2=0.01).fit(ROWS, [0, 1, 0])
    assert model.coef_.tolist() == expected.coef_
    assert model.feature_names_in_ == ["a", "b", "c"]
    assert model.predict(frame).tolist() == [0, 1, 0]


class ByColumns:
    """A frame of an unknown kind, which iterates over its columns."""

    def __init__(self, **attributes):
        self.__dict__.update(attributes)

    def __iter__(self):
        return iter(ROWS)

    def __len__(self):
        return len(ROWS)


UNKNOWN = {
    "columns": ByColumns(columns=["a", "b", "c"]),
    "column_names": ByColumns(column_names=["a", "b", "c"]),
    "interchange": ByColumns(__dataframe__=None),
    "Arrow stream": ByColumns(__arrow_c_stream__=None),
    "lazy": SimpleNamespace(columns=["a", "b", "c"]),
}


@pytest.mark.parametrize("frame", UNKNOWN.values(), ids=UNKNOWN)
def test_a_frame_whose_rows_cannot_be_told_from_its_columns_is_refused(make_model, make_layer, frame):
    model, layer = make_model(l2=0.1).fit(ROWS, [0, 1, 0]), make_layer(3)
    message = (
        f"a data frame of type {type(frame).__name__}, whose rows cannot be told from its columns; expected rows: give a "
        "list of its rows, or a NumPy array"
    )
    for name, call in (
        ("X", lambda: model.fit(frame, [0, 1, 0])),
        ("X", lambda: model.predict(frame)),
        ("y", lambda: model.fit(ROWS, frame)),
        ("y", lambda: model.score(ROWS, frame)),
        ("sample_weight", lambda: model.fit(ROWS, [0, 1, 0], frame)),
        ("inputs", lambda: layer.forward(frame)),
        ("targets", lambda: layer.train(ROWS, frame)),
    ):
        with pytest.raises(TypeError) as caught:
            call()
        assert str(caught.value) == f"{name} {'are' if name in ('inputs', 'targets') else 'is'} {message}"


def test_rows_of_a_query_are_rows(make_model):
    """A database result may have a method called `columns`."""
    result = ByColumns(columns=lambda: None)
    assert make_model(l2=0.1).fit(result, [0, 1, 0]).coef_ == make_model(l2=0.1).fit(ROWS, [0, 1, 0]).coef_


@pytest.mark.parametrize("kind", [dict, UserDict, MappingProxyType])
def test_a_mapping_has_no_rows(make_model, kind):
    """Its keys would be read as rows, and here they could be."""
    mapping = kind({(0.0, 1.0): 1, (1.0, 0.0): 2})
    model = make_model(l2=0.1)
    for refused in (
        lambda: model.fit(mapping, [0, 1]),
        lambda: model.fit([[1], [2]], mapping),
        lambda: model.fit([[1], [2]], [0, 1], mapping),
        lambda: model.fit([kind({0.0: 1, 1.0: 2}), kind({1.0: 1, 2.0: 2})], [0, 1]),
        lambda: pp.SigmoidLayer(2).forward(mapping),
    ):
        with pytest.raises(TypeError, match=r"expected|must be rows"):
            refused()
