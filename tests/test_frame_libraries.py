"""Data frames of pandas, polars, pyarrow, DuckDB and narwhals, in any form of their columns, are read as the same lists are."""

import contextlib
import datetime
import random
import sqlite3
import warnings
from decimal import Decimal

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
duckdb = pytest.importorskip("duckdb")
nw = pytest.importorskip("narwhals")

NAMES = ["a", "b", "c"]


class Only:
    """A frame of an unknown library, which has a single one of another frame's methods."""

    def __init__(self, frame, method):
        def call(*args, **kwargs):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # pandas wants __dataframe__ to be used no more
                return getattr(frame, method)(*args, **kwargs)

        self.__dict__[method] = call


def columns(rows):
    return dict(zip(NAMES, map(list, zip(*rows, strict=True)), strict=True))


def of_pandas(rows):
    return pd.DataFrame(columns(rows))


def of_polars(rows):
    return pl.DataFrame(columns(rows), strict=False)


def of_pyarrow(rows):
    return pa.table(columns(rows))


def of_duckdb(rows):
    values = ", ".join(f"({', '.join('NULL' if value is None else repr(value) for value in row)})" for row in rows)
    return duckdb.sql(f"SELECT * FROM (VALUES {values}) AS t(a, b, c)")


def in_pieces(rows):
    """Return a frame of polars in two pieces, the second of them with an offset into its memory."""
    first, rest = of_polars(rows[:2]), of_polars([rows[0], *rows[2:]])
    return pl.concat([first, rest[1:]], rechunk=False)


# Each makes a frame of rows of 0 and 1.
BITS = {
    "pandas": of_pandas,
    "pandas bool": lambda rows: of_pandas(rows).astype(bool),
    "pandas bool and float": lambda rows: of_pandas(rows).astype({"a": bool, "b": float}),
    "pandas nullable": lambda rows: of_pandas(rows).astype({"a": "Int8", "b": "boolean", "c": "Float32"}),
    "pandas of pyarrow": lambda rows: of_pandas(rows).astype({"a": "bool[pyarrow]", "b": "int8[pyarrow]"}),
    "pandas sparse": lambda rows: of_pandas(rows).astype(pd.SparseDtype("int64", 0)),
    "pandas objects": lambda rows: of_pandas(rows).map(Decimal),
    "pandas float16": lambda rows: of_pandas(rows).astype("float16"),
    "pandas longdouble": lambda rows: of_pandas(rows).astype("longdouble"),
    "pandas uint8": lambda rows: of_pandas(rows).astype("uint8"),
    "polars": of_polars,
    "polars float32": lambda rows: of_polars(rows).cast(pl.Float32),
    "polars bool and int": lambda rows: of_polars(rows).with_columns(pl.col("b").cast(pl.Boolean)),
    "polars decimal": lambda rows: of_polars(rows).cast(pl.Decimal(10, 3)),
    "polars in pieces": in_pieces,
    "polars bool in pieces": lambda rows: in_pieces(rows).cast(pl.Boolean),
    "pyarrow": of_pyarrow,
    "pyarrow slice": lambda rows: of_pyarrow([rows[-1], *rows]).slice(1),
    "pyarrow bool slice": lambda rows: pa.table(
        {name: pa.array([True, *map(bool, values)]) for name, values in columns(rows).items()}
    ).slice(1),
    "pyarrow batch": lambda rows: pa.RecordBatch.from_pydict(columns(rows)),
    "pyarrow reader": lambda rows: of_pyarrow(rows).to_reader(),
    "pyarrow float16": lambda rows: pa.table({name: pa.array(np.array(v, "f2")) for name, v in columns(rows).items()}),
    "pyarrow wide decimal": lambda rows: pa.table(
        {name: pa.array(list(map(Decimal, v)), pa.decimal256(40, 3)) for name, v in columns(rows).items()}
    ),
    "DuckDB": of_duckdb,
    "DuckDB decimal": lambda rows: of_duckdb(rows).project("a::DECIMAL(9, 2) AS a, b::BOOLEAN AS b, c::HUGEINT AS c"),
    "narwhals": lambda rows: nw.from_native(of_polars(rows)),
    "Arrow stream": lambda rows: Only(of_polars(rows), "__arrow_c_stream__"),
    "Arrow array": lambda rows: Only(pa.RecordBatch.from_pydict(columns(rows)), "__arrow_c_array__"),
    "interchange of pandas": lambda rows: Only(of_pandas(rows).astype({"a": bool}), "__dataframe__"),
    "interchange of pyarrow": lambda rows: Only(
        of_pyarrow(rows).set_column(1, "b", pa.array([bool(r[1]) for r in rows])), "__dataframe__"
    ),
}
# Each makes a frame of rows of floats, some of which may be None.
FLOATS = {
    "pandas": lambda rows: of_pandas(rows).astype(float),
    "pandas nullable": lambda rows: of_pandas(rows).astype("Float64"),
    "pandas of pyarrow": lambda rows: of_pandas(rows).astype("double[pyarrow]"),
    "pandas objects": lambda rows: of_pandas(rows).astype(object),
    "polars": lambda rows: of_polars(rows).cast(pl.Float64),
    "polars in pieces": lambda rows: pl.concat(
        [of_polars(rows[:2]), of_polars(rows[2:])], how="vertical_relaxed", rechunk=False
    ),
    "pyarrow": of_pyarrow,
    "pyarrow slice": lambda rows: of_pyarrow([rows[-1], *rows]).slice(1),
    "DuckDB": lambda rows: of_duckdb(rows).project("a::DOUBLE AS a, b::DOUBLE AS b, c::DOUBLE AS c"),
    "interchange of pandas": lambda rows: Only(of_pandas(rows).astype("Float64"), "__dataframe__"),
    "interchange of pyarrow": lambda rows: Only(of_pyarrow(rows), "__dataframe__"),
}


