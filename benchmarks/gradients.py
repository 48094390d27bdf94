"""Benchmark full-batch gradients and layer iterations against NumPy, numba and PyTorch."""

from __future__ import annotations

import math
import os
from array import array
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from measure import Row, Section, check_alike, pinned, timed, version_of

import pyperceptron as pp
from pyperceptron.backends import backend_name, backend_of
from pyperceptron.chunks import Chunks
from pyperceptron.columns import column_statistics
from pyperceptron.losses import LOSSES
from pyperceptron.objective import Objective

SHAPES = ((1_000_000, 10), (200_000, 100), (20_000, 1_000), (1_797, 64))
LAYERS = tuple((66_666, 10, k) for k in (1, 2, 3, 5, 10)) + tuple((22_222, 30, k) for k in (1, 2, 3, 5, 10))
LAYERS += ((200_000, 100, 1), (20_000, 1_000, 1), (5_000, 784, 10))
SEVERAL = ((66_666, 10), (22_222, 30), (5_000, 784))
N_ITERATIONS = 10
N_IMAGES, N_PIXELS, N_DIGITS = 60_000, 784, 10
TOLERANCES = {"float64": 1e-6, "float32": 1e-3}

Array = Any  # numpy.ndarray
Gradient = Callable[[], Array]  # returns n_outputs × (n_inputs + 1) numbers, with the intercept last in each row
OURS = "pyperceptron"


def sections() -> Iterator[Section | str]:
    for dtype in ("float64", "float32"):
        for shape in SHAPES:
            yield _log_loss(*shape, dtype, threads=1)
    if (os.cpu_count() or 1) >= 2:
        for shape in SHAPES[:3]:
            yield _log_loss(*shape, "float64", threads=2)
    else:
        yield "  one core only: no gradients on two threads"
    yield _softmax()
    for layer in LAYERS:
        yield _layer(*layer)
    for shape in SEVERAL:
        for loss in LOSSES:
            yield _several_outputs(*shape, loss)
    reading = _reading()
    yield reading
    yield _share_of_bandwidth(reading)


def _log_loss(n: int, d: int, dtype: str, threads: int) -> Section:
    """Time one gradient at the same coefficients, after checking each against NumPy's."""
    X, y, w, b = _two_classes(n, d, dtype)
    on = "one thread" if threads == 1 else f"{threads} threads"
    title = f"Gradient of the log loss, {n:,}×{d:,} {dtype}, {on} (ours computes the loss as well)"
    peers = (
        ("NumPy, in-place sigmoid", "numpy", _numpy),
        ("numba, fused row loop" + (", prange" if threads > 1 else ""), "numba", _numba),
        ("PyTorch, no_grad", "torch", _torch),
        (OURS, None, _ours),
    )
    with pinned(threads):
        expected = _numpy(X, y, w, b, threads)()
        rows = []
        for name, distribution, make in peers:
            version = pp.__version__ if distribution is None else version_of(distribution)
            rows.append(_row(name, version, make and version and make(X, y, w, b, threads), expected, TOLERANCES[dtype]))
    return Section(title, rows, rows[0].name, threads)


def _row(name: str, version: str | None, gradient: Any, expected: Array, tolerance: float) -> Row:
    if not version:
        return Row(name, "", None)
    check_alike(name, np.ravel(gradient()).tolist(), np.ravel(expected).tolist(), tolerance)
    return Row(name, version, lambda: timed(gradient))


def _two_classes(n: int, d: int, dtype: str) -> tuple[Array, Array, Array, float]:
    """Return standard normal columns, labels that depend on them, and coefficients away from the optimum."""
    random = np.random.default_rng(1)
    X = random.standard_normal((n, d)).astype(dtype, copy=False)
    y = (X @ random.standard_normal(d).astype(dtype) + random.standard_normal(n) > 0).astype(np.uint8)
    return X, y, (random.standard_normal(d) / math.sqrt(d)).astype(dtype), 0.5


def _numpy(X: Array, y: Array, w: Array, b: float, threads: int) -> Gradient:
    y = y.astype(X.dtype)
    b = X.dtype.type(b)

    def gradient() -> Array:
        r = X @ w
        r += b
        np.negative(r, out=r)
        np.exp(r, out=r)
        r += 1
        np.reciprocal(r, out=r)
        r -= y
        result = np.append(X.T @ r, r.sum())
        result /= len(X)
        return result

    return gradient


def _numba(X: Array, y: Array, w: Array, b: float, threads: int) -> Gradient:
    """Compile explicit loops with numba's defaults (no fast-math), in the precision of the input."""
    epoch = _numba_epoch(threads > 1)
    y = y.astype(X.dtype)
    one = X.dtype.type(1)
    return lambda: epoch(X, y, w, X.dtype.type(b), one, threads)


