/* Products of small matrices in registers: the logits and gradients of several outputs, and Hessians. */

/* Design
 *
 * (a) Twelve vectors of sums fill AVX2's sixteen registers and leave room for the operands; each step loads seven of these for
 *     twelve multiplications.
 * (b) tiled_logits: four rows times three outputs, each sum in four partial sums, number j in the j mod 4th. So outputs are not
 *     padded: ten cost ten, not twelve. By strips of columns, whose weights stay in the first-level cache: by itself this loop
 *     did 80% of the multiplications that the processor can, and 68% without. Its four rows are written out; as a loop over
 *     them, softmax took 3% longer.
 * (c) tile: C += A · B for up to four rows of A and twelve columns of B and C: gradients (A: the outputs' gradients, B: rows)
 *     and Hessians (A: weighted columns, B: rows). */

#pragma once

#include "simd.h"

#define TILE_ROWS 4
#define TILE_VECTORS 3
#define OUTPUTS_AT_ONCE 3

ALWAYS_INLINE void tiled_logits_of_count(
    int outputs, const double *rows, ptrdiff_t row_step, const double *weights, ptrdiff_t weight_step, ptrdiff_t n,
    double *partial, int begins, int ends, double *logits, ptrdiff_t stride)
{
    double4 total[OUTPUTS_AT_ONCE][4], w[OUTPUTS_AT_ONCE], x;
    const double *row0 = rows, *row1 = row0 + row_step, *row2 = row1 + row_step, *row3 = row2 + row_step;
    for (int c = 0; c < outputs; c++)
        for (int r = 0; r < 4; r++)
            total[c][r] = begins ? broadcast(0) : load(partial + (c * 4 + r) * LANES);
    for (ptrdiff_t j = 0; j < n; j += LANES) {
        for (int c = 0; c < outputs; c++)
            w[c] = load(weights + c * weight_step + j);
        x = load(row0 + j);
        for (int c = 0; c < outputs; c++)
            total[c][0] = add_product(total[c][0], x, w[c]);
        x = load(row1 + j);
        for (int c = 0; c < outputs; c++)
            total[c][1] = add_product(total[c][1], x, w[c]);
        x = load(row2 + j);
        for (int c = 0; c < outputs; c++)
            total[c][2] = add_product(total[c][2], x, w[c]);
        x = load(row3 + j);
        for (int c = 0; c < outputs; c++)
            total[c][3] = add_product(total[c][3], x, w[c]);
    }
    for (int c = 0; c < outputs; c++) {
        if (ends)
            store(logits + c * stride, sum_each_of_four(total[c][0], total[c][1], total[c][2], total[c][3]));
        else
            for (int r = 0; r < 4; r++)
                store(partial + (c * 4 + r) * LANES, total[c][r]);
    }
}

/* logits[c · stride + r] = Σ row r · weights of output c, for four rows, by strips of n columns, whole vectors.
 *
 * `begins` and `ends` say whether a strip is the first, or the last, after which the logits are there. Between them, `partial`
 * holds 16 numbers for each output. */
static void tiled_logits(
    const double *rows, ptrdiff_t row_step, const double *weights, ptrdiff_t weight_step, ptrdiff_t n, ptrdiff_t outputs,
    double *partial, int begins, int ends, double *logits, ptrdiff_t stride)
{
    for (ptrdiff_t c = 0; c < outputs; c += OUTPUTS_AT_ONCE) {
        const double *w = weights + c * weight_step;
        double *p = partial + c * 4 * LANES, *z = logits + c * stride;
        if (c + 3 <= outputs)
            tiled_logits_of_count(3, rows, row_step, w, weight_step, n, p, begins, ends, z, stride);
        else if (c + 2 == outputs)
            tiled_logits_of_count(2, rows, row_step, w, weight_step, n, p, begins, ends, z, stride);
        else
            tiled_logits_of_count(1, rows, row_step, w, weight_step, n, p, begins, ends, z, stride);
    }
}

ALWAYS_INLINE void tile_of_size(
    int rows, int vectors, const double *a, ptrdiff_t a_row, ptrdiff_t a_step, const double *b, ptrdiff_t b_step,
    ptrdiff_t terms, double *c, ptrdiff_t c_row)
{
    double4 total[TILE_ROWS][TILE_VECTORS], other[TILE_VECTORS];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++)
            total[r][v] = load(c + r * c_row + v * LANES);
    for (ptrdiff_t p = 0; p < terms; p++) {
        for (int v = 0; v < vectors; v++)
            other[v] = load(b + v * LANES);
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < vectors; v++)
                total[r][v] = add_product(total[r][v], broadcast(a[r * a_row]), other[v]);
        a += a_step, b += b_step;
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++)
            store(c + r * c_row + v * LANES, total[r][v]);
}

ALWAYS_INLINE void tile_of_rows(
    int rows, int vectors, const double *a, ptrdiff_t a_row, ptrdiff_t a_step, const double *b, ptrdiff_t b_step,
    ptrdiff_t terms, double *c, ptrdiff_t c_row)
{
    if (vectors == 3)
        tile_of_size(rows, 3, a, a_row, a_step, b, b_step, terms, c, c_row);
    else if (vectors == 2)
        tile_of_size(rows, 2, a, a_row, a_step, b, b_step, terms, c, c_row);
    else
        tile_of_size(rows, 1, a, a_row, a_step, b, b_step, terms, c, c_row);
}

/* C[r · c_row + v] += Σ over p of A[r · a_row + p · a_step] · B[p · b_step + v], for `rows` r and vectors · LANES v. */
static void tile(
    int rows, int vectors, const double *a, ptrdiff_t a_row, ptrdiff_t a_step, const double *b, ptrdiff_t b_step,
    ptrdiff_t terms, double *c, ptrdiff_t c_row)
{
    if (rows == 4)
        tile_of_rows(4, vectors, a, a_row, a_step, b, b_step, terms, c, c_row);
    else if (rows == 3)
        tile_of_rows(3, vectors, a, a_row, a_step, b, b_step, terms, c, c_row);
    else if (rows == 2)
        tile_of_rows(2, vectors, a, a_row, a_step, b, b_step, terms, c, c_row);
    else
        tile_of_rows(1, vectors, a, a_row, a_step, b, b_step, terms, c, c_row);
}
