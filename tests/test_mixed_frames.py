"""Data frames with columns of texts, categories and truth values: those of every library give the model of the same table."""

import datetime

import numpy as np
import pytest

from pyperceptron.table import Table

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
duckdb = pytest.importorskip("duckdb")
nw = pytest.importorskip("narwhals")


def mixed_columns(n_rows=300):
    """Return columns of every kind that a table may hold, with short, long and missing texts, and labels."""
    rng = np.random.default_rng(7)
    texts = np.array(["Oslo", "Rome", "a city whose name is longer than twelve letters", "São Paulo", None], object)
    columns = {
        "age": rng.integers(17, 90, n_rows).tolist(),
        "city": rng.choice(texts, n_rows).tolist(),
        "income": rng.normal(size=n_rows).tolist(),
        "grade": rng.choice(["low", "middle", "high"], n_rows).tolist(),
        "smokes": (rng.random(n_rows) < 0.3).tolist(),
    }
    logits = np.array(columns["income"]) + (np.array(columns["age"]) - 50) / 20 - np.array(columns["smokes"])
    return columns, (logits + rng.normal(size=n_rows) > 0).tolist()


def of_pandas(columns):
    return pd.DataFrame(columns)


def of_polars(columns):
    return pl.DataFrame(columns, strict=False)


def of_duckdb(columns):
    return duckdb.from_arrow(pa.table(columns))


MIXED = {
    "pandas": of_pandas,
    "pandas objects": lambda c: pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in c.items()}),
    "pandas categories": lambda c: of_pandas(c).astype({"city": "category", "grade": "category"}),
    "pandas string": lambda c: of_pandas(c).astype({"city": "string", "grade": "string"}),
    "pandas nullable": lambda c: of_pandas(c).convert_dtypes(),
    "pandas of pyarrow": lambda c: of_pandas(c).convert_dtypes(dtype_backend="pyarrow"),
    "pandas slice": lambda c: of_pandas({name: [values[0], *values] for name, values in c.items()}).iloc[1:],
    "polars": of_polars,
    "polars categories": lambda c: of_polars(c).with_columns(pl.col("grade").cast(pl.Categorical)),
    "polars enum": lambda c: of_polars(c).with_columns(pl.col("grade").cast(pl.Enum(["high", "low", "middle", "none"]))),
    "polars chunks": lambda c: pl.concat([of_polars(c).slice(0, 7), of_polars(c).slice(7)], rechunk=False),
    "polars slice": lambda c: of_polars({name: [values[0], *values] for name, values in c.items()}).slice(1),
    "pyarrow": pa.table,
    "pyarrow large texts": lambda c: pa.table({**c, "city": pa.array(c["city"], pa.large_string())}),
    "pyarrow text views": lambda c: pa.table({**c, "city": pa.array(c["city"], pa.string_view())}),
    "pyarrow dictionary": lambda c: pa.table({**c, "city": pa.array(c["city"]).dictionary_encode()}),
    "pyarrow chunks": lambda c: pa.concat_tables([pa.table(c).slice(0, 11), pa.table(c).slice(11)]),
    "pyarrow slice": lambda c: pa.table({name: [values[0], *values] for name, values in c.items()}).slice(1),
    "DuckDB": of_duckdb,
    "narwhals": lambda c: nw.from_native(of_polars(c)),
}


@pytest.mark.parametrize("kind", MIXED)
def test_a_mixed_frame_of_any_library_gives_the_model_of_the_table(make_model, kind):
    columns, y = mixed_columns()
    table = Table(columns)
    model = make_model(l2=0.01).fit(table, y)
    frame = MIXED[kind](columns)
    same = make_model(l2=0.01).fit(frame, y)
    assert same.coef_names_ == model.coef_names_
    assert np.array_equal(same.coef_, model.coef_)
    assert np.array_equal(model.predict_proba(frame), model.predict_proba(table))
    assert isinstance(model.predict(frame), np.ndarray)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_truth_values_are_numbers_in_a_frame_without_texts(make_model, kind):
    columns, y = mixed_columns()
    model = make_model().fit(MIXED[kind]({name: columns[name] for name in ("income", "smokes")}), y)
    assert (model.encoding_, model.coef_names_) == (None, ["income", "smokes"])


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_texts_of_which_nearly_all_are_numbers_are_refused(make_model, kind):
    columns = {"n": [*map(str, range(18)), "nine", "ten"], "city": ["Oslo", "Rome"] * 10}
    with pytest.raises(
        TypeError, match=r"^X row 18, column 'n' is the text 'nine' where nine in ten texts are numbers; expect"
    ):
        make_model(l2=0.1).fit(MIXED[kind](columns), [0, 1] * 10)
    columns["n"][17] = "eight"
    assert "n=eight" in make_model(l2=0.1).fit(MIXED[kind](columns), [0, 1] * 10).coef_names_


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_dates_beside_texts_are_refused(make_model, kind):
    columns = {"city": ["Oslo", "Rome"], "born": [datetime.date(2000, 1, 1), datetime.date(2001, 1, 1)]}
    frame = MIXED[kind](columns) if kind != "pandas" else pd.DataFrame(columns).astype({"born": "datetime64[ns]"})
    with pytest.raises(TypeError, match=r"^X column 'born' holds dates; expected numbers: turn them into numbers"):
        make_model().fit(frame, [0, 1])


def test_the_optimum_is_that_of_scikit_learns_pipeline(make_model):
    linear_model, compose, preprocessing, pipeline, impute = (
        pytest.importorskip(f"sklearn.{name}") for name in ("linear_model", "compose", "preprocessing", "pipeline", "impute")
    )
    columns, y = mixed_columns()
    frame = pd.DataFrame(columns)
    frame.loc[::9, "income"] = np.nan
    texts = ["city", "grade", "smokes"]
    encoder = compose.ColumnTransformer(
        [("texts", preprocessing.OneHotEncoder(), texts), ("rest", impute.SimpleImputer(add_indicator=True), ["age", "income"])]
    )
    theirs = pipeline.make_pipeline(encoder, linear_model.LogisticRegression(C=1.0, solver="newton-cg", tol=1e-10)).fit(
        frame, y
    )
    incomes = [None if value != value else value for value in frame["income"].tolist()]
    model = make_model(l2=1 / len(frame)).fit(Table({**columns, "income": incomes}, missing="mean"), y)
    ours = model.predict_proba(Table({**columns, "income": incomes}))
    assert np.abs(np.array(ours) - theirs.predict_proba(frame)).max() < 1e-5
    assert len(model.coef_names_) == theirs[-1].coef_.shape[1]
