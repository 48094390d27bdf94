/* Vectors of four numbers, and the loops over one row of numbers. This and the two headers by its side are the C by hand: Cython
 * has no vector types. */

/* Design
 *
 * (a) No number depends on the number of lanes: each is added up term by term, in the order that stands here. So the bits are the
 *     same with two lanes (SSE2), four, or one (MSVC, which has no such types and runs the same loops on single numbers).
 * (b) A storage is the size of its numbers: 8 and 4 bytes are floats, 1 is a byte. It is a constant where a loop is compiled, so
 *     that each storage has its own. Numbers are widened as they are read: 20,000 rows of 1,000 float32 took 11 ms when each
 *     block of rows was first copied in float64, and 5 ms without. They are written one by one, as gcc 12 makes one instruction
 *     of that, and seven of __builtin_convertvector; a byte becomes an int on the way for the same reason.
 * (c) take_off_largest, dot_of_vectors, sum_of_vectors: the softmax of a row, whose sums are filled up to whole vectors.
 * (d) multiply_by: the logarithms of many numbers are one logarithm of their product. Sixteen partial products, as each factor
 *     waits for the last: 0.2 ns a number.
 * (e) spread_row is a loop that gcc vectorises too, but with a prologue that costs more than the few numbers of a short row. */

#pragma once

#include <stddef.h>
#include <stdint.h>

#define LANES 4
#define PRODUCT_LANES 16

static inline double number_at(int size, const void *numbers, ptrdiff_t at)
{
    return size == 8 ? ((const double *)numbers)[at] : size == 4 ? ((const float *)numbers)[at] : ((const uint8_t *)numbers)[at];
}

#if defined(__GNUC__)
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi"  /* that vectors are handed over in other ways concerns no inlined function */
#endif
typedef double lanes __attribute__((vector_size(8 * LANES)));
typedef double lanes_in_memory __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
typedef int ints __attribute__((vector_size(4 * LANES)));
#define AT(address) (*(lanes_in_memory *)(address))
#define READ(address) (*(const lanes_in_memory *)(address))
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Four numbers of a storage, from number `at` on. */
ALWAYS_INLINE lanes read_lanes(int size, const void *numbers, ptrdiff_t at)
{
    if (size == 8)
        return READ((const double *)numbers + at);
    if (size == 4) {
        const float *p = (const float *)numbers + at;
        return (lanes){p[0], p[1], p[2], p[3]};
    }
    const uint8_t *p = (const uint8_t *)numbers + at;
    ints four = {p[0], p[1], p[2], p[3]};
    return (lanes){four[0], four[1], four[2], four[3]};
}

/* The sum of each of four vectors: (v[0] + v[2]) + (v[1] + v[3]). */
ALWAYS_INLINE lanes add_across(lanes a, lanes b, lanes c, lanes d)
{
    lanes ac = (lanes){a[0], a[1], c[0], c[1]} + (lanes){a[2], a[3], c[2], c[3]};
    lanes bd = (lanes){b[0], b[1], d[0], d[1]} + (lanes){b[2], b[3], d[2], d[3]};
    return (lanes){ac[0], bd[0], ac[2], bd[2]} + (lanes){ac[1], bd[1], ac[3], bd[3]};
}
#else
#define ALWAYS_INLINE static inline
#endif

