"""The compiled twin's engine: sums over chunks of samples and predictions; a Scorer and arithmetic on vectors beside it."""

# Design
#
# (a) As in kernels.pyx: the def functions find addresses and release the GIL; the hot loops, in engine_loops.pxi, are those
#     of the instruction set that kernels.pyx chose.
# (b) A Problem holds the samples' memory from one call to the next, so that an evaluation of a few hundred rows is not spent
#     on asking for buffers. It is never changed, and every call has scratch memory of its own: any number of threads may use
#     it at once.
# (c) Vectors are array.array, whose memory Cython finds without asking for a buffer: a dot product of 30 numbers takes
#     about as long as the call.

import array

cimport cython
from cpython cimport array
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport floor
from libc.stdint cimport uint8_t, uint16_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from loops cimport (
    FLOAT64, PAIR, SHARES, SIGMOID, SIGMOID_LOG_LOSS, SIGMOID_SQUARED_ERROR, SOFTMAX, SOFTMAX_LOG_LOSS, SUMS, Link, Loops, Loss,
    Outputs, Samples, Table, whole_vectors,
)
from tables cimport WORK_BETWEEN_SIGNALS, look_for_signals, memory_of, table_of

cdef enum:
    ROWS_AT_ONCE = 256

cdef const Loops* loops = NULL


def take_loops(table):
    """Use the loops of this table: called once, by the twin."""
    global loops
    loops = <const Loops*> PyCapsule_GetPointer(table, "pyperceptron.loops")


cdef dict LOSSES = {
    "sigmoid_log_loss": SIGMOID_LOG_LOSS,
    "softmax_log_loss": SOFTMAX_LOG_LOSS,
    "sigmoid_squared_error": SIGMOID_SQUARED_ERROR,
}
cdef dict LINKS = {"sums": SUMS, "sigmoid": SIGMOID, "softmax": SOFTMAX, "shares": SHARES, "pair": PAIR}


cdef Outputs outputs_of(const double* coefficients, Py_ssize_t n_inputs, Py_ssize_t n_outputs, Py_ssize_t width) noexcept nogil:
    cdef Outputs outputs
    outputs.n_inputs = n_inputs
    outputs.n_outputs = n_outputs
    outputs.width = width
    outputs.stride = 1 if n_outputs == 1 else whole_vectors(n_outputs)
    outputs.coefficients = coefficients
    outputs.weights = NULL
    return outputs


cdef Py_ssize_t size_of_weights(const Outputs* outputs) noexcept nogil:
    return outputs.n_outputs * whole_vectors(outputs.n_inputs)


cdef void fill_up(Outputs* outputs, double* weights) noexcept nogil:
    """Fill the outputs' weights."""
    cdef Py_ssize_t c, n = outputs.n_inputs
    memset(weights, 0, size_of_weights(outputs) * sizeof(double))
    for c in range(outputs.n_outputs):
        memcpy(weights + c * whole_vectors(n), outputs.coefficients + c * outputs.width, n * sizeof(double))
    outputs.weights = weights


cdef extern from *:
    """
    #include <stdlib.h>

    /* From the start of a cache line on, where that can be had: a vector of a copied block that lies across two of them is read
       twice, and by chance of that softmax took 15% longer. */
    static double *allocate(size_t count)
    {
    #if defined(_WIN32)
        return malloc(count * sizeof(double));
    #else
        void *memory;
        return posix_memalign(&memory, 64, count * sizeof(double)) ? NULL : memory;
    #endif
    }
    """
    double* allocate(size_t count) nogil


cdef double* memory_for(Py_ssize_t count) except NULL nogil:
    """Memory for so many numbers, to be freed."""
    cdef double* memory = allocate(count)
    if memory == NULL:
        with gil:
            raise MemoryError
    return memory


cdef double* room_for(Outputs* outputs, Py_ssize_t room) except NULL nogil:
    """Scratch memory for a pass that needs so much room; it begins with the weights."""
    cdef double* memory = memory_for(size_of_weights(outputs) + room)
    fill_up(outputs, memory)
    return memory


