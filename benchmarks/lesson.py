"""Benchmark the lesson's 20,000 iterations against NumPy and numba."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from measure import Row, Section, check_equal, timed, version_of

import pyperceptron as pp

INPUTS = [[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]]
TARGETS = [[0], [1], [1], [0]]
START = [-0.165955990594852, 0.4406489868843162, -0.9997712503653102]
WEIGHTS = [10.38040700835853, -0.20641179127585452, -4.98452046651276]
ITERATIONS = 20_000


def sections() -> Iterator[Section]:
    """Time every competitor from the same initial weights, after checking that it reaches the lesson's final weights."""
    rows = []
    for name, distribution, make in (
        ("NumPy, the lesson's script", "numpy", _numpy_as_written),
        ("NumPy, preallocated", "numpy", _numpy_preallocated),
        ("numba, compiled loop", "numba", _numba),
    ):
        version = version_of(distribution)
        train = make() if version else None
        rows.append(_row(name, version or "", train))
    for backend in ("cython", "python"):
        train = _layer(backend) if backend in pp.available_backends() else None
        rows.append(_row(f"pyperceptron, {backend}", pp.__version__, train))
    rows.append(_row("pyperceptron, cython, layer made too", pp.__version__, _whole()))
    yield Section(f"The lesson's loop, {ITERATIONS:,} iterations (whole call, from lists or arrays)", rows, rows[0].name)


def _row(name: str, version: str, train: Callable[[], list[float]] | None) -> Row:
    if train is None:
        return Row(name, version, None)
    check_equal(name, train(), WEIGHTS)
    return Row(name, version, lambda: timed(train))


def _whole() -> Callable[[], list[float]] | None:
    """Make the layer with its seeded weights as well, as the NumPy script does."""
    if "cython" not in pp.available_backends():
        return None

    def train() -> list[float]:
        layer = pp.SigmoidLayer(3, seed=1, backend="cython")
        return [weight for [weight] in layer.train(INPUTS, TARGETS, ITERATIONS).weights]

    return train


def _layer(backend: str) -> Callable[[], list[float]]:
    layer = pp.SigmoidLayer(3, weights=START, backend=backend)

    def train() -> list[float]:
        layer.weights = START
        return [weight for [weight] in layer.train(INPUTS, TARGETS, ITERATIONS).weights]

    return train


def _numpy_as_written() -> Callable[[], list[float]]:
    import lesson_in_numpy

    return lambda: lesson_in_numpy.train(ITERATIONS)[0].ravel().tolist()  # type: ignore[no-any-return]


def _numpy_preallocated() -> Callable[[], list[float]]:
    """Preallocate every array and write to it with out=."""
    import numpy as np

    inputs, targets = np.array(INPUTS, float), np.array(TARGETS, float)
    transposed = np.ascontiguousarray(inputs.T)
    outputs, errors, slopes, step = (np.empty((n, 1)) for n in (4, 4, 4, 3))

    def train() -> list[float]:
        weights = np.array(START)[:, None]
        for _ in range(ITERATIONS):
            np.dot(inputs, weights, out=outputs)
            np.negative(outputs, out=outputs)
            np.exp(outputs, out=outputs)
            np.add(outputs, 1.0, out=outputs)
            np.reciprocal(outputs, out=outputs)
            np.subtract(targets, outputs, out=errors)
            np.subtract(1.0, outputs, out=slopes)
            np.multiply(slopes, outputs, out=slopes)
            np.multiply(errors, slopes, out=errors)
            np.dot(transposed, errors, out=step)
            np.add(weights, step, out=weights)
        return weights.ravel().tolist()  # type: ignore[no-any-return]

    return train


def _numba() -> Callable[[], list[float]]:
    """Compile explicit loops with numba's defaults (no fast-math)."""
    import numba
    import numpy as np

    @numba.njit
    def loop(inputs, targets, weights, iterations):  # type: ignore[no-untyped-def]
        n, d = inputs.shape
        outputs, gradient = np.zeros(n), np.zeros(d)
        for _ in range(iterations):
            gradient[:] = 0
            for i in range(n):
                total = 0.0
                for j in range(d):
                    total += inputs[i, j] * weights[j]
                output = 1 / (1 + math.exp(-total))
                outputs[i] = output
                adjustment = (targets[i] - output) * output * (1 - output)
                for j in range(d):
                    gradient[j] += inputs[i, j] * adjustment
            for j in range(d):
                weights[j] += gradient[j]
        return weights

    inputs, targets = np.array(INPUTS, float), np.array(TARGETS, float).ravel()
    return lambda: loop(inputs, targets, np.array(START), ITERATIONS).tolist()  # type: ignore[no-any-return]
