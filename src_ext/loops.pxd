# What the twin and the loops have in common: the things they speak of, and the table through which the one calls the other.

from libc.stdint cimport uint8_t

cdef enum:
    PACKED_WIDTH = 8  # the most weights that are kept in registers; a layer of no more is called narrow
    LANES = 4  # numbers in a vector, as in lanes.h

cdef extern from *:
    """
    #define UNIT 0x1p-540  /* two numbers scaled by it have a product that cannot overflow, nor can a sum of them */
    """
    const double UNIT

cdef enum Storage:
    FLOAT64
    FLOAT32
    BYTES

cdef struct Table:
    const char* memory  # n_rows × n_columns, row after row
    Storage storage
    Py_ssize_t n_rows
    Py_ssize_t n_columns

cdef struct Layer:
    Py_ssize_t n_inputs
    Py_ssize_t n_outputs
    Py_ssize_t width  # n_inputs, and one more with a bias
    bint bias
    double* neurons  # n_outputs × width: each neuron's weights together

cdef enum Loss:
    SIGMOID_LOG_LOSS
    SOFTMAX_LOG_LOSS
    SIGMOID_SQUARED_ERROR

cdef enum Link:
    SUMS
    SIGMOID
    SOFTMAX
    SHARES
    PAIR

cdef struct Samples:
    Table inputs
    const uint8_t* targets
    bint wide_targets  # of two bytes each
    Py_ssize_t target_columns  # n_outputs, or 1: the number of the output whose target is 1
    const double* weights  # n_rows, or NULL where each is 1
    Loss loss

cdef struct Outputs:
    Py_ssize_t n_inputs
    Py_ssize_t n_outputs
    Py_ssize_t width  # n_inputs, and one more with an intercept
    Py_ssize_t stride  # from one row's sums to the next one's: n_outputs, from 2 on filled up to whole vectors
    const double* coefficients  # n_outputs × width
    const double* weights  # without the intercepts, each output's filled up with zeros to whole vectors

cdef struct Loops:
    # Functions of loops.pyx, which says what they do. `inputs` and `values` lie in the storage named before them.
    void (*sums)(
        Storage storage, const void* inputs, Py_ssize_t n_rows, const Layer* layer, double* sums
    ) noexcept nogil
    void (*sigmoids)(double* values, Py_ssize_t count) noexcept nogil
    void (*add_gradient)(
        Storage storage, const void* inputs, Py_ssize_t n_rows, const Layer* layer,
        const double* targets, const double* outputs, double* gradient
    ) noexcept nogil
    long long (*packed_steps)(
        Py_ssize_t width, const double* rows, const double* targets, double* weights, Py_ssize_t n_rows,
        long long iterations, double learning_rate, double largest_sum
    ) noexcept nogil
    Py_ssize_t (*count_inside)(
        Storage storage, const void* values, Py_ssize_t count, double low, double high
    ) noexcept nogil
    # Functions of engine_loops.pxi.
    Py_ssize_t (*room_for_rows)(const Outputs* outputs, Py_ssize_t count) noexcept nogil
    Py_ssize_t (*room_for_hessian)(const Outputs* outputs) noexcept nogil
    void (*add_losses)(
        const Samples* samples, const Outputs* outputs, Py_ssize_t first, Py_ssize_t last, double* part, double* room
    ) noexcept nogil
    void (*add_hessian)(
        const Samples* samples, const Outputs* outputs, Py_ssize_t output, const long long* rows, const double* row_weights,
        Py_ssize_t first, Py_ssize_t last, double* matrix, double* room
    ) noexcept nogil
    void (*add_moments)(
        const Samples* samples, const double* centre, Py_ssize_t first, Py_ssize_t last, double* part, double* room
    ) noexcept nogil
    void (*importances)(
        const Samples* samples, const Outputs* outputs, const double* means, const double* scales, Py_ssize_t first,
        Py_ssize_t last, double* values, double* room
    ) noexcept nogil
    bint (*answers)(
        const Table* inputs, const Outputs* outputs, Link link, Py_ssize_t first, Py_ssize_t last, double* results, double* room
    ) noexcept nogil
    double (*dot)(const double* left, const double* right, Py_ssize_t count) noexcept nogil
    void (*add_scaled)(double* target, double factor, const double* source, Py_ssize_t count) noexcept nogil
    Py_ssize_t (*cholesky)(double* matrix, Py_ssize_t n, double* column) noexcept nogil
    void (*cholesky_solve)(const double* factor, Py_ssize_t n, double* vector) noexcept nogil


cdef inline Py_ssize_t whole_vectors(Py_ssize_t count) noexcept nogil:
    """So many numbers filled up to whole vectors."""
    return (count + LANES - 1) // LANES * LANES


cdef inline Py_ssize_t size_of(Storage storage) noexcept nogil:
    return sizeof(double) if storage == FLOAT64 else sizeof(float) if storage == FLOAT32 else sizeof(uint8_t)


cdef inline double value_at(const Table* table, Py_ssize_t index) noexcept nogil:
    """One number of a table, counted along its rows: for what is not hot."""
    if table.storage == FLOAT64:
        return (<const double*> table.memory)[index]
    if table.storage == FLOAT32:
        return (<const float*> table.memory)[index]
    return (<const uint8_t*> table.memory)[index]


cdef inline double adjustment(double target, double output) noexcept nogil:
    """error × slope."""
    return (target - output) * (output * (1.0 - output))
