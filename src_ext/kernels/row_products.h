/* Products with some rows, beside the passes over all of them: their logits, combinations, curvatures and Gram matrix. */

/* Design
 *
 * (a) The rows are those `listed`, or if that is NULL all of the problem's; first and last are places among them.
 * (b) A Gram matrix is summed by tiles of four rows times twelve, over strips of columns that are packed so that a tile reads
 *     both of its factors from the first-level cache, one number after the other. Each of its numbers is summed in the order of
 *     the columns, so any range of its rows may be computed separately. */

#pragma once

#include "linear_loss.h"

#define GRAM_COLUMNS 128  /* in a strip */
#define GRAM_ROWS (TILE_VECTORS * LANES)

static ptrdiff_t rows_at_once(const Problem *problem, ptrdiff_t count)
{
    return larger(1, smaller(rows_in_block(problem->rows.n_columns, problem->n_outputs), count));
}

/* The next block of rows that follow one another, as their results do. */
static Block block_in_order(Pass *pass, const int64_t *listed, ptrdiff_t first, ptrdiff_t last)
{
    const Problem *problem = pass->problem;
    return (Block){&problem->rows, listed, first, smaller(pass->block_rows, last - first), 4, 1, problem->n_outputs, pass->block,
                   &pass->watch};
}

/* results[c · count + i] = the logit of output c for each of the count = last - first rows. */
static int row_logits(
    const Problem *problem, const double *coefficients, const int64_t *listed, ptrdiff_t first, ptrdiff_t last, double *results,
    Interrupted interrupted)
{
    ptrdiff_t n = problem->rows.n_columns, k = problem->n_outputs, width = problem->width, count = last - first, done = 0;
    Pass pass = begin_pass(problem, coefficients, rows_at_once(problem, count), interrupted);
    double *workspace = allocate(lay_out(&pass, NULL, 0));
    if (!workspace)
        return OUT_OF_MEMORY;
    lay_out(&pass, workspace, 0);
    pad_weights(coefficients, k, n, width, pass.weights);
    while (done < count && !is_interrupted(&pass.watch, work_of(problem, pass.block_rows))) {
        Block block = block_in_order(&pass, listed, first + done, last);
        pass.storage->logits(&block, pass.weights, pass.logits, pass.stride);
        if (width > n)
            add_intercepts(pass.logits, pass.stride, block.count, coefficients, k, width);
        for (ptrdiff_t c = 0; c < k; c++)
            memcpy(results + c * count + done, pass.logits + c * pass.stride, block.count * sizeof(double));
        done += block.count;
    }
    free(workspace);
    return pass.watch.status;
}

/* total of output c = Σᵢ values[c · count + i] · (xᵢ, 1), the 1 only with an intercept: n_outputs × width. */
static int combine_rows(
    const Problem *problem, const double *values, const int64_t *listed, ptrdiff_t first, ptrdiff_t last, double *total,
    Interrupted interrupted)
{
    ptrdiff_t n = problem->rows.n_columns, k = problem->n_outputs, width = problem->width, count = last - first, done = 0;
    Pass pass = begin_pass(problem, NULL, rows_at_once(problem, count), interrupted);
    double *workspace = allocate(lay_out(&pass, NULL, 0));
    if (!workspace)
        return OUT_OF_MEMORY;
    lay_out(&pass, workspace, 0);
    memset(pass.gradient, 0, k * padded(n) * sizeof(double));
    while (done < count && !is_interrupted(&pass.watch, work_of(problem, pass.block_rows))) {
        Block block = block_in_order(&pass, listed, first + done, last);
        for (ptrdiff_t c = 0; c < k; c++)
            memcpy(pass.logits + c * pass.stride, values + c * count + done, block.count * sizeof(double));
        pass.storage->load(&block);
        pass.storage->add_gradient(&block, pass.logits, pass.stride, pass.gradient);
        done += block.count;
    }
    for (ptrdiff_t c = 0; c < k; c++) {
        memcpy(total + c * width, pass.gradient + c * padded(n), n * sizeof(double));
        if (width > n)
            total[c * width + n] = sum_of(values + c * count, count);
    }
    free(workspace);
    return pass.watch.status;
}

/* For each row its weight s, then factors[c · count + i]: f of output c. The second derivatives of s·ℓ in the row's logits are
 * s·f for each output or, where outputs are coupled, s·(diag(f) - f·fᵀ), f the softmax. */
