"""Products with rows and with columns of a table, and coordinate descent by columns, against NumPy."""

from array import array

import numpy as np
import pytest
from cases import LOSSES, Case, cases, flat, square
from hypothesis import given, settings
from hypothesis import strategies as st


@st.composite
def some_rows(draw, case):
    """Return a list of row numbers, in which first and last are places; or None for all rows."""
    rows = draw(st.one_of(st.none(), st.lists(st.integers(0, case.n - 1), min_size=1, max_size=40)))
    count = case.n if rows is None else len(rows)
    first = draw(st.integers(0, count - 1))
    return rows, first, draw(st.integers(first + 1, count))


def listed(rows):
    return None if rows is None else array("q", rows)


@settings(max_examples=100)
@given(cases(), st.data())
def test_logits_and_combinations_of_rows(backend, case, data):
    rows, first, last = data.draw(some_rows(case))
    own = case.rows[range(case.n) if rows is None else rows][first:last]
    loss = case.linear_loss(backend)
    logits = np.reshape(loss.row_logits(flat(case.coefficients), listed(rows), first, last), (case.k, -1))
    size = abs(own) @ abs(case.coefficients).T + 1e-300
    assert (abs(logits - case.coefficients @ own.T) <= 1e-13 * size.T).all()
    values = np.random.default_rng(1).normal(size=(case.k, last - first))
    found = np.reshape(loss.combine_rows(flat(values), listed(rows), first, last), (case.k, -1))
    assert (abs(found - values @ own) <= 1e-13 * (abs(values) @ abs(own)) + 1e-300).all()


@settings(max_examples=100)
@given(cases(), st.data())
def test_curvature_factors(backend, case, data):
    rows, first, last = data.draw(some_rows(case))
    own = np.arange(case.n)[slice(None) if rows is None else rows][first:last]
    weights, factors = case.linear_loss(backend).curvature_factors(flat(case.coefficients), listed(rows), first, last)
    factors = np.reshape(factors, (case.k, -1)).T
    np.testing.assert_allclose(weights, case.sample_weights[own], rtol=1e-15)
    curvatures = factors * (1 - factors) if case.loss == "softmax_log_loss" else factors
    np.testing.assert_allclose(curvatures, case.losses()[2][own], rtol=1e-9, atol=1e-12)


@settings(max_examples=100)
@given(cases(), st.data())
def test_gram_matrices(backend, case, data):
    rows, first, last = data.draw(some_rows(case))
    random = np.random.default_rng(2)
    centre, divisors = random.normal(size=case.d), random.random(case.d) + 0.1
    own = case.rows[range(case.n) if rows is None else rows][:, : case.d] - centre
    found = case.linear_loss(backend).gram(flat(centre), flat(divisors), listed(rows), first, last)
    expected = np.tril((own / divisors) @ own.T)[first:last]
    size = (abs(own) / divisors) @ abs(own).T
    assert (abs(np.reshape(found, expected.shape) - expected) <= 1e-13 * size[first:last]).all()


@pytest.mark.parametrize(("n", "d"), [(13, 300), (40, 129), (65, 256)])
def test_gram_matrices_of_many_columns_have_the_same_bits_in_parts(backend, n, d):
    case = Case(n, d, 1, "sigmoid_log_loss", shifted=True)
    loss, centre, divisors = case.linear_loss(backend), flat(np.zeros(d)), flat(np.ones(d))
    whole = loss.gram(centre, divisors, None, 0, n)
    np.testing.assert_allclose(square(whole, n), case.rows[:, :d] @ case.rows[:, :d].T, rtol=1e-11, atol=1e-11)
    for middle in (1, 4, 7, n - 1):
        assert loss.gram(centre, divisors, None, 0, middle) + loss.gram(centre, divisors, None, middle, n) == whole


@settings(max_examples=60)
@given(cases(), st.data())
def test_copies_of_columns(backend, case, data):
    columns = data.draw(st.lists(st.integers(0, case.d - 1), min_size=1, max_size=20))
    centre = np.random.default_rng(3).normal(size=case.d)
    expected = (case.rows[:, : case.d] - centre)[:, columns]
    for by_rows in (True, False):
        found = case.linear_loss(backend).columns(array("q", columns), flat(centre), by_rows)
        wanted = expected if by_rows else expected.T
        np.testing.assert_allclose(np.reshape(found, wanted.shape), wanted, rtol=1e-14, atol=1e-14)


def test_a_loss_over_other_inputs(backend):
    case = Case(20, 4, 3, "softmax_log_loss", shifted=True)
    other = np.random.default_rng(0).normal(size=(20, 7))
    changed = case.linear_loss(backend).with_inputs(memoryview(other), 64, bytearray(1))
    case.offsets = None
    fresh = case.linear_loss(backend, inputs=memoryview(other))
    W = flat(np.random.default_rng(1).normal(size=(3, 8)))
    assert changed.evaluate(W, 0, 1) == fresh.evaluate(W, 0, 1)


