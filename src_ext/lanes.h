/* The innermost loops of the engine, over vectors of four numbers: the one piece of C by hand, as Cython has no vector types. */

/* Design
 *
 * (a) tile: C += A · B for four rows of A and up to twelve columns of B and C. It serves three times: weighted sums of several
 *     outputs (A: rows of the samples, B: coefficients), their gradient (A: the samples' columns, B: slopes), and Hessians
 *     (A: weighted columns, B: rows). Twelve accumulators fill AVX2's sixteen registers and leave room for the operands; each
 *     step loads three vectors and four single numbers for twelve multiplications.
 * (b) sums_of_one_output: whole rows times weights, each in eight partial sums, four rows' partial sums added up side by side.
 *     Rows of up to sixteen numbers meet weights that stay in registers: 1.0 ns a row of ten in the cache, against 1.9 ns with
 *     one row to a lane. Longer rows go one after the other, through one loop, as the processor fetches ahead for a stream that
 *     it sees in one instruction: 200,000 rows of 100 took 18 ms so, and 26 ms with that loop written out for four rows at a
 *     time. From a page on, rows are streams of their own, and four side by side share what is read of the weights.
 *     Fetching ahead by hand made none of these faster, some slower.
 * (c) add_rows: four rows at a time, into a gradient that stays in registers where rows are short: 0.9 ns a row of ten, against
 *     1.8 ns. spread_row: a plain loop that gcc vectorises too, but with a prologue that costs more than the few numbers of a
 *     short row.
 * (d) take_off_largest, dot_of_vectors, sum_of_vectors: the softmax of a row, whose sums are filled up to whole vectors.
 * (e) product_less_one: the logarithms of many numbers are one logarithm of their product, by plain products and sums.
 * (f) No number depends on the number of lanes: each is added up term by term, in the order that stands here. So the bits are the
 *     same with two lanes (SSE2), four, or one (MSVC, which has no such types and runs the same loops on single numbers). */

#include <stddef.h>

#define TILE_ROWS 4
#define LANES 4
#define TILE_VECTORS 3
#define ROW_OF_A_PAGE 512  /* numbers */
#define SHORT_VECTORS 4  /* rows of up to 16 numbers: their weights and gradient stay in registers */

#if defined(__GNUC__)
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi"  /* that vectors are handed over in other ways concerns no inlined function */
#endif
typedef double lanes __attribute__((vector_size(8 * LANES)));
typedef double lanes_in_memory __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
#define AT(address) (*(lanes_in_memory *)(address))
#define READ(address) (*(const lanes_in_memory *)(address))
#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE void tile_of_constant_width(
    int vectors, const double *const *a, ptrdiff_t a_step, const double *b, ptrdiff_t b_step, ptrdiff_t terms,
    double *c, ptrdiff_t c_row)
{
    lanes total[TILE_ROWS][TILE_VECTORS], other[TILE_VECTORS];
    const double *a0 = a[0], *a1 = a[1], *a2 = a[2], *a3 = a[3];
    for (int r = 0; r < TILE_ROWS; r++)
        for (int v = 0; v < vectors; v++)
            total[r][v] = READ(c + r * c_row + v * LANES);
    for (ptrdiff_t p = 0; p < terms; p++) {
        for (int v = 0; v < vectors; v++)
            other[v] = READ(b + v * LANES);
        for (int v = 0; v < vectors; v++)
            total[0][v] += *a0 * other[v];
        for (int v = 0; v < vectors; v++)
            total[1][v] += *a1 * other[v];
        for (int v = 0; v < vectors; v++)
            total[2][v] += *a2 * other[v];
        for (int v = 0; v < vectors; v++)
            total[3][v] += *a3 * other[v];
        a0 += a_step, a1 += a_step, a2 += a_step, a3 += a_step, b += b_step;
    }
    for (int r = 0; r < TILE_ROWS; r++)
        for (int v = 0; v < vectors; v++)
            AT(c + r * c_row + v * LANES) = total[r][v];
}
#else
static void tile_of_constant_width(
    int vectors, const double *const *a, ptrdiff_t a_step, const double *b, ptrdiff_t b_step, ptrdiff_t terms,
    double *c, ptrdiff_t c_row)
{
    for (ptrdiff_t p = 0; p < terms; p++)
        for (int r = 0; r < TILE_ROWS; r++)
            for (int v = 0; v < vectors * LANES; v++)
                c[r * c_row + v] += a[r][p * a_step] * b[p * b_step + v];
}
#endif