@cache
def _numba_epoch(parallel: bool) -> Callable[..., Array]:
    import numba

    @numba.njit
    def rows(X, y, w, b, one, first, last, gradient):  # type: ignore[no-untyped-def]
        d = X.shape[1]
        for i in range(first, last):
            total = b
            for j in range(d):
                total += X[i, j] * w[j]
            error = one / (one + math.exp(-total)) - y[i]
            for j in range(d):
                gradient[j] += X[i, j] * error
            gradient[d] += error

    @numba.njit
    def in_one(X, y, w, b, one, threads):  # type: ignore[no-untyped-def]
        gradient = np.zeros(X.shape[1] + 1, X.dtype)
        rows(X, y, w, b, one, 0, len(X), gradient)
        return gradient / X.dtype.type(len(X))

    @numba.njit(parallel=True)
    def in_parts(X, y, w, b, one, threads):  # type: ignore[no-untyped-def]
        parts = np.zeros((threads, X.shape[1] + 65), X.dtype)  # padded to avoid false sharing
        for part in numba.prange(threads):
            rows(X, y, w, b, one, len(X) * part // threads, len(X) * (part + 1) // threads, parts[part])
        return parts[:, : X.shape[1] + 1].sum(axis=0) / len(X)

    return in_parts if parallel else in_one  # type: ignore[no-any-return]


def _torch(X: Array, y: Array, w: Array, b: float, threads: int) -> Gradient:
    import torch

    torch.set_num_threads(threads)
    inputs, weights = torch.from_numpy(X), torch.from_numpy(w)
    targets = torch.from_numpy(y).to(inputs.dtype)
    result = torch.empty(len(w) + 1, dtype=inputs.dtype)

    def gradient() -> Array:
        with torch.no_grad():
            r = torch.sigmoid((inputs @ weights).add_(b)).sub_(targets)
            result[:-1] = inputs.T @ r
            result[-1] = r.sum()
            return result.div_(len(inputs)).numpy()

    return gradient


def _ours(X: Array, y: Array, w: Array, b: float, threads: int) -> Gradient:
    objective = _objective(X, y, 1, "sigmoid_log_loss", threads)
    coefficients = array("d", [*w.tolist(), b])
    return lambda: objective.evaluate(coefficients)[1]


def _objective(X: Array, y: Array, n_outputs: int, loss: str, threads: int) -> Objective:
    """Return the objective of a loss over X, with an intercept and no penalty."""
    backend, view = backend_of(backend_name()), memoryview(X)
    chunks = Chunks(view, X.shape[1] + 1, n_outputs, threads, backend)
    linear_loss = backend.LinearLoss(view, memoryview(y[:, None]), None, n_outputs, loss, True, chunks.rows_in_chunk)
    columns = column_statistics(linear_loss, chunks, view)
    return Objective(backend, view, linear_loss, chunks, columns, LOSSES[loss], n_outputs)


def _layer(n: int, d: int, k: int) -> Section:
    """Time SigmoidLayer.train against the same iterations in NumPy with in-place operations."""
    random = np.random.default_rng(1)
    X, T = random.standard_normal((n, d)), random.random((n, k))
    start = random.standard_normal((d, k)) / math.sqrt(d)
    rate = 1e-3 / n

    def numpy() -> Array:
        W = start.copy()
        for _ in range(N_ITERATIONS):
            outputs = X @ W
            np.negative(outputs, out=outputs)
            np.exp(outputs, out=outputs)
            outputs += 1
            np.reciprocal(outputs, out=outputs)
            adjustments = T - outputs
            adjustments *= outputs
            outputs -= 1
            adjustments *= outputs
            step = X.T @ adjustments
            step *= -rate
            W += step
        return W

    def ours() -> Array:
        return pp.SigmoidLayer(d, k, weights=start, threads=1).train(X, T, N_ITERATIONS, rate).weights

    with pinned(1):
        expected = numpy()
        rows = [_row("NumPy, in place", version_of("numpy"), numpy, expected, 1e-9)]
        rows.append(_row(OURS, pp.__version__, ours, expected, 1e-9))
    title = f"{N_ITERATIONS} iterations of SigmoidLayer, {n:,}×{d:,}, {k} outputs, one thread (whole call)"
    return Section(title, rows, rows[0].name, threads=1)


def _several_outputs(n: int, d: int, loss: str) -> Section:
    """Time the gradient per output, which should not grow with the number of outputs."""
    random = np.random.default_rng(1)
    X = random.standard_normal((n, d))
    rows = []
    for k in (1, 2, 3, 5, 8, 10):
        y = random.integers(0, max(k, 2), n).astype(np.uint8)
        objective = _objective(X, y, k, loss if k > 1 else loss.replace("softmax", "sigmoid"), 1)
        coefficients = array("d", (random.standard_normal(k * (d + 1)) / math.sqrt(d)).tolist())

        def run(objective: Objective = objective, coefficients: array[float] = coefficients, k: int = k) -> float:
            return timed(lambda: objective.evaluate(coefficients)) / k

        rows.append(Row(f"{k} outputs, each" if k > 1 else "one output", pp.__version__, run))
    title = f"Gradient of {loss}, {n:,}×{d:,} float64, by the number of outputs, one thread"
    return Section(title, rows, rows[0].name, threads=1)


def _softmax() -> Section:
    """Time the softmax gradient on mostly zero uint8 images; NumPy and PyTorch get them cast to float32 beforehand."""
    random = np.random.default_rng(1)
    X = random.integers(0, 256, (N_IMAGES, N_PIXELS), np.uint8)
    X[random.random(X.shape, np.float32) < 0.8] = 0
    y = random.integers(0, N_DIGITS, N_IMAGES, np.uint8)
    W = (random.standard_normal((N_DIGITS, N_PIXELS)) / 2_000).astype(np.float32)
    b = np.linspace(-1, 1, N_DIGITS, dtype=np.float32)
    coefficients = array("d", np.column_stack([W, b]).ravel().tolist())
    X32 = X.astype(np.float32)

    def ours(samples: Array) -> Gradient:
        objective = _objective(samples, y, N_DIGITS, "softmax_log_loss", 1)
        return lambda: objective.evaluate(coefficients)[1]

    with pinned(1):
        numpy = _numpy_softmax(X32, y, W, b)
        expected = numpy()
        torch = version_of("torch")
        rows = [
            _row("NumPy, float32 (cast once beforehand)", version_of("numpy"), numpy, expected, 1e-3),
            _row("PyTorch, float32 (cast once beforehand)", torch, torch and _torch_softmax(X32, y, W, b), expected, 1e-3),
            _row("pyperceptron, float32", pp.__version__, ours(X32), expected, 1e-3),
            _row("pyperceptron, uint8", pp.__version__, ours(X), expected, 1e-3),
        ]
    title = f"Gradient of the softmax's log loss, {N_IMAGES:,}×{N_PIXELS}, {N_DIGITS} outputs, one thread (ours with the loss)"
    return Section(title, rows, rows[0].name, threads=1)


def _numpy_softmax(X: Array, y: Array, W: Array, b: Array) -> Gradient:
    every = np.arange(len(X))

    def gradient() -> Array:
        R = X @ W.T
        R += b
        R -= R.max(axis=1, keepdims=True)
        np.exp(R, out=R)
        R /= R.sum(axis=1, keepdims=True)
        R[every, y] -= 1
        result = np.column_stack([R.T @ X, R.sum(axis=0)])
        result /= len(X)
        return result

    return gradient


def _torch_softmax(X: Array, y: Array, W: Array, b: Array) -> Gradient:
    import torch

    torch.set_num_threads(1)
    inputs, weights, biases = map(torch.from_numpy, (X, W, b))
    ones = torch.nn.functional.one_hot(torch.from_numpy(y).long(), len(W)).to(inputs.dtype)

    def gradient() -> Array:
        with torch.no_grad():
            R = torch.softmax(torch.addmm(biases, inputs, weights.T), dim=1).sub_(ones)
            return torch.column_stack([R.T @ inputs, R.sum(dim=0)]).div_(len(inputs)).numpy()

    return gradient


def _reading() -> Section:
    """Time plain reads of an array as an upper bound for the speed of our gradient over it."""
    X, y, w, b = _two_classes(200_000, 100, "float64")
    flat = X.ravel()
    version = version_of("numpy") or ""
    readers: list[tuple[str, str, Callable[[], object]]] = [
        ("NumPy, np.dot(x, x)", version, lambda: np.dot(flat, flat)),
        ("NumPy, x.sum()", version, lambda: flat.sum()),
        ("NumPy, x.max()", version, lambda: flat.max()),
        ("NumPy, x.view(int64).sum()", version, lambda: flat.view(np.int64).sum()),
    ]
    name = "numba, sum of the bits as int64"
    rows = [Row(*reader[:2], lambda read=reader[2]: timed(read)) for reader in readers]  # type: ignore[misc]
    if numba := version_of("numba"):
        read, bits = _numba_sum(), flat.view(np.int64)
        rows.append(Row(name, numba, lambda: timed(lambda: read(bits))))
    else:
        rows.append(Row(name, "", None))
    with pinned(1):
        rows.append(_row(OURS, pp.__version__, _ours(X, y, w, b, 1), _numpy(X, y, w, b, 1)(), 1e-6))
    return Section("Reading 200,000×100 float64 (160 MB) once, one thread; ours is the gradient's pass", rows, OURS, threads=1)


def _numba_sum() -> Callable[[Array], int]:
    import numba

    @numba.njit
    def total(numbers):  # type: ignore[no-untyped-def]
        result = 0
        for number in numbers:
            result += number
        return result

    return total  # type: ignore[no-any-return]


def _share_of_bandwidth(reading: Section) -> str:
    *readers, ours = reading.rows
    fastest = min((row for row in readers if row.seconds), key=lambda row: row.median)
    gigabytes = 200_000 * 100 * 8 / 1e9
    return (
        f"  our pass reads {gigabytes / ours.median:.1f} GB/s, {fastest.median / ours.median:.0%} of one thread's read "
        f"bandwidth: {gigabytes / fastest.median:.1f} GB/s by the fastest reader ({fastest.name})"
    )
