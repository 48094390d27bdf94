"""The compiled twin's engine: sums over chunks of samples, predictions, and arithmetic on vectors."""

# Design
#
# (a) As in kernels.pyx: the def functions find addresses and release the GIL; the hot loops, in engine_loops.pxi, are those
#     of the instruction set that kernels.pyx chose.
# (b) A Problem holds the samples' memory from one call to the next, so that an evaluation of a few hundred rows is not spent
#     on asking for buffers. It is never changed, and every call has scratch memory of its own: any number of threads may use
#     it at once.
# (c) Vectors are array.array, whose memory Cython finds without asking for a buffer: a dot product of 30 numbers takes
#     about as long as the call.
# (d) A Scorer reads a list's floats straight into an array on the stack, sums them up, and makes the tuple. What is not a
#     list, a tuple or a buffer of as many floats as it wants, or is not finite, goes through the door, which says so.

import array

from cpython cimport array
from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBuffer_Release, PyObject_CheckBuffer, PyObject_GetBuffer,
)
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.list cimport PyList_CheckExact
from cpython.long cimport PyLong_AsDouble, PyLong_CheckExact
from cpython.pycapsule cimport PyCapsule_GetPointer
from cpython.tuple cimport PyTuple_CheckExact
from libc.math cimport fabs, floor
from libc.stdint cimport uint8_t, uint16_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from activations cimport LOWEST_POWER, scaled_exp
from loops cimport (
    FLOAT64, PAIR, SHARES, SIGMOID, SIGMOID_LOG_LOSS, SIGMOID_SQUARED_ERROR, SOFTMAX, SOFTMAX_LOG_LOSS, SUMS, Link, Loops, Loss,
    Outputs, Samples, Table,
)
from tables cimport WORK_BETWEEN_SIGNALS, look_for_signals, memory_of, table_of

cdef enum:
    LANES = 4  # as in lanes.h
    ROWS_AT_ONCE = 256
    MOST_ON_THE_STACK = 256  # features of a row that a Scorer reads without asking for memory

cdef extern from *:
    """
    #define FARTHEST 1e300
    #define TWO_TO_600 4.149515568880993e+180

    /* Read the floats at the front of a list or tuple, without counting references; -1 if it has not n items. Where there is no
       GIL, another thread might take them away meanwhile: there, none is read so. */
    static inline Py_ssize_t read_floats(PyObject *x, double *row, Py_ssize_t n)
    {
        Py_ssize_t j = 0;
        if (PySequence_Fast_GET_SIZE(x) != n)
            return -1;
    #if !defined(Py_GIL_DISABLED)
        PyObject **items = PySequence_Fast_ITEMS(x);
        for (; j < n && PyFloat_CheckExact(items[j]); j++)
            row[j] = PyFloat_AS_DOUBLE(items[j]);
    #endif
        return j;
    }
    """
    const double FARTHEST
    const double TWO_TO_600
    Py_ssize_t read_floats(object x, double* row, Py_ssize_t n)

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


cdef Py_ssize_t filled_up(Py_ssize_t n_outputs) noexcept nogil:
    """How many sums a row has: one, or whole vectors of them."""
    return 1 if n_outputs == 1 else (n_outputs + LANES - 1) // LANES * LANES


cdef Outputs outputs_of(const double* coefficients, Py_ssize_t n_inputs, Py_ssize_t n_outputs, Py_ssize_t width) noexcept nogil:
    cdef Outputs outputs
    outputs.n_inputs = n_inputs
    outputs.n_outputs = n_outputs
    outputs.width = width
    outputs.stride = filled_up(n_outputs)
    outputs.coefficients = coefficients
    outputs.columns = NULL
    return outputs


cdef Py_ssize_t size_of_columns(const Outputs* outputs) noexcept nogil:
    return outputs.width * outputs.stride if outputs.n_outputs > 1 else outputs.n_inputs + 8


cdef void transpose(Outputs* outputs, double* columns) noexcept nogil:
    """Fill the outputs' columns."""
    cdef Py_ssize_t c, j
    memset(columns, 0, size_of_columns(outputs) * sizeof(double))
    if outputs.n_outputs == 1:
        memcpy(columns, outputs.coefficients, outputs.n_inputs * sizeof(double))
    else:
        for c in range(outputs.n_outputs):
            for j in range(outputs.width):
                columns[j * outputs.stride + c] = outputs.coefficients[c * outputs.width + j]
    outputs.columns = columns


cdef double* memory_for(Py_ssize_t count) except NULL nogil:
    """Memory for so many numbers, to be freed."""
    cdef double* memory = <double*> malloc(count * sizeof(double))
    if memory == NULL:
        with gil:
            raise MemoryError
    return memory


cdef double* room_for(Outputs* outputs, Py_ssize_t room) except NULL nogil:
    """Scratch memory for a pass that needs so much room; it begins with the coefficients transposed."""
    cdef double* memory = memory_for(size_of_columns(outputs) + room)
    transpose(outputs, memory)
    return memory


