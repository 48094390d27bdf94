/* Vectors of four numbers, and the loops over one row. This and the two headers by its side are C, as Cython has no vectors. */

/* Design
 *
 * (a) A vector is one of AVX's, or two of SSE2's or NEON's, or four single numbers where the compiler has no such types (MSVC).
 *     Each number is added up term by term, in the order that stands here, so the bits are the same. A type of four numbers
 *     serves for two of two as well, but gcc 12 keeps it in memory: softmax took five times as long.
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

#if defined(__GNUC__)
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi"  /* that vectors are handed over in other ways concerns no inlined function */
#endif
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define DO_NOT_UNROLL _Pragma("GCC unroll 1")
#else
#define ALWAYS_INLINE static __forceinline
#define DO_NOT_UNROLL
#endif

#if defined(__GNUC__) && defined(__AVX__)
typedef double lanes __attribute__((vector_size(32)));
typedef double lanes_in_memory __attribute__((vector_size(32), aligned(8), may_alias));

ALWAYS_INLINE lanes four(double a, double b, double c, double d) { return (lanes){a, b, c, d}; }
ALWAYS_INLINE lanes load(const double *from) { return *(const lanes_in_memory *)from; }
ALWAYS_INLINE void store(double *to, lanes a) { *(lanes_in_memory *)to = a; }
ALWAYS_INLINE lanes add(lanes a, lanes b) { return a + b; }
ALWAYS_INLINE lanes sub(lanes a, lanes b) { return a - b; }
ALWAYS_INLINE lanes mul(lanes a, lanes b) { return a * b; }

/* The sum of each of four vectors: (v[0] + v[2]) + (v[1] + v[3]). */
ALWAYS_INLINE lanes add_across(lanes a, lanes b, lanes c, lanes d)
{
    lanes ac = four(a[0], a[1], c[0], c[1]) + four(a[2], a[3], c[2], c[3]);
    lanes bd = four(b[0], b[1], d[0], d[1]) + four(b[2], b[3], d[2], d[3]);
    return four(ac[0], bd[0], ac[2], bd[2]) + four(ac[1], bd[1], ac[3], bd[3]);
}
#elif defined(__GNUC__)
typedef double pair __attribute__((vector_size(16)));
typedef double pair_in_memory __attribute__((vector_size(16), aligned(8), may_alias));
typedef struct { pair low, high; } lanes;

ALWAYS_INLINE lanes four(double a, double b, double c, double d) { return (lanes){{a, b}, {c, d}}; }
ALWAYS_INLINE lanes load(const double *from)
{
    return (lanes){*(const pair_in_memory *)from, *(const pair_in_memory *)(from + 2)};
}
ALWAYS_INLINE void store(double *to, lanes a)
{
    *(pair_in_memory *)to = a.low;
    *(pair_in_memory *)(to + 2) = a.high;
}
ALWAYS_INLINE lanes add(lanes a, lanes b) { return (lanes){a.low + b.low, a.high + b.high}; }
ALWAYS_INLINE lanes sub(lanes a, lanes b) { return (lanes){a.low - b.low, a.high - b.high}; }
ALWAYS_INLINE lanes mul(lanes a, lanes b) { return (lanes){a.low * b.low, a.high * b.high}; }
ALWAYS_INLINE lanes add_across(lanes a, lanes b, lanes c, lanes d)
{
    pair as = a.low + a.high, bs = b.low + b.high, cs = c.low + c.high, ds = d.low + d.high;
    return (lanes){(pair){as[0], bs[0]} + (pair){as[1], bs[1]}, (pair){cs[0], ds[0]} + (pair){cs[1], ds[1]}};
}
#else
typedef struct { double n[LANES]; } lanes;

ALWAYS_INLINE lanes four(double a, double b, double c, double d) { lanes v = {{a, b, c, d}}; return v; }
ALWAYS_INLINE lanes load(const double *from) { return four(from[0], from[1], from[2], from[3]); }
ALWAYS_INLINE void store(double *to, lanes a) { to[0] = a.n[0], to[1] = a.n[1], to[2] = a.n[2], to[3] = a.n[3]; }
ALWAYS_INLINE lanes add(lanes a, lanes b)
{
    return four(a.n[0] + b.n[0], a.n[1] + b.n[1], a.n[2] + b.n[2], a.n[3] + b.n[3]);
}
ALWAYS_INLINE lanes sub(lanes a, lanes b)
{
    return four(a.n[0] - b.n[0], a.n[1] - b.n[1], a.n[2] - b.n[2], a.n[3] - b.n[3]);
}
ALWAYS_INLINE lanes mul(lanes a, lanes b)
{
    return four(a.n[0] * b.n[0], a.n[1] * b.n[1], a.n[2] * b.n[2], a.n[3] * b.n[3]);
}
ALWAYS_INLINE double add_up(lanes v) { return (v.n[0] + v.n[2]) + (v.n[1] + v.n[3]); }
ALWAYS_INLINE lanes add_across(lanes a, lanes b, lanes c, lanes d)
{
    return four(add_up(a), add_up(b), add_up(c), add_up(d));
}
#endif

