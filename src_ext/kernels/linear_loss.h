/* Passes over chunks of rows: losses and gradients, Hessians, moments of the columns, and scores by which rows are sampled. */

/* Design
 *
 * (a) A pass over a chunk goes block by block: rows to logits, logits to losses and gradients, rows and gradients to the sums,
 *     while the block is in the cache. Each of these is a plain loop of one kind, which the compiler vectorises; that beats one
 *     fused loop, in which the exponential and the short sums hinder each other. Its rows come from the four quarters of the
 *     chunk alike, as dense_rows.h says; so the order of the rows in a sum depends on the size of the chunk alone.
 * (b) A block is 16 kB, half a first-level cache: 1,000,000 rows of 10 took 8.1 ms so, 8.6 ms with 8 kB, and no less with 32 kB.
 *     It has at least sixteen rows, as each block costs as much as some rows.
 * (c) The results of several chunks are added in a binary tree over the chunk numbers: first … last - 1 is split at the largest
 *     power of two below its length. So any node of the tree can be computed separately, in another thread or process, and the
 *     total has the same bits.
 * (d) All sums are added in an order that is written out, so the instruction set changes no bit either. */

#pragma once

#include <stdlib.h>

#include "dense_rows.h"
#include "linear_algebra.h"
#include "losses.h"

#define BLOCK_VALUES 2048  /* numbers in a block of short rows */
#define MIN_BLOCK_ROWS 16
#define MAX_BLOCK_ROWS 256
#define BLOCK_LOGITS 4096  /* with many outputs */
#define TILED_BLOCK_VALUES 32768  /* 256 kB, but for very long rows */
#define MIN_TILED_ROWS 8
#define MAX_TILED_ROWS 64
#define HESSIAN_ROWS 64
#define MOMENT_BLOCK_ROWS 64
#define EXP_WORK 24  /* an exponential takes about as long as this many multiplications */

/* Rows in a block, a multiple of 8. */
static ptrdiff_t rows_in_block(ptrdiff_t n, ptrdiff_t n_outputs)
{
    if (is_tiled(n, n_outputs))
        return larger(MIN_TILED_ROWS, smaller(TILED_BLOCK_VALUES / n / 8 * 8, MAX_TILED_ROWS));
    return larger(MIN_BLOCK_ROWS, smaller(smaller(BLOCK_VALUES / n / 8 * 8, MAX_BLOCK_ROWS), BLOCK_LOGITS / n_outputs / 8 * 8));
}

/* Aligned to a cache line, as a vector that straddles two lines costs two reads: softmax took 15% longer when it happened to.
 * Returns NULL if out of memory. */
static double *allocate(size_t count)
{
#if defined(_WIN32)
    return malloc(count * sizeof(double));
#else
    void *memory;
    return posix_memalign(&memory, 64, count * sizeof(double)) ? NULL : memory;
#endif
}

/* The next `count` numbers of a workspace, from the start of a cache line on; NULL while its size is only counted. */
static double *take(double *workspace, size_t *used, ptrdiff_t count)
{
    double *start = workspace ? workspace + *used : NULL;
    *used += (size_t)(count + 7) / 8 * 8;
    return start;
}

/* weights = the coefficients without the intercepts, each output's padded with zeros. */
static void pad_weights(const double *coefficients, ptrdiff_t n_outputs, ptrdiff_t n, ptrdiff_t width, double *weights)
{
    for (ptrdiff_t c = 0; c < n_outputs; c++) {
        memcpy(weights + c * padded(n), coefficients + c * width, n * sizeof(double));
        memset(weights + c * padded(n) + n, 0, (padded(n) - n) * sizeof(double));
    }
}

static void add_intercepts(
    double *logits, ptrdiff_t stride, ptrdiff_t count, const double *coefficients, ptrdiff_t n_outputs, ptrdiff_t width)
{
    for (ptrdiff_t c = 0; c < n_outputs; c++) {
        const double intercept = coefficients[c * width + width - 1];
        double *RESTRICT z = logits + c * stride;
        for (ptrdiff_t i = 0; i < count; i++)
            z[i] += intercept;
    }
}

