"""Data of more columns than rows, and l1 over many columns or classes: the optimum, passes, memory, findings and bits."""

import subprocess
import sys
import warnings
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optimum import Oracle, bits, check_optimum, samples

import pyperceptron as pp
from pyperceptron.backends import backend_of
from pyperceptron.chunks import Chunks
from pyperceptron.columns import column_statistics
from pyperceptron.losses import loss_for
from pyperceptron.objective import Objective
from pyperceptron.row_preconditioner import RowPreconditioner

COMPILED = len(pp.available_backends()) > 1


@pytest.fixture(scope="session")
def make_fast():
    """Perceptron on the fastest backend, for tests that take the reference minutes."""
    if not COMPILED:
        pytest.skip("takes the reference minutes")
    return partial(pp.Perceptron, backend=pp.available_backends()[0])


def correlated(n, d, classes=2, seed=0):
    """Return standardised columns, a factor of rank 20 and as much noise, and labels that depend on a few of them."""
    random = np.random.default_rng([n, d, classes, seed])
    X = random.normal(size=(n, 20)) @ random.normal(size=(20, d)) / 3 + random.normal(size=(n, d))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    sums = X @ (random.normal(size=(d, classes)) * (random.random((d, 1)) < 0.05))
    y = (2 * sums / sums.std() + random.gumbel(size=(n, classes))).argmax(axis=1)
    y[:classes] = range(classes)
    return np.ascontiguousarray(X), y


wide_problems = st.tuples(st.integers(0, 2**32), st.integers(4, 14), st.integers(15, 80), st.sampled_from([2, 2, 3, 4]))
penalties = st.sampled_from([{"l2": 0.3}, {"l2": 1e-3}, {"l1": 0.03}, {"l1": 0.003}, {"l1": 0.02, "l2": 0.1}, {"l1": 9.0}])


@settings(max_examples=60)
@given(wide_problems, penalties, st.booleans(), st.booleans())
def test_the_optimum_of_any_small_wide_problem(make_fast, problem, penalty, fit_intercept, standardize):
    check_problem(make_fast, *problem, penalty, fit_intercept, standardize)


@pytest.mark.parametrize("penalty", [{"l2": 0.1}, {"l1": 0.05}, {"l1": 0.05, "l2": 0.1}], ids=str)
def test_the_optimum_of_wide_problems(make_model, penalty):
    for seed, n, d, classes in ((0, 6, 70, 2), (1, 7, 30, 3), (2, 5, 9, 2)):
        check_problem(make_model, seed, n, d, classes, penalty, fit_intercept=seed != 2, standardize=seed == 1)


def check_problem(make_model, seed, n, d, classes, penalty, fit_intercept, standardize):
    X, y = samples(n, d, classes, seed)
    X = X * np.random.default_rng(seed).choice([1e-2, 1.0, 30.0], d) + 1
    weights = np.random.default_rng(seed).integers(1, 4, n)
    params = {"fit_intercept": fit_intercept, "standardize": standardize, **penalty}
    check_optimum(make_model(**params).fit(X, y, weights), X, y, weights, **params)


@settings(max_examples=5)
@given(st.integers(0, 2**32), st.sampled_from([(2, "log_loss"), (3, "log_loss"), (5, "log_loss"), (2, "squared_error")]))
def test_sets_of_columns_end_at_the_optimum(make_fast, seed, kind):
    classes, loss = kind
    X, y = samples(30, 500, classes, seed)
    for params in (
        {"l1": 0.02},
        {"l1": 0.01, "l2": 0.03},
        {"l1": 3e-4, "standardize": True},
        {"l1": 0.03, "fit_intercept": False},
    ):
        check_optimum(make_fast(loss=loss, max_iter=5000, **params).fit(X, y), X, y, loss=loss, **params)


@pytest.mark.parametrize("solver", ["auto", "newton", "lbfgs"])
@pytest.mark.parametrize(("n", "d", "classes"), [(60, 500, 2), (40, 300, 4), (400, 450, 2)])
def test_within_a_millionth_of_the_optimum_on_correlated_columns(make_fast, n, d, classes, solver):
    """The optimal coefficients are combinations of the rows, so the oracle may rotate the columns onto them."""
    X, y = correlated(n, d, classes)
    l2 = 1 / n
    model = make_fast(l2=l2, solver=solver).fit(X, y)
    rotated = X @ np.linalg.svd(X, full_matrices=False)[2].T
    best = make_fast(l2=l2, tol=1e-11).fit(rotated, y)
    check_optimum(model, X, y, l2=l2)
    assert Oracle(X, y, l2=l2).value(model) <= Oracle(rotated, y, l2=l2).value(best) * (1 + 1e-7)


