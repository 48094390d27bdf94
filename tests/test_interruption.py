"""Ctrl-C and threads: work can be interrupted, keeps its progress and does not block other threads, which end with it."""

import _thread
import copy
import gc
import os
import subprocess
import sys
import threading
import time
from array import array

import numpy as np
import pytest

from pyperceptron import chunks
from pyperceptron.chunks import Chunks

FOR_EVER = 2**62


def all_threads_ended(before):
    """Whether no more threads run than before, or will in a moment: a thread ends just after the work it was started for."""
    deadline = time.perf_counter() + 5
    while _thread._count() > before and time.perf_counter() < deadline:
        time.sleep(0.001)
    return _thread._count() <= before


def interrupted(work, after=0.2):
    """Press Ctrl-C after that many seconds and return how many seconds later the work has stopped.

    Without the callbacks by which Hypothesis watches garbage collections: an interrupt that arrives in one of them is lost.
    """
    pressed = []

    def press():
        pressed.append(time.perf_counter())
        _thread.interrupt_main()

    timer = threading.Timer(after, press)
    watchers = gc.callbacks[:]
    gc.callbacks.clear()
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
    finally:
        timer.cancel()
        gc.callbacks[:] = watchers
    stopped = time.perf_counter()
    timer.join()
    return stopped - pressed[0]


@pytest.mark.filterwarnings("ignore::pyperceptron.TrainingWarning")  # so many rows need a smaller learning_rate
@pytest.mark.parametrize("shape", [(4, 3), (3_000, 8), (3_000, 25)])
def test_ctrl_c_keeps_whole_iterations(make_layer, shape):
    random = np.random.default_rng(5)
    inputs, targets = random.normal(size=shape) * 0.01, random.random(shape[0])
    layer = make_layer(shape[1], seed=1, bias=True)
    start, after = layer.weights, 0.1
    while layer.weights == start:  # on a busy machine the first iteration may take long
        assert after < 60
        seconds = interrupted(lambda: layer.train(inputs, targets, FOR_EVER), after)
        assert seconds < 1  # the documented limit is 0.1 s, but the machine may be busy
        after *= 2
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


@pytest.mark.parametrize("threads", [1, 3])
def test_ctrl_c_before_the_first_step_keeps_the_model_and_ends_all_threads(make_model, threads):
    """A pass takes seconds, as there are many outputs; a chunk alone takes longer than Ctrl-C may."""
    random = np.random.default_rng(6)
    X = random.normal(size=(20_000, 2))
    y = random.integers(0, 30 if make_model.keywords["backend"] == "python" else 20_000, 20_000)
    model = make_model(threads=threads, l2=0.1, solver="gd").fit(X[:9], np.arange(9) % 2)
    coefficients, before = model.coef_.tolist(), _thread._count()
    assert interrupted(lambda: model.fit(X, y)) < 1
    assert model.coef_.tolist() == coefficients
    assert all_threads_ended(before)


@pytest.mark.parametrize("loop", ["cholesky", "cholesky_solve", "coordinate_descent"])
def test_ctrl_c_in_a_loop_over_a_matrix(backend, loop):
    n = 100 if loop == "coordinate_descent" else 300 if loop == "cholesky_solve" else 4_000
    ones, vectors = array("d", [1.0]) * n, array("d", [1.0]) * (n * 50_000 if loop == "cholesky_solve" else n)
    matrix = array("d", bytes(8 * n * n))
    matrix[:: n + 1] = array("d", [4.0]) * n
    work = {
        "cholesky": lambda: backend.cholesky(matrix, n),
        "cholesky_solve": lambda: backend.cholesky_solve(matrix, n, vectors),
        "coordinate_descent": lambda: backend.coordinate_descent(matrix, n, ones, ones, ones, vectors, FOR_EVER, -1.0),
    }[loop]
    assert interrupted(work) < 1
    assert matrix[-1] == 4.0  # so it had not finished
    assert loop != "cholesky_solve" or vectors[-1] == 1.0


