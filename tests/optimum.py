"""The objective J and its optimum in NumPy, and random samples, for the tests of Perceptron."""

import itertools
from array import array

import numpy as np
import pytest

SOLVERS = ("auto", "newton", "lbfgs")


def samples(n=60, d=4, classes=2, seed=0):
    """Return X and labels 0 … classes - 1; the classes overlap, and each has at least one row."""
    random = np.random.default_rng([n, d, classes, seed])
    X = random.normal(size=(n, d))
    sums = X @ random.normal(size=(d, classes)) + random.gumbel(size=(n, classes))
    y = sums.argmax(axis=1)
    y[:classes] = range(classes)
    return X, y


def indicators(y):
    y = np.asarray(y)
    return y.astype(float) if y.ndim == 2 else (y[:, None] == np.unique(y)).astype(float)


class Oracle:
    """The objective J and its gradient in NumPy, with weighted column means and standard deviations."""

    def __init__(self, X, y, weights=None, *, loss="log_loss", l2=0.0, l1=0.0, fit_intercept=True, standardize=False):
        self.X, self.loss, self.l2, self.l1, self.fit_intercept = np.asarray(X, float), loss, l2, l1, fit_intercept
        self.wanted = indicators(y)
        if np.ndim(y) == 1 and self.wanted.shape[1] == 2:
            self.wanted = self.wanted[:, 1:]
        self.softmax = loss == "log_loss" and np.ndim(y) == 1 and self.wanted.shape[1] > 1
        self.weights = np.ones(len(self.X)) if weights is None else np.asarray(weights, float)
        self.weights = self.weights / self.weights.sum()
        self.means = self.weights @ self.X
        self.deviations = np.sqrt(self.weights @ (self.X - self.means) ** 2)
        self.penalties = self.deviations if standardize else np.ones(self.X.shape[1])

    def losses_and_slopes(self, W, b):
        sums, wanted = self.X @ W.T + b, self.wanted
        if self.softmax:
            sums = sums - sums.max(axis=1, keepdims=True)
            logs = np.log(np.exp(sums).sum(axis=1))
            return logs - (sums * wanted).sum(axis=1), np.exp(sums - logs[:, None]) - wanted
        outputs = np.exp(-np.logaddexp(0, -sums))
        if self.loss == "log_loss":
            return np.where(wanted > 0, np.logaddexp(0, -sums), np.logaddexp(0, sums)).sum(axis=1), outputs - wanted
        return ((outputs - wanted) ** 2).sum(axis=1) / 2, (outputs - wanted) * outputs * (1 - outputs)

    def value(self, model):
        W = np.asarray(model.coef_)
        scaled = W * self.penalties
        losses, _ = self.losses_and_slopes(W, np.asarray(model.intercept_))
        return self.weights @ losses + self.l2 / 2 * (scaled**2).sum() + self.l1 * abs(scaled).sum()

    def slope(self, model):
        """Return the max norm of J's gradient (with l1, the minimum-norm subgradient) in standardised columns."""
        W, b = np.asarray(model.coef_), np.asarray(model.intercept_)
        _, slopes = self.losses_and_slopes(W, b)
        slopes = slopes * self.weights[:, None]
        ofW = slopes.T @ self.X + self.l2 * self.penalties**2 * W
        lasso = self.l1 * self.penalties
        if self.fit_intercept:
            ofW = ofW - np.outer(slopes.sum(axis=0), self.means)
        ofW = np.where(W, ofW + lasso * np.sign(W), np.sign(ofW) * np.maximum(abs(ofW) - lasso, 0))
        scales = self.deviations if self.fit_intercept else np.sqrt(self.deviations**2 + self.means**2)
        scales = np.where(scales > 0, scales, 1.0)
        if not self.fit_intercept:
            return abs(ofW / scales).max()
        return max(abs(ofW / scales).max(), abs(slopes.sum(axis=0)).max())

    def optimum(self):
        """Return the optimal W and b for the log loss by Newton's method; for softmax, b is centred to sum to 0."""
        k, width = self.wanted.shape[1], self.X.shape[1] + self.fit_intercept
        rows = np.hstack([self.X, np.ones((len(self.X), 1))]) if self.fit_intercept else self.X
        ridge = np.zeros((k, width))
        ridge[:, : self.X.shape[1]] = self.l2 * self.penalties**2
        W = np.zeros((k, width))
        for _ in range(50):
            b = W[:, -1] if self.fit_intercept else np.zeros(k)
            _, slopes = self.losses_and_slopes(W[:, : self.X.shape[1]], b)
            outputs = slopes + self.wanted
            gradient = (slopes * self.weights[:, None]).T @ rows + ridge * W
            hessian = np.zeros((k, width, k, width))
            for i, j in itertools.product(range(k), repeat=2):
                curvature = outputs[:, i] * ((i == j) - outputs[:, j]) if self.softmax or i == j else np.zeros(len(rows))
                hessian[i, :, j] = (rows.T * (curvature * self.weights)) @ rows
            flat = hessian.reshape(k * width, k * width) + np.diag(ridge.ravel())
            step = np.linalg.lstsq(flat, gradient.ravel(), rcond=1e-12)[0].reshape(k, width)
            W = W - step
            if abs(step).max() < 1e-13:
                break
        b = W[:, -1] if self.fit_intercept else np.zeros(k)
        return W[:, : self.X.shape[1]], b - b.mean() if self.softmax else b


def bits(model):
    return array("d", np.ravel(model.coef_).tolist() + np.ravel(model.intercept_).tolist()).tobytes()


def check_optimum(model, X, y, weights=None, **params):
    oracle = Oracle(X, y, weights, **params)
    assert oracle.slope(model) <= model.tol * 1.001 + 1e-14
    assert model.history_[-1]["objective"] == pytest.approx(oracle.value(model), rel=1e-10)
    assert model.history_[-1]["gradient_norm"] == pytest.approx(oracle.slope(model), rel=1e-6, abs=1e-13)
    assert [finding for finding in model.findings_ if not finding.startswith("The penalty")] == []
    return oracle