/* One function's run over blocks of a problem's rows, with the coefficients given. */
typedef struct {
    const Problem *problem;
    const RowStorage *storage;
    const double *coefficients;
    Watch watch;
    ptrdiff_t block_rows, stride;
    double *block;          /* the block's own workspace */
    double *weights, *logits, *next_logits, *targets, *curvatures, *losses, *scratch, *gradient;
    const Rows *centred;    /* the rows less a centre, whose magnitudes are wanted, or NULL */
    double *magnitudes;
} Pass;

/* Lay out the pass's memory in a workspace, and return how many numbers it takes. */
static size_t lay_out(Pass *pass, double *workspace, int with_curvatures)
{
    const Problem *problem = pass->problem;
    ptrdiff_t n = problem->rows.n_columns, k = problem->n_outputs, rows = pass->stride;
    size_t used = 0;
    pass->weights = take(workspace, &used, k * padded(n));
    pass->logits = take(workspace, &used, k * rows);
    pass->next_logits = take(workspace, &used, k * rows);
    pass->targets = take(workspace, &used, k * rows);
    pass->curvatures = with_curvatures ? take(workspace, &used, k * rows) : NULL;
    pass->losses = take(workspace, &used, rows);
    pass->scratch = take(workspace, &used, 2 * rows);
    pass->gradient = take(workspace, &used, k * padded(n));
    pass->magnitudes = pass->centred ? take(workspace, &used, k * padded(n)) : NULL;
    pass->block = take(workspace, &used, hessian_workspace(n, k, with_curvatures ? problem->width : 0, rows));
    return used;
}

static Pass begin_pass(const Problem *problem, const double *coefficients, ptrdiff_t block_rows, Interrupted interrupted)
{
    Pass pass = {0};
    pass.problem = problem;
    pass.storage = &ROW_STORAGES[problem->rows.storage];
    pass.coefficients = coefficients;
    pass.watch.interrupted = interrupted;
    pass.watch.stop = problem->stop;
    pass.block_rows = block_rows;
    pass.stride = (block_rows + 7) / 8 * 8;
    return pass;
}

/* About how many multiplications a pass over these rows takes. */
static int64_t work_of(const Problem *problem, ptrdiff_t n_rows)
{
    return (int64_t)n_rows * problem->n_outputs * (problem->width + EXP_WORK);
}

/* Target `at` of those in memory, and the same for each of a block's rows and outputs; `type` is a constant where it is compiled. */
ALWAYS_INLINE double target_at(TargetType type, const char *memory, ptrdiff_t at)
{
    return type == FLOAT64_TARGETS ? ((const double *)memory)[at]
        : type == UINT8_CLASSES ? ((const uint8_t *)memory)[at] : ((const uint16_t *)memory)[at];
}

ALWAYS_INLINE void decode_targets_of_type(TargetType type, const Pass *pass, const Block *block)
{
    const Targets *targets = &pass->problem->targets;
    ptrdiff_t k = pass->problem->n_outputs, n_columns = targets->n_columns, stride = pass->stride;
    double *RESTRICT decoded = pass->targets;
    if (n_columns < k)
        memset(decoded, 0, k * stride * sizeof(double));
    if (k == 1 && block->advance == 1)
        for (ptrdiff_t i = 0; i < block->count; i += 4)
            for (int r = 0; r < 4; r++)
                decoded[i + r] = target_at(type, targets->memory, block->first + i / 4 + r * block->spread);
    else
        for (ptrdiff_t i = 0; i < block->count; i++) {
            ptrdiff_t row = row_of(block, i);
            if (n_columns < k)
                decoded[(ptrdiff_t)target_at(type, targets->memory, row) * stride + i] = 1.0;
            else
                for (ptrdiff_t c = 0; c < k; c++)
                    decoded[c * stride + i] = target_at(type, targets->memory, row * k + c);
        }
}

