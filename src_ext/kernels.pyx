"""The compiled twin: the reference kernels of pyperceptron/backends/python.py over raw memory."""

# Design
#
# (a) Python shapes the input, C only computes. The def functions at the end take tables that pyperceptron.samples has
#     checked, find their addresses, release the GIL and call what stands above them, which knows nothing of Python. The hot
#     loops themselves are in loops.pyx, compiled for several instruction sets; this module chooses among them as it is
#     imported.
# (b) Work goes chunk by chunk, a fixed number of rows that fits a second-level cache. A chunk's gradient is summed by itself
#     and the chunks' are added in order, so chunks can be given to threads without changing a bit.
# (c) Nothing finite becomes nan: a gradient that overflows on the way is taken again in smaller units, as the reference
#     does; a step that would leave the range of floats all the same is not made.
# (d) About every four million multiplications (a few milliseconds) the GIL is taken to look for Ctrl-C. Weights change only
#     at the end of a whole iteration, so at any interruption they are sound.

import os
from importlib import import_module

from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport fabs, isfinite
from libc.stdint cimport uint8_t

from loops cimport PACKED_WIDTH, UNIT, Layer, Loops, Table, adjustment, size_of, value_at
from tables cimport WORK_BETWEEN_SIGNALS, look_for_signals, memory_of, table_of

from pyperceptron.backends import _engine
# Offered here, with the functions at the end.
from pyperceptron.backends._engine import (
    Problem, Scorer, add_scaled, add_up, add_up_objective, cholesky, cholesky_solve, choose, dot,  # no-cython-lint
    largest_slope, pick, predict, sparse_step,  # no-cython-lint
)

cdef enum:
    CHUNK_VALUES = 65536  # numbers in a chunk, where a row counts as at least 8; only what is a single chunk is packed
    BLOCK_VALUES = 2048  # numbers in a block, of which a chunk is made: 16 kB of float64
    SIGMOID_WORK = 24  # a sigmoid takes about as long as this many multiplications

cdef extern from *:
    """
    #define SAFE_SUM 1e300  /* sums of products up to here cannot overflow on the way */

    #if defined(WITH_AVX)  /* set by setup.py where it compiles the loops for these sets too */
    #define HAS_AVX2 (__builtin_cpu_init(), __builtin_cpu_supports("avx2"))
    #define HAS_AVX512 (HAS_AVX2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") \\
                        && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
    #else
    #define HAS_AVX2 0
    #define HAS_AVX512 0
    #endif
    """
    const double SAFE_SUM
    const bint HAS_AVX2
    const bint HAS_AVX512


# The instruction set: the best that the processor has, or what PYPERCEPTRON_INSTRUCTION_SET asks for.

def instruction_sets():
    """The names of the instruction sets that this machine can run, the best first."""
    if HAS_AVX512:
        return "avx512", "avx2", "baseline"
    return ("avx2", "baseline") if HAS_AVX2 else ("baseline",)


instruction_set = os.environ.get("PYPERCEPTRON_INSTRUCTION_SET") or instruction_sets()[0]
if instruction_set not in instruction_sets():
    raise ValueError(
        f"$PYPERCEPTRON_INSTRUCTION_SET is {instruction_set!r}; this machine has {', '.join(instruction_sets())}: "
        "name one of them or unset it"
    )
cdef object table = import_module(f"pyperceptron.backends._loops_{instruction_set}").table
cdef const Loops* loops = <const Loops*> PyCapsule_GetPointer(table, "pyperceptron.loops")
_engine.take_loops(table)


# Packed training: many iterations at once, of a narrow layer over few samples.

cdef struct Packed:
    double* rows  # n_rows × width: the inputs and, with a bias, a last column of ones
    double* targets  # n_outputs × n_rows
    double* neurons_before  # n_outputs × width
    double largest_input


