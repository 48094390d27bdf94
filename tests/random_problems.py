"""Random problems for Perceptron, and a judge that is independent of the package.

    python tests/random_problems.py --count 10000 --seed 1 [--family NAME] [--backend cython] [--jobs 2] [--time]
    python tests/random_problems.py --family rare_columns --seed 1 --index 17      # one problem again, in detail

`problem(family, seed, index)` makes a problem, `judge(problem)` fits it and returns a Verdict. The judge minimises J by
Newton's method in np.longdouble (64 bits of mantissa on x86; elsewhere it may be no longer than a float), decides by a linear
programme whether the classes can be separated, and by a QR decomposition whether the columns are linearly dependent. What is
too close to the border counts as undecided and is never held against the package.

The faults that a verdict can name:

    silently wrong       no warning, though J is above its minimum by more than BOUND times max(minimum, weight fraction of the
                         rarest class); or a coefficient that is 0 at an optimum with l1 is not exactly 0
    missed finding       the classes are separable, or the columns dependent, without a penalty, and no finding says so
    false finding        a finding says separable or dependent where that is not so
    warned needlessly    a finding that training stopped short, though J is within the bound, the classes are not separable and
                         the columns not dependent. Findings of other kinds count as "other finding", which is no fault
    warned and wrong     a warning, and J is not within the bound; better than silence, but not the optimum
    refused              an exception; a ValueError only counts if all numbers are between 1e-150 and 1e150
    objective differs    history_[-1]["objective"] is not J of the returned model
    backends differ      the logits of the two backends differ (checked for a part)
"""

import argparse
import itertools
import re
import sys
import time
import warnings
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import Pool

import numpy as np
from scipy.optimize import linprog

import pyperceptron

BOUND = 1e-6  # of (J - minimum) / max(minimum, weight fraction of the rarest class)
DEPENDENT = 1e-12  # a column whose part outside the span of the others is a smaller fraction is dependent
INDEPENDENT = 1e-7  # if it is a larger fraction, independent; undecided between
NO_MARGIN, MARGIN = 1e-9, 1e-5  # a sum of margins below the first: not separable; above the second: separable
SMALLEST, LARGEST = 1e-150, 1e150  # sizes of numbers that the package must cope with

SAYS_SEPARABLE = re.compile("separab|separat|told apart|perfectly predict", re.I)
SAYS_DEPENDENT = re.compile("collinear|dependent|combination|redundant|not unique|duplicate|constant column", re.I)
SAYS_SHORT = re.compile("stopped|max_iter|rounding|crawl|diverge|before the optimum", re.I)

LD = np.longdouble
EPS = np.finfo(LD).eps


@dataclass
class Problem:
    """X is n × d, y n labels or an n × k 0/1 matrix; params are those of Perceptron."""

    X: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray | None = None
    params: dict = field(default_factory=dict)
    family: str = ""
    seed: int = 0
    index: int = 0

    def __str__(self):
        return f"problem({self.family!r}, seed={self.seed}, index={self.index})"


# Families: each makes a Problem from a np.random.Generator.

FAMILIES = {}


def family(function):
    FAMILIES[function.__name__] = function
    return function


def problem(name, seed, index):
    """Return the problem of this number; the same arguments give the same problem."""
    random = np.random.default_rng([seed, zlib.crc32(name.encode()), index])
    made = FAMILIES[name](random)
    made.family, made.seed, made.index = name, seed, index
    return made


def size(random, low=8, high=2000):
    """Return a number of rows, small ones as likely as large ones on a logarithmic scale."""
    return int(np.exp(random.uniform(np.log(low), np.log(high))))


def normal_columns(random, n=None, d=None):
    return random.normal(size=(n or size(random), d or int(random.integers(1, 13))))


def draw_labels(random, X, classes=2, strength=None):
    """Draw n labels 0 … classes - 1 from a softmax in the columns of X; each occurs at least once."""
    d = X.shape[1]
    strength = random.uniform(0, 2) if strength is None else strength
    logits = X @ random.normal(size=(d, classes)) * strength / np.sqrt(d) + random.normal(size=classes)
    y = (logits + random.gumbel(size=logits.shape)).argmax(axis=1)
    y[random.permutation(len(y))[:classes]] = range(classes)
    return y


def draw_params(random, penalty=None):
    """Draw l2, fit_intercept and standardize; penalty: True for l2 > 0, False for 0, None for either."""
    penalty = random.random() < 0.4 if penalty is None else penalty
    params = {"l2": 10 ** random.uniform(-6, 0)} if penalty else {}
    if penalty and random.random() < 0.3:
        params["standardize"] = True
    if random.random() < 0.15:
        params["fit_intercept"] = False
    return params


@family
def plain(random):
    X = normal_columns(random)
    return Problem(X, draw_labels(random, X), None, draw_params(random))


@family
def scaled_modestly(random):
    X = normal_columns(random)
    return Problem(X * 10 ** random.uniform(-6, 6, X.shape[1]), draw_labels(random, X), None, draw_params(random))


@family
def scaled(random):
    X = normal_columns(random) * (1 + random.random())
    X = np.clip(abs(X), 1e-3, 5) * np.sign(X)
    widest = random.choice([20, 80, 149])
    factors = 10 ** random.uniform(-widest + 4, widest - 1, X.shape[1])
    return Problem(X * factors, draw_labels(random, X), None, draw_params(random, penalty=random.random() < 0.2))


@family
def correlated(random):
    """Columns that are almost combinations of others; conditions up to about 1e10."""
    X = normal_columns(random, d=int(random.integers(2, 9)))
    y = draw_labels(random, X)
    first = int(random.integers(1, X.shape[1]))  # the number of columns that stay as they are
    for j in range(first, X.shape[1]):
        X[:, j] = X[:, :first] @ random.normal(size=first) + X[:, j] * 10 ** random.uniform(-10, -1)
    return Problem(X, y, None, draw_params(random))