/* pass->targets = the block's targets as float64, output after output. */
static void decode_targets(const Pass *pass, const Block *block)
{
    const Targets *targets = &pass->problem->targets;
    if (targets->type == FLOAT64_TARGETS)
        decode_targets_of_type(FLOAT64_TARGETS, pass, block);
    else if (targets->type == UINT8_CLASSES)
        decode_targets_of_type(UINT8_CLASSES, pass, block);
    else
        decode_targets_of_type(UINT16_CLASSES, pass, block);
}

/* results = factors times the sample weights of the block's rows. */
static void times_sample_weights(const Pass *pass, const Block *block, double *factors)
{
    const double *weights = pass->problem->sample_weights;
    for (ptrdiff_t i = 0; i < block->count; i++)
        factors[i] *= weights[row_of(block, i)];
}

/* From pass->logits without intercepts: the block's losses, gradients (in pass->logits) and, if the pass wants them, curvatures,
 * all without the sample weights; returns the logarithms of the products completed on the way, which the losses then lack. */
static double evaluate_block(const Pass *pass, const Block *block, Product *product)
{
    const Problem *problem = pass->problem;
    if (problem->width > problem->rows.n_columns)
        add_intercepts(pass->logits, pass->stride, block->count, pass->coefficients, problem->n_outputs, problem->width);
    decode_targets(pass, block);
    LossBlock losses = {problem->n_outputs, block->count, pass->stride, pass->logits, pass->targets,
                        pass->curvatures, pass->losses, pass->scratch, product};
    return problem->loss->function(&losses);
}

/* h = the block's curvatures between two outputs, or if `output` is -1 the mean over the outputs, times the sample weights. */
static void weighted_curvatures(
    const Pass *pass, const Block *block, ptrdiff_t output, ptrdiff_t other, double *RESTRICT h)
{
    ptrdiff_t k = pass->problem->n_outputs;
    memcpy(h, pass->curvatures + larger(output, 0) * pass->stride, block->count * sizeof(double));
    if (output >= 0 && output != other) {  /* -o·o' of the softmax; its gradients in pass->logits are o - y */
        const double *g = pass->logits + output * pass->stride, *y = pass->targets + output * pass->stride;
        const double *g_other = pass->logits + other * pass->stride, *y_other = pass->targets + other * pass->stride;
        for (ptrdiff_t i = 0; i < block->count; i++)
            h[i] = -(g[i] + y[i]) * (g_other[i] + y_other[i]);
    }
    if (output < 0 && k > 1) {
        for (ptrdiff_t c = 1; c < k; c++)
            for (ptrdiff_t i = 0; i < block->count; i++)
                h[i] += pass->curvatures[c * pass->stride + i];
        for (ptrdiff_t i = 0; i < block->count; i++)
            h[i] /= (double)k;
    }
    if (pass->problem->sample_weights)
        times_sample_weights(pass, block, h);
}

static Block next_block(Pass *pass, const int64_t *listed, ptrdiff_t first, ptrdiff_t last, ptrdiff_t done)
{
    return block_after(&pass->problem->rows, listed, first, last, done, pass->block_rows, pass->problem->n_outputs, pass->block,
                       &pass->watch);
}

/* Writes the result of one chunk, a leaf of the binary tree, to `part`; once the pass is interrupted, anything. */
typedef void (*ChunkFunction)(Pass *pass, ptrdiff_t first_row, ptrdiff_t last_row, double *part);

