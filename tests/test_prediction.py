"""Predictions of many rows and of single rows: against NumPy, and bit for bit in memory of any alignment."""

from array import array
from decimal import Decimal, localcontext

import numpy as np
import pytest
from cases import (
    ACTIVATIONS,
    EXTREMES,
    WIDTHS,
    Case,
    activated,
    as_expected,
    call_predict,
    cases,
    coefficients_for,
    flat,
    predict,
)
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=100)
@given(cases(shifted=st.just(False)), st.sampled_from(ACTIVATIONS))
def test_predictions(backend, case, activation):
    coefficients = coefficients_for(case, activation)
    found = predict(backend, case.inputs, coefficients, activation, len(coefficients))
    sums = case.rows @ coefficients.T
    slack = 1e-13 * (1 + abs(case.rows) @ abs(coefficients).T.sum(axis=1, keepdims=True))
    expected = activated(sums, activation)
    assert (abs(found - expected) <= slack * (1 if activation == "identity" else expected + 1e-300)).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("storage", ["d", "f"])
@pytest.mark.parametrize("d", [1, 2, 8, 9, 17, 30])
def test_predict_locates_non_finite_inputs(backend, activation, bad, storage, d):
    """Put the value in every column, with zero coefficients, so that skipping zero terms would miss it."""
    for k in (1,) if activation == "binary_sigmoid" else (3, 5):
        for place in range(d):
            inputs = np.zeros((9, d), storage)
            inputs[place % 9, place] = bad
            results = np.zeros((9, 2 if activation == "binary_sigmoid" else k))
            failed = call_predict(backend, inputs, np.zeros((k, d + 1)), activation, results)
            assert 0 <= place % 9 - failed <= 3


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("d", [2, 9, 30])
def test_the_first_of_many_bad_rows_is_found(backend, activation, d):
    """Rows are worked on by quarters of the table, so a later row may be met before an earlier one."""
    k = 1 if activation == "binary_sigmoid" else 5
    for bad in ([700], [302, 701], [301, 303, 551, 996], [999, 1000], [1001, 1002], [1002]):
        inputs = np.zeros((1003, d))
        inputs[bad, 0] = np.nan
        results = np.zeros((1003, 2 if activation == "binary_sigmoid" else k))
        assert 0 <= bad[0] - call_predict(backend, inputs, np.zeros((k, d)), activation, results) <= 3


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("d", [2, 9, 30])
def test_only_logits_that_overflow_are_refused(backend, activation, d):
    """Inputs of any magnitude are accepted as long as the logits are finite."""
    for k in (1,) if activation == "binary_sigmoid" else (3, 5):
        inputs, coefficients = np.zeros((9, d)), np.zeros((k, d))
        inputs[:, 0], inputs[:, 1] = 1.7e308, -1.7e308
        coefficients[:, 0], coefficients[:, 1] = 0.5, 0.5 + 2.0**-53
        results = np.zeros((9, 2 if activation == "binary_sigmoid" else k))
        assert call_predict(backend, inputs, coefficients, activation, results) == -1
        assert np.isfinite(results).all()
        inputs[4, 1] = 1.7e308
        coefficients[-1] = 1.0
        assert call_predict(backend, inputs, coefficients, activation, results) == 4


def read_row(x, overflows=False):
    if overflows:
        raise ValueError("overflows")
    return array("d", x)


