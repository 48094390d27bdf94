"""The compiled backend: compiled versions of the functions that pyperceptron/backends/python/ documents."""

# Design
#
# (a) Python prepares the input, C only computes. A function here takes the buffers' addresses, releases the GIL and calls a
#     kernel. The kernels are plain C in kernels/, compiled into this module once for each instruction set; on import, the
#     module chooses the table of the best set that the processor supports.
# (b) A LinearLoss keeps the samples' buffers between calls, as acquiring them takes longer than a pass over a few hundred
#     rows. It is immutable and each call allocates its own workspace, so any number of threads may share it.
# (c) Vectors are array.array, whose memory Cython finds without asking for a buffer: a dot product of 30 numbers takes about as
#     long as the call.
# (d) Every few milliseconds a kernel takes the GIL to look for Ctrl-C.

import array
import os

cimport cython
from cpython cimport array
from cpython.bool cimport PyBool_Check
from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBuffer_Release, PyObject_CheckBuffer, PyObject_GetBuffer
from cpython.dict cimport PyDict_CheckExact
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.list cimport PyList_CheckExact
from cpython.long cimport PyLong_AsDouble, PyLong_CheckExact
from cpython.tuple cimport PyTuple_CheckExact
from cpython.unicode cimport PyUnicode_CheckExact
from libc.math cimport NAN, fabs, floor, sqrt
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy, memset

from buffers cimport is_interrupted, memory_of, raise_status, rows_of
from kernels cimport (
    BINARY_SIGMOID, FLOAT64, FLOAT64_TARGETS, IDENTITY, INTERRUPTED, MIN_EXPONENT, NORMALIZED_SIGMOID, SIGMOID, SOFTMAX,
    TWO_TO_600, TWO_TO_MINUS_600, UINT8_CLASSES, UINT16_CLASSES, WORK_BETWEEN_INTERRUPTS, Activation, Kernels, Loss, Problem,
    Rows, TargetType, kernels_avx2, kernels_avx512, kernels_baseline, log_from_one, log_one_plus, scaled_exp,
)