@family
def duplicates(random):
    X = normal_columns(random)
    y = draw_labels(random, X)
    copies = X[:, random.integers(0, X.shape[1], int(random.integers(1, 4)))] * random.choice([1, 1, -1, 2, 0.5])
    X = np.hstack([X, copies])
    return Problem(X[:, random.permutation(X.shape[1])], y, None, draw_params(random))


@family
def constant_columns(random):
    X = normal_columns(random)
    y = draw_labels(random, X)
    values = random.choice([0, 1, -1, 0.1, 1e-9, 1e9, 1e15], int(random.integers(1, 3)))
    X = np.hstack([X, np.tile(values, (len(X), 1))])
    return Problem(X[:, random.permutation(X.shape[1])], y, None, draw_params(random))


@family
def offset(random):
    X = normal_columns(random)
    y = draw_labels(random, X)
    means = 10 ** random.uniform(0, 9, X.shape[1]) * random.choice([-1, 1], X.shape[1])
    return Problem((X + means) * 10 ** random.uniform(-3, 3, X.shape[1]), y, None, draw_params(random))


@family
def one_hot(random):
    """Indicators of one to three categories with rare levels; all of them (the dummy trap) or all but one."""
    n, parts, logits = size(random, 30), [], 0
    for _ in range(int(random.integers(1, 4))):
        levels = int(random.integers(2, 7))
        chances = random.dirichlet(np.full(levels, random.choice([0.3, 2.0])))
        level = random.choice(levels, n, p=chances)
        part = (level[:, None] == np.arange(levels)).astype(float)
        logits = logits + part @ random.normal(size=levels) * 1.5
        parts.append(part if random.random() < 0.5 else part[:, 1:])
    if random.random() < 0.5:
        parts.append(normal_columns(random, n, int(random.integers(1, 4))))
    X = np.hstack(parts)
    y = (random.random(n) < 1 / (1 + np.exp(-logits))).astype(int)
    y[:2] = 0, 1
    if random.random() < 0.3:  # a level that occurs in one class only
        y[parts[0][:, 0] > 0] = 1
        y[0] = 1 - y[-1] if len(set(y)) == 1 else y[0]
    return Problem(X, y, None, draw_params(random))


def split(random, X):
    """Return labels that a hyperplane separates, and each row's distance from it."""
    sums = X @ random.normal(size=X.shape[1])
    sums = sums - np.quantile(sums, random.uniform(0.1, 0.9))
    y = (sums > 0).astype(int)
    if len(set(y)) == 1:
        y[np.argmax(sums)] = 1 - y[0]
    return y, sums


@family
def nearly_separable(random):
    """One row or two violate a separation, by little or by much."""
    X = normal_columns(random, size(random, 20), int(random.integers(1, 7)))
    y, sums = split(random, X)
    order = np.argsort(abs(sums))
    first = int(random.integers(1, 8) if random.random() < 0.6 else random.integers(len(order)))  # near the hyperplane, or any
    wrong = order[first : first + int(random.integers(1, 3))]
    y[wrong] = 1 - y[wrong]
    if len(set(y)) == 1:
        y[order[-1]] = 1 - y[0]
    return Problem(X, y, None, draw_params(random, penalty=random.random() < 0.15))


@family
def separable(random):
    X = normal_columns(random)
    y, sums = split(random, X)
    X = X + np.outer(sums, random.normal(size=X.shape[1])) * random.choice([0, 0.1, 1])
    return Problem(X, y, None, draw_params(random, penalty=random.random() < 0.25))


@family
def quasi_separable(random):
    """Where an indicator is 1 the label is always 1; elsewhere both occur. Or rows that lie on the hyperplane."""
    X = normal_columns(random, size(random, 20), int(random.integers(1, 6)))
    n = len(X)
    if random.random() < 0.7:
        y = draw_labels(random, X)
        rare = random.random(n) < random.choice([0.02, 0.1, 0.5])
        rare[int(random.integers(n))] = True
        y[rare] = 1
        X = np.column_stack([X, rare * random.choice([1.0, 1.0, -3.0, 1e-4])])
    else:
        X = np.round(X * random.choice([1, 2]))
        sums = X @ random.integers(-1, 2, X.shape[1])
        y = np.where(sums == 0, random.random(n) < 0.5, sums > 0).astype(int)
    if len(set(y[:])) == 1:
        y[int(random.integers(n))] = 1 - y[0]
    return Problem(X, y, None, draw_params(random, penalty=random.random() < 0.15))


@family
def imbalanced(random):
    n = int(random.choice([500, 1000, 2000, 5000, 20_000, 50_000], p=[0.25, 0.25, 0.25, 0.15, 0.06, 0.04]))
    X = normal_columns(random, n, int(random.integers(1, 5)))
    y = np.zeros(n, int)
    positives = random.permutation(n)[: int(random.integers(2, 9))]
    y[positives] = 1
    X[positives] += random.normal(size=X.shape[1]) * random.uniform(0, 1.5)
    params = draw_params(random, penalty=random.random() < 0.2)
    if random.random() < 0.15:
        params["class_weight"] = "balanced"
    return Problem(X, y, None, params)


@family
def rare_columns(random):
    """Columns that are 0 but in a few rows, where they decide, or nearly."""
    n = size(random, 50)
    X = normal_columns(random, n, int(random.integers(1, 4)))
    y = draw_labels(random, X)
    for _ in range(int(random.integers(1, 4))):
        rows = random.permutation(n)[: int(random.integers(2, 12))]
        column = np.zeros(n)
        column[rows] = random.choice([1.0, 10.0, 1e3]) * random.choice([np.ones(len(rows)), random.normal(size=len(rows))])
        y[rows] = (column[rows] > 0) if random.random() < 0.7 else random.integers(0, 2, len(rows))
        y[rows[0]] = 1 - y[rows[0]]
        X = np.column_stack([X, column])
    if len(set(y)) == 1:
        y[int(random.integers(n))] = 1 - y[0]
    return Problem(X, y, None, draw_params(random, penalty=random.random() < 0.25))


