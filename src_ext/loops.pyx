"""The hot loops, compiled once for each instruction set; they know nothing of Python."""

# Design
#
# (a) The same source gives several modules, each compiled for another instruction set; the twin calls the best one that the
#     processor has, through the table of functions at the end. What is not hot stands in kernels.pyx and exists once.
# (b) The inputs are read where they lie, as float64, float32 or bytes; all arithmetic is in float64. A fused type makes one
#     copy of each loop for each storage.
# (c) The order of every sum is written out, so a result has the same bits on every machine and from every instruction set.
#     - A row's weighted sum goes from left to right while the row is short; from 16 inputs on it runs in eight partial sums,
#       which the compiler turns into as many or as few vectors as the set has.
#     - A gradient adds its rows in order; those of a layer that is not narrow (PACKED_WIDTH) four at a time, which saves most
#       of the traffic to the gradient itself. A last group that is not full is filled up with zeros.
# (d) Small problems are bound by latency: an iteration cannot begin before the last has ended. Up to eight weights are
#     therefore kept in registers, by a loop whose width is a constant of the compiler's, over a packed copy of the samples.
#     Measured on the lesson (4×3, 20,000 iterations): 0.72 ms, against 1.50 ms with weights and gradient in memory; with
#     AVX-512 0.61 ms.
#     The packed loop computes the same sums in the same order as the general one. It stops before any number could
#     overflow and leaves that step to the general one, which knows what to do.
# (e) Nothing finite becomes nan: a weighted sum that overflows on the way is taken again in smaller units, as the reference
#     does.

from cpython.pycapsule cimport PyCapsule_New
from libc.math cimport fabs, isfinite
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from activations cimport LOWEST_POWER, sigmoid
from loops cimport FLOAT32, FLOAT64, PACKED_WIDTH, UNIT, Layer, Loops, Storage, adjustment

ctypedef fused storage:
    double
    float
    uint8_t

cdef extern from *:
    """
    #if defined(__GNUC__)
    static inline __attribute__((always_inline)) long long steps_of_constant_width(
        int, const double *, const double *, double *, Py_ssize_t, long long, double, double);
    #define ALONE __restrict
    #else
    #define ALONE
    #endif
    typedef double *ALONE own_doubles;  /* memory to which no other pointer at hand leads */
    """
    ctypedef double* own_doubles


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


# A layer, a chunk of rows.

cdef void sums_of(const storage* inputs, Py_ssize_t n_rows, const Layer* layer, double* sums) noexcept nogil:
    cdef Py_ssize_t i, c
    for i in range(n_rows):
        for c in range(layer.n_outputs):
            sums[i * layer.n_outputs + c] = weighted_sum(
                inputs + i * layer.n_inputs, layer.neurons + c * layer.width, layer.n_inputs, layer.bias
            )


cdef void sums(Storage kind, const void* inputs, Py_ssize_t n_rows, const Layer* layer, double* sums) noexcept nogil:
    """sums = inputs @ weights, n_rows × n_outputs."""
    if kind == FLOAT64:
        sums_of(<const double*> inputs, n_rows, layer, sums)
    elif kind == FLOAT32:
        sums_of(<const float*> inputs, n_rows, layer, sums)
    else:
        sums_of(<const uint8_t*> inputs, n_rows, layer, sums)


cdef void sigmoids(double* values, Py_ssize_t count) noexcept nogil:
    """values = sigmoid(values), one by one."""
    cdef double lowest_power = LOWEST_POWER
    cdef Py_ssize_t at
    for at in range(count):
        values[at] = sigmoid(values[at], lowest_power)


cdef inline void add_one_row(
    own_doubles gradient, const storage* row, double amount, Py_ssize_t n_inputs, bint bias
) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n_inputs):
        gradient[j] += row[j] * amount
    if bias:
        gradient[n_inputs] += amount


cdef inline void add_four_rows(
    own_doubles gradient, const storage* row0, const storage* row1, const storage* row2, const storage* row3,
    double a0, double a1, double a2, double a3, Py_ssize_t n_inputs, bint bias
) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n_inputs):
        gradient[j] += (row0[j] * a0 + row1[j] * a1) + (row2[j] * a2 + row3[j] * a3)
    if bias:
        gradient[n_inputs] += (a0 + a1) + (a2 + a3)