/* part = the sum over the chunks first … last - 1, in the binary tree; `scratch` has room for a part for each of its levels. */
NEVER_INLINE int sum_chunks(
    Pass *pass, ChunkFunction function, ptrdiff_t first, ptrdiff_t last, ptrdiff_t size, double *part, double *scratch)
{
    ptrdiff_t rows = pass->problem->rows_in_chunk, half = 1;
    if (last - first == 1) {
        ptrdiff_t last_row = smaller(last * rows, pass->problem->rows.n_rows);
        function(pass, first * rows, last_row, part);
        return pass->watch.status;
    }
    while (2 * half < last - first)
        half *= 2;
    int status = sum_chunks(pass, function, first, first + half, size, part, scratch);
    if (!status)
        status = sum_chunks(pass, function, first + half, last, size, scratch, scratch + size);
    if (!status)
        add_scaled(part, 1.0, scratch, size);
    return status;
}

static ptrdiff_t levels_of_tree(ptrdiff_t n_chunks)
{
    ptrdiff_t levels = 0;
    while ((ptrdiff_t)1 << levels < n_chunks)
        levels++;
    return levels;
}

static void evaluate_chunk(Pass *pass, ptrdiff_t first, ptrdiff_t last, double *part)
{
    const Problem *problem = pass->problem;
    ptrdiff_t n = problem->rows.n_columns, k = problem->n_outputs, width = problem->width;
    double total = 0.0;
    double *gradients = part + 1;
    Product product = {{0}, 0};
    double *magnitudes = gradients + k * width;
    memset(pass->gradient, 0, k * padded(n) * sizeof(double));
    if (pass->centred)
        memset(pass->magnitudes, 0, k * padded(n) * sizeof(double));
    if (width > n)
        for (ptrdiff_t c = 0; c < (pass->centred ? 2 * k : k); c++)
            gradients[c * width + n] = 0.0;
    Block block = next_block(pass, NULL, first, last, 0);
    pass->storage->logits(&block, pass->weights, pass->logits, pass->stride);
    for (ptrdiff_t done = 0; done < last - first && !is_interrupted(&pass->watch, work_of(problem, pass->block_rows));) {
        total += evaluate_block(pass, &block, problem->sample_weights ? NULL : &product);
        if (problem->sample_weights) {
            times_sample_weights(pass, &block, pass->losses);
            for (ptrdiff_t c = 0; c < k; c++)
                times_sample_weights(pass, &block, pass->logits + c * pass->stride);
        }
        total += sum_of(pass->losses, block.count);
        done += block.count;
        Block next = next_block(pass, NULL, first, last, done);
        pass->storage->add_gradient_and_logits(
            &block, pass->logits, pass->stride, pass->gradient, &next, pass->weights, pass->next_logits);
        if (width > n)
            for (ptrdiff_t c = 0; c < k; c++)
                gradients[c * width + n] += sum_of(pass->logits + c * pass->stride, block.count);
        if (pass->centred) {
            for (ptrdiff_t c = 0; c < k; c++)
                for (ptrdiff_t i = 0; i < block.count; i++)
                    pass->logits[c * pass->stride + i] = fabs(pass->logits[c * pass->stride + i]);
            Block centred = block;
            centred.rows = pass->centred;
            pass->storage->add_magnitudes(&centred, pass->logits, pass->stride, pass->magnitudes);
            if (width > n)
                for (ptrdiff_t c = 0; c < k; c++)
                    magnitudes[c * width + n] += sum_of(pass->logits + c * pass->stride, block.count);
        }
        double *gradients_of_block = pass->logits;
        pass->logits = pass->next_logits;
        pass->next_logits = gradients_of_block;
        block = next;
    }
    part[0] = total + finish_product(&product);
    for (ptrdiff_t c = 0; c < k; c++)
        memcpy(gradients + c * width, pass->gradient + c * padded(n), n * sizeof(double));
    for (ptrdiff_t c = 0; c < k && pass->centred; c++)
        memcpy(magnitudes + c * width, pass->magnitudes + c * padded(n), n * sizeof(double));
}