def bits(n=20):
    rng = random.Random(n)
    rows = [[rng.randint(0, 1) for _ in NAMES] for _ in range(n)]
    return rows, [int(row[0] + rng.random() > 0.8) for row in rows]


def floats(n=20):
    rng = random.Random(n)
    rows = [[rng.choice([rng.gauss(0, 1), float(rng.randint(-9, 9)), 2.0**60]) / 2**50 for _ in NAMES] for _ in range(n)]
    return rows, [rng.randint(0, 1) for _ in rows]


@pytest.mark.parametrize("kind", BITS)
def test_frames_of_bits(make_model, kind):
    rows, y = bits()
    expected = make_model(l2=0.01).fit(rows, y)
    model = make_model(l2=0.01).fit(BITS[kind](rows), y)
    assert model.coef_.tolist() == expected.coef_
    assert model.feature_names_in_ == NAMES
    assert model.predict_proba(BITS[kind](rows)).tolist() == expected.predict_proba(rows)


@pytest.mark.parametrize("kind", FLOATS)
def test_frames_of_floats(make_model, make_layer, kind):
    rows, y = floats()
    expected = make_model(l2=0.01).fit(rows, y)
    model = make_model(l2=0.01).fit(FLOATS[kind](rows), y)
    assert model.coef_.tolist() == expected.coef_
    assert model.decision_function(FLOATS[kind](rows)).tolist() == expected.decision_function(rows)
    assert make_layer(3, seed=1).forward(FLOATS[kind](rows)).tolist() == make_layer(3, seed=1).forward(rows)


@pytest.mark.parametrize("kind", FLOATS)
@pytest.mark.parametrize("row", [0, 1, 2, 17])
def test_the_place_of_a_missing_number(make_model, kind, row):
    rows, y = floats()
    model = make_model(l2=0.01).fit(rows, y)
    rows[row][1] = None
    for call in (lambda frame: model.predict(frame), lambda frame: make_model().fit(frame, y)):
        with pytest.raises((ValueError, TypeError), match=rf"^X row {row}, column 'b' is (nan|None); expected a finite number"):
            call(FLOATS[kind](rows))