@settings(max_examples=100)
@given(cases(shifted=st.just(False)), st.sampled_from(ACTIVATIONS))
def test_row_predictor_is_bit_identical_to_predict(backend, case, activation):
    coefficients = coefficients_for(case, activation)
    k = len(coefficients)
    whole = predict(backend, case.inputs, coefficients, activation, k)
    sums = np.ascontiguousarray(predict(backend, case.inputs, coefficients, "identity", k))
    classes = tuple(f"class {number}" for number in range(max(k, 2)))
    predictor = backend.RowPredictor(flat(coefficients), k, case.d, activation, classes, read_row)
    of_columns = backend.RowPredictor(flat(coefficients), k, case.d, activation, None, read_row)
    choices = array("H", bytes(2 * case.n))
    backend.predicted_classes(memoryview(sums), memoryview(choices))
    for i, row in enumerate(case.inputs[:5].astype(float)):
        for x in (row.tolist(), tuple(row.tolist()), row, array("d", row), memoryview(row), iter(row.tolist())):
            answer = predictor.predict_proba_one(x)
            assert type(answer) is tuple
            assert flat(answer).tobytes() == whole[i].tobytes()
        assert predictor.predict_one(row.tolist()) == classes[choices[i]]
        assert of_columns.predict_one(row.tolist()) == tuple(int(total > 0) for total in sums[i])


def test_a_row_predictor_of_very_wide_rows(backend):
    case = Case(3, 1000, 70, "softmax_log_loss")
    whole = predict(backend, case.inputs, case.coefficients, "softmax", case.k)
    predictor = backend.RowPredictor(flat(case.coefficients), case.k, case.d, "softmax", tuple(range(70)), read_row)
    for i, row in enumerate(case.inputs.tolist()):
        assert flat(predictor.predict_proba_one(row)).tobytes() == whole[i].tobytes()
        assert predictor.predict_one(row) == whole[i].argmax()


@pytest.mark.parametrize("k", [1, 2, 3, 7, 8, 9, 300])
def test_predicted_classes(backend, k):
    sums = np.ascontiguousarray(np.random.default_rng(k).integers(-2, 3, (50, k)).astype(float))  # with ties
    sums[0] = -0.0
    choices = array("H", bytes(2 * len(sums)))
    backend.predicted_classes(memoryview(sums), memoryview(choices))
    assert list(choices) == ((sums[:, 0] > 0).astype(int) if k == 1 else sums.argmax(axis=1)).tolist()


# Memory layout.


@settings(max_examples=40)
@given(cases(n=st.sampled_from([1, 5, 33])), st.integers(1, 7))
def test_alignment_does_not_change_a_bit(backend, case, offset):
    """Use read-only, unaligned memory."""

    def moved(table):
        data = memoryview(b"x" * offset + table.tobytes())[offset:]
        return data.cast(table.dtype.char, table.shape)

    loss = case.linear_loss(backend, moved(case.inputs), moved(case.targets))
    assert case.evaluate(backend, loss=loss).tobytes() == case.evaluate(backend).tobytes()
    results = np.zeros((case.n, case.k))
    backend.predict(moved(case.inputs), flat(case.coefficients), "sigmoid", memoryview(results))
    assert results.tobytes() == predict(backend, case.inputs, case.coefficients, "sigmoid", case.k).tobytes()


@settings(max_examples=40)
@given(cases())
def test_storage_does_not_change_a_bit(backend, case):
    doubles = np.ascontiguousarray(case.inputs.astype(float))
    same = case.linear_loss(backend, memoryview(doubles))
    assert case.evaluate(backend, loss=same).tobytes() == case.evaluate(backend).tobytes()
    ours, theirs = (predict(backend, rows, case.coefficients, "sigmoid", case.k) for rows in (case.inputs, doubles))
    assert ours.tobytes() == theirs.tobytes()


def test_loss_keeps_its_buffers_alive(backend):
    case = Case(40, 3, 1, "sigmoid_log_loss")
    loss = case.linear_loss(backend, memoryview(case.inputs.copy()), memoryview(case.targets.copy()))
    rubbish = [np.full((40, 3), 1e9) for _ in range(50)]
    as_expected(case, case.parts(backend, loss=loss))
    del rubbish


# Extreme values.


