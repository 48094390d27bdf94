"""Samples of several classes that are made here, as the real ones that they resemble are too large to bring along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any  # numpy.ndarray


def rare_columns(n: int = 10_000) -> tuple[Array, Array]:
    """Return ten measurements of very different scales and 44 indicators, most of them rare, in seven classes of any size."""
    random = np.random.default_rng(0)
    Z = random.normal(size=(n, 10)) @ (np.eye(10) + 0.4 * random.normal(size=(10, 10)))
    Z /= Z.std(axis=0)
    means = np.array([2959, 156, 14, 269, 46, 2350, 212, 223, 142, 1980])
    measurements = np.round(Z * [280, 112, 7.5, 212, 58, 1560, 27, 20, 38, 1325] + means)
    area = np.argmax(random.gumbel(size=(n, 4)) + np.array([1.5, -1, 1.4, 0]) + np.outer(Z[:, 0], [1, 0.5, 0, -2]), axis=1)
    odds = -5.6 * random.random(40) + np.outer(Z[:, 0], 1.5 * random.normal(size=40)) + 1.5 * random.normal(size=(4, 40))[area]
    soil = np.argmax(random.gumbel(size=(n, 40)) + odds, axis=1)
    centres = np.array([0.9, 0, -1.9, -2.6, -0.6, -1.9, 1.9])
    logits = 2.2 * np.outer(Z[:, 0], centres) - 1.32 * centres**2 + [0.6, 1.6, 1, -0.8, -1.4, 0.2, -0.6]
    logits += Z[:, 1:] @ (0.35 * random.normal(size=(9, 7))) + 2.2 * random.normal(size=(40, 7))[soil]
    y = np.argmax(logits + 1.2 * random.gumbel(size=(n, 7)), axis=1)
    return np.hstack([measurements, np.eye(4)[area], np.eye(40)[soil]]), y


def strokes(n: int = 10_000) -> tuple[Array, Array]:
    """Return pictures of pen strokes in ten classes, 28×28 numbers from 0 to 1, of which many are nearly always 0."""
    random = np.random.default_rng(0)
    corners = random.uniform(7, 21, (10, 2, 5, 2))
    y = random.integers(0, 10, n)
    lines = (corners[y, random.integers(0, 2, n)] - 14) @ (np.eye(2) + 0.1 * random.normal(size=(n, 2, 2))) + 14
    lines += 0.7 * random.normal(size=(n, 1, 2)) + 0.7 * random.normal(size=(n, 5, 2))
    along = np.linspace(0, 1, 6)[:, None]
    points = np.concatenate([(1 - along) * lines[:, None, i] + along * lines[:, None, i + 1] for i in range(4)], axis=1)
    width = random.uniform(0.8, 1.2, (n, 1, 1))
    across, down = (np.exp(-((points[:, :, [axis]] - np.arange(28)) ** 2) / (2 * width**2)) for axis in (0, 1))
    pictures = np.einsum("npx,npy->nxy", across, down) * 255 * random.uniform(0.8, 1.1, (n, 1, 1)) - 12
    return np.clip(pictures, 0, 255).round().reshape(n, 784) / 255, y


def clusters(n_classes: int, n: int = 20_000, d: int = 30) -> tuple[Array, Array]:
    """Return normally distributed clusters, one for each class."""
    random = np.random.default_rng(n_classes)
    y = np.concatenate([np.arange(n_classes), random.integers(0, n_classes, n - n_classes)])
    return 0.8 * random.normal(size=(n_classes, d))[y] + random.normal(size=(n, d)), y


MADE: dict[str, Callable[[], tuple[Array, Array]]] = {
    "rare columns": rare_columns,
    "strokes": strokes,
    "50 clusters": lambda: clusters(50),
    "200 clusters": lambda: clusters(200),
}