def test_coefficients_as_liblinear_and_scipy_find_them(make_fast):
    linear_model = pytest.importorskip("sklearn.linear_model")
    X, y = correlated(50, 400)
    dual = linear_model.LogisticRegression(C=1.0, solver="lbfgs", tol=1e-10, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(make_fast(l2=1 / 50, tol=1e-9).fit(X, y).coef_, dual.coef_, atol=1e-6)
    params = {"solver": "liblinear", "fit_intercept": False, "tol": 1e-10, "max_iter": 10_000, "l1_ratio": 1.0}
    sparse = linear_model.LogisticRegression(C=1.0, **params).fit(X, y)
    np.testing.assert_allclose(make_fast(l1=1 / 50, tol=1e-9, fit_intercept=False).fit(X, y).coef_, sparse.coef_, atol=1e-5)


@pytest.mark.parametrize(
    ("n", "d", "classes", "params", "most"),
    [
        (100, 5000, 2, {"l2": 1e-2}, 20),
        (100, 5000, 2, {"l2": 1e-5}, 40),
        (1200, 1500, 2, {"l2": 1 / 1200}, 80),
        (60, 2000, 5, {"l2": 1 / 60}, 60),
        (60, 5000, 2, {"l1": 1 / 60}, 12),
        (200, 3000, 5, {"l1": 1 / 200}, 20),
        (1000, 20, 50, {"l1": 1 / 1000}, 20),
        (100, 5000, 2, {}, 40),
    ],
    ids=str,
)
def test_passes(make_fast, n, d, classes, params, most):
    X, y = correlated(n, d, classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pp.TrainingWarning)  # without a penalty the classes are separable
        model = make_fast(**params).fit(X, y)
    assert model.history_[-1]["passes"] <= most


@pytest.mark.parametrize("params", [{"l2": 0.02}, {"l1": 0.02}], ids=str)
@pytest.mark.parametrize("classes", [2, 4])
def test_badly_scaled_columns_cost_no_more(make_fast, params, classes):
    X, y = correlated(80, 1000, classes)
    scales = 10.0 ** np.random.default_rng(1).uniform(-3, 4, 1000)
    tidy = make_fast(standardize=True, **params).fit(X, y)
    raw = make_fast(standardize=True, **params).fit(X * scales + scales, y)
    assert raw.findings_ == []
    assert raw.history_[-1]["objective"] == pytest.approx(tidy.history_[-1]["objective"], rel=1e-7)
    assert raw.history_[-1]["passes"] <= 1.3 * tidy.history_[-1]["passes"] + 3
    model = make_fast(**params).fit(X * scales, y)  # whose penalties count differently
    assert model.findings_ == []
    check_optimum(model, X * scales, y, **params)


def test_separable_classes_are_found_at_once(make_fast):
    X, y = correlated(100, 3000, 3)
    for labels in (y, (y > 0).astype(int)):
        for solver in ("auto", "newton"):
            model = make_fast(solver=solver)
            with pytest.warns(pp.TrainingWarning, match="^The classes are linearly separable"):
                model.fit(X, labels)
            assert len(model.findings_) == 1
            assert model.history_[-1]["passes"] <= 40


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_the_smallest_of_many_optimal_coefficients(make_model, fit_intercept, standardize):
    """Columns of low rank, in which the classes overlap."""
    random = np.random.default_rng(0)
    factors = random.normal(size=(60, 2))
    X = factors @ random.normal(size=(2, 90)) * random.choice([0.1, 1.0, 10.0], 90)
    y = (factors[:, 0] + random.logistic(size=60) > 0).astype(int)
    model = make_model(fit_intercept=fit_intercept, standardize=standardize)
    with pytest.warns(pp.TrainingWarning, match="^Columns are collinear, as there are 90 .*these are the smallest"):
        model.fit(X, y)
    units = X.std(axis=0) if standardize else np.ones(90)
    centred = (X - X.mean(axis=0) * fit_intercept) / units
    scaled = np.ravel(model.coef_) * units
    np.testing.assert_allclose(scaled, np.linalg.pinv(centred, rcond=1e-9) @ (centred @ scaled), rtol=1e-6, atol=1e-9)


def test_a_penalty_so_strong_that_all_coefficients_are_0(make_fast):
    X, y = correlated(50, 2000)
    model = make_fast(l1=5.0).fit(X, y)
    assert not np.any(model.coef_)
    assert [finding.partition(" is so")[0] for finding in model.findings_] == ["The penalty l1=5"]


def test_l1_zeros_are_exact_and_shifts_of_all_classes_are_optimal(make_fast):
    """Adding a number to a column's coefficients in all classes changes no probability, so its median is 0 at an optimum."""
    X, y = samples(3000, 8, 6, 1)
    model = make_fast(l1=1e-5, max_iter=5000).fit(X, y)
    check_optimum(model, X, y, l1=1e-5)
    assert model.history_[-1]["passes"] <= 25
    assert ((model.coef_ > 0).sum(axis=0) <= 3).all()
    assert ((model.coef_ < 0).sum(axis=0) <= 3).all()


@pytest.mark.parametrize("dtype", ["f", "B"])
def test_storage_of_wide_data(make_fast, dtype):
    X = np.random.default_rng(0).integers(0, 256, (40, 600)).astype(dtype)
    y = (X[:, 0] > X[:, 1]).astype(int)
    for params in ({"l2": 10.0}, {"l1": 2.0}):
        check_optimum(make_fast(**params).fit(X, y), X.astype(float), y, **params)


@pytest.mark.parametrize("params", [{"l2": 0.01}, {"l1": 0.01}, {"l2": 0.01, "solver": "newton"}], ids=str)
@pytest.mark.parametrize("classes", [2, 3])
def test_the_same_bits_with_any_number_of_threads(make_fast, params, classes):
    X, y = correlated(300, 9000, classes)
    first, *others = (bits(make_fast(threads=threads, **params).fit(X, y)) for threads in (1, 2, 5))
    assert set(others) == {first}


def test_the_row_preconditioner_inverts_the_hessian(each_backend):
    """With all rows it is the Hessian, but for the least ridge of the intercept."""
    backend = backend_of(each_backend)
    X, y = samples(12, 20, 3)
    targets = memoryview(y.astype("B").reshape(-1, 1))
    chunks = Chunks(memoryview(X), 21, 3, 1, backend)
    linear_loss = backend.LinearLoss(memoryview(X), targets, None, 3, "softmax_log_loss", True, chunks.rows_in_chunk)
    statistics = column_statistics(linear_loss, chunks, memoryview(X), backend)
    loss = loss_for("log_loss", "multiclass")
    objective = Objective(backend, memoryview(X), linear_loss, chunks, statistics, loss, 3, l2=0.3)
    coefficients, vector = (np.random.default_rng(seed).normal(size=63) for seed in (0, 1))
    start = objective.with_offsets(type(objective.means)("d", coefficients.tolist()))
    solved = type(start)("d", vector.tolist())
    RowPreconditioner(objective, start, 12, None).solve(solved)
    for output in range(3):
        lower = np.reshape(objective.hessian(start, output), (21, 21))
        hessian = np.tril(lower) + np.tril(lower, -1).T
        hessian[20, 20] *= 1 + 1e-3
        ridge = hessian[20, 20] - lower[20, 20]
        to_raw = np.eye(21)
        to_raw[20, :20] = -np.array(objective.means)
        centred = to_raw.T @ (np.tril(lower) + np.tril(lower, -1).T) @ to_raw
        centred[20, 20] += ridge
        expected = to_raw @ np.linalg.solve(centred, to_raw.T @ vector[output * 21 : (output + 1) * 21])
        np.testing.assert_allclose(solved[output * 21 : (output + 1) * 21], expected, rtol=1e-6, atol=1e-9)


MEMORY = """
import sys
import numpy as np
import pyperceptron as pp

def peak():
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))

n, d, classes = map(int, sys.argv[1:4])
X = np.random.default_rng(0).random((n, d))
y = np.arange(n) % classes
model = pp.Perceptron(threads=1, **eval(sys.argv[4]))
model.fit(X[:, :50].copy(), y)
before = peak()
import warnings
warnings.simplefilter("ignore")
model.fit(X, y)
model.predict(X)
print((peak() - before) / X.nbytes)
"""


@pytest.mark.skipif(not COMPILED or not sys.platform.startswith("linux"), reason="measured on Linux, with the compiled backend")
@pytest.mark.parametrize("params", ["{}", "{'l2': 0.01}", "{'l2': 0.01, 'solver': 'newton'}", "{'l1': 0.01}"])
@pytest.mark.parametrize("classes", [2, 3])
def test_memory(tmp_path, params, classes):
    """A matrix of the columns would take 200 times as much as X; vectors as long as the columns take a hundredth each."""
    command = [sys.executable, "-c", MEMORY, "60", "12000", str(classes), params]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)  # not beside the source
    assert float(ran.stdout) < 1.5 * classes
