"""The compiled twin: the reference kernels of pyperceptron/backends/python.py over raw memory."""

# Design
#
# (a) Python shapes the input, C only computes. The def functions below take tables that pyperceptron.samples has checked,
#     find their addresses, release the GIL and call loops that know nothing of Python.
# (b) The inputs are read where they lie, as float64, float32 or bytes; all arithmetic is in float64. A fused type makes one
#     copy of each loop for each storage.
# (c) The order of every sum is written out, so a result has the same bits on every machine. A row's weighted sum goes from
#     left to right while the row is short; from 16 inputs on it runs in eight partial sums, which vectorise. A gradient adds
#     its samples in order within a chunk, a fixed number of rows, and then the chunks in order: chunks can be given to
#     threads without changing a bit.
# (d) Small problems are bound by latency: an iteration cannot begin before the last has ended. Up to eight weights are
#     therefore kept in registers, by a loop whose width is a constant of the compiler's, over a packed copy of the samples.
#     Measured on the lesson (4×3, 20,000 iterations): 0.72 ms, against 1.50 ms with weights and gradient in memory.
#     The packed loop computes the same sums in the same order as the general one. It stops before any number could
#     overflow and leaves that step to the general one, which knows what to do.
# (e) Nothing finite becomes nan: a weighted sum or a gradient that overflows on the way is taken again in smaller units,
#     as the reference does.
# (f) About every four million multiplications (a few milliseconds) the GIL is taken to look for Ctrl-C. Weights change only
#     at the end of a whole iteration, so at any interruption they are sound.

from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport fabs, isfinite
from libc.stdint cimport uint8_t, uintptr_t

from activations cimport LOWEST_POWER, sigmoid

ctypedef fused storage:
    double
    float
    uint8_t

cdef enum:
    PACKED_WIDTH = 8  # the most weights that are kept in registers
    CHUNK_VALUES = 65536  # numbers in a chunk, where a row counts as at least 8; only what is a single chunk is packed
    SIGMOID_WORK = 24  # a sigmoid takes about as long as this many multiplications
    WORK_BETWEEN_SIGNALS = 4194304  # multiplications

cdef extern from *:
    """
    #define SAFE_SUM 1e300  /* sums of products up to here cannot overflow on the way */
    #define UNIT 0x1p-540   /* two numbers scaled by it have a product that cannot overflow, nor can a sum of them */

    #if defined(__GNUC__)
    static inline __attribute__((always_inline)) long long packed_steps(
        int, const double *, const double *, double *, Py_ssize_t, long long, double, double);
    #endif
    """
    const double SAFE_SUM
    const double UNIT


# One neuron, one row.

cdef double sum_in_smaller_units(const storage* row, const double* weights, Py_ssize_t n_inputs, bint bias) noexcept nogil:
    """The weighted sum where the plain one overflowed: summed in units of 2^1080, then brought back (infinite if it must)."""
    cdef double total = 0.0
    cdef Py_ssize_t j
    for j in range(n_inputs):
        total += (row[j] * UNIT) * (weights[j] * UNIT)
    if bias:
        total += UNIT * (weights[n_inputs] * UNIT)
    return total / UNIT / UNIT


cdef inline double weighted_sum(const storage* row, const double* weights, Py_ssize_t n_inputs, bint bias) noexcept nogil:
    """row · weights, plus the bias if there is one: weights[n_inputs]."""
    cdef double total
    cdef double s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0
    cdef Py_ssize_t j = 0
    if n_inputs < 16:
        total = row[0] * weights[0]
        for j in range(1, n_inputs):
            total += row[j] * weights[j]
    else:
        while j + 8 <= n_inputs:
            s0 += row[j] * weights[j]
            s1 += row[j + 1] * weights[j + 1]
            s2 += row[j + 2] * weights[j + 2]
            s3 += row[j + 3] * weights[j + 3]
            s4 += row[j + 4] * weights[j + 4]
            s5 += row[j + 5] * weights[j + 5]
            s6 += row[j + 6] * weights[j + 6]
            s7 += row[j + 7] * weights[j + 7]
            j += 8
        total = ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))
        while j < n_inputs:
            total += row[j] * weights[j]
            j += 1
    if bias:
        total += weights[n_inputs]
    if not isfinite(total):
        total = sum_in_smaller_units(row, weights, n_inputs, bias)
    return total


