"""Benchmark tables: reading a CSV file, training and predicting by the command line, one row with texts, and memory."""

from __future__ import annotations

import contextlib
import csv
import io
import math
import os
import pickle
import shutil
import subprocess
import sys
import time
import warnings
from array import array
from collections.abc import Callable, Iterator
from numbers import Number
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from measure import Row, Section, check_alike, pinned, timed, version_of
from memory import can_measure, growth, peak
from processes import BARE, bare_interpreter, cost_over_bare, process

import pyperceptron as pp

TARGET = "income-per-year"
N_ROWS, N_NUMBERS = 20_000, 100
MIXED_ROWS, MIXED_NUMBERS, MIXED_TEXTS = 200_000, 20, 2
CLOSE_ENOUGH = 1e-5
LADDER = tuple(10.0**-exponent for exponent in range(3, 8))
SOLVERS = (("newton-cholesky", False), ("newton-cholesky", True), ("newton-cg", True), ("lbfgs", True))  # and scaled or not
ROWS_ASKED = 100
TOLERANCE = 1e-9

Array = Any  # numpy.ndarray
Raw = dict[str, Any]  # a row as a request brings it
Predict = Callable[[Any], Any]
Make = Callable[[pp.Perceptron, "Adult"], Predict]  # copies the coefficients of our model
Weights = dict[str, Any]  # of each column its weight, or the weight of each of its texts