/* Σ ((x - mean) · inverse)² over a row, added up like `dot`. */
ALWAYS_INLINE double squares_with(int size, const void *row, const double *means, const double *inverses, ptrdiff_t n)
{
    double s[8] = {0}, distance;
    ptrdiff_t j = 0;
#if defined(__GNUC__)
    lanes low = {0}, high = {0}, d;
    for (; j + 8 <= n; j += 8) {
        d = (read_lanes(size, row, j) - READ(means + j)) * READ(inverses + j);
        low += d * d;
        d = (read_lanes(size, row, j + 4) - READ(means + j + 4)) * READ(inverses + j + 4);
        high += d * d;
    }
    AT(s) = low, AT(s + 4) = high;
#endif
    for (ptrdiff_t l = 0; j < n; j++, l++) {
        distance = (number_at(size, row, j) - means[j]) * inverses[j];
        s[l % 8] += distance * distance;
    }
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static double sum_of_squares(int size, const void *row, const double *means, const double *inverses, ptrdiff_t n)
{
    return size == 8 ? squares_with(8, row, means, inverses, n)
        : size == 4 ? squares_with(4, row, means, inverses, n) : squares_with(1, row, means, inverses, n);
}

/* Have memory that will be read soon brought to the second-level cache. */
static inline void fetch(const char *memory, ptrdiff_t bytes)
{
#if defined(__GNUC__)
    for (ptrdiff_t at = 0; at < bytes; at += 64)
        __builtin_prefetch(memory + at, 0, 2);
#endif
}

/* Σ left · right in eight partial sums, number j in the j mod 8th: the order of all sums over the numbers of one row. */
ALWAYS_INLINE double dot_with(int size, const void *left, const double *right, ptrdiff_t n)
{
    double s[8] = {0};
    ptrdiff_t j = 0;
#if defined(__GNUC__)
    lanes low = {0}, high = {0};
    for (; j + 8 <= n; j += 8) {
        low += read_lanes(size, left, j) * READ(right + j);
        high += read_lanes(size, left, j + 4) * READ(right + j + 4);
    }
    AT(s) = low, AT(s + 4) = high;
#else
    for (; j + 8 <= n; j += 8)
        for (int l = 0; l < 8; l++)
            s[l] += number_at(size, left, j + l) * right[j + l];
#endif
    for (ptrdiff_t l = 0; j + l < n; l++)
        s[l] += number_at(size, left, j + l) * right[j + l];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static double dot(const double *left, const double *right, ptrdiff_t n)
{
    return dot_with(8, left, right, n);
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

/* Π (1 + e) in PRODUCT_LANES partial products, each kept less 1: (1 + a)(1 + b) - 1 = a + (b + a·b), exact for small ones. */
static void multiply_by(double *less_one, const double *e, ptrdiff_t count)
{
    ptrdiff_t i = 0;
#if defined(__GNUC__)
    lanes p0 = READ(less_one), p1 = READ(less_one + 4), p2 = READ(less_one + 8), p3 = READ(less_one + 12);
    for (; i + PRODUCT_LANES <= count; i += PRODUCT_LANES) {
        p0 = p0 + (READ(e + i) + p0 * READ(e + i));
        p1 = p1 + (READ(e + i + 4) + p1 * READ(e + i + 4));
        p2 = p2 + (READ(e + i + 8) + p2 * READ(e + i + 8));
        p3 = p3 + (READ(e + i + 12) + p3 * READ(e + i + 12));
    }
    AT(less_one) = p0, AT(less_one + 4) = p1, AT(less_one + 8) = p2, AT(less_one + 12) = p3;
#endif
    for (; i < count; i++) {
        double *p = less_one + i % PRODUCT_LANES;
        *p = *p + (e[i] + *p * e[i]);
    }
}

/* The product of the partial products, less 1. They begin again. */
static double take_product(double *less_one)
{
    double product;
    for (int half = PRODUCT_LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++)
            less_one[l] = less_one[l] + (less_one[half + l] + less_one[l] * less_one[half + l]);
    product = less_one[0];
    for (int l = 0; l < PRODUCT_LANES; l++)
        less_one[l] = 0;
    return product;
}

/* wide = n numbers of a storage. */
ALWAYS_INLINE void widen_with(int size, const void *numbers, ptrdiff_t n, double *wide)
{
    ptrdiff_t j = 0;
#if defined(__GNUC__)
    for (; j + LANES <= n; j += LANES)
        AT(wide + j) = read_lanes(size, numbers, j);
#endif
    for (; j < n; j++)
        wide[j] = number_at(size, numbers, j);
}

static void widen_numbers(int size, const void *numbers, ptrdiff_t n, double *wide)
{
    if (size == 8)
        widen_with(8, numbers, n, wide);
    else if (size == 4)
        widen_with(4, numbers, n, wide);
    else
        widen_with(1, numbers, n, wide);
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
