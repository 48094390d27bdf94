/* The interface of a row storage: functions over a block of rows. */

#pragma once

#include "interrupts.h"

/* Some rows that are worked on while they are in the cache: the rows first … first + count - 1, or those that `listed` names
 * at these places. */
typedef struct {
    const Rows *rows;
    const int64_t *listed;  /* row numbers, or NULL */
    ptrdiff_t first, count;
    ptrdiff_t n_outputs;
    double *workspace;      /* block_workspace numbers, hessian_workspace for a Hessian; add_gradient and add_hessian find in it
                               what logits of the same block has left there */
    Watch *watch;           /* once its status is not 0, the functions return early */
} Block;

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
    /* total of output c += Σᵢ magnitudes[c · stride + i] · |xᵢ|. */
    void (*add_magnitudes)(const Block *block, const double *magnitudes, ptrdiff_t stride, double *total);
    /* total += Σᵢ curvatures[i] · xᵢ · xᵢᵀ, padded(width) × padded(width); with an intercept, width is
     * n_columns + 1 and each x ends in a 1. Only what is on or below the diagonal counts. */
    void (*add_hessian)(const Block *block, const double *curvatures, ptrdiff_t width, double *total);
    /* part[0] += Σ s, then for each column part[1 + j] += Σ s·x and part[1 + n + j] += Σ s·x²; `weights` are the s, NULL for 1s. */
    void (*add_moments)(const Block *block, const double *weights, double *part);
    /* distances[i] = Σⱼ (xᵢⱼ · inverse_scales[j])². */
    void (*squared_distances)(const Block *block, const double *inverse_scales, double *distances);
    /* values[(j - first) · stride + i] = xᵢⱼ for the columns first … last - 1: some columns, each one's numbers together. */
    void (*columns)(const Block *block, ptrdiff_t first, ptrdiff_t last, double *values, ptrdiff_t stride);
} RowStorage;
