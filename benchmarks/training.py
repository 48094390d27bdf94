"""Benchmark training: the time to come within a relative 1e-6 of the optimum, whatever `tol` a solver needs for it.

The objective is (1/n) Σ ℓ + (l2/2)·‖W‖² with l2 = 1/(C·n), C = 1, and an unpenalised intercept.
"""

from __future__ import annotations

import csv
import math
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from made import MADE
from measure import Row, Section, pinned, timed, version_of

import pyperceptron as pp

CLOSE_ENOUGH = 1e-6
LADDER = tuple(10.0**-exponent for exponent in range(1, 11))
PATIENCE = 3.0  # seconds for one fit, or ...
MUCH_SLOWER = 20.0  # ... as many times as long as ours takes
MOST_ITERATIONS = 100_000
MANY_COEFFICIENTS = 1000  # whose Hessian takes newton-cholesky minutes, and the other solvers too long to be a reference
SOLVERS = ("lbfgs", "newton-cg", "newton-cholesky", "liblinear", "sag", "saga")
WIDE = ((100, 20_000, 2), (500, 5_000, 2), (2_000, 3_000, 2), (5_000, 2_000, 2), (200, 5_000, 5))  # rows, columns, classes
FILES = ("banknote", "spambase", "adult")
OURS = "pyperceptron"

Array = Any  # numpy.ndarray
Coefficients = tuple[Array, Array]  # n_outputs × n_inputs, and n_outputs
Fit = Callable[["Problem", float, int], Coefficients]  # takes the tolerance and the maximum number of iterations


class Problem:
    """Samples, their classes 0 … k - 1, and the objective over them, in NumPy."""

    def __init__(self, X: Array, y: Array) -> None:
        self.X, self.y = np.ascontiguousarray(X, float), y
        self.n, self.d = X.shape
        n_classes = int(y.max()) + 1
        self.k = 1 if n_classes == 2 else n_classes
        self.l2 = 1 / self.n
        self.best = math.inf
        self.patience = PATIENCE

    def objective(self, W: Array, b: Array) -> float:
        return self.with_gradient(np.column_stack([W, b]).ravel())[0]

    def with_gradient(self, coefficients: Array) -> tuple[float, Array]:
        """J and its gradient; coefficients are n_outputs × (n_inputs + 1), flat, each output's intercept last."""
        W, b = np.split(coefficients.reshape(self.k, self.d + 1), [self.d], axis=1)
        Z = self.X @ W.T + b.T
        if self.k == 1:
            z = Z[:, 0]
            exponentials = np.exp(-np.abs(z))
            loss = (np.log1p(exponentials) + np.maximum(z, 0) - self.y * z).sum()
            errors = (np.where(z > 0, 1, exponentials) / (1 + exponentials) - self.y)[:, None]
        else:
            every = np.arange(self.n)
            Z -= Z.max(axis=1, keepdims=True)
            errors = np.exp(Z)
            sums = errors.sum(axis=1, keepdims=True)
            loss = np.log(sums).sum() - Z[every, self.y].sum()
            errors /= sums
            errors[every, self.y] -= 1
        gradient = np.column_stack([errors.T @ self.X, errors.sum(axis=0)]) / self.n
        gradient[:, : self.d] += self.l2 * W
        return float(loss / self.n + self.l2 / 2 * (W * W).sum()), gradient.ravel()

    def excess(self, W: Array, b: Array) -> float:
        """Return how far the objective is above the optimum, relative to the optimum."""
        return self.objective(W, b) / self.best - 1


def sections(data: Path | None) -> Iterator[Section | str]:
    leads = []
    for name, samples in _datasets(data):
        if isinstance(samples, str):
            yield Section(f"Training, {name}", [Row(name, "", None, samples)], name)
            continue
        section, peers, ours = _section(name, *samples)
        yield section
        fastest = min((row for row in peers if row.run), key=lambda row: row.median, default=None)
        if fastest:
            leads.append(fastest.median / ours.median)
            yield f"  the best peer, {fastest.name}, takes {leads[-1]:.3g} times as long as ours"
    if leads:
        mean = math.exp(sum(map(math.log, leads)) / len(leads))
        yield f"\nTraining: the best peer takes {mean:.3g} times as long as ours (geometric mean of {len(leads)} data sets)"


