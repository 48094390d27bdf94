"""Benchmark the prediction of single rows and of a million rows with the same coefficients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from measure import Row, Section, check_alike, pinned, timed, version_of

import pyperceptron as pp

N_FEATURES = 30
CALLS = 1_000
N_ROWS, N_COLUMNS = 1_000_000, 10
TOLERANCE = 1e-6
MEANS = f"mean of {CALLS:,} calls in a loop, one thread"

Array = Any  # numpy.ndarray
Predict = Callable[[Any], Any]  # the timed call, on one row or on many
Make = Callable[[pp.Perceptron], Predict]  # copies the coefficients of our model


def sections() -> Iterator[Section]:
    X, model = _model(2_000, N_FEATURES)
    row = X[0].copy()
    expected = _numpy(model)(row)
    with pinned(1):
        rows = [
            _one("scikit-learn, predict_proba([list])", "scikit-learn", _scikit, model, [row.tolist()], expected),
            _one("river, predict_proba_one(dict)", "river", _river, model, dict(enumerate(row.tolist())), expected),
            _one("pyperceptron, predict_proba_one(list)", None, _ours, model, row.tolist(), expected),
        ]
    yield Section(f"One prediction of {N_FEATURES} features from a list ({MEANS})", rows, rows[0].name, threads=1)
    with pinned(1):
        rows = [
            _one("scikit-learn, predict_proba(1×30)", "scikit-learn", _scikit, model, row[None], expected),
            _one("onnxruntime, float64 Gemm and Sigmoid", "onnxruntime", _onnx, model, {"x": row[None]}, expected[1:]),
            _one("NumPy, by hand", "numpy", _numpy, model, row, expected),
            _one("numba, compiled loop", "numba", _numba, model, row, expected),
            _one("pyperceptron, predict_proba_one(row)", None, _ours, model, row, expected),
        ]
    yield Section(f"One prediction of {N_FEATURES} features from a NumPy row ({MEANS})", rows, rows[0].name, threads=1)

    X, model = _model(N_ROWS, N_COLUMNS)
    expected = _numpy_many(model)(X)
    with pinned(1):
        rows = [
            _many("scikit-learn, predict_proba", "scikit-learn", _scikit, model, X, expected),
            _many("NumPy, by hand into n×2", "numpy", _numpy_many, model, X, expected),
            _many("PyTorch, no_grad, into n×2", "torch", _torch_many, model, X, expected),
            _many("pyperceptron, predict_proba", None, lambda model: model.predict_proba, model, X, expected),
        ]
    yield Section(f"Probabilities of {N_ROWS:,}×{N_COLUMNS} float64, one thread", rows, rows[0].name, threads=1)


def _model(n: int, d: int) -> tuple[Array, pp.Perceptron]:
    """Return X and a model fitted to its first 2,000 rows."""
    random = np.random.default_rng(1)
    X = random.standard_normal((n, d))
    y = (X[:2_000] @ random.standard_normal(d) + random.standard_normal(2_000) > 0).astype(np.uint8)
    return X, pp.Perceptron(l2=1e-3, threads=1).fit(X[:2_000], y)


def _one(name: str, distribution: str | None, make: Make, model: pp.Perceptron, row: Any, expected: Array) -> Row:
    version = pp.__version__ if distribution is None else version_of(distribution)
    if version is None:
        return Row(name, "", None)
    predict = make(model)
    _check(name, predict(row), expected)

    def calls() -> None:
        for _ in range(CALLS):
            predict(row)

    return Row(name, version, lambda: timed(calls) / CALLS)


def _many(name: str, distribution: str | None, make: Make, model: pp.Perceptron, X: Array, expected: Array) -> Row:
    version = pp.__version__ if distribution is None else version_of(distribution)
    if version is None:
        return Row(name, "", None)
    predict = make(model)
    _check(name, predict(X), expected)
    return Row(name, version, lambda: timed(lambda: predict(X)))


def _check(name: str, answer: Any, expected: Array) -> None:
    if isinstance(answer, dict):
        answer = [answer[label] for label in sorted(answer)]
    check_alike(name, np.ravel(answer).tolist(), np.ravel(expected).tolist(), TOLERANCE)


def _ours(model: pp.Perceptron) -> Predict:
    return model.predict_proba_one


def _scikit(model: pp.Perceptron) -> Predict:
    from sklearn.linear_model import LogisticRegression

    other = LogisticRegression()
    other.coef_, other.intercept_, other.classes_ = model.coef_, model.intercept_, model.classes_
    other.n_features_in_ = model.n_features_in_
    return other.predict_proba  # type: ignore[no-any-return]


def _river(model: pp.Perceptron) -> Predict:
    """Set the private weights of river's model, which has no public way to do it."""
    from river import linear_model
    from river.utils import VectorDict

    other = linear_model.LogisticRegression(intercept_init=float(model.intercept_[0]))
    other._weights = VectorDict(dict(enumerate(model.coef_[0].tolist())))  # otherwise filled only by learning
    return other.predict_proba_one  # type: ignore[no-any-return]