cdef inline double adjustment(double target, double output) noexcept nogil:
    """error × slope."""
    return (target - output) * (output * (1.0 - output))


# A layer, a chunk of rows. `neurons` holds each neuron's weights together: n_outputs × width, width = n_inputs + bias.

cdef struct Layer:
    Py_ssize_t n_inputs
    Py_ssize_t n_outputs
    Py_ssize_t width
    bint bias
    double* neurons


cdef void chunk_sums(const storage* inputs, double* sums, Py_ssize_t n_rows, const Layer* layer, bint squash) noexcept nogil:
    """sums = inputs @ weights for a chunk, or the sigmoid of that."""
    cdef Py_ssize_t i, c
    cdef double total, lowest_power = LOWEST_POWER
    for i in range(n_rows):
        for c in range(layer.n_outputs):
            total = weighted_sum(inputs + i * layer.n_inputs, layer.neurons + c * layer.width, layer.n_inputs, layer.bias)
            sums[i * layer.n_outputs + c] = sigmoid(total, lowest_power) if squash else total


cdef void chunk_gradient(
    const storage* inputs, const double* targets, double* outputs, double* gradient, Py_ssize_t n_rows, const Layer* layer
) noexcept nogil:
    """gradient += inputsᵀ @ adjustments for a chunk, n_outputs × width; the pass itself is left in outputs."""
    cdef Py_ssize_t i, c, j
    cdef const storage* row
    cdef double* slot
    cdef double output, amount, lowest_power = LOWEST_POWER
    for i in range(n_rows):
        row = inputs + i * layer.n_inputs
        for c in range(layer.n_outputs):
            output = sigmoid(
                weighted_sum(row, layer.neurons + c * layer.width, layer.n_inputs, layer.bias), lowest_power
            )
            outputs[i * layer.n_outputs + c] = output
            amount = adjustment(targets[i * layer.n_outputs + c], output)
            slot = gradient + c * layer.width
            for j in range(layer.n_inputs):
                slot[j] += row[j] * amount
            if layer.bias:
                slot[layer.n_inputs] += amount


cdef double gradient_in_smaller_units(
    const storage* inputs, const double* targets, const double* outputs, Py_ssize_t n_rows, const Layer* layer,
    Py_ssize_t c, Py_ssize_t j
) noexcept nogil:
    """One number of the gradient, where the plain sum of it overflowed."""
    cdef double total = 0.0
    cdef Py_ssize_t i, at
    for i in range(n_rows):
        at = i * layer.n_outputs + c
        total += (inputs[i * layer.n_inputs + j] * UNIT) * (adjustment(targets[at], outputs[at]) * UNIT)
    return total / UNIT / UNIT


# Iterations.

cdef inline long long packed_steps "packed_steps"(
    int width, const double* rows, const double* targets, double* weights, Py_ssize_t n_rows, long long iterations,
    double learning_rate, double largest_sum
) noexcept nogil:
    """Up to `iterations` steps of one neuron over packed rows, until the weights' magnitudes sum to more than largest_sum.

    Inlined with a constant width, so that weights and gradient live in registers; and it stores nothing, so that the
    compiler is free to take several rows at a time.
    """
    cdef double kept[PACKED_WIDTH]
    cdef double gradient[PACKED_WIDTH]
    cdef double updated[PACKED_WIDTH]
    cdef double total, output, amount, magnitudes = 0.0, lowest_power = LOWEST_POWER
    cdef long long iteration
    cdef Py_ssize_t i
    cdef int j
    for j in range(width):
        kept[j] = weights[j]
        magnitudes += fabs(kept[j])
    if not magnitudes <= largest_sum:
        return 0
    iteration = 0
    while iteration < iterations:
        for j in range(width):
            gradient[j] = 0.0
        for i in range(n_rows):
            total = rows[i * width] * kept[0]
            for j in range(1, width):
                total += rows[i * width + j] * kept[j]
            output = sigmoid(total, lowest_power)
            amount = adjustment(targets[i], output)
            for j in range(width):
                gradient[j] += rows[i * width + j] * amount
        magnitudes = 0.0
        for j in range(width):
            updated[j] = kept[j] + learning_rate * gradient[j]
            magnitudes += fabs(updated[j])
        if not magnitudes <= largest_sum:
            break
        for j in range(width):
            kept[j] = updated[j]
        iteration += 1
    for j in range(width):
        weights[j] = kept[j]
    return iteration