@settings(max_examples=100)
@given(st.data(), st.sampled_from(WIDTHS), st.sampled_from([1, 2, 3, 10]), st.booleans())
def test_predictions_at_any_scale(backend, data, d, k, intercept):
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    inputs = random.choice(EXTREMES, (4, d))
    coefficients = random.choice(EXTREMES, (k, d + intercept))
    for activation in ACTIVATIONS if k > 1 else ("identity", "sigmoid", "binary_sigmoid"):
        own = coefficients[:1] if activation == "binary_sigmoid" else coefficients
        results = predict(backend, inputs, own, activation, len(own))
        assert np.isfinite(results).all()
        if activation == "identity":
            continue
        assert ((results >= 0) & (results <= 1)).all()
        if activation != "sigmoid":
            np.testing.assert_allclose(results.sum(axis=1), 1, rtol=1e-12)
        predictor = backend.RowPredictor(flat(own), len(own), d, activation, None, read_row)
        for row, result in zip(inputs.tolist(), results, strict=True):
            assert flat(predictor.predict_proba_one(row)).tobytes() == result.tobytes()


@pytest.mark.parametrize("first", [*EXTREMES, 1e300, 1.7e308])
@pytest.mark.parametrize("second", [*EXTREMES, 1e300, -1.7e308])
def test_a_product_at_any_scale(backend, first, second):
    results = np.zeros((1, 1))
    failed = call_predict(backend, np.array([[first]]), [[second]], "identity", results)
    with np.errstate(over="ignore"):
        expected = np.float64(first) * np.float64(second)
    assert (failed == -1) == np.isfinite(expected)
    assert results[0, 0] == expected or failed == 0
    for k in (1, 2):
        predictor = backend.RowPredictor(flat([second] * k), k, 1, "sigmoid", None, read_row)
        for ask in (predictor.predict_one, predictor.predict_proba_one):
            if failed == 0:
                with pytest.raises(ValueError, match="overflows"):
                    ask([first])
            else:
                ask([first])


# Logarithms of probabilities.


def exact_log_probabilities(logits, activation):
    """With digits enough for 1 + the smallest ratio of two exponentials."""
    with localcontext() as context:
        context.prec = 40 + int(np.ptp([*logits.ravel(), 0.0]) / 2)
        rows = []
        for row in logits.tolist():
            z = [Decimal(value) for value in row]
            if activation == "binary_sigmoid":
                z = [Decimal(0), z[0]]
            powers = [value.exp() for value in z]
            if "sigmoid" in activation and activation != "binary_sigmoid":
                powers = [power / (1 + power) for power in powers]
            total = 1 if activation == "sigmoid" else sum(powers)
            rows.append([float((power / total).ln()) for power in powers])
        return np.array(rows)


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "identity"])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 30.0, 200.0])
def test_log_probabilities(backend, activation, scale):
    k = 1 if activation == "binary_sigmoid" else 4
    logits = np.random.default_rng(3).normal(size=(6, k)) * scale
    logits[0] = logits[1, 0]
    results = np.zeros((6, max(2, k)))
    backend.log_probabilities(memoryview(logits), activation, memoryview(results))
    rounding = 2.0**-52 * (4 + scale)  # of the difference of two logits
    np.testing.assert_allclose(results, exact_log_probabilities(logits, activation), rtol=4 * rounding, atol=0)


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "identity"])
def test_log_probabilities_of_extreme_logits_are_finite(backend, activation):
    extremes = [0.0, -0.0, 5e-324, 36.7, 708.4, 745.1, 746.0, 1e10, 1.7e308]
    values = [*extremes, *(-value for value in extremes)]
    if activation == "binary_sigmoid":
        logits = np.array(values)[:, None]
    else:
        logits = np.array([[a, b, c] for a in values for b in values for c in values])
    results = np.full((len(logits), max(2, logits.shape[1])), np.nan)
    backend.log_probabilities(memoryview(logits), activation, memoryview(results))
    assert np.isfinite(results).all()
    assert (results <= 0).all()
    assert not np.signbit(results[results == 0]).any()