def _numpy(model: pp.Perceptron) -> Predict:
    weights, bias = model.coef_[0], float(model.intercept_[0])

    def predict(row: Array) -> tuple[float, float]:
        p = 1 / (1 + np.exp(-(row @ weights + bias)))
        return 1 - p, p

    return predict


def _numba(model: pp.Perceptron) -> Predict:
    import math

    import numba

    @numba.njit
    def probability(row, weights, bias):  # type: ignore[no-untyped-def]
        total = bias
        for j in range(len(row)):
            total += row[j] * weights[j]
        p = 1 / (1 + math.exp(-total))
        return 1 - p, p

    weights, bias = model.coef_[0].copy(), float(model.intercept_[0])
    return lambda row: probability(row, weights, bias)


def _onnx(model: pp.Perceptron) -> Predict:
    """Encode a two-node ONNX graph by hand, so that the onnx package is not needed."""
    import onnxruntime

    def message(*fields: tuple[int, object]) -> bytes:
        """Encode a protocol-buffer message: integers as varints, other values length-prefixed."""
        encoded = b""
        for number, value in fields:
            if isinstance(value, int):
                encoded += varint(number << 3) + varint(value)
            else:
                content = value.encode() if isinstance(value, str) else bytes(value)  # type: ignore[call-overload]
                encoded += varint(number << 3 | 2) + varint(len(content)) + content
        return encoded

    def varint(value: int) -> bytes:
        return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)

    double = 11

    def tensor(name: str, values: Array) -> bytes:
        return message(*((1, size) for size in values.shape), (2, double), (8, name), (9, values.tobytes()))

    def variable(name: str, *shape: int) -> bytes:
        sizes = message(*((1, message((1, size))) for size in shape))
        return message((1, name), (2, message((1, message((1, double), (2, sizes))))))

    graph = message(
        (1, message((1, "x"), (1, "weights"), (1, "bias"), (2, "z"), (4, "Gemm"))),
        (1, message((1, "z"), (2, "p"), (4, "Sigmoid"))),
        (2, "neuron"),
        (5, tensor("weights", np.ascontiguousarray(model.coef_.T))),
        (5, tensor("bias", np.asarray(model.intercept_))),
        (11, variable("x", 1, model.n_features_in_)),
        (12, variable("p", 1, 1)),
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    file = message((1, 8), (7, graph), (8, message((2, 13))))
    run = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"]).run
    return lambda inputs: run(None, inputs)


def _numpy_many(model: pp.Perceptron) -> Predict:
    weights, bias = model.coef_[0], model.intercept_[0]

    def predict(X: Array) -> Array:
        result = np.empty((len(X), 2))
        p = X @ weights
        p += bias
        np.negative(p, out=p)
        np.exp(p, out=p)
        p += 1
        np.reciprocal(p, out=result[:, 1])
        np.subtract(1, result[:, 1], out=result[:, 0])
        return result

    return predict


def _torch_many(model: pp.Perceptron) -> Predict:
    import torch

    torch.set_num_threads(1)
    weights, bias = torch.from_numpy(model.coef_[0].copy()), float(model.intercept_[0])

    def predict(X: Array) -> Array:
        with torch.no_grad():
            inputs = torch.from_numpy(X)
            result = torch.empty((len(X), 2), dtype=inputs.dtype)
            torch.sigmoid((inputs @ weights).add_(bias), out=result[:, 1])
            torch.sub(1, result[:, 1], out=result[:, 0])
            return result.numpy()

    return predict
