/* Arithmetic on vectors and small matrices. */

#pragma once

#include <math.h>

#include "interrupts.h"
#include "tiles.h"

#define CHOLESKY_COLUMNS 64    /* that are subtracted from the rest together */
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

/* Columns first … last - 1 of a Cholesky factor, from a matrix from which those before them were subtracted. By columns: each
 * is subtracted from those to its right, row by row. `failed` becomes the first one whose pivot is not positive. */
static void factorize_columns(
    double *matrix, ptrdiff_t n, ptrdiff_t first, ptrdiff_t last, const double *diagonal, double *RESTRICT column,
    ptrdiff_t *failed, Watch *watch)
{
    for (ptrdiff_t j = first; j < last; j++) {
        if (!(matrix[j * n + j] > 1e-12 * diagonal[j])) {
            *failed = j;
            return;
        }
        double root = sqrt(matrix[j * n + j]);
        matrix[j * n + j] = root;
        for (ptrdiff_t i = j + 1; i < n; i++)
            column[i] = matrix[i * n + j] /= root;
        for (ptrdiff_t i = j + 1; i < n; i++) {
            double *RESTRICT row = matrix + i * n;
            ptrdiff_t end = i + 1 < last ? i + 1 : last;
            for (ptrdiff_t l = j + 1; l < end; l++)
                row[l] -= column[i] * column[l];
            if (i % ROWS_BETWEEN_LOOKS == 0 && is_interrupted(watch, ROWS_BETWEEN_LOOKS * (end - j)))
                return;
        }
    }
}

/* Subtract the product of columns first … last - 1 of a factor from the columns after them, by tiles of packed numbers:
 * `packed` has room for CHOLESKY_COLUMNS numbers for each row, rounded up to whole tiles, twice. */
static void subtract_columns(double *matrix, ptrdiff_t n, ptrdiff_t first, ptrdiff_t last, double *packed, Watch *watch)
{
    const ptrdiff_t columns = last - first, count = n - last, right_rows = TILE_VECTORS * LANES;
    const ptrdiff_t left_panels = (count + TILE_ROWS - 1) / TILE_ROWS, right_panels = (count + right_rows - 1) / right_rows;
    double *left = packed, *right = packed + left_panels * TILE_ROWS * columns;
    double sums[TILE_ROWS * TILE_VECTORS * LANES];
    for (ptrdiff_t i = 0; i < left_panels * TILE_ROWS; i++)
        for (ptrdiff_t j = 0; j < columns; j++)
            left[(i / TILE_ROWS * columns + j) * TILE_ROWS + i % TILE_ROWS] = i < count ? matrix[(last + i) * n + first + j] : 0.0;
    for (ptrdiff_t i = 0; i < right_panels * right_rows; i++)
        for (ptrdiff_t j = 0; j < columns; j++)
            right[(i / right_rows * columns + j) * right_rows + i % right_rows] =
                i < count ? matrix[(last + i) * n + first + j] : 0.0;
    for (ptrdiff_t c = 0; c < right_panels; c++) {
        ptrdiff_t r = c * right_rows / TILE_ROWS;
        if (is_interrupted(watch, (left_panels - r) * TILE_ROWS * right_rows * columns))
            return;
        for (; r < left_panels; r++) {
            for (int l = 0; l < TILE_ROWS * right_rows; l++)
                sums[l] = 0.0;
            tile(TILE_ROWS, TILE_VECTORS, left + r * TILE_ROWS * columns, 1, TILE_ROWS, right + c * right_rows * columns,
                 right_rows, columns, sums, right_rows);
            for (ptrdiff_t i = r * TILE_ROWS; i < count && i < (r + 1) * TILE_ROWS; i++)
                for (ptrdiff_t l = c * right_rows; l <= i && l < (c + 1) * right_rows; l++)
                    matrix[(last + i) * n + last + l] -= sums[(i - r * TILE_ROWS) * right_rows + l - c * right_rows];
        }
    }
}

/* How many numbers the workspace of cholesky has. */
static ptrdiff_t cholesky_workspace(ptrdiff_t n)
{
    return 2 * n + (n > CHOLESKY_COLUMNS ? CHOLESKY_COLUMNS * 2 * (n + TILE_VECTORS * LANES) : 0);
}

/* The lower triangle of a symmetric n × n matrix becomes L, matrix = L·Lᵀ; `failed` becomes -1, or the first column whose pivot
 * is not positive beyond rounding. Some columns at a time, which are subtracted from the rest together. */
static int cholesky(double *matrix, ptrdiff_t n, double *workspace, ptrdiff_t *failed, Interrupted interrupted)
{
    double *column = workspace, *diagonal = workspace + n, *packed = workspace + 2 * n;
    Watch watch = {interrupted, NULL, 0, 0};
    *failed = -1;
    for (ptrdiff_t j = 0; j < n; j++)
        diagonal[j] = matrix[j * n + j];
    for (ptrdiff_t first = 0; first < n && *failed < 0 && !watch.status; first += CHOLESKY_COLUMNS) {
        ptrdiff_t last = first + CHOLESKY_COLUMNS < n ? first + CHOLESKY_COLUMNS : n;
        factorize_columns(matrix, n, first, last, diagonal, column, failed, &watch);
        if (last < n && *failed < 0 && !watch.status)
            subtract_columns(matrix, n, first, last, packed, &watch);
    }
    return watch.status;
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