class Adult:
    """The rows of adult.csv, whether each has the second label, and logistic regression over them with l2 = 1 / rows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with open(path, encoding="utf-8", newline="") as file:
            header, *cells = csv.reader(file)
        columns: dict[str, list[Any]] = dict(zip(header, map(list, zip(*cells, strict=True)), strict=True))
        labels = columns.pop(TARGET)
        self.y = np.array(labels) == max(labels)
        for name, values in columns.items():
            if all(value.isdigit() for value in values):
                columns[name] = list(map(int, values))
        self.rows: list[Raw] = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        self._columns = columns

    def objective(self, weights: Weights, intercept: float) -> float:
        logits, squares = np.full(len(self.y), intercept), 0.0
        for name, values in self._columns.items():
            weight = weights[name]
            if isinstance(weight, dict):
                logits += np.array([weight[text] for text in values])
                squares += sum(each * each for each in weight.values())
            else:
                logits += np.array(values) * weight
                squares += weight * weight
        losses = np.logaddexp(0, logits) - self.y * logits
        return float(losses.mean() + squares / 2 / len(self.y))


def sections(data: Path | None) -> Iterator[Section | str]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        yield _reading(folder)
        path = data / "adult.csv" if data else None
        if path is None or not path.is_file():
            yield f"\nTables: adult.csv is {'not found' if path else 'not found: --data names its folder'}"
            return
        adult = Adult(path.resolve())
        model = folder / "ours.json"
        yield from _training(adult, model)
        yield from _predicting(adult, model)
        yield _one_row(adult, pp.load(model))
        yield from _memory(adult.path, folder)


# --- reading


def _reading(folder: Path) -> Section:
    path = folder / "numbers.csv"
    expected = _write_numbers(path)
    with pinned(1):
        rows = [
            _reader("csv.reader and float", sys.version.split()[0], _bare, path, expected),
            _reader("pandas, C", version_of("pandas"), _pandas("c"), path, expected),
            _reader("pandas, pyarrow", version_of("pandas") and version_of("pyarrow"), _pandas("pyarrow"), path, expected),
            _reader("polars", version_of("polars"), _polars, path, expected),
            _reader("pyperceptron.read_csv", pp.__version__, _ours, path, expected),
        ]
    title = f"Reading {N_ROWS:,}×{N_NUMBERS} numbers of 17 digits and a target of 0 and 1 ({path.stat().st_size / 1e6:.0f} MB)"
    return Section(f"{title}, one thread", rows, rows[0].name, threads=1)


def _write_numbers(path: Path) -> Array:
    """Write a CSV file of numbers with 17 digits, the target last, and return them."""
    values = np.random.default_rng(1).standard_normal((N_ROWS, N_NUMBERS + 1))
    values[:, -1] = values[:, -1] > 0
    header = ",".join([f"x{j}" for j in range(N_NUMBERS)] + ["y"])
    np.savetxt(path, values, ["%.17g"] * (N_NUMBERS + 1), ",", header=header, comments="")
    return values


def _reader(name: str, version: str | None, read: Callable[[Path], Any], path: Path, expected: Array) -> Row:
    if not version:
        return Row(name, "", None)
    result = read(path)
    if isinstance(result, tuple):
        table, y = result
        result = np.column_stack([*(table[column] for column in table.names), y])
    check_alike(name, np.asarray(result).ravel().tolist(), expected.ravel().tolist(), TOLERANCE)
    del result
    return Row(name, version, lambda: timed(lambda: read(path)))


def _bare(path: Path) -> list[array[float]]:
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        return [array("d", map(float, row)) for row in rows]


def _ours(path: Path) -> tuple[pp.Table, list[int]]:
    return pp.read_csv(path, target="y")  # type: ignore[no-any-return]


def _pandas(engine: str) -> Callable[[Path], Any]:
    def read(path: Path) -> Any:
        import pandas

        if engine == "pyarrow":
            import pyarrow

            pyarrow.set_cpu_count(1)
        return pandas.read_csv(path, engine=engine)

    return read


def _polars(path: Path) -> Any:
    os.environ["POLARS_MAX_THREADS"] = "1"  # read when it is imported
    import polars

    return polars.read_csv(path)


# --- training


def _training(adult: Adult, model: Path) -> Iterator[Section | str]:
    ours = process("pyperceptron train", pp.__version__, *_train(adult.path, model))
    assert ours.run
    ours.run()
    fitted, written = pp.load(model), model.read_bytes()
    best = adult.objective(*_weights(fitted))
    theirs = Row("pandas and scikit-learn", "", None)
    if all(map(version_of, ("pandas", "scikit-learn"))):
        theirs, best = _script(adult, model.with_suffix(".pickle"), best)
    _check_optimum(ours.name, adult.objective(*_weights(fitted)), best)
    ours.run = _with_same_bytes(ours.run, model, written)
    title = f"A whole process that trains on adult.csv, {len(adult.rows):,} rows, to within {CLOSE_ENOUGH:g} of the optimum"
    yield Section(f"{title}, one thread", [theirs, ours], theirs.name)
    yield f"  pyperceptron train wrote the same {len(written):,} bytes each time"


def _train(path: Path, model: Path) -> list[str]:
    return ["-m", "pyperceptron", "train", str(path), "--target", TARGET, "--model", str(model), "--threads", "1"]


def _with_same_bytes(run: Callable[[], float], model: Path, expected: bytes) -> Callable[[], float]:
    def checked() -> float:
        seconds = run()
        if model.read_bytes() != expected:
            raise SystemExit("pyperceptron train writes other bytes the second time")
        return seconds

    return checked


def _script(adult: Adult, model: Path, best: float) -> tuple[Row, float]:
    """Return scikit-learn's script with its fastest solver that is close enough, and the lowest objective found."""
    import adult_in_scikit

    found = []
    with pinned(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about convergence; the objective says whether it is close enough
        best = min(best, adult.objective(*_weights_of_pipeline(adult_in_scikit.train(adult.path, TARGET, *SOLVERS[0], 1e-8))))
        for solver, scales in SOLVERS:
            for tol in LADDER:
                start = time.perf_counter()
                pipeline = adult_in_scikit.train(adult.path, TARGET, solver, scales, tol)
                seconds = time.perf_counter() - start
                if adult.objective(*_weights_of_pipeline(pipeline)) / best - 1 <= CLOSE_ENOUGH:
                    found.append((seconds, solver, scales, tol))
                    break
    _, solver, scales, tol = min(found)
    name = f"pandas and scikit-learn, {solver}, {'scaled' if scales else 'raw'} numbers, tol {tol:g}"
    arguments = map(str, (adult_in_scikit.__file__, adult.path, TARGET, model, solver, scales, tol))
    row = process(name, version_of("scikit-learn"), *arguments, threads=1)
    assert row.run
    row.run()
    with open(model, "rb") as file:
        _check_optimum(name, adult.objective(*_weights_of_pipeline(pickle.load(file))), best)
    return row, best


def _check_optimum(name: str, objective: float, best: float) -> None:
    if not (excess := objective / best - 1) <= CLOSE_ENOUGH:
        raise SystemExit(f"{name} is {excess:.2g} above the optimum of {best!r}: nothing to compare")


def _weights(model: pp.Perceptron) -> tuple[Weights, float]:
    """Return the weights and the intercept of our model; "?" is the only word for a missing value in adult.csv."""
    own = dict(zip(model.coef_names_, model.coef_[0], strict=True))
    weights: Weights = {}
    for column in model.encoding_:
        name = column["column"]
        if column["kind"] == "number":
            weights[name] = own[name]
            continue
        weights[name] = {level: own[f"{name}={level}"] for level in column["levels"]}
        if column["missing"]:
            weights[name]["?"] = own[f"{name} missing"]
    return weights, float(model.intercept_[0])


def _weights_of_pipeline(pipeline: Any) -> tuple[Weights, float]:
    """Return the weights and the intercept of the script's pipeline, for raw numbers."""
    (_, encoder, texts), (_, scaler, numbers) = pipeline[0].transformers_
    coefficients, intercept = iter(pipeline[1].coef_[0].tolist()), float(pipeline[1].intercept_[0])
    weights: Weights = {
        name: {level: next(coefficients) for level in levels} for name, levels in zip(texts, encoder.categories_, strict=True)
    }
    for index, name in enumerate(numbers):
        weights[name] = next(coefficients)
        if hasattr(scaler, "scale_"):
            weights[name] /= scaler.scale_[index]
            intercept -= weights[name] * scaler.mean_[index]
    return weights, intercept


# --- one answer by the command line


def _predicting(adult: Adult, model: Path) -> Iterator[Section | str]:
    row = adult.rows[0]
    file = model.with_name("one.csv")
    with open(file, "w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows([row.keys(), row.values()])
    ours = process("pyperceptron predict", pp.__version__, "-m", "pyperceptron", "predict", str(model), str(file))
    scikit = process("import sklearn.linear_model", version_of("scikit-learn"), "-c", "import sklearn.linear_model")
    rows = [bare_interpreter(), ours, scikit, _vowpal_wabbit(adult, model.with_name("wabbit"))]
    section = Section("A whole process that predicts one row of adult.csv", rows, BARE)
    yield section
    yield cost_over_bare(section, ours.name)


def _vowpal_wabbit(adult: Adult, model: Path) -> Row:
    """Return the row of the command vw, or of the Python package, which starts slower; it trains on 1,000 rows."""
    command = [found] if (found := shutil.which("vw")) else [sys.executable, "-m", "vowpalwabbit"]
    name = "Vowpal Wabbit, command" if found else "Vowpal Wabbit, Python package"
    version = subprocess.check_output([found, "--version"], text=True).split()[0] if found else version_of("vowpalwabbit")
    if not version:
        return Row(name, "", None)

    def line(row: Raw, label: str) -> str:
        features = (f"{key}:{value}" if isinstance(value, int) else f"{key}={value}" for key, value in row.items())
        return f"{label}|f {' '.join(features)}\n"

    many, one = model.with_suffix(".many"), model.with_suffix(".one")
    many.write_text("".join(line(row, "1 " if y else "-1 ") for row, y in zip(adult.rows[:1000], adult.y, strict=False)))
    one.write_text(line(adult.rows[0], ""))
    subprocess.run([*command, "--quiet", "--loss_function", "logistic", "-d", many, "-f", model], check=True)
    answer = ["--quiet", "-t", "-i", model, "-d", one, "--link", "logistic", "-p", model.with_suffix(".answer")]
    return process(name, version, *map(str, answer), program=command)


# --- one answer in a service


def _one_row(adult: Adult, model: pp.Perceptron) -> Section:
    with pinned(1):
        rows = [
            _asked("scikit-learn, Pipeline.predict(frame of one row)", version_of("scikit-learn"), _pipeline, model, adult),
            _asked("river, pipeline.predict_one(dict)", version_of("river"), _river, model, adult),
            _asked("Python by hand", sys.version.split()[0], _by_hand, model, adult),
            _asked("pyperceptron, predict_one(dict)", pp.__version__, lambda model, adult: model.predict_one, model, adult),
        ]
    title = "One row of adult.csv from a mapping, 14 columns, 8 of them texts"
    return Section(f"{title} (mean over {ROWS_ASKED} rows in a loop, one thread)", rows, rows[1].name, threads=1)


def _asked(name: str, version: str | None, make: Make, model: pp.Perceptron, adult: Adult) -> Row:
    if version is None or (make is _pipeline and not version_of("pandas")):
        return Row(name, "", None)
    predict = make(model, adult)
    rows: list[Any] = adult.rows[:ROWS_ASKED]
    expected = [_expected(model, row) for row in rows]
    if make is _pipeline:
        import pandas

        rows = [pandas.DataFrame([row]) for row in rows]
    for row, label in zip(rows, expected, strict=True):
        answer = predict(row)
        if (answer if isinstance(answer, str) else answer[0]) != label:
            raise SystemExit(f"{name} answers {answer!r} where {label!r} is right: there is nothing to compare")

    def ask() -> None:
        for row in rows:
            predict(row)

    return Row(name, version, lambda: timed(ask) / len(rows))


def _expected(model: pp.Perceptron, row: Raw) -> Any:
    """Return the label of a row, by the definition."""
    weights, intercept = _weights(model)
    terms = (weights[name][value] if isinstance(value, str) else weights[name] * value for name, value in row.items())
    return model.classes_[math.fsum(terms) + intercept > 0]


def _pipeline(model: pp.Perceptron, adult: Adult) -> Predict:
    """Give the script's pipeline the weights of our model."""
    import adult_in_scikit

    pipeline = adult_in_scikit.train(adult.path, TARGET, *SOLVERS[0], LADDER[0])
    weights, _ = _weights(model)
    (_, encoder, texts), (_, _, numbers) = pipeline[0].transformers_
    indicators = [weights[name][level] for name, levels in zip(texts, encoder.categories_, strict=True) for level in levels]
    pipeline[1].coef_ = np.array([indicators + [weights[name] for name in numbers]])
    pipeline[1].intercept_ = np.array(model.intercept_)
    return pipeline.predict  # type: ignore[no-any-return]


def _river(model: pp.Perceptron, adult: Adult) -> Predict:
    """Give a pipeline the weights of our model; river has no public way to set them."""
    from river import compose, linear_model, preprocessing
    from river.utils import VectorDict

    weights, intercept = _weights(model)
    low, high = model.classes_
    classifier = linear_model.LogisticRegression(intercept_init=intercept)
    encoder = compose.SelectType(str) | preprocessing.OneHotEncoder(drop_zeros=True)  # several times as fast as with zeros
    pipeline = (encoder + compose.SelectType(Number)) | classifier
    for row, is_high in zip(adult.rows[:ROWS_ASKED], adult.y, strict=False):
        pipeline.learn_one(row, is_high)  # else it has no classes
    flat = {name: weight for name, weight in weights.items() if not isinstance(weight, dict)}
    flat |= {f"{name}_{text}": weight for name, own in weights.items() if name not in flat for text, weight in own.items()}
    classifier._weights, classifier.intercept = VectorDict(flat), intercept
    return lambda row: high if pipeline.predict_one(row) else low


def _by_hand(model: pp.Perceptron, adult: Adult) -> Predict:
    weights, intercept = _weights(model)
    low, high = model.classes_

    def predict(row: Raw) -> str:
        logit = intercept
        for name, value in row.items():
            weight = weights[name]
            logit += weight[value] if type(value) is str else weight * value
        return high if logit > 0 else low

    return predict


# --- memory


def _memory(path: Path, folder: Path) -> Iterator[str]:
    """Measure each file in a separate process, so that nothing else has raised the peak."""
    if not can_measure():
        return
    yield "\nMemory: by how much `train` raises the process's peak, with the encoded samples and all else"
    mixed = folder / "mixed.csv"
    _write_mixed(mixed)
    for file, model in ((path, folder / "adult.json"), (mixed, folder / "mixed.json")):
        raised, size = growth(Path(__file__), *_train(file, model)[2:])
        fitted = pp.load(model)
        shape = f"{fitted.n_features_in_} columns, {len(fitted.coef_names_)} encoded"
        yield (
            f"  {file.name}, {shape} ({size / 1e6:.0f} MB): {raised / 1e6:.1f} MB, {raised / size:.2f} of the encoded, "
            f"{raised / size - 1:.2f} beside them"
        )


def _write_mixed(path: Path) -> None:
    """Write a CSV file mostly of numbers, so that the table is nearly as large as the encoded samples."""
    random = np.random.default_rng(1)
    columns = [[f"{value:.9g}" for value in random.standard_normal(MIXED_ROWS)] for _ in range(MIXED_NUMBERS)]
    columns += [[f"level {value}" for value in random.integers(0, 10, MIXED_ROWS)] for _ in range(MIXED_TEXTS)]
    columns.append(random.choice(["no", "yes"], MIXED_ROWS).tolist())
    names = [f"x{j}" for j in range(MIXED_NUMBERS + MIXED_TEXTS)] + [TARGET]
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *zip(*columns, strict=True)])


def main() -> None:
    """Run a command; print by how many bytes it raised the peak, and the size of the encoded samples in bytes."""
    from pyperceptron.cli import main as command

    def quiet(arguments: list[str]) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            if command(arguments):
                raise SystemExit("the command failed")

    arguments = sys.argv[1:]
    path, model = Path(arguments[1]), Path(arguments[arguments.index("--model") + 1])
    small = model.with_suffix(".small")
    with open(path, "rb") as file:
        small.write_bytes(b"".join(file.readline() for _ in range(1000)))
    quiet([arguments[0], str(small), *arguments[2:]])  # a warm-up, so that lazy imports do not count
    before = peak()
    quiet(arguments)
    raised = peak() - before
    fitted = pp.load(model)
    print(raised, fitted._require_fitted().record.n_rows * len(fitted.coef_names_) * 8)


if __name__ == "__main__":
    main()
