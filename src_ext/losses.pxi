"""The losses over blocks of rows: from weighted sums to losses, slopes and curvatures."""

# Design
#
# (a) A new loss is a function like sigmoid_squared_error, and a line in slopes_of.
# (b) They are plain loops over arrays without a way out, so that they vectorise; exponentials and logarithms are those of
#     activations.pxd. All powers are scaled by 2^600, without which the exponents of the smallest would be none at all.
# (c) The logarithms of many rows are one logarithm of a product: an exponential and a sigmoid take about 1.7 ns, and a
#     logarithm for each row took another 2.0 ns.

from libc.stdint cimport uint16_t, uint64_t

from activations cimport from_bits, log1p, to_bits


cdef inline double log_of(double value) noexcept nogil:
    """The logarithm of a finite number from 1 on; its exponent becomes a number by the bits of 2^52 + exponent."""
    cdef uint64_t bits = to_bits(value)
    cdef double exponent = from_bits((bits >> 52) | 0x4330000000000000ULL) - 4503599627371519.0  # 2^52 + 1023
    return exponent * LN_2 + log1p(from_bits((bits & 0xFFFFFFFFFFFFFULL) | 0x3FF0000000000000ULL) - 1.0)


cdef struct Product:
    # Of factors from 1 to 2, whose logarithms are wanted: at most LARGEST_PRODUCT of them.
    double less_one[PRODUCT_LANES]
    Py_ssize_t factors


cdef inline double log_of_product(Product* product) noexcept nogil:
    """Its logarithm. It begins again."""
    cdef double less_one = take_product(product.less_one)
    product.factors = 0
    return log1p(less_one) if less_one <= 1.0 else log_of(1.0 + less_one)


cdef double multiply(Product* product, const double* less_one, Py_ssize_t count) noexcept nogil:
    """Take more factors, each given less 1; the logarithm of those that were enough."""
    cdef Py_ssize_t at = 0, some
    cdef double total = 0.0
    while at < count:
        some = min(count - at, <Py_ssize_t> LARGEST_PRODUCT)
        if product.factors + some > LARGEST_PRODUCT:
            total += log_of_product(product)
        multiply_by(product.less_one, less_one + at, some)
        product.factors += some
        at += some
    return total


cdef double sigmoid_log_loss(
    double* sums, const double* targets, Py_ssize_t count, Product* product, double* losses, double* slopes, double* curvatures
) noexcept nogil:
    """ℓ = log(1 + e^z) - y·z = log(1 + e^-|z|) + max(z, 0) - y·z, ∂ℓ/∂z = o - y, h = o·(1 - o).

    A logarithm costs as much as all the rest. Where there is a product, the first terms are therefore left out of the losses,
    and the factors 1 + e^-|z| go into it.
    """
    cdef Py_ssize_t at
    cdef double z, e, lowest_power = LOWEST_POWER
    cdef double one = 4.149515568880993e+180, small = 2.409919865102884e-181  # 2^600 and its inverse
    for at in range(count):
        z = sums[at]
        e = -fabs(z)
        e = scaled_exp(lowest_power if e < lowest_power else e, 600)
        slopes[at] = (one if z >= 0.0 else e) / (one + e) - targets[at]
        losses[at] = (z if z >= 0.0 else 0.0) - targets[at] * z
        sums[at] = e * small
    if curvatures != NULL:
        for at in range(count):
            z = slopes[at] + targets[at]
            curvatures[at] = z * (1.0 - z)
    if product != NULL:
        return multiply(product, sums, count)
    for at in range(count):
        losses[at] = log1p(sums[at]) + losses[at]
    return 0.0


cdef void sigmoid_squared_error(
    const double* sums, const double* targets, Py_ssize_t count, double* losses, double* slopes, double* curvatures
) noexcept nogil:
    """ℓ = ½(o - y)², ∂ℓ/∂z = (o - y)·o·(1 - o), h = (o·(1 - o))²."""
    cdef Py_ssize_t at
    cdef double o, error, slope, lowest_power = LOWEST_POWER
    for at in range(count):
        o = sigmoid(sums[at], lowest_power)
        error = o - targets[at]
        slope = o * (1.0 - o)
        losses[at] = error * error * 0.5
        slopes[at] = error * slope
        if curvatures != NULL:
            curvatures[at] = slope * slope