cdef void pack(Packed* packed, const Table* inputs, const double* targets, const Layer* layer) noexcept nogil:
    cdef Py_ssize_t i, j
    packed.largest_input = 1.0
    for i in range(inputs.n_rows):
        for j in range(layer.n_inputs):
            packed.rows[i * layer.width + j] = value_at(inputs, i * layer.n_inputs + j)
            packed.largest_input = max(packed.largest_input, fabs(packed.rows[i * layer.width + j]))
        if layer.bias:
            packed.rows[i * layer.width + layer.n_inputs] = 1.0
        for j in range(layer.n_outputs):
            packed.targets[j * inputs.n_rows + i] = targets[i * layer.n_outputs + j]


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
        made = loops.packed_steps(
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


# Iterations over any number of rows, chunk by chunk.

cdef void pass_over_chunk(
    const Table* inputs, const double* targets, double* outputs, double* gradient, Py_ssize_t start, Py_ssize_t n_rows,
    const Layer* layer
) noexcept nogil:
    """The outputs of rows start … start + n_rows, and their part of inputsᵀ @ adjustments added to the gradient.

    Block by block, so that the rows are still in the first-level cache when the gradient needs them.
    """
    cdef Py_ssize_t stop = start + n_rows, first, rows
    cdef const void* block
    while start < stop:
        rows = min(max(BLOCK_VALUES // inputs.n_columns // 8 * 8, 8), stop - start)
        block = inputs.memory + start * inputs.n_columns * size_of(inputs.storage)
        first = start * layer.n_outputs
        loops.sums(inputs.storage, block, rows, layer, outputs + first)
        loops.sigmoids(outputs + first, rows * layer.n_outputs)
        loops.add_gradient(inputs.storage, block, rows, layer, targets + first, outputs + first, gradient)
        start += rows


cdef double gradient_in_smaller_units(
    const Table* inputs, const double* targets, const double* outputs, const Layer* layer, Py_ssize_t c, Py_ssize_t j
) noexcept nogil:
    """One number of the gradient, where the plain sum of it overflowed."""
    cdef double total = 0.0
    cdef Py_ssize_t i, at
    for i in range(inputs.n_rows):
        at = i * layer.n_outputs + c
        total += (value_at(inputs, i * inputs.n_columns + j) * UNIT) * (adjustment(targets[at], outputs[at]) * UNIT)
    return total / UNIT / UNIT


cdef int step(
    const Table* inputs, const double* targets, double* outputs, const Layer* layer, double* gradient, double* part,
    double learning_rate
) except -1 nogil:
    """One iteration: 1, or 0 and no change if it would leave the range of floats."""
    cdef Py_ssize_t values = layer.n_outputs * layer.width
    cdef Py_ssize_t start = 0, at, rows
    cdef long long work = 0
    for at in range(values):
        gradient[at] = 0.0
    while start < inputs.n_rows:
        rows = min(rows_in_chunk(inputs.n_columns), inputs.n_rows - start)
        for at in range(values):
            part[at] = 0.0
        pass_over_chunk(inputs, targets, outputs, part, start, rows, layer)
        for at in range(values):
            gradient[at] += part[at]
        start += rows
        work += work_of(rows, layer)
        if work >= WORK_BETWEEN_SIGNALS:
            work = 0
            look_for_signals()
    for at in range(values):
        if not isfinite(gradient[at]) and at % layer.width < layer.n_inputs:
            gradient[at] = gradient_in_smaller_units(inputs, targets, outputs, layer, at // layer.width, at % layer.width)
        part[at] = layer.neurons[at] + learning_rate * gradient[at]
        if not isfinite(part[at]):
            return 0
    for at in range(values):
        layer.neurons[at] = part[at]
    return 1


cdef long long iterate(
    const Table* inputs, const double* targets, double* outputs, const Layer* layer, const Packed* packed, double* gradient,
    double* part, long long iterations, double learning_rate
) except -1 nogil:
    """As many of the iterations as keep the weights finite; packed ones but for the last, where `packed` is given."""
    cdef long long work_of_one = work_of(inputs.n_rows, layer)
    cdef long long at_once = max(1, WORK_BETWEEN_SIGNALS // work_of_one)
    cdef long long work = 0, made = 0, made_now
    while made < iterations:
        made_now = 0
        if packed != NULL:
            made_now = train_packed(packed, inputs.n_rows, layer, min(iterations - made - 1, at_once), learning_rate)
            if made_now < at_once:  # the weights have become too large for it, or all but the last iteration are made
                packed = NULL
        if made_now == 0:
            made_now = step(inputs, targets, outputs, layer, gradient, part, learning_rate)
            if made_now == 0:
                break
        made += made_now
        work += made_now * work_of_one
        if work >= WORK_BETWEEN_SIGNALS:
            work = 0
            look_for_signals()
    return made


cdef Py_ssize_t rows_in_chunk(Py_ssize_t n_inputs) noexcept nogil:
    return max(1, CHUNK_VALUES // max(n_inputs, PACKED_WIDTH))


cdef long long work_of(Py_ssize_t n_rows, const Layer* layer) noexcept nogil:
    """About how many multiplications a pass over n_rows is worth."""
    return <long long> n_rows * layer.n_outputs * (layer.width + SIGMOID_WORK)


# From Python's tables to C and back.

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


def train(
    inputs, const double[:, ::1] targets, double[:, ::1] weights, double[:, ::1] outputs, long long iterations,
    double learning_rate
):
    cdef const uint8_t[::1] memory = memory_of(inputs)
    cdef Table table = table_of(inputs, memory)
    cdef Py_ssize_t n_rows = table.n_rows, n_outputs = weights.shape[1], width = weights.shape[0]
    cdef bint packs = width <= PACKED_WIDTH and n_rows <= rows_in_chunk(table.n_columns) and iterations > 3
    cdef Py_ssize_t values = n_outputs * width
    cdef object scratch = bytearray(8 * (4 * values + (n_rows * (width + n_outputs) if packs else 0)))
    cdef double* room = <double*> PyByteArray_AS_STRING(scratch)
    cdef Layer layer = layer_of(weights, table.n_columns, carve(&room, values))
    cdef double* gradient = carve(&room, values)
    cdef double* part = carve(&room, values)
    cdef Packed packed
    cdef long long made
    cdef Py_ssize_t j, c
    try:
        with nogil:
            if packs:
                packed.neurons_before = carve(&room, values)
                packed.rows = carve(&room, n_rows * width)
                packed.targets = carve(&room, n_rows * n_outputs)
                pack(&packed, &table, &targets[0, 0], &layer)
            made = iterate(
                &table, &targets[0, 0], &outputs[0, 0], &layer, &packed if packs else NULL, gradient, part,
                iterations, learning_rate,
            )
    finally:
        for j in range(width):
            for c in range(n_outputs):
                weights[j, c] = layer.neurons[c * width + j]
    return made


cdef int sums_or_outputs(inputs, const double[:, ::1] weights, double[:, ::1] results, bint squash) except -1:
    cdef const uint8_t[::1] memory = memory_of(inputs)
    cdef Table table = table_of(inputs, memory)
    cdef object scratch = bytearray(8 * weights.shape[0] * weights.shape[1])
    cdef Layer layer = layer_of(weights, table.n_columns, <double*> PyByteArray_AS_STRING(scratch))
    cdef Py_ssize_t bytes_in_row = table.n_columns * size_of(table.storage)
    cdef Py_ssize_t start = 0, rows
    cdef long long work = 0
    with nogil:
        while start < table.n_rows:
            rows = min(rows_in_chunk(table.n_columns), table.n_rows - start)
            loops.sums(table.storage, table.memory + start * bytes_in_row, rows, &layer, &results[start, 0])
            if squash:
                loops.sigmoids(&results[start, 0], rows * layer.n_outputs)
            start += rows
            work += work_of(rows, &layer)
            if work >= WORK_BETWEEN_SIGNALS:
                work = 0
                look_for_signals()
    return 0


def weighted_sums(inputs, const double[:, ::1] weights, double[:, ::1] sums):
    sums_or_outputs(inputs, weights, sums, False)


def forward(inputs, const double[:, ::1] weights, double[:, ::1] outputs):
    sums_or_outputs(inputs, weights, outputs, True)


def find_outside(values, double low, double high):
    cdef const uint8_t[::1] memory = memory_of(values)
    cdef Table table = table_of(values, memory)
    cdef Py_ssize_t count = table.n_rows * table.n_columns
    cdef Py_ssize_t start = 0, stop, at
    with nogil:
        while start < count:
            stop = min(start + CHUNK_VALUES, count)
            if loops.count_inside(
                table.storage, table.memory + start * size_of(table.storage), stop - start, low, high
            ) < stop - start:
                for at in range(start, stop):
                    if not low <= value_at(&table, at) <= high:
                        break
                break
            start = stop
            if start % WORK_BETWEEN_SIGNALS == 0:
                look_for_signals()
        else:
            at = -1
    return at
