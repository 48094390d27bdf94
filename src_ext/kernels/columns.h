/* A table by columns: coordinate descent on a quadratic model of J plus an l1 penalty, without a matrix of the columns. */

/* Design
 *
 * (a) Passes go by rows; coordinate descent needs one column after the other. Reading it from rows of 1,000 numbers would bring
 *     eight numbers to the cache for each that is used, so the columns that take part are copied first, each one's numbers
 *     together: 1,000 × 500 took 0.5 ms once, and a sweep over them 0.6 ms, against 3 ms from the rows.
 * (b) The contract is two functions of a column x: column_dot, Σ x·v for the v that the curvatures make of the logits' changes,
 *     and add_column, which adds a multiple of x to these changes. Whatever keeps columns in another way needs no more.
 * (c) What a sweep costs is proportional to the coefficients that take part in it, whatever the number of outputs: the second
 *     derivatives between coupled outputs are a diagonal less a product, whose one sum for each row is kept up to date. */

#pragma once

#include <math.h>
#include <string.h>

#include "row_products.h"

#define COPIED_ROWS 64
#define SWEEPS_OF_NONZEROS 20  /* over the coefficients that are not 0, after each sweep over all */

/* The changes of the logits in a quadratic model, from changes of the coefficients, and what the curvatures make of them. */
typedef struct {
    ptrdiff_t n_rows;
    const double *weighted;  /* s·f, n_outputs × n_rows */
    const double *factors;   /* f */
    double *changes;         /* of the logits, n_outputs × n_rows */
    double *coupled;         /* Σ f·change over the outputs, n_rows; NULL if outputs are not coupled */
} LogitChanges;

/* Σ x · s·f·(change - coupled) for an output. */
static double column_dot(const double *column, const LogitChanges *z, ptrdiff_t output)
{
    const double *weighted = z->weighted + output * z->n_rows, *changes = z->changes + output * z->n_rows;
    double s[8];
    double4 low = broadcast(0), high = broadcast(0);
    ptrdiff_t i = 0, n = z->n_rows;
    if (z->coupled) {
        for (; i + 8 <= n; i += 8) {
            low = add_product(low, mul(load(column + i), load(weighted + i)), sub(load(changes + i), load(z->coupled + i)));
            high = add_product(
                high, mul(load(column + i + 4), load(weighted + i + 4)), sub(load(changes + i + 4), load(z->coupled + i + 4)));
        }
    } else {
        for (; i + 8 <= n; i += 8) {
            low = add_product(low, mul(load(column + i), load(weighted + i)), load(changes + i));
            high = add_product(high, mul(load(column + i + 4), load(weighted + i + 4)), load(changes + i + 4));
        }
    }
    store(s, low), store(s + 4, high);
    for (ptrdiff_t l = 0; i + l < n; l++)
        s[l] += column[i + l] * weighted[i + l] * (changes[i + l] - (z->coupled ? z->coupled[i + l] : 0.0));
    return sum_of_eight(s);
}

/* The changes that an output's coefficient of the column makes as it grows by `step`. */
static void add_column(const double *column, double step, LogitChanges *z, ptrdiff_t output)
{
    double *RESTRICT changes = z->changes + output * z->n_rows;
    double *RESTRICT coupled = z->coupled;
    const double *factors = z->factors + output * z->n_rows;
    for (ptrdiff_t i = 0; i < z->n_rows; i++)
        changes[i] += step * column[i];
    if (coupled)
        for (ptrdiff_t i = 0; i < z->n_rows; i++)
            coupled[i] += factors[i] * (step * column[i]);
}

/* Σ x²·(the curvature of the output's logit). */
static double column_curvature(const double *column, const LogitChanges *z, ptrdiff_t output)
{
    const double *weighted = z->weighted + output * z->n_rows, *factors = z->factors + output * z->n_rows;
    double s[8] = {0};
    ptrdiff_t i = 0;
    for (; i + 8 <= z->n_rows; i += 8)
        for (int l = 0; l < 8; l++)
            s[l] += column[i + l] * column[i + l] * (weighted[i + l] * (z->coupled ? 1.0 - factors[i + l] : 1.0));
    for (ptrdiff_t l = 0; i + l < z->n_rows; l++)
        s[l] += column[i + l] * column[i + l] * (weighted[i + l] * (z->coupled ? 1.0 - factors[i + l] : 1.0));
    return sum_of_eight(s);
}

/* xᵢⱼ - centreⱼ for the columns j = listed[q]: in values[i · count + q] if by_rows, else in values[q · n_rows + i]. */
static int copy_columns(
    const Problem *problem, const int64_t *listed, ptrdiff_t count, const double *centre, int by_rows, double *values,
    Interrupted interrupted)
{
    ptrdiff_t n_rows = problem->rows.n_rows, row_step = by_rows ? count : 1, column_step = by_rows ? 1 : n_rows;
    const RowStorage *storage = &ROW_STORAGES[problem->rows.storage];
    double some[COPIED_ROWS];
    Watch watch = {interrupted, problem->stop, 0, 0};
    for (ptrdiff_t first = 0; first < n_rows && !is_interrupted(&watch, COPIED_ROWS * count * NEW_MEMORY_WORK);
         first += COPIED_ROWS) {
        Block block = {&problem->rows, NULL, first, smaller(COPIED_ROWS, n_rows - first), 4, 1, 1, NULL, &watch};
        for (ptrdiff_t q = 0; q < count; q++) {
            double *own = values + first * row_step + q * column_step;
            storage->columns(&block, listed[q], listed[q] + 1, some, COPIED_ROWS);
            for (ptrdiff_t i = 0; i < block.count; i++)
                own[i * row_step] = some[i] - centre[listed[q]];
        }
    }
    return watch.status;
}

