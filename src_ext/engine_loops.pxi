"""The hot loops of the engine: losses, gradients, Hessians and predictions over blocks of rows, and vectors."""

# Design
#
# (a) A pass over a chunk of rows goes block by block: rows to weighted sums, sums to losses and slopes, rows and slopes to the
#     gradient, while the block is in the first-level cache. Each of these is a plain loop of one kind, which the compiler
#     vectorises; that beats one fused loop, in which the exponential and the short sums hinder each other.
# (b) float64 rows are read where they lie; float32 and bytes are widened into a block of their own first, which is cheaper
#     than to widen them in each of the loops, and spares a copy of every loop for every storage.
# (c) One output, 16 inputs or more: a row's sum runs in eight partial sums. Fewer: left to right, eight rows side by side, as
#     a row is too short to pay for adding partial sums up. The gradient takes four rows at a time.
# (d) Several outputs: the tile of lanes.h, forth with the coefficients transposed, back with the samples read by column. Each
#     output's sums are filled up to whole vectors.
# (e) A Hessian is the tile again, over blocks of rows with their 1 and the same rows times weight and curvature; only tiles
#     that touch the lower triangle are made.
# (f) All sums are added in an order that is written out, and no lane of a vector ever depends on another, so neither the
#     instruction set nor the number of threads changes a bit.
# (g) A sum that is not finite, or beyond ±1e300, is taken again by sum_in_smaller_units and kept in ±1e300: then no loss, share
#     or slope of finite numbers is nan.

from libc.string cimport memset

from activations cimport from_bits, log1p, scaled_exp, to_bits
from loops cimport (
    PAIR, SHARES, SIGMOID, SIGMOID_SQUARED_ERROR, SOFTMAX, SOFTMAX_LOG_LOSS, SUMS, Link, Outputs, Samples, Table, size_of,
)

cdef extern from "lanes.h":
    enum: TILE_ROWS
    enum: LANES
    enum: TILE_VECTORS
    void tile(
        int vectors, const double* const* a, Py_ssize_t a_step, const double* b, Py_ssize_t b_step, Py_ssize_t terms,
        double* c, Py_ssize_t c_row
    ) noexcept nogil
    void short_sums(
        const double* rows, Py_ssize_t count, const double* weights, Py_ssize_t n, double* sums
    ) noexcept nogil
    void add_four_rows_by_lanes(
        double* gradient, const double* row, double a0, double a1, double a2, double a3, Py_ssize_t n
    ) noexcept nogil
    double take_off_largest(double* row, Py_ssize_t n) noexcept nogil
    double dot_of_vectors(const double* left, const double* right, Py_ssize_t n) noexcept nogil
    double sum_of_vectors(const double* values, Py_ssize_t n) noexcept nogil
    void spread_row(const double* row, double factor, Py_ssize_t n, double* copy, double* scaled) noexcept nogil

cdef extern from *:
    """
    #define FARTHEST 1e300
    #define LN_2 0.6931471805599453
    """
    const double FARTHEST
    const double LN_2

cdef enum:
    BLOCK_VALUES = 2048  # numbers in a block of rows: 16 kB
    LARGEST_BLOCK = 256  # rows
    HESSIAN_ROWS = 64  # rows in a block of a Hessian


