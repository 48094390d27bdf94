/* The losses over blocks of rows: from logits and targets to losses, gradients and curvatures. */

/* Design
 *
 * (a) A loss is a record in LOSSES. Its function goes through a block output by output, in plain loops over rows that vectorise.
 * (b) Loops are branch-free; exponentials and logarithms are those of sigmoid.h. Selections by the same condition stand together:
 *     with a division between two of them, gcc divided twice and selected afterwards, which took a sixth of the pass over
 *     rows of ten.
 * (c) The logarithms of many numbers are one logarithm of their product: an exponential and a sigmoid take about 1.7 ns, and a
 *     logarithm for each row took another 2.0 ns. Sixteen partial products, as each factor waits for the last: 0.2 ns a row. */

#pragma once

#include <string.h>

#include "kernels.h"
#include "sigmoid.h"
#include "simd.h"

#define PARTIAL_PRODUCTS 16
#define MAX_FACTORS 1000  /* from 1 to 2, so that their product is finite */

/* A product whose logarithm is computed once at the end, as partial products minus 1. */
typedef struct {
    double minus_one[PARTIAL_PRODUCTS];
    ptrdiff_t factors;
} Product;

/* (1 + a)(1 + b) - 1 = a + (b + a·b), exact for small ones. */
static void multiply(double *minus_one, const double *e, ptrdiff_t count)
{
    double4 p[PARTIAL_PRODUCTS / LANES];
    ptrdiff_t i = 0;
    for (int v = 0; v < PARTIAL_PRODUCTS / LANES; v++)
        p[v] = load(minus_one + v * LANES);
    for (; i + PARTIAL_PRODUCTS <= count; i += PARTIAL_PRODUCTS)
        for (int v = 0; v < PARTIAL_PRODUCTS / LANES; v++) {
            double4 factor = load(e + i + v * LANES);
            p[v] = add(p[v], add_product(factor, p[v], factor));
        }
    for (int v = 0; v < PARTIAL_PRODUCTS / LANES; v++)
        store(minus_one + v * LANES, p[v]);
    for (; i < count; i++) {
        double *one = minus_one + i % PARTIAL_PRODUCTS;
        *one = *one + (e[i] + *one * e[i]);
    }
}

/* The logarithm of the product, which is then 1 again. */
static double finish_product(Product *product)
{
    double *p = product->minus_one, result;
    for (int half = PARTIAL_PRODUCTS / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++)
            p[l] = p[l] + (p[half + l] + p[l] * p[half + l]);
    result = p[0] <= 1.0 ? log_one_plus(p[0]) : log_from_one(1.0 + p[0]);
    memset(product, 0, sizeof *product);
    return result;
}

/* Multiply in the factors 1 + e; return the logarithm of the products that were completed on the way. */
static double accumulate_product(Product *product, const double *e, ptrdiff_t count)
{
    double total = 0.0;
    for (ptrdiff_t i = 0, some; i < count; i += some) {
        some = count - i < MAX_FACTORS ? count - i : MAX_FACTORS;
        if (product->factors + some > MAX_FACTORS)
            total += finish_product(product);
        multiply(product->minus_one, e + i, some);
        product->factors += some;
    }
    return total;
}

/* A block's numbers for each output and row are `stride` apart from one output to the next. */
struct LossBlock {
    ptrdiff_t n_outputs, count, stride;
    double *logits;         /* replaced by the gradients ∂ℓ/∂z */
    const double *targets;
    double *curvatures;     /* ∂²ℓ/∂z², or its nonnegative Gauss-Newton part; NULL to omit them */
    double *losses;         /* one for each row */
    double *scratch;        /* room for 2 · count numbers */
    Product *product;       /* collects the logarithms that `losses` then lack; NULL to put them into the losses */
};

/* ℓ = Σ log(1 + e^z) - y·z = Σ log(1 + e^-|z|) + max(z, 0) - y·z, ∂ℓ/∂z = o - y, curvature o·(1 - o).
 *
 * The gradient is (1 - y)·o - y·(1 - o), without a difference of numbers near 1, so it is as exact for a row of class 1 as for
 * one of class 0: of a row that is far on its side, o - y would keep no digit, and that may be all that holds a coefficient. */
