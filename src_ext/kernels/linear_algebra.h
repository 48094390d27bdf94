/* Arithmetic on vectors and small matrices. */

#pragma once

#include <math.h>

#include "simd.h"

/* Σ left · right. */
static double dot(const double *left, const double *right, ptrdiff_t n)
{
    return dot_of_size(8, left, right, n);
}

/* target += factor · source. */
static void add_scaled(double *target, double factor, const double *source, ptrdiff_t n)
{
    for (ptrdiff_t j = 0; j < n; j++)
        target[j] += factor * source[j];
}

/* The lower triangle of a symmetric n × n matrix becomes L, matrix = L·Lᵀ; returns -1, or the first column whose pivot is not
 * positive beyond rounding. By columns: each is subtracted from all to its right, row by row. The workspace has 2n numbers. */
static ptrdiff_t cholesky(double *matrix, ptrdiff_t n, double *workspace)
{
    double *RESTRICT column = workspace;
    double *diagonal = workspace + n;
    for (ptrdiff_t j = 0; j < n; j++)
        diagonal[j] = matrix[j * n + j];
    for (ptrdiff_t j = 0; j < n; j++) {
        if (!(matrix[j * n + j] > 1e-12 * diagonal[j]))
            return j;
        double root = sqrt(matrix[j * n + j]);
        matrix[j * n + j] = root;
        for (ptrdiff_t i = j + 1; i < n; i++)
            column[i] = matrix[i * n + j] /= root;
        for (ptrdiff_t i = j + 1; i < n; i++) {
            double *RESTRICT row = matrix + i * n;
            for (ptrdiff_t l = j + 1; l <= i; l++)
                row[l] -= column[i] * column[l];
        }
    }
    return -1;
}

/* vector = (L·Lᵀ)⁻¹ · vector. */
static void cholesky_solve(const double *factor, ptrdiff_t n, double *vector)
{
    for (ptrdiff_t i = 0; i < n; i++)
        vector[i] = (vector[i] - dot(factor + i * n, vector, i)) / factor[i * n + i];
    for (ptrdiff_t i = n - 1; i >= 0; i--) {
        vector[i] /= factor[i * n + i];
        add_scaled(vector, -vector[i], factor + i * n, i);
    }
}
