/* The interface of a row storage: functions over a block of rows. */

#pragma once

#include "interrupts.h"

/* Some rows that are worked on while they are in the cache: `count` of them, whose numbers row_of gives. */
typedef struct {
    const Rows *rows;
    const int64_t *listed;    /* row numbers, or NULL; the block's places are then those in this list */
    ptrdiff_t first, count;
    ptrdiff_t advance, spread;  /* from one four of rows to the next, and from one row of a four to the next: 4 and 1 for rows
                                   that follow one another; if advance is 1, count is a multiple of 4 */
    ptrdiff_t n_outputs;
    double *workspace;      /* block_workspace numbers, hessian_workspace for a Hessian; add_gradient and add_hessian find in it
                               what logits of the same block has left there */
    Watch *watch;           /* once its status is not 0, the functions return early */
} Block;

/* The number of the block's row i. */
static ptrdiff_t row_of(const Block *block, ptrdiff_t i)
{
    ptrdiff_t place = block->first + i / 4 * block->advance + i % 4 * block->spread;
    return block->listed ? block->listed[place] : place;
}

/* The next block of at most `most` rows, a multiple of 4 or all, of the places first … last - 1, of which `done` have been worked
 * on: rows that are not listed are taken from each quarter alike, then the up to three that are left. */
static Block block_after(
    const Rows *rows, const int64_t *listed, ptrdiff_t first, ptrdiff_t last, ptrdiff_t done, ptrdiff_t most,
    ptrdiff_t n_outputs, double *workspace, Watch *watch)
{
    ptrdiff_t quarter = listed ? 0 : (last - first) / 4, in_quarters = 4 * quarter - done, left = last - first - done;
    Block block = {rows, listed, first + done, left < most ? left : most, 4, 1, n_outputs, workspace, watch};
    if (in_quarters > 0) {
        block.first = first + done / 4;
        block.count = in_quarters < most ? in_quarters : most;
        block.advance = 1;
        block.spread = quarter;
    }
    return block;
}

/* x is a row less the offsets of its columns. Weights are n_outputs × padded(n_columns), padded with zeros. Logits and
 * gradients are n_outputs × stride, where stride is at least count rounded up to a multiple of 4. add_magnitudes,
 * add_moments and squared_distances need offsets that are not NULL. */
typedef struct {
    /* Have the block's rows ready for add_gradient without their logits. */
    void (*load)(const Block *block);
    /* logits[c · stride + i] = Σ xᵢ · weights of output c. */
    void (*logits)(const Block *block, const double *weights, double *logits, ptrdiff_t stride);
    /* total of output c += Σᵢ gradients[c · stride + i] · xᵢ; n_outputs × padded(n_columns). */
    void (*add_gradient)(const Block *block, const double *gradients, ptrdiff_t stride, double *total);
    /* add_gradient of the block and then, or meanwhile, logits of the next one, which may be empty. */
    void (*add_gradient_and_logits)(
        const Block *block, const double *gradients, ptrdiff_t stride, double *total, const Block *next, const double *weights,
        double *logits);
    /* total of output c += Σᵢ magnitudes[c · stride + i] · |xᵢ|. */
    void (*add_magnitudes)(const Block *block, const double *magnitudes, ptrdiff_t stride, double *total);
    /* total += Σᵢ curvatures[i] · xᵢ · xᵢᵀ, padded(width) × padded(width); with an intercept, width is
     * n_columns + 1 and each x ends in a 1. Only what is on or below the diagonal counts. */
    void (*add_hessian)(const Block *block, const double *curvatures, ptrdiff_t width, double *total);
    /* part[0] += Σ s, then for each column part[1 + j] += Σ s·x and part[1 + n + j] += Σ s·x²; `weights` are the s of
     * all rows of the table, NULL for 1s. */
    void (*add_moments)(const Block *block, const double *weights, double *part);
    /* distances[i] = Σⱼ (xᵢⱼ · inverse_scales[j])². */
    void (*squared_distances)(const Block *block, const double *inverse_scales, double *distances);
    /* values[(j - first) · stride + i] = xᵢⱼ for the columns first … last - 1: some columns, each one's numbers together. */
    void (*columns)(const Block *block, ptrdiff_t first, ptrdiff_t last, double *values, ptrdiff_t stride);
} RowStorage;