@family
def weighted(random):
    X = normal_columns(random)
    n = len(X)
    classes = 2 if random.random() < 0.8 else 3
    y = draw_labels(random, X, min(classes, n - 4))
    params, weights = draw_params(random), None
    kind = random.choice(["zero", "wide", "widest", "scale", "classes"])
    if kind == "zero":
        weights = random.exponential(size=n) * (random.random(n) < random.uniform(0.3, 0.9))
        for label in set(y):
            weights[np.flatnonzero(y == label)[0]] = 1.0
    elif kind == "wide":
        weights = 10 ** random.uniform(-3, 3, n)
    elif kind == "widest":
        weights = 10 ** random.uniform(-12, 12, n) if classes == 2 else 10 ** random.uniform(-5, 5, n)
    elif kind == "scale":
        weights = random.exponential(size=n) * 10 ** random.uniform(-12, 12)
    else:
        params["class_weight"] = {int(label): 10 ** random.uniform(-6, 0) for label in set(y)}
    return Problem(X, y, weights, params)


@family
def heavy_tails(random):
    X = normal_columns(random)
    y = draw_labels(random, X)
    for j in range(X.shape[1]):
        kind = random.integers(3)
        if kind == 0:
            X[:, j] = X[:, j] / random.normal(size=len(X))
        elif kind == 1:
            X[:, j] = np.exp(X[:, j] * random.uniform(1, 4))
    return Problem(X, y, None, draw_params(random))


@family
def codes_for_missing(random):
    X = normal_columns(random, size(random, 50), int(random.integers(1, 6)))
    n = len(X)
    y = draw_labels(random, X)
    label = int(random.integers(2))
    for j in random.permutation(X.shape[1])[: int(random.integers(1, 3))]:
        code = random.choice([-(2.0**31), 1e9, -999.0, 9999.0, -9.223372036854775808e18, float(np.float32(3.4e38))])
        own = np.flatnonzero(y == label) if random.random() < 0.8 else np.arange(n)
        X[random.permutation(own)[: int(random.integers(1, 7))], j] = code
    return Problem(X, y, None, draw_params(random, penalty=random.random() < 0.3))


@family
def integers(random):
    X = normal_columns(random, size(random, 20))
    y = draw_labels(random, X)
    if random.random() < 0.5:
        return Problem(np.round(X * random.choice([1, 10, 1e4])).astype(np.int64), y, None, draw_params(random))
    return Problem(random.poisson(np.exp(X * 0.7)), y, None, draw_params(random))


@family
def storages(random):
    """float32 and bytes."""
    X = normal_columns(random, size(random, 20))
    y = draw_labels(random, X)
    if random.random() < 0.5:
        return Problem((X * 10 ** random.uniform(-3, 3)).astype(np.float32), y, None, draw_params(random))
    return Problem(np.clip(np.round(X * 40 + 128), 0, 255).astype(np.uint8), y, None, draw_params(random))


@family
def several_classes(random):
    """3 … 8 classes, some of them rare, with columns of different means and scales."""
    classes = int(random.integers(3, 9))
    X = normal_columns(random, size(random, 8 * classes, 800), int(random.integers(1, 7)))
    y = draw_labels(random, X, classes)
    if random.random() < 0.4:
        keep = random.permutation(np.flatnonzero(y == 0))[: int(random.integers(1, 4))]
        y[y == 0] = 1
        y[keep] = 0
    if random.random() < 0.5:
        X = (X + 10 ** random.uniform(-1, 4, X.shape[1])) * 10 ** random.uniform(-3, 3, X.shape[1])
    return Problem(X, y, None, draw_params(random))


@family
def few_rows_several_classes(random):
    classes = int(random.integers(3, 5))
    X = normal_columns(random, int(random.integers(8, 25)), int(random.integers(1, 4)))
    return Problem(X, draw_labels(random, X, classes, 0.3), None, draw_params(random))


@family
def multilabel(random):
    X = normal_columns(random, size(random, 20, 1000), int(random.integers(1, 7)))
    k = int(random.integers(2, 6))
    y = np.column_stack([draw_labels(random, X) for _ in range(k)])
    if random.random() < 0.05:
        y[:, 0] = random.integers(2)
    if random.random() < 0.5:
        X = (X + 10 ** random.uniform(-1, 4, X.shape[1])) * 10 ** random.uniform(-3, 3, X.shape[1])
    return Problem(X, y, None, draw_params(random))


def draw_l1(random, X):
    params = {"l1": 10 ** random.uniform(-4, -0.7)}
    if random.random() < 0.2:
        params["l2"] = 10 ** random.uniform(-5, -1)
    if random.random() < 0.4:
        params["standardize"] = True
    if random.random() < 0.1:
        params["fit_intercept"] = False
    kind = random.integers(5)
    if kind == 0:
        X = X * 10 ** random.uniform(-2, 2, X.shape[1])
    elif kind == 1:
        X = X + 10 ** random.uniform(0, 4, X.shape[1])
    elif kind == 2:
        X = np.hstack([X, X[:, :1], -X[:, -1:]])
    elif kind == 3:
        X = np.heaviside(X - random.uniform(-1, 1.5), 0.0)
    return X, params


@family
def l1(random):
    X = normal_columns(random)
    y = draw_labels(random, X)
    X, params = draw_l1(random, X)
    return Problem(X, y, None, params)


@family
def l1_several_classes(random):
    classes = int(random.integers(3, 6))
    X = normal_columns(random, size(random, 20, 500), int(random.integers(1, 6)))
    y = draw_labels(random, X, classes)
    X, params = draw_l1(random, X)
    return Problem(X, y, None, params)


# J, in long double.