/* C[r][v] += Σ over p of a[r][p · a_step] · b[p · b_step + v], for four r and vectors · LANES v. */
static void tile(
    int vectors, const double *const *a, ptrdiff_t a_step, const double *b, ptrdiff_t b_step, ptrdiff_t terms,
    double *c, ptrdiff_t c_row)
{
    if (vectors == 3)
        tile_of_constant_width(3, a, a_step, b, b_step, terms, c, c_row);
    else if (vectors == 2)
        tile_of_constant_width(2, a, a_step, b, b_step, terms, c, c_row);
    else
        tile_of_constant_width(1, a, a_step, b, b_step, terms, c, c_row);
}

/* A row of whole vectors: its largest number is taken off each, and returned. */
static inline double take_off_largest(double *row, ptrdiff_t n)
{
    double m0 = row[0], m1 = row[1], m2 = row[2], m3 = row[3];
    for (ptrdiff_t j = LANES; j < n; j += LANES) {
        m0 = row[j] > m0 ? row[j] : m0;
        m1 = row[j + 1] > m1 ? row[j + 1] : m1;
        m2 = row[j + 2] > m2 ? row[j + 2] : m2;
        m3 = row[j + 3] > m3 ? row[j + 3] : m3;
    }
    m0 = m2 > m0 ? m2 : m0, m1 = m3 > m1 ? m3 : m1;
    m0 = m1 > m0 ? m1 : m0;
    for (ptrdiff_t j = 0; j < n; j++)
        row[j] -= m0;
    return m0;
}

/* Σ left · right over a row of whole vectors, in four partial sums. */
static inline double dot_of_vectors(const double *left, const double *right, ptrdiff_t n)
{
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (ptrdiff_t j = 0; j < n; j += LANES) {
        s0 += left[j] * right[j];
        s1 += left[j + 1] * right[j + 1];
        s2 += left[j + 2] * right[j + 2];
        s3 += left[j + 3] * right[j + 3];
    }
    return (s0 + s2) + (s1 + s3);
}

/* Σ values over a row of whole vectors, in four partial sums. */
static inline double sum_of_vectors(const double *values, ptrdiff_t n)
{
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (ptrdiff_t j = 0; j < n; j += LANES)
        s0 += values[j], s1 += values[j + 1], s2 += values[j + 2], s3 += values[j + 3];
    return (s0 + s2) + (s1 + s3);
}

/* Π (1 + e) - 1 of numbers from 0 on, which are spoilt: (1 + a)(1 + b) - 1 = a + (b + a·b), by halves, exact for small ones. */
static double product_less_one(double *e, ptrdiff_t count)
{
    while (count > 1) {
        ptrdiff_t half = (count + 1) / 2, rest = count - half, i = 0;
#if defined(__GNUC__)
        for (; i + LANES <= rest; i += LANES)
            AT(e + i) = READ(e + i) + (READ(e + half + i) + READ(e + i) * READ(e + half + i));
#endif
        for (; i < rest; i++)
            e[i] = e[i] + (e[half + i] + e[i] * e[half + i]);
        count = half;
    }
    return e[0];
}