cdef long long packed_steps_of_width(
    Py_ssize_t width, const double* rows, const double* targets, double* weights, Py_ssize_t n_rows, long long iterations,
    double learning_rate, double largest_sum
) noexcept nogil:
    """packed_steps, its width made a constant."""
    if width == 1:
        return packed_steps(1, rows, targets, weights, n_rows, iterations, learning_rate, largest_sum)
    if width == 2:
        return packed_steps(2, rows, targets, weights, n_rows, iterations, learning_rate, largest_sum)
    if width == 3:
        return packed_steps(3, rows, targets, weights, n_rows, iterations, learning_rate, largest_sum)
    if width == 4:
        return packed_steps(4, rows, targets, weights, n_rows, iterations, learning_rate, largest_sum)
    if width == 5:
        return packed_steps(5, rows, targets, weights, n_rows, iterations, learning_rate, largest_sum)
    if width == 6:
        return packed_steps(6, rows, targets, weights, n_rows, iterations, learning_rate, largest_sum)
    if width == 7:
        return packed_steps(7, rows, targets, weights, n_rows, iterations, learning_rate, largest_sum)
    return packed_steps(8, rows, targets, weights, n_rows, iterations, learning_rate, largest_sum)


cdef struct Packed:
    double* rows  # n_rows × width: the inputs and, with a bias, a last column of ones
    double* targets  # n_outputs × n_rows
    double* neurons_before  # n_outputs × width
    double largest_input


cdef long long train_packed(
    const Packed* packed, Py_ssize_t n_rows, const Layer* layer, long long iterations, double learning_rate
) noexcept nogil:
    """As many of the iterations as need no care about overflow; every neuron makes the same number of them."""
    cdef Py_ssize_t values = layer.n_outputs * layer.width
    cdef Py_ssize_t c = 0, at
    cdef long long made
    for at in range(values):
        packed.neurons_before[at] = layer.neurons[at]
    while c < layer.n_outputs and iterations > 0:
        made = packed_steps_of_width(
            layer.width, packed.rows, packed.targets + c * n_rows, layer.neurons + c * layer.width,
            n_rows, iterations, learning_rate, SAFE_SUM / packed.largest_input,
        )
        c += 1
        if made < iterations:  # all neurons again, for as long as this one went
            iterations = made
            c = 0
            for at in range(values):
                layer.neurons[at] = packed.neurons_before[at]
    return iterations


cdef int step(
    const storage* inputs, const double* targets, double* outputs, Py_ssize_t n_rows, const Layer* layer,
    double* gradient, double* part, double learning_rate
) except -1 nogil:
    """One iteration over any number of rows, chunk by chunk: 1, or 0 and no change if it would leave the range of floats."""
    cdef Py_ssize_t values = layer.n_outputs * layer.width
    cdef Py_ssize_t chunk = rows_in_chunk(layer.n_inputs)
    cdef Py_ssize_t start, at, rows
    cdef long long work = 0
    for at in range(values):
        gradient[at] = 0.0
    start = 0
    while start < n_rows:
        rows = min(chunk, n_rows - start)
        for at in range(values):
            part[at] = 0.0
        chunk_gradient(
            inputs + start * layer.n_inputs, targets + start * layer.n_outputs, outputs + start * layer.n_outputs,
            part, rows, layer,
        )
        for at in range(values):
            gradient[at] += part[at]
        start += rows
        work += work_of(rows, layer)
        if work >= WORK_BETWEEN_SIGNALS:
            work = 0
            look_for_signals()
    for at in range(values):
        part[at] = layer.neurons[at] + learning_rate * gradient[at]
        if not isfinite(part[at]) and at % layer.width < layer.n_inputs:
            gradient[at] = gradient_in_smaller_units(
                inputs, targets, outputs, n_rows, layer, at // layer.width, at % layer.width
            )
            part[at] = layer.neurons[at] + learning_rate * gradient[at]
        if not isfinite(part[at]):
            return 0
    for at in range(values):
        layer.neurons[at] = part[at]
    return 1