/* A copy of the problem with `more` added to its offsets; the sums are stored in `offsets`, n_columns numbers. */
static Problem with_offsets(const Problem *problem, const double *more, double *offsets)
{
    Problem shifted = *problem;
    for (ptrdiff_t j = 0; j < problem->rows.n_columns; j++)
        offsets[j] = more[j] + (problem->rows.offsets ? problem->rows.offsets[j] : 0.0);
    shifted.rows.offsets = offsets;
    return shifted;
}

/* part = Σ s·ℓ, then the gradient of it, n_outputs × width, over the chunks first … last - 1. With a centre, then also the
 * magnitudes, n_outputs × width: Σ s·|∂ℓ/∂z|·|x - centre| of each column, and Σ s·|∂ℓ/∂z| for the intercept. */
static int evaluate(
    const Problem *problem, const double *coefficients, const double *centre, ptrdiff_t first, ptrdiff_t last, double *part,
    Interrupted interrupted)
{
    ptrdiff_t n = problem->rows.n_columns, k = problem->n_outputs, size = 1 + (centre ? 2 : 1) * k * problem->width;
    Pass pass = begin_pass(
        problem, coefficients, smaller(rows_in_block(n, k), smaller(problem->rows_in_chunk, problem->rows.n_rows)), interrupted);
    Problem shifted = *problem;
    pass.centred = centre ? &shifted.rows : NULL;
    size_t used = lay_out(&pass, NULL, 0);
    double *workspace = allocate(used + n + size * levels_of_tree(last - first));
    if (!workspace)
        return OUT_OF_MEMORY;
    lay_out(&pass, workspace, 0);
    if (centre)
        shifted = with_offsets(problem, centre, workspace + used);
    pad_weights(coefficients, k, n, problem->width, pass.weights);
    int status = sum_chunks(&pass, evaluate_chunk, first, last, size, part, workspace + used + n);
    free(workspace);
    return status;
}

/* matrices = Σ s·h·x·xᵀ over the rows first … last - 1, or over those listed at these places, each then times its row weight: the
 * lower triangle, width × width, the rest 0. h is the second derivative in the logits of `output` and `other`, which differ for
 * the softmax only; output -1 takes the outputs' mean of ∂²ℓ/∂z². If `count` is more than 1, then also of as many outputs. */
static int hessian(
    const Problem *problem, const double *coefficients, ptrdiff_t output, ptrdiff_t other, ptrdiff_t count,
    const int64_t *listed, const double *row_weights, ptrdiff_t first, ptrdiff_t last, double *matrices, Interrupted interrupted)
{
    ptrdiff_t n = problem->rows.n_columns, k = problem->n_outputs, width = problem->width, wide = padded(width);
    Pass pass = begin_pass(problem, coefficients, smaller(HESSIAN_ROWS, larger(last - first, 1)), interrupted);
    size_t used = lay_out(&pass, NULL, 1);
    double *workspace = allocate(used + (size_t)count * wide * wide);
    if (!workspace)
        return OUT_OF_MEMORY;
    lay_out(&pass, workspace, 1);
    double *tiles = workspace + used, *h = pass.losses;
    pad_weights(coefficients, k, n, width, pass.weights);
    for (ptrdiff_t j = 0; j < count * wide && !is_interrupted(&pass.watch, wide * NEW_MEMORY_WORK); j++)
        memset(tiles + j * wide, 0, wide * sizeof(double));
    memset(pass.block, 0, hessian_workspace(n, k, width, pass.stride) * sizeof(double));
    for (ptrdiff_t done = 0; done < last - first && !pass.watch.status;) {
        Block block = next_block(&pass, listed, first, last, done);
        pass.storage->logits(&block, pass.weights, pass.logits, pass.stride);
        evaluate_block(&pass, &block, NULL);
        for (ptrdiff_t m = 0; m < count && !pass.watch.status; m++) {
            weighted_curvatures(&pass, &block, output + m, other + m, h);
            if (row_weights)
                for (ptrdiff_t i = 0; i < block.count; i++)
                    h[i] *= row_weights[block.first + i];
            pass.storage->add_hessian(&block, h, width, tiles + m * wide * wide);
        }
        done += block.count;
        is_interrupted(&pass.watch, work_of(problem, block.count));
    }
    for (ptrdiff_t m = 0; m < count; m++, tiles += wide * wide, matrices += width * width)
        for (ptrdiff_t j = 0; j < width && !is_interrupted(&pass.watch, width * NEW_MEMORY_WORK); j++)
            for (ptrdiff_t l = 0; l < width; l++)
                matrices[j * width + l] = l <= j ? tiles[j * wide + l] : 0.0;
    free(workspace);
    return pass.watch.status;
}

