"""The Scorer: predictions for one row at a time, as fast as can be."""

# Design
#
# A list's floats are read straight into an array on the stack and summed up, and the tuple is made. What is not a list, a
# tuple or a buffer of as many floats as it wants, or is not finite, goes through the door, which says so.

cimport cython
from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBuffer_Release, PyObject_CheckBuffer, PyObject_GetBuffer,
)
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.list cimport PyList_CheckExact
from cpython.long cimport PyLong_AsDouble, PyLong_CheckExact
from cpython.tuple cimport PyTuple_CheckExact
from libc.math cimport fabs

from activations cimport LOWEST_POWER, scaled_exp

cdef enum:
    MOST_ON_THE_STACK = 256  # features of a row that are read without asking for memory

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


@cython.final
cdef class Scorer:
    cdef array.array coefficients
    cdef Outputs outputs
    cdef Link link
    cdef tuple classes
    cdef object door
    cdef bytearray weights
    cdef Py_ssize_t room_size, n_results

    def __init__(self, array.array coefficients, n_outputs, n_inputs, link, classes, door):
        self.coefficients = coefficients[:]
        self.outputs = outputs_of(self.coefficients.data.as_doubles, n_inputs, n_outputs, len(coefficients) // n_outputs)
        self.weights = bytearray(8 * (size_of_weights(&self.outputs) + 8))
        fill_up(&self.outputs, <double*> PyByteArray_AS_STRING(self.weights))
        self.link = <Link> <int> LINKS[link]
        self.n_results = 2 if self.link == PAIR else n_outputs
        self.room_size = loops.room_for_rows(&self.outputs, 1)
        self.classes = classes
        self.door = door

    cdef bint quick_sum(self, x, double* total) except -1:
        """The weighted sum of a single output for a short enough row; False where that is not at hand.

        It is the very sum of sums_of_rows, without what that needs to do many rows, which takes several times as long. Row and
        weights are filled up with zeros to eights, as the last few numbers one by one would take as long as all others.
        """
        cdef double row[MOST_ON_THE_STACK + 8]
        cdef Py_ssize_t n = self.outputs.n_inputs
        if self.outputs.n_outputs > 1 or n > MOST_ON_THE_STACK or not read_row(x, row, n):
            return False
        memset(row + n, 0, 8 * sizeof(double))
        total[0] = loops.dot(row, self.outputs.weights, (n + 7) // 8 * 8)
        if self.outputs.width > n:
            total[0] += self.outputs.coefficients[n]
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


cdef set types_without_mask = set()


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
