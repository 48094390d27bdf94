"""Arithmetic on vectors and small matrices, each a flat array of float64."""

from __future__ import annotations

from array import array
from math import isnan, nan, sqrt

TYPE_CHECKING = False
if TYPE_CHECKING:
    Numbers = array[float]


def dot(left: Numbers, right: Numbers) -> float:
    """Σ left·right."""
    total = 0.0
    for a, b in zip(left, right, strict=True):
        total += a * b
    return total


def add_scaled(target: Numbers, factor: float, source: Numbers) -> None:
    """target += factor·source."""
    for index, value in enumerate(source):
        target[index] += factor * value


def scale(target: Numbers, factor: float) -> None:
    """target *= factor."""
    for index, value in enumerate(target):
        target[index] = factor * value


def add_in_tree(parts: list[Numbers]) -> Numbers:
    """Return the sum of equally long vectors, in a binary tree: a list is split at the largest power of two below its length.

    The vectors are overwritten with partial sums.
    """
    if len(parts) == 1:
        return parts[0]
    half = 1 << (len(parts) - 1).bit_length() - 1
    total = add_in_tree(parts[:half])
    add_scaled(total, 1.0, add_in_tree(parts[half:]))
    return total


def reduce_objective(
    total: Numbers, total_weight: float, coefficients: Numbers, l2_weights: Numbers, gradient: Numbers
) -> float:
    """Divide Σ s·ℓ and its gradient by total_weight and add the l2 term: return the value, write the gradient.

    total                               as LinearLoss.evaluate returns it
    coefficients, l2_weights, gradient  n_outputs × width; the l2 term is Σ (l2_weights/2)·coefficients²
    """
    value = total[0] / total_weight
    for j, (l2, coefficient) in enumerate(zip(l2_weights, coefficients, strict=True)):
        gradient[j] = total[1 + j] / total_weight + l2 * coefficient
        value += l2 * coefficient * coefficient / 2
    return value


def max_scaled_gradient(gradient: Numbers, n_outputs: int, means: Numbers, scales: Numbers) -> float:
    """Return the maximum norm of the gradient in standardised columns: of |(∂J/∂w - mean·∂J/∂b) / scale| and |∂J/∂b|.

    It is nan if a component is.

    gradient  n_outputs × width; the means and scales are of the n_inputs columns
    """
    width = len(gradient) // n_outputs
    components = []
    for first in range(0, len(gradient), width):
        intercept = gradient[first + len(means)] if width > len(means) else 0.0
        components.append(abs(intercept))
        for j, (mean, scale) in enumerate(zip(means, scales, strict=True)):
            components.append(abs(gradient[first + j] - mean * intercept) / scale)
    return max(components) if not any(map(isnan, components)) else nan


def centre_gradient(gradient: Numbers, n_outputs: int, centre: Numbers) -> None:
    """Make ∂J/∂w - centre·∂J/∂b of each ∂J/∂w: the gradient for columns less their centre; n_outputs × width."""
    width = len(gradient) // n_outputs
    for first in range(0, len(gradient), width) if width > len(centre) else ():
        intercept = gradient[first + len(centre)]
        for j, middle in enumerate(centre):
            gradient[first + j] -= middle * intercept


def minimum_norm_subgradients(gradient: Numbers, coefficients: Numbers, l1_weights: Numbers) -> Numbers:
    """Return the subgradients of least magnitude of a smooth function plus Σ l1·|w|, from the smooth one's gradient at w.

    That is gradient + l1·sign(w), or where w is 0, sign(gradient)·max(|gradient| - l1, 0).
    """
    result = gradient[:]
    for j, (slope, w, l1) in enumerate(zip(gradient, coefficients, l1_weights, strict=True)):
        result[j] = slope + l1 if w > 0 else slope - l1 if w < 0 else max(slope - l1, 0.0) + min(slope + l1, 0.0)
    return result


def column_norms(gradient: Numbers, n_outputs: int, scales: Numbers) -> Numbers:
    """Return for each column the largest |∂J/∂w| / scale over the outputs, from a gradient of n_outputs × width."""
    norms, width = array("d", bytes(8 * len(scales))), len(gradient) // n_outputs
    for first in range(0, len(gradient), width):
        for j, scale in enumerate(scales):
            norms[j] = max(norms[j], abs(gradient[first + j]) / scale)
    return norms


def middle_of_nine(rows: Numbers) -> tuple[Numbers, Numbers]:
    """Return each column's median of nine rows, and the range of the middle three; `rows` holds one row after the other."""
    n = len(rows) // 9
    ranked = [sorted(rows[j::n]) for j in range(n)]
    return array("d", [nine[4] for nine in ranked]), array("d", [nine[5] - nine[3] for nine in ranked])


