"""Loss values and gradients over chunks: against NumPy and finite differences, and bit for bit."""

import pickle
import threading

import numpy as np
import pytest
from cases import EXTREMES, LOSSES, STORAGES, WIDTHS, Case, activated, as_expected, cases, flat, predict
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=150)
@given(cases())
def test_values_and_gradients(backend, case):
    as_expected(case, case.parts(backend))


@settings(max_examples=100)
@given(cases(), st.integers(-3, 3))
def test_magnitudes(backend, case, middle):
    centre = np.full(case.d, float(middle))
    found, size = case.examine(backend, centre), case.k * case.width
    assert found[: 1 + size].tobytes() == case.evaluate(backend).tobytes()
    distances = abs(case.rows - np.append(centre, [0.0] * case.intercept))
    expected = abs(case.losses()[1] * case.sample_weights[:, None]).T @ distances
    np.testing.assert_allclose(found[1 + size :].reshape(case.k, -1), expected, rtol=1e-10, atol=1e-13 * distances.max())


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("k", [1, 2, 3, 10])
@pytest.mark.parametrize("d", WIDTHS)
def test_values_and_gradients_of_every_width(backend, d, k, loss):
    if k == 1 and loss.startswith("softmax"):
        return
    for intercept in (False, True):
        case = Case(21, d, k, loss, intercept=intercept, chunk=8, weighted=d % 2 == 0, storage=STORAGES[d % 3])
        as_expected(case, case.parts(backend))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("n", "chunk"), [(1, 256), (3, 256), (255, 256), (256, 256), (257, 256), (1000, 300), (2500, 5000)])
@pytest.mark.parametrize("weighted", [True, False])
def test_values_and_gradients_of_many_rows(backend, n, chunk, loss, weighted):
    """Cross the boundaries of the blocks of rows whose logarithms are computed together if there are no weights."""
    for d, k in ((7, 3), (9, 2 if loss.startswith("softmax") else 1)):
        as_expected(case := Case(n, d, k, loss, chunk=chunk, weighted=weighted), case.parts(backend))


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("d", [63, 64, 191, 192, 193, 385, 520, 1100])
@pytest.mark.parametrize("k", [1, 2, 4, 5])
def test_values_and_gradients_of_wide_rows(backend, d, k, storage):
    """Cross the block boundaries: several outputs are computed in blocks of 192 columns and 16 rows."""
    loss = "sigmoid_log_loss" if k == 1 else "softmax_log_loss"
    as_expected(case := Case(35, d, k, loss, storage=storage, weighted=False), case.parts(backend))
    activation = "sigmoid" if k == 1 else "softmax"
    sums = case.rows @ case.coefficients.T
    found = predict(backend, case.inputs, case.coefficients, activation, k)
    assert (abs(found - activated(sums, activation)) <= 1e-12 * (1 + abs(sums).max())).all()


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("d", [255, 256, 257, 262, 300])
@pytest.mark.parametrize("n", [3, 4, 63, 64, 67, 68, 71, 135])
def test_values_and_gradients_of_long_rows(backend, n, d, storage):
    """Add the gradient of one block while the logits of the next are summed; the last blocks have fewer rows."""
    for weighted in (False, True):
        as_expected(case := Case(n, d, 1, "sigmoid_log_loss", storage=storage, weighted=weighted, chunk=n), case.parts(backend))


def test_values_and_gradients_of_300_outputs(backend):
    for loss in LOSSES:
        as_expected(case := Case(20, 3, 300, loss, wide=True), case.parts(backend))


@settings(max_examples=40)
@given(cases(n=st.sampled_from([1, 3, 6]), d=st.sampled_from([1, 2, 3, 8, 9])))
def test_gradient_matches_finite_differences(backend, case):
    gradient = case.evaluate(backend)[1:]
    step = 1e-5
    for place in np.random.default_rng(0).permutation(case.coefficients.size)[:6]:
        values = []
        for sign in (1, -1):
            moved = case.coefficients.copy()
            moved.flat[place] += sign * step
            values.append(case.evaluate(backend, moved)[0])
        largest = float(abs(case.inputs).max())
        size = 1 + largest**2 * case.sample_weights.sum()
        assert abs((values[0] - values[1]) / (2 * step) - gradient[place]) <= 1e-8 * size * (1 + largest)


def in_tree(parts):
    """Sum vectors in the binary tree that LinearLoss documents."""
    if len(parts) == 1:
        return parts[0]
    half = max(2**level for level in range(30) if 2**level < len(parts))
    return in_tree(parts[:half]) + in_tree(parts[half:])


@settings(max_examples=50)
@given(cases(n=st.integers(1, 40)), st.integers(0, 5))
def test_chunks_are_added_in_a_binary_tree(backend, case, level):
    """Subtrees that are evaluated separately must therefore add up to the same bits."""
    parts = case.parts(backend)
    whole = case.evaluate(backend)
    assert whole.tobytes() == in_tree(list(parts)).tobytes()
    step = 2**level
    nodes = [case.evaluate(backend, chunks=(c, min(c + step, case.n_chunks))) for c in range(0, case.n_chunks, step)]
    assert np.array(backend.add_in_tree([flat(node) for node in nodes])).tobytes() == whole.tobytes()


