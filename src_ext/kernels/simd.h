/* Vectors of four float64, and sums whose order of addition is the same on every machine. */

/* Design
 *
 * (a) A double4 is one vector of AVX, or two of SSE2 or NEON, or four numbers if the compiler has no vector types (MSVC). Each
 *     number is added term by term in the order that stands here, so the bits are the same. One type of four numbers would
 *     serve for two vectors of two as well, but gcc 12 keeps it in memory: softmax took five times as long.
 * (b) Numbers are converted to float64 as they are read: 20,000 rows of 1,000 float32 took 11 ms when each block of rows was
 *     first copied as float64, and 5 ms without. They are named one by one, as gcc 12 makes one instruction of that, and seven
 *     of __builtin_convertvector; a byte becomes an int on the way for the same reason.
 * (c) ALWAYS_INLINE functions take `size`, the bytes of a stored number, as a constant: 8 and 4 are floats, 1 is a byte. */

#pragma once

#include <stddef.h>
#include <stdint.h>

#define LANES 4

#if defined(__GNUC__)
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi"  /* the ABI change it warns of does not affect inlined functions */
#endif
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define NEVER_INLINE static __attribute__((noinline))
#define DO_NOT_UNROLL _Pragma("GCC unroll 1")
#else
#define ALWAYS_INLINE static __forceinline
#define NEVER_INLINE static __declspec(noinline)
#define DO_NOT_UNROLL
#endif
#define RESTRICT __restrict

#if defined(__GNUC__) && defined(__AVX__)
typedef double double4 __attribute__((vector_size(32)));
typedef double double4_in_memory __attribute__((vector_size(32), aligned(8), may_alias));

ALWAYS_INLINE double4 four(double a, double b, double c, double d) { return (double4){a, b, c, d}; }
ALWAYS_INLINE double4 load(const double *from) { return *(const double4_in_memory *)from; }
ALWAYS_INLINE void store(double *to, double4 a) { *(double4_in_memory *)to = a; }
ALWAYS_INLINE double4 add(double4 a, double4 b) { return a + b; }
ALWAYS_INLINE double4 sub(double4 a, double4 b) { return a - b; }
ALWAYS_INLINE double4 mul(double4 a, double4 b) { return a * b; }
ALWAYS_INLINE double4 sum_each_of_four(double4 a, double4 b, double4 c, double4 d)
{
    double4 ac = four(a[0], a[1], c[0], c[1]) + four(a[2], a[3], c[2], c[3]);
    double4 bd = four(b[0], b[1], d[0], d[1]) + four(b[2], b[3], d[2], d[3]);
    return four(ac[0], bd[0], ac[2], bd[2]) + four(ac[1], bd[1], ac[3], bd[3]);
}
#elif defined(__GNUC__)
typedef double double2 __attribute__((vector_size(16)));
typedef double double2_in_memory __attribute__((vector_size(16), aligned(8), may_alias));
typedef struct { double2 low, high; } double4;

ALWAYS_INLINE double4 four(double a, double b, double c, double d) { return (double4){{a, b}, {c, d}}; }
ALWAYS_INLINE double4 load(const double *from)
{
    return (double4){*(const double2_in_memory *)from, *(const double2_in_memory *)(from + 2)};
}
ALWAYS_INLINE void store(double *to, double4 a)
{
    *(double2_in_memory *)to = a.low;
    *(double2_in_memory *)(to + 2) = a.high;
}
ALWAYS_INLINE double4 add(double4 a, double4 b) { return (double4){a.low + b.low, a.high + b.high}; }
ALWAYS_INLINE double4 sub(double4 a, double4 b) { return (double4){a.low - b.low, a.high - b.high}; }
ALWAYS_INLINE double4 mul(double4 a, double4 b) { return (double4){a.low * b.low, a.high * b.high}; }
ALWAYS_INLINE double4 sum_each_of_four(double4 a, double4 b, double4 c, double4 d)
{
    double2 as = a.low + a.high, bs = b.low + b.high, cs = c.low + c.high, ds = d.low + d.high;
    return (double4){(double2){as[0], bs[0]} + (double2){as[1], bs[1]}, (double2){cs[0], ds[0]} + (double2){cs[1], ds[1]}};
}
#else
typedef struct { double n[LANES]; } double4;

