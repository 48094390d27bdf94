"""The hot loops of the engine: losses, gradients, Hessians and predictions over blocks of rows, and vectors."""

# Design
#
# (a) A pass over a chunk of rows goes block by block: rows to weighted sums, sums to losses and slopes, rows and slopes to the
#     gradient, while the block is in the cache. Each of these is a plain loop of one kind, which the compiler vectorises; that
#     beats one fused loop, in which the exponential and the short sums hinder each other.
# (b) A block of one output's rows is 8 kB, or 16 kB where they are longer, so that the first-level cache has room for what the
#     processor fetches ahead meanwhile: 1,000,000 rows of 10 took 6.9 ms with blocks of 16 kB and 5.2 ms with 8. It has at
#     least sixteen rows, as each pause stops a stream: a row of 1,000 took 343 ns with eight, 330 ns with sixteen.
# (c) A block of several outputs' rows is copied as float64, filled up with zeros to whole vectors, as it is summed: every
#     number is used as often as there are outputs, twice.
# (d) A Hessian is the tile of several_outputs.h, over blocks of rows with their 1 and the same rows times weight and curvature;
#     only tiles that touch the lower triangle are made.
# (e) All sums are added in an order that is written out, whatever the vectors, so neither the instruction set nor the number of
#     threads changes a bit.

from libc.string cimport memset

from activations cimport scaled_exp
from loops cimport (
    LANES, PAIR, SHARES, SIGMOID, SIGMOID_SQUARED_ERROR, SOFTMAX, SOFTMAX_LOG_LOSS, SUMS, Link, Outputs, Samples, Table,
    size_of, whole_vectors,
)

cdef extern from "lanes.h":
    enum: PRODUCT_LANES
    void multiply_by(double* less_one, const double* e, Py_ssize_t count) noexcept nogil
    double take_product(double* less_one) noexcept nogil
    double dot(const double* left, const double* right, Py_ssize_t n) noexcept nogil
    double sum_of_squares(
        int size, const char* row, const double* means, const double* inverses, Py_ssize_t n
    ) noexcept nogil
    double take_off_largest(double* row, Py_ssize_t n) noexcept nogil
    double dot_of_vectors(const double* left, const double* right, Py_ssize_t n) noexcept nogil
    double sum_of_vectors(const double* values, Py_ssize_t n) noexcept nogil
    void spread_row(const double* row, double factor, Py_ssize_t n, double* copy, double* scaled) noexcept nogil

cdef extern from "one_output.h":
    void add_rows(
        int size, double* gradient, const char* rows, const double* slopes, Py_ssize_t count, Py_ssize_t n
    ) noexcept nogil

cdef extern from "several_outputs.h":
    enum: TILE_ROWS
    enum: TILE_VECTORS
    void tile(
        int rows, int vectors, const double* a, Py_ssize_t a_row, Py_ssize_t a_step, const double* b, Py_ssize_t b_step,
        Py_ssize_t terms, double* c, Py_ssize_t c_row
    ) noexcept nogil

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
    BLOCK_VALUES = 1024  # numbers in a block of short rows
    SMALLEST_BLOCK = 16  # rows
    LONG_ROWS = 32
    LARGEST_BLOCK = 256
    BLOCK_OF_SEVERAL_VALUES = 32768  # with several outputs: 256 kB, but for very long rows
    SMALLEST_BLOCK_OF_SEVERAL = 8
    LARGEST_BLOCK_OF_SEVERAL = 64
    HESSIAN_ROWS = 64  # rows in a block of a Hessian
    MOMENT_ROWS = 4  # rows that are added up at a time
    LARGEST_PRODUCT = 1000  # of so many factors from 1 to 2


cdef inline Py_ssize_t row_step(Py_ssize_t n) noexcept nogil:
    """From one row of a copied block to the next: an odd number of cache lines, so that 64 rows have 64 places in the cache."""
    return (n + 7) // 8 * 8 | 8


