"""SigmoidLayer: the backends against each other, a naive implementation and exact arithmetic."""

import inspect
import math
import os
import re
import subprocess
import sys
from array import array
from fractions import Fraction

import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyperceptron.backends import python

# Drawn weights and inputs may saturate a layer.
pytestmark = pytest.mark.filterwarnings("ignore::pyperceptron.TrainingWarning")

SIZES = st.one_of(st.integers(1, 9), st.integers(14, 40))


@st.composite
def problems(draw, values=st.floats(-4, 4)):  # noqa: B008
    """Draw inputs (n × d), targets (n × k), weights (d × k), and bias (k) or None."""
    n, d, k = draw(st.integers(1, 7)), draw(SIZES), draw(st.integers(1, 3))

    def table(n_rows, n_columns, numbers):
        row = st.lists(numbers, min_size=n_columns, max_size=n_columns)
        return draw(st.lists(row, min_size=n_rows, max_size=n_rows))

    inputs, targets = table(n, d, values), table(n, k, st.floats(0, 1))
    weights = table(d, k, st.floats(-2, 2))
    return inputs, targets, weights, draw(st.none() | st.lists(st.floats(-2, 2), min_size=k, max_size=k))


STORAGES = {
    "lists": lambda rows: rows,
    "float64": lambda rows: np.array(rows),
    "float32": lambda rows: np.array(rows, "f"),
    "strided": lambda rows: np.repeat(np.array(rows), 2, axis=1)[:, ::2],
    "Fortran": lambda rows: np.asfortranarray(np.array(rows)),
    "buffer": lambda rows: memoryview(np.array(rows)),
}


def tame(rate, inputs):
    """Reduce a learning rate until steps contract; larger ones can make training chaotic and amplify rounding errors."""
    return rate / max(1.0, math.fsum(value * value for row in inputs for value in row))


def layer_of(make_layer, weights, bias):
    layer = make_layer(len(weights), len(weights[0]), weights=weights, bias=bias is not None)
    if bias is not None:
        layer.bias = bias
    return layer