def deviations(moments: Numbers) -> tuple[Numbers, Numbers, bool]:
    """Return each column's mean and standard deviation, from what LinearLoss.moments returns, less the centre it was given.

    The third result tells whether a mean is so far from the centre that cancellation spoils its variance.
    """
    weight, n = moments[0], len(moments) // 2
    means, roots, is_spoilt = array("d"), array("d"), False
    for j in range(n):
        means.append(moments[1 + j] / weight)
        variance = moments[1 + n + j] / weight - means[j] * means[j]
        is_spoilt = is_spoilt or variance < 1e-6 * means[j] * means[j]
        roots.append(sqrt(variance) if variance > 0 else 0.0)
    return means, roots, is_spoilt


def largest_ratio(parts: Numbers, wholes: Numbers) -> tuple[float, int]:
    """Return the largest |part| / whole and its first index; the ratio is 1 where the whole is 0."""
    ratios = [abs(part) / whole if whole > 0 else 1.0 for part, whole in zip(parts, wholes, strict=True)]
    largest = max(ratios)
    return largest, ratios.index(largest)


def cholesky(matrix: Numbers, n: int) -> int:
    """Replace the lower triangle of a symmetric n × n matrix by L, matrix = L·Lᵀ; the upper triangle is not read.

    Returns -1; or the first column whose pivot is not positive beyond rounding, and the matrix is then overwritten in part.
    """
    for j in range(n):
        pivot = matrix[j * n + j]
        for k in range(j):
            pivot -= matrix[j * n + k] * matrix[j * n + k]
        # A pivot this small relative to the diagonal may be only rounding.
        if not pivot > 1e-12 * matrix[j * n + j]:
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
    """Solve L·Lᵀ·x = v in place for each n numbers v of `vector`; `factors` holds an n × n L for each v, or one for all."""
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


def capacitance(gram: Numbers, n: int, roots: Numbers, shift: float) -> Numbers:
    """Return I + diag(roots)·(gram + shift)·diag(roots), n × n: the lower triangle, the rest 0, as that of `gram` is read.

    It is the capacitance matrix of Woodbury's identity: (D + Vᵀ·V)⁻¹ = D⁻¹ - D⁻¹·Vᵀ·(I + V·D⁻¹·Vᵀ)⁻¹·V·D⁻¹.
    """
    matrix = array("d", bytes(8 * n * n))
    for i in range(n):
        for k in range(i + 1):
            matrix[i * n + k] = roots[i] * roots[k] * (gram[i * n + k] + shift)
        matrix[i * n + i] += 1.0
    return matrix


def divide_standardised(vector: Numbers, n_outputs: int, means: Numbers, divisors: Numbers) -> None:
    """vector = T·D⁻¹·Tᵀ·vector, T·v the coefficients of the columns as given for those v of columns less their means.

    In an output's (w, b) that is a = (w - mean·b) / D for its columns, and b / D - Σ mean·a.

    vector, divisors  n_outputs × width, the diagonals D; the means are of the n_inputs columns
    """
    n, width = len(means), len(vector) // n_outputs
    for first in range(0, len(vector), width):
        intercept = vector[first + n] if width > n else 0.0
        total = 0.0
        for j, mean in enumerate(means):
            vector[first + j] = (vector[first + j] - mean * intercept) / divisors[first + j]
            total += mean * vector[first + j]
        if width > n:
            vector[first + n] = intercept / divisors[first + n] - total


def coordinate_descent(
    matrix: Numbers,
    n: int,
    gradient: Numbers,
    point: Numbers,
    thresholds: Numbers,
    step: Numbers,
    sweeps: int,
    tolerance: float,
) -> None:
    """Improve `step` toward the minimum of gradient·step + ½ step·matrix·step + Σ thresholds·|point + step|.

    Coordinate descent (Friedman, Hastie and Tibshirani 2010): at most `sweeps` times over all coordinates, until none changes
    the value by more than about `tolerance`. `matrix` is n × n, of which only the lower triangle is read.
    """
    gradients = [0.0] * n  # of the smooth part at point + step: gradient + matrix @ step
    for j in range(n):
        gradients[j] = gradient[j]
        for k in range(n):
            gradients[j] += matrix[max(j, k) * n + min(j, k)] * step[k]
    for _ in range(sweeps):
        largest = 0.0
        for j in range(n):
            curvature = matrix[j * n + j]
            if curvature <= 0:
                continue
            here = point[j] + step[j]
            there = here - gradients[j] / curvature
            threshold = thresholds[j] / curvature
            there = max(there - threshold, 0.0) + min(there + threshold, 0.0)
            change = there - here
            if change:
                step[j] = there - point[j]
                for k in range(n):
                    gradients[k] += matrix[max(j, k) * n + min(j, k)] * change
                largest = max(largest, curvature * change * change)
        if largest <= tolerance:
            break