/* Σ left · right in eight partial sums, number j in the j mod 8th: the order of all sums over the numbers of one row. */
static double dot(const double *left, const double *right, ptrdiff_t n)
{
    double s[8] = {0};
    ptrdiff_t j = 0;
#if defined(__GNUC__)
    lanes low = {0}, high = {0};
    for (; j + 8 <= n; j += 8) {
        low += READ(left + j) * READ(right + j);
        high += READ(left + j + 4) * READ(right + j + 4);
    }
    AT(s) = low, AT(s + 4) = high;
#else
    for (; j + 8 <= n; j += 8)
        for (int l = 0; l < 8; l++)
            s[l] += left[j + l] * right[j + l];
#endif
    for (ptrdiff_t l = 0; j + l < n; l++)
        s[l] += left[j + l] * right[j + l];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

#if defined(__GNUC__)
/* The sum of each of four vectors, added up as `dot` does. */
ALWAYS_INLINE lanes add_across(lanes a, lanes b, lanes c, lanes d)
{
    lanes ac = (lanes){a[0], a[1], c[0], c[1]} + (lanes){a[2], a[3], c[2], c[3]};
    lanes bd = (lanes){b[0], b[1], d[0], d[1]} + (lanes){b[2], b[3], d[2], d[3]};
    return (lanes){ac[0], bd[0], ac[2], bd[2]} + (lanes){ac[1], bd[1], ac[3], bd[3]};
}

ALWAYS_INLINE lanes products(int vectors, const double *row, const lanes *weights)
{
    lanes low = READ(row) * weights[0], high;
    if (vectors == 1)
        return low;
    high = READ(row + 4) * weights[1];
    if (vectors > 2)
        low += READ(row + 8) * weights[2];
    if (vectors > 3)
        high += READ(row + 12) * weights[3];
    return low + high;
}

/* The first of the sums, of rows of up to four vectors; returns how many. The last rows are left: behind them is no memory. */
ALWAYS_INLINE ptrdiff_t short_sums(
    int vectors, const double *rows, ptrdiff_t count, const double *weights, ptrdiff_t n, double *sums)
{
    const lanes zero = {0};  /* added at the end, as `dot` begins with it: it makes 0 of -0 */
    lanes kept[SHORT_VECTORS];
    ptrdiff_t i = 0;
    for (int v = 0; v < vectors; v++)
        kept[v] = READ(weights + v * LANES);
    for (; (i + 3) * n + vectors * LANES <= count * n; i += 4) {
        const double *row = rows + i * n;
        AT(sums + i) = add_across(products(vectors, row, kept), products(vectors, row + n, kept),
                                  products(vectors, row + 2 * n, kept), products(vectors, row + 3 * n, kept)) + zero;
    }
    return i;
}

ALWAYS_INLINE lanes products_of_long_row(const double *row, const double *weights, ptrdiff_t n)
{
    lanes low = {0}, high = {0};
    ptrdiff_t j = 0;
    for (; j + 8 <= n; j += 8) {
        low += READ(row + j) * READ(weights + j);
        high += READ(row + j + 4) * READ(weights + j + 4);
    }
    if (j < n)
        low += READ(row + j) * READ(weights + j);
    if (j + 4 < n)
        high += READ(row + j + 4) * READ(weights + j + 4);
    return low + high;
}

/* The same for longer rows: one after the other, or four side by side where each is a page or more. */
static ptrdiff_t long_sums(const double *rows, ptrdiff_t count, const double *weights, ptrdiff_t n, double *sums)
{
    ptrdiff_t i = 0, whole = (n + LANES - 1) / LANES * LANES;
    for (; (i + 3) * n + whole <= count * n; i += 4) {
        const double *row0 = rows + i * n, *row1 = row0 + n, *row2 = row1 + n, *row3 = row2 + n;
        if (n < ROW_OF_A_PAGE) {
            lanes total[4];
#pragma GCC unroll 1
            for (int r = 0; r < 4; r++)
                total[r] = products_of_long_row(row0 + r * n, weights, n);
            AT(sums + i) = add_across(total[0], total[1], total[2], total[3]);
            continue;
        }
        lanes low0 = {0}, low1 = {0}, low2 = {0}, low3 = {0}, high0 = {0}, high1 = {0}, high2 = {0}, high3 = {0}, w;
        for (ptrdiff_t j = 0; j < n; j += 8) {
            w = READ(weights + j);
            low0 += READ(row0 + j) * w, low1 += READ(row1 + j) * w, low2 += READ(row2 + j) * w, low3 += READ(row3 + j) * w;
            if (j + 4 < n) {
                w = READ(weights + j + 4);
                high0 += READ(row0 + j + 4) * w, high1 += READ(row1 + j + 4) * w;
                high2 += READ(row2 + j + 4) * w, high3 += READ(row3 + j + 4) * w;
            }
        }
        AT(sums + i) = add_across(low0 + high0, low1 + high1, low2 + high2, low3 + high3);
    }
    return i;
}
#endif

/* sums[i] = Σ row i · weights for rows of n numbers, as `dot` adds them up. Behind the weights stand eight zeros.
 *
 * Whole vectors are read, beyond the ends of rows too: there the next row begins, and its numbers meet zeros. */
static void sums_of_one_output(const double *rows, ptrdiff_t count, const double *weights, ptrdiff_t n, double *sums)
{
    ptrdiff_t i = 0;
#if defined(__GNUC__)
    if (n > SHORT_VECTORS * LANES)
        i = long_sums(rows, count, weights, n, sums);
    else if (n > 3 * LANES)
        i = short_sums(4, rows, count, weights, n, sums);
    else if (n > 2 * LANES)
        i = short_sums(3, rows, count, weights, n, sums);
    else if (n > LANES)
        i = short_sums(2, rows, count, weights, n, sums);
    else
        i = short_sums(1, rows, count, weights, n, sums);
#endif
    for (; i < count; i++)
        sums[i] = dot(rows + i * n, weights, n);
}

#if defined(__GNUC__)
/* The first of the rows, of up to four vectors, added to a gradient that stays in registers; returns how many. */
ALWAYS_INLINE ptrdiff_t add_short_rows(
    int vectors, double *gradient, const double *rows, const double *slopes, ptrdiff_t count, ptrdiff_t n)
{
    double filled[SHORT_VECTORS * LANES] = {0};
    lanes kept[SHORT_VECTORS];
    ptrdiff_t i = 0;
    for (ptrdiff_t j = 0; j < n; j++)
        filled[j] = gradient[j];
    for (int v = 0; v < vectors; v++)
        kept[v] = READ(filled + v * LANES);
    for (; (i + 3) * n + vectors * LANES <= count * n; i += 4) {
        const double *row0 = rows + i * n, *row1 = row0 + n, *row2 = row1 + n, *row3 = row2 + n;
        double a0 = slopes[i], a1 = slopes[i + 1], a2 = slopes[i + 2], a3 = slopes[i + 3];
        for (int v = 0; v < vectors; v++) {
            ptrdiff_t j = v * LANES;
            kept[v] += (READ(row0 + j) * a0 + READ(row1 + j) * a1) + (READ(row2 + j) * a2 + READ(row3 + j) * a3);
        }
    }
    for (int v = 0; v < vectors; v++)
        AT(filled + v * LANES) = kept[v];
    for (ptrdiff_t j = 0; j < n; j++)
        gradient[j] = filled[j];
    return i;
}
#endif

/* gradient += Σ slope · row for rows of n numbers, four at a time. */
static void add_rows(double *gradient, const double *rows, const double *slopes, ptrdiff_t count, ptrdiff_t n)
{
    ptrdiff_t i = 0;
#if defined(__GNUC__)
    if (n <= LANES)
        i = add_short_rows(1, gradient, rows, slopes, count, n);
    else if (n <= 2 * LANES)
        i = add_short_rows(2, gradient, rows, slopes, count, n);
    else if (n <= 3 * LANES)
        i = add_short_rows(3, gradient, rows, slopes, count, n);
    else if (n <= SHORT_VECTORS * LANES)
        i = add_short_rows(4, gradient, rows, slopes, count, n);
#endif
    for (; i + 4 <= count; i += 4) {
        const double *row0 = rows + i * n, *row1 = row0 + n, *row2 = row1 + n, *row3 = row2 + n;
        double a0 = slopes[i], a1 = slopes[i + 1], a2 = slopes[i + 2], a3 = slopes[i + 3];
        ptrdiff_t j = 0;
#if defined(__GNUC__)
        for (; j + LANES <= n; j += LANES)
            AT(gradient + j) = READ(gradient + j)
                + ((READ(row0 + j) * a0 + READ(row1 + j) * a1) + (READ(row2 + j) * a2 + READ(row3 + j) * a3));
#endif
        for (; j < n; j++)
            gradient[j] += (row0[j] * a0 + row1[j] * a1) + (row2[j] * a2 + row3[j] * a3);
    }
    for (; i < count; i++)
        for (ptrdiff_t j = 0; j < n; j++)
            gradient[j] += rows[i * n + j] * slopes[i];
}

/* copy = row and scaled = row · factor, n numbers. */
static inline void spread_row(const double *row, double factor, ptrdiff_t n, double *copy, double *scaled)
{
    ptrdiff_t j = 0;
#if defined(__GNUC__)
    for (; j + LANES <= n; j += LANES) {
        lanes values = READ(row + j);
        AT(copy + j) = values;
        AT(scaled + j) = values * factor;
    }
#endif
    for (; j < n; j++) {
        double value = row[j];
        copy[j] = value;
        scaled[j] = value * factor;
    }
}