cdef inline Py_ssize_t rows_in_block(const Outputs* outputs) noexcept nogil:
    return max(8, min(LARGEST_BLOCK, BLOCK_VALUES // max(outputs.n_inputs, outputs.stride) // 8 * 8))


cdef inline Py_ssize_t whole_vectors(Py_ssize_t count) noexcept nogil:
    return (count + LANES - 1) // LANES * LANES


cdef Py_ssize_t room_for_rows(const Outputs* outputs) noexcept nogil:
    """How many numbers of room the functions below need for a pass with these outputs."""
    cdef Py_ssize_t rows = max(rows_in_block(outputs), HESSIAN_ROWS)
    cdef Py_ssize_t padded = whole_vectors(outputs.width) + 2 * LANES * TILE_VECTORS
    return rows * (5 * outputs.stride + 4) + rows * outputs.n_inputs + 2 * HESSIAN_ROWS * padded + padded * (
        outputs.stride + 2
    ) + 64


cdef inline double* take_room(double** room, Py_ssize_t count) noexcept nogil:
    cdef double* start = room[0]
    room[0] += count
    return start


# Rows as float64.

cdef void widen_of(const storage* values, Py_ssize_t count, double* wide) noexcept nogil:
    cdef Py_ssize_t at
    for at in range(count):
        wide[at] = values[at]


cdef const double* rows_of(const Table* table, Py_ssize_t first, Py_ssize_t count, double* wide) noexcept nogil:
    """`count` rows in float64: where they lie, or else in `wide`."""
    cdef const char* start = table.memory + first * table.n_columns * size_of(table.storage)
    if table.storage == FLOAT64:
        return <const double*> start
    if table.storage == FLOAT32:
        widen_of(<const float*> start, count * table.n_columns, wide)
    else:
        widen_of(<const uint8_t*> start, count * table.n_columns, wide)
    return wide


# Weighted sums.

cdef inline void long_sums(
    const double* rows, Py_ssize_t count, const double* weights, Py_ssize_t n, double* sums
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        sums[i] = dot(rows + i * n, weights, n)


cdef double dot(const double* left, const double* right, Py_ssize_t count) noexcept nogil:
    """Σ left·right in eight partial sums."""
    cdef double total
    cdef double s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0
    cdef Py_ssize_t j = 0
    while j + 8 <= count:
        s0 += left[j] * right[j]
        s1 += left[j + 1] * right[j + 1]
        s2 += left[j + 2] * right[j + 2]
        s3 += left[j + 3] * right[j + 3]
        s4 += left[j + 4] * right[j + 4]
        s5 += left[j + 5] * right[j + 5]
        s6 += left[j + 6] * right[j + 6]
        s7 += left[j + 7] * right[j + 7]
        j += 8
    total = ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))
    while j < count:
        total += left[j] * right[j]
        j += 1
    return total


cdef double sum_of(const double* values, Py_ssize_t count) noexcept nogil:
    """Σ values in eight partial sums."""
    cdef double total
    cdef double s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0
    cdef Py_ssize_t j = 0
    while j + 8 <= count:
        s0 += values[j]
        s1 += values[j + 1]
        s2 += values[j + 2]
        s3 += values[j + 3]
        s4 += values[j + 4]
        s5 += values[j + 5]
        s6 += values[j + 6]
        s7 += values[j + 7]
        j += 8
    total = ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))
    while j < count:
        total += values[j]
        j += 1
    return total