cdef void softmax_of(
    double* sums, Py_ssize_t count, Py_ssize_t stride, double* highest, double* totals
) noexcept nogil:
    """Each row's sums become 2^600·e^(z - the highest), with that and their total: so the smallest are exact as well."""
    cdef Py_ssize_t i, at
    cdef double power, lowest_power = LOWEST_POWER
    for i in range(count):
        highest[i] = take_off_largest(sums + i * stride, stride)
    for at in range(count * stride):
        power = sums[at]
        sums[at] = scaled_exp(lowest_power if power < lowest_power else power, 600)
    for i in range(count):
        totals[i] = sum_of_vectors(sums + i * stride, stride)


cdef void softmax_log_loss(
    double* sums, const double* targets, Py_ssize_t count, Py_ssize_t stride, double* losses, double* slopes,
    double* curvatures, double* totals
) noexcept nogil:
    """ℓ = log Σ e^z - Σ y·z for each row, ∂ℓ/∂z = o - y, h = o·(1 - o). Of a row's losses, the first is all of it."""
    cdef Py_ssize_t i, c, at
    cdef double inverse, small = 2.409919865102884e-181  # 2^-600
    cdef double* behind = totals + count  # how far a row's own sum is behind its highest
    cdef double power, lowest_power = LOWEST_POWER
    for i in range(count):
        take_off_largest(sums + i * stride, stride)
        behind[i] = -dot_of_vectors(targets + i * stride, sums + i * stride, stride)
    for at in range(count * stride):
        power = sums[at]
        sums[at] = scaled_exp(lowest_power if power < lowest_power else power, 600)
    for i in range(count):
        totals[i] = sum_of_vectors(sums + i * stride, stride)
    for i in range(count):
        behind[i] += log_of(totals[i] * small)
        totals[i] = 1.0 / totals[i]
    memset(losses, 0, count * stride * sizeof(double))
    for i in range(count):
        losses[i * stride] = behind[i]
        inverse = totals[i]
        for c in range(stride):
            at = i * stride + c
            sums[at] *= inverse
            slopes[at] = sums[at] - targets[at]
    if curvatures != NULL:
        for at in range(count * stride):
            curvatures[at] = sums[at] * (1.0 - sums[at])


cdef void targets_of(
    const Samples* samples, const Outputs* outputs, const long long* rows, Py_ssize_t first, Py_ssize_t count, double* targets
) noexcept nogil:
    """A 0 or 1 for each row, or listed row, and output."""
    cdef Py_ssize_t i, c, row, at, stride = outputs.stride
    cdef long long target
    if stride == 1 and rows == NULL and not samples.wide_targets:
        for i in range(count):
            targets[i] = samples.targets[first + i]
        return
    memset(targets, 0, count * stride * sizeof(double))
    for i in range(count):
        row = rows[first + i] if rows != NULL else first + i
        for c in range(samples.target_columns):
            at = row * samples.target_columns + c
            if samples.wide_targets:
                target = (<const uint16_t*> samples.targets)[at]
            else:
                target = samples.targets[at]
            if samples.target_columns == outputs.n_outputs:
                targets[i * stride + c] = <double> target
            else:
                targets[i * stride + target] = 1.0


cdef double slopes_of(
    const Samples* samples, const Outputs* outputs, double* sums, const double* targets, Py_ssize_t count, Product* product,
    double* losses, double* slopes, double* curvatures, double* room
) noexcept nogil:
    """What the loss makes of a block's sums, each of them without the sample's weight. The sums are spoilt.

    With a product, parts of the losses may go into it, and what was enough of it is returned. Curvatures are only made where
    there is room for them.
    """
    if samples.loss == SOFTMAX_LOG_LOSS:
        softmax_log_loss(sums, targets, count, outputs.stride, losses, slopes, curvatures, room)
    elif samples.loss == SIGMOID_SQUARED_ERROR:
        sigmoid_squared_error(sums, targets, count * outputs.stride, losses, slopes, curvatures)
    else:
        return sigmoid_log_loss(sums, targets, count * outputs.stride, product, losses, slopes, curvatures)
    return 0.0
