/* The passes over rows for a single output: weighted sums, and the gradient from slopes. */

/* Design
 *
 * (a) Rows of up to sixteen numbers meet weights and a gradient that stay in registers, four rows at a time. Their partial sums
 *     are added up side by side: 1.0 ns a row of ten in the cache, against 1.9 ns with one row to a lane; the gradient takes
 *     0.9 ns, against 1.8 ns from memory.
 * (b) Longer rows are summed one after the other, through one loop: the processor fetches ahead for a stream that it sees in one
 *     instruction. Four rows side by side would read the weights once for all, and take half as long in the cache, but from
 *     memory 200,000 rows of 100 took 15 ms so and 5.5 ms one after the other; rows of 1,000, 460 ns each and 360 ns. Fetching
 *     ahead by hand, or adding the gradient of one block while the next is summed, made all of these slower than that.
 * (c) Whole vectors are read, beyond the ends of rows too: there the next row begins. In sums its numbers meet zeros, in the
 *     gradient of short rows they fall into numbers that nobody takes. */

#include "lanes.h"

#define SHORT_VECTORS 4  /* rows of up to 16 numbers: their weights and gradient stay in registers */

ALWAYS_INLINE lanes products_of_short_row(int size, int vectors, const char *row, const lanes *weights)
{
    lanes low = mul(lanes_at(size, row, 0), weights[0]), high;
    if (vectors == 1)
        return low;
    high = mul(lanes_at(size, row, 4), weights[1]);
    if (vectors > 2)
        low = add_product(low, lanes_at(size, row, 8), weights[2]);
    if (vectors > 3)
        high = add_product(high, lanes_at(size, row, 12), weights[3]);
    return add(low, high);
}

/* The first of the sums, of rows of up to four vectors; returns how many. The last rows are left: behind them is no memory. */
ALWAYS_INLINE ptrdiff_t short_sums(
    int size, int vectors, const char *rows, ptrdiff_t count, const double *weights, ptrdiff_t n, double *sums)
{
    lanes kept[SHORT_VECTORS];
    ptrdiff_t i = 0, length = n * size;
    for (int v = 0; v < vectors; v++)
        kept[v] = load(weights + v * LANES);
    for (; (i + 3) * n + vectors * LANES <= count * n; i += 4) {
        const char *row = rows + i * length;
        lanes sum = add_across(products_of_short_row(size, vectors, row, kept),
                               products_of_short_row(size, vectors, row + length, kept),
                               products_of_short_row(size, vectors, row + 2 * length, kept),
                               products_of_short_row(size, vectors, row + 3 * length, kept));
        store(sums + i, add(sum, splat(0)));  /* `dot` begins with 0, which makes 0 of -0 */
    }
    return i;
}

ALWAYS_INLINE lanes products_of_long_row(int size, const char *row, const double *weights, ptrdiff_t n)
{
    lanes low = splat(0), high = splat(0);
    ptrdiff_t j = 0;
    for (; j + 8 <= n; j += 8) {
        low = add_product(low, lanes_at(size, row, j), load(weights + j));
        high = add_product(high, lanes_at(size, row, j + 4), load(weights + j + 4));
    }
    if (j < n)
        low = add_product(low, lanes_at(size, row, j), load(weights + j));
    if (j + 4 < n)
        high = add_product(high, lanes_at(size, row, j + 4), load(weights + j + 4));
    return add(low, high);
}

/* The same for rows of any length. */
ALWAYS_INLINE ptrdiff_t long_sums(
    int size, const char *rows, ptrdiff_t count, const double *weights, ptrdiff_t n, double *sums)
{
    ptrdiff_t i = 0, whole = (n + LANES - 1) / LANES * LANES;
    for (; (i + 3) * n + whole <= count * n; i += 4) {
        lanes total[4];
        DO_NOT_UNROLL
        for (int r = 0; r < 4; r++)
            total[r] = products_of_long_row(size, rows + (i + r) * n * size, weights, n);
        store(sums + i, add_across(total[0], total[1], total[2], total[3]));
    }
    return i;
}

/* (row0 · a0 + row1 · a1) + (row2 · a2 + row3 · a3), four numbers of it. */
ALWAYS_INLINE lanes four_rows_at(
    int size, const char *row0, const char *row1, const char *row2, const char *row3, double a0, double a1, double a2,
    double a3, ptrdiff_t j)
{
    lanes first = add_product(mul(lanes_at(size, row0, j), splat(a0)), lanes_at(size, row1, j), splat(a1));
    lanes second = add_product(mul(lanes_at(size, row2, j), splat(a2)), lanes_at(size, row3, j), splat(a3));
    return add(first, second);
}