class Objective:
    """J of a problem, as DESIGN's formula gives it: rows of weight 0 are left out.

    X        n × d, long double
    wanted   n × k: 0/1; k = 1 for two classes
    s        n weights that sum to 1
    l2, l1   d penalties, of each column
    rarest   the least weight fraction of a class
    """

    def __init__(self, problem):
        params, y = problem.params, np.asarray(problem.y)
        s = np.ones(len(y), LD) if problem.sample_weight is None else problem.sample_weight.astype(LD)
        used = s > 0
        s, y, self.X = s[used], y[used], np.asarray(problem.X)[used].astype(LD)
        if y.ndim == 2:
            self.wanted = y.astype(LD)
            self.softmax = False
        else:
            labels = np.unique(y)
            self.wanted = (y[:, None] == labels).astype(LD)
            factors = params.get("class_weight")
            if factors == "balanced":
                s = s * (self.wanted @ (1 / (self.wanted.T @ s)))
            elif factors:
                s = s * np.array([factors.get(int(label), 1.0) for label in y], LD)
            self.softmax = len(labels) > 2
            if not self.softmax:
                self.wanted = self.wanted[:, 1:]
        self.s = s / s.sum()
        fractions = self.s @ self.wanted
        fractions = fractions if self.softmax else np.concatenate([fractions, 1 - fractions])
        self.rarest = float(min(fractions[fractions > 0]))
        self.intercept = params.get("fit_intercept", True)
        units = np.ones(self.X.shape[1], LD)
        if params.get("standardize"):
            shifted = self.X - self.X[0]
            units = np.sqrt(self.s @ (shifted - self.s @ shifted) ** 2)
            units[units == 0] = 1
        self.l2, self.l1 = LD(params.get("l2", 0.0)) * units**2, LD(params.get("l1", 0.0)) * units

    @property
    def penalised(self):
        return bool(self.l2.any() or self.l1.any())

    def logits(self, model):
        return self.X @ np.asarray(model.coef_, LD).T + np.asarray(model.intercept_, LD)

    def value(self, model):
        """Return J of a fitted model, and how far J computed in float64 may be from it through rounding."""
        W, b = np.asarray(model.coef_, LD), np.asarray(model.intercept_, LD)
        losses, slopes = losses_and_slopes(self.logits(model), self.wanted, self.softmax)
        penalty = (self.l2 * W**2).sum() / 2 + (self.l1 * abs(W)).sum()
        value = self.s @ losses + penalty
        sizes = abs(self.X) @ abs(W).T + abs(b)
        if self.softmax:
            sizes = sizes + sizes.max(axis=1, keepdims=True)
        error = self.s @ (abs(slopes) * sizes).sum(axis=1) * 2.0**-53 * (self.X.shape[1] + 4)
        error = error + 2e-16 if self.softmax else error  # a small loss is the difference of larger numbers
        return value, float(error + 1e-12 * abs(value))


def losses_and_slopes(z, wanted, softmax):
    """Return n losses and their n × k derivatives in the logits z; accurate also where a probability is almost 0 or 1."""
    if softmax:
        z = z - z.max(axis=1, keepdims=True)
        e = np.exp(z)
        p = e / e.sum(axis=1, keepdims=True)
        own = (z * wanted).sum(axis=1, keepdims=True)
        with np.errstate(over="ignore"):
            others = np.exp(np.minimum(z - own, 11000)) * (1 - wanted)
        losses = np.log1p(others.sum(axis=1))
        slopes = np.where(wanted > 0, -(p * (1 - wanted)).sum(axis=1, keepdims=True), p)
        return losses, slopes
    signs = 1 - 2 * wanted
    margins = z * signs
    e = np.exp(-abs(margins))
    losses = (np.maximum(margins, 0) + np.log1p(e)).sum(axis=1)
    return losses, signs * np.where(margins > 0, 1, e) / (1 + e)


# The minimum of J.


def householder(A, b=None, drop=0.0):
    """Solve min ‖Ax - b‖ by Householder's QR with rows sorted and columns pivoted, which bears weights of any size.

    Return x, R, the order of the columns, and for each kept column the fraction of its length that is new. A column of which
    less than the fraction `drop` is new is left out, with x 0. Rank and order refer to the columns as given.
    """
    m, n = A.shape
    rows = np.argsort(-abs(A).max(axis=1), kind="stable")
    M = A[rows].copy() if b is None else np.column_stack([A[rows], b[rows]])
    order, fractions = np.arange(n), []
    lengths = np.sqrt((M[:, :n] ** 2).sum(axis=0))
    rank = 0
    for j in range(min(m, n)):
        left = np.sqrt((M[j:, j:n] ** 2).sum(axis=0))
        relative = left / np.where(lengths[j:] > 0, lengths[j:], 1)
        best = j + int(np.argmax(relative if drop else left))
        if not relative[best - j] > drop:
            break
        if best != j:
            M[:, [j, best]], order[[j, best]], lengths[[j, best]] = M[:, [best, j]], order[[best, j]], lengths[[best, j]]
        fractions.append(float(relative[best - j]))
        v = M[j:, j].copy()
        alpha = -np.copysign(np.sqrt(v @ v), v[0])
        v[0] -= alpha
        M[j:, j + 1 :] -= np.outer(v, (2 / (v @ v)) * (v @ M[j:, j + 1 :]))
        M[j, j], M[j + 1 :, j] = alpha, 0
        rank = j + 1
    R, x = M[:rank, :rank], np.zeros(n, LD)
    if b is not None:
        x[order[:rank]] = back_substitute(R, M[:rank, n])
    return x, R, order[:rank], fractions


def back_substitute(R, b):
    """Solve Rx = b for an upper triangular R; b is a vector or a matrix."""
    x = np.zeros_like(b)
    for j in range(len(R) - 1, -1, -1):
        x[j] = (b[j] - R[j, j + 1 :] @ x[j + 1 :]) / R[j, j]
    return x