static void add_moments_of_chunk(Pass *pass, ptrdiff_t first, ptrdiff_t last, double *part)
{
    const double *weights = pass->problem->sample_weights;
    memset(part, 0, (1 + 2 * pass->problem->rows.n_columns) * sizeof(double));
    ptrdiff_t done = 0, work = 2 * pass->block_rows * pass->problem->rows.n_columns;
    while (done < last - first && !is_interrupted(&pass->watch, work)) {
        Block block = next_block(pass, NULL, first, last, done);
        pass->storage->add_moments(&block, weights, part);
        done += block.count;
    }
}

/* part = Σ s, then for each column Σ s·(x - centre), then for each Σ s·(x - centre)², over the chunks first … last - 1. */
static int moments(
    const Problem *problem, const double *centre, ptrdiff_t first, ptrdiff_t last, double *part, Interrupted interrupted)
{
    ptrdiff_t n = problem->rows.n_columns, size = 1 + 2 * n;
    double *workspace = allocate(n + size * levels_of_tree(last - first));
    if (!workspace)
        return OUT_OF_MEMORY;
    Problem shifted = with_offsets(problem, centre, workspace);
    Pass pass = begin_pass(&shifted, NULL, MOMENT_BLOCK_ROWS, interrupted);
    int status = sum_chunks(&pass, add_moments_of_chunk, first, last, size, part, workspace + n);
    free(workspace);
    return status;
}

/* scores = s·h·(1 + Σ ((x - mean)/scale)²) of the rows first … last - 1, h the mean curvature over the outputs. */
static int sampling_scores(
    const Problem *problem, const double *coefficients, const double *means, const double *scales, ptrdiff_t first,
    ptrdiff_t last, double *scores, Interrupted interrupted)
{
    ptrdiff_t n = problem->rows.n_columns, k = problem->n_outputs;
    Pass pass = begin_pass(problem, coefficients, smaller(rows_in_block(n, k), larger(last - first, 1)), interrupted);
    size_t used = lay_out(&pass, NULL, 1);
    double *workspace = allocate(used + 2 * n);
    int status = 0;
    if (!workspace)
        return OUT_OF_MEMORY;
    lay_out(&pass, workspace, 1);
    double *inverses = workspace + used;
    Problem shifted = with_offsets(problem, means, inverses + n);
    pad_weights(coefficients, k, n, problem->width, pass.weights);
    for (ptrdiff_t j = 0; j < n; j++)
        inverses[j] = 1.0 / scales[j];
    for (ptrdiff_t done = 0; done < last - first && !status;) {
        Block block = next_block(&pass, NULL, first, last, done), centred = block;
        pass.storage->logits(&block, pass.weights, pass.logits, pass.stride);
        evaluate_block(&pass, &block, NULL);
        centred.rows = &shifted.rows;
        pass.storage->squared_distances(&centred, inverses, pass.scratch);
        weighted_curvatures(&pass, &block, -1, -1, pass.losses);
        for (ptrdiff_t i = 0; i < block.count; i++)
            scores[row_of(&block, i) - first] = pass.losses[i] * (1.0 + pass.scratch[i]);
        done += block.count;
        status = is_interrupted(&pass.watch, work_of(problem, block.count));
    }
    free(workspace);
    return status;
}
