/* Gradient descent on one problem: each iteration a pass and an update; tiny problems stay in registers. */

/* Design
 *
 * Small problems are bound by latency: an iteration cannot begin before the last has ended. Up to eight coefficients are
 * therefore kept in registers, by a loop whose width is a constant of the compiler's, over a packed copy of the samples: twice as
 * fast as with weights and gradient in memory. In the copy, the first numbers of four rows stand together, then their second
 * ones, and so on; the last four is filled up with rows of zeros, which change no sum. Its loop over four rows is one vector
 * without a loop around it, so that all constants are at hand: the lesson (4×3, 20,000 iterations) took 0.70 ms so, 0.76 ms with
 * a loop over rows. That is about a hundred cycles for an iteration, the length of the chain of operations in it.
 *
 * A gradient begins at -0.0, as the compiler knows that adding to it changes nothing, so the chain is shorter by an addition.
 * The sum can then be -0.0 where it would be 0.0 from 0.0 on; w + rate · gradient is the same for both unless w is -0.0, which
 * the first step therefore makes 0.0. */

#pragma once

#include "linear_loss.h"

#define PACKED_WIDTH 8   /* the most coefficients of an output that are kept in registers */
#define PACKED_ROWS 256  /* beyond them, blocks of rows are as fast */

/* gradient += Σ x · adjustment over four packed rows, one after the other. */
ALWAYS_INLINE void add_packed_four(
    int width, const double *rows, const double *targets, const double *w, double *gradient, double min_exponent)
{
    for (int r = 0; r < 4; r++) {
        double logit = rows[r] * w[0];
        for (int j = 1; j < width; j++)
            logit += rows[j * 4 + r] * w[j];
        double output = sigmoid(logit, min_exponent);
        double adjustment = (targets[r] - output) * (output * (1.0 - output));
        for (int j = 0; j < width; j++)
            gradient[j] += rows[j * 4 + r] * adjustment;
    }
}

/* Up to `iterations` steps of one output's squared error over packed rows, until a coefficient would leave ±limit; returns how
 * many. Inlined with a constant width. */
ALWAYS_INLINE int64_t train_packed_width(
    int width, const double *rows, const double *targets, double *coefficients, ptrdiff_t n_rows, int64_t iterations,
    double learning_rate, double limit)
{
    double w[PACKED_WIDTH], gradient[PACKED_WIDTH], updated[PACKED_WIDTH], min_exponent = MIN_EXPONENT;
    int64_t iteration = 0;
    for (int j = 0; j < width; j++)
        w[j] = coefficients[j] + 0.0;
    for (; iteration < iterations; iteration++) {
        double largest = 0.0;
        for (int j = 0; j < width; j++)
            gradient[j] = -0.0;
        add_packed_four(width, rows, targets, w, gradient, min_exponent);
        for (ptrdiff_t i = 4; i < n_rows; i += 4)
            add_packed_four(width, rows + i * width, targets + i, w, gradient, min_exponent);
        for (int j = 0; j < width; j++) {
            updated[j] = w[j] + learning_rate * gradient[j];
            largest = fabs(updated[j]) > largest ? fabs(updated[j]) : largest;
        }
        if (!(largest <= limit))
            break;
        for (int j = 0; j < width; j++)
            w[j] = updated[j];
    }
    for (int j = 0; j < width && iteration > 0; j++)
        coefficients[j] = w[j];
    return iteration;
}

static int64_t train_packed_output(
    ptrdiff_t width, const double *rows, const double *targets, double *coefficients, ptrdiff_t n_rows, int64_t iterations,
    double learning_rate, double limit)
{
#define WITH_WIDTH(width) \
    case width: return train_packed_width(width, rows, targets, coefficients, n_rows, iterations, learning_rate, limit)
    switch (width) {
        WITH_WIDTH(1); WITH_WIDTH(2); WITH_WIDTH(3); WITH_WIDTH(4); WITH_WIDTH(5); WITH_WIDTH(6); WITH_WIDTH(7);
        default: return train_packed_width(8, rows, targets, coefficients, n_rows, iterations, learning_rate, limit);
    }
#undef WITH_WIDTH
}

static int is_packed(const Problem *problem)
{
    return problem->width <= PACKED_WIDTH && problem->rows.n_rows <= PACKED_ROWS
        && problem->loss->function == sigmoid_squared_error && problem->targets.type == FLOAT64_TARGETS
        && !problem->sample_weights && !problem->rows.offsets;
}

/* The next step whose loss is recorded, as pyperceptron/history.py says. */
static int64_t next_mark(int64_t mark)
{
    return mark + larger(1, mark / 6);
}

/* ½ Σ (target - output)² of one output over packed rows. */
static double packed_loss(
    ptrdiff_t width, const double *rows, const double *targets, const double *coefficients, ptrdiff_t n_rows)
{
    double loss = 0.0;
    for (ptrdiff_t i = 0; i < n_rows; i++) {
        const double *row = rows + i / 4 * 4 * width + i % 4;
        double logit = row[0] * coefficients[0];
        for (ptrdiff_t j = 1; j < width; j++)
            logit += row[j * 4] * coefficients[j];
        double error = targets[i] - sigmoid(logit, MIN_EXPONENT);
        loss += 0.5 * error * error;
    }
    return loss;
}