def cholesky_solve(H, b, ridge=1e-16):
    """Solve Hx = b by Cholesky's factorisation in long double, of H scaled to a diagonal of 1 plus a tiny ridge."""
    scale = np.sqrt(np.diag(H))
    scale = np.where(scale > 0, scale, 1)
    n = len(H)
    M = H / np.outer(scale, scale)
    M[np.diag_indices(n)] = 1 + LD(ridge)
    L = np.zeros_like(M)
    for j in range(n):
        L[j:, j] = M[j:, j] / np.sqrt(max(M[j, j], LD(ridge)))
        M[j + 1 :, j + 1 :] -= np.outer(L[j + 1 :, j], L[j + 1 :, j])
    y = back_substitute(L[::-1, ::-1], (b / scale)[::-1])[::-1]  # forward, by reversal
    return back_substitute(L.T, y) / scale


class Coordinates:
    """The columns of X, and one of ones for an intercept, in coordinates in which arithmetic is harmless.

    With an intercept each column is shifted by its median; each is scaled by the median of its sizes other than 0.
    basis     n × m, the matrix A with logits = A·u
    penalty   q × m, the matrix G with the l2 penalty ½‖G·u‖² for each output
    l1        m penalties; 0 for the intercept. With l1 the coordinates are the scaled columns themselves
    new       the least fraction of a column that lies outside the span of others; with an intercept, constant columns do not
              count: their coefficient may be 0 without a word
    back(u)   the coefficients of the scaled columns
    """

    def __init__(self, objective):
        X, intercept = objective.X, objective.intercept
        X = X - np.median(X.astype(float), axis=0).astype(LD) if intercept else X
        sizes = [column[column > 0] for column in abs(X).T]
        self.scales = np.array([np.exp2(np.floor(np.log2(np.median(own)))) if len(own) else 1 for own in sizes], LD)
        X = X / self.scales
        varies = np.array([len(own) > 0 for own in sizes])
        constant = np.ptp(objective.X, axis=0) == 0
        columns = np.column_stack([X, np.ones(len(X), LD)]) if intercept else X
        ridge = np.sqrt(objective.l2) / self.scales
        ridge = np.diag(np.append(ridge, 0) if intercept else ridge)
        lengths = np.maximum(abs(columns).max(axis=1, keepdims=True), 1)
        # Dependence is a matter of the columns alone, without the penalty and without constant columns.
        tested = np.append(varies & ~constant, True) if intercept else varies
        _, _, kept, fractions = householder((columns / lengths)[:, tested], drop=1e-18)
        self.new = min(fractions, default=1.0) if len(kept) == tested.sum() else 0.0
        self.l1 = np.append(objective.l1 / self.scales, 0) if intercept else objective.l1 / self.scales
        if self.l1.any():
            self.basis, self.penalty = columns, ridge
            return
        _, R, kept, _ = householder(np.vstack([columns / lengths, ridge]), drop=DEPENDENT)
        # Softmax is minimised by Cholesky's factorisation, which needs orthogonal columns; for two classes the QR decomposition
        # of Newton's method bears any columns, and mixing them would spread numbers of very different sizes.
        inverse = np.eye(len(kept), dtype=LD)
        inverse = back_substitute(R, inverse) if objective.softmax else inverse
        self.basis, self.penalty, self.l1 = columns[:, kept] @ inverse, ridge[:, kept] @ inverse, np.zeros(len(kept), LD)


class Minimum:
    """The minimum of J: its value, the coordinates u (k × m), and a certificate.

    decrement   twice the decrease that another Newton step promises: about 2(J - minimum)
    converged   whether that is a negligible fraction of J
    margin      bounds the sum of the margins of a direction that would separate the classes; infinite if nothing is known
    """

    def __init__(self, coordinates, objective, max_steps=150):
        A, G, l1, s = coordinates.basis, coordinates.penalty, coordinates.l1, objective.s
        self.parts = []
        if objective.softmax:
            self.parts = [minimise(A, G, l1, s, objective.wanted, True, max_steps)]
        else:
            self.parts = [minimise(A, G, l1, s, wanted[:, None], False, max_steps) for wanted in objective.wanted.T]
        self.value = sum(part[1] for part in self.parts)
        self.converged = all(part[2] for part in self.parts)
        self.u = np.vstack([part[0] for part in self.parts])
        self.gradient = np.vstack([part[3] for part in self.parts])
        self.margins = [part[4] for part in self.parts]