static double sigmoid_log_loss(const LossBlock *block)
{
    double completed = 0.0, min_exponent = MIN_EXPONENT;
    double *RESTRICT losses = block->losses;
    double *RESTRICT e = block->scratch;
    memset(losses, 0, block->count * sizeof(double));
    for (ptrdiff_t c = 0; c < block->n_outputs; c++) {
        double *RESTRICT z = block->logits + c * block->stride;
        const double *RESTRICT y = block->targets + c * block->stride;
        for (ptrdiff_t i = 0; i < block->count; i++) {
            double logit = z[i], power = scaled_exp(minus_magnitude(logit), min_exponent);
            double above = logit >= 0.0 ? logit : 0.0;
            double of_one = logit >= 0.0 ? TWO_TO_600 : power, of_zero = logit >= 0.0 ? power : TWO_TO_600;
            losses[i] += above - y[i] * logit;
            e[i] = power * TWO_TO_MINUS_600;
            z[i] = ((1.0 - y[i]) * of_one - y[i] * of_zero) / (TWO_TO_600 + power);
        }
        if (block->curvatures) {
            double *RESTRICT h = block->curvatures + c * block->stride;
            for (ptrdiff_t i = 0; i < block->count; i++)
                h[i] = e[i] / ((1.0 + e[i]) * (1.0 + e[i]));
        }
        if (block->product)
            completed += accumulate_product(block->product, e, block->count);
        else
            for (ptrdiff_t i = 0; i < block->count; i++)
                losses[i] += log_one_plus(e[i]);
    }
    return completed;
}

/* For each row the largest of its logits. */
static void largest_logits(
    const double *logits, ptrdiff_t n_outputs, ptrdiff_t count, ptrdiff_t stride, double *RESTRICT largest)
{
    memcpy(largest, logits, count * sizeof(double));
    for (ptrdiff_t c = 1; c < n_outputs; c++) {
        const double *RESTRICT z = logits + c * stride;
        for (ptrdiff_t i = 0; i < count; i++)
            largest[i] = z[i] > largest[i] ? z[i] : largest[i];
    }
}

/* ℓ = log Σ e^z - Σ y·z, ∂ℓ/∂z = o - y, curvature o·(1 - o), the Hessian's diagonal.
 *
 * Σ y must be 1: then ℓ = log Σ e^(z - largest) + Σ y·(largest - z), whose second term is often 0 and is never cancelled. */
static double softmax_log_loss(const LossBlock *block)
{
    ptrdiff_t count = block->count;
    double *RESTRICT losses = block->losses;
    double *RESTRICT totals = block->scratch;
    double *RESTRICT largest = block->scratch + count;
    double min_exponent = MIN_EXPONENT;
    largest_logits(block->logits, block->n_outputs, count, block->stride, largest);
    memset(losses, 0, count * sizeof(double));
    memset(totals, 0, count * sizeof(double));
    for (ptrdiff_t c = 0; c < block->n_outputs; c++) {
        double *RESTRICT z = block->logits + c * block->stride;
        const double *RESTRICT y = block->targets + c * block->stride;
        for (ptrdiff_t i = 0; i < count; i++) {
            double below = z[i] - largest[i];
            losses[i] -= y[i] * below;
            z[i] = scaled_exp(below, min_exponent);
            totals[i] += z[i];
        }
    }
    for (ptrdiff_t i = 0; i < count; i++) {
        losses[i] += log_from_one(totals[i] * TWO_TO_MINUS_600);
        totals[i] = 1.0 / totals[i];
    }
    for (ptrdiff_t c = 0; c < block->n_outputs; c++) {
        double *RESTRICT z = block->logits + c * block->stride;
        const double *RESTRICT y = block->targets + c * block->stride;
        if (block->curvatures) {
            double *RESTRICT h = block->curvatures + c * block->stride;
            for (ptrdiff_t i = 0; i < count; i++) {
                double o = z[i] * totals[i];
                h[i] = o * (1.0 - o);
            }
        }
        for (ptrdiff_t i = 0; i < count; i++)
            z[i] = z[i] * totals[i] - y[i];
    }
    return 0.0;
}

/* ℓ = ½ Σ (o - y)², ∂ℓ/∂z = (o - y)·o·(1 - o), curvature (o·(1 - o))², after Gauss and Newton. */
static double sigmoid_squared_error(const LossBlock *block)
{
    double min_exponent = MIN_EXPONENT;
    double *RESTRICT losses = block->losses;
    memset(losses, 0, block->count * sizeof(double));
    for (ptrdiff_t c = 0; c < block->n_outputs; c++) {
        double *RESTRICT z = block->logits + c * block->stride;
        const double *RESTRICT y = block->targets + c * block->stride;
        if (block->curvatures) {
            double *RESTRICT h = block->curvatures + c * block->stride;
            for (ptrdiff_t i = 0; i < block->count; i++) {
                double o = sigmoid(z[i], min_exponent), slope = o * (1.0 - o);
                h[i] = slope * slope;
            }
        }
        for (ptrdiff_t i = 0; i < block->count; i++) {
            double o = sigmoid(z[i], min_exponent), error = o - y[i];
            losses[i] += error * error * 0.5;
            z[i] = error * (o * (1.0 - o));
        }
    }
    return 0.0;
}

/* One record a loss; a new loss is a function above and a record here. */
static const Loss LOSSES[] = {
    {"sigmoid_log_loss", sigmoid_log_loss, 0},
    {"softmax_log_loss", softmax_log_loss, 1},
    {"sigmoid_squared_error", sigmoid_squared_error, 0},
    {NULL, NULL, 0},
};