ALWAYS_INLINE lanes splat(double a) { return four(a, a, a, a); }
ALWAYS_INLINE lanes add_product(lanes total, lanes a, lanes b) { return add(total, mul(a, b)); }

/* Numbers of a storage: one, and four. */
ALWAYS_INLINE double number_at(int size, const void *numbers, ptrdiff_t at)
{
    return size == 8 ? ((const double *)numbers)[at] : size == 4 ? ((const float *)numbers)[at] : ((const uint8_t *)numbers)[at];
}

ALWAYS_INLINE lanes lanes_at(int size, const void *numbers, ptrdiff_t at)
{
    if (size == 8)
        return load((const double *)numbers + at);
    if (size == 4) {
        const float *p = (const float *)numbers + at;
        return four(p[0], p[1], p[2], p[3]);
    }
    const uint8_t *p = (const uint8_t *)numbers + at;
#if defined(__GNUC__)
    typedef int ints __attribute__((vector_size(16)));
    ints v = {p[0], p[1], p[2], p[3]};
    return four(v[0], v[1], v[2], v[3]);
#else
    return four(p[0], p[1], p[2], p[3]);
#endif
}

/* Σ left · right in eight partial sums, number j in the j mod 8th: the order of a row's sum for a single output. */
ALWAYS_INLINE double dot_with(int size, const void *left, const double *right, ptrdiff_t n)
{
    double s[8];
    lanes low = splat(0), high = splat(0);
    ptrdiff_t j = 0;
    for (; j + 8 <= n; j += 8) {
        low = add_product(low, lanes_at(size, left, j), load(right + j));
        high = add_product(high, lanes_at(size, left, j + 4), load(right + j + 4));
    }
    store(s, low), store(s + 4, high);
    for (ptrdiff_t l = 0; j + l < n; l++)
        s[l] += number_at(size, left, j + l) * right[j + l];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static double dot(const double *left, const double *right, ptrdiff_t n)
{
    return dot_with(8, left, right, n);
}

/* Σ ((x - mean) · inverse)² over a row, added up like `dot`. */
ALWAYS_INLINE double squares_with(int size, const void *row, const double *means, const double *inverses, ptrdiff_t n)
{
    double s[8], distance;
    lanes low = splat(0), high = splat(0), d;
    ptrdiff_t j = 0;
    for (; j + 8 <= n; j += 8) {
        d = mul(sub(lanes_at(size, row, j), load(means + j)), load(inverses + j));
        low = add_product(low, d, d);
        d = mul(sub(lanes_at(size, row, j + 4), load(means + j + 4)), load(inverses + j + 4));
        high = add_product(high, d, d);
    }
    store(s, low), store(s + 4, high);
    for (ptrdiff_t l = 0; j + l < n; l++) {
        distance = (number_at(size, row, j + l) - means[j + l]) * inverses[j + l];
        s[l] += distance * distance;
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
    lanes p[PRODUCT_LANES / LANES];
    ptrdiff_t i = 0;
    for (int v = 0; v < PRODUCT_LANES / LANES; v++)
        p[v] = load(less_one + v * LANES);
    for (; i + PRODUCT_LANES <= count; i += PRODUCT_LANES)
        for (int v = 0; v < PRODUCT_LANES / LANES; v++) {
            lanes factor = load(e + i + v * LANES);
            p[v] = add(p[v], add_product(factor, p[v], factor));
        }
    for (int v = 0; v < PRODUCT_LANES / LANES; v++)
        store(less_one + v * LANES, p[v]);
    for (; i < count; i++) {
        double *one = less_one + i % PRODUCT_LANES;
        *one = *one + (e[i] + *one * e[i]);
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
    for (; j + LANES <= n; j += LANES)
        store(wide + j, lanes_at(size, numbers, j));
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
    for (; j + LANES <= n; j += LANES) {
        lanes values = load(row + j);
        store(copy + j, values);
        store(scaled + j, mul(values, splat(factor)));
    }
    for (; j < n; j++) {
        double value = row[j];
        copy[j] = value;
        scaled[j] = value * factor;
    }
}