def minimise(A, G, l1, s, wanted, softmax, max_steps):
    """Newton's method, with a line search that also lengthens steps; return u, J, whether converged, gradient and margin."""
    k, m = wanted.shape[1], A.shape[1]
    u, z = np.zeros((k, m), LD), np.zeros(wanted.shape, LD)
    smooth = not l1.any()

    def value(u, z):
        losses, slopes = losses_and_slopes(z, wanted, softmax)
        return s @ losses + ((u @ G.T) ** 2).sum() / 2 + (l1 * abs(u)).sum(), slopes

    J, slopes = value(u, z)
    converged = False
    for _ in range(max_steps):
        weighted = slopes * s[:, None]
        gradient = weighted.T @ A + (u @ G.T) @ G
        if not smooth:
            H = hessian(A, G, s, slopes, wanted)
            step = l1_step(H, gradient.ravel(), u.ravel(), np.tile(l1, k)).reshape(k, m)
        elif softmax:
            step = -cholesky_solve(hessian(A, G, s, slopes, wanted), gradient.ravel()).reshape(k, m)
        else:
            curvature = abs(slopes[:, 0]) * (1 - abs(slopes[:, 0]))
            root = np.sqrt(np.maximum(curvature * s, LD(10) ** -4000))
            right = np.concatenate([-weighted[:, 0] / root, -(G @ u[0])])
            step = householder(np.vstack([A * root[:, None], G]), right)[0][None]
        decrement = -(gradient * step).sum() - (l1 * (abs(u + step) - abs(u))).sum()
        balanced = not smooth or is_balanced(A, G, u, weighted, gradient, J)
        if decrement <= 1e-18 * J and balanced:
            converged = decrement >= -1e-15 * J
            break
        z_step, t, found = A @ step.T, LD(1), None

        def slope_along(t, slopes, step=step, z_step=z_step, u=u):
            return (s @ (slopes * z_step)).sum() + (((u + t * step) @ G.T) * (step @ G.T)).sum()

        for _ in range(70):
            trial = value(u + t * step, z + t * z_step)
            lower = trial[0] <= J - 1e-4 * t * decrement
            if lower or (smooth and decrement <= 1e-12 * J and abs(slope_along(t, trial[1])) <= 0.9 * decrement):
                found = trial
                break
            t /= 2
        if found is None:
            converged = decrement <= 1e-12 * J and balanced
            break
        # A step lengthens while J falls: a row whose numbers are huge saturates, and until then hides all other rows.
        while smooth and t < 2.0**140 and np.isfinite(2 * t * z_step).all():
            trial = value(u + 2 * t * step, z + 2 * t * z_step)
            if not slope_along(2 * t, trial[1]) < 0:
                break
            t, found = 2 * t, trial
        u, z = u + t * step, z + t * z_step
        J, slopes = found
        if J < 1e-30:
            break
    weighted = slopes * s[:, None]
    gradient = weighted.T @ A + (u @ G.T) @ G
    others = weighted[wanted == 0] if softmax else weighted
    least = abs(others).min()
    rounding = EPS * len(A) * (abs(weighted).T @ abs(A)).sum()
    margin = float((abs(gradient).sum() + rounding) / least) if least > 0 and not G.any() and smooth else np.inf
    return u, J, converged, gradient, margin


def is_balanced(A, G, u, weighted, gradient, J):
    """Whether the terms of each component of the gradient cancel, or are next to nothing.

    Newton's decrement alone may be tiny far from a minimum, where a row of huge numbers is all but saturated.
    """
    sizes = abs(weighted).T @ abs(A) + abs((u @ G.T) @ G)
    return bool((abs(gradient) <= np.maximum(1e-7 * sizes, 1e-12 * J)).all())


def hessian(A, G, s, slopes, wanted):
    """Return the Hessian of J's smooth part, km × km."""
    k, m = wanted.shape[1], A.shape[1]
    H, outputs = np.zeros((k, m, k, m), LD), slopes + wanted
    for i in range(k):
        H[i, :, i] = (A.T * (s * abs(slopes[:, i]) * (1 - abs(slopes[:, i])))) @ A + G.T @ G
        for j in range(i):
            H[i, :, j] = (A.T * (-s * outputs[:, i] * outputs[:, j])) @ A
            H[j, :, i] = H[i, :, j].T
    return H.reshape(k * m, k * m)


def l1_step(H, gradient, w, l1):
    """Minimise gradient·d + d·H·d/2 + Σ l1·|w + d| over d, by feature-sign search (Lee et al. 2006)."""
    x, c = w.copy(), gradient - H @ w  # in terms of x = w + d: c·x + x·H·x/2 + Σ l1·|x|
    signs = np.sign(x)
    free = l1 == 0
    active = (signs != 0) | free

    def quadratic(x):
        return c @ x + x @ (H @ x) / 2 + (l1 * abs(x)).sum()

    for _ in range(40 * len(w)):
        own = np.flatnonzero(active)
        if len(own):
            target = x.copy()
            target[own] = -cholesky_solve(H[np.ix_(own, own)], c[own] + (l1 * signs)[own])
            crossing = own[(x[own] * target[own] < 0) & ~free[own]]
            best, best_value, at = target, quadratic(target), -1
            for j in crossing:  # J along the line is smallest at its end or where a coefficient passes 0
                point = x + (target - x) * (x[j] / (x[j] - target[j]))
                point[j] = 0
                if quadratic(point) < best_value:
                    best, best_value, at = point, quadratic(point), j
            x = best
            x[(abs(x) <= 1e-25 * abs(x).max()) & ~free] = 0
            signs = np.where(free, 0, np.sign(x))
            active = (signs != 0) | free
            if at >= 0 or len(crossing):
                continue
        slope = c + H @ x
        excess = np.where(active, 0, abs(slope) - l1)
        j = int(np.argmax(excess))
        if excess[j] <= 1e-17 * l1.max():
            break
        active[j], signs[j] = True, -np.sign(slope[j])
    return x - w


# Separability.


def separability(A, wanted, softmax):
    """Return "complete", "quasi", "none" or "undecided": can the classes be told apart by a direction in the columns of A?

    A is n × m, the columns incl. that of ones for an intercept; the rows may be scaled by any positive numbers, and are. The
    linear programme maximises the sum of all margins, none of them negative, of a direction whose components are in [-1, 1].
    """
    sizes = abs(A).max(axis=1, keepdims=True)
    A = A / np.where(sizes > 0, sizes, 1)
    A = (A / np.sqrt((A**2).mean(axis=0))).astype(float)
    m = A.shape[1]
    if softmax:
        k = wanted.shape[1]
        own = wanted.argmax(axis=1)
        parts = []
        for i in range(k):
            for j in range(k):
                rows = A[own == i]
                if i != j and len(rows):
                    part = np.zeros((len(rows), k, m))
                    part[:, i], part[:, j] = rows, -rows
                    parts.append(part.reshape(len(rows), k * m))
        M = np.vstack(parts)
    else:
        M = A * (2 * wanted.astype(float).reshape(-1, 1) - 1)
    options = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    found = linprog(-M.sum(axis=0), -M, np.zeros(len(M)), bounds=(-1, 1), method="highs", options=options)
    if found.x is None:
        return "undecided"
    margins = M @ found.x
    total = np.maximum(margins, 0).sum()
    if total < NO_MARGIN:
        return "none"
    if total < MARGIN or min(margins) < -1e-8 * max(margins):
        return "undecided"
    wide = np.column_stack([-M, np.ones(len(M))])
    costs = np.append(np.zeros(M.shape[1]), -1)
    found = linprog(costs, wide, np.zeros(len(M)), bounds=[*[(-1, 1)] * M.shape[1], (0, 1)], method="highs", options=options)
    return "complete" if found.x is not None and found.x[-1] > NO_MARGIN else "quasi"