ALWAYS_INLINE double4 four(double a, double b, double c, double d) { double4 v = {{a, b, c, d}}; return v; }
ALWAYS_INLINE double4 load(const double *from) { return four(from[0], from[1], from[2], from[3]); }
ALWAYS_INLINE void store(double *to, double4 a) { to[0] = a.n[0], to[1] = a.n[1], to[2] = a.n[2], to[3] = a.n[3]; }
ALWAYS_INLINE double4 add(double4 a, double4 b)
{
    return four(a.n[0] + b.n[0], a.n[1] + b.n[1], a.n[2] + b.n[2], a.n[3] + b.n[3]);
}
ALWAYS_INLINE double4 sub(double4 a, double4 b)
{
    return four(a.n[0] - b.n[0], a.n[1] - b.n[1], a.n[2] - b.n[2], a.n[3] - b.n[3]);
}
ALWAYS_INLINE double4 mul(double4 a, double4 b)
{
    return four(a.n[0] * b.n[0], a.n[1] * b.n[1], a.n[2] * b.n[2], a.n[3] * b.n[3]);
}
ALWAYS_INLINE double sum_of_four(double4 v) { return (v.n[0] + v.n[2]) + (v.n[1] + v.n[3]); }
ALWAYS_INLINE double4 sum_each_of_four(double4 a, double4 b, double4 c, double4 d)
{
    return four(sum_of_four(a), sum_of_four(b), sum_of_four(c), sum_of_four(d));
}
#endif

/* sum_each_of_four, above: for each of four vectors v the sum (v[0] + v[2]) + (v[1] + v[3]). */

ALWAYS_INLINE double4 broadcast(double a) { return four(a, a, a, a); }
ALWAYS_INLINE double4 add_product(double4 total, double4 a, double4 b) { return add(total, mul(a, b)); }

/* Stored number j, as float64. */
ALWAYS_INLINE double number_at(int size, const void *numbers, ptrdiff_t j)
{
    return size == 8 ? ((const double *)numbers)[j] : size == 4 ? ((const float *)numbers)[j] : ((const uint8_t *)numbers)[j];
}

/* Stored numbers j … j + 3, as float64. */
ALWAYS_INLINE double4 load_stored(int size, const void *numbers, ptrdiff_t j)
{
    if (size == 8)
        return load((const double *)numbers + j);
    if (size == 4) {
        const float *p = (const float *)numbers + j;
        return four(p[0], p[1], p[2], p[3]);
    }
    const uint8_t *p = (const uint8_t *)numbers + j;
#if defined(__GNUC__)
    typedef int int4 __attribute__((vector_size(16)));
    int4 v = {p[0], p[1], p[2], p[3]};
    return four(v[0], v[1], v[2], v[3]);
#else
    return four(p[0], p[1], p[2], p[3]);
#endif
}

/* The total of the eight partial sums of dot_of_size and sum_of. */
ALWAYS_INLINE double sum_of_eight(const double *s)
{
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* Σ left · right in eight partial sums, number j in the j mod 8th; `left` is stored in `size` bytes a number. */
ALWAYS_INLINE double dot_of_size(int size, const void *left, const double *right, ptrdiff_t n)
{
    double s[8];
    double4 low = broadcast(0), high = broadcast(0);
    ptrdiff_t j = 0;
    for (; j + 8 <= n; j += 8) {
        low = add_product(low, load_stored(size, left, j), load(right + j));
        high = add_product(high, load_stored(size, left, j + 4), load(right + j + 4));
    }
    store(s, low), store(s + 4, high);
    for (ptrdiff_t l = 0; j + l < n; l++)
        s[l] += number_at(size, left, j + l) * right[j + l];
    return sum_of_eight(s);
}

/* Σ values, in the same order. */
static double sum_of(const double *values, ptrdiff_t n)
{
    double s[8];
    double4 low = broadcast(0), high = broadcast(0);
    ptrdiff_t j = 0;
    for (; j + 8 <= n; j += 8) {
        low = add(low, load(values + j));
        high = add(high, load(values + j + 4));
    }
    store(s, low), store(s + 4, high);
    for (ptrdiff_t l = 0; j + l < n; l++)
        s[l] += values[j + l];
    return sum_of_eight(s);
}
