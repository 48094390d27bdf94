/* The innermost loops of the engine, over vectors of four numbers: the one piece of C by hand, as Cython has no vector types. */

/* Design
 *
 * (a) tile: C += A · B for four rows of A and up to twelve columns of B and C. It serves three times: weighted sums of several
 *     outputs (A: rows of the samples, B: coefficients), their gradient (A: the samples' columns, B: slopes), and Hessians
 *     (A: weighted columns, B: rows). Twelve accumulators fill AVX2's sixteen registers and leave room for the operands; each
 *     step loads three vectors and four single numbers for twelve multiplications.
 * (b) short_sums: rows too short for partial sums, eight side by side, one to a lane.
 * (c) add_four_rows_by_lanes, spread_row: plain loops that gcc vectorises too, but with a prologue that costs more than the
 *     few numbers of a short row.
 * (d) take_off_largest, dot_of_vectors, sum_of_vectors: the softmax of a row, whose sums are filled up to whole vectors.
 * (e) No number depends on the number of lanes: each is added up term by term, in the order that stands here. So the bits are the
 *     same with two lanes (SSE2), four, or one (MSVC, which has no such types and runs the same loops on single numbers). */

#include <stddef.h>

#define TILE_ROWS 4
#define LANES 4
#define TILE_VECTORS 3

#if defined(__GNUC__)
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

/* sums[i] = Σ row i · weights, from left to right, for rows of n numbers. */
static void short_sums(const double *rows, ptrdiff_t count, const double *weights, ptrdiff_t n, double *sums)
{
    ptrdiff_t i = 0;
#if defined(__GNUC__)
    for (; i + 8 <= count; i += 8) {
        const double *row = rows + i * n, *after = row + 4 * n;
        lanes low = {row[0], row[n], row[2 * n], row[3 * n]}, high = {after[0], after[n], after[2 * n], after[3 * n]};
        low *= weights[0], high *= weights[0];
        for (ptrdiff_t j = 1; j < n; j++) {
            row++, after++;
            low += (lanes){row[0], row[n], row[2 * n], row[3 * n]} * weights[j];
            high += (lanes){after[0], after[n], after[2 * n], after[3 * n]} * weights[j];
        }
        AT(sums + i) = low, AT(sums + i + 4) = high;
    }
#endif
    for (; i < count; i++) {
        double total = rows[i * n] * weights[0];
        for (ptrdiff_t j = 1; j < n; j++)
            total += rows[i * n + j] * weights[j];
        sums[i] = total;
    }
}

/* gradient += a0 · row0 + a1 · row1 + a2 · row2 + a3 · row3, for four rows of n numbers, one after the other. */
static inline void add_four_rows_by_lanes(
    double *gradient, const double *row, double a0, double a1, double a2, double a3, ptrdiff_t n)
{
    const double *row1 = row + n, *row2 = row + 2 * n, *row3 = row + 3 * n;
    ptrdiff_t j = 0;
#if defined(__GNUC__)
    for (; j + LANES <= n; j += LANES)
        AT(gradient + j) = READ(gradient + j)
            + ((READ(row + j) * a0 + READ(row1 + j) * a1) + (READ(row2 + j) * a2 + READ(row3 + j) * a3));
#endif
    for (; j < n; j++)
        gradient[j] += (row[j] * a0 + row1[j] * a1) + (row2[j] * a2 + row3[j] * a3);
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