class Truth:
    """What is true of a problem, found without the package.

    separable, dependent   True, False or None if undecided
    minimum                Minimum of J, or None if it is not attained or was not found
    """

    def __init__(self, problem):
        self.objective = objective = Objective(problem)
        self.coordinates = coordinates = Coordinates(objective)
        single = [not objective.softmax and len(set(column)) == 1 for column in objective.wanted.T]
        minimum = Minimum(coordinates, objective)
        self.kind = "none"
        if any(single) and objective.intercept:
            self.kind = "complete"
        elif not objective.penalised:
            self.kind = self._separability(minimum)
        self.separable = {"none": False, "undecided": None}.get(self.kind, True)
        self.dependent = False
        if not objective.penalised:
            self.dependent = True if coordinates.new < DEPENDENT else False if coordinates.new > INDEPENDENT else None
        self.minimum = minimum if minimum.converged and self.separable is False else None
        # In float64, rows that weigh next to nothing cannot be seen: neither verdict on separability is then wrong.
        self.faint = objective.s.min() < 1e-13

    def _separability(self, minimum):
        kinds = []
        parts = [self.objective.wanted] if self.objective.softmax else self.objective.wanted.T
        for wanted, margin in zip(parts, minimum.margins, strict=True):
            kinds.append("none" if margin < NO_MARGIN else separability(self.coordinates.basis, wanted, self.objective.softmax))
        return next((kind for kind in ("complete", "quasi", "undecided") if kind in kinds), "none")

    def gap(self, J):
        """Return (J - minimum) / max(minimum, weight fraction of the rarest class)."""
        return float((J - self.minimum.value) / max(self.minimum.value, self.objective.rarest))

    def zeros(self):
        """Return k × d: whether a coefficient is 0 at every optimum with l1, by a clear margin."""
        d = self.objective.X.shape[1]
        limits, slopes = self.coordinates.l1[:d], abs(self.minimum.gradient[:, :d])
        return slopes < limits * (1 - 1e-3) - 1e-5


# The judge.


@dataclass
class Verdict:
    """What a fit did wrong, one line each; empty if nothing."""

    faults: dict = field(default_factory=dict)
    gap: float = 0.0
    steps: int = 0
    seconds: float = 0.0
    undecided: bool = False
    other: bool = False
    findings: list = field(default_factory=list)
    truth: object = None


def fit(problem, backend, **changes):
    """Return the fitted model and whether it warned."""
    model = pyperceptron.Perceptron(backend=backend, **{**problem.params, **changes})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(problem.X, problem.y, problem.sample_weight)
    return model, any(issubclass(warning.category, pyperceptron.TrainingWarning) for warning in caught)


def in_range(X):
    sizes = abs(np.asarray(X, float))
    return sizes.max() <= LARGEST and (sizes[sizes > 0].min(initial=1.0) >= SMALLEST)


def judge(problem, backend="auto", both=False, **changes):
    """Fit a problem and compare the result with the truth; `changes` are further parameters, such as tol."""
    verdict = Verdict()
    faults = verdict.faults
    started = time.perf_counter()
    try:
        model, warned = fit(problem, backend, **changes)
    except Exception as error:
        if in_range(problem.X) or not isinstance(error, ValueError):
            faults["refused"] = f"{type(error).__name__}: {error}"
        return verdict
    verdict.seconds = time.perf_counter() - started
    verdict.steps, verdict.findings = model.n_iter_, list(model.findings_)
    verdict.truth = truth = Truth(problem)
    objective = truth.objective
    J, rounding = objective.value(model)
    recorded = model.history_[-1]["objective"]
    if not abs(recorded - J) <= rounding:
        faults["objective differs"] = f"history_ says {recorded!r}, J of the model is {float(J)!r}"
    said = " ".join(model.findings_)
    says_separable, says_dependent = bool(SAYS_SEPARABLE.search(said)), bool(SAYS_DEPENDENT.search(said))
    if truth.separable and not says_separable and not truth.faint:
        faults["missed finding"] = f"separable ({truth.kind}); findings: {model.findings_}"
    elif truth.dependent and not says_dependent and truth.separable is False:
        faults["missed finding"] = f"columns dependent; findings: {model.findings_}"
    kinds = SAYS_SEPARABLE, SAYS_DEPENDENT, SAYS_SHORT
    verdict.other = any(not any(kind.search(line) for kind in kinds) for line in model.findings_)
    if truth.separable is False and says_separable and not truth.faint:
        faults["false finding"] = f"not separable; findings: {model.findings_}"
    if truth.dependent is False and says_dependent:
        faults["false finding"] = f"columns not dependent; findings: {model.findings_}"
    if truth.minimum is None:
        verdict.undecided = truth.separable is not True
        return verdict
    verdict.gap = truth.gap(J)
    if verdict.gap < -1e-9:
        faults["oracle wrong"] = f"J of the model is below the minimum by {-verdict.gap:.3g}"
    if not verdict.gap <= BOUND and truth.dependent is None and says_dependent:
        verdict.undecided = True
    elif not verdict.gap <= BOUND:
        faults["warned and wrong" if warned else "silently wrong"] = f"J gap {verdict.gap:.3g}; findings: {model.findings_}"
    elif SAYS_SHORT.search(said) and truth.dependent is False and not faults:
        faults["warned needlessly"] = f"J gap {verdict.gap:.3g}; findings: {model.findings_}"
    if objective.l1.any() and not warned and verdict.gap <= BOUND:
        W = abs(np.asarray(model.coef_, LD)) * truth.coordinates.scales
        wrong = (W > 0) & (truth.zeros() | np.less(W, 1e-12 * W.max()))
        if wrong.any():
            at = tuple(map(int, np.argwhere(wrong)[0]))
            faults["silently wrong"] = f"coefficient {at} is {float(model.coef_[at[0]][at[1]]):.3g}, not exactly 0"
    if both and truth.dependent is False and len(pyperceptron.available_backends()) > 1:
        other, other_warned = fit(problem, "python" if model.backend_ == "cython" else "cython", **changes)
        z, others = objective.logits(model), objective.logits(other)
        difference = float(abs(z - others).max() / (1 + abs(z).max()))
        if warned != other_warned or (not warned and difference > 1e-6):
            faults["backends differ"] = f"logits by {difference:.3g}; warned: {warned}, {other_warned}"
    return verdict


