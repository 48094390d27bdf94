"""Ctrl-C and threads: training can be interrupted, keeps its progress and does not block other threads."""

import _thread
import threading
import time

import numpy as np
import pytest

FOR_EVER = 2**62


def interrupted(train):
    """Press Ctrl-C every 0.2 s until the training stops; return how many seconds after the first that was.

    More than one, because Hypothesis watches garbage collections: an interrupt that arrives in its callback is lost.
    """
    pressed, stopped = [], threading.Event()

    def press():
        while not stopped.wait(0.2):
            pressed.append(time.perf_counter())
            _thread.interrupt_main()

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        try:
            train()
        finally:
            stopped.set()
    presser.join()
    return time.perf_counter() - pressed[0]


@pytest.mark.filterwarnings("ignore::pyperceptron.TrainingWarning")  # so many rows need a smaller learning_rate
@pytest.mark.parametrize("shape", [(4, 3), (3_000, 8), (3_000, 25)])
def test_ctrl_c_keeps_whole_iterations(make_layer, shape):
    random = np.random.default_rng(5)
    inputs, targets = random.normal(size=shape) * 0.01, random.random(shape[0])
    layer = make_layer(shape[1], seed=1, bias=True)
    start = layer.weights
    seconds = interrupted(lambda: layer.train(inputs, targets, FOR_EVER))
    assert seconds < 1  # the documented limit is 0.1 s, but the test machine may be busy
    assert layer.weights != start
    if shape[0] > 4:  # with few rows there are too many iterations to replay
        again = make_layer(shape[1], seed=1, bias=True)
        again.train(inputs, targets, 100_000, callback=lambda again, iteration: again.weights == layer.weights)
        assert (again.weights, again.bias) == (layer.weights, layer.bias)
    layer.train(inputs, targets, 1)
    assert np.isfinite(layer.weights).all()


def test_ctrl_c_keeps_the_best_coefficients_so_far(make_model):
    random = np.random.default_rng(5)
    X = random.normal(size=(60, 3))
    y = X[:, 0] + random.normal(size=60) > 0
    model = make_model(solver="gd", learning_rate=1e-6, tol=0.0, max_iter=FOR_EVER)
    assert interrupted(lambda: model.fit(X, y)) < 1
    assert model.n_iter_ >= 1
    assert model.history_[model.n_iter_]["objective"] < model.history_[0]["objective"]
    assert model.predict(X[:2]).shape == (2,)


def test_train_releases_the_gil(make_layer):
    """Train for about half a second in another thread while this one keeps calling forward."""
    inputs, targets = np.random.default_rng(1).normal(size=(500, 20)), [0.5] * 500
    layer = make_layer(20, seed=1)
    start = time.perf_counter()
    layer.train(inputs, targets, 20, 1e-3)
    iterations = int(20 * 0.5 / (time.perf_counter() - start))
    thread = threading.Thread(target=layer.train, args=(inputs, targets, iterations, 1e-3))
    turns = 0
    thread.start()
    while thread.is_alive():
        time.sleep(0.001)
        turns += 1
        assert np.isfinite(layer.forward(inputs[:3])).all()
    assert turns > 5


def test_threads_do_not_disturb_each_other(make_layer):
    random = np.random.default_rng(2)
    inputs, targets = random.normal(size=(40, 6)), random.random((40, 2))
    layers = [make_layer(6, 2, seed=seed) for seed in range(6)]
    threads = [threading.Thread(target=layer.train, args=(inputs, targets, 200, 0.1)) for layer in layers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, layer in enumerate(layers):
        alone = make_layer(6, 2, seed=seed).train(inputs, targets, 200, 0.1)
        assert (layer.weights, layer.outputs.tolist()) == (alone.weights, alone.outputs.tolist())


def test_concurrent_train_calls_do_not_corrupt_the_weights(make_layer):
    layer = make_layer(3, seed=1)
    inputs, targets = [[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], [0, 1, 1, 0]
    threads = [threading.Thread(target=layer.train, args=(inputs, targets, 500)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reachable = {}
    make_layer(3, seed=1).train(
        inputs, targets, 2_000, callback=lambda layer, iteration: reachable.update({iteration: layer.weights})
    )
    assert layer.weights in [reachable[iterations] for iterations in (500, 1_000, 1_500, 2_000)]