cdef void tiles_of_sums(const double* rows, Py_ssize_t count, const Outputs* outputs, double* sums) noexcept nogil:
    """sums = rows @ columns without the intercepts, for several outputs.

    What fills a row up is -1e300: to the softmax and to a sigmoid it is nothing, and costs no second look.
    """
    cdef Py_ssize_t i = 0, c, r, n = outputs.n_inputs
    cdef int vectors
    cdef const double* four[TILE_ROWS]
    cdef double last[TILE_ROWS * LANES * TILE_VECTORS]
    for i in range(count):
        for c in range(outputs.stride):
            sums[i * outputs.stride + c] = 0.0 if c < outputs.n_outputs else -FARTHEST
    i = 0
    while i < count:
        for r in range(TILE_ROWS):
            four[r] = rows + min(i + r, count - 1) * n
        c = 0
        while c < outputs.stride:
            vectors = <int> min(TILE_VECTORS, (outputs.stride - c) // LANES)
            if i + TILE_ROWS <= count:
                tile(vectors, four, 1, outputs.columns + c, outputs.stride, n, sums + i * outputs.stride + c, outputs.stride)
            else:
                for r in range(TILE_ROWS):
                    memcpy(
                        last + r * LANES * TILE_VECTORS, sums + min(i + r, count - 1) * outputs.stride + c,
                        vectors * LANES * sizeof(double)
                    )
                tile(vectors, four, 1, outputs.columns + c, outputs.stride, n, last, LANES * TILE_VECTORS)
                for r in range(count - i):
                    memcpy(
                        sums + (i + r) * outputs.stride + c, last + r * LANES * TILE_VECTORS, vectors * LANES * sizeof(double)
                    )
            c += vectors * LANES
        i += TILE_ROWS


cdef bint sums_of_rows(const double* rows, Py_ssize_t count, const Outputs* outputs, double* sums) noexcept nogil:
    """The weighted sums of `count` rows, kept in ±1e300; whether all numbers of the rows are sure to be finite."""
    cdef Py_ssize_t n = outputs.n_inputs, k = outputs.n_outputs, stride = outputs.stride, i, c, at, near = 0
    cdef bint intercept = outputs.width > n
    cdef double b
    if k > 1:
        tiles_of_sums(rows, count, outputs, sums)
        if intercept:
            for i in range(count):
                for c in range(stride):
                    sums[i * stride + c] += outputs.columns[n * stride + c]
    else:
        if n < 16:
            short_sums(rows, count, outputs.coefficients, n, sums)
        else:
            long_sums(rows, count, outputs.coefficients, n, sums)
        if intercept:
            b = outputs.coefficients[n]
            for i in range(count):
                sums[i] += b
    for at in range(count * stride):  # without a way out, so that it vectorises
        near += fabs(sums[at]) <= FARTHEST
    if near == count * stride:
        return True
    for i in range(count):
        for c in range(k):
            at = i * stride + c
            if not isfinite(sums[at]):
                sums[at] = sum_in_smaller_units(rows + i * n, outputs.coefficients + c * outputs.width, n, intercept)
            sums[at] = min(max(sums[at], -FARTHEST), FARTHEST)
    return False


# From sums to losses and slopes. A new loss is a function like these three, and a line in slopes_of.

cdef void sigmoid_log_loss(
    const double* sums, const double* targets, Py_ssize_t count, double* losses, double* slopes, double* curvatures
) noexcept nogil:
    """ℓ = log(1 + e^z) - y·z, ∂ℓ/∂z = o - y, h = o·(1 - o); curvatures are only made where there is room for them."""
    cdef Py_ssize_t at
    cdef double z, e, lowest_power = LOWEST_POWER
    cdef double one = 4.149515568880993e+180, small = 2.409919865102884e-181  # 2^600 and its inverse
    for at in range(count):
        z = sums[at]
        e = -fabs(z)
        e = scaled_exp(lowest_power if e < lowest_power else e, 600)
        slopes[at] = (one if z >= 0.0 else e) / (one + e) - targets[at]
        losses[at] = log1p(e * small) + ((z if z >= 0.0 else 0.0) - targets[at] * z)
    if curvatures != NULL:
        for at in range(count):
            z = slopes[at] + targets[at]
            curvatures[at] = z * (1.0 - z)


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


cdef inline double log_of(double value) noexcept nogil:
    """The logarithm of a finite number from 1 on; its exponent becomes a number by the bits of 2^52 + exponent."""
    cdef uint64_t bits = to_bits(value)
    cdef double exponent = from_bits((bits >> 52) | 0x4330000000000000ULL) - 4503599627371519.0  # 2^52 + 1023
    return exponent * LN_2 + log1p(from_bits((bits & 0xFFFFFFFFFFFFFULL) | 0x3FF0000000000000ULL) - 1.0)


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


cdef void slopes_of(
    const Samples* samples, const Outputs* outputs, double* sums, const double* targets, Py_ssize_t count, double* losses,
    double* slopes, double* curvatures, double* room
) noexcept nogil:
    """What the loss makes of a block's sums, each of them without the sample's weight. The sums are spoilt."""
    if samples.loss == SOFTMAX_LOG_LOSS:
        softmax_log_loss(sums, targets, count, outputs.stride, losses, slopes, curvatures, room)
        return
    if samples.loss == SIGMOID_SQUARED_ERROR:
        sigmoid_squared_error(sums, targets, count * outputs.stride, losses, slopes, curvatures)
    else:
        sigmoid_log_loss(sums, targets, count * outputs.stride, losses, slopes, curvatures)


# From slopes to the gradient.

cdef inline void add_rows(
    double* gradient, const double* rows, const double* slopes, Py_ssize_t count, Py_ssize_t n
) noexcept nogil:
    """gradient += Σ slope·row, four rows at a time."""
    cdef Py_ssize_t i = 0
    while i + 4 <= count:
        add_four_rows_by_lanes(gradient, rows + i * n, slopes[i], slopes[i + 1], slopes[i + 2], slopes[i + 3], n)
        i += 4
    while i < count:
        add_one_row(gradient, rows + i * n, slopes[i], n, False)
        i += 1


cdef void add_tiles(
    const double* rows, const double* slopes, Py_ssize_t count, Py_ssize_t n, Py_ssize_t stride, double* columns
) noexcept nogil:
    """columns += rowsᵀ @ slopes, for several outputs."""
    cdef Py_ssize_t j = 0, c, r
    cdef int vectors
    cdef const double* four[TILE_ROWS]
    cdef double last[TILE_ROWS * LANES * TILE_VECTORS]
    while j < n:
        for r in range(TILE_ROWS):
            four[r] = rows + min(j + r, n - 1)
        c = 0
        while c < stride:
            vectors = <int> min(TILE_VECTORS, (stride - c) // LANES)
            if j + TILE_ROWS <= n:
                tile(vectors, four, n, slopes + c, stride, count, columns + j * stride + c, stride)
            else:
                memset(last, 0, sizeof(last))
                for r in range(n - j):
                    memcpy(last + r * LANES * TILE_VECTORS, columns + (j + r) * stride + c, vectors * LANES * sizeof(double))
                tile(vectors, four, n, slopes + c, stride, count, last, LANES * TILE_VECTORS)
                for r in range(n - j):
                    memcpy(columns + (j + r) * stride + c, last + r * LANES * TILE_VECTORS, vectors * LANES * sizeof(double))
            c += vectors * LANES
        j += TILE_ROWS


cdef void add_losses(
    const Samples* samples, const Outputs* outputs, Py_ssize_t first, Py_ssize_t last, double* part, double* room
) noexcept nogil:
    """part = Σ s·ℓ and the gradient of it, over the rows first … last - 1."""
    cdef Py_ssize_t n = outputs.n_inputs, k = outputs.n_outputs, stride = outputs.stride, width = outputs.width
    cdef Py_ssize_t most = rows_in_block(outputs), count, i, c, at
    cdef double* wide = take_room(&room, most * n)
    cdef double* sums = take_room(&room, most * stride)
    cdef double* targets = take_room(&room, most * stride)
    cdef double* losses = take_room(&room, most * stride)
    cdef double* slopes = take_room(&room, most * stride)
    cdef double* columns = take_room(&room, width * stride)  # the gradient, transposed
    cdef const double* rows
    memset(columns, 0, width * stride * sizeof(double))
    part[0] = 0.0
    while first < last:
        count = min(most, last - first)
        rows = rows_of(&samples.inputs, first, count, wide)
        sums_of_rows(rows, count, outputs, sums)
        targets_of(samples, outputs, NULL, first, count, targets)
        slopes_of(samples, outputs, sums, targets, count, losses, slopes, NULL, room)
        if samples.weights != NULL:
            for i in range(count):
                for c in range(stride):
                    losses[i * stride + c] *= samples.weights[first + i]
                    slopes[i * stride + c] *= samples.weights[first + i]
        part[0] += sum_of(losses, count * stride)
        if k == 1:
            add_rows(columns, rows, slopes, count, n)
            if width > n:
                columns[n] += sum_of(slopes, count)
        else:
            add_tiles(rows, slopes, count, n, stride, columns)
            if width > n:
                for i in range(count):
                    for c in range(stride):
                        columns[n * stride + c] += slopes[i * stride + c]
        first += count
    for c in range(k):
        for at in range(width):
            part[1 + c * width + at] = columns[at * stride + c]


cdef void add_hessian(
    const Samples* samples, const Outputs* outputs, Py_ssize_t output, const long long* listed, const double* row_weights,
    Py_ssize_t first, Py_ssize_t last, double* matrix, double* room
) noexcept nogil:
    """matrix += Σ s·h·x·xᵀ over the rows, or listed rows, first … last - 1: tiles of the lower triangle, rows of whole vectors.

    The matrix has room for whole tiles below and beside it.
    """
    cdef Py_ssize_t n = outputs.n_inputs, k = outputs.n_outputs, stride = outputs.stride, width = outputs.width
    cdef Py_ssize_t padded = whole_vectors(width), count, i, j, c, r, row
    cdef double* ones = take_room(&room, HESSIAN_ROWS * padded)
    cdef double* scaled = take_room(&room, HESSIAN_ROWS * padded)
    cdef double* wide = take_room(&room, HESSIAN_ROWS * n)
    cdef double* sums = take_room(&room, HESSIAN_ROWS * stride)
    cdef double* targets = take_room(&room, HESSIAN_ROWS * stride)
    cdef double* slopes = take_room(&room, HESSIAN_ROWS * stride)
    cdef double* losses = take_room(&room, HESSIAN_ROWS * stride)
    cdef double* curvatures = take_room(&room, HESSIAN_ROWS * stride)
    cdef double h
    cdef int vectors
    cdef const double* rows
    cdef const double* four[TILE_ROWS]
    memset(ones, 0, 2 * HESSIAN_ROWS * padded * sizeof(double))  # of both: what fills their rows up stays 0
    while first < last:
        count = min(<Py_ssize_t> HESSIAN_ROWS, last - first)
        if listed == NULL:
            rows = rows_of(&samples.inputs, first, count, wide)
        else:
            for i in range(count):
                rows = rows_of(&samples.inputs, listed[first + i], 1, wide + i * n)
                if rows != wide + i * n:
                    memcpy(wide + i * n, rows, n * sizeof(double))
            rows = wide
        sums_of_rows(rows, count, outputs, sums)
        targets_of(samples, outputs, listed, first, count, targets)
        slopes_of(samples, outputs, sums, targets, count, losses, slopes, curvatures, room)
        for i in range(count):
            row = listed[first + i] if listed != NULL else first + i
            if output >= 0:
                h = curvatures[i * stride + output]
            else:
                h = 0.0
                for c in range(k):
                    h += curvatures[i * stride + c]
                h /= k
            if samples.weights != NULL:
                h *= samples.weights[row]
            if row_weights != NULL:
                h *= row_weights[first + i]
            spread_row(rows + i * n, h, n, ones + i * padded, scaled + i * padded)
            if width > n:
                ones[i * padded + n] = 1.0
                scaled[i * padded + n] = h
        c = 0
        while c < padded:
            vectors = <int> min(TILE_VECTORS, (padded - c) // LANES)
            j = c // TILE_ROWS * TILE_ROWS
            while j < padded:
                for r in range(TILE_ROWS):
                    four[r] = scaled + j + r
                tile(vectors, four, padded, ones + c, padded, count, matrix + j * padded + c, padded)
                j += TILE_ROWS
            c += vectors * LANES
        first += count


# The columns and rows by themselves.

cdef void add_moments(
    const Samples* samples, const double* centre, Py_ssize_t first, Py_ssize_t last, double* part, double* room
) noexcept nogil:
    """part = Σ s, then for each column Σ s·(x - centre), then Σ s·(x - centre)², over the rows first … last - 1."""
    cdef Py_ssize_t n = samples.inputs.n_columns, count, i, j
    cdef Py_ssize_t most = max(<Py_ssize_t> 8, BLOCK_VALUES // n)
    cdef own_doubles sums = part + 1
    cdef own_doubles squares = part + 1 + n
    cdef const double* rows
    cdef double d0, d1, d2, d3
    memset(part, 0, (1 + 2 * n) * sizeof(double))
    while first < last:
        count = min(most, last - first)
        rows = rows_of(&samples.inputs, first, count, room)
        i = 0
        if samples.weights == NULL:
            part[0] += <double> count
            while i + 4 <= count:
                for j in range(n):
                    d0 = rows[j] - centre[j]
                    d1 = rows[n + j] - centre[j]
                    d2 = rows[2 * n + j] - centre[j]
                    d3 = rows[3 * n + j] - centre[j]
                    sums[j] += (d0 + d1) + (d2 + d3)
                    squares[j] += (d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3)
                rows += 4 * n
                i += 4
        while i < count:
            d1 = 1.0
            if samples.weights != NULL:
                d1 = samples.weights[first + i]
                part[0] += d1
            for j in range(n):
                d0 = rows[j] - centre[j]
                sums[j] += d1 * d0
                squares[j] += d1 * (d0 * d0)
            rows += n
            i += 1
        first += count


cdef void importances(
    const Samples* samples, const Outputs* outputs, const double* means, const double* scales, Py_ssize_t first,
    Py_ssize_t last, double* values, double* room
) noexcept nogil:
    """values = s·h·(1 + Σ ((x - mean) / scale)²) for the rows first … last - 1, h the mean curvature over the outputs."""
    cdef Py_ssize_t n = outputs.n_inputs, k = outputs.n_outputs, stride = outputs.stride
    cdef Py_ssize_t most = rows_in_block(outputs), count, i, j, c
    cdef double* wide = take_room(&room, most * n)
    cdef double* sums = take_room(&room, most * stride)
    cdef double* targets = take_room(&room, most * stride)
    cdef double* losses = take_room(&room, most * stride)
    cdef double* slopes = take_room(&room, most * stride)
    cdef double* curvatures = take_room(&room, most * stride)
    cdef double* inverse = take_room(&room, n)
    cdef double* distances = take_room(&room, n)
    cdef double h
    cdef const double* rows
    for j in range(n):
        inverse[j] = 1.0 / scales[j]
    while first < last:
        count = min(most, last - first)
        rows = rows_of(&samples.inputs, first, count, wide)
        sums_of_rows(rows, count, outputs, sums)
        targets_of(samples, outputs, NULL, first, count, targets)
        slopes_of(samples, outputs, sums, targets, count, losses, slopes, curvatures, room)
        for i in range(count):
            h = 0.0
            for c in range(k):
                h += curvatures[i * stride + c]
            for j in range(n):
                distances[j] = (rows[i * n + j] - means[j]) * inverse[j]
            values[first + i] = (h / k) * (1.0 + dot(distances, distances, n))
            if samples.weights != NULL:
                values[first + i] *= samples.weights[first + i]
        first += count


# Predictions.

cdef bint answers(
    const Table* inputs, const Outputs* outputs, Link link, Py_ssize_t first, Py_ssize_t last, double* results, double* room
) noexcept nogil:
    """Fill the rows from `first` of the results; whether all numbers of the rows are sure to be finite."""
    cdef Py_ssize_t n = outputs.n_inputs, k = outputs.n_outputs, stride = outputs.stride
    cdef Py_ssize_t n_results = 2 if link == PAIR else k
    cdef Py_ssize_t most = rows_in_block(outputs), count, i, c, at
    cdef double* wide = take_room(&room, most * n)
    cdef double* sums = take_room(&room, most * stride)
    cdef double* highest = take_room(&room, most)
    cdef double* totals = take_room(&room, most)
    cdef double z, e, total, lowest_power = LOWEST_POWER
    cdef double one = 4.149515568880993e+180  # 2^600
    cdef const double* rows
    cdef bint finite = True
    results += first * n_results
    while first < last:
        count = min(most, last - first)
        rows = rows_of(inputs, first, count, wide)
        finite = sums_of_rows(rows, count, outputs, sums) and finite
        if link == PAIR:
            for i in range(count):
                z = sums[i]
                e = -fabs(z)
                e = scaled_exp(lowest_power if e < lowest_power else e, 600)
                total = 1.0 / (one + e)
                results[2 * i] = (e if z >= 0.0 else one) * total
                results[2 * i + 1] = (one if z >= 0.0 else e) * total
        else:
            if link == SOFTMAX:
                softmax_of(sums, count, stride, highest, totals)
            elif link == SIGMOID:
                sigmoids(sums, count * stride)
            for i in range(count):
                if link == SHARES:
                    shares_of(sums + i * stride, k, stride, highest + i, totals + i)
                total = totals[i] if link == SOFTMAX else 1.0
                for c in range(k):
                    results[i * k + c] = sums[i * stride + c] / total if link == SOFTMAX else sums[i * stride + c]
        results += count * n_results
        first += count
    return finite


cdef void shares_of(double* sums, Py_ssize_t k, Py_ssize_t stride, double* highest, double* total) noexcept nogil:
    """One row's sigmoids divided by their total; where all are too small to be told from 0, the softmax tells them apart."""
    cdef Py_ssize_t c
    cdef double lowest_power = LOWEST_POWER
    total[0] = 0.0
    for c in range(k):
        total[0] += sigmoid(sums[c], lowest_power)
    if total[0] > 1e-290:
        for c in range(k):
            sums[c] = sigmoid(sums[c], lowest_power) / total[0]
    else:
        softmax_of(sums, 1, stride, highest, total)
        for c in range(k):
            sums[c] /= total[0]


# Vectors and matrices.

cdef void add_scaled(double* target, double factor, const double* source, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t at
    for at in range(count):
        target[at] += factor * source[at]


cdef Py_ssize_t cholesky(double* matrix, Py_ssize_t n, double* column) noexcept nogil:
    """The lower triangle becomes L; -1, or the first column whose pivot is not positive beyond rounding.

    By columns: each is taken off all that are to its right, row by row.
    """
    cdef Py_ssize_t i, j, k
    cdef double root, value
    cdef double* row
    for j in range(n):
        column[n + j] = matrix[j * n + j]
    for j in range(n):
        if not matrix[j * n + j] > 1e-14 * column[n + j]:
            return j
        root = sqrt(matrix[j * n + j])
        matrix[j * n + j] = root
        for i in range(j + 1, n):
            column[i] = matrix[i * n + j] / root
            matrix[i * n + j] = column[i]
        for i in range(j + 1, n):
            row = matrix + i * n
            value = column[i]
            for k in range(j + 1, i + 1):
                row[k] -= value * column[k]
    return -1


cdef void cholesky_solve(const double* factor, Py_ssize_t n, double* vector) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        vector[i] = (vector[i] - dot(factor + i * n, vector, i)) / factor[i * n + i]
    for i in range(n - 1, -1, -1):
        vector[i] /= factor[i * n + i]
        add_scaled(vector, -vector[i], factor + i * n, i)
