"""SigmoidLayer beyond the lesson: shapes, bias, continued training, tracing, callbacks, overflow."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import oracle
import pytest

import pyperceptron as pp

INPUTS = [[0.5, -1.0, 2.0], [1.5, 0.25, -0.75], [-2.0, 1.0, 0.0], [0.0, 0.5, 1.0], [1.0, 1.0, -1.0]]
TARGETS = [[0.1, 1.0], [0.9, 0.0], [0.5, 0.5], [0.0, 0.25], [1.0, 1.0]]


def test_default_backend_is_the_first_available():
    assert pp.available_backends()[-1] == "python"
    assert pp.SigmoidLayer(1).backend == pp.available_backends()[0]


def test_environment_sets_what_auto_means(monkeypatch):
    monkeypatch.setenv("PYPERCEPTRON_BACKEND", "python")
    assert pp.SigmoidLayer(1).backend == "python"
    assert pp.SigmoidLayer(1, backend=pp.available_backends()[0]).backend == pp.available_backends()[0]
    monkeypatch.setenv("PYPERCEPTRON_BACKEND", "fortran")
    with pytest.raises(ValueError, match=r"^\$PYPERCEPTRON_BACKEND is 'fortran'; expected 'auto', 'cython' or 'python'$"):
        pp.SigmoidLayer(1)


def test_a_missing_backend_is_an_import_error(without_the_compiled_backend):
    without_the_compiled_backend()
    assert pp.available_backends() == ("python",)
    with pytest.raises(ImportError, match="PYPERCEPTRON_REQUIRE_EXTENSIONS=1 pip install"):
        pp.SigmoidLayer(1, backend="cython")
    assert pp.SigmoidLayer(1).backend == "python"


@pytest.mark.parametrize("bias", [False, True])
def test_training_step_matches_finite_differences_of_the_loss(make_layer, bias):
    """Compare one step of train with finite differences of ½ Σ (target - output)²."""
    layer = make_layer(3, 2, bias=bias, seed=4)
    start, start_bias = layer.weights, layer.bias or [0.0, 0.0]
    rate, h = 0.125, 1e-5
    layer.train(INPUTS, TARGETS, 1, rate)
    for c in range(2):
        for j in range(3):
            losses = []
            for sign in (1, -1):
                moved = copy.deepcopy(start)
                moved[j][c] += sign * h
                losses.append(oracle.loss(INPUTS, TARGETS, moved, start_bias))
            assert layer.weights[j][c] - start[j][c] == pytest.approx(-rate * (losses[0] - losses[1]) / (2 * h), abs=1e-9)
        if bias:
            moved = [
                [b + h * (i == c) for i, b in enumerate(start_bias)],
                [b - h * (i == c) for i, b in enumerate(start_bias)],
            ]
            difference = oracle.loss(INPUTS, TARGETS, start, moved[0]) - oracle.loss(INPUTS, TARGETS, start, moved[1])
            assert layer.bias[c] - start_bias[c] == pytest.approx(-rate * difference / (2 * h), abs=1e-9)


@pytest.mark.parametrize("bias", [False, True])
def test_continued_training_equals_one_long_training(make_layer, bias):
    once = make_layer(3, 2, bias=bias, seed=2).train(INPUTS, TARGETS, 2_000)
    twice = make_layer(3, 2, bias=bias, seed=2).train(INPUTS, TARGETS, 700).train(INPUTS, TARGETS, 1_300)
    called = make_layer(3, 2, bias=bias, seed=2).train(INPUTS, TARGETS, 2_000, callback=lambda layer, iteration: None)
    assert once.weights == twice.weights == called.weights
    assert once.bias == twice.bias == called.bias
    assert once.outputs == twice.outputs == called.outputs


def test_outputs_are_trained_independently(make_layer):
    layer = make_layer(3, 2, bias=True, seed=9)
    apart = [make_layer(3, bias=True, weights=[row[c] for row in layer.weights]) for c in range(2)]
    layer.train(INPUTS, TARGETS, 300, 0.5)
    for c, neuron in enumerate(apart):
        neuron.train(INPUTS, [row[c] for row in TARGETS], 300, 0.5)
        assert [row[c] for row in layer.weights] == [weight for [weight] in neuron.weights]
        assert layer.bias[c] == neuron.bias[0]


@pytest.mark.parametrize("n_inputs", [3, 20])
@pytest.mark.parametrize("bias", [False, True])
def test_trace_yields_the_intermediate_values_of_every_iteration(make_layer, bias, n_inputs):
    random = np.random.default_rng(7)
    inputs, targets = random.normal(size=(6, n_inputs)), random.random((6, 2))
    traced = make_layer(n_inputs, 2, bias=bias, seed=2)
    trained = make_layer(n_inputs, 2, bias=bias, seed=2)
    iterations = 0
    for step in traced.trace(inputs, targets, 50, 0.7):
        iterations += 1
        assert step.iteration == iterations
        assert step.weights == trained.weights
        assert step.bias == trained.bias
        sums = inputs @ np.array(step.weights) + (np.array(step.bias) if bias else 0)
        np.testing.assert_allclose(step.weighted_sums, sums, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(step.outputs, 1 / (1 + np.exp(-sums)), rtol=1e-12)
        np.testing.assert_array_equal(step.errors, targets - np.array(step.outputs))
        np.testing.assert_array_equal(step.slopes, np.array(step.outputs) * (1 - np.array(step.outputs)))
        np.testing.assert_array_equal(step.adjustments, np.array(step.errors) * np.array(step.slopes))
        updated = np.array(step.weights) + 0.7 * inputs.T @ np.array(step.adjustments)
        np.testing.assert_allclose(step.updated_weights, updated, rtol=1e-12, atol=1e-14)
        trained.train(inputs, targets, 1, 0.7)
        assert step.outputs == trained.outputs.tolist()
        assert step.updated_weights == trained.weights
        assert step.updated_bias == trained.bias
    assert iterations == 50
    assert (
        traced.weights == trained.weights == make_layer(n_inputs, 2, bias=bias, seed=2).train(inputs, targets, 50, 0.7).weights
    )


def test_a_trace_refuses_bad_input_before_its_first_step(make_layer):
    with pytest.raises(ValueError, match="learning_rate is -1"):
        make_layer(3, 2).trace(INPUTS, TARGETS, 5, -1)


def test_step_repr(make_layer):
    step = next(make_layer(1, weights=[0.0]).trace([[1]], [1]))
    assert repr(step) == (
        "Step(iteration=1, weights=[[0.0]], bias=None, weighted_sums=[[0.0]], outputs=[[0.5]], errors=[[0.5]], "
        "slopes=[[0.25]], adjustments=[[0.125]], updated_weights=[[0.125]], updated_bias=None)"
    )


def test_the_callback_sees_each_iteration_and_can_stop(make_layer):
    seen = []

    def callback(layer, iteration):
        seen.append((iteration, layer.weights, layer.outputs))
        return iteration == 3

    layer = make_layer(3, 2, seed=1)
    steps = list(make_layer(3, 2, seed=1).trace(INPUTS, TARGETS, 3))
    assert layer.train(INPUTS, TARGETS, 100, callback=callback) is layer
    assert seen == [(step.iteration, step.updated_weights, step.outputs) for step in steps]
    assert layer.weights == steps[-1].updated_weights


def test_an_error_in_the_callback_keeps_the_weights(make_layer):
    def callback(layer, iteration):
        if iteration == 4:
            raise RuntimeError("enough")

    layer = make_layer(3, 2, seed=1)
    with pytest.raises(RuntimeError, match="enough"):
        layer.train(INPUTS, TARGETS, 100, callback=callback)
    assert layer.weights == make_layer(3, 2, seed=1).train(INPUTS, TARGETS, 4).weights


def test_weights_and_bias_can_be_read_and_set(make_layer):
    layer = make_layer(2, 2, weights=[[1, 2], [3, 4]], bias=True)
    assert (layer.weights, layer.bias) == ([[1.0, 2.0], [3.0, 4.0]], [0.0, 0.0])
    layer.weights[0][0] = 99
    assert layer.weights == [[1.0, 2.0], [3.0, 4.0]]
    layer.bias = [5, 6]
    layer.weights = np.array([[-1, -2], [-3, -4]])
    assert (layer.weights, layer.bias) == ([[-1.0, -2.0], [-3.0, -4.0]], [5.0, 6.0])
    np.testing.assert_allclose(layer.forward([[0.5, 0.25]]), [[1 / (1 + np.exp(-3.75)), 1 / (1 + np.exp(-4.0))]], rtol=1e-15)
    layer.bias = np.array([0.5, 0.25])
    assert layer.bias == [0.5, 0.25]
    assert make_layer(2).bias is None


def test_zero_iterations_change_nothing(make_layer):
    layer = make_layer(3, 2, seed=1)
    before = layer.weights
    layer.train(INPUTS, TARGETS, 0)
    assert (layer.weights, layer.outputs) == (before, None)
    assert list(layer.trace(INPUTS, TARGETS, 0)) == []


def test_without_a_seed_two_layers_differ(make_layer):
    assert make_layer(3).weights != make_layer(3).weights
    assert all(-1 <= weight < 1 for [weight] in make_layer(1000).weights)


def test_repr(make_layer):
    assert repr(make_layer(3)) == "SigmoidLayer(3)"
    assert repr(make_layer(3, 2, bias=True)) == "SigmoidLayer(3, 2, bias=True)"


def test_training_continues_identically_after_copy_and_pickle(make_layer):
    layer = make_layer(3, 2, bias=True, seed=1).train(INPUTS, TARGETS, 5)
    for other in (copy.copy(layer), copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert (other.weights, other.bias) == (layer.weights, layer.bias)
        other.train(INPUTS, TARGETS, 5)
        assert other.weights != layer.weights
        assert other.weights == make_layer(3, 2, bias=True, seed=1).train(INPUTS, TARGETS, 10).weights


ELSEWHERE = """
import pickle, sys
sys.modules["pyperceptron.backends.cython"] = None
layer = pickle.load(sys.stdin.buffer)
assert "numpy" not in sys.modules
print(layer.backend, layer.outputs, layer.weights, layer.train([[1, 0, 1]], [[1, 0]], 1) is layer)
"""


def test_unpickling_without_numpy_and_the_compiled_backend():
    layer = pp.SigmoidLayer(3, 2, seed=1, backend=pp.available_backends()[0]).train(np.array(INPUTS), np.array(TARGETS), 2)
    ran = subprocess.run([sys.executable, "-c", ELSEWHERE], input=pickle.dumps(layer), capture_output=True, check=True, cwd="/")
    assert ran.stdout.decode() == f"python None {layer.weights} True\n"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_keeps_the_outputs_and_a_pickle_does_not_grow_with_the_rows(make_layer, copied):
    layer = make_layer(3, 2, seed=1).train(INPUTS, TARGETS, 5)
    outputs, small = layer.outputs, len(pickle.dumps(layer))
    other = copied(layer)
    assert other.outputs == outputs
    other.train(INPUTS, TARGETS, 1)
    assert layer.outputs == outputs != other.outputs
    assert len(pickle.dumps(layer.train(INPUTS * 500, TARGETS * 500, 1, 1e-4))) == small
    assert pickle.loads(pickle.dumps(layer)).outputs is None


@pytest.mark.parametrize("convert", [np.array, lambda rows: memoryview(np.array(rows, float)), list])
def test_outputs_are_a_copy(make_layer, convert):
    layer = make_layer(3, 2, seed=1).train(convert(INPUTS), TARGETS, 1)
    before = np.array(layer.outputs)
    layer.outputs[0] = 7
    np.testing.assert_array_equal(layer.outputs, before)


@pytest.mark.parametrize("n_rows", [1, 3, 400])
def test_overflowing_step_raises_and_keeps_the_weights(make_layer, n_rows):
    layer = make_layer(1, weights=[0.0])
    with pytest.raises(OverflowError) as caught:
        layer.train([[1e100]] * n_rows, [1] * n_rows, 10, 1e60)
    assert str(caught.value) == (
        "a weight would leave the range of -1e150 to 1e150 at iteration 1; the weights stay as they are after iteration 0: "
        "choose a smaller learning_rate or scale the inputs down"
    )
    assert (layer.weights, layer.outputs) == ([[0.0]], [[0.5]] * n_rows)


@pytest.mark.parametrize("n_rows", [2, 600])
@pytest.mark.parametrize("width", [2, 12])
def test_overflow_of_one_output_stops_all_outputs(make_layer, n_rows, width):
    """Training stops for all neurons at the iteration at which the first of them would overflow."""
    inputs = np.zeros((n_rows, width))
    inputs[::2, 0], inputs[1::2, 1] = 1e140, 1e-100
    targets = np.where(np.arange(n_rows)[:, None] % 2, [0.6, 1.0], [0.5, 0.5])
    start = np.zeros((width, 2))
    start[1, 1] = 0.95e100
    at_once = make_layer(width, 2, weights=start)
    one_by_one = copy.deepcopy(at_once)
    errors = []
    for layer, callback in ((at_once, None), (one_by_one, lambda layer, iteration: None)):
        try:
            layer.train(inputs, targets, 40, 2e248 / n_rows, callback)
        except OverflowError as error:
            errors.append(str(error))
    assert at_once.weights == one_by_one.weights
    assert len(set(errors)) <= 1


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threaded_training_is_bit_identical(threads):
    """Threads give bit-identical weights, which match NumPy's."""
    random = np.random.default_rng(3)
    inputs, targets = random.normal(size=(20_000, 60)), random.random((20_000, 4))
    layer = pp.SigmoidLayer(60, 4, seed=1, bias=True, threads=threads)
    weights, bias = np.array(layer.weights), np.zeros(4)
    for _ in range(3):
        outputs = 1 / (1 + np.exp(-(inputs @ weights + bias)))
        adjustments = (targets - outputs) * outputs * (1 - outputs)
        weights, bias = weights + 1e-4 * inputs.T @ adjustments, bias + 1e-4 * adjustments.sum(axis=0)
    alone = pp.SigmoidLayer(60, 4, seed=1, bias=True, threads=1).train(inputs, targets, 3, 1e-4)
    assert layer.train(inputs, targets, 3, 1e-4).weights == alone.weights
    assert layer.outputs.tobytes() == alone.outputs.tobytes()
    np.testing.assert_allclose(layer.weights, weights, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(layer.bias, bias, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(layer.outputs, outputs, rtol=1e-12)