cdef extern from *:
    """
    #include <float.h>

    #if defined(WITH_AVX)  /* set by setup.py where it compiles the kernels for these sets too */
    #define HAS_AVX2 (__builtin_cpu_init(), __builtin_cpu_supports("avx2"))
    #define HAS_AVX512 (HAS_AVX2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") \\
                        && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
    #else
    #define HAS_AVX2 0
    #define HAS_AVX512 0
    #define kernels_avx2 kernels_baseline
    #define kernels_avx512 kernels_baseline
    #endif

    /* Read the leading floats of a list or tuple through borrowed references; return how many, or -1 if its length is not n. In
       a free-threaded build another thread could release the items meanwhile, so none is read. */
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
    const bint HAS_AVX2
    const bint HAS_AVX512
    const double DBL_MAX
    Py_ssize_t read_floats(object x, double* row, Py_ssize_t n)

cdef enum:
    MAX_QUICK_FEATURES = 256  # the longest row that is read onto the stack

cdef array.array TEMPLATE = array.array("d")


cdef inline array.array new_vector(Py_ssize_t length):
    """An array of float64 whose numbers are still to be written."""
    return array.clone(TEMPLATE, length, zero=False)


cdef inline bint looks_at(Py_ssize_t i) noexcept nogil:
    """Whether a loop over i looks for Ctrl-C now."""
    return i % WORK_BETWEEN_INTERRUPTS == WORK_BETWEEN_INTERRUPTS - 1


cdef dict ACTIVATIONS = {
    "identity": IDENTITY,
    "sigmoid": SIGMOID,
    "softmax": SOFTMAX,
    "normalized_sigmoid": NORMALIZED_SIGMOID,
    "binary_sigmoid": BINARY_SIGMOID,
}
cdef dict TARGET_TYPES = {"d": FLOAT64_TARGETS, "B": UINT8_CLASSES, "H": UINT16_CLASSES}


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
cdef const Kernels* kernels = &kernels_baseline
if instruction_set == "avx2":
    kernels = &kernels_avx2
elif instruction_set == "avx512":
    kernels = &kernels_avx512


# Starting weights: the Mersenne Twister, whose state is renewed word by word, so that a few numbers cost a few words.

cdef enum:
    TWISTER_WORDS = 624
    TWISTER_MIDDLE = 397


cdef inline uint32_t next_word(uint32_t* state, Py_ssize_t* place) noexcept nogil:
    cdef Py_ssize_t i = place[0], following = i + 1 if i + 1 < TWISTER_WORDS else 0
    cdef Py_ssize_t middle = i + TWISTER_MIDDLE if i + TWISTER_MIDDLE < TWISTER_WORDS else i + TWISTER_MIDDLE - TWISTER_WORDS
    cdef uint32_t word = (state[i] & <uint32_t> 0x80000000) | (state[following] & <uint32_t> 0x7FFFFFFF)
    word = state[middle] ^ word >> 1 ^ (<uint32_t> 0x9908B0DF if word & 1 else 0)
    state[i], place[0] = word, following
    word ^= word >> 11
    word ^= word << 7 & <uint32_t> 0x9D2C5680
    word ^= word << 15 & <uint32_t> 0xEFC60000
    return word ^ word >> 18


def uniform_weights(Py_ssize_t count, uint32_t seed):
    cdef uint32_t state[TWISTER_WORDS]
    cdef array.array weights = new_vector(count)
    cdef Py_ssize_t place = 0, i
    cdef double high, low
    cdef int status = 0
    state[0] = seed
    for i in range(1, TWISTER_WORDS):
        state[i] = <uint32_t> 1812433253 * (state[i - 1] ^ state[i - 1] >> 30) + <uint32_t> i
    with nogil:
        for i in range(count):
            if looks_at(i) and is_interrupted():
                status = INTERRUPTED
                break
            high = next_word(state, &place) >> 5
            low = next_word(state, &place) >> 6
            weights.data.as_doubles[i] = 2.0 * ((high * 67108864.0 + low) / 9007199254740992.0) - 1.0
    raise_status(status)
    return weights


# Training.

cdef const Loss* loss_of(name) except NULL:
    cdef const Loss* loss = kernels.losses
    while loss.name != NULL:
        if name == loss.name.decode():
            return loss
        loss += 1
    raise KeyError(name)


cdef const int64_t* row_numbers(rows) except? NULL:
    """Return the numbers in an array("q") of rows, which the caller keeps; NULL for None, which stands for all rows."""
    cdef array.array listed
    if rows is None:
        return NULL
    listed = rows
    return <const int64_t*> listed.data.as_longlongs


@cython.final
cdef class LinearLoss:
    cdef tuple arguments
    cdef const uint8_t[::1] memory, target_memory, stop
    cdef const double[::1] weights, offsets
    cdef Problem problem

    def __init__(self, inputs, targets, sample_weights, n_outputs, loss, intercept, rows_in_chunk, offsets=None, stop=None):
        self.arguments = inputs, targets, sample_weights, n_outputs, loss, intercept, rows_in_chunk, offsets
        self.memory = memory_of(inputs)
        self.target_memory = memory_of(targets)
        self.problem.rows = rows_of(inputs, self.memory)
        if offsets is not None:
            self.offsets = offsets
            self.problem.rows.offsets = &self.offsets[0]
        self.problem.targets.memory = <const char*> &self.target_memory[0]
        self.problem.targets.type = <TargetType> <int> TARGET_TYPES[targets.format]
        self.problem.targets.n_columns = targets.shape[1]
        self.problem.sample_weights = NULL
        if sample_weights is not None:
            self.weights = sample_weights
            self.problem.sample_weights = &self.weights[0]
        self.problem.n_outputs = n_outputs
        self.problem.width = self.problem.rows.n_columns + bool(intercept)
        self.problem.rows_in_chunk = rows_in_chunk
        self.problem.loss = loss_of(loss)
        self.problem.stop = NULL
        if stop is not None:
            self.stop = stop
            self.problem.stop = &self.stop[0]

    def __reduce__(self):
        from pyperceptron.backends.python import pickled_loss
        return pickled_loss(LinearLoss, *self.arguments)

    def evaluate(self, array.array coefficients, Py_ssize_t first, Py_ssize_t last):
        return self.evaluate_from(coefficients, NULL, first, last)

    def examine(self, array.array coefficients, array.array centre, Py_ssize_t first, Py_ssize_t last):
        return self.evaluate_from(coefficients, centre.data.as_doubles, first, last)

    cdef array.array evaluate_from(
        self, array.array coefficients, const double* centre, Py_ssize_t first, Py_ssize_t last
    ):
        cdef Py_ssize_t size = self.problem.n_outputs * self.problem.width
        cdef array.array part = new_vector(1 + size if centre == NULL else 1 + 2 * size)
        cdef int status
        with nogil:
            status = kernels.evaluate(
                &self.problem, coefficients.data.as_doubles, centre, first, last, part.data.as_doubles, is_interrupted
            )
        raise_status(status)
        return part

    def hessian(
        self, array.array coefficients, Py_ssize_t output, Py_ssize_t other, rows, row_weights, Py_ssize_t first,
        Py_ssize_t last
    ):
        return self.hessians_between(coefficients, output, other, 1, rows, row_weights, first, last)

    def hessians(
        self, array.array coefficients, Py_ssize_t output, Py_ssize_t count, rows, row_weights, Py_ssize_t first,
        Py_ssize_t last
    ):
        return self.hessians_between(coefficients, output, output, count, rows, row_weights, first, last)

    cdef array.array hessians_between(
        self, array.array coefficients, Py_ssize_t output, Py_ssize_t other, Py_ssize_t count, rows, row_weights,
        Py_ssize_t first, Py_ssize_t last
    ):
        cdef array.array matrices = new_vector(count * self.problem.width * self.problem.width), listed, of_listed
        cdef const int64_t* row = NULL
        cdef const double* row_weight = NULL
        cdef int status
        if rows is not None:
            listed, of_listed = rows, row_weights
            row, row_weight = <const int64_t*> listed.data.as_longlongs, of_listed.data.as_doubles
        with nogil:
            status = kernels.hessian(
                &self.problem, coefficients.data.as_doubles, output, other, count, row, row_weight, first, last,
                matrices.data.as_doubles, is_interrupted
            )
        raise_status(status)
        return matrices

    def moments(self, array.array centre, Py_ssize_t first, Py_ssize_t last):
        cdef array.array part = new_vector(1 + 2 * self.problem.rows.n_columns)
        cdef int status
        with nogil:
            status = kernels.moments(
                &self.problem, centre.data.as_doubles, first, last, part.data.as_doubles, is_interrupted
            )
        raise_status(status)
        return part

    def sampling_scores(
        self, array.array coefficients, array.array means, array.array scales, Py_ssize_t first, Py_ssize_t last
    ):
        cdef Py_ssize_t start = first * self.problem.rows_in_chunk
        cdef Py_ssize_t stop = min(last * self.problem.rows_in_chunk, self.problem.rows.n_rows)
        cdef array.array scores = new_vector(stop - start)
        cdef int status
        with nogil:
            status = kernels.sampling_scores(
                &self.problem, coefficients.data.as_doubles, means.data.as_doubles, scales.data.as_doubles, start, stop,
                scores.data.as_doubles, is_interrupted
            )
        raise_status(status)
        return scores

    def row_logits(self, array.array coefficients, rows, Py_ssize_t first, Py_ssize_t last):
        cdef array.array results = new_vector(self.problem.n_outputs * (last - first))
        cdef const int64_t* row = row_numbers(rows)
        cdef int status
        with nogil:
            status = kernels.row_logits(
                &self.problem, coefficients.data.as_doubles, row, first, last, results.data.as_doubles, is_interrupted
            )
        raise_status(status)
        return results

    def combine_rows(self, array.array values, rows, Py_ssize_t first, Py_ssize_t last):
        cdef array.array total = new_vector(self.problem.n_outputs * self.problem.width)
        cdef const int64_t* row = row_numbers(rows)
        cdef int status
        with nogil:
            status = kernels.combine_rows(
                &self.problem, values.data.as_doubles, row, first, last, total.data.as_doubles, is_interrupted
            )
        raise_status(status)
        return total

    def curvature_factors(self, array.array coefficients, rows, Py_ssize_t first, Py_ssize_t last):
        cdef array.array weights = new_vector(last - first)
        cdef array.array factors = new_vector(self.problem.n_outputs * (last - first))
        cdef const int64_t* row = row_numbers(rows)
        cdef int status
        with nogil:
            status = kernels.curvature_factors(
                &self.problem, coefficients.data.as_doubles, row, first, last, weights.data.as_doubles,
                factors.data.as_doubles, is_interrupted
            )
        raise_status(status)
        return weights, factors

    def gram(self, array.array centre, array.array divisors, rows, Py_ssize_t first, Py_ssize_t last):
        cdef Py_ssize_t count = self.problem.rows.n_rows if rows is None else len(rows), j
        cdef array.array matrix = new_vector((last - first) * count), inverses = new_vector(len(divisors))
        cdef const int64_t* row = row_numbers(rows)
        cdef int status
        for j in range(len(divisors)):
            inverses.data.as_doubles[j] = 1.0 / divisors.data.as_doubles[j]
        with nogil:
            status = kernels.gram(
                &self.problem, centre.data.as_doubles, inverses.data.as_doubles, row, count, first, last,
                matrix.data.as_doubles, is_interrupted
            )
        raise_status(status)
        return matrix

    def columns(self, array.array listed, array.array centre, bint by_rows):
        cdef Py_ssize_t count = len(listed)
        cdef array.array values = new_vector(count * self.problem.rows.n_rows)
        cdef int status
        with nogil:
            status = kernels.copy_columns(
                &self.problem, <const int64_t*> listed.data.as_longlongs, count, centre.data.as_doubles, by_rows,
                values.data.as_doubles, is_interrupted
            )
        raise_status(status)
        return values

    def with_inputs(self, inputs, rows_in_chunk, stop):
        _, targets, sample_weights, n_outputs, loss, intercept, _, _ = self.arguments
        return LinearLoss(inputs, targets, sample_weights, n_outputs, loss, intercept, rows_in_chunk, None, stop)


def train(
    LinearLoss loss, array.array coefficients, int64_t iterations, double learning_rate, double limit, array.array losses
):
    cdef int64_t made = 0
    cdef Py_ssize_t n_losses = len(losses)
    cdef int status
    with nogil:
        status = kernels.train(
            &loss.problem, coefficients.data.as_doubles, iterations, learning_rate, limit, losses.data.as_doubles, n_losses,
            &made, is_interrupted
        )
    raise_status(status)
    return made


def systematic_sample(array.array values, Py_ssize_t wanted):
    cdef const double* value = values.data.as_doubles
    cdef Py_ssize_t found = 0, count = len(values), i
    cdef array.array indices = array.array("q", bytes(8 * (wanted + 1))), weights = new_vector(wanted + 1)
    cdef double total = 0.0, passed = 0.0, before, probability
    cdef int status = 0
    with nogil:
        for i in range(count):
            if looks_at(i) and is_interrupted():
                status = INTERRUPTED
                break
            total += value[i]
        for i in range(count):
            if status or looks_at(i) and is_interrupted():
                status = INTERRUPTED
                break
            probability = min(1.0, wanted * value[i] / total) if total > 0.0 else 0.0
            before = passed
            passed += probability
            if floor(passed) > floor(before) and found <= wanted:
                indices.data.as_longlongs[found] = i
                weights.data.as_doubles[found] = 1.0 / probability
                found += 1
    raise_status(status)
    return indices[:found], weights[:found]


# Prediction.

def first_outside(values, double low, double high):
    cdef const uint8_t[::1] memory = memory_of(values)
    cdef Rows rows = rows_of(values, memory)
    cdef Py_ssize_t found
    cdef int status
    with nogil:
        status = kernels.first_outside(&rows, low, high, &found, is_interrupted)
    raise_status(status)
    return found


def predict(inputs, array.array coefficients, activation, double[:, ::1] results):
    cdef const uint8_t[::1] memory = memory_of(inputs)
    cdef Rows rows = rows_of(inputs, memory)
    cdef Activation kind = <Activation> <int> ACTIVATIONS[activation]
    cdef Py_ssize_t n_outputs = 1 if kind == BINARY_SIGMOID else results.shape[1]
    cdef Py_ssize_t width = len(coefficients) // n_outputs, failed
    cdef int status
    with nogil:
        status = kernels.predict(
            &rows, coefficients.data.as_doubles, n_outputs, width, kind, &results[0, 0], &failed, is_interrupted
        )
    raise_status(status)
    return failed


cdef Py_ssize_t argmax(const double* logits, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t best = 0, c
    if count == 1:
        return logits[0] > 0.0
    for c in range(1, count):
        if logits[c] > logits[best]:
            best = c
    return best


def predicted_classes(const double[:, ::1] logits, uint16_t[::1] classes):
    cdef Py_ssize_t n_rows = logits.shape[0], n_outputs = logits.shape[1], work = 0, i
    cdef int status = 0
    with nogil:
        for i in range(n_rows):
            work += n_outputs
            if work >= WORK_BETWEEN_INTERRUPTS:
                work = 0
                if is_interrupted():
                    status = INTERRUPTED
                    break
            classes[i] = <uint16_t> argmax(&logits[i, 0], n_outputs)
    raise_status(status)


cdef inline double log_sigmoid(double z) noexcept nogil:
    return min(z, 0.0) - log_one_plus(scaled_exp(-fabs(z), MIN_EXPONENT) * TWO_TO_MINUS_600)


cdef void log_softmax(const double* logits, Py_ssize_t count, double* results) noexcept nogil:
    """Write the logarithms of the softmax; the results may be the logits."""
    cdef Py_ssize_t best = argmax(logits, count), c
    cdef double largest = logits[best], others = 0.0, log_total
    for c in range(count):
        results[c] = max(logits[c] - largest, -DBL_MAX)
        if c != best:
            others += scaled_exp(results[c], MIN_EXPONENT)
    others *= TWO_TO_MINUS_600
    log_total = log_one_plus(others) if others <= 1.0 else log_from_one(1.0 + others)
    for c in range(count):
        results[c] = max(results[c] - log_total, -DBL_MAX)


def log_probabilities(const double[:, ::1] logits, activation, double[:, ::1] results):
    cdef Py_ssize_t n_rows = logits.shape[0], n_outputs = logits.shape[1], work = 0, i, c
    cdef Activation kind = <Activation> <int> ACTIVATIONS[activation]
    cdef int status = 0
    with nogil:
        for i in range(n_rows):
            work += n_outputs
            if work >= WORK_BETWEEN_INTERRUPTS:
                work = 0
                if is_interrupted():
                    status = INTERRUPTED
                    break
            if kind == BINARY_SIGMOID:
                results[i, 0], results[i, 1] = log_sigmoid(-logits[i, 0]), log_sigmoid(logits[i, 0])
            elif kind == SOFTMAX:
                log_softmax(&logits[i, 0], n_outputs, &results[i, 0])
            else:
                for c in range(n_outputs):
                    results[i, c] = log_sigmoid(logits[i, c])
                if kind == NORMALIZED_SIGMOID:
                    log_softmax(&results[i, 0], n_outputs, &results[i, 0])
    raise_status(status)


cdef set types_without_mask = set()


cdef bint read_numbers(x, double* row, Py_ssize_t n) except -1:
    """Read n numbers from a list or tuple of float and int, or from a float64 buffer; return False for any other x."""
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
    if type(x) not in types_without_mask:  # asking for an attribute takes as long as all the rest
        if hasattr(x, "mask"):
            return False
        types_without_mask.add(type(x))
    try:
        PyObject_GetBuffer(x, &view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
    except (BufferError, ValueError):
        return False
    fits = view.ndim == 1 and view.len == n * 8 and view.format != NULL and view.format[0] == c"d" and view.format[1] == 0
    if fits:
        memcpy(row, view.buf, view.len)
    PyBuffer_Release(&view)
    return fits


cdef object ABSENT = object()


@cython.final
cdef class _Column:
    """How the value of one column of a mapping becomes numbers of a row; RowPredictor's reference describes the arguments."""

    cdef object name
    cdef Py_ssize_t place, missing_place
    cdef dict levels
    cdef double fill

    def __init__(self, name, place, levels, fill, missing_place):
        self.name, self.place, self.levels, self.fill, self.missing_place = name, place, levels, fill, missing_place

    cdef bint read(self, value, double* row) except -1:
        """Write a value into a row of zeros; return False for one that only read_row can read, or must refuse."""
        return self.read_number(value, row) if self.levels is None else self.read_text(value, row)

    cdef bint read_number(self, value, double* row) except -1:
        cdef double number = NAN
        if PyFloat_CheckExact(value):
            number = PyFloat_AS_DOUBLE(value)
        elif PyLong_CheckExact(value):
            try:
                number = PyLong_AsDouble(value)
            except OverflowError:
                return False
        elif value is not None:
            return False
        if number != number:
            number = self.fill  # nan if none may be missing: then the logit is nan too, and read_row refuses the row
            if self.missing_place >= 0:
                row[self.missing_place] = 1.0
        row[self.place] = number
        return True

    cdef bint read_text(self, value, double* row) except -1:
        cdef Py_ssize_t place = self.missing_place
        if value is not None:
            if not PyUnicode_CheckExact(value):
                if not (PyBool_Check(value) or PyLong_CheckExact(value)):
                    return False
                value = str(value)
            found = self.levels.get(value)
            if found is None:
                return (<str> value).strip() == value  # a text that the training did not hold has no place
            place = found
        if place >= 0:
            row[place] = 1.0
        return True


