"""The reference's arithmetic on vectors and small matrices, each a flat array of float64 that is changed in place."""

from __future__ import annotations

from array import array
from math import sqrt

TYPE_CHECKING = False
if TYPE_CHECKING:
    Numbers = array[float]

# pyperceptron.backends.Backend says what each of these does.


def dot(left: Numbers, right: Numbers) -> float:
    total = 0.0
    for a, b in zip(left, right, strict=True):
        total += a * b
    return total


def add_scaled(target: Numbers, factor: float, source: Numbers) -> None:
    for index, value in enumerate(source):
        target[index] += factor * value


def add_up(parts: Numbers, total: Numbers) -> None:
    length = len(total)
    for index in range(length):
        total[index] = 0.0
    for start in range(0, len(parts), length):
        for index in range(length):
            total[index] += parts[start + index]


def add_up_objective(parts: Numbers, total_weight: float, coefficients: Numbers, ridge: Numbers, gradient: Numbers) -> float:
    total = array("d", bytes(8 * (1 + len(gradient))))
    add_up(parts, total)
    value = total[0] / total_weight
    for j, (penalty, coefficient) in enumerate(zip(ridge, coefficients, strict=True)):
        gradient[j] = total[1 + j] / total_weight + penalty * coefficient
        value += penalty * coefficient * coefficient / 2
    return value


def largest_slope(gradient: Numbers, n_outputs: int, means: Numbers, scales: Numbers) -> float:
    width = len(gradient) // n_outputs
    largest = 0.0
    for first in range(0, len(gradient), width):
        intercept = gradient[first + len(means)] if width > len(means) else 0.0
        largest = max(largest, abs(intercept))
        for j, (mean, scale) in enumerate(zip(means, scales, strict=True)):
            largest = max(largest, abs(gradient[first + j] - mean * intercept) / scale)
    return largest


def cholesky(matrix: Numbers, n: int) -> int:
    for j in range(n):
        pivot = matrix[j * n + j]
        for k in range(j):
            pivot -= matrix[j * n + k] * matrix[j * n + k]
        # A pivot lost in the rounding of what it was subtracted from says nothing any more.
        if not pivot > 1e-14 * matrix[j * n + j]:
            return j
        root = sqrt(pivot)
        for i in range(j + 1, n):
            value = matrix[i * n + j]
            for k in range(j):
                value -= matrix[i * n + k] * matrix[j * n + k]
            matrix[i * n + j] = value / root
        matrix[j * n + j] = root
    return -1


def cholesky_solve(factors: Numbers, n: int, vector: Numbers) -> None:
    for first in range(0, len(vector), n):
        factor = first * n % len(factors)
        for i in range(n):
            value = vector[first + i]
            for k in range(i):
                value -= factors[factor + i * n + k] * vector[first + k]
            vector[first + i] = value / factors[factor + i * n + i]
        for i in reversed(range(n)):
            value = vector[first + i]
            for k in range(i + 1, n):
                value -= factors[factor + k * n + i] * vector[first + k]
            vector[first + i] = value / factors[factor + i * n + i]


def sparse_step(
    matrix: Numbers,
    n: int,
    gradient: Numbers,
    point: Numbers,
    thresholds: Numbers,
    step: Numbers,
    sweeps: int,
    tolerance: float,
) -> None:
    slopes = [0.0] * n  # of the smooth model at point + step: gradient + matrix @ step
    for j in range(n):
        slopes[j] = gradient[j]
        for k in range(n):
            slopes[j] += matrix[max(j, k) * n + min(j, k)] * step[k]
    for _ in range(sweeps):
        largest = 0.0
        for j in range(n):
            curvature = matrix[j * n + j]
            if curvature <= 0:
                continue
            here = point[j] + step[j]
            there = here - slopes[j] / curvature
            threshold = thresholds[j] / curvature
            there = max(there - threshold, 0.0) + min(there + threshold, 0.0)
            change = there - here
            if change:
                step[j] = there - point[j]
                for k in range(n):
                    slopes[k] += matrix[max(j, k) * n + min(j, k)] * change
                largest = max(largest, curvature * change * change)
        if largest <= tolerance:
            break
