"""The hot loops of the engine: losses, gradients, Hessians and predictions over blocks of rows, and vectors."""

# Design
#
# (a) A pass over a chunk of rows goes block by block: rows to weighted sums, sums to losses and slopes, rows and slopes to the
#     gradient, while the block is in the first-level cache. Each of these is a plain loop of one kind, which the compiler
#     vectorises; that beats one fused loop, in which the exponential and the short sums hinder each other.
# (b) One output: a block is 16 kB. float64 rows are read where they lie; float32 and bytes are widened into a block of their
#     own first, which spares a copy of every loop for every storage.
# (c) Every sum over the numbers of a row runs in eight partial sums, number j in the j mod 8th; lanes.h does it.
# (d) Several outputs: the tile of lanes.h, forth with the coefficients transposed, back with the samples read by column. Of a
#     block of 32 rows, 32 columns at a time are widened into a panel, so that panel, coefficients and slopes are all in the
#     first-level cache. Rows, columns and each row's sums are filled up to whole tiles.
# (e) A Hessian is the tile again, over blocks of rows with their 1 and the same rows times weight and curvature; only tiles
#     that touch the lower triangle are made.
# (f) All sums are added in an order that is written out, and no lane of a vector ever depends on another, so neither the
#     instruction set nor the number of threads changes a bit.
# (g) A sum that is not finite, or beyond ±1e300, is taken again by sum_in_smaller_units and kept in ±1e300: then no loss, share
#     or slope of finite numbers is nan.

from libc.string cimport memset

from activations cimport scaled_exp
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
    double product_less_one(double* e, Py_ssize_t count) noexcept nogil
    double dot(const double* left, const double* right, Py_ssize_t n) noexcept nogil
    void sums_of_one_output(
        const double* rows, Py_ssize_t count, const double* weights, Py_ssize_t n, double* sums
    ) noexcept nogil
    void add_rows(
        double* gradient, const double* rows, const double* slopes, Py_ssize_t count, Py_ssize_t n
    ) noexcept nogil
    double take_off_largest(double* row, Py_ssize_t n) noexcept nogil
    double dot_of_vectors(const double* left, const double* right, Py_ssize_t n) noexcept nogil
    double sum_of_vectors(const double* values, Py_ssize_t n) noexcept nogil
    void spread_row(const double* row, double factor, Py_ssize_t n, double* copy, double* scaled) noexcept nogil

cdef extern from *:
    """
    #define FARTHEST 1e300
    #define BELOW_ALL -1e305  /* and so below -1e300, which may be the largest sum of a row */
    #define LN_2 0.6931471805599453
    """
    const double FARTHEST
    const double BELOW_ALL
    const double LN_2

cdef enum:
    BLOCK_VALUES = 2048  # numbers in a block of rows: 16 kB
    LARGEST_BLOCK = 256  # rows
    LARGEST_BLOCK_OF_SEVERAL = 32  # rows, with several outputs
    PANEL = 32  # columns of such a block that are widened at a time: 16 kB again
    HESSIAN_ROWS = 64  # rows in a block of a Hessian
    LARGEST_PRODUCT = 512  # of so many factors from 1 to 2


