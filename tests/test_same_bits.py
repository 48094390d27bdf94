"""Results are bit-identical for every instruction set and number of threads, and match a stored digest."""

EVERYTHING = """
import hashlib, sys
from array import array
import numpy as np
import pyperceptron as pp
from pyperceptron.backends import backend_name, backend_of

backend = backend_of(backend_name())
fast = hasattr(backend, "instruction_sets")
random = np.random.RandomState(5)
digest = hashlib.sha256()

def flat(values):
    return array("d", np.ravel(values).tolist())

for d in (*range(1, 18), 30, 57, 393) if fast else (1, 8, 17):
    for k in (1, 3, 10):
        for n in (1, 130) if fast else (1, 3):
            for storage in ("d", "f", "B"):
                X = (random.random_sample((n, d)) * 6 - (0 if storage == "B" else 3)).astype(storage)
                y = random.randint(0, max(k, 2), (n, 1)).astype("B")
                weights = random.random_sample(n)
                for intercept in (False, True):
                    width = d + intercept
                    W = flat(random.random_sample((k, width)) * 4 - 2)
                    losses = ["sigmoid_log_loss", "sigmoid_squared_error"] + ["softmax_log_loss"] * (k > 1)
                    for loss in losses:
                        linear = backend.LinearLoss(memoryview(X), memoryview(y), memoryview(weights), k, loss, intercept, 20)
                        parts = linear.evaluate(W, 0, -(-n // 20)), linear.moments(flat(np.ones(d)), 0, -(-n // 20))
                        parts += (linear.examine(W, flat(np.ones(d)), 0, -(-n // 20)),)
                        parts += (linear.hessian(W, -1, -1, None, None, 0, n),)
                        parts += (linear.sampling_scores(W, W[:d], flat(X[0] + 9), 0, 1),)
                        digest.update(b"".join(map(bytes, parts)))
                    for activation in ("identity", "sigmoid", "softmax", "normalized_sigmoid", "binary_sigmoid"):
                        binary = activation == "binary_sigmoid"
                        results = np.zeros((n, 2 if binary else k))
                        backend.predict(memoryview(X), W[:width] if binary else W, activation, memoryview(results))
                        digest.update(results.tobytes())

for n, d, k in ((15_000, 12, 1), (15_000, 5, 3), (3_000, 60, 1)) if fast else ((60, 3, 1), (60, 3, 3)):
    X = random.random_sample((n, d))
    y = np.argmax(X[:, :max(k, 2)] + random.random_sample((n, max(k, 2))), axis=1)
    for solver in ("newton", "lbfgs", "gd"):
        for params in ({"l2": 0.01}, {"l1": 0.01}) if solver == "newton" else ({"l2": 0.01},):
            fits = [
                pp.Perceptron(solver=solver, threads=threads, tol=1e-3, **params).fit(X, y)
                for threads in ((1, 3, 8) if fast else (1, 2))
            ]
            bits = {(model.coef_.tobytes(), model.intercept_.tobytes(), model.predict_proba(X).tobytes()) for model in fits}
            assert len(bits) == 1, (n, d, k, solver, params)
            for part in bits.pop():
                digest.update(part)
for n, d, k in ((90, 700, 1), (150, 400, 3)) if fast else ((6, 70, 1), (6, 70, 3)):  # wide data
    X = random.random_sample((n, d))
    y = np.argmax(X[:, :max(k, 2)] + random.random_sample((n, max(k, 2))), axis=1)
    for params in ({"l2": 0.01}, {"l2": 0.01, "solver": "newton"}, {"l1": 0.01}):
        fits = [pp.Perceptron(threads=threads, **params).fit(X, y) for threads in ((1, 3) if fast else (1,))]
        bits = {(model.coef_.tobytes(), model.intercept_.tobytes()) for model in fits}
        assert len(bits) == 1, (n, d, k, params)
        for part in bits.pop():
            digest.update(part)
for n_inputs in (1, 3, 7, 8, 9, 15, 16, 17, 100, 1000) if fast else (1, 9):
    for n_rows in (1, 4, 6, 300, 700) if fast else (1, 6):
        for n_outputs in (1, 3, 5):
            for dtype in ("d", "f", "u1"):
                inputs = (random.random_sample((n_rows, n_inputs)) * 6 - (0 if dtype == "u1" else 3)).astype(dtype)
                targets = random.random_sample((n_rows, n_outputs))
                for bias in (False, True):
                    layer = pp.SigmoidLayer(n_inputs, n_outputs, seed=n_rows, bias=bias)
                    layer.train(inputs, targets, 7, 0.1 / n_rows)
                    digest.update(np.array(layer.weights).tobytes() + layer.outputs.tobytes() + layer.forward(inputs).tobytes())

X, targets = random.random_sample((30_000, 40)), random.random_sample((30_000, 4))
if fast:
    layers = [pp.SigmoidLayer(40, 4, seed=1, threads=threads).train(X, targets, 3, 1e-4) for threads in (1, 2, 5)]
    bits = {np.array(layer.weights).tobytes() + layer.outputs.tobytes() for layer in layers}
    assert len(bits) == 1
    digest.update(bits.pop())
print(digest.hexdigest())
"""


# The digest of the compiled backend, which must be the same on every machine.
GOLDEN = "6c2e29ad64a655e77c7d9ae30727da7d9eae659b94d492172739d349ce395004\n"


def test_every_instruction_set_and_any_number_of_threads_give_the_same_bits(of_every_instruction_set):
    digests = of_every_instruction_set(EVERYTHING)
    assert len(set(digests.values())) == 1, digests
    assert set(digests) == {"the reference"} or set(digests.values()) == {GOLDEN}
