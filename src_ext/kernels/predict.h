/* Predictions: from rows to logits, to what an activation makes of them. */

#pragma once

#include "linear_loss.h"

#define VALUES_ON_STACK 2048

static void softmax(double *logits, ptrdiff_t k, ptrdiff_t count, ptrdiff_t stride, double *largest, double *totals)
{
    double min_exponent = MIN_EXPONENT;
    largest_logits(logits, k, count, stride, largest);
    memset(totals, 0, count * sizeof(double));
    for (ptrdiff_t c = 0; c < k; c++) {
        double *RESTRICT z = logits + c * stride;
        for (ptrdiff_t i = 0; i < count; i++) {
            z[i] = scaled_exp(z[i] - largest[i], min_exponent);
            totals[i] += z[i];
        }
    }
    for (ptrdiff_t c = 0; c < k; c++)
        for (ptrdiff_t i = 0; i < count; i++)
            logits[c * stride + i] /= totals[i];
}

static void sigmoids(double *logits, ptrdiff_t k, ptrdiff_t count, ptrdiff_t stride)
{
    double min_exponent = MIN_EXPONENT;
    for (ptrdiff_t c = 0; c < k; c++)
        for (ptrdiff_t i = 0; i < count; i++)
            logits[c * stride + i] = sigmoid(logits[c * stride + i], min_exponent);
}

/* Each row's sigmoids divided by their sum; the softmax if that sum underflows. */
static void normalized_sigmoid(double *logits, ptrdiff_t k, ptrdiff_t count, ptrdiff_t stride, double *scratch)
{
    double min_exponent = MIN_EXPONENT;
    for (ptrdiff_t i = 0; i < count; i++) {
        double total = 0.0;
        for (ptrdiff_t c = 0; c < k; c++)
            total += sigmoid(logits[c * stride + i], min_exponent);
        if (total > 1e-290)
            for (ptrdiff_t c = 0; c < k; c++)
                logits[c * stride + i] = sigmoid(logits[c * stride + i], min_exponent) / total;
        else
            softmax(logits + i, k, 1, stride, scratch, scratch + 1);
    }
}

/* 1 - sigmoid(logit) and sigmoid(logit), both exact at both ends. */
static inline void binary_sigmoid(double logit, double min_exponent, double *probabilities)
{
    double e = scaled_exp(-fabs(logit), min_exponent), total = 1.0 / (TWO_TO_600 + e);
    probabilities[0] = (logit >= 0.0 ? e : TWO_TO_600) * total;
    probabilities[1] = (logit >= 0.0 ? TWO_TO_600 : e) * total;
}

/* results = activation(x · weights + intercept) for each row x: n_rows × n_outputs, or × 2 for BINARY_SIGMOID of one output.
 *
 * `failed` becomes -1, or the index of the first row with a logit that is not finite: the row, or one of the next three, holds
 * nan or an infinity, or the row's weighted sum overflows. The rows come from all quarters of the table alike. */
static int predict(
    const Rows *rows, const double *coefficients, ptrdiff_t n_outputs, ptrdiff_t width, Activation activation, double *results,
    ptrdiff_t *failed, Interrupted interrupted)
{
    ptrdiff_t n = rows->n_columns, k = n_outputs;
    ptrdiff_t most = smaller(rows_in_block(n, k), rows->n_rows), stride = (most + 7) / 8 * 8;
    const RowStorage *storage = &ROW_STORAGES[rows->storage];
    size_t needed = k * padded(n) + k * stride + 2 * stride + block_workspace(n, k, stride);
    double on_stack[VALUES_ON_STACK], min_exponent = MIN_EXPONENT;
    double *workspace = needed <= VALUES_ON_STACK ? on_stack : allocate(needed);
    Watch watch = {interrupted, NULL, 0, 0};
    *failed = -1;
    if (!workspace)
        return OUT_OF_MEMORY;
    double *weights = workspace, *logits = weights + k * padded(n), *scratch = logits + k * stride;
    pad_weights(coefficients, k, n, width, weights);
    for (ptrdiff_t done = 0; done < rows->n_rows && !watch.status;) {
        Block block = block_after(rows, NULL, 0, rows->n_rows, done, most, k, scratch + 2 * stride, &watch);
        ptrdiff_t finite = 0;
        storage->logits(&block, weights, logits, stride);
        if (width > n)
            add_intercepts(logits, stride, block.count, coefficients, k, width);
        for (ptrdiff_t c = 0; c < k; c++)
            for (ptrdiff_t i = 0; i < block.count; i++)  /* branch-free, so that it vectorises */
                finite += fabs(logits[c * stride + i]) <= DBL_MAX;
        for (ptrdiff_t i = 0; i < block.count && finite < k * block.count; i++)
            for (ptrdiff_t c = 0; c < k; c++)
                if (!(fabs(logits[c * stride + i]) <= DBL_MAX) && (*failed < 0 || row_of(&block, i) < *failed))
                    *failed = row_of(&block, i);
        if (activation == BINARY_SIGMOID)
            for (ptrdiff_t i = 0; i < block.count; i++)
                binary_sigmoid(logits[i], min_exponent, results + 2 * row_of(&block, i));
        else {
            if (activation == SIGMOID)
                sigmoids(logits, k, block.count, stride);
            else if (activation == SOFTMAX)
                softmax(logits, k, block.count, stride, scratch, scratch + stride);
            else if (activation == NORMALIZED_SIGMOID)
                normalized_sigmoid(logits, k, block.count, stride, scratch);
            for (ptrdiff_t i = 0; i < block.count; i++)
                for (ptrdiff_t c = 0; c < k; c++)
                    results[row_of(&block, i) * k + c] = logits[c * stride + i];
        }
        done += block.count;
        is_interrupted(&watch, (int64_t)block.count * k * (width + EXP_WORK));
    }
    if (workspace != on_stack)
        free(workspace);
    return watch.status;
}

/* found = the index of the first number that is not in low … high, as nan never is; -1 if there is none. */
static int first_outside(const Rows *rows, double low, double high, ptrdiff_t *found, Interrupted interrupted)
{
    ptrdiff_t count = rows->n_rows * rows->n_columns;
    *found = -1;
    for (ptrdiff_t start = 0, stop; start < count; start = stop) {
        ptrdiff_t inside = 0;
        stop = smaller(start + 65536, count);
        if (rows->storage == FLOAT64)
            for (ptrdiff_t j = start; j < stop; j++)  /* branch-free, so that it vectorises */
                inside += (((const double *)rows->memory)[j] >= low) & (((const double *)rows->memory)[j] <= high);
        else if (rows->storage == FLOAT32)
            for (ptrdiff_t j = start; j < stop; j++)
                inside += (((const float *)rows->memory)[j] >= low) & (((const float *)rows->memory)[j] <= high);
        else
            for (ptrdiff_t j = start; j < stop; j++)
                inside += (((const uint8_t *)rows->memory)[j] >= low) & (((const uint8_t *)rows->memory)[j] <= high);
        for (ptrdiff_t j = start; j < stop && inside < stop - start && *found < 0; j++) {
            double value = rows->storage == FLOAT64 ? ((const double *)rows->memory)[j]
                : rows->storage == FLOAT32 ? ((const float *)rows->memory)[j] : ((const uint8_t *)rows->memory)[j];
            if (!(low <= value && value <= high))
                *found = j;
        }
        if (*found >= 0)
            return 0;
        if (stop % WORK_BETWEEN_INTERRUPTS == 0 && interrupted())
            return INTERRUPTED;
    }
    return 0;
}