cdef double* after_weights(double* room, const Outputs* outputs) noexcept nogil:
    return room + size_of_weights(outputs)


@cython.final
cdef class Problem:
    cdef const uint8_t[::1] memory
    cdef object targets
    cdef const uint8_t[::1] target_memory
    cdef const double[::1] weights
    cdef Samples samples
    cdef Py_ssize_t n_outputs, width, rows_in_chunk

    def __init__(self, inputs, targets, sample_weights, n_outputs, loss, intercept, rows_in_chunk):
        self.memory = memory_of(inputs)
        self.samples.inputs = table_of(inputs, self.memory)
        self.target_memory = memory_of(targets)
        self.samples.targets = &self.target_memory[0]
        self.samples.wide_targets = targets.itemsize > 1
        self.samples.target_columns = targets.shape[1]
        self.samples.weights = NULL
        if sample_weights is not None:
            self.weights = sample_weights
            self.samples.weights = &self.weights[0]
        self.samples.loss = <Loss> <int> LOSSES[loss]
        self.n_outputs = n_outputs
        self.width = self.samples.inputs.n_columns + bool(intercept)
        self.rows_in_chunk = rows_in_chunk

    cdef Outputs outputs(self, array.array coefficients):
        return outputs_of(coefficients.data.as_doubles, self.samples.inputs.n_columns, self.n_outputs, self.width)

    def evaluate(self, array.array coefficients, Py_ssize_t first, Py_ssize_t last, array.array parts):
        cdef Outputs outputs = self.outputs(coefficients)
        cdef Py_ssize_t size = 1 + self.n_outputs * self.width, start
        cdef long long work = 0
        cdef double* part = parts.data.as_doubles
        cdef double* room
        with nogil:
            room = room_for(&outputs, loops.room_for_rows(&outputs, self.rows_in_chunk))
            try:
                while first < last:
                    start = first * self.rows_in_chunk
                    loops.add_losses(
                        &self.samples, &outputs, start, min(start + self.rows_in_chunk, self.samples.inputs.n_rows),
                        part + first * size, after_weights(room, &outputs)
                    )
                    first += 1
                    work += self.rows_in_chunk * self.n_outputs * self.width
                    if work >= WORK_BETWEEN_SIGNALS:
                        work = 0
                        look_for_signals()
            finally:
                free(room)

    def hessian(
        self, array.array coefficients, Py_ssize_t output, rows, row_weights, Py_ssize_t first, Py_ssize_t last,
        array.array matrix
    ):
        cdef Outputs outputs = self.outputs(coefficients)
        cdef array.array listed, of_listed
        cdef const long long* row = NULL
        cdef const double* row_weight = NULL
        cdef Py_ssize_t width = self.width, padded = whole_vectors(self.width), at_once, stop, j, k
        cdef double* total = matrix.data.as_doubles
        cdef double* room
        cdef double* tiles
        if rows is not None:
            listed, of_listed = rows, row_weights
            row, row_weight = listed.data.as_longlongs, of_listed.data.as_doubles
        with nogil:
            at_once = max(ROWS_AT_ONCE, WORK_BETWEEN_SIGNALS // (width * width))
            room = room_for(&outputs, loops.room_for_hessian(&outputs))
            try:
                tiles = memory_for(padded * padded)
                try:
                    memset(tiles, 0, padded * padded * sizeof(double))
                    while first < last:
                        stop = min(first + at_once, last)
                        loops.add_hessian(
                            &self.samples, &outputs, output, row, row_weight, first, stop, tiles,
                            after_weights(room, &outputs)
                        )
                        first = stop
                        if first < last:
                            look_for_signals()
                    for j in range(width):
                        for k in range(width):
                            total[j * width + k] = tiles[j * padded + k] if k <= j else 0.0
                finally:
                    free(tiles)
            finally:
                free(room)

    def moments(self, array.array centre, Py_ssize_t first, Py_ssize_t last, array.array parts):
        cdef Outputs outputs = outputs_of(NULL, self.samples.inputs.n_columns, 1, self.width)
        cdef Py_ssize_t size = 1 + 2 * outputs.n_inputs, start
        cdef long long work = 0
        cdef double* part = parts.data.as_doubles
        cdef double* room
        with nogil:
            room = memory_for(loops.room_for_rows(&outputs, self.rows_in_chunk))
            try:
                while first < last:
                    start = first * self.rows_in_chunk
                    loops.add_moments(
                        &self.samples, centre.data.as_doubles, start,
                        min(start + self.rows_in_chunk, self.samples.inputs.n_rows), part + first * size, room
                    )
                    first += 1
                    work += self.rows_in_chunk * self.width
                    if work >= WORK_BETWEEN_SIGNALS:
                        work = 0
                        look_for_signals()
            finally:
                free(room)

    def importances(
        self, array.array coefficients, array.array means, array.array scales, Py_ssize_t chunk, array.array values
    ):
        cdef Outputs outputs = self.outputs(coefficients)
        cdef Py_ssize_t start = chunk * self.rows_in_chunk
        cdef Py_ssize_t stop = min(start + self.rows_in_chunk, self.samples.inputs.n_rows)
        cdef double* room
        with nogil:
            room = room_for(&outputs, loops.room_for_rows(&outputs, stop - start))
            loops.importances(
                &self.samples, &outputs, means.data.as_doubles, scales.data.as_doubles, start, stop,
                values.data.as_doubles - start, after_weights(room, &outputs)
            )
            free(room)
        return stop - start


def pick(array.array values, Py_ssize_t wanted, array.array picked, array.array weights):
    cdef const double* value = values.data.as_doubles
    cdef Py_ssize_t found = 0, most = len(picked), count = len(values), at
    cdef double total = 0.0, passed = 0.0, before, share
    with nogil:
        for at in range(count):
            total += value[at]
        for at in range(count):
            share = min(1.0, wanted * value[at] / total) if total > 0.0 else 0.0
            before = passed
            passed += share
            if floor(passed) > floor(before) and found < most:
                picked.data.as_longlongs[found] = at
                weights.data.as_doubles[found] = 1.0 / share
                found += 1
    return found


def predict(inputs, array.array coefficients, link, Py_ssize_t start, Py_ssize_t stop, double[:, ::1] results):
    cdef const uint8_t[::1] memory = memory_of(inputs)
    cdef Table table = table_of(inputs, memory)
    cdef Link kind = <Link> <int> LINKS[link]
    cdef Py_ssize_t n_outputs = 1 if kind == PAIR else results.shape[1]
    cdef Outputs outputs = outputs_of(
        coefficients.data.as_doubles, table.n_columns, n_outputs, len(coefficients) // n_outputs
    )
    cdef Py_ssize_t at_once = max(ROWS_AT_ONCE, WORK_BETWEEN_SIGNALS // (outputs.width * n_outputs)), end
    cdef double* room
    cdef bint finite = True
    with nogil:
        room = room_for(&outputs, loops.room_for_rows(&outputs, at_once))
        try:
            while start < stop:
                end = min(start + at_once, stop)
                finite = loops.answers(
                    &table, &outputs, kind, start, end, &results[0, 0], after_weights(room, &outputs)
                ) and finite
                start = end
                if start < stop:
                    look_for_signals()
        finally:
            free(room)
    return finite


cdef Py_ssize_t choice(const double* sums, Py_ssize_t count) noexcept nogil:
    """Which class the sums speak for; the first of equals."""
    cdef Py_ssize_t best = 0, c
    if count == 1:
        return sums[0] > 0.0
    for c in range(1, count):
        if sums[c] > sums[best]:
            best = c
    return best


def choose(const double[:, ::1] sums, uint16_t[::1] choices):
    cdef Py_ssize_t i
    with nogil:
        for i in range(sums.shape[0]):
            choices[i] = <uint16_t> choice(&sums[i, 0], sums.shape[1])


include "scorer.pxi"
include "vectors.pxi"