/* The minimum over one coefficient: returns by how much it changes, and writes how much that gains. */
static double minimise_coordinate(double slope, double curvature, double threshold, double here, double *gain)
{
    double there = here - slope / curvature, bound = threshold / curvature;
    double above = there - bound, below = there + bound;  /* soft threshold; nan stays nan */
    there = (above < 0.0 ? 0.0 : above) + (below > 0.0 ? 0.0 : below);
    *gain = curvature * (there - here) * (there - here);
    return there - here;
}

/* What to add to a column's coefficients in all outputs for the least Σ l1·|w| + l2/2·w². Coupled outputs keep their
 * probabilities then, so no curvature leads there: without this, one coefficient after the other would creep. The derivative of
 * the sum rises with the shift, by 2·l1 where a coefficient passes 0; `scratch` has room for n_outputs numbers. */
static double best_shift(const double *w, ptrdiff_t n_outputs, double l1, double l2, double *scratch)
{
    double total = 0.0;
    for (ptrdiff_t c = 0; c < n_outputs; c++) {  /* insertion sort of the shifts at which a coefficient becomes 0 */
        ptrdiff_t l = c;
        total += w[c];
        for (; l > 0 && scratch[l - 1] > -w[c]; l--)
            scratch[l] = scratch[l - 1];
        scratch[l] = -w[c];
    }
    for (ptrdiff_t c = 0; c <= n_outputs; c++) {  /* between the shifts number c - 1 and c */
        double pull = l1 * (double)(2 * c - n_outputs);
        double low = c ? scratch[c - 1] : -INFINITY, high = c < n_outputs ? scratch[c] : INFINITY;
        if (l2 > 0.0) {
            double root = -(pull + l2 * total) / (l2 * (double)n_outputs);
            if (root <= high)
                return root < low ? low : root;
        } else if (pull >= 0.0) {  /* level from `low` to `high` if the pull is 0: the least shift of these */
            return pull > 0.0 ? low : low > 0.0 ? low : high < 0.0 ? high : 0.0;
        }
    }
    return 0.0;
}

/* Improve `step` toward the minimum of the quadratic model plus the l1 penalty, as the reference describes it. The workspace has
 * (2·n_outputs + 1)·n_rows + n_outputs·(width + 2) numbers. */
static int coordinate_descent_by_columns(
    const double *columns, ptrdiff_t n_rows, ptrdiff_t width, ptrdiff_t n_outputs, int coupled, const double *weights,
    const double *factors, const double *gradient, const double *point, const double *l1_weights, const double *l2_weights,
    double *step, ptrdiff_t sweeps, double fraction, double *workspace, Interrupted interrupted)
{
    ptrdiff_t size = n_outputs * width;
    double *weighted = workspace, *changes = weighted + n_outputs * n_rows, *sums = changes + n_outputs * n_rows;
    double *curvatures = sums + n_rows, *of_column = curvatures + size, first_gain = 0.0;
    LogitChanges z = {n_rows, weighted, factors, changes, coupled ? sums : NULL};
    Watch watch = {interrupted, NULL, 0, 0};
    for (ptrdiff_t c = 0; c < n_outputs; c++)
        for (ptrdiff_t i = 0; i < n_rows; i++)
            weighted[c * n_rows + i] = weights[i] * factors[c * n_rows + i];
    memset(changes, 0, (n_outputs + 1) * n_rows * sizeof(double));
    for (ptrdiff_t at = 0; at < size && !is_interrupted(&watch, 3 * n_rows); at++) {
        curvatures[at] = column_curvature(columns + at % width * n_rows, &z, at / width) + l2_weights[at];
        if (step[at] != 0.0)
            add_column(columns + at % width * n_rows, step[at], &z, at / width);
    }
    for (ptrdiff_t sweep = 0, all = 1; sweep < sweeps && !watch.status; sweep++) {
        double largest = 0.0;
        for (ptrdiff_t j = 0; j < width && !watch.status; j++) {
            int has_changed = 0;
            for (ptrdiff_t c = 0; c < n_outputs; c++) {
                ptrdiff_t at = c * width + j;
                double gain, here = point[at] + step[at];
                if (curvatures[at] <= 0.0 || (!all && here == 0.0 && l1_weights[at] > 0.0))
                    continue;
                if (is_interrupted(&watch, 4 * n_rows))
                    break;
                double slope = gradient[at] + l2_weights[at] * step[at] + column_dot(columns + j * n_rows, &z, c);
                double change = minimise_coordinate(slope, curvatures[at], l1_weights[at], here, &gain);
                if (change != 0.0) {
                    step[at] = here + change == 0.0 ? -point[at] : step[at] + change;
                    add_column(columns + j * n_rows, change, &z, c);
                    largest = gain > largest ? gain : largest;
                    has_changed = 1;
                }
            }
            if (!coupled || !has_changed || l1_weights[j] <= 0.0)
                continue;
            for (ptrdiff_t c = 0; c < n_outputs; c++)
                of_column[c] = point[c * width + j] + step[c * width + j];
            double shift = best_shift(of_column, n_outputs, l1_weights[j], l2_weights[j], of_column + n_outputs);
            for (ptrdiff_t c = 0; c < n_outputs && shift != 0.0; c++)
                step[c * width + j] = of_column[c] == -shift ? -point[c * width + j] : step[c * width + j] + shift;
        }
        first_gain = sweep ? first_gain : largest;
        int is_small = largest <= fraction * first_gain;
        if (all && is_small)
            break;
        all = is_small || (sweep + 1) % SWEEPS_OF_NONZEROS == 0;
    }
    return watch.status;
}
