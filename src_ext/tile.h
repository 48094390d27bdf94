/* A tile of a matrix product, kept in registers: the one piece of C by hand, because Cython has no vector types. */

/* Design
 *
 * C += A · B for four rows of A and up to twelve columns of B and C. It serves three times: weighted sums of several outputs
 * (A: rows of the samples, B: coefficients), their gradient (A: the samples' columns, B: slopes), and Hessians (A: weighted
 * columns, B: rows).
 *
 * Twelve accumulators of four lanes fill AVX2's sixteen registers and leave room for the operands; each step loads three
 * vectors and four single numbers for twelve multiplications. The lanes run along B's columns, never along a sum: each number
 * of C is added up term by term in order, so its bits are the same with two lanes, with eight, or with none (MSVC). */

#include <stddef.h>

#define TILE_ROWS 4
#define LANES 4
#define TILE_VECTORS 3

#if defined(__GNUC__)
typedef double lanes __attribute__((vector_size(8 * LANES)));
typedef double lanes_in_memory __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE void tile_of_constant_width(
    int vectors, const double *const *a, ptrdiff_t a_step, const double *b, ptrdiff_t b_step, ptrdiff_t terms,
    double *c, ptrdiff_t c_row)
{
    lanes total[TILE_ROWS][TILE_VECTORS], other[TILE_VECTORS];
    const double *a0 = a[0], *a1 = a[1], *a2 = a[2], *a3 = a[3];
    for (int r = 0; r < TILE_ROWS; r++)
        for (int v = 0; v < vectors; v++)
            total[r][v] = *(const lanes_in_memory *)(c + r * c_row + v * LANES);
    for (ptrdiff_t p = 0; p < terms; p++) {
        for (int v = 0; v < vectors; v++)
            other[v] = *(const lanes_in_memory *)(b + v * LANES);
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
            *(lanes_in_memory *)(c + r * c_row + v * LANES) = total[r][v];
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
