/* Arithmetic on vectors and small matrices. */

#pragma once

#include <math.h>

#include "interrupts.h"
#include "simd.h"

#define ROWS_BETWEEN_LOOKS 64  /* of a Cholesky factor, as a look takes as long as a short row */

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

/* The lower triangle of a symmetric n × n matrix becomes L, matrix = L·Lᵀ; `failed` becomes -1, or the first column whose pivot
 * is not positive beyond rounding. By columns: each is subtracted from all to its right, row by row. The workspace has 2n
 * numbers. */
static int cholesky(double *matrix, ptrdiff_t n, double *workspace, ptrdiff_t *failed, Interrupted interrupted)
{
    double *RESTRICT column = workspace;
    double *diagonal = workspace + n;
    Watch watch = {interrupted, NULL, 0, 0};
    *failed = -1;
    for (ptrdiff_t j = 0; j < n; j++)
        diagonal[j] = matrix[j * n + j];
    for (ptrdiff_t j = 0; j < n; j++) {
        if (!(matrix[j * n + j] > 1e-12 * diagonal[j])) {
            *failed = j;
            return 0;
        }
        double root = sqrt(matrix[j * n + j]);
        matrix[j * n + j] = root;
        for (ptrdiff_t i = j + 1; i < n; i++)
            column[i] = matrix[i * n + j] /= root;
        for (ptrdiff_t i = j + 1; i < n; i++) {
            double *RESTRICT row = matrix + i * n;
            for (ptrdiff_t l = j + 1; l <= i; l++)
                row[l] -= column[i] * column[l];
            if (i % ROWS_BETWEEN_LOOKS == 0 && is_interrupted(&watch, ROWS_BETWEEN_LOOKS * (i - j)))
                return watch.status;
        }
    }
    return 0;
}

/* vector = (L·Lᵀ)⁻¹ · vector for each n numbers of `vectors`, `size` in all; `factors`, `length` numbers in all, holds an n × n L
 * for each vector, or one for all. */
static int cholesky_solve(
    const double *factors, ptrdiff_t length, ptrdiff_t n, double *vectors, ptrdiff_t size, Interrupted interrupted)
{
    Watch watch = {interrupted, NULL, 0, 0};
    for (ptrdiff_t first = 0; first < size; first += n) {
        const double *factor = factors + first * n % length;
        double *vector = vectors + first;
        for (ptrdiff_t i = 0; i < n && !is_interrupted(&watch, i); i++)
            vector[i] = (vector[i] - dot(factor + i * n, vector, i)) / factor[i * n + i];
        for (ptrdiff_t i = n - 1; i >= 0 && !is_interrupted(&watch, i); i--) {
            vector[i] /= factor[i * n + i];
            add_scaled(vector, -vector[i], factor + i * n, i);
        }
    }
    return watch.status;
}

/* Coordinate descent on gradient·step + ½ step·matrix·step + Σ thresholds·|point + step|, as the reference describes it; of the
 * n × n matrix only the lower triangle is read. The workspace has n·n + n numbers. */
static int coordinate_descent(
    const double *lower, ptrdiff_t n, const double *gradient, const double *point, const double *thresholds, double *step,
    ptrdiff_t sweeps, double tolerance, double *workspace, Interrupted interrupted)
{
    double *full = workspace, *gradients = workspace + n * n;
    Watch watch = {interrupted, NULL, 0, 0};
    for (ptrdiff_t j = 0; j < n && !is_interrupted(&watch, n * NEW_MEMORY_WORK); j++)
        for (ptrdiff_t l = 0; l < n; l++)
            full[j * n + l] = l <= j ? lower[j * n + l] : lower[l * n + j];
    for (ptrdiff_t j = 0; j < n && !is_interrupted(&watch, n); j++)
        gradients[j] = gradient[j] + dot(full + j * n, step, n);
    for (ptrdiff_t sweep = 0; sweep < sweeps && !watch.status; sweep++) {
        double largest = 0.0;
        for (ptrdiff_t j = 0; j < n && !is_interrupted(&watch, n); j++) {
            double curvature = full[j * n + j];
            if (curvature <= 0.0)
                continue;
            double here = point[j] + step[j], there = here - gradients[j] / curvature, threshold = thresholds[j] / curvature;
            double above = there - threshold, below = there + threshold;  /* soft threshold; nan stays nan */
            there = (above < 0.0 ? 0.0 : above) + (below > 0.0 ? 0.0 : below);
            double change = there - here, gain = curvature * change * change;
            if (change != 0.0) {
                step[j] = there - point[j];
                add_scaled(gradients, change, full + j * n, n);
                largest = gain > largest ? gain : largest;
            }
        }
        if (largest <= tolerance)
            break;
    }
    return watch.status;
}