# The script.

NAMES = (
    "silently wrong",
    "missed finding",
    "false finding",
    "warned needlessly",
    "warned and wrong",
    "refused",
    "objective differs",
    "backends differ",
    "oracle wrong",
    "judge failed",
)


def judge_number(task, backend="auto", times=False):
    """Judge problem (family, seed, index); return what the script prints of it."""
    name, seed, index = task
    made = problem(name, seed, index)
    both = index % 20 == 0 and made.X.size <= 2000
    try:
        verdict = judge(made, backend, both)
    except Exception as error:
        return task, {"judge failed": f"{type(error).__name__}: {error}"}, 0.0, 0, [], 0.0
    slow = times and slower_than_scikit_learn(made, verdict)
    if slow:
        verdict.faults["slow"] = slow
    notes = ["undecided"] * verdict.undecided + ["other finding"] * verdict.other
    return task, verdict.faults, verdict.gap, verdict.steps, notes, verdict.seconds


def slower_than_scikit_learn(problem, verdict):
    """Return a line if the fit took more than 10 times as long as scikit-learn's newton-cholesky, and over 10 ms; else ""."""
    from sklearn.linear_model import LogisticRegression

    if problem.y.ndim == 2 or problem.params.get("l1"):
        return ""
    C = 1 / (problem.params["l2"] * len(problem.y)) if problem.params.get("l2") else np.inf
    other = LogisticRegression(solver="newton-cholesky", C=C, fit_intercept=problem.params.get("fit_intercept", True))
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other.fit(problem.X, problem.y, problem.sample_weight)
    seconds = time.perf_counter() - started
    if verdict.seconds <= max(10 * seconds, 0.01):
        return ""
    return f"{verdict.seconds * 1e3:.1f} ms, scikit-learn {seconds * 1e3:.1f} ms"


def main():
    parser = argparse.ArgumentParser(description="Fit random problems and judge the results.")
    parser.add_argument("--count", type=int, default=1000, help="problems of all families together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--family", choices=FAMILIES, action="append")
    parser.add_argument("--index", type=int, help="show one problem of one family in detail")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--show", type=int, default=5, help="failing problems to list, of each family and fault")
    parser.add_argument("--time", action="store_true", help="also list fits 10 times slower than scikit-learn's")
    options = parser.parse_args()
    families = options.family or list(FAMILIES)
    if options.index is not None:
        made = problem(families[0], options.seed, options.index)
        verdict = judge(made, options.backend)
        truth = verdict.truth
        print(made, "X", made.X.shape, made.X.dtype, "classes", np.unique(made.y).tolist(), made.params)
        if truth is not None:
            print(f"separable {truth.kind}, dependent {truth.dependent} ({truth.coordinates.new:.3g})")
            print(f"minimum {truth.minimum and float(truth.minimum.value)!r}, gap {verdict.gap:.3g}, steps {verdict.steps}")
        for name, line in verdict.faults.items():
            print(f"{name}: {line}")
        return 0
    each = -(-options.count // len(families))
    tasks = [(name, options.seed, index) for index in range(each) for name in families]
    started = time.perf_counter()
    work = partial(judge_number, backend=options.backend, times=options.time)
    counts, worst, failing = defaultdict(Counter), defaultdict(float), defaultdict(list)
    seconds, most_steps = defaultdict(float), defaultdict(int)
    with Pool(options.jobs) if options.jobs > 1 else _NoPool() as pool:
        for task, faults, gap, steps, notes, used in pool.imap(work, tasks, 16):
            name = task[0]
            counts[name].update(["problems", *faults, *notes])
            worst[name], most_steps[name] = max(worst[name], gap), max(most_steps[name], steps)
            seconds[name] += used
            for fault, line in faults.items():
                failing[name, fault].append((task, line))
    names = [*NAMES, *(["slow"] if options.time else []), "other finding", "undecided"]
    print(f"{'family':25}{'problems':>9}" + "".join(f"{title:>{width(title)}}" for title in names), end="")
    print(f"{'worst gap':>11}{'most steps':>12}{'ms a fit':>10}")
    for name in families:
        print(f"{name:25}{counts[name]['problems']:9}", end="")
        print("".join(f"{counts[name][title]:{width(title)}}" for title in names), end="")
        print(f"{worst[name]:11.2g}{most_steps[name]:12}{seconds[name] / each * 1e3:10.2f}")
    elapsed = time.perf_counter() - started
    print(f"{len(tasks)} problems in {elapsed:.0f} s, {len(tasks) / elapsed:.0f} a second")
    for (name, fault), tasks_and_lines in sorted(failing.items()):
        print(f"\n{name}, {fault}: {len(tasks_and_lines)}")
        for (_, seed, index), line in itertools.islice(tasks_and_lines, options.show):
            print(f"  problem({name!r}, seed={seed}, index={index}): {line}")
    return int(bool(failing))


def width(title):
    return len(title) + 2


class _NoPool:
    """Maps in this process, with the interface of a Pool."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def imap(self, function, tasks, chunk):
        return map(function, tasks)


if __name__ == "__main__":
    sys.exit(main())