def test_large_frames(make_model):
    """Numbers are copied some rows at a time."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(50_000, 3))
    y = (X[:, 0] + rng.normal(size=len(X)) > 0).astype(int)
    model = make_model().fit(X[:1000], y[:1000])
    scores = model.decision_function(X).tolist()
    frame = pl.DataFrame(X, schema=NAMES)
    assert model.decision_function(frame).tolist() == scores
    assert model.decision_function(pa.table(frame.to_dict(as_series=False))).tolist() == scores


NO_NUMBERS = {
    "pandas text": (lambda: pd.DataFrame({"a": [1, 2], "city": ["Oslo", "Rome"]}), "city"),
    "pandas object": (lambda: pd.DataFrame({"a": [1, 2], "city": np.array(["Oslo", "Rome"], object)}), "city"),
    "pandas category": (lambda: pd.DataFrame({"a": [1, 2], "city": pd.Categorical([3, 4])}), "city"),
    "pandas date": (lambda: pd.DataFrame({"a": [1, 2], "city": pd.to_datetime(["2020", "2021"])}), "city"),
    "pandas zoned date": (lambda: pd.DataFrame({"city": pd.to_datetime(["2020", "2021"]).tz_localize("UTC")}), "city"),
    "pandas period": (lambda: pd.DataFrame({"city": pd.period_range("2020", periods=2)}), "city"),
    "pandas duration": (lambda: pd.DataFrame({"city": pd.to_timedelta([1, 2])}), "city"),
    "pandas complex": (lambda: pd.DataFrame({"city": [1j, 2j]}), "city"),
    "pandas of pyarrow": (lambda: pd.DataFrame({"city": pd.array(["x", "y"], "string[pyarrow]")}), "city"),
    "polars text": (lambda: pl.DataFrame({"a": [1, 2], "city": ["Oslo", "Rome"]}), "city"),
    "polars category": (lambda: pl.DataFrame({"city": pl.Series(["Oslo", "Rome"]).cast(pl.Categorical)}), "city"),
    "polars date": (lambda: pl.DataFrame({"city": [datetime.date(2020, 1, 1)] * 2}), "city"),
    "polars duration": (lambda: pl.DataFrame({"city": [datetime.timedelta(1)] * 2}), "city"),
    "polars list": (lambda: pl.DataFrame({"city": [[1.0], [2.0]]}), "city"),
    "pyarrow text": (lambda: pa.table({"city": ["Oslo", "Rome"]}), "city"),
    "pyarrow dictionary": (lambda: pa.table({"city": pa.array([1, 2]).dictionary_encode()}), "city"),
    "pyarrow binary": (lambda: pa.table({"city": [b"Oslo", b"Rome"]}), "city"),
    "pyarrow time": (lambda: pa.table({"city": [datetime.time(1), datetime.time(2)]}), "city"),
    "interchange": (lambda: Only(pd.DataFrame({"a": [1, 2], "city": ["Oslo", "Rome"]}), "__dataframe__"), "city"),
    "names of any type": (lambda: pd.DataFrame([["Oslo"], ["Rome"]], columns=[("x", 1)]), ("x", 1)),
}


@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_a_column_without_numbers_is_named(make_layer, kind):
    make, column = NO_NUMBERS[kind]
    with pytest.raises(TypeError) as caught:
        make_layer(1).forward(make())
    assert f"column {column!r}" in str(caught.value)
    assert any(remedy in str(caught.value) for remedy in ("leave the column out", "flatten each sample", "convert"))


LABELS = ["no", "yes", "no", "yes", "yes", "no"]
CODES = [0, 1, 0, 1, 1, 0]
DATES = ["2020-01-01", "2021-01-01", "2020-01-01", "2021-01-01", "2021-01-01", "2020-01-01"]


def from_database(row_factory):
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = row_factory
        connection.execute("CREATE TABLE t (label TEXT)")
        connection.executemany("INSERT INTO t VALUES (?)", [(label,) for label in LABELS])
        return connection.execute("SELECT label FROM t").fetchall()


Y = {
    "pandas": (lambda: pd.Series(LABELS), LABELS),
    "pandas category": (lambda: pd.Series(LABELS, dtype="category"), LABELS),
    "pandas string": (lambda: pd.Series(LABELS, dtype="string"), LABELS),
    "pandas of pyarrow": (lambda: pd.Series(LABELS, dtype=pd.ArrowDtype(pa.string())), LABELS),
    "pandas frame": (lambda: pd.DataFrame({"t": LABELS}), LABELS),
    "pandas index": (lambda: pd.Index(LABELS), LABELS),
    "pandas nullable": (lambda: pd.Series(CODES, dtype="Int64"), CODES),
    "pandas boolean": (lambda: pd.Series(CODES, dtype="boolean"), CODES),
    "pandas sparse": (lambda: pd.Series(CODES, dtype=pd.SparseDtype(int, 0)), CODES),
    "pandas dates": (lambda: pd.to_datetime(pd.Series(DATES)), pd.to_datetime(DATES).to_list()),
    "pandas zoned dates": (
        lambda: pd.to_datetime(pd.Series(DATES)).dt.tz_localize("UTC"),
        pd.to_datetime(DATES).tz_localize("UTC").to_list(),
    ),
    "NumPy nanoseconds": (lambda: np.array(DATES, "M8[ns]"), list(np.array(DATES, "M8[ns]"))),
    "NumPy durations": (lambda: np.array(CODES, "m8[ns]"), list(np.array(CODES, "m8[ns]"))),
    "NumPy matrix": (lambda: np.array(CODES).view(np.matrix).T, CODES),
    "polars": (lambda: pl.Series(LABELS), LABELS),
    "polars category": (lambda: pl.Series(LABELS).cast(pl.Categorical), LABELS),
    "polars dates": (lambda: pl.Series(DATES).str.to_date(), [datetime.date.fromisoformat(date) for date in DATES]),
    "polars frame": (lambda: pl.DataFrame({"t": LABELS}), LABELS),
    "pyarrow": (lambda: pa.array(LABELS), LABELS),
    "pyarrow in pieces": (lambda: pa.chunked_array([LABELS[:2], LABELS[2:]]), LABELS),
    "pyarrow dictionary": (lambda: pa.array(LABELS).dictionary_encode(), LABELS),
    "pyarrow frame": (lambda: pa.table({"t": LABELS}), LABELS),
    "DuckDB": (lambda: duckdb.sql(f"SELECT * FROM (VALUES {', '.join(f'({label!r})' for label in LABELS)}) AS t(t)"), LABELS),
    "narwhals": (lambda: nw.from_native(pl.Series(LABELS), series_only=True), LABELS),
    "narwhals frame": (lambda: nw.from_native(pd.DataFrame({"t": LABELS})), LABELS),
    "database tuples": (lambda: from_database(None), LABELS),
    "database rows": (lambda: from_database(sqlite3.Row), LABELS),
    "lists of one": (lambda: [[label] for label in LABELS], LABELS),
}


@pytest.mark.parametrize("kind", Y)
def test_labels_of_every_library(make_model, kind):
    make, labels = Y[kind]
    X = np.array([[0.0, 1], [1, 2], [0, 3], [2, 1], [1, 1], [1, 0]])
    model = make_model(l2=0.1).fit(X, make())
    assert model.coef_.tolist() == make_model(l2=0.1).fit(X, CODES).coef_.tolist()
    assert list(model.classes_) == sorted(set(labels))
    assert (
        model.predict(X.tolist())
        == list(model.predict(X))
        == [labels[0] if code == 0 else labels[1] for code in make_model(l2=0.1).fit(X, CODES).predict(X)]
    )
    assert model.score(X, make()) == make_model(l2=0.1).fit(X, CODES).score(X, CODES)


@pytest.mark.parametrize(
    "y",
    [
        pd.Series([True, None, False], dtype="boolean"),
        pd.Series(["a", None, "b"], dtype="string"),
        pd.Series(["a", None, "b"]),
        pd.Series(["a", None, "b"], dtype="category"),
        pd.Series([1, None, 2], dtype="Int64"),
        pd.Series([1, None, 2]),
        pd.Series([1, None, 2], dtype="int64[pyarrow]"),
        pd.to_datetime(pd.Series(["2020", None, "2021"])),
        pl.Series(["a", None, "b"]),
        pa.array([1, None, 2]),
        [1, pd.NA, 2],
        [1, pd.NaT, 2],
        np.array(["2020", "NaT", "2021"], "M8[ns]"),
        np.ma.array([1, 2, 3], mask=[0, 1, 0]),
    ],
    ids=lambda y: f"{type(y).__module__} {getattr(y, 'dtype', '')}",
)
def test_a_missing_label_has_a_place(make_model, y):
    with pytest.raises(ValueError, match=r"^y row 1 is .*; expected a label: fill it in or drop that row$"):
        make_model().fit([[0.0], [1.0], [2.0]], y)


MATRICES = {
    "NumPy": lambda rows: np.array(rows),
    "NumPy bool": lambda rows: np.array(rows, bool),
    "NumPy objects": lambda rows: np.array(rows, object),
    "pandas": lambda rows: pd.DataFrame(rows),
    "pandas boolean": lambda rows: pd.DataFrame(rows).astype("boolean"),
    "polars": lambda rows: pl.DataFrame(rows, orient="row"),
    "pyarrow": lambda rows: pa.table(dict(zip("pqr", map(list, zip(*rows, strict=True)), strict=True))),
    "list of arrays": lambda rows: list(np.array(rows)),
    "list of NumPy numbers": lambda rows: [[np.int64(value) for value in row] for row in rows],
    "memoryview": lambda rows: memoryview(np.array(rows, "B")),
}


@pytest.mark.parametrize("kind", MATRICES)
def test_matrices_of_indicators(make_model, kind):
    X = [[0.0, 1], [1, 2], [0, 3], [2, 1], [1, 1], [1, 0]]
    rows = [[0, 1, 1], [1, 0, 1], [1, 1, 0], [0, 0, 0], [1, 1, 1], [0, 1, 0]]
    expected = make_model(l2=0.1).fit(X, rows)
    model = make_model(l2=0.1).fit(X, MATRICES[kind](rows))
    assert model.coef_ == expected.coef_
    assert list(model.classes_) == [0, 1, 2]
    assert model.predict(X) == expected.predict(X)
    assert model.score(X, MATRICES[kind](rows)) == expected.score(X, rows)


@pytest.mark.parametrize(
    "names",
    [
        ["a", "b"],
        [2019, 2020],
        ["a", 1],
        [("x", 1), ("y", 2)],
        [True, None],
        [datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)],
    ],
    ids=repr,
)
def test_names_of_any_type_are_checked(make_model, names):
    rows = np.array([[0.0, 1], [1, 2], [3, 0], [4, 1]])
    frame = pd.DataFrame(rows)
    frame.columns = pd.Index(names, tupleize_cols=False, dtype=object)
    model = make_model(l2=0.1).fit(frame, [0, 0, 1, 1])
    assert model.feature_names_in_ == names
    assert model.predict(frame).tolist() == [0, 0, 1, 1]
    with pytest.raises(ValueError, match=r"^X's columns are in a different order than in fit"):
        model.predict(frame.iloc[:, ::-1])
    assert model.predict_proba_one(dict(zip(names[::-1], rows[1, ::-1], strict=True))) == tuple(model.predict_proba(rows)[1])
    assert model.predict_proba_one(frame.iloc[1]) == tuple(model.predict_proba(rows)[1])
    assert model.predict_proba_one(frame.iloc[1, ::-1]) == tuple(model.predict_proba(rows)[1])
    with pytest.raises(ValueError, match=r"^X lacks the column .* and has the column 'new' that the model was not fitted with"):
        model.predict(frame.set_axis(pd.Index([names[0], "new"], tupleize_cols=False), axis=1))


def test_names_that_were_not_given(make_model):
    """pandas numbers the columns of a frame that is made without names; they are then read by position."""
    rows = np.array([[0.0, 1], [1, 2], [3, 0], [4, 1]])
    plain, named = pd.DataFrame(rows), pd.DataFrame(rows, columns=["a", "b"])
    for fitted, other in ((plain, named), (named, plain), (named, rows), (plain, rows)):
        model = make_model(l2=0.1).fit(fitted, [0, 0, 1, 1])
        assert model.predict(other).tolist() == [0, 0, 1, 1]
    with pytest.raises(ValueError, match="different order"):
        make_model(l2=0.1).fit(plain, [0, 0, 1, 1]).predict(plain[[1, 0]])


def test_a_series_of_objects_is_read_by_its_values(make_model):
    """Arrow, which a Series speaks too, cannot say a Decimal beside a float."""
    rows, y = bits()
    weights = [Decimal(1), 2.5, np.float32(3), True] * 5
    series = pd.Series(weights, dtype=object)
    assert make_model(l2=0.01).fit(rows, y, series).coef_ == make_model(l2=0.01).fit(rows, y, list(map(float, weights))).coef_
    with pytest.raises(TypeError, match=r"^sample_weight row 1, column 0 is the text 'x'; expected a finite number"):
        make_model().fit(rows, y, pd.Series([1, "x", 2] + [1] * 17, dtype=object))


def test_class_weights_in_a_series_are_read_by_its_index(make_model):
    rows, y = bits()
    expected = make_model(l2=0.01, class_weight={0: 5.0, 1: 7.0}).fit(rows, y).coef_
    assert make_model(l2=0.01, class_weight=pd.Series({0: 5.0, 1: 7.0})).fit(rows, y).coef_ == expected
    for weights, label in ((pd.Series({0: 1.0, "a": 1.0}), "'a'"), ({pd.NA: 1, 0: 1}, "<NA>")):
        with pytest.raises(ValueError, match=rf"^class_weight names {label}, which is no label in y.*: leave it out"):
            make_model(class_weight=weights).fit(rows, y)


@pytest.mark.parametrize("missing", [pd.NA, pd.NaT], ids=repr)
def test_score_refuses_a_missing_label(make_model, missing):
    rows, y = bits()
    with pytest.raises(ValueError, match=rf"^y row 2 is {missing!r}; expected a label: fill it in or drop that row$"):
        make_model(l2=0.01).fit(rows, y).score(rows, [*y[:2], missing, *y[3:]])


def test_a_stream_that_breaks_is_named_with_the_reason(make_model):
    def batches():
        yield from of_pyarrow(bits()[0]).to_batches()
        raise RuntimeError("connection lost")

    reader = pa.RecordBatchReader.from_batches(of_pyarrow(bits()[0]).schema, batches())
    with pytest.raises(ValueError, match=r"^X cannot be read \(.*connection lost\): give plain lists$"):
        make_model().fit(reader, bits()[1])
    query = duckdb.from_arrow(of_pyarrow(bits()[0]).to_reader())
    make_model(l2=0.01).fit(query, bits()[1])
    with pytest.raises(ValueError, match=r"^X cannot be read \(.*consumed"):
        make_model().fit(query, bits()[1])


def test_names_that_are_not_as_many_as_the_columns_are_none(make_model):
    class Frame(list):
        columns = ("a",)

        def __array__(self, dtype=None, copy=None):
            return np.array(bits()[0])

    model = make_model(l2=0.01).fit(Frame(), bits()[1])
    assert model.coef_.tolist() == make_model(l2=0.01).fit(bits()[0], bits()[1]).coef_
    assert not hasattr(model, "feature_names_in_")


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_the_target_among_the_columns_is_named(make_model, make):
    table = {"a": [0.0, 1.0, 3.0, 4.0], "b": [1.0, 2.0, 0.0, 1.0]}
    target = pd.Series([0, 0, 1, 1], name="t") if make is pd.DataFrame else make({"t": [0, 0, 1, 1]})
    model = make_model(l2=0.1).fit(make(table), target)
    with pytest.raises(ValueError) as caught:
        model.predict(make({**table, "t": [0, 0, 1, 1]}))
    assert str(caught.value) == ("X has the column 't' that the model was not fitted with: leave out the target column 't'")
    with pytest.raises(ValueError, match=r"^X lacks the column 'b' that the model was fitted with: give 'a', 'b'$"):
        model.predict(make({"a": [0.0]}))
    assert model.predict_one({"b": 1.0, "a": 4.0}) == 1
    with pytest.raises(ValueError, match=r"^x lacks 'b' and has 't' besides; expected one number for each column"):
        model.predict_one({"a": 1.0, "t": 1.0})


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_a_target_among_the_columns_of_a_fit_is_said(make_model, make):
    frame = make({"a": [0.0, 1.0, 3.0, 4.0], "t": [0, 0, 1, 1]})
    model = make_model(l2=0.1).fit(frame, frame["t"])
    assert [finding for finding in model.findings_ if "named 't', as y is" in finding]
    model.fit(frame[["a"]], frame["t"])
    assert not [finding for finding in model.findings_ if "as y is" in finding]
    model.fit(frame, frame["t"].to_list())
    assert not [finding for finding in model.findings_ if "as y is" in finding]
