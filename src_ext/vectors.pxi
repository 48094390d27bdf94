"""Arithmetic on vectors and small matrices, for the solvers."""

from libc.math cimport fabs


def dot(array.array left, array.array right):
    return loops.dot(left.data.as_doubles, right.data.as_doubles, len(left))


def add_scaled(array.array target, double factor, array.array source):
    loops.add_scaled(target.data.as_doubles, factor, source.data.as_doubles, len(source))


cdef void add_rows_up(const double* parts, Py_ssize_t count, Py_ssize_t length, double* total) noexcept nogil:
    cdef Py_ssize_t start
    memset(total, 0, length * sizeof(double))
    for start in range(count):
        loops.add_scaled(total, 1.0, parts + start * length, length)


def add_up(array.array parts, array.array total):
    add_rows_up(parts.data.as_doubles, len(parts) // len(total), len(total), total.data.as_doubles)


def add_up_objective(
    array.array parts, double total_weight, array.array coefficients, array.array ridge, array.array gradient
):
    cdef Py_ssize_t size = len(gradient), j, start
    cdef const double* part = parts.data.as_doubles
    cdef const double* w = coefficients.data.as_doubles
    cdef const double* penalties = ridge.data.as_doubles
    cdef double* slopes = gradient.data.as_doubles
    cdef double value = 0.0
    memset(slopes, 0, size * sizeof(double))
    for start in range(len(parts) // (1 + size)):
        value += part[start * (1 + size)]
        loops.add_scaled(slopes, 1.0, part + start * (1 + size) + 1, size)
    value /= total_weight
    for j in range(size):
        slopes[j] = slopes[j] / total_weight + penalties[j] * w[j]
        value += penalties[j] * w[j] * w[j] / 2.0
    return value


def largest_slope(array.array gradient, Py_ssize_t n_outputs, array.array means, array.array scales):
    cdef Py_ssize_t n = len(means), width = len(gradient) // n_outputs, c, j
    cdef const double* slopes
    cdef double intercept, largest = 0.0
    for c in range(n_outputs):
        slopes = gradient.data.as_doubles + c * width
        intercept = slopes[n] if width > n else 0.0
        largest = max(largest, fabs(intercept))
        for j in range(n):
            largest = max(
                largest, fabs(slopes[j] - means.data.as_doubles[j] * intercept) / scales.data.as_doubles[j]
            )
    return largest


def cholesky(array.array matrix, Py_ssize_t n):
    cdef array.array column = array.array("d", bytes(16 * n))
    cdef Py_ssize_t failed
    with nogil:
        failed = loops.cholesky(matrix.data.as_doubles, n, column.data.as_doubles)
    return failed


def cholesky_solve(array.array factors, Py_ssize_t n, array.array vector):
    cdef Py_ssize_t first, size = len(vector), length = len(factors)
    with nogil:
        first = 0
        while first < size:
            loops.cholesky_solve(factors.data.as_doubles + first * n % length, n, vector.data.as_doubles + first)
            first += n


def sparse_step(
    array.array matrix, Py_ssize_t n, array.array gradient, array.array point, array.array thresholds, array.array step,
    Py_ssize_t sweeps, double tolerance
):
    cdef array.array scratch = array.array("d", bytes(8 * (n * n + n)))
    cdef double* whole = scratch.data.as_doubles
    cdef double* slopes = whole + n * n
    cdef double* steps = step.data.as_doubles
    cdef const double* half = matrix.data.as_doubles
    cdef double curvature, here, there, threshold, change, largest
    cdef Py_ssize_t j, k, sweep
    with nogil:
        for j in range(n):
            for k in range(n):
                whole[j * n + k] = half[max(j, k) * n + min(j, k)]
        for j in range(n):
            slopes[j] = gradient.data.as_doubles[j] + loops.dot(whole + j * n, steps, n)
        for sweep in range(sweeps):
            largest = 0.0
            for j in range(n):
                curvature = whole[j * n + j]
                if curvature <= 0.0:
                    continue
                here = point.data.as_doubles[j] + steps[j]
                there = here - slopes[j] / curvature
                threshold = thresholds.data.as_doubles[j] / curvature
                there = max(there - threshold, 0.0) + min(there + threshold, 0.0)
                change = there - here
                if change != 0.0:
                    steps[j] = there - point.data.as_doubles[j]
                    loops.add_scaled(slopes, change, whole + j * n, n)
                    largest = max(largest, curvature * change * change)
            if largest <= tolerance:
                break
            if sweep % 16 == 15:
                look_for_signals()
