"""Arithmetic on vectors and small matrices."""

from libc.math cimport sqrt


cdef void add_scaled(double* target, double factor, const double* source, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t at
    for at in range(count):
        target[at] += factor * source[at]


cdef Py_ssize_t cholesky(double* matrix, Py_ssize_t n, double* column) noexcept nogil:
    """The lower triangle becomes L; -1, or the first column whose pivot is not positive beyond rounding.

    By columns: each is taken off all that are to its right, row by row.
    """
    cdef Py_ssize_t i, j, k
    cdef double root, value
    cdef double* row
    for j in range(n):
        column[n + j] = matrix[j * n + j]
    for j in range(n):
        if not matrix[j * n + j] > 1e-14 * column[n + j]:
            return j
        root = sqrt(matrix[j * n + j])
        matrix[j * n + j] = root
        for i in range(j + 1, n):
            column[i] = matrix[i * n + j] / root
            matrix[i * n + j] = column[i]
        for i in range(j + 1, n):
            row = matrix + i * n
            value = column[i]
            for k in range(j + 1, i + 1):
                row[k] -= value * column[k]
    return -1


cdef void cholesky_solve(const double* factor, Py_ssize_t n, double* vector) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        vector[i] = (vector[i] - dot(factor + i * n, vector, i)) / factor[i * n + i]
    for i in range(n - 1, -1, -1):
        vector[i] /= factor[i * n + i]
        add_scaled(vector, -vector[i], factor + i * n, i)
