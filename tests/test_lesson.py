"""The lesson's own numbers, as its NumPy script prints them."""

import numpy as np
import pytest

INPUTS = [[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]]
TARGETS = [[0], [1], [1], [0]]


def flat(rows):
    return [value for row in rows for value in row]


@pytest.fixture(scope="session")
def lesson_in_numpy():
    """The weights and the outputs of the lesson's script after some numbers of iterations."""
    inputs, targets = np.array(INPUTS), np.array(TARGETS)
    weights = 2 * np.random.RandomState(1).random_sample((3, 1)) - 1
    after = {}
    for iteration in range(1, 100_001):
        outputs = 1 / (1 + np.exp(-np.dot(inputs, weights)))
        weights += np.dot(inputs.T, (targets - outputs) * outputs * (1 - outputs))
        if iteration in (1, 2, 60_000, 100_000):
            after[iteration] = weights.ravel().tolist(), outputs.ravel().tolist()
    return after


def test_starting_weights(make_layer):
    assert flat(make_layer(3, seed=1).weights) == [-0.165955990594852, 0.4406489868843162, -0.9997712503653102]


def test_first_outputs(make_layer):
    outputs = flat(make_layer(3, seed=1).forward(INPUTS))
    assert [round(output, 8) for output in outputs] == [0.2689864, 0.3262757, 0.23762817, 0.36375058]


def test_weights_after_10_000(make_layer):
    layer = make_layer(3, seed=1).train(INPUTS, TARGETS, iterations=10_000)
    assert [round(weight, 8) for weight in flat(layer.weights)] == [9.67299303, -0.2078435, -4.62963669]


def test_weights_and_outputs_after_20_000(make_layer):
    layer = make_layer(3, seed=1).train(INPUTS, TARGETS)
    expected = [10.38040700835853, -0.20641179127585452, -4.98452046651276]
    assert flat(layer.weights) == pytest.approx(expected, rel=1e-12, abs=0)
    expected = [0.006796721675407841, 0.9944558330152664, 0.99548516322135, 0.0055361367309101]
    assert flat(layer.outputs) == pytest.approx(expected, rel=1e-12, abs=0)


def test_training_matches_the_numpy_script(make_layer, lesson_in_numpy):
    layer, made = make_layer(3, seed=1), 0
    for iterations, (weights, outputs) in lesson_in_numpy.items():
        layer.train(INPUTS, TARGETS, iterations - made)
        made = iterations
        assert flat(layer.weights) == pytest.approx(weights, rel=1e-11, abs=0)
        assert flat(layer.outputs) == pytest.approx(outputs, rel=1e-11, abs=0)


def test_prediction_for_the_new_situation(make_layer):
    layer = make_layer(3, seed=1).train(INPUTS, TARGETS)
    [[answer]] = layer.forward([[1, 0, 0]])
    assert round(answer, 8) == 0.99996897