def _section(name: str, X: Array, y: Array) -> tuple[Section, list[Row], Row]:
    """Find each competitor's loosest tolerance that is close enough, before any is timed."""
    deviations = X.std(axis=0)
    scaled = Problem((X - X.mean(axis=0)) / np.where(deviations, deviations, 1), y)
    raw = Problem(X, y)
    scikit, scipy, snap, liblinear = map(version_of, ("scikit-learn", "scipy", "snapml", "liblinear-official"))
    two = scaled.k == 1
    too_large = scaled.k * (scaled.d + 1) > MANY_COEFFICIENTS
    peers: list[tuple[str, str | None, Fit]] = [
        (f"scikit-learn, {solver}" + (" (intercept_scaling 100)" if solver == "liblinear" else ""), scikit, _scikit(solver))
        for solver in SOLVERS
        if (two or solver != "liblinear") and not (too_large and solver == "newton-cholesky")
    ]
    peers.append(("SciPy, L-BFGS-B over NumPy", scipy, _scipy))
    if two:  # the others have no softmax
        peers.append(("liblinear, -s 0 -B 1 -R", scipy and liblinear, _liblinear))
        peers.append(("snapml, dual", snap, _snapml(1.0)))
        peers.append(("snapml, dual, intercept_scaling 10", snap, _snapml(10.0)))
    with pinned(1):
        for problem in (scaled, raw):
            seconds = timed(partial(_fitted, problem))
            problem.patience = max(PATIENCE, MUCH_SLOWER * seconds)
            problem.best = min(problem.objective(*tight(problem, 1e-10, 10_000)) for tight in _tightest(problem))
        rows = [_peer(peer, version, fit, scaled) for peer, version, fit in peers]
        raw_peer = _peer("scikit-learn, lbfgs, raw columns", scikit, _scikit("lbfgs"), raw)
        if raw_peer.run and _warns_by_default(raw):
            raw_peer.name += " (its own max_iter warns)"
    ours, raw_ours = _ours(f"{OURS}, default tol", scaled), _ours(f"{OURS}, default tol, raw columns", raw)
    classes = "2 classes" if two else f"{scaled.k} classes"
    title = f"Training to within {CLOSE_ENOUGH:g} of the optimum, {name}: {scaled.n:,}×{scaled.d}, {classes}, one thread"
    return Section(title, [*rows, ours, raw_peer, raw_ours], ours.name, threads=1), rows, ours


def _peer(name: str, version: str | None, fit: Fit, problem: Problem) -> Row:
    if not version:
        return Row(name, "", None)
    with warnings.catch_warnings():  # convergence warnings matter only at the tolerance that is timed
        warnings.simplefilter("ignore")
        fit(problem, LADDER[0], 1)  # loads the library
        start = time.perf_counter()
        fit(problem, LADDER[-1], 20)
        iterations = int(min(max(problem.patience / (time.perf_counter() - start) * 20, 100), MOST_ITERATIONS))
    for tol in LADDER:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            start = time.perf_counter()
            excess = problem.excess(*fit(problem, tol, iterations))
            seconds = time.perf_counter() - start
        if excess <= CLOSE_ENOUGH:
            kinds = sorted({warning.category.__name__ for warning in caught})
            note = f" (a {', '.join(kinds)})" if kinds else ""
            return Row(f"{name}, tol {tol:g}{note}", version, partial(timed, partial(_quietly, fit, problem, tol, iterations)))
        if seconds > 0.8 * problem.patience:
            break
    return Row(
        name, version, None, f"does not reach it in {problem.patience:.2g} s or {iterations:,} iterations: {excess:.1g} above"
    )


def _quietly(fit: Fit, problem: Problem, tol: float, iterations: int) -> None:
    with warnings.catch_warnings():  # the row's name lists them
        warnings.simplefilter("ignore")
        fit(problem, tol, iterations)


def _ours(name: str, problem: Problem) -> Row:
    model = _fitted(problem)
    if not (excess := problem.excess(model.coef_, model.intercept_)) <= CLOSE_ENOUGH:
        raise SystemExit(f"{name} is {excess:.2g} above the optimum of {problem.best!r}: nothing to compare")
    return Row(name, pp.__version__, lambda: timed(partial(_fitted, problem)))


def _fitted(problem: Problem) -> pp.Perceptron:
    return pp.Perceptron(l2=problem.l2, threads=1).fit(problem.X, problem.y)


def _tightest(problem: Problem) -> Iterator[Fit]:
    """Yield the solvers that compute the reference optimum; the lowest objective is used."""

    def ours(problem: Problem, tol: float, iterations: int) -> Coefficients:
        model = pp.Perceptron(l2=problem.l2, tol=tol, max_iter=iterations, threads=1)
        with warnings.catch_warnings():  # rounding may prevent convergence to so small a tol
            warnings.simplefilter("ignore")
            model.fit(problem.X, problem.y)
        return model.coef_, model.intercept_

    yield ours
    if problem.k * (problem.d + 1) > MANY_COEFFICIENTS:
        return
    if version_of("scipy"):
        yield _scipy
    if version_of("scikit-learn"):
        cholesky = _scikit("newton-cholesky")

        def quiet(problem: Problem, tol: float, iterations: int) -> Coefficients:
            with warnings.catch_warnings():  # likewise, and it falls back to lbfgs if the Hessian is singular
                warnings.simplefilter("ignore")
                return cholesky(problem, tol, min(iterations, 100))

        yield quiet