static int train_packed(
    const Problem *problem, double *coefficients, int64_t iterations, double learning_rate, double limit, double *losses,
    ptrdiff_t n_losses, int64_t *made, Interrupted interrupted)
{
    ptrdiff_t n = problem->rows.n_columns, k = problem->n_outputs, width = problem->width, n_rows = problem->rows.n_rows;
    int64_t work_of_output = work_of(problem, n_rows) / k, at_once = larger(1, WORK_BETWEEN_INTERRUPTS / (work_of_output * k));
    ptrdiff_t padded_rows = padded(n_rows);
    double *rows = allocate(padded_rows * (width + k) + k * width);
    if (!rows)
        return OUT_OF_MEMORY;
    double *targets = rows + padded_rows * width, *before = targets + padded_rows * k;
    memset(rows, 0, padded_rows * (width + k) * sizeof(double));
    int size = problem->rows.storage == FLOAT64 ? 8 : problem->rows.storage == FLOAT32 ? 4 : 1;
    for (ptrdiff_t i = 0; i < n_rows; i++) {
        for (ptrdiff_t j = 0; j < width; j++)
            rows[i / 4 * 4 * width + j * 4 + i % 4] = j < n ? number_at(size, problem->rows.memory, i * n + j) : 1.0;
        for (ptrdiff_t c = 0; c < k; c++)
            targets[c * padded_rows + i] = ((const double *)problem->targets.memory)[i * k + c];
    }
    Watch watch = {interrupted, NULL, 0, 0};
    int64_t mark = 0;
    while (*made < iterations) {
        if (*made == mark && n_losses > 0) {
            double loss = 0.0;
            for (ptrdiff_t c = 0; c < k; c++)
                loss += packed_loss(width, rows, targets + c * padded_rows, coefficients + c * width, n_rows);
            *losses++ = loss;
            n_losses--;
            mark = next_mark(mark);
        }
        int64_t end = n_losses > 0 && mark < iterations ? mark : iterations;
        int64_t wanted = end - *made < at_once ? end - *made : at_once, reached = wanted;
        memcpy(before, coefficients, k * width * sizeof(double));
        for (ptrdiff_t c = 0; c < k && !is_interrupted(&watch, work_of_output * reached);) {
            int64_t own = train_packed_output(
                width, rows, targets + c * padded_rows, coefficients + c * width, n_rows, reached, learning_rate, limit);
            c++;
            if (own < reached) {  /* all outputs again, for as many iterations as this one made */
                memcpy(coefficients, before, k * width * sizeof(double));
                reached = own;
                c = 0;
            }
        }
        if (watch.status) {
            memcpy(coefficients, before, k * width * sizeof(double));
            break;
        }
        *made += reached;
        if (reached < wanted)
            break;
    }
    free(rows);
    return watch.status;
}

/* coefficients -= learning_rate · gradient of Σ s·ℓ, `iterations` times, or until one would leave ±limit: that step is not made.
 * `made` becomes the number of steps. `losses` become Σ s·ℓ before the steps 0, next_mark(0) and so on. After an interruption the coefficients are those of a whole iteration. */
static int train(
    const Problem *problem, double *coefficients, int64_t iterations, double learning_rate, double limit, double *losses,
    ptrdiff_t n_losses, int64_t *made, Interrupted interrupted)
{
    ptrdiff_t n = problem->rows.n_columns, k = problem->n_outputs, values = k * problem->width, size = 1 + values;
    ptrdiff_t n_chunks = (problem->rows.n_rows + problem->rows_in_chunk - 1) / problem->rows_in_chunk;
    *made = 0;
    if (is_packed(problem))
        return train_packed(
            problem, coefficients, iterations, learning_rate, limit, losses, n_losses, made, interrupted);
    Pass pass = begin_pass(
        problem, coefficients, smaller(rows_in_block(n, k), smaller(problem->rows_in_chunk, problem->rows.n_rows)), interrupted);
    size_t used = lay_out(&pass, NULL, 0);
    double *workspace = allocate(used + size * (1 + levels_of_tree(n_chunks))), *part = workspace + used;
    if (!workspace)
        return OUT_OF_MEMORY;
    lay_out(&pass, workspace, 0);
    int status = 0;
    int64_t mark = 0;
    for (; *made < iterations; ++*made) {
        ptrdiff_t inside = 0;
        pad_weights(coefficients, k, n, problem->width, pass.weights);
        status = sum_chunks(&pass, evaluate_chunk, 0, n_chunks, size, part, part + size);
        if (status)
            break;
        if (*made == mark && n_losses > 0) {
            *losses++ = part[0];
            n_losses--;
            mark = next_mark(mark);
        }
        for (ptrdiff_t j = 0; j < values; j++) {
            part[1 + j] = coefficients[j] - learning_rate * part[1 + j];
            inside += fabs(part[1 + j]) <= limit;
        }
        if (inside < values)
            break;
        memcpy(coefficients, part + 1, values * sizeof(double));
    }
    free(workspace);
    return status;
}