@given(problems(), st.integers(1, 12), st.floats(1e-3, 4), st.sampled_from(sorted(STORAGES)))
def test_training_matches_the_naive_implementation(make_layer, problem, iterations, rate, storage):
    inputs, targets, weights, bias = problem
    stored = STORAGES[storage](inputs)
    if storage == "float32":
        inputs = stored.tolist()
    rate = tame(rate, inputs)
    expected = oracle.train(
        inputs, targets, weights, bias or [0.0] * len(weights[0]), iterations, rate, learns_bias=bias is not None
    )
    layer = layer_of(make_layer, weights, bias).train(stored, targets, iterations, rate)
    np.testing.assert_allclose(layer.weights, expected[0], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(layer.bias or [0.0] * len(weights[0]), expected[1], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(np.reshape(layer.outputs, np.shape(targets)), expected[2], rtol=1e-11)


@given(problems(), st.integers(1, 12), st.floats(1e-3, 4))
def test_the_backends_agree(make_layers, problem, iterations, rate):
    """Compare with an absolute tolerance too, because the terms of a sum may cancel."""
    inputs, targets, weights, bias = problem
    rate = tame(rate, inputs)
    layers = make_layers(len(weights), len(weights[0]), weights=weights, bias=bias is not None)
    for layer in layers:
        if bias is not None:
            layer.bias = bias
        layer.train(inputs, targets, iterations, rate)
    for layer in layers[1:]:
        np.testing.assert_allclose(layer.weights, layers[0].weights, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(layer.outputs, layers[0].outputs, rtol=1e-12, atol=1e-14)


EXTREME = st.one_of(
    st.floats(-1e150, 1e150),
    st.floats(-1, 1),
    st.sampled_from([0.0, -0.0, 1e150, -1e150, 1e-150, -1e-150, 5e-324]),
)


def sigmoid_in_exact_arithmetic(row, weights):
    """Return bounds on the sigmoid of a weighted sum that is computed in float64."""
    terms = [Fraction(x) * Fraction(w) for x, w in zip(row, weights, strict=True)]
    slack = sum(map(abs, terms)) * (len(terms) + 2) * Fraction(2) ** -52 + len(terms) * Fraction(2) ** -1070
    low, high = (min(max(sum(terms) + sign * slack, Fraction(-1000)), Fraction(1000)) for sign in (-1, 1))
    return oracle.sigmoid(float(low)) * (1 - 1e-15), oracle.sigmoid(float(high)) * (1 + 1e-15)


@given(st.data(), SIZES)
def test_forward_is_accurate_at_any_scale(make_layer, data, d):
    row, weights = (data.draw(st.lists(EXTREME, min_size=d, max_size=d)) for _ in range(2))
    [[output]] = make_layer(d, weights=weights).forward([row])
    low, high = sigmoid_in_exact_arithmetic(row, weights)
    assert low <= output <= high
    assert 0 <= output <= 1


ANY_FLOAT = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([sys.float_info.max, -sys.float_info.max, 1e160])


@given(st.data(), SIZES)
def test_forward_is_accurate_or_raises_on_overflow(make_layer, data, d):
    """The output is accurate if no partial sum can overflow; otherwise an error may name the largest input."""
    row = data.draw(st.lists(ANY_FLOAT, min_size=d, max_size=d))
    weights = data.draw(st.lists(st.floats(-1e10, 1e10), min_size=d, max_size=d))
    terms = [Fraction(x) * Fraction(w) for x, w in zip(row, weights, strict=True)]
    layer = make_layer(d, weights=weights)
    try:
        [[output]] = layer.forward([row])
    except ValueError as error:
        assert sum(map(abs, terms)) > Fraction(sys.float_info.max) / 2
        found = re.fullmatch(
            r"inputs row 0, column (\d+) is (.*); expected a smaller number, as the weighted sum overflows: scale it down",
            str(error),
        )
        assert found
        assert row[int(found[1])] == float(found[2])
        assert abs(float(found[2])) == max(map(abs, row))
    else:
        assert abs(sum(terms)) < Fraction(sys.float_info.max) * 2
        low, high = sigmoid_in_exact_arithmetic(row, weights)
        assert low <= output <= high


@given(st.data(), st.integers(1, 4), st.integers(1, 10), st.integers(1, 2), st.booleans(), st.floats(1e-300, 1e300))
def test_training_stays_in_range_at_any_scale(make_layer, data, n, d, k, bias, rate):
    """Weights stay in range and outputs in [0, 1]; a step that would leave the range raises an error."""
    table = [[data.draw(EXTREME) for _ in range(d)] for _ in range(n)]
    targets = [[data.draw(st.floats(0, 1)) for _ in range(k)] for _ in range(n)]
    layer = make_layer(d, k, weights=[[data.draw(EXTREME) for _ in range(k)] for _ in range(d)], bias=bias)
    one_by_one = make_layer(d, k, weights=layer.weights, bias=bias)
    errors = []
    for trained, callback in ((layer, None), (one_by_one, lambda layer, iteration: None)):
        try:
            trained.train(table, targets, 6, rate, callback)
            errors.append(None)
        except OverflowError as error:
            errors.append(str(error))
        assert all(abs(weight) <= 1e150 for row in trained.weights for weight in row)
        assert all(0 <= output <= 1 for row in trained.outputs for output in row)
    assert errors[0] == errors[1]
    assert (layer.weights, layer.bias, layer.outputs) == (one_by_one.weights, one_by_one.bias, one_by_one.outputs)


def after_one_step(layer, inputs, targets, rate):
    try:
        layer.train(inputs, targets, 1, rate)
    except OverflowError as error:
        return str(error), layer.weights
    return None, layer.weights


@given(st.data(), st.integers(1, 4), st.integers(1, 20), st.floats(1e-300, sys.float_info.max))
def test_backends_agree_on_one_step_at_any_scale(make_layers, data, n, d, rate):
    """The weights agree within the rounding of their terms, or both backends raise the same error."""
    inputs = [[data.draw(EXTREME) for _ in range(d)] for _ in range(n)]
    targets = [data.draw(st.floats(0, 1)) for _ in range(n)]
    weights = [data.draw(EXTREME) for _ in range(d)]
    (error, reached), *others = (after_one_step(layer, inputs, targets, rate) for layer in make_layers(d, weights=weights))
    for other_error, other_reached in others:
        if error != other_error:  # at the limit, rounding decides which backend raises
            assert max(abs(weight) for row in (error and other_reached) or reached for weight in row) > 0.999e150
            continue
        for j, ([weight], [other_weight]) in enumerate(zip(reached, other_reached, strict=True)):
            largest = abs(Fraction(weights[j])) + sum(abs(Fraction(rate) * Fraction(row[j])) for row in inputs)
            assert abs(Fraction(weight) - Fraction(other_weight)) <= largest * Fraction(1e-12)


@pytest.mark.parametrize("n_inputs", [1, 2, 7, 8, 9, 15, 16, 17, 100])
@pytest.mark.parametrize("n_rows", [1, 4, 5, 700, 9_000])
def test_many_rows_in_chunks(make_layer, n_inputs, n_rows):
    if n_inputs * n_rows > 80_000:
        n_rows = 80_000 // n_inputs
    iterations = 1 if n_rows > 700 else 2
    random = np.random.default_rng(n_inputs)
    inputs, targets = random.normal(size=(n_rows, n_inputs)), random.random((n_rows, 2))
    layer = make_layer(n_inputs, 2, seed=3, bias=True)
    weights = np.vstack([layer.weights, layer.bias])
    ones = np.hstack([inputs, np.ones((n_rows, 1))])
    for _ in range(iterations):
        outputs = 1 / (1 + np.exp(-ones @ weights))
        weights += 1e-3 * ones.T @ ((targets - outputs) * outputs * (1 - outputs))
    layer.train(inputs, targets, iterations, 1e-3)
    np.testing.assert_allclose(np.vstack([layer.weights, layer.bias]), weights, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(layer.outputs, outputs, rtol=1e-12)
    np.testing.assert_allclose(layer.forward(inputs), 1 / (1 + np.exp(-ones @ weights)), rtol=1e-11)


@pytest.mark.parametrize("dtype", ["f", "u1", "?"])
def test_storage_does_not_change_a_bit(make_layer, dtype):
    random = np.random.default_rng(0)
    inputs = (random.random((50, 30)) * 200).astype(dtype)
    targets = random.random(50)
    stored = make_layer(30, seed=1).train(inputs, targets, 9, 1e-4)
    as_float64 = make_layer(30, seed=1).train(inputs.astype(float), targets, 9, 1e-4)
    assert stored.weights == as_float64.weights
    assert stored.forward(inputs).tolist() == as_float64.forward(inputs.astype(float)).tolist()


WITH_A_WRONG_INSTRUCTION_SET = """
import os
import pyperceptron as pp
if hasattr(os, "fork"):
    child = os.fork()
    if not child:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
for use in (pp.available_backends, lambda: pp.SigmoidLayer(1), lambda: pp.Perceptron().fit([[0], [1]], [0, 1])) * 2:
    try:
        use()
    except ValueError as error:
        print(error)
pp.SigmoidLayer(1, backend="python")
"""


def test_a_wrong_instruction_set_is_an_error_in_every_use(backend):
    if not hasattr(backend, "instruction_sets"):
        return  # the reference does not use instruction sets
    ran = subprocess.run(
        [sys.executable, "-c", WITH_A_WRONG_INSTRUCTION_SET],
        env={**os.environ, "PYPERCEPTRON_INSTRUCTION_SET": "avx1024"},
        capture_output=True,
        text=True,
        cwd="/",
        check=True,
    )
    sets = ", ".join(backend.instruction_sets())
    line = f"$PYPERCEPTRON_INSTRUCTION_SET is 'avx1024'; this machine has {sets}: name one of them or unset it\n"
    assert (ran.stdout, ran.stderr) == (line * 6, "")


OF_THE_REFERENCE_ALONE = {"lesson", "pickled_loss"}


@pytest.mark.parametrize("name", sorted(set(python.__all__) - OF_THE_REFERENCE_ALONE))
def test_the_backends_have_the_same_signatures(backend, name):
    ours, reference = getattr(backend, name), getattr(python, name)
    assert inspect.getdoc(reference)
    if not inspect.isclass(reference):
        assert list(inspect.signature(ours).parameters) == list(inspect.signature(reference).parameters)
        return
    methods = {method for method in vars(reference) if not method.startswith("_") and callable(getattr(reference, method))}
    assert methods == {method for method in dir(ours) if not method.startswith("_")} & methods
    assert {method for method in dir(ours) if not method.startswith("_")} <= set(dir(reference))
    for method in methods:
        assert inspect.getdoc(getattr(reference, method))
        parameters = [list(inspect.signature(getattr(kind, method)).parameters) for kind in (ours, reference)]
        assert parameters[0] == parameters[1], method
    with pytest.raises(TypeError, match=r"no_such"):  # and the names that __init__ takes
        ours(**dict.fromkeys(inspect.signature(reference).parameters, 1), no_such=1)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_the_same_training_has_the_same_bits(make_layer, seed):
    inputs = np.random.RandomState(seed).normal(size=(20, 5))
    layers = [make_layer(5, seed=seed, bias=True).train(inputs, array("d", [0.5] * 20), 40) for _ in range(2)]
    assert layers[0].weights == layers[1].weights