cdef double* after_columns(double* room, const Outputs* outputs) noexcept nogil:
    return room + size_of_columns(outputs)


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
                        part + first * size, after_columns(room, &outputs)
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
        cdef Py_ssize_t width = self.width, padded = (self.width + LANES - 1) // LANES * LANES, at_once, stop, j, k
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
                            after_columns(room, &outputs)
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
                values.data.as_doubles - start, after_columns(room, &outputs)
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
                    &table, &outputs, kind, start, end, &results[0, 0], after_columns(room, &outputs)
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


cdef class Scorer:
    cdef array.array coefficients
    cdef Outputs outputs
    cdef Link link
    cdef tuple classes
    cdef object door
    cdef bytearray columns
    cdef Py_ssize_t room_size, n_results

    def __init__(self, array.array coefficients, n_outputs, n_inputs, link, classes, door):
        self.coefficients = coefficients[:]
        self.outputs = outputs_of(self.coefficients.data.as_doubles, n_inputs, n_outputs, len(coefficients) // n_outputs)
        self.columns = bytearray(8 * size_of_columns(&self.outputs))
        transpose(&self.outputs, <double*> PyByteArray_AS_STRING(self.columns))
        self.link = <Link> <int> LINKS[link]
        self.n_results = 2 if self.link == PAIR else n_outputs
        self.room_size = loops.room_for_rows(&self.outputs, 1)
        self.classes = classes
        self.door = door

    cdef bint quick_sum(self, x, double* total) except -1:
        """The weighted sum of a single output for a short enough row; False where that is not at hand.

        It is the very sum of sums_of_rows, without what that needs to do many rows, which takes several times as long.
        """
        cdef double row[MOST_ON_THE_STACK]
        cdef Py_ssize_t n = self.outputs.n_inputs
        cdef const double* weights = self.outputs.coefficients
        if self.outputs.n_outputs > 1 or n > MOST_ON_THE_STACK or not read_row(x, row, n):
            return False
        total[0] = loops.dot(row, weights, n)
        if self.outputs.width > n:
            total[0] += weights[n]
        return fabs(total[0]) <= FARTHEST

    cdef int answer(self, x, Link link, double* results) except -1:
        """The results for one row, by the very loops that do many."""
        cdef Py_ssize_t n = self.outputs.n_inputs
        cdef double* row = <double*> malloc(n * sizeof(double))
        cdef array.array checked
        if row == NULL:
            raise MemoryError
        try:
            if not (read_row(x, row, n) and self.score(row, link, results)):
                checked = self.door(x)
                self.score(checked.data.as_doubles, link, results)
        finally:
            free(row)
        return 0

    cdef bint score(self, const double* row, Link link, double* results) except -1:
        """Fill the results; whether all numbers of the row are sure to be finite."""
        cdef double on_the_stack[2048]
        cdef double* room = on_the_stack
        cdef Table table
        cdef bint finite
        table.memory = <const char*> row
        table.storage = FLOAT64
        table.n_rows = 1
        table.n_columns = self.outputs.n_inputs
        if self.room_size > 2048:
            room = <double*> malloc(self.room_size * sizeof(double))
            if room == NULL:
                raise MemoryError
        finite = loops.answers(&table, &self.outputs, link, 0, 1, results, room)
        if room != on_the_stack:
            free(room)
        return finite

    def predict_proba_one(self, x):
        cdef double z, e, total
        if self.link != PAIR or not self.quick_sum(x, &z):
            return self.probabilities(x)
        e = -fabs(z)
        e = scaled_exp(LOWEST_POWER if e < LOWEST_POWER else e, 600)
        total = 1.0 / (TWO_TO_600 + e)
        if z >= 0.0:
            return e * total, TWO_TO_600 * total
        return TWO_TO_600 * total, e * total

    def predict_one(self, x):
        cdef double z
        if self.classes is None or not self.quick_sum(x, &z):
            return self.label(x)
        return self.classes[z > 0.0]

    cdef probabilities(self, x):
        cdef array.array results = array.array("d", bytes(8 * self.n_results))
        self.answer(x, self.link, results.data.as_doubles)
        return tuple(results)

    cdef label(self, x):
        cdef array.array sums = array.array("d", bytes(8 * self.outputs.n_outputs))
        self.answer(x, SUMS, sums.data.as_doubles)
        if self.classes is None:
            return tuple([int(total > 0.0) for total in sums])
        return self.classes[choice(sums.data.as_doubles, self.outputs.n_outputs)]


cdef inline bint read_row(x, double* row, Py_ssize_t n) except -1:
    """Read n numbers from a list, a tuple, an array.array or another buffer of float64; False where x is none such."""
    cdef Py_ssize_t j
    if not (PyList_CheckExact(x) or PyTuple_CheckExact(x)):
        return read_buffer(x, row, n)
    j = read_floats(x, row, n)
    if j < 0:
        return False
    while j < n:
        number = x[j]
        if PyFloat_CheckExact(number):
            row[j] = PyFloat_AS_DOUBLE(number)
        elif PyLong_CheckExact(number):
            try:
                row[j] = PyLong_AsDouble(number)
            except OverflowError:
                return False
        else:
            return False
        j += 1
    return True


cdef bint read_buffer(x, double* row, Py_ssize_t n) except -1:
    cdef Py_buffer view
    cdef bint fits
    if not PyObject_CheckBuffer(x):
        return False
    try:
        PyObject_GetBuffer(x, &view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
    except (BufferError, ValueError):
        return False
    fits = view.ndim == 1 and view.len == n * 8 and view.format != NULL and view.format[0] == c"d" and view.format[1] == 0
    if fits:
        memcpy(row, view.buf, view.len)
    PyBuffer_Release(&view)
    return fits


# Vectors and matrices.

def dot(array.array left, array.array right):
    return loops.dot(left.data.as_doubles, right.data.as_doubles, len(left))


def add_scaled(array.array target, double factor, array.array source):
    loops.add_scaled(target.data.as_doubles, factor, source.data.as_doubles, len(source))


cdef void add_rows_up(const double* parts, Py_ssize_t count, Py_ssize_t length, double* total) noexcept nogil:
    cdef Py_ssize_t start
    memset(total, 0, length * sizeof(double))
    for start in range(count):
        loops.add_scaled(total, 1.0, parts + start * length, length)


def add_up(array.array parts, array.array total):
    add_rows_up(parts.data.as_doubles, len(parts) // len(total), len(total), total.data.as_doubles)


def add_up_objective(
    array.array parts, double total_weight, array.array coefficients, array.array ridge, array.array gradient
):
    cdef Py_ssize_t size = len(gradient), j, start
    cdef const double* part = parts.data.as_doubles
    cdef const double* w = coefficients.data.as_doubles
    cdef const double* penalties = ridge.data.as_doubles
    cdef double* slopes = gradient.data.as_doubles
    cdef double value = 0.0
    memset(slopes, 0, size * sizeof(double))
    for start in range(len(parts) // (1 + size)):
        value += part[start * (1 + size)]
        loops.add_scaled(slopes, 1.0, part + start * (1 + size) + 1, size)
    value /= total_weight
    for j in range(size):
        slopes[j] = slopes[j] / total_weight + penalties[j] * w[j]
        value += penalties[j] * w[j] * w[j] / 2.0
    return value


def largest_slope(array.array gradient, Py_ssize_t n_outputs, array.array means, array.array scales):
    cdef Py_ssize_t n = len(means), width = len(gradient) // n_outputs, c, j
    cdef const double* slopes
    cdef double intercept, largest = 0.0
    for c in range(n_outputs):
        slopes = gradient.data.as_doubles + c * width
        intercept = slopes[n] if width > n else 0.0
        largest = max(largest, fabs(intercept))
        for j in range(n):
            largest = max(
                largest, fabs(slopes[j] - means.data.as_doubles[j] * intercept) / scales.data.as_doubles[j]
            )
    return largest


def cholesky(array.array matrix, Py_ssize_t n):
    cdef array.array column = array.array("d", bytes(16 * n))
    cdef Py_ssize_t failed
    with nogil:
        failed = loops.cholesky(matrix.data.as_doubles, n, column.data.as_doubles)
    return failed


def cholesky_solve(array.array factors, Py_ssize_t n, array.array vector):
    cdef Py_ssize_t first, size = len(vector), length = len(factors)
    with nogil:
        first = 0
        while first < size:
            loops.cholesky_solve(factors.data.as_doubles + first * n % length, n, vector.data.as_doubles + first)
            first += n


def sparse_step(
    array.array matrix, Py_ssize_t n, array.array gradient, array.array point, array.array thresholds, array.array step,
    Py_ssize_t sweeps, double tolerance
):
    cdef array.array scratch = array.array("d", bytes(8 * (n * n + n)))
    cdef double* whole = scratch.data.as_doubles
    cdef double* slopes = whole + n * n
    cdef double* steps = step.data.as_doubles
    cdef const double* half = matrix.data.as_doubles
    cdef double curvature, here, there, threshold, change, largest
    cdef Py_ssize_t j, k, sweep
    with nogil:
        for j in range(n):
            for k in range(n):
                whole[j * n + k] = half[max(j, k) * n + min(j, k)]
        for j in range(n):
            slopes[j] = gradient.data.as_doubles[j] + loops.dot(whole + j * n, steps, n)
        for sweep in range(sweeps):
            largest = 0.0
            for j in range(n):
                curvature = whole[j * n + j]
                if curvature <= 0.0:
                    continue
                here = point.data.as_doubles[j] + steps[j]
                there = here - slopes[j] / curvature
                threshold = thresholds.data.as_doubles[j] / curvature
                there = max(there - threshold, 0.0) + min(there + threshold, 0.0)
                change = there - here
                if change != 0.0:
                    steps[j] = there - point.data.as_doubles[j]
                    loops.add_scaled(slopes, change, whole + j * n, n)
                    largest = max(largest, curvature * change * change)
            if largest <= tolerance:
                break
            if sweep % 16 == 15:
                look_for_signals()
