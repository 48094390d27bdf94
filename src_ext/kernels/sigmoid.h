/* The exponential, sigmoid and logarithm from basic operations: the same bits on every machine, and loops over them vectorise. */

/* Design
 *
 * (a) The C library's exp differs in the last bits between platforms, and a call to it does not vectorise.
 * (b) e^x for x <= 0 (Cody and Waite's reduction; Muller, "Elementary Functions", chapter 11):
 *       k = round(x / ln 2), by adding and subtracting 1.5·2^52, which leaves k in the low bits of the sum;
 *       r = x - k·ln 2, |r| <= 0.3466, with ln 2 in two parts of which the first times k is exact;
 *       e^r = 1 + r + r²·q(r), q of degree 9, interpolated at the Chebyshev nodes: relative error 1.6e-17;
 *       e^x = e^r · 2^k, the power put together as bits.
 *     The polynomial is summed by Estrin's scheme: in the lesson's loop one iteration waits for the other, so the time is the
 *     length of the chain of operations. The 1 is added last: one addition more in that chain, and half the error. 2^k
 *     multiplies the terms as they are ready, which changes no bit, as a power of two scales exactly, and spares the chain a
 *     multiplication at its end.
 * (c) sigmoid(x) = e / (1 + e) for x < 0, else 1 / (1 + e), with e = e^-|x|: nothing overflows. Numerator and denominator are
 *     scaled by 2^600, which keeps e out of the subnormal range, so that the smallest results are exact as well.
 * (d) MIN_EXPONENT is volatile to hide its value. If gcc knows it, it computes e^-746 beforehand and branches around the
 *     polynomial, and the branch keeps the loop from being vectorised well: the lesson took 0.81 ms instead of 0.72. */

#pragma once

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#if (defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0) || defined(__FAST_MATH__)
#error "the exponential needs plain float64 arithmetic: no x87 (use -mfpmath=sse -msse2), no fast-math"
#endif

#define TWO_TO_600 4.149515568880993e+180
#define TWO_TO_MINUS_600 2.409919865102884e-181
#define LN_2 0.6931471805599453

static volatile const double MIN_EXPONENT = -746.0;  /* e^-746 rounds to 0 */

static inline double from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint64_t to_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* 2^600 · e^x for x <= 0, to one unit in the last place; nan for nan. min_exponent is MIN_EXPONENT, read before the loop. */
static inline double scaled_exp(double x, double min_exponent)
{
    const double shifter = 6755399441055744.0;  /* 1.5·2^52 */
    x = x < min_exponent ? min_exponent : x;
    double shifted = x * 1.4426950408889634 + shifter;
    double k = shifted - shifter;
    double r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10;
    double r2 = r * r;
    double r4 = r2 * r2;
    double r6 = r4 * r2;
    double q01 = 0.5000000000000001 + r * 0.16666666666666669;
    double q23 = 0.04166666666662399 + r * 0.008333333333330051;
    double q45 = 0.0013888888917281794 + r * 0.00019841269863105968;
    double q67 = 2.480152119021773e-05 + r * 2.7557268378684192e-06;
    double q89 = 2.7620138719733994e-07 + r * 2.5100424157005067e-08;
    double power = from_bits((to_bits(shifted) - to_bits(shifter) + 1023 + 600) << 52);
    return power + (power * ((r + r2 * q01) + r4 * q23) + power * r6 * ((q45 + q67 * r2) + r4 * q89));
}

/* -|x| in one operation, where gcc makes two of -fabs(x). */
static inline double minus_magnitude(double x)
{
    return from_bits(to_bits(x) | (uint64_t)1 << 63);
}

/* 1 / (1 + e^-x), to two units in the last place; nan for nan. */
static inline double sigmoid(double x, double min_exponent)
{
    double e = scaled_exp(minus_magnitude(x), min_exponent);
    return (x >= 0.0 ? TWO_TO_600 : e) / (TWO_TO_600 + e);
}

/* log(1 + e) for e in [0, 1], to two units in the last place.
 *
 * With s = e / (2 + e) it is 2·atanh(s) = 2s + s·t·g(t), t = s²; and 2s = e - s·e, which spares the rounding of s.
 * g is of degree 9, interpolated at the Chebyshev nodes of [0, 1/9]: relative error 5e-18. */
static inline double log_one_plus(double e)
{
    double s = e / (2.0 + e);
    double t = s * s;
    double t2 = t * t;
    double t4 = t2 * t2;
    double g01 = 0.6666666666666666 + t * 0.40000000000014585;
    double g23 = 0.2857142856710876 + t * 0.22222222717427864;
    double g45 = 0.18181789436132859 + t * 0.15385570064958623;
    double g67 = 0.13314144209654935 + t * 0.12001072809590713;
    double g89 = 0.08800738486144674 + t * 0.1616404561194353;
    double g = (g01 + t2 * g23) + t4 * ((g45 + t2 * g67) + t4 * g89);
    return e - s * (e - t * g);
}

/* The logarithm of a finite number from 1 on; its exponent becomes a number by the bits of 2^52 + exponent. */
static inline double log_from_one(double value)
{
    uint64_t bits = to_bits(value);
    double exponent = from_bits((bits >> 52) | 0x4330000000000000ULL) - 4503599627371519.0;  /* 2^52 + 1023 */
    return exponent * LN_2 + log_one_plus(from_bits((bits & 0xFFFFFFFFFFFFFULL) | 0x3FF0000000000000ULL) - 1.0);
}