cdef long long iterate(
    const storage* inputs, const double* targets, double* outputs, Py_ssize_t n_rows, const Layer* layer,
    const Packed* packed, double* gradient, double* part, long long iterations, double learning_rate
) except -1 nogil:
    """As many of the iterations as keep the weights finite; packed ones but for the last, where `packed` is given."""
    cdef long long work_of_one = work_of(n_rows, layer)
    cdef long long at_once = max(1, WORK_BETWEEN_SIGNALS // work_of_one)
    cdef long long work = 0, made = 0, made_now
    while made < iterations:
        made_now = 0
        if packed != NULL:
            made_now = train_packed(packed, n_rows, layer, min(iterations - made - 1, at_once), learning_rate)
        if made_now == 0:
            made_now = step(inputs, targets, outputs, n_rows, layer, gradient, part, learning_rate)
            if made_now == 0:
                break
        made += made_now
        work += made_now * work_of_one
        if work >= WORK_BETWEEN_SIGNALS:
            work = 0
            look_for_signals()
    return made


cdef void pack(
    Packed* packed, const storage* inputs, const double* targets, Py_ssize_t n_rows, const Layer* layer
) noexcept nogil:
    cdef Py_ssize_t i, j
    packed.largest_input = 1.0
    for i in range(n_rows):
        for j in range(layer.n_inputs):
            packed.rows[i * layer.width + j] = inputs[i * layer.n_inputs + j]
            packed.largest_input = max(packed.largest_input, fabs(packed.rows[i * layer.width + j]))
        if layer.bias:
            packed.rows[i * layer.width + layer.n_inputs] = 1.0
        for j in range(layer.n_outputs):
            packed.targets[j * n_rows + i] = targets[i * layer.n_outputs + j]


cdef Py_ssize_t rows_in_chunk(Py_ssize_t n_inputs) noexcept nogil:
    return max(1, CHUNK_VALUES // max(n_inputs, PACKED_WIDTH))


cdef long long work_of(Py_ssize_t n_rows, const Layer* layer) noexcept nogil:
    """About how many multiplications a pass over n_rows is worth."""
    return <long long> n_rows * layer.n_outputs * (layer.width + SIGMOID_WORK)


cdef int look_for_signals() except -1 nogil:
    with gil:
        return PyErr_CheckSignals()


# From Python's tables to addresses, and back.

cdef const uint8_t[::1] memory_of(table):
    """The bytes of a C-contiguous table: its own, or a copy where its numbers do not lie as the processor wants them."""
    cdef const uint8_t[::1] memory = table.cast("B")
    if <uintptr_t> &memory[0] % <uintptr_t> table.itemsize:
        memory = bytes(memory)
    return memory


cdef double* carve(double** room, Py_ssize_t count) noexcept nogil:
    cdef double* start = room[0]
    room[0] += count
    return start


cdef Layer layer_of(const double[:, ::1] weights, Py_ssize_t n_inputs, double* neurons) noexcept nogil:
    """The layer, its weights gathered neuron by neuron into `neurons`."""
    cdef Layer layer
    cdef Py_ssize_t j, c
    layer.n_inputs = n_inputs
    layer.n_outputs = weights.shape[1]
    layer.width = weights.shape[0]
    layer.bias = layer.width > n_inputs
    layer.neurons = neurons
    for j in range(layer.width):
        for c in range(layer.n_outputs):
            neurons[c * layer.width + j] = weights[j, c]
    return layer


cdef long long train_stored(
    const storage* inputs, Py_ssize_t n_inputs, const double[:, ::1] targets, double[:, ::1] weights, double[:, ::1] outputs,
    long long iterations, double learning_rate
) except -1:
    cdef Py_ssize_t n_rows = targets.shape[0], n_outputs = weights.shape[1], width = weights.shape[0]
    cdef bint packs = width <= PACKED_WIDTH and n_rows <= rows_in_chunk(n_inputs) and iterations > 3
    cdef Py_ssize_t values = n_outputs * width
    cdef object memory = bytearray(8 * (4 * values + (n_rows * (width + n_outputs) if packs else 0)))
    cdef double* room = <double*> PyByteArray_AS_STRING(memory)
    cdef Layer layer = layer_of(weights, n_inputs, carve(&room, values))
    cdef double* gradient = carve(&room, values)
    cdef double* part = carve(&room, values)
    cdef Packed packed
    cdef Py_ssize_t j, c
    try:
        with nogil:
            if packs:
                packed.neurons_before = carve(&room, values)
                packed.rows = carve(&room, n_rows * width)
                packed.targets = carve(&room, n_rows * n_outputs)
                pack(&packed, inputs, &targets[0, 0], n_rows, &layer)
            return iterate(
                inputs, &targets[0, 0], &outputs[0, 0], n_rows, &layer, &packed if packs else NULL, gradient, part,
                iterations, learning_rate,
            )
    finally:
        for j in range(width):
            for c in range(n_outputs):
                weights[j, c] = layer.neurons[c * width + j]


def train(inputs, const double[:, ::1] targets, double[:, ::1] weights, double[:, ::1] outputs, iterations, learning_rate):
    cdef const uint8_t[::1] memory = memory_of(inputs)
    cdef Py_ssize_t n_inputs = inputs.shape[1]
    if inputs.format == "d":
        return train_stored[double](<const double*> &memory[0], n_inputs, targets, weights, outputs, iterations, learning_rate)
    if inputs.format == "f":
        return train_stored[float](<const float*> &memory[0], n_inputs, targets, weights, outputs, iterations, learning_rate)
    return train_stored[uint8_t](&memory[0], n_inputs, targets, weights, outputs, iterations, learning_rate)


cdef int sums_stored(
    const storage* inputs, Py_ssize_t n_inputs, const double[:, ::1] weights, double[:, ::1] sums, bint squash
) except -1:
    cdef object memory = bytearray(8 * weights.shape[0] * weights.shape[1])
    cdef Layer layer = layer_of(weights, n_inputs, <double*> PyByteArray_AS_STRING(memory))
    cdef Py_ssize_t n_rows = sums.shape[0]
    cdef Py_ssize_t chunk = rows_in_chunk(n_inputs)
    cdef Py_ssize_t start = 0, rows
    cdef long long work = 0
    with nogil:
        while start < n_rows:
            rows = min(chunk, n_rows - start)
            chunk_sums(inputs + start * n_inputs, &sums[start, 0], rows, &layer, squash)
            start += rows
            work += work_of(rows, &layer)
            if work >= WORK_BETWEEN_SIGNALS:
                work = 0
                look_for_signals()
    return 0


cdef int sums_of(inputs, const double[:, ::1] weights, double[:, ::1] sums, bint squash) except -1:
    cdef const uint8_t[::1] memory = memory_of(inputs)
    cdef Py_ssize_t n_inputs = inputs.shape[1]
    if inputs.format == "d":
        return sums_stored[double](<const double*> &memory[0], n_inputs, weights, sums, squash)
    if inputs.format == "f":
        return sums_stored[float](<const float*> &memory[0], n_inputs, weights, sums, squash)
    return sums_stored[uint8_t](&memory[0], n_inputs, weights, sums, squash)


def weighted_sums(inputs, const double[:, ::1] weights, double[:, ::1] sums):
    sums_of(inputs, weights, sums, False)


def forward(inputs, const double[:, ::1] weights, double[:, ::1] outputs):
    sums_of(inputs, weights, outputs, True)


cdef Py_ssize_t find_outside_stored(const storage* values, Py_ssize_t n_values, double low, double high) except -2:
    cdef Py_ssize_t start, at, stop, inside
    with nogil:
        start = 0
        while start < n_values:
            stop = min(start + CHUNK_VALUES, n_values)
            inside = 0
            for at in range(start, stop):  # without a way out, so that it vectorises
                inside += (values[at] >= low) & (values[at] <= high)
            if inside < stop - start:
                for at in range(start, stop):
                    if not (values[at] >= low and values[at] <= high):
                        return at
            start = stop
            if start % WORK_BETWEEN_SIGNALS == 0:
                look_for_signals()
    return -1


def find_outside(values, double low, double high):
    cdef const uint8_t[::1] memory = memory_of(values)
    cdef Py_ssize_t n_values = memory.shape[0] // values.itemsize
    if values.format == "d":
        return find_outside_stored[double](<const double*> &memory[0], n_values, low, high)
    if values.format == "f":
        return find_outside_stored[float](<const float*> &memory[0], n_values, low, high)
    return find_outside_stored[uint8_t](&memory[0], n_values, low, high)