@cython.final
cdef class RowPredictor:
    cdef array.array coefficients, padded_weights
    cdef Py_ssize_t n_outputs, n_inputs, width
    cdef Activation activation
    cdef tuple classes
    cdef object read_row
    cdef list columns  # of _Column, or None
    cdef bint takes_numbers  # whether a row as given is the numbers themselves
    cdef public object recipe

    def __init__(self, array.array coefficients, n_outputs, n_inputs, activation, classes, read_row, columns=None):
        self.coefficients = coefficients[:]
        self.n_outputs, self.n_inputs, self.width = n_outputs, n_inputs, len(coefficients) // n_outputs
        self.activation = <Activation> <int> ACTIVATIONS[activation]
        self.classes = classes
        self.read_row = read_row
        self.takes_numbers = True
        if columns is not None:
            self.columns = [_Column(*column) for column in columns]
            self.takes_numbers = len(columns) == n_inputs and all([levels is None for _, _, levels, _, _ in columns])
        # Zero-pad rows and weights to a multiple of eight: a scalar loop over the tail would take as long as all the rest.
        self.padded_weights = coefficients[:n_inputs]
        self.padded_weights.frombytes(bytes(64))

    def __reduce__(self):
        if self.recipe is None:
            raise TypeError("a RowPredictor without a recipe cannot be pickled")
        return self.recipe

    cdef bint read_row_as_given(self, x, double* row) except -1:
        """Read a row into n_inputs numbers; return False for one that only read_row can read, or must refuse."""
        if self.columns is not None and PyDict_CheckExact(x):
            return self.read_mapping(x, row)
        return self.takes_numbers and read_numbers(x, row, self.n_inputs)

    cdef bint read_mapping(self, dict x, double* row) except -1:
        cdef _Column column
        if len(x) != len(self.columns):
            return False
        memset(row, 0, self.n_inputs * sizeof(double))
        for column in self.columns:
            value = x.get(column.name, ABSENT)
            if not column.read(value, row):  # ABSENT is of no type that it reads
                return False
        return True

    cdef bint quick_logit(self, x, double* logit) except -1:
        """Write the logit of a short row and a single output; return False if x is not such a row or the logit is not finite.

        It has the bits of kernels.predict without that function's set-up, which takes several times as long.
        """
        cdef double row[MAX_QUICK_FEATURES + 8]
        cdef Py_ssize_t n = self.n_inputs
        if self.n_outputs > 1 or n > MAX_QUICK_FEATURES or not self.read_row_as_given(x, row):
            return False
        memset(row + n, 0, 8 * sizeof(double))
        logit[0] = kernels.dot(row, self.padded_weights.data.as_doubles, (n + 7) // 8 * 8)
        if self.width > n:
            logit[0] += self.coefficients.data.as_doubles[n]
        return fabs(logit[0]) <= DBL_MAX

    cdef int predict(self, x, Activation activation, double* results) except -1:
        """Write the activations of one row, n_outputs numbers or 2 for BINARY_SIGMOID; raise what read_row raises."""
        cdef array.array row = new_vector(self.n_inputs)
        if self.read_row_as_given(x, row.data.as_doubles) and self.predict_row(row, activation, results):
            return 0
        row = self.read_row(x)
        if not self.predict_row(row, activation, results):
            self.read_row(row, overflows=True)
        return 0

    cdef bint predict_row(self, array.array row, Activation activation, double* results) except -1:
        """Write the activations of a row of float64; return whether its logits are finite."""
        cdef Rows rows
        cdef Py_ssize_t failed
        rows.memory, rows.storage, rows.n_rows, rows.n_columns = row.data.as_chars, FLOAT64, 1, self.n_inputs
        rows.offsets = NULL
        raise_status(kernels.predict(
            &rows, self.coefficients.data.as_doubles, self.n_outputs, self.width, activation, results, &failed, is_interrupted
        ))
        return failed < 0

    def predict_proba_one(self, x):
        """Return the probabilities of a single row in the order of classes_, the same as `predict_proba` gives."""
        cdef double logit, e, total
        cdef array.array results
        if self.activation != BINARY_SIGMOID or not self.quick_logit(x, &logit):
            results = new_vector(2 if self.activation == BINARY_SIGMOID else self.n_outputs)
            self.predict(x, self.activation, results.data.as_doubles)
            return tuple(results)
        e = scaled_exp(-fabs(logit), MIN_EXPONENT)
        total = 1.0 / (TWO_TO_600 + e)
        if logit >= 0.0:
            return e * total, TWO_TO_600 * total
        return TWO_TO_600 * total, e * total

    def predict_one(self, x):
        """Return the label of a single row: a flat sequence, or a mapping from column names; the same as `predict` gives."""
        cdef double logit
        cdef array.array logits
        if self.classes is not None and self.quick_logit(x, &logit):
            return self.classes[logit > 0.0]
        logits = new_vector(self.n_outputs)
        self.predict(x, IDENTITY, logits.data.as_doubles)
        if self.classes is None:
            return tuple([int(logit > 0.0) for logit in logits])
        return self.classes[argmax(logits.data.as_doubles, self.n_outputs)]


# Vectors and small matrices.

def dot(array.array left, array.array right):
    return kernels.dot(left.data.as_doubles, right.data.as_doubles, len(left))


def add_scaled(array.array target, double factor, array.array source):
    kernels.add_scaled(target.data.as_doubles, factor, source.data.as_doubles, len(source))


def scale(array.array target, double factor):
    cdef Py_ssize_t i
    for i in range(len(target)):
        target.data.as_doubles[i] = factor * target.data.as_doubles[i]


def add_in_tree(list parts):
    cdef Py_ssize_t half = 1
    cdef array.array total = parts[0], other
    if len(parts) == 1:
        return total
    while 2 * half < len(parts):
        half *= 2
    total, other = add_in_tree(parts[:half]), add_in_tree(parts[half:])
    kernels.add_scaled(total.data.as_doubles, 1.0, other.data.as_doubles, len(total))
    return total


def reduce_objective(
    array.array total, double total_weight, array.array coefficients, array.array l2_weights, array.array gradient
):
    cdef const double* part = total.data.as_doubles
    cdef const double* w = coefficients.data.as_doubles
    cdef const double* l2 = l2_weights.data.as_doubles
    cdef double value = part[0] / total_weight
    cdef Py_ssize_t j
    for j in range(len(gradient)):
        gradient.data.as_doubles[j] = part[1 + j] / total_weight + l2[j] * w[j]
        value += l2[j] * w[j] * w[j] / 2.0
    return value


def max_scaled_gradient(array.array gradient, Py_ssize_t n_outputs, array.array means, array.array scales):
    cdef Py_ssize_t n = len(means), width = len(gradient) // n_outputs, c, j
    cdef const double* own
    cdef double intercept, component, largest = 0.0
    for c in range(n_outputs):
        own = gradient.data.as_doubles + c * width
        intercept = own[n] if width > n else 0.0
        for j in range(width):
            component = fabs(intercept)
            if j < n:
                component = fabs(own[j] - means.data.as_doubles[j] * intercept) / scales.data.as_doubles[j]
            if component != component:
                return component
            largest = max(largest, component)
    return largest


def centre_gradient(array.array gradient, Py_ssize_t n_outputs, array.array centre):
    cdef Py_ssize_t n = len(centre), width = len(gradient) // n_outputs, c
    cdef double* own
    for c in range(n_outputs if width > n else 0):
        own = gradient.data.as_doubles + c * width
        kernels.add_scaled(own, -own[n], centre.data.as_doubles, n)


def minimum_norm_subgradients(array.array gradient, array.array coefficients, array.array l1_weights):
    cdef array.array result = new_vector(len(gradient))
    cdef double slope, w, l1
    cdef Py_ssize_t j
    for j in range(len(gradient)):
        slope, w, l1 = gradient.data.as_doubles[j], coefficients.data.as_doubles[j], l1_weights.data.as_doubles[j]
        result.data.as_doubles[j] = (
            slope + l1 if w > 0.0 else slope - l1 if w < 0.0 else max(slope - l1, 0.0) + min(slope + l1, 0.0)
        )
    return result


def column_norms(array.array gradient, Py_ssize_t n_outputs, array.array scales):
    cdef array.array norms = array.clone(TEMPLATE, len(scales), zero=True)
    cdef Py_ssize_t n = len(scales), width = len(gradient) // n_outputs, c, j
    cdef const double* own
    for c in range(n_outputs):
        own = gradient.data.as_doubles + c * width
        for j in range(n):
            norms.data.as_doubles[j] = max(norms.data.as_doubles[j], fabs(own[j]) / scales.data.as_doubles[j])
    return norms


def middle_of_nine(array.array rows):
    cdef Py_ssize_t n = len(rows) // 9, j, i, place
    cdef array.array medians = new_vector(n), ranges = new_vector(n)
    cdef double nine[9]
    cdef double value
    for j in range(n):
        for i in range(9):  # insertion sort
            value = rows.data.as_doubles[i * n + j]
            place = i
            while place > 0 and nine[place - 1] > value:
                nine[place] = nine[place - 1]
                place -= 1
            nine[place] = value
        medians.data.as_doubles[j] = nine[4]
        ranges.data.as_doubles[j] = nine[5] - nine[3]
    return medians, ranges


def deviations(array.array moments):
    cdef Py_ssize_t n = len(moments) // 2, j
    cdef const double* sums = moments.data.as_doubles + 1
    cdef array.array means = new_vector(n), roots = new_vector(n)
    cdef double weight = moments.data.as_doubles[0], mean, variance
    cdef bint is_spoilt = False
    for j in range(n):
        mean = sums[j] / weight
        variance = sums[n + j] / weight - mean * mean
        is_spoilt = is_spoilt or variance < 1e-6 * mean * mean
        means.data.as_doubles[j] = mean
        roots.data.as_doubles[j] = sqrt(variance) if variance > 0.0 else 0.0
    return means, roots, is_spoilt


def largest_ratio(array.array parts, array.array wholes):
    cdef double ratio, largest = -1.0
    cdef Py_ssize_t i, found = 0
    for i in range(len(parts)):
        ratio = 1.0
        if wholes.data.as_doubles[i] > 0.0:
            ratio = fabs(parts.data.as_doubles[i]) / wholes.data.as_doubles[i]
        if ratio > largest:
            largest, found = ratio, i
    return largest, found


def cholesky(array.array matrix, Py_ssize_t n):
    cdef array.array workspace = new_vector(kernels.cholesky_workspace(n))
    cdef Py_ssize_t failed
    cdef int status
    with nogil:
        status = kernels.cholesky(matrix.data.as_doubles, n, workspace.data.as_doubles, &failed, is_interrupted)
    raise_status(status)
    return failed


def cholesky_solve(array.array factors, Py_ssize_t n, array.array vector):
    cdef Py_ssize_t length = len(factors), size = len(vector)
    cdef int status
    with nogil:
        status = kernels.cholesky_solve(
            factors.data.as_doubles, length, n, vector.data.as_doubles, size, is_interrupted
        )
    raise_status(status)


def capacitance(array.array gram, Py_ssize_t n, array.array roots, double shift):
    cdef array.array matrix = new_vector(n * n)
    cdef const double* root = roots.data.as_doubles
    cdef Py_ssize_t i, k
    for i in range(n):
        for k in range(n):
            matrix.data.as_doubles[i * n + k] = 0.0
            if k <= i:
                matrix.data.as_doubles[i * n + k] = root[i] * root[k] * (gram.data.as_doubles[i * n + k] + shift)
        matrix.data.as_doubles[i * n + i] += 1.0
    return matrix


def divide_standardised(array.array vector, Py_ssize_t n_outputs, array.array means, array.array divisors):
    cdef Py_ssize_t n = len(means), width = len(vector) // n_outputs, c, j
    cdef double* own
    cdef const double* divisor
    cdef double intercept, total
    for c in range(n_outputs):
        own = vector.data.as_doubles + c * width
        divisor = divisors.data.as_doubles + c * width
        intercept = own[n] if width > n else 0.0
        for j in range(n):
            own[j] = (own[j] - means.data.as_doubles[j] * intercept) / divisor[j]
        if width > n:
            total = kernels.dot(means.data.as_doubles, own, n)
            own[n] = intercept / divisor[n] - total


def coordinate_descent(
    array.array matrix, Py_ssize_t n, array.array gradient, array.array point, array.array thresholds, array.array step,
    Py_ssize_t sweeps, double tolerance
):
    cdef array.array workspace = new_vector(n * n + n)
    cdef int status
    with nogil:
        status = kernels.coordinate_descent(
            matrix.data.as_doubles, n, gradient.data.as_doubles, point.data.as_doubles, thresholds.data.as_doubles,
            step.data.as_doubles, sweeps, tolerance, workspace.data.as_doubles, is_interrupted
        )
    raise_status(status)


def coordinate_descent_by_columns(
    array.array columns, Py_ssize_t n_outputs, bint coupled, array.array weights, array.array factors, array.array gradient,
    array.array point, array.array l1_weights, array.array l2_weights, array.array step, Py_ssize_t sweeps, double fraction
):
    cdef Py_ssize_t n_rows = len(weights), width = len(step) // n_outputs
    cdef array.array workspace = new_vector((2 * n_outputs + 1) * n_rows + n_outputs * (width + 2))
    cdef int status
    with nogil:
        status = kernels.coordinate_descent_by_columns(
            columns.data.as_doubles, n_rows, width, n_outputs, coupled, weights.data.as_doubles, factors.data.as_doubles,
            gradient.data.as_doubles, point.data.as_doubles, l1_weights.data.as_doubles, l2_weights.data.as_doubles,
            step.data.as_doubles, sweeps, fraction, workspace.data.as_doubles, is_interrupted
        )
    raise_status(status)