@pytest.mark.parametrize("n", [1, 5, 12, 30])
def test_capacitance(backend, n):
    random = np.random.default_rng(n)
    gram, roots = random.normal(size=(n, n)), random.random(n)
    expected = np.eye(n) + np.tril(np.outer(roots, roots) * (gram + 0.5))
    np.testing.assert_allclose(np.reshape(backend.capacitance(flat(gram), n, flat(roots), 0.5), (n, n)), expected, rtol=1e-14)


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("k", [1, 3])
def test_products_in_standardised_columns(backend, k, intercept):
    random = np.random.default_rng(k)
    d, width = 5, 5 + intercept
    means = random.normal(size=d) if intercept else np.zeros(d)
    divisors, gradient = random.random((k, width)) + 0.1, random.normal(size=(k, width))
    T = np.eye(width)
    if intercept:
        T[d, :d] = -means
    vector = flat(gradient)
    backend.divide_standardised(vector, k, flat(means), flat(divisors))
    expected = [T @ ((T.T @ own) / divisor) for own, divisor in zip(gradient, divisors, strict=True)]
    np.testing.assert_allclose(np.reshape(vector, (k, width)), expected, rtol=1e-12)
    vector = flat(gradient)
    backend.centre_gradient(vector, k, flat(means))
    np.testing.assert_allclose(np.reshape(vector, (k, width)), gradient @ T, rtol=1e-12, atol=1e-15)


def test_subgradients_of_least_magnitude(backend):
    slopes, at = [3.0, -3.0, 0.5, -0.5, 3.0, 3.0, -1.0], [0.0, 0.0, 0.0, 0.0, 1.0, -1.0, 2.0]
    found = backend.minimum_norm_subgradients(flat(slopes), flat(at), flat([1.0] * 7))
    assert found.tolist() == [2.0, -2.0, 0.0, 0.0, 4.0, 2.0, 0.0]
    assert np.isnan(backend.minimum_norm_subgradients(flat([np.nan]), flat([0.0]), flat([1.0]))[0])
    assert backend.column_norms(flat([1.0, -4.0, 9.0, 2.0, 3.0, 9.0]), 2, flat([1.0, 2.0])).tolist() == [2.0, 2.0]


@given(st.lists(st.lists(st.floats(-1e3, 1e3), min_size=9, max_size=9), min_size=1, max_size=20))
def test_the_middle_of_nine_rows(backend, columns):
    medians, ranges = backend.middle_of_nine(flat(np.transpose(columns)))
    ranked = np.sort(columns, axis=1)
    assert medians.tolist() == ranked[:, 4].tolist()
    assert ranges.tolist() == (ranked[:, 5] - ranked[:, 3]).tolist()


def test_deviations(backend):
    X, weights = np.random.default_rng(1).normal(size=(50, 6)) + np.arange(6), np.random.default_rng(2).random(50)
    moments = flat([weights.sum(), *(weights @ X), *(weights @ X**2)])
    means, deviations, is_spoilt = backend.deviations(moments)
    average = weights @ X / weights.sum()
    np.testing.assert_allclose(means, average, rtol=1e-12)
    np.testing.assert_allclose(deviations, np.sqrt(weights @ (X - average) ** 2 / weights.sum()), rtol=1e-10)
    assert not is_spoilt
    assert backend.deviations(flat([2.0, 2e9, 2e18 + 256]))[2]


@st.composite
def models(draw):
    n, d, k = draw(st.integers(1, 20)), draw(st.integers(1, 6)), draw(st.integers(1, 4))
    coupled = k > 1 and draw(st.booleans())
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    factors = random.random((k, n))
    if coupled:
        factors /= factors.sum(axis=0)
    strengths = draw(st.sampled_from([0.0, 0.01, 0.3, 3.0])), draw(st.sampled_from([0.01, 0.5]))
    point = random.normal(size=(k, d)) * random.integers(0, 2, (k, d))
    return random.normal(size=(d, n)), coupled, random.random(n), factors, random.normal(size=(k, d)), point, strengths


@settings(max_examples=100)
@given(models())
def test_coordinate_descent_by_columns_satisfies_the_kkt_conditions(backend, model):
    columns, coupled, weights, factors, gradient, point, (l1, l2) = model
    k, d = point.shape
    if coupled:  # as of a softmax, of which only the l2 penalty pulls all outputs in one direction
        gradient = gradient - gradient.mean(axis=0) + l2 * point.mean(axis=0)
    step = flat(np.zeros((k, d)))
    backend.coordinate_descent_by_columns(
        flat(columns),
        k,
        coupled,
        flat(weights),
        flat(factors),
        flat(gradient),
        flat(point),
        flat(np.full((k, d), l1)),
        flat(np.full((k, d), l2)),
        step,
        5000,
        1e-28,
    )
    step = np.reshape(step, (k, d))
    hessian = np.zeros((k, d, k, d))
    for a in range(k):
        for b in range(k):
            own = factors[a] * (a == b) - (factors[a] * factors[b] if coupled else 0)
            hessian[a, :, b] = (columns * (weights * own)) @ columns.T + l2 * np.eye(d) * (a == b)
    slopes, there = gradient + np.einsum("ajbl,bl->aj", hessian, step), point + step
    distance = np.where(there, abs(slopes + l1 * np.sign(there)), np.maximum(abs(slopes) - l1, 0))
    assert distance.max() <= 1e-8 * (1 + abs(gradient).max())
    assert (there[abs(there) < 1e-14] == 0).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_the_curvature_of_a_row_far_on_its_side(backend, loss):
    case = Case(5, 3, 2, loss, weighted=False)
    _, factors = case.linear_loss(backend).curvature_factors(flat(case.coefficients * 1e3), None, 0, 5)
    assert np.isfinite(factors).all()