cdef void add_gradient_of(
    const storage* inputs, Py_ssize_t n_rows, const Layer* layer,
    const double* targets, const double* outputs, double* gradient
) noexcept nogil:
    cdef Py_ssize_t n = layer.n_inputs, k = layer.n_outputs, i, c, r
    cdef double amounts[4]
    cdef const storage* rows[4]
    if layer.width <= PACKED_WIDTH:
        for i in range(n_rows):
            for c in range(k):
                amounts[0] = adjustment(targets[i * k + c], outputs[i * k + c])
                add_one_row(gradient + c * layer.width, inputs + i * n, amounts[0], n, layer.bias)
        return
    i = 0
    while i < n_rows:
        for c in range(k):
            for r in range(4):
                rows[r] = inputs + min(i + r, n_rows - 1) * n
                amounts[r] = adjustment(targets[(i + r) * k + c], outputs[(i + r) * k + c]) if i + r < n_rows else 0.0
            add_four_rows(
                gradient + c * layer.width, rows[0], rows[1], rows[2], rows[3],
                amounts[0], amounts[1], amounts[2], amounts[3], n, layer.bias
            )
        i += 4


cdef void add_gradient(
    Storage kind, const void* inputs, Py_ssize_t n_rows, const Layer* layer,
    const double* targets, const double* outputs, double* gradient
) noexcept nogil:
    """gradient += inputsᵀ @ adjustments, n_outputs × width."""
    if kind == FLOAT64:
        add_gradient_of(<const double*> inputs, n_rows, layer, targets, outputs, gradient)
    elif kind == FLOAT32:
        add_gradient_of(<const float*> inputs, n_rows, layer, targets, outputs, gradient)
    else:
        add_gradient_of(<const uint8_t*> inputs, n_rows, layer, targets, outputs, gradient)


# One neuron, many iterations.

cdef inline long long steps_of_constant_width "steps_of_constant_width"(
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


cdef long long packed_steps(
    Py_ssize_t width, const double* rows, const double* targets, double* weights, Py_ssize_t n_rows, long long iterations,
    double learning_rate, double largest_sum
) noexcept nogil:
    """Up to `iterations` steps of one neuron: steps_of_constant_width, for this width."""
    if width == 1:
        return steps_of_constant_width(1, rows, targets, weights, n_rows, iterations, learning_rate, largest_sum)
    if width == 2:
        return steps_of_constant_width(2, rows, targets, weights, n_rows, iterations, learning_rate, largest_sum)
    if width == 3:
        return steps_of_constant_width(3, rows, targets, weights, n_rows, iterations, learning_rate, largest_sum)
    if width == 4:
        return steps_of_constant_width(4, rows, targets, weights, n_rows, iterations, learning_rate, largest_sum)
    if width == 5:
        return steps_of_constant_width(5, rows, targets, weights, n_rows, iterations, learning_rate, largest_sum)
    if width == 6:
        return steps_of_constant_width(6, rows, targets, weights, n_rows, iterations, learning_rate, largest_sum)
    if width == 7:
        return steps_of_constant_width(7, rows, targets, weights, n_rows, iterations, learning_rate, largest_sum)
    return steps_of_constant_width(8, rows, targets, weights, n_rows, iterations, learning_rate, largest_sum)


# The check at the door.

cdef Py_ssize_t count_inside_of(const storage* values, Py_ssize_t count, double low, double high) noexcept nogil:
    cdef Py_ssize_t inside = 0, at
    for at in range(count):  # without a way out, so that it vectorises
        inside += (values[at] >= low) & (values[at] <= high)
    return inside


cdef Py_ssize_t count_inside(Storage kind, const void* values, Py_ssize_t count, double low, double high) noexcept nogil:
    """How many of the values are in low … high, as nan never is."""
    if kind == FLOAT64:
        return count_inside_of(<const double*> values, count, low, high)
    if kind == FLOAT32:
        return count_inside_of(<const float*> values, count, low, high)
    return count_inside_of(<const uint8_t*> values, count, low, high)


include "engine_loops.pxi"


cdef Loops LOOPS
LOOPS.sums = sums
LOOPS.sigmoids = sigmoids
LOOPS.add_gradient = add_gradient
LOOPS.packed_steps = packed_steps
LOOPS.count_inside = count_inside
LOOPS.room_for_rows = room_for_rows
LOOPS.room_for_hessian = room_for_hessian
LOOPS.add_losses = add_losses
LOOPS.add_hessian = add_hessian
LOOPS.add_moments = add_moments
LOOPS.importances = importances
LOOPS.answers = answers
LOOPS.dot = dot
LOOPS.add_scaled = add_scaled
LOOPS.cholesky = cholesky
LOOPS.cholesky_solve = cholesky_solve
table = PyCapsule_New(&LOOPS, "pyperceptron.loops", NULL)
