"""From blocks of rows to weighted sums."""

# Design
#
# (a) A sum over the numbers of a row runs in eight partial sums with one output and in four with several; the headers do it.
# (b) With several outputs, the next block of rows is fetched while the sums of this one are made, a little at a time: else the
#     processor, which sees a stream only while it flows, begins anew with each block. 60,000 rows of 784 float32 and ten
#     outputs took 64 ms without, 56 ms so. With one output, rows flow fast enough, and fetching by hand makes that slower.
# (c) A sum that is not finite is taken again by sum_in_smaller_units, and each is kept in ±1e300: then no loss, share or slope
#     of finite numbers is nan.

cdef extern from "lanes.h":
    void fetch(const char* memory, Py_ssize_t bytes) noexcept nogil
    void widen_numbers(int size, const char* numbers, Py_ssize_t n, double* wide) noexcept nogil

cdef extern from "one_output.h":
    void sums_of_one_output(
        int size, const char* rows, Py_ssize_t count, const double* weights, Py_ssize_t n, double* sums
    ) noexcept nogil
    double sum_of_one_row(int size, const char* row, const double* weights, Py_ssize_t n) noexcept nogil

cdef extern from "several_outputs.h":
    void sums_of_several_outputs(
        const double* rows, Py_ssize_t row_step, const double* weights, Py_ssize_t weight_step, Py_ssize_t n,
        Py_ssize_t outputs, double* partial, int begins, int ends, double* sums, Py_ssize_t stride
    ) noexcept nogil

cdef enum:
    STRIP = 192  # columns


cdef inline const char* row_at(const Table* table, Py_ssize_t row) noexcept nogil:
    return table.memory + row * table.n_columns * size_of(table.storage)


cdef void widen(const Table* table, Py_ssize_t first, Py_ssize_t count, Py_ssize_t step, double* wide) noexcept nogil:
    """`count` rows copied as float64, `step` numbers from one to the next; what is between them becomes 0."""
    cdef Py_ssize_t n = table.n_columns, i
    for i in range(count):
        widen_numbers(<int> size_of(table.storage), row_at(table, first + i), n, wide + i * step)
        memset(wide + i * step + n, 0, (step - n) * sizeof(double))


cdef const double* rows_of(const Table* table, Py_ssize_t first, Py_ssize_t count, double* wide) noexcept nogil:
    """`count` rows in float64: where they lie, or else in `wide`."""
    if table.storage == FLOAT64:
        return <const double*> row_at(table, first)
    widen(table, first, count, table.n_columns, wide)
    return wide


cdef void sums_of_several(
    const Table* table, Py_ssize_t first, Py_ssize_t count, const Outputs* outputs, double* sums, double* block, double* partial
) noexcept nogil:
    """sums = rows @ weights for several outputs, with the intercepts; the rows are copied to the block, row_step apart.

    What fills a row up is below all sums there can be: to the softmax and to a sigmoid it is nothing, and costs no second look.
    """
    cdef Py_ssize_t n = outputs.n_inputs, k = outputs.n_outputs, stride = outputs.stride
    cdef Py_ssize_t step = row_step(n), padded = whole_vectors(n), rows = whole_vectors(count), column = 0, columns, i, c
    cdef const char* next_rows = row_at(table, first + count)
    cdef Py_ssize_t share = count * n * size_of(table.storage) // (rows // 4 * ((padded + STRIP - 1) // STRIP)) + 1
    cdef double intercept
    widen(table, first, count, step, block)
    memset(block + count * step, 0, (rows - count) * step * sizeof(double))
    while column < padded:
        columns = min(<Py_ssize_t> STRIP, padded - column)
        for i in range(0, rows, 4):
            fetch(next_rows, share)
            next_rows += share
            sums_of_several_outputs(
                block + i * step + column, step, outputs.weights + column, padded, columns, k, partial + i * k * LANES,
                column == 0, column + columns == padded, sums + i * stride, stride
            )
        column += columns
    for c in range(k):
        intercept = outputs.coefficients[c * outputs.width + n] if outputs.width > n else 0.0
        for i in range(count):
            sums[i * stride + c] += intercept
    for i in range(rows):
        for c in range(k, stride):
            sums[i * stride + c] = BELOW_ALL


cdef double sum_again(const Table* table, Py_ssize_t row, const Outputs* outputs, Py_ssize_t output) noexcept nogil:
    """One weighted sum in smaller units."""
    cdef Py_ssize_t n = outputs.n_inputs
    cdef const char* start = row_at(table, row)
    cdef const double* weights = outputs.coefficients + output * outputs.width
    cdef bint intercept = outputs.width > n
    if table.storage == FLOAT64:
        return sum_in_smaller_units(<const double*> start, weights, n, intercept)
    if table.storage == FLOAT32:
        return sum_in_smaller_units(<const float*> start, weights, n, intercept)
    return sum_in_smaller_units(<const uint8_t*> start, weights, n, intercept)


cdef bint sums_of_rows(
    const Table* table, Py_ssize_t first, Py_ssize_t count, const Outputs* outputs, double* sums, double* block
) noexcept nogil:
    """The weighted sums of `count` rows, kept in ±1e300; whether all numbers of the rows are sure to be finite.

    With several outputs the rows are afterwards in the block, row_step apart; behind them is room for partial sums.
    """
    cdef Py_ssize_t n = outputs.n_inputs, k = outputs.n_outputs, stride = outputs.stride, i, c, at, near = 0
    cdef int size = <int> size_of(table.storage)
    cdef double intercept = outputs.coefficients[n] if k == 1 and outputs.width > n else 0.0
    if k > 1:
        sums_of_several(table, first, count, outputs, sums, block, block + whole_vectors(count) * row_step(n))
        for at in range(count * stride):  # without a way out, so that it vectorises
            near += fabs(sums[at]) <= FARTHEST
    else:
        sums_of_one_output(size, row_at(table, first), count, outputs.weights, n, sums)
        for i in range(count):
            sums[i] += intercept
            near += fabs(sums[i]) <= FARTHEST
    if near == count * k:  # what fills a row up is never near
        return True
    for i in range(count):
        for c in range(k):
            at = i * stride + c
            if k == 1:  # what is not finite may have come from the next row
                sums[at] = sum_of_one_row(size, row_at(table, first + i), outputs.weights, n) + intercept
            if not isfinite(sums[at]):
                sums[at] = sum_again(table, first + i, outputs, c)
            sums[at] = min(max(sums[at], -FARTHEST), FARTHEST)
    return False
