"""Vector operations, Cholesky factorisation and coordinate descent, against NumPy."""

import numpy as np
import pytest
from cases import WIDTHS, flat, zeros

LENGTHS = [*WIDTHS, 255, 256, 257, 1000]


@pytest.mark.parametrize("n", LENGTHS)
def test_vectors(backend, n):
    random = np.random.default_rng(n)
    left, right = random.normal(size=(2, n))
    assert abs(backend.dot(flat(left), flat(right)) - left @ right) <= 1e-14 * (abs(left) @ abs(right))
    target = flat(left)
    backend.add_scaled(target, -0.3, flat(right))
    np.testing.assert_allclose(target, left - 0.3 * right, rtol=1e-15, atol=1e-16)
    backend.scale(target, 1e-9)
    np.testing.assert_allclose(target, 1e-9 * (left - 0.3 * right), rtol=1e-14, atol=1e-24)
    for n_parts in (1, 2, 3, 7, 8, 9, 20):
        parts = random.normal(size=(n_parts, n))
        total = backend.add_in_tree([flat(part) for part in parts])
        np.testing.assert_allclose(total, parts.sum(axis=0), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("n", LENGTHS)
def test_largest_ratio(backend, n):
    random = np.random.default_rng(n)
    parts, wholes = random.normal(size=n), random.random(n) + 0.1
    assert backend.largest_ratio(flat(parts), flat(wholes)) == (max(abs(parts) / wholes), (abs(parts) / wholes).argmax())
    wholes[n // 2 :] = 0.0
    parts[: n // 2] = 0.5 * wholes[: n // 2]
    assert backend.largest_ratio(flat(parts), flat(wholes)) == (1.0, n // 2)


@pytest.mark.parametrize("n", LENGTHS)
def test_reduce_objective(backend, n):
    random = np.random.default_rng(n)
    total, coefficients, l2 = random.normal(size=1 + n), random.normal(size=n), random.random(n)
    gradient = flat(np.full(n, np.nan))
    value = backend.reduce_objective(flat(total), 3.7, flat(coefficients), flat(l2), gradient)
    assert value == pytest.approx(total[0] / 3.7 + l2 @ coefficients**2 / 2, rel=1e-13, abs=1e-13)
    np.testing.assert_allclose(gradient, total[1:] / 3.7 + l2 * coefficients, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("n", WIDTHS)
@pytest.mark.parametrize("k", [1, 2, 5])
def test_max_scaled_gradient(backend, n, k):
    random = np.random.default_rng(n)
    means, scales = random.normal(size=n), random.random(n) + 0.1
    for place in range(-1, n):
        gradient = random.normal(size=(k, n + 1)) * 1e-3
        gradient[-1, place] = -5.0  # the largest may be anywhere
        slopes = (gradient[:, :n] - means * gradient[:, n:]) / scales
        expected = max(abs(slopes).max(), abs(gradient[:, n]).max())
        assert backend.max_scaled_gradient(flat(gradient), k, flat(means), flat(scales)) == pytest.approx(expected, rel=1e-15)
        expected = abs(gradient[:, :n] / scales).max()
        assert backend.max_scaled_gradient(flat(gradient[:, :n]), k, flat(np.zeros(n)), flat(scales)) == pytest.approx(expected)
    assert backend.max_scaled_gradient(zeros(k * n + k), k, flat(means), flat(scales)) == 0


def positive_definite(random, n):
    roots = random.normal(size=(n, n + 3))
    return roots @ roots.T / n + np.eye(n) * 0.1


@pytest.mark.parametrize("n", WIDTHS)
def test_cholesky(backend, n):
    """Fill the upper triangle with 1e9, because only the lower one may be read."""
    random = np.random.default_rng(n)
    matrix = positive_definite(random, n)
    factor = flat(np.tril(matrix) + np.triu(np.full((n, n), 1e9), 1))
    assert backend.cholesky(factor, n) == -1
    lower = np.tril(np.reshape(factor, (n, n)))
    np.testing.assert_allclose(lower, np.linalg.cholesky(matrix), rtol=1e-10, atol=1e-12)
    for k in (1, 2, 5):
        right = random.normal(size=(k, n))
        vector = flat(right)
        backend.cholesky_solve(factor, n, vector)
        np.testing.assert_allclose(np.reshape(vector, (k, n)) @ matrix, right, rtol=1e-9, atol=1e-10)
        matrices = [positive_definite(random, n) for _ in range(k)]
        vector = flat(right)
        backend.cholesky_solve(flat([np.linalg.cholesky(own) for own in matrices]), n, vector)
        for own, solution, wanted in zip(matrices, np.reshape(vector, (k, n)), right, strict=True):
            np.testing.assert_allclose(own @ solution, wanted, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9, 17, 30])
def test_cholesky_returns_the_first_non_positive_pivot(backend, n):
    for column in range(n):
        matrix = positive_definite(np.random.default_rng(n), n)
        matrix[column, column] = -1.0
        assert backend.cholesky(flat(matrix), n) == column
        matrix[column, :] = matrix[:, column] = 0.0
        assert backend.cholesky(flat(matrix), n) == column
        matrix[column, column] = np.nan
        assert backend.cholesky(flat(matrix), n) == column
        if column:  # a duplicated column, whose pivot is only rounding error
            matrix = positive_definite(np.random.default_rng(n), n)
            matrix[column, :] = matrix[0, :]
            matrix[:, column] = matrix[:, 0]
            assert backend.cholesky(flat(matrix), n) == column


@pytest.mark.parametrize("n", WIDTHS)
@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0, 50.0])
def test_coordinate_descent_satisfies_the_kkt_conditions(backend, n, strength):
    """The result satisfies the KKT conditions, and inactive coordinates are exactly 0."""
    random = np.random.default_rng(n)
    matrix, gradient = positive_definite(random, n) + np.eye(n), random.normal(size=n)
    point = random.normal(size=n) * random.integers(0, 2, n)
    thresholds = random.random(n) * strength
    thresholds[random.integers(n)] = 0.0  # an intercept
    for start in (np.zeros(n), random.normal(size=n)):
        step = flat(start)
        backend.coordinate_descent(flat(np.tril(matrix)), n, flat(gradient), flat(point), flat(thresholds), step, 10_000, 1e-30)
        there, slopes = point + np.array(step), gradient + matrix @ np.array(step)
        at_zero = np.array([-a == b for a, b in zip(point, step, strict=True)])
        assert (abs(slopes[at_zero]) <= thresholds[at_zero] + 1e-12).all()
        np.testing.assert_allclose(slopes[~at_zero], -np.sign(there[~at_zero]) * thresholds[~at_zero], atol=1e-12)
        if strength == 50.0:
            assert at_zero.sum() >= n // 2


def test_coordinate_descent_with_zero_sweeps_changes_nothing(backend):
    step = flat([1.0, 2.0])
    backend.coordinate_descent(flat(np.eye(2)), 2, flat([1, 1]), flat([0, 0]), flat([1, 1]), step, 0, 1e-20)
    assert list(step) == [1.0, 2.0]