/* The first of the rows, of up to four vectors, added to a gradient that stays in registers; returns how many. */
ALWAYS_INLINE ptrdiff_t add_short_rows(
    int size, int vectors, double *gradient, const char *rows, const double *slopes, ptrdiff_t count, ptrdiff_t n)
{
    double filled[SHORT_VECTORS * LANES] = {0};
    lanes kept[SHORT_VECTORS];
    ptrdiff_t i = 0, length = n * size;
    for (ptrdiff_t j = 0; j < n; j++)
        filled[j] = gradient[j];
    for (int v = 0; v < vectors; v++)
        kept[v] = load(filled + v * LANES);
    for (; (i + 3) * n + vectors * LANES <= count * n; i += 4) {
        const char *row0 = rows + i * length, *row1 = row0 + length, *row2 = row1 + length, *row3 = row2 + length;
        double a0 = slopes[i], a1 = slopes[i + 1], a2 = slopes[i + 2], a3 = slopes[i + 3];
        for (int v = 0; v < vectors; v++) {
            ptrdiff_t j = v * LANES;
            kept[v] = add(kept[v], four_rows_at(size, row0, row1, row2, row3, a0, a1, a2, a3, j));
        }
    }
    for (int v = 0; v < vectors; v++)
        store(filled + v * LANES, kept[v]);
    for (ptrdiff_t j = 0; j < n; j++)
        gradient[j] = filled[j];
    return i;
}

ALWAYS_INLINE void sums_with(
    int size, const char *rows, ptrdiff_t count, const double *weights, ptrdiff_t n, double *sums)
{
    ptrdiff_t i = 0;
    if (size == 1 || n > SHORT_VECTORS * LANES)
        i = long_sums(size, rows, count, weights, n, sums);
    else if (n > 3 * LANES)
        i = short_sums(size, 4, rows, count, weights, n, sums);
    else if (n > 2 * LANES)
        i = short_sums(size, 3, rows, count, weights, n, sums);
    else if (n > LANES)
        i = short_sums(size, 2, rows, count, weights, n, sums);
    else
        i = short_sums(size, 1, rows, count, weights, n, sums);
    for (; i < count; i++)
        sums[i] = dot_with(size, rows + i * n * size, weights, n);
}

ALWAYS_INLINE void add_rows_with(
    int size, double *gradient, const char *rows, const double *slopes, ptrdiff_t count, ptrdiff_t n)
{
    ptrdiff_t i = 0, length = n * size;
    if (size == 1 || n > SHORT_VECTORS * LANES)
        ;
    else if (n > 3 * LANES)
        i = add_short_rows(size, 4, gradient, rows, slopes, count, n);
    else if (n > 2 * LANES)
        i = add_short_rows(size, 3, gradient, rows, slopes, count, n);
    else if (n > LANES)
        i = add_short_rows(size, 2, gradient, rows, slopes, count, n);
    else
        i = add_short_rows(size, 1, gradient, rows, slopes, count, n);
    for (; i + 4 <= count; i += 4) {
        const char *row0 = rows + i * length, *row1 = row0 + length, *row2 = row1 + length, *row3 = row2 + length;
        double a0 = slopes[i], a1 = slopes[i + 1], a2 = slopes[i + 2], a3 = slopes[i + 3];
        ptrdiff_t j = 0;
        for (; j + LANES <= n; j += LANES)
            store(gradient + j, add(load(gradient + j), four_rows_at(size, row0, row1, row2, row3, a0, a1, a2, a3, j)));
        for (; j < n; j++)
            gradient[j] += (number_at(size, row0, j) * a0 + number_at(size, row1, j) * a1)
                + (number_at(size, row2, j) * a2 + number_at(size, row3, j) * a3);
    }
    for (; i < count; i++)
        for (ptrdiff_t j = 0; j < n; j++)
            gradient[j] += number_at(size, rows + i * length, j) * slopes[i];
}

/* sums[i] = Σ row i · weights for rows of n numbers, as `dot` adds them up. The weights end in zeros that fill up a vector. */
static void sums_of_one_output(
    int size, const char *rows, ptrdiff_t count, const double *weights, ptrdiff_t n, double *sums)
{
    if (size == 8)
        sums_with(8, rows, count, weights, n, sums);
    else if (size == 4)
        sums_with(4, rows, count, weights, n, sums);
    else
        sums_with(1, rows, count, weights, n, sums);
}

/* gradient += Σ slope · row for rows of n numbers, four at a time. */
static void add_rows(int size, double *gradient, const char *rows, const double *slopes, ptrdiff_t count, ptrdiff_t n)
{
    if (size == 8)
        add_rows_with(8, gradient, rows, slopes, count, n);
    else if (size == 4)
        add_rows_with(4, gradient, rows, slopes, count, n);
    else
        add_rows_with(1, gradient, rows, slopes, count, n);
}

/* One of these sums. */
static double sum_of_one_row(int size, const char *row, const double *weights, ptrdiff_t n)
{
    return size == 8 ? dot_with(8, row, weights, n) : size == 4 ? dot_with(4, row, weights, n) : dot_with(1, row, weights, n);
}