@settings(max_examples=30)
@given(cases())
def test_a_loss_can_be_pickled(backend, case):
    """Chunks can then be evaluated in other processes."""
    there = pickle.loads(pickle.dumps(case.linear_loss(backend)))
    assert case.evaluate(backend, loss=there).tobytes() == case.evaluate(backend).tobytes()


def test_concurrent_evaluation_of_one_loss(backend):
    case = Case(600, 9, 3, "softmax_log_loss", chunk=50)
    whole = case.parts(backend)
    for n_threads in (1, 2, 3, 8):
        loss, parts, chunks = case.linear_loss(backend), {}, iter(range(case.n_chunks))

        def work(loss=loss, parts=parts, chunks=chunks):
            for chunk in chunks:
                parts[chunk] = case.evaluate(backend, loss=loss, chunks=(chunk, chunk + 1))

        threads = [threading.Thread(target=work) for _ in range(n_threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert np.array([parts[chunk] for chunk in range(case.n_chunks)]).tobytes() == whole.tobytes()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(("d", "k"), [(3, 1), (10, 1), (30, 1), (10, 3), (30, 2), (30, 5)])
def test_offsets_equal_centring_the_columns_beforehand(backend, d, k, storage, loss):
    """Offsets give the same bits as a centred copy, even if the means are a million standard deviations from 0."""
    if k == 1 and loss.startswith("softmax"):
        return
    case = Case(50, d, k, loss, storage=storage, shifted=True)
    if storage == "d":
        case.inputs += 1e6
        case.offsets += 1e6
    copied = Case(50, d, k, loss)
    copied.inputs, copied.weights = case.inputs.astype(float) - case.offsets, case.weights
    copied.targets, copied.wanted, copied.coefficients = case.targets, case.wanted, case.coefficients
    assert case.evaluate(backend).tobytes() == copied.evaluate(backend).tobytes()
    assert case.hessian(backend).tobytes() == copied.hessian(backend).tobytes()


@settings(max_examples=60)
@given(st.data(), st.sampled_from(WIDTHS), st.sampled_from([1, 3, 5]), st.sampled_from(LOSSES))
def test_values_and_gradients_at_any_scale(backend, data, d, k, loss):
    if k == 1 and loss.startswith("softmax"):
        return
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    case = Case(6, d, k, loss, weighted=False)
    case.inputs = random.choice(EXTREMES, (6, d))
    parts = case.parts(backend, random.choice([1e150, -1e150, 1e-150, 0.0, 1.0], case.coefficients.shape))
    assert np.isfinite(parts).all()
    assert (parts[:, 0] >= 0).all()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("d", [1, 9, 30])
def test_overflowing_logits_give_a_non_finite_loss(backend, d, k, loss):
    """The value is not finite, so that a line search rejects the step."""
    if k == 1 and loss.startswith("softmax"):
        return
    case = Case(5, d, k, loss, weighted=False)
    case.inputs[:] = 1e150
    case.inputs[2] = -1e150
    value = case.evaluate(backend, np.full(case.coefficients.shape, 1e200) * (-1.0) ** np.arange(case.width))[0]
    assert not np.isfinite(value) or (d == 1 and loss == "sigmoid_squared_error")


@pytest.mark.parametrize("z", [0.0, 1e-17, 1e-8, 1.0, 30.0, 36.8, 40.0, 700.0, 708.5, 745.0, 750.0, 1e10, 1e300])
def test_log_loss_is_accurate_for_logits_of_any_magnitude(backend, z):
    """The loss approaches z for a misclassified row and e⁻ᶻ for a correct one; neither may overflow or round to 0."""
    for total in (z, -z):
        case = Case(1, 1, 1, "sigmoid_log_loss", weighted=False, intercept=False)
        case.inputs = np.array([[total]])
        parts = case.parts(backend, np.array([[1.0]]))
        wanted = case.wanted[0, 0]
        right = total if wanted else -total
        expected = np.logaddexp(0, -right) if right < 700 else np.exp(-right)
        np.testing.assert_allclose(parts[0, 0], expected, rtol=1e-14, atol=1e-320)
        # And the softmax of (z, 0) is the sigmoid of z.
        case = Case(1, 1, 2, "softmax_log_loss", weighted=False, intercept=False)
        case.inputs = np.array([[total]])
        parts = case.parts(backend, np.array([[1.0], [0.0]]))
        right = total if case.wanted[0, 0] else -total
        expected = np.logaddexp(0, -right) if right < 700 else np.exp(-right)
        np.testing.assert_allclose(parts[0, 0], expected, rtol=1e-14, atol=1e-15)