def _scikit(solver: str) -> Fit:
    def fit(problem: Problem, tol: float, iterations: int) -> Coefficients:
        from sklearn.linear_model import LogisticRegression

        # liblinear penalises the intercept; a larger scaling weakens that penalty.
        scaling = 100 if solver == "liblinear" else 1
        model = LogisticRegression(solver=solver, tol=tol, max_iter=iterations, intercept_scaling=scaling, random_state=0)
        model.fit(problem.X, problem.y)
        return model.coef_, model.intercept_

    return fit


def _warns_by_default(problem: Problem) -> bool:
    """Return whether scikit-learn's lbfgs warns about convergence with its default parameters."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _scikit("lbfgs")(problem, 1e-4, 100)
    return bool(caught)


def _scipy(problem: Problem, tol: float, iterations: int) -> Coefficients:
    from scipy.optimize import minimize

    start = np.zeros(problem.k * (problem.d + 1))
    options = {"gtol": tol, "ftol": 0.0, "maxiter": iterations, "maxfun": 2 * iterations}
    found = minimize(problem.with_gradient, start, jac=True, method="L-BFGS-B", options=options)
    coefficients = found.x.reshape(problem.k, problem.d + 1)
    return coefficients[:, :-1], coefficients[:, -1]


def _liblinear(problem: Problem, tol: float, iterations: int) -> Coefficients:
    """Pass -R, which leaves the bias unpenalised, and CSR, the fastest input; `iterations` cannot be limited."""
    from liblinear import liblinearutil
    from scipy.sparse import csr_matrix

    samples = liblinearutil.problem(problem.y, csr_matrix(problem.X))
    model = liblinearutil.train(samples, liblinearutil.parameter(f"-s 0 -c 1 -B 1 -R -e {tol:g} -q"))
    weights, bias = model.get_decfun()
    sign = 1 if model.get_labels()[0] == 1 else -1
    return sign * np.array([weights]), sign * np.array([bias])


def _snapml(scaling: float) -> Fit:
    """Use intercept_scaling to weaken snapml's penalty on the intercept; its intercept_ must be multiplied by it."""

    def fit(problem: Problem, tol: float, iterations: int) -> Coefficients:
        from snapml import LogisticRegression

        model = LogisticRegression(
            fit_intercept=True,
            intercept_scaling=scaling,
            regularizer=1.0,
            tol=tol,
            max_iter=iterations,
            n_jobs=1,
            random_state=0,
        )
        model.fit(problem.X, problem.y)
        return model.coef_, model.intercept_ * scaling

    return fit


def _datasets(data: Path | None) -> Iterator[tuple[str, tuple[Array, Array] | str]]:
    """Yield the name of each data set with (X, y), or with the reason why it is missing."""
    for name in ("breast_cancer", "digits"):
        if version_of("scikit-learn"):
            from sklearn import datasets

            yield name, getattr(datasets, f"load_{name}")(return_X_y=True)
        else:
            yield name, "needs scikit-learn, which is not installed"
    for n, d, classes in WIDE:
        yield f"correlated columns, {n:,}×{d:,}", _correlated(n, d, classes)
    for name in FILES:
        path = data / f"{name}.csv" if data else None
        if path is None or not path.is_file():
            yield f"{name}.csv", "not found" if path else "not found: --data names its folder"
        else:
            yield name, _adult(path) if name == "adult" else _numbers(path)

    for name, make in MADE.items():
        yield f"made: {name}", make()


def _correlated(n: int, d: int, classes: int, rank: int = 20) -> tuple[Array, Array]:
    """Make columns from a factor of low rank and as much noise, and classes that depend on a twentieth of them."""
    random = np.random.default_rng([n, d, classes])
    X = 1.5 * random.normal(size=(n, rank)) @ random.normal(size=(rank, d)) / math.sqrt(rank) + random.normal(size=(n, d))
    sums = X @ (random.normal(size=(d, classes)) * (random.random((d, 1)) < 0.05))
    return X, (2 * sums / sums.std() + random.gumbel(size=(n, classes))).argmax(axis=1)


def _numbers(path: Path) -> tuple[Array, Array]:
    """Read a numeric CSV file without a header and with the class in the last column."""
    table = np.loadtxt(path, delimiter=",")
    return table[:, :-1], np.unique(table[:, -1], return_inverse=True)[1]


def _adult(path: Path, target: str = "income-per-year") -> tuple[Array, Array]:
    """Read adult.csv: numeric columns as they are, the others one-hot encoded, with "?" as a category."""
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, skipinitialspace=True)
    columns = []
    for name, *values in zip(header, *rows, strict=True):
        column = np.array(values)
        if name == target:
            y = np.unique(column, return_inverse=True)[1]
            continue
        try:
            columns.append(column.astype(float)[:, None])
        except ValueError:
            columns.append((column[:, None] == np.unique(column)).astype(float))
    return np.hstack(columns), y
