"""Random problems for the backend functions, and the expected results in NumPy."""

from array import array

import numpy as np
from hypothesis import strategies as st

LOSSES = ("sigmoid_log_loss", "softmax_log_loss", "sigmoid_squared_error")
ACTIVATIONS = ("identity", "sigmoid", "softmax", "normalized_sigmoid", "binary_sigmoid")
STORAGES = ("d", "f", "B")
WIDTHS = [*range(1, 18), 30, 57]
EXTREMES = [1e150, -1e150, 1e-150, -1e-150, 0.0, 1.0, -3.0, 7e149, -5e-324]


def flat(values):
    return array("d", np.ravel(values).tolist())


def zeros(count):
    return array("d", bytes(8 * count))


def square(lower, n):
    """Return the symmetric matrix with this lower triangle."""
    matrix = np.reshape(lower, (n, n))
    return np.tril(matrix) + np.tril(matrix, -1).T


class Case:
    """A seeded random loss over n samples of d inputs and k outputs, for a backend and for NumPy.

    targets  "index" of the output whose target is 1, "indicators" for each output, or "float": numbers in [0, 1]
    """

    def __init__(
        self,
        n,
        d,
        k,
        loss,
        *,
        storage="d",
        targets="index",
        wide=False,
        weighted=True,
        intercept=True,
        chunk=64,
        shifted=False,
        seed=0,
    ):
        random = np.random.default_rng([n, d, k, seed])
        self.n, self.d, self.k, self.loss, self.intercept, self.chunk = n, d, k, loss, intercept, chunk
        self.width = d + intercept
        self.n_chunks = -(-n // chunk)
        scale = 1.0 if storage != "B" else 1 / 50
        numbers = random.normal(size=(n, d)) if storage != "B" else random.integers(0, 256, (n, d))
        self.inputs = np.ascontiguousarray(numbers.astype(storage))
        self.offsets = random.normal(size=d) if shifted else None
        self.weights = random.random(n) * 3 if weighted else None
        if weighted and n > 1:
            self.weights[random.integers(n)] = 0.0
        labels = random.integers(0, max(k, 2), (n, 1))
        self.wanted = (labels == np.arange(k)).astype(float) if k > 1 else labels.astype(float)
        self.targets = np.ascontiguousarray(labels.astype("H" if wide else "B"))
        if targets == "indicators":
            if loss != "softmax_log_loss":
                self.wanted = random.integers(0, 2, (n, k)).astype(float)
            self.targets = np.ascontiguousarray(self.wanted.astype("H" if wide else "B"))
        elif targets == "float":
            self.wanted = random.random((n, k))
            if loss == "softmax_log_loss":
                self.wanted /= self.wanted.sum(axis=1, keepdims=True)
            self.targets = self.wanted
        self.coefficients = random.normal(size=(k, self.width)) * scale / np.sqrt(self.width) * 2

    # Every test calls LinearLoss through these methods, so that a change of its signature is made here only.

    def linear_loss(self, backend, inputs=None, targets=None):
        return backend.LinearLoss(
            memoryview(self.inputs) if inputs is None else inputs,
            memoryview(self.targets) if targets is None else targets,
            None if self.weights is None else memoryview(flat(self.weights)),
            self.k,
            self.loss,
            self.intercept,
            self.chunk,
            None if self.offsets is None else memoryview(flat(self.offsets)),
        )

    def evaluate(self, backend, coefficients=None, loss=None, chunks=None):
        """Return the value followed by the gradient, summed over some chunks or, by default, all of them."""
        loss = loss or self.linear_loss(backend)
        coefficients = flat(self.coefficients if coefficients is None else coefficients)
        return np.array(loss.evaluate(coefficients, *(chunks or (0, self.n_chunks))))

    def parts(self, backend, coefficients=None, loss=None):
        """Return value and gradient of each chunk, shape (n_chunks, 1 + k·width)."""
        loss = loss or self.linear_loss(backend)
        return np.array([self.evaluate(backend, coefficients, loss, (c, c + 1)) for c in range(self.n_chunks)])

    def examine(self, backend, centre):
        """Return the value, the gradient and the magnitudes, summed over all chunks."""
        return np.array(self.linear_loss(backend).examine(flat(self.coefficients), flat(centre), 0, self.n_chunks))

    def hessian(self, backend, output=-1, rows=None, row_weights=None, first=0, last=None, other=None):
        other = output if other is None else other
        listed = (None, None) if rows is None else (array("q", rows), flat(row_weights))
        last = (self.n if rows is None else len(rows)) if last is None else last
        matrix = self.linear_loss(backend).hessian(flat(self.coefficients), output, other, *listed, first, last)
        return np.reshape(matrix, (self.width, self.width))

    def moments(self, backend, centre, chunk):
        return np.array(self.linear_loss(backend).moments(flat(centre), chunk, chunk + 1))

    def sampling_scores(self, backend, means, scales, first, last):
        scores = self.linear_loss(backend).sampling_scores(flat(self.coefficients), flat(means), flat(scales), first, last)
        return np.array(scores)

    # Expected results in NumPy, computed independently of the backends.

    @property
    def rows(self):
        rows = self.inputs.astype(float) - (0 if self.offsets is None else self.offsets)
        return np.hstack([rows, np.ones((self.n, 1))]) if self.intercept else rows

    @property
    def sample_weights(self):
        return np.ones(self.n) if self.weights is None else self.weights

    def losses(self, coefficients=None):
        """Return the loss of each sample and its first and second derivatives with respect to the logits."""
        sums = self.rows @ (self.coefficients if coefficients is None else coefficients).T
        wanted = self.wanted
        if self.loss == "softmax_log_loss":
            powers = np.exp(sums - sums.max(axis=1, keepdims=True))
            outputs = powers / powers.sum(axis=1, keepdims=True)
            losses = np.log(powers.sum(axis=1)) + ((sums.max(axis=1, keepdims=True) - sums) * wanted).sum(axis=1)
            return losses, outputs - wanted, outputs * (1 - outputs)
        outputs = np.exp(-np.logaddexp(0, -sums))
        slopes = outputs * np.exp(-np.logaddexp(0, sums))
        if self.loss == "sigmoid_log_loss":
            losses = np.where(sums > 0, np.logaddexp(0, -sums) + (1 - wanted) * sums, np.logaddexp(0, sums) - wanted * sums)
            return losses.sum(axis=1), outputs - wanted, slopes
        errors = outputs - wanted
        return (errors**2).sum(axis=1) / 2, errors * slopes, slopes**2

    def expected(self):
        """Return the expected parts and, for the error bound, the sum of the magnitudes of the terms of each."""
        losses, slopes, _ = self.losses()
        parts, sizes = [], []
        for first in range(0, self.n, self.chunk):
            own = slice(first, first + self.chunk)
            weighted = slopes[own] * self.sample_weights[own, None]
            parts.append([self.sample_weights[own] @ losses[own], *np.ravel(weighted.T @ self.rows[own])])
            size = np.ravel(np.ones((self.k, 1)) * (self.sample_weights[own] @ abs(self.rows[own])))
            sizes.append([self.sample_weights[own] @ (losses[own] + 1), *size])
        return np.array(parts), np.array(sizes)


@st.composite
def cases(draw, n=st.sampled_from([1, 2, 3, 4, 5, 9, 33]), d=st.sampled_from(WIDTHS), shifted=st.booleans()):  # noqa: B008
    k = draw(st.sampled_from([1, 2, 3, 10]))
    return Case(
        draw(n),
        draw(d),
        k,
        draw(st.sampled_from(LOSSES if k > 1 else [loss for loss in LOSSES if loss.startswith("sigmoid")])),
        storage=draw(st.sampled_from(STORAGES)),
        targets=draw(st.sampled_from(["index", "indicators", "float"])),
        wide=draw(st.booleans()),
        weighted=draw(st.booleans()),
        intercept=draw(st.booleans()),
        chunk=draw(st.sampled_from([1, 4, 7, 64])),
        shifted=draw(shifted),
        seed=draw(st.integers(0, 2**32)),
    )


def as_expected(case, parts):
    expected, sizes = case.expected()
    assert parts.shape == expected.shape
    assert (abs(parts - expected) <= 1e-13 * sizes + 1e-300).all()


def call_predict(backend, inputs, coefficients, activation, results):
    """Call a backend's predict, so that its signature is written here only."""
    return backend.predict(memoryview(inputs), flat(coefficients), activation, memoryview(results))


def predict(backend, inputs, coefficients, activation, n_outputs):
    n_results = 2 if activation == "binary_sigmoid" else n_outputs
    results = np.full((len(inputs), n_results), np.nan)
    assert call_predict(backend, inputs, coefficients, activation, results) == -1
    return results


def coefficients_for(case, activation):
    """Return coefficients with one output for binary_sigmoid and at least two for softmax and normalized_sigmoid."""
    if activation in ("softmax", "normalized_sigmoid") and case.k == 1:
        case = Case(case.n, case.d, 2, case.loss, intercept=case.intercept)
    return case.coefficients[:1] if activation == "binary_sigmoid" else case.coefficients


def activated(sums, activation):
    """Apply an activation to the logits in NumPy."""
    outputs = np.exp(-np.logaddexp(0, -sums))
    if activation == "identity":
        return sums
    if activation == "sigmoid":
        return outputs
    if activation == "binary_sigmoid":
        return np.hstack([np.exp(-np.logaddexp(0, sums)), outputs])
    if activation == "normalized_sigmoid":
        return outputs / outputs.sum(axis=1, keepdims=True)
    powers = np.exp(sums - sums.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