def test_an_error_in_one_thread_stops_the_others_and_is_raised(backend):
    table = Chunks(memoryview(bytes(800)).cast("d", (100, 1)), 1, 1, 4, backend)
    before = _thread._count()

    def work(first, last):
        if first == 2:
            raise MemoryError("of job 2")
        while not table.stop[0]:
            time.sleep(0.001)
        raise InterruptedError

    with pytest.raises(MemoryError, match="of job 2"):
        table.map([(first, first + 1) for first in range(9)], work)
    assert all_threads_ended(before)


@pytest.mark.parametrize("started", [0, 1])
def test_threads_that_cannot_be_started_are_done_without(make_model, monkeypatch, started):
    random = np.random.default_rng(7)
    X = random.normal(size=(1_000, 120))  # two chunks
    y = X[:, 0] + random.normal(size=1_000) > 0
    alone = make_model(threads=1, solver="gd", l2=0.1, max_iter=1, tol=9.0).fit(X, y)
    start, left = chunks.start_new_thread, []

    def start_some(*arguments):
        if len(left) == started:
            raise RuntimeError("can't start new thread")
        left.append(start(*arguments))

    monkeypatch.setattr(chunks, "start_new_thread", start_some)
    model = make_model(threads=4, solver="gd", l2=0.1, max_iter=1, tol=9.0).fit(X, y)
    assert model.coef_.tobytes() == alone.coef_.tobytes()


PREPARED = """
import atexit, os, threading, time, warnings
from array import array
import pyperceptron as pp
warnings.simplefilter("ignore")
values = array("d", ((i * i % 997) / 997 for i in range(120_000)))
X, y = memoryview(values).cast("B").cast("d", (40_000, 3)), [values[3 * i] > values[3 * i + 1] for i in range(40_000)]
model = pp.Perceptron(l2=0.1, threads=3, max_iter=2)
expected = array("d", pp.Perceptron(l2=0.1, threads=1, max_iter=2).fit(X, y).coef_[0])
def fit():
    os.write(1, b"same " if array("d", model.fit(X, y).coef_[0]) == expected else b"other ")
"""
LIFE = {
    "at exit": "atexit.register(fit)",
    "in a thread at exit": "threading.Thread(target=lambda: [time.sleep(0.1), fit()]).start()",
    "in a child forked during a fit": """
child = []
model.callback = lambda model, iteration: child or child.append(os.fork())
fit()
if child[0]:
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child[0], 0)[1]))
""",
}


@pytest.mark.parametrize("when", LIFE)
def test_a_fit_in_threads_ends(when):
    if "forked" in when and not hasattr(os, "fork"):
        pytest.skip("needs fork")
    ran = subprocess.run([sys.executable, "-c", PREPARED + LIFE[when]], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.split() == ["same"] * (2 if "forked" in when else 1)


def test_copies_kept_in_a_callback_do_not_change(make_model):
    random = np.random.default_rng(8)
    X = random.normal(size=(50, 3))
    y = X[:, 0] + random.normal(size=50) > 0
    kept = []

    def keep(model, iteration):
        kept.append((copy.copy(model), model.coef_.tolist(), model.predict_proba(X[:1]).tolist()))

    make_model(l2=0.01, callback=keep).fit(X, y)
    assert len(kept) > 1
    for model, coefficients, probabilities in kept:
        assert model.coef_.tolist() == coefficients
        assert model.predict_proba(X[:1]).tolist() == [list(model.predict_proba_one(X[0]))] == probabilities


def test_the_compiled_backend_leaves_subnormal_numbers_alone(backend):
    """A flag such as -ffast-math makes the linker add code by which a process loses them."""
    smallest = sys.float_info.min
    assert smallest / 4 > 0
    assert np.float64(smallest) / 4 > 0


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
