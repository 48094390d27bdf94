"""The judge of random_problems.py is itself right, and finds nothing wrong with a seeded part of its problems."""

import itertools
import warnings

import numpy as np
import pytest
import random_problems
from random_problems import FAMILIES, LD, Coordinates, Minimum, Objective, Problem, Truth, judge, problem, separability

SEED, PROBLEMS_OF_A_FAMILY = 20, 4


@pytest.mark.parametrize("family", FAMILIES)
def test_random_problems(family):
    for index in range(PROBLEMS_OF_A_FAMILY):
        made = problem(family, SEED, index)
        verdict = judge(made, both=made.X.size <= 200)
        assert verdict.faults == {}, str(made)


def value(objective, W, b):
    """J of k × d coefficients and k intercepts, straight from the formula, in long double."""
    z = objective.X @ W.T + b
    if objective.softmax:
        losses = np.log(np.exp(z).sum(axis=1)) - (z * objective.wanted).sum(axis=1)
    else:
        losses = (np.log1p(np.exp(z)) - z * objective.wanted).sum(axis=1)
    return objective.s @ losses + (objective.l2 * W**2).sum() / 2 + (objective.l1 * abs(W)).sum()


class Model:
    def __init__(self, coef, intercept):
        self.coef_, self.intercept_ = coef, intercept


@pytest.mark.parametrize("params", [{}, {"l2": 0.01}, {"l2": 0.01, "standardize": True}, {"fit_intercept": False}])
@pytest.mark.parametrize("classes", [2, 4, "multilabel"])
def test_minimum_is_stationary_and_no_point_near_it_is_lower(classes, params):
    random = np.random.default_rng(1)
    X = random.normal(size=(80, 3)) * [1, 10, 0.1] + [0, 5, 1]
    y = random.integers(0, 2, (80, 3)) if classes == "multilabel" else random.integers(0, classes, 80)
    made = Problem(X, y, random.exponential(size=80), params)
    objective = Objective(made)
    truth = Truth(made)
    assert truth.separable is False
    A, u = truth.coordinates.basis, truth.minimum.u
    z = A @ u.T
    rows = np.column_stack([objective.X, np.ones(80, LD)]) if objective.intercept else objective.X
    W = np.linalg.lstsq(rows.astype(float), z.astype(float), rcond=None)[0].T
    b = W[:, 3] if objective.intercept else np.zeros(len(W))
    W = W[:, :3]
    best = float(truth.minimum.value)
    assert float(value(objective, W, b)) == pytest.approx(best, rel=1e-12)
    assert float(objective.value(Model(W, b))[0]) == pytest.approx(best, rel=1e-12)
    for i, j in itertools.product(*map(range, W.shape)):
        for step in (1e-4, -1e-4):
            moved = W.copy()
            moved[i, j] += step / X[:, j].std()
            assert value(objective, moved, b) > best
    if objective.intercept:
        assert value(objective, W, b + np.eye(len(b))[0] * 1e-4) > best


@pytest.mark.parametrize("classes", [2, 3])
def test_slopes_are_the_derivatives_of_the_losses(classes):
    random = np.random.default_rng(2)
    wanted = np.eye(classes, dtype=LD)[random.integers(0, classes, 20)]
    wanted = wanted if classes > 2 else wanted[:, 1:]
    z = random.normal(size=wanted.shape).astype(LD) * 3
    _, slopes = random_problems.losses_and_slopes(z, wanted, classes > 2)
    for column in range(wanted.shape[1]):
        change = np.zeros_like(z)
        change[:, column] = LD(1e-6)
        above, _ = random_problems.losses_and_slopes(z + change, wanted, classes > 2)
        below, _ = random_problems.losses_and_slopes(z - change, wanted, classes > 2)
        assert abs((above - below) / LD(2e-6) - slopes[:, column]).max() < 1e-11