cdef inline Py_ssize_t rows_in_block(const Outputs* outputs) noexcept nogil:
    """A multiple of 8, so that rows can be filled up to tiles."""
    if outputs.n_outputs > 1:
        return max(8, min(LARGEST_BLOCK_OF_SEVERAL, 2 * BLOCK_VALUES // outputs.stride // 8 * 8))
    return max(8, min(LARGEST_BLOCK, BLOCK_VALUES // outputs.n_inputs // 8 * 8))


cdef inline Py_ssize_t whole_vectors(Py_ssize_t count) noexcept nogil:
    return (count + LANES - 1) // LANES * LANES


cdef Py_ssize_t room_for_rows(const Outputs* outputs, Py_ssize_t count) noexcept nogil:
    """How many numbers of room the functions below need for a pass over `count` rows with these outputs."""
    cdef Py_ssize_t rows = whole_vectors(min(count, rows_in_block(outputs)))
    cdef Py_ssize_t wide = PANEL if outputs.n_outputs > 1 else outputs.n_inputs
    return rows * (wide + 5 * outputs.stride + 2) + (outputs.width + LANES) * outputs.stride + 3 * outputs.n_inputs


cdef Py_ssize_t room_for_hessian(const Outputs* outputs) noexcept nogil:
    """The same for a Hessian."""
    cdef Py_ssize_t padded = whole_vectors(outputs.width)
    return HESSIAN_ROWS * (2 * padded + outputs.n_inputs + PANEL + 5 * outputs.stride + 2)


cdef inline double* take_room(double** room, Py_ssize_t count) noexcept nogil:
    cdef double* start = room[0]
    room[0] += count
    return start


# Rows as float64.

cdef void widen_of(const storage* values, Py_ssize_t count, double* wide) noexcept nogil:
    cdef Py_ssize_t at = 0, j
    while at + 16 <= count:
        for j in range(16):
            wide[at + j] = values[at + j]
        at += 16
    while at < count:
        wide[at] = values[at]
        at += 1


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


cdef void panel_from(
    const storage* values, Py_ssize_t row_length, Py_ssize_t count, Py_ssize_t columns, double* panel
) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(count):
        if columns == PANEL:  # a loop of constant length
            for j in range(PANEL):
                panel[i * PANEL + j] = values[i * row_length + j]
            continue
        for j in range(columns):
            panel[i * PANEL + j] = values[i * row_length + j]
        for j in range(columns, whole_vectors(columns)):
            panel[i * PANEL + j] = 0.0
    for i in range(count, whole_vectors(count)):
        for j in range(PANEL):
            panel[i * PANEL + j] = 0.0


cdef void panel_of(
    const Table* table, Py_ssize_t first, Py_ssize_t count, Py_ssize_t column, Py_ssize_t columns, double* panel
) noexcept nogil:
    """Some columns of some rows in float64, both filled up with zeros to whole tiles. A row of the panel has PANEL numbers."""
    cdef Py_ssize_t n = table.n_columns
    cdef const char* start = table.memory + (first * n + column) * size_of(table.storage)
    if table.storage == FLOAT64:
        panel_from(<const double*> start, n, count, columns, panel)
    elif table.storage == FLOAT32:
        panel_from(<const float*> start, n, count, columns, panel)
    else:
        panel_from(<const uint8_t*> start, n, count, columns, panel)


# Weighted sums.

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


cdef void sums_of_panels(
    const Table* table, Py_ssize_t first, Py_ssize_t count, const Outputs* outputs, double* sums, double* panel
) noexcept nogil:
    """sums = rows @ columns for several outputs, with the intercepts.

    What fills a row up is below all sums there can be: to the softmax and to a sigmoid it is nothing, and costs no second look.
    """
    cdef Py_ssize_t n = outputs.n_inputs, stride = outputs.stride, rows = whole_vectors(count), i, c, r, column = 0, columns
    cdef int vectors
    cdef const double* four[TILE_ROWS]
    for i in range(rows):
        for c in range(stride):
            sums[i * stride + c] = 0.0 if c < outputs.n_outputs else BELOW_ALL
    while column < n:
        columns = min(<Py_ssize_t> PANEL, n - column)
        panel_of(table, first, count, column, columns, panel)
        for i in range(0, rows, 4):  # TILE_ROWS
            for r in range(TILE_ROWS):
                four[r] = panel + (i + r) * PANEL
            c = 0
            while c < stride:
                vectors = <int> min(TILE_VECTORS, (stride - c) // LANES)
                tile(
                    vectors, four, 1, outputs.columns + column * stride + c, stride, columns, sums + i * stride + c, stride
                )
                c += vectors * LANES
        column += PANEL
    if outputs.width > n:
        for i in range(count):
            for c in range(stride):
                sums[i * stride + c] += outputs.columns[n * stride + c]


cdef double sum_again(const Table* table, Py_ssize_t row, const Outputs* outputs, Py_ssize_t output) noexcept nogil:
    """One weighted sum in smaller units."""
    cdef Py_ssize_t n = outputs.n_inputs
    cdef const char* start = table.memory + row * n * size_of(table.storage)
    cdef const double* weights = outputs.coefficients + output * outputs.width
    cdef bint intercept = outputs.width > n
    if table.storage == FLOAT64:
        return sum_in_smaller_units(<const double*> start, weights, n, intercept)
    if table.storage == FLOAT32:
        return sum_in_smaller_units(<const float*> start, weights, n, intercept)
    return sum_in_smaller_units(<const uint8_t*> start, weights, n, intercept)


cdef bint sums_of_rows(
    const Table* table, Py_ssize_t first, Py_ssize_t count, const double* rows, const Outputs* outputs, double* sums,
    double* panel
) noexcept nogil:
    """The weighted sums of `count` rows, kept in ±1e300; whether all numbers of the rows are sure to be finite.

    For a single output, `rows` are these rows in float64.
    """
    cdef Py_ssize_t n = outputs.n_inputs, k = outputs.n_outputs, stride = outputs.stride, i, c, at, near = 0
    cdef double intercept = outputs.coefficients[n] if k == 1 and outputs.width > n else 0.0
    if k > 1:
        sums_of_panels(table, first, count, outputs, sums, panel)
        for at in range(count * stride):  # without a way out, so that it vectorises
            near += fabs(sums[at]) <= FARTHEST
    else:
        sums_of_one_output(rows, count, outputs.columns, n, sums)
        for i in range(count):
            sums[i] += intercept
            near += fabs(sums[i]) <= FARTHEST
    if near == count * k:  # what fills a row up is never near
        return True
    for i in range(count):
        for c in range(k):
            at = i * stride + c
            if k == 1:  # what is not finite may have come from the next row
                sums[at] = dot(rows + i * n, outputs.columns, n) + intercept
            if not isfinite(sums[at]):
                sums[at] = sum_again(table, first + i, outputs, c)
            sums[at] = min(max(sums[at], -FARTHEST), FARTHEST)
    return False


include "losses.pxi"


# From slopes to the gradient.

cdef void add_panels(
    const Table* table, Py_ssize_t first, Py_ssize_t count, const double* slopes, Py_ssize_t stride, double* gradient,
    double* panel
) noexcept nogil:
    """gradient += rowsᵀ @ slopes for several outputs; it has room for whole tiles."""
    cdef Py_ssize_t n = table.n_columns, j, c, r, column = 0, columns
    cdef int vectors
    cdef const double* four[TILE_ROWS]
    while column < n:
        columns = min(<Py_ssize_t> PANEL, n - column)
        panel_of(table, first, count, column, columns, panel)
        for j in range(0, columns, 4):  # TILE_ROWS
            for r in range(TILE_ROWS):
                four[r] = panel + j + r
            c = 0
            while c < stride:
                vectors = <int> min(TILE_VECTORS, (stride - c) // LANES)
                tile(vectors, four, PANEL, slopes + c, stride, count, gradient + (column + j) * stride + c, stride)
                c += vectors * LANES
        column += PANEL


cdef void add_losses(
    const Samples* samples, const Outputs* outputs, Py_ssize_t first, Py_ssize_t last, double* part, double* room
) noexcept nogil:
    """part = Σ s·ℓ and the gradient of it, over the rows first … last - 1."""
    cdef Py_ssize_t n = outputs.n_inputs, k = outputs.n_outputs, stride = outputs.stride, width = outputs.width
    cdef Py_ssize_t most = whole_vectors(min(rows_in_block(outputs), last - first)), count, i, c, at
    cdef const Table* table = &samples.inputs
    cdef double* wide = take_room(&room, most * (PANEL if k > 1 else n))
    cdef double* sums = take_room(&room, most * stride)
    cdef double* targets = take_room(&room, most * stride)
    cdef double* losses = take_room(&room, most * stride)
    cdef double* slopes = take_room(&room, most * stride)
    cdef double* gradient = take_room(&room, (width + LANES) * stride)  # transposed, with room for whole tiles
    cdef const double* rows = NULL
    cdef bint weighted = samples.weights != NULL
    memset(gradient, 0, (width + LANES) * stride * sizeof(double))
    part[0] = 0.0
    while first < last:
        count = min(most, last - first)
        if k == 1:
            rows = rows_of(table, first, count, wide)
        sums_of_rows(table, first, count, rows, outputs, sums, wide)
        targets_of(samples, outputs, NULL, first, count, targets)
        part[0] += slopes_of(samples, outputs, sums, targets, count, weighted, losses, slopes, NULL, room)
        if weighted:
            for i in range(count):
                for c in range(stride):
                    losses[i * stride + c] *= samples.weights[first + i]
                    slopes[i * stride + c] *= samples.weights[first + i]
        part[0] += sum_of(losses, count * stride)
        if k == 1:
            add_rows(gradient, rows, slopes, count, n)
            if width > n:
                gradient[n] += sum_of(slopes, count)
        else:
            add_panels(table, first, count, slopes, stride, gradient, wide)
            if width > n:
                for i in range(count):
                    for c in range(stride):
                        gradient[n * stride + c] += slopes[i * stride + c]
        first += count
    for c in range(k):
        for at in range(width):
            part[1 + c * width + at] = gradient[at * stride + c]


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
    cdef double* panel = take_room(&room, HESSIAN_ROWS * PANEL)
    cdef double* sums = take_room(&room, HESSIAN_ROWS * stride)
    cdef double* targets = take_room(&room, HESSIAN_ROWS * stride)
    cdef double* slopes = take_room(&room, HESSIAN_ROWS * stride)
    cdef double* losses = take_room(&room, HESSIAN_ROWS * stride)
    cdef double* curvatures = take_room(&room, HESSIAN_ROWS * stride)
    cdef double h
    cdef int vectors
    cdef const double* rows
    cdef const double* four[TILE_ROWS]
    cdef Table block = samples.inputs
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
        block.memory = <const char*> rows
        block.storage = FLOAT64
        sums_of_rows(&block, 0, count, rows, outputs, sums, panel)
        targets_of(samples, outputs, listed, first, count, targets)
        slopes_of(samples, outputs, sums, targets, count, False, losses, slopes, curvatures, room)
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
    cdef Py_ssize_t most = max(8, min(LARGEST_BLOCK, BLOCK_VALUES // n // 8 * 8))
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
    cdef Py_ssize_t most = whole_vectors(min(rows_in_block(outputs), last - first)), count, i, j, c
    cdef double* wide = take_room(&room, most * (PANEL if k > 1 else n))
    cdef double* sums = take_room(&room, most * stride)
    cdef double* targets = take_room(&room, most * stride)
    cdef double* losses = take_room(&room, most * stride)
    cdef double* slopes = take_room(&room, most * stride)
    cdef double* curvatures = take_room(&room, most * stride)
    cdef double* inverse = take_room(&room, n)
    cdef double* distances = take_room(&room, n)
    cdef double* one_row = take_room(&room, n)
    cdef double h
    cdef const double* row
    cdef const double* rows = NULL
    for j in range(n):
        inverse[j] = 1.0 / scales[j]
    while first < last:
        count = min(most, last - first)
        if k == 1:
            rows = rows_of(&samples.inputs, first, count, wide)
        sums_of_rows(&samples.inputs, first, count, rows, outputs, sums, wide)
        targets_of(samples, outputs, NULL, first, count, targets)
        slopes_of(samples, outputs, sums, targets, count, False, losses, slopes, curvatures, room)
        for i in range(count):
            row = rows + i * n if k == 1 else rows_of(&samples.inputs, first + i, 1, one_row)
            h = 0.0
            for c in range(k):
                h += curvatures[i * stride + c]
            for j in range(n):
                distances[j] = (row[j] - means[j]) * inverse[j]
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
    cdef Py_ssize_t most = whole_vectors(min(rows_in_block(outputs), last - first)), count, i, c
    cdef double* wide = take_room(&room, most * (PANEL if k > 1 else n))
    cdef double* sums = take_room(&room, most * stride)
    cdef double* highest = take_room(&room, most)
    cdef double* totals = take_room(&room, most)
    cdef double z, e, total, lowest_power = LOWEST_POWER
    cdef double one = 4.149515568880993e+180  # 2^600
    cdef const double* rows = NULL
    cdef bint finite = True
    results += first * n_results
    while first < last:
        count = min(most, last - first)
        if k == 1:
            rows = rows_of(inputs, first, count, wide)
        finite = sums_of_rows(inputs, first, count, rows, outputs, sums, wide) and finite
        if link == PAIR:
            for i in range(count):
                z = sums[i]
                e = -fabs(z)
                e = scaled_exp(lowest_power if e < lowest_power else e, 600)
                total = 1.0 / (one + e)
                results[2 * i] = (e if z >= 0.0 else one) * total
                results[2 * i + 1] = (one if z >= 0.0 else e) * total
        elif k == 1 and (link == SOFTMAX or link == SHARES):
            for i in range(count):
                results[i] = 1.0  # all of it
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


include "matrices.pxi"