cdef inline Py_ssize_t rows_in_block(const Outputs* outputs) noexcept nogil:
    """How many rows, a multiple of 8: as many as have BLOCK_VALUES, or twice that if it is less than LONG_ROWS; in bounds."""
    cdef Py_ssize_t n = outputs.n_inputs, rows = BLOCK_VALUES // n // 8 * 8
    if outputs.n_outputs > 1:
        rows = BLOCK_OF_SEVERAL_VALUES // n // 8 * 8
        return max(<Py_ssize_t> SMALLEST_BLOCK_OF_SEVERAL, min(rows, <Py_ssize_t> LARGEST_BLOCK_OF_SEVERAL))
    if rows < LONG_ROWS:
        rows = min(<Py_ssize_t> LONG_ROWS, 2 * BLOCK_VALUES // n // 8 * 8)
    return max(<Py_ssize_t> SMALLEST_BLOCK, min(rows, <Py_ssize_t> LARGEST_BLOCK))


cdef inline Py_ssize_t block_step(const Outputs* outputs) noexcept nogil:
    """How many numbers each row of a block needs: with several outputs, its copy and its partial sums."""
    return row_step(outputs.n_inputs) + outputs.n_outputs * LANES if outputs.n_outputs > 1 else 0


cdef Py_ssize_t room_for_rows(const Outputs* outputs, Py_ssize_t count) noexcept nogil:
    """How many numbers of room the functions below need for a pass over `count` rows with these outputs."""
    cdef Py_ssize_t rows = whole_vectors(min(count, rows_in_block(outputs)))
    return (
        rows * (block_step(outputs) + 5 * outputs.stride + 2) + (outputs.width + LANES) * outputs.stride
        + MOMENT_ROWS * outputs.n_inputs
    )


cdef Py_ssize_t room_for_hessian(const Outputs* outputs) noexcept nogil:
    """The same for a Hessian."""
    cdef Py_ssize_t padded = whole_vectors(outputs.width)
    return HESSIAN_ROWS * (2 * padded + outputs.n_inputs + block_step(outputs) + 5 * outputs.stride + 2)


cdef inline double* take_room(double** room, Py_ssize_t count) noexcept nogil:
    cdef double* start = room[0]
    room[0] += count
    return start


include "rows.pxi"
include "losses.pxi"


# Losses and gradients.

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


cdef void add_several(
    const double* block, Py_ssize_t count, const double* slopes, Py_ssize_t k, Py_ssize_t stride, Py_ssize_t n, double* gradient
) noexcept nogil:
    """gradient += slopesᵀ @ rows of a copied block; each output's gradient has room for whole vectors."""
    cdef Py_ssize_t padded = whole_vectors(n), step = row_step(n), j = 0, c
    cdef int vectors
    while j < padded:
        vectors = <int> min(TILE_VECTORS, (padded - j) // LANES)
        for c in range(0, k, 4):  # TILE_ROWS
            tile(
                <int> min(<Py_ssize_t> TILE_ROWS, k - c), vectors, slopes + c, 1, stride, block + j, step, count,
                gradient + c * padded + j, padded
            )
        j += vectors * LANES


cdef void add_losses(
    const Samples* samples, const Outputs* outputs, Py_ssize_t first, Py_ssize_t last, double* part, double* room
) noexcept nogil:
    """part = Σ s·ℓ and the gradient of it, over the rows first … last - 1."""
    cdef Py_ssize_t n = outputs.n_inputs, k = outputs.n_outputs, stride = outputs.stride, width = outputs.width
    cdef Py_ssize_t most = whole_vectors(min(rows_in_block(outputs), last - first)), padded = whole_vectors(n), count, i, c
    cdef const Table* table = &samples.inputs
    cdef int size = <int> size_of(table.storage)
    cdef double* block = take_room(&room, most * block_step(outputs))
    cdef double* sums = take_room(&room, most * stride)
    cdef double* targets = take_room(&room, most * stride)
    cdef double* losses = take_room(&room, most * stride)
    cdef double* slopes = take_room(&room, most * stride)
    cdef double* gradient = take_room(&room, k * padded)
    cdef double* intercepts = take_room(&room, k)
    cdef bint weighted = samples.weights != NULL
    cdef Product product
    memset(&product, 0, sizeof(product))
    memset(gradient, 0, k * (padded + 1) * sizeof(double))  # of both
    part[0] = 0.0
    while first < last:
        count = min(most, last - first)
        sums_of_rows(table, first, count, outputs, sums, block)
        targets_of(samples, outputs, NULL, first, count, targets)
        part[0] += slopes_of(
            samples, outputs, sums, targets, count, NULL if weighted else &product, losses, slopes, NULL, room
        )
        if weighted:
            for i in range(count):
                for c in range(stride):
                    losses[i * stride + c] *= samples.weights[first + i]
                    slopes[i * stride + c] *= samples.weights[first + i]
        part[0] += sum_of(losses, count * stride)
        if k == 1:
            add_rows(size, gradient, row_at(table, first), slopes, count, n)
            intercepts[0] += sum_of(slopes, count)
        else:
            add_several(block, count, slopes, k, stride, n, gradient)
            for i in range(count):
                for c in range(k):
                    intercepts[c] += slopes[i * stride + c]
        first += count
    part[0] += log_of_product(&product)
    for c in range(k):
        memcpy(part + 1 + c * width, gradient + c * padded, n * sizeof(double))
        if width > n:
            part[1 + c * width + n] = intercepts[c]


# Hessians.

cdef void add_hessian(
    const Samples* samples, const Outputs* outputs, Py_ssize_t output, const long long* listed, const double* row_weights,
    Py_ssize_t first, Py_ssize_t last, double* matrix, double* room
) noexcept nogil:
    """matrix += Σ s·h·x·xᵀ over the rows, or listed rows, first … last - 1: tiles of the lower triangle, rows of whole vectors.

    The matrix has room for whole tiles below and beside it.
    """
    cdef Py_ssize_t n = outputs.n_inputs, k = outputs.n_outputs, stride = outputs.stride, width = outputs.width
    cdef Py_ssize_t padded = whole_vectors(width), count, i, j, c, row
    cdef double* ones = take_room(&room, HESSIAN_ROWS * padded)
    cdef double* scaled = take_room(&room, HESSIAN_ROWS * padded)
    cdef double* wide = take_room(&room, HESSIAN_ROWS * n)
    cdef double* copy = take_room(&room, HESSIAN_ROWS * block_step(outputs))
    cdef double* sums = take_room(&room, HESSIAN_ROWS * stride)
    cdef double* targets = take_room(&room, HESSIAN_ROWS * stride)
    cdef double* slopes = take_room(&room, HESSIAN_ROWS * stride)
    cdef double* losses = take_room(&room, HESSIAN_ROWS * stride)
    cdef double* curvatures = take_room(&room, HESSIAN_ROWS * stride)
    cdef double h
    cdef int vectors
    cdef const double* rows
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
        sums_of_rows(&block, 0, count, outputs, sums, copy)
        targets_of(samples, outputs, listed, first, count, targets)
        slopes_of(samples, outputs, sums, targets, count, NULL, losses, slopes, curvatures, room)
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
                tile(
                    TILE_ROWS, vectors, scaled + j, 1, padded, ones + c, padded, count, matrix + j * padded + c, padded
                )
                j += TILE_ROWS
            c += vectors * LANES
        first += count


# The columns and rows by themselves.

cdef void add_moments(
    const Samples* samples, const double* centre, Py_ssize_t first, Py_ssize_t last, double* part, double* room
) noexcept nogil:
    """part = Σ s, then for each column Σ s·(x - centre), then Σ s·(x - centre)², over the rows first … last - 1."""
    cdef Py_ssize_t n = samples.inputs.n_columns, count, i, j
    cdef own_doubles sums = part + 1
    cdef own_doubles squares = part + 1 + n
    cdef const double* rows
    cdef double d0, d1, d2, d3, weight
    memset(part, 0, (1 + 2 * n) * sizeof(double))
    while first < last:
        count = min(<Py_ssize_t> MOMENT_ROWS, last - first)
        rows = rows_of(&samples.inputs, first, count, room)
        if samples.weights == NULL and count == MOMENT_ROWS:
            part[0] += 4.0
            for j in range(n):
                d0 = rows[j] - centre[j]
                d1 = rows[n + j] - centre[j]
                d2 = rows[2 * n + j] - centre[j]
                d3 = rows[3 * n + j] - centre[j]
                sums[j] += (d0 + d1) + (d2 + d3)
                squares[j] += (d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3)
        else:
            for i in range(count):
                weight = samples.weights[first + i] if samples.weights != NULL else 1.0
                part[0] += weight
                for j in range(n):
                    d0 = rows[i * n + j] - centre[j]
                    sums[j] += weight * d0
                    squares[j] += weight * (d0 * d0)
        first += count


cdef void importances(
    const Samples* samples, const Outputs* outputs, const double* means, const double* scales, Py_ssize_t first,
    Py_ssize_t last, double* values, double* room
) noexcept nogil:
    """values = s·h·(1 + Σ ((x - mean) · (1 / scale))²) for the rows first … last - 1, h the mean curvature over the outputs."""
    cdef Py_ssize_t n = outputs.n_inputs, k = outputs.n_outputs, stride = outputs.stride
    cdef Py_ssize_t most = whole_vectors(min(rows_in_block(outputs), last - first)), count, i, j, c
    cdef const Table* table = &samples.inputs
    cdef int size = <int> size_of(table.storage)
    cdef double* block = take_room(&room, most * block_step(outputs))
    cdef double* sums = take_room(&room, most * stride)
    cdef double* targets = take_room(&room, most * stride)
    cdef double* losses = take_room(&room, most * stride)
    cdef double* slopes = take_room(&room, most * stride)
    cdef double* curvatures = take_room(&room, most * stride)
    cdef double* inverses = take_room(&room, n)
    cdef double h
    for j in range(n):
        inverses[j] = 1.0 / scales[j]
    while first < last:
        count = min(most, last - first)
        sums_of_rows(table, first, count, outputs, sums, block)
        targets_of(samples, outputs, NULL, first, count, targets)
        slopes_of(samples, outputs, sums, targets, count, NULL, losses, slopes, curvatures, room)
        for i in range(count):
            h = 0.0
            for c in range(k):
                h += curvatures[i * stride + c]
            values[first + i] = (h / k) * (1.0 + sum_of_squares(size, row_at(table, first + i), means, inverses, n))
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
    cdef double* block = take_room(&room, most * block_step(outputs))
    cdef double* sums = take_room(&room, most * stride)
    cdef double* highest = take_room(&room, most)
    cdef double* totals = take_room(&room, most)
    cdef double z, e, total, lowest_power = LOWEST_POWER
    cdef double one = 4.149515568880993e+180  # 2^600
    cdef bint finite = True
    results += first * n_results
    while first < last:
        count = min(most, last - first)
        finite = sums_of_rows(inputs, first, count, outputs, sums, block) and finite
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