@pytest.mark.parametrize("family", ["plain", "offset", "several_classes"])
def test_minimum_is_that_of_scikit_learn(family):
    linear_model = pytest.importorskip("sklearn.linear_model")
    for index in range(8):
        made = problem(family, 3, index)
        truth = Truth(made)
        if truth.minimum is None:
            continue
        n, l2 = len(made.y), made.params.get("l2", 0.0)
        if made.params.get("standardize"):
            continue
        X = made.X
        if made.params.get("fit_intercept", True) and not l2:
            X = (X - X.mean(axis=0)) / X.std(axis=0)
        elif family == "offset":
            continue  # scikit-learn does not converge
        C = 1 / (l2 * n) if l2 else np.inf
        other = linear_model.LogisticRegression(
            solver="newton-cholesky", C=C, tol=1e-12, max_iter=1000, fit_intercept=made.params.get("fit_intercept", True)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other.fit(X, made.y)
        objective = Objective(Problem(X, made.y, None, made.params))
        J, _ = objective.value(Model(other.coef_, other.intercept_))
        assert -1e-15 <= truth.gap(J) < 1e-10, str(made)


@pytest.mark.parametrize("family", ["l1", "l1_several_classes"])
def test_minimum_with_l1_meets_the_conditions_of_optimality(family):
    for index in range(15):
        made = problem(family, 4, index)
        objective = Objective(made)
        coordinates = Coordinates(objective)
        minimum = Minimum(coordinates, objective)
        assert minimum.converged, str(made)
        limits = coordinates.l1
        inside = abs(minimum.gradient) <= limits * (1 + 1e-8) + 1e-10
        on_side = abs(minimum.gradient + limits * np.sign(minimum.u)) <= 1e-8
        assert np.where(minimum.u != 0, on_side, inside).all(), str(made)


def separable_by_brute_force(X, y):
    """Whether integer points X with labels 0 and 1 can be told apart, completely or all but rows on the line.

    Try every direction that is normal to the line through two points, and the directions between neighbours of these.
    """
    angles = []
    for a, b in itertools.permutations(X, 2):
        if (a != b).any():
            angles.append(np.arctan2(*(b - a)[::-1]) + np.pi / 2)
    angles = np.unique(np.round(np.array(angles) % (2 * np.pi), 12))
    between = (angles + np.roll(angles, -1)) / 2
    for angle in np.concatenate([angles, between, between + np.pi]):
        sums = X @ [np.cos(angle), np.sin(angle)]
        low, high = sums[y == 0].max(), sums[y == 1].min()
        if high >= low - 1e-9 and np.ptp(sums) > 1e-9:
            return True
    return False


def test_separability_is_that_of_brute_force():
    random = np.random.default_rng(5)
    seen = set()
    for _ in range(50):
        n = int(random.integers(4, 9))
        X = random.integers(0, 4, (n, 2))
        y = random.integers(0, 2, n)
        y[:2] = 0, 1
        expected = separable_by_brute_force(X, y)
        truth = Truth(Problem(X, y))
        rows = np.column_stack([X, np.ones(n)]).astype(LD)
        kind = separability(rows, y, softmax=False)
        as_softmax = separability(rows, np.eye(2)[y], softmax=True)
        assert truth.separable is expected, (X, y)
        assert (kind != "none") is expected, (X, y)
        assert as_softmax == kind, (X, y)
        seen.add(kind)
    assert seen == {"complete", "quasi", "none"}


def test_newton_and_the_linear_programme_agree_on_separability():
    for family, index in itertools.product(("nearly_separable", "quasi_separable", "few_rows_several_classes"), range(12)):
        made = problem(family, 6, index)
        if made.params.get("l2"):
            continue
        truth = Truth(made)
        objective = truth.objective
        rows = np.column_stack([objective.X, np.ones(len(objective.X), LD)]) if objective.intercept else objective.X
        kind = separability(rows, objective.wanted, objective.softmax)
        assert kind == truth.kind or "undecided" in (kind, truth.kind), str(made)


def test_dependence():
    random = np.random.default_rng(7)
    X = random.normal(size=(50, 3))
    y = random.integers(0, 2, 50)
    dummies = np.eye(3)[random.integers(0, 3, 50)]
    for columns, params, expected in (
        (X, {}, False),
        (np.column_stack([X, X[:, 0] * 2e6 + 3]), {}, None),  # rounding makes it other than a combination
        (np.column_stack([X, X[:, 0] * -4]), {}, True),
        (dummies, {}, True),
        (dummies, {"fit_intercept": False}, False),
        (dummies, {"l2": 0.1}, False),
        (np.column_stack([X, X[:, 0] + X[:, 1] * 1e-9]), {}, None),
        (X + 1e9, {}, False),
    ):
        found = Truth(Problem(columns, y, None, params)).dependent
        assert found is expected or (expected is None and found is not False), (columns[0], params)
