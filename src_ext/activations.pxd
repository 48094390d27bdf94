# The sigmoid, from basic operations only, so that it has the same bits on every machine and can be vectorised.
#
# Why not the C library's exp: its last bits differ from platform to platform, and a call cannot be vectorised.
#
# e^x for x <= 0 (Cody and Waite's reduction; Muller, "Elementary Functions", chapter 11):
#   k = round(x / ln 2), by adding and subtracting 1.5·2^52, which leaves k in the low bits of the sum;
#   r = x - k·ln 2, |r| <= 0.3466, with ln 2 in two parts of which the first times k is exact;
#   e^r = 1 + r + r²·q(r), q of degree 9, interpolated at the Chebyshev nodes: relative error 1.6e-17;
#   e^x = e^r · 2^k, the power put together as bits.
# The polynomial is summed by Estrin's scheme: in the lesson's loop one iteration waits for the other, so the length of the
# chain of operations is the time. The 1 comes last, which costs one addition more in that chain and halves the error.
#
# sigmoid(x) = e / (1 + e) for x < 0 and 1 / (1 + e) else, e = e^-|x|: nothing overflows. Numerator and denominator are both
# scaled by 2^600, which costs nothing and keeps e out of the subnormal range, so the smallest results are exact as well.
#
# LOWEST_POWER hides its value from the compiler. Where gcc knows it, it works out e^-746 beforehand and branches around the
# polynomial, and the branch keeps the loop from being vectorised well: the lesson took 0.81 ms so and takes 0.72 ms now.

from libc.math cimport fabs
from libc.stdint cimport uint64_t
from libc.string cimport memcpy


cdef inline double from_bits(uint64_t bits) noexcept nogil:
    cdef double value
    memcpy(&value, &bits, sizeof(value))
    return value


cdef inline uint64_t to_bits(double value) noexcept nogil:
    cdef uint64_t bits
    memcpy(&bits, &value, sizeof(bits))
    return bits


cdef inline double scaled_exp(double x, uint64_t scale) noexcept nogil:
    """e^x · 2^scale for x in [-746, 0] (nan for nan), scale from 54 to 1022; correct to one unit in the last place.

    With a smaller scale the lowest powers are no numbers at all: their exponents would be below those of the bits.
    """
    cdef double shifter = 6755399441055744.0  # 1.5·2^52
    cdef double shifted = x * 1.4426950408889634 + shifter
    cdef double k = shifted - shifter
    cdef double r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10
    cdef double r2 = r * r
    cdef double r4 = r2 * r2
    cdef double r6 = r4 * r2
    cdef double q01 = 0.5000000000000001 + r * 0.16666666666666669
    cdef double q23 = 0.04166666666662399 + r * 0.008333333333330051
    cdef double q45 = 0.0013888888917281794 + r * 0.00019841269863105968
    cdef double q67 = 2.480152119021773e-05 + r * 2.7557268378684192e-06
    cdef double q89 = 2.7620138719733994e-07 + r * 2.5100424157005067e-08
    cdef double less_one = ((r + r2 * q01) + r4 * q23) + r6 * ((q45 + q67 * r2) + r4 * q89)
    return (1.0 + less_one) * from_bits((to_bits(shifted) - to_bits(shifter) + 1023 + scale) << 52)


cdef extern from *:
    """
    #include <float.h>
    #if (defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0) || defined(__FAST_MATH__)
    #error "the exponential needs plain float64 arithmetic: no x87 (use -mfpmath=sse -msse2), no fast-math"
    #endif
    static volatile const double LOWEST_POWER = -746.0;  /* e to it is less than half the smallest float */
    """
    const double LOWEST_POWER


cdef inline double sigmoid(double x, double lowest_power) noexcept nogil:
    """1 / (1 + e^-x), correct to two units in the last place; nan for nan. lowest_power is LOWEST_POWER, read beforehand."""
    cdef double power = -fabs(x)
    cdef double e = scaled_exp(lowest_power if power < lowest_power else power, 600)
    cdef double one = 4.149515568880993e+180  # 2^600
    return (one if x >= 0.0 else e) / (one + e)


cdef inline double log1p(double e) noexcept nogil:
    """log(1 + e) for e in [0, 1], correct to two units in the last place.

    With s = e / (2 + e) it is 2·atanh(s) = 2s + s·t·g(t), t = s²; and 2s = e - s·e, which spares the rounding of s.
    g is of degree 9, interpolated at the Chebyshev nodes of [0, 1/9]: relative error 5e-18.
    """
    cdef double s = e / (2.0 + e)
    cdef double t = s * s
    cdef double t2 = t * t
    cdef double t4 = t2 * t2
    cdef double g01 = 0.6666666666666666 + t * 0.40000000000014585
    cdef double g23 = 0.2857142856710876 + t * 0.22222222717427864
    cdef double g45 = 0.18181789436132859 + t * 0.15385570064958623
    cdef double g67 = 0.13314144209654935 + t * 0.12001072809590713
    cdef double g89 = 0.08800738486144674 + t * 0.1616404561194353
    cdef double g = (g01 + t2 * g23) + t4 * ((g45 + t2 * g67) + t4 * g89)
    return e - s * (e - t * g)