static int curvature_factors(
    const Problem *problem, const double *coefficients, const int64_t *listed, ptrdiff_t first, ptrdiff_t last, double *weights,
    double *factors, Interrupted interrupted)
{
    ptrdiff_t n = problem->rows.n_columns, k = problem->n_outputs, count = last - first, done = 0;
    Pass pass = begin_pass(problem, coefficients, rows_at_once(problem, count), interrupted);
    double *workspace = allocate(lay_out(&pass, NULL, 1));
    if (!workspace)
        return OUT_OF_MEMORY;
    lay_out(&pass, workspace, 1);
    pad_weights(coefficients, k, n, problem->width, pass.weights);
    while (done < count && !is_interrupted(&pass.watch, work_of(problem, pass.block_rows))) {
        Block block = block_in_order(&pass, listed, first + done, last);
        pass.storage->logits(&block, pass.weights, pass.logits, pass.stride);
        evaluate_block(&pass, &block, NULL);
        for (ptrdiff_t i = 0; i < block.count; i++) {
            weights[done + i] = problem->sample_weights ? problem->sample_weights[row_of(&block, i)] : 1.0;
        }
        for (ptrdiff_t c = 0; c < k; c++) {
            const double *g = pass.logits + c * pass.stride, *y = pass.targets + c * pass.stride;
            const double *h = pass.curvatures + c * pass.stride;
            for (ptrdiff_t i = 0; i < block.count; i++)
                factors[c * count + done + i] = problem->loss->coupled ? g[i] + y[i] : h[i];
        }
        done += block.count;
    }
    free(workspace);
    return pass.watch.status;
}

/* Pack `count` rows from place `first` on, of some columns: panels of `rows` rows, each panel's numbers of a column together. */
static void pack_rows(
    const RowStorage *storage, Block block, ptrdiff_t first, ptrdiff_t count, ptrdiff_t rows, ptrdiff_t first_column,
    ptrdiff_t last_column, double *panels)
{
    for (ptrdiff_t i = 0; i < count; i += rows, panels += rows * GRAM_COLUMNS) {
        block.first = first + i;
        block.count = smaller(rows, count - i);
        if (block.count < rows)
            memset(panels, 0, rows * GRAM_COLUMNS * sizeof(double));
        storage->columns(&block, first_column, last_column, panels, rows);
    }
}

/* matrix = Σⱼ (xᵢⱼ - centreⱼ)·(xₗⱼ - centreⱼ) · inverses[j] for the rows i at the places first … last - 1 and the `count` rows l,
 * (last - first) × count, of which only l ≤ i counts; the rest is 0. */
static int gram(
    const Problem *problem, const double *centre, const double *inverses, const int64_t *listed, ptrdiff_t count,
    ptrdiff_t first, ptrdiff_t last, double *matrix, Interrupted interrupted)
{
    ptrdiff_t n = problem->rows.n_columns, left_panels = (last - first + TILE_ROWS - 1) / TILE_ROWS;
    ptrdiff_t right_panels = (last + GRAM_ROWS - 1) / GRAM_ROWS, wide = right_panels * GRAM_ROWS;
    size_t used = 0, total_size = left_panels * TILE_ROWS * wide;
    Watch watch = {interrupted, problem->stop, 0, 0};
    take(NULL, &used, n), take(NULL, &used, left_panels * TILE_ROWS * GRAM_COLUMNS), take(NULL, &used, wide * GRAM_COLUMNS);
    double *workspace = allocate(used + total_size);
    if (!workspace)
        return OUT_OF_MEMORY;
    used = 0;
    Problem shifted = with_offsets(problem, centre, take(workspace, &used, n));
    double *left = take(workspace, &used, left_panels * TILE_ROWS * GRAM_COLUMNS);
    double *right = take(workspace, &used, wide * GRAM_COLUMNS), *total = workspace + used;
    Block block = {&shifted.rows, listed, 0, 0, 4, 1, 1, NULL, &watch};
    const RowStorage *storage = &ROW_STORAGES[problem->rows.storage];
    memset(total, 0, total_size * sizeof(double));
    for (ptrdiff_t column = 0; column < n && !watch.status; column += GRAM_COLUMNS) {
        ptrdiff_t columns = smaller(GRAM_COLUMNS, n - column);
        pack_rows(storage, block, 0, last, GRAM_ROWS, column, column + columns, right);
        pack_rows(storage, block, first, last - first, TILE_ROWS, column, column + columns, left);
        for (ptrdiff_t r = 0; r < left_panels; r++)
            for (ptrdiff_t j = 0; j < columns; j++)
                for (int l = 0; l < TILE_ROWS; l++)
                    left[(r * GRAM_COLUMNS + j) * TILE_ROWS + l] *= inverses[column + j];
        for (ptrdiff_t c = 0; c < right_panels; c++) {
            ptrdiff_t r = larger(0, (c * GRAM_ROWS - first) / TILE_ROWS);
            for (ptrdiff_t k = r; k < left_panels; k++)
                tile(TILE_ROWS, TILE_VECTORS, left + k * TILE_ROWS * GRAM_COLUMNS, 1, TILE_ROWS, right + c * GRAM_ROWS * GRAM_COLUMNS,
                     GRAM_ROWS, columns, total + k * TILE_ROWS * wide + c * GRAM_ROWS, wide);
            if (is_interrupted(&watch, (left_panels - r) * TILE_ROWS * GRAM_ROWS * columns))
                break;
        }
    }
    for (ptrdiff_t i = first; i < last; i++)
        for (ptrdiff_t l = 0; l < count; l++)
            matrix[(i - first) * count + l] = l <= i ? total[(i - first) * wide + l] : 0.0;
    free(workspace);
    return watch.status;
}
