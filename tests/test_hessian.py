"""Hessians, row sampling and column moments, against NumPy and finite differences."""

import numpy as np
import pytest
from cases import LOSSES, Case, cases, flat, square
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=100)
@given(cases())
def test_hessians(backend, case):
    curvatures = case.losses()[2]
    for output in (-1, case.k - 1):
        own = curvatures.mean(axis=1) if output == -1 else curvatures[:, output]
        expected = (case.rows.T * (own * case.sample_weights)) @ case.rows
        found = case.hessian(backend, output)
        assert (found == np.tril(found)).all()
        size = abs(case.rows.T) * case.sample_weights @ abs(case.rows)
        assert (abs(square(found, case.width) - expected) <= 1e-13 * size + 1e-300).all()


@settings(max_examples=60)
@given(cases(), st.data())
def test_hessians_of_listed_rows(backend, case, data):
    rows = sorted(data.draw(st.sets(st.integers(0, case.n - 1), min_size=1)))
    row_weights = [data.draw(st.sampled_from([1.0, 2.5, 1e-3, 100.0])) for _ in rows]
    curvatures = case.losses()[2].mean(axis=1)[rows] * case.sample_weights[rows] * row_weights
    listed = case.rows[rows]
    for first, last in ((0, len(rows)), (len(rows) // 2, len(rows))):
        own = slice(first, last)
        found = case.hessian(backend, -1, rows, row_weights, first, last)
        expected = (listed[own].T * curvatures[own]) @ listed[own]
        size = (abs(listed[own].T) * (case.sample_weights[rows] * row_weights)[own]) @ abs(listed[own])
        assert (abs(square(found, case.width) - expected) <= 1e-13 * size + 1e-300).all()


@pytest.mark.parametrize("n", [1, 255, 256, 257, 600])
def test_hessians_of_many_rows(backend, n):
    case = Case(n, 5, 1, "sigmoid_log_loss")
    expected = (case.rows.T * (case.losses()[2][:, 0] * case.sample_weights)) @ case.rows
    np.testing.assert_allclose(square(case.hessian(backend), case.width), expected, rtol=1e-11, atol=1e-12 * n)


@pytest.mark.parametrize("d", [1, 2, 3, 4, 7, 8, 9, 16, 30])
def test_hessian_matches_finite_differences_of_the_gradient(backend, d):
    case = Case(20, d, 1, "sigmoid_log_loss")
    found = square(case.hessian(backend, 0), case.width)
    step = 1e-5
    for j in range(case.width):
        moved = np.zeros_like(case.coefficients)
        moved[0, j] = step
        up, down = (case.evaluate(backend, case.coefficients + sign * moved)[1:] for sign in (1, -1))
        np.testing.assert_allclose((up - down) / (2 * step), found[j], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("k", "targets"), [(2, "classes"), (3, "classes"), (5, "float")])
@pytest.mark.parametrize("d", [1, 5, 30])
def test_mixed_hessian_matches_finite_differences_of_the_gradient(backend, d, k, targets):
    case = Case(20, d, k, "softmax_log_loss", targets=targets)
    step = 1e-5
    for output, other in ((1, 0), (k - 1, 0), (k - 1, k - 2)):
        found = square(case.hessian(backend, output, other=other), case.width)
        for j in range(case.width):
            moved = np.zeros_like(case.coefficients)
            moved[other, j] = step
            up, down = (case.evaluate(backend, case.coefficients + sign * moved)[1:] for sign in (1, -1))
            expected = ((up - down) / (2 * step)).reshape(k, case.width)[output]
            np.testing.assert_allclose(found[j], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("n", "d", "k", "storage"), [(70, 3, 2, "d"), (130, 20, 3, "f"), (65, 9, 4, "B"), (70, 30, 5, "d")])
@pytest.mark.parametrize("shifted", [False, True])
def test_sampling_scores_sum_to_the_trace_of_the_hessian(backend, n, d, k, storage, loss, shifted):
    """With means of 0, scales of 1 and an intercept, the scores sum to the trace of the mean Hessian."""
    case = Case(n, d, k, loss, storage=storage, shifted=shifted)
    zero, one = np.zeros(d), np.ones(d)
    found = case.sampling_scores(backend, zero, one, 0, case.n_chunks)
    assert len(found) == n
    by_chunk = [case.sampling_scores(backend, zero, one, chunk, chunk + 1) for chunk in range(case.n_chunks)]
    assert np.concatenate(by_chunk).tobytes() == found.tobytes()
    np.testing.assert_allclose(found.sum(), np.trace(square(case.hessian(backend), case.width)), rtol=1e-11)
    for i in (0, n - 1):
        alone = square(case.hessian(backend, first=i, last=i + 1), case.width)
        np.testing.assert_allclose(found[i], np.trace(alone), rtol=1e-11, atol=1e-300)
    means, scales = case.rows[:, :d].mean(axis=0), case.rows[:, :d].std(axis=0)
    spread = 1 + (((case.rows[:, :d] - means) / scales) ** 2).sum(axis=1)
    expected = found / (1 + (case.rows[:, :d] ** 2).sum(axis=1)) * spread
    np.testing.assert_allclose(case.sampling_scores(backend, means, scales, 0, case.n_chunks), expected, rtol=1e-10)


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=200), st.integers(1, 50))
def test_systematic_sample_weights_are_inverse_probabilities(backend, values, wanted):
    indices, weights = backend.systematic_sample(flat(values), wanted)
    assert len(indices) == len(weights) <= wanted + 1
    assert indices.typecode == "q"
    assert list(indices) == sorted(set(indices))
    total = sum(values)
    for index, weight in zip(indices, weights, strict=True):
        assert weight == pytest.approx(max(1.0, total / (wanted * values[index])), rel=1e-9)
    if total > 1e-300 and len(values) > wanted:  # each index is drawn when the cumulative probability passes an integer
        probabilities = [min(1.0, wanted * value / total) for value in values]
        assert abs(len(indices) - sum(probabilities)) < 1 + 1e-9


@settings(max_examples=60)
@given(cases())
def test_moments(backend, case):
    centre = np.random.default_rng(1).normal(size=case.d)
    for chunk in range(case.n_chunks):
        own = slice(chunk * case.chunk, (chunk + 1) * case.chunk)
        distances = case.rows[own, : case.d] - centre
        weights = case.sample_weights[own]
        expected = [weights.sum(), *(weights @ distances), *(weights @ distances**2)]
        size = [weights.sum(), *(weights @ (abs(distances) + abs(centre))), *(weights @ (distances**2 + 10 * abs(distances)))]
        assert (abs(case.moments(backend, centre, chunk) - expected) <= 1e-13 * np.array(size)).all()
