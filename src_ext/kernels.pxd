# The C side, as kernels/kernels.h declares it.

from libc.stdint cimport int64_t, uint8_t

cdef extern from "kernels/interrupts.h":
    enum:
        OUT_OF_MEMORY
        INTERRUPTED
        STOPPED
        WORK_BETWEEN_INTERRUPTS
    ctypedef int (*Interrupted)() noexcept nogil
    ctypedef enum Storage:
        FLOAT64
        FLOAT32
        UINT8
    ctypedef struct Rows:
        const char* memory
        Storage storage
        Py_ssize_t n_rows
        Py_ssize_t n_columns
        const double* offsets
    ctypedef enum TargetType:
        FLOAT64_TARGETS
        UINT8_CLASSES
        UINT16_CLASSES
    ctypedef struct Targets:
        const char* memory
        TargetType type
        Py_ssize_t n_columns
    ctypedef struct Loss:
        const char* name
    ctypedef struct Problem:
        Rows rows
        Targets targets
        const double* sample_weights
        Py_ssize_t n_outputs
        Py_ssize_t width
        Py_ssize_t rows_in_chunk
        const Loss* loss
        const uint8_t* stop
    ctypedef enum Activation:
        IDENTITY
        SIGMOID
        SOFTMAX
        NORMALIZED_SIGMOID
        BINARY_SIGMOID
    ctypedef struct Kernels:
        const Loss* losses
        int (*evaluate)(
            const Problem*, const double* coefficients, const double* centre, Py_ssize_t first, Py_ssize_t last, double* part,
            Interrupted
        ) noexcept nogil
        int (*hessian)(
            const Problem*, const double* coefficients, Py_ssize_t output, Py_ssize_t other, Py_ssize_t count,
            const int64_t* listed, const double* row_weights, Py_ssize_t first, Py_ssize_t last, double* matrices, Interrupted
        ) noexcept nogil
        int (*moments)(
            const Problem*, const double* centre, Py_ssize_t first, Py_ssize_t last, double* part, Interrupted
        ) noexcept nogil
        int (*sampling_scores)(
            const Problem*, const double* coefficients, const double* means, const double* scales, Py_ssize_t first,
            Py_ssize_t last, double* scores, Interrupted
        ) noexcept nogil
        int (*row_logits)(
            const Problem*, const double* coefficients, const int64_t* listed, Py_ssize_t first, Py_ssize_t last,
            double* results, Interrupted
        ) noexcept nogil
        int (*combine_rows)(
            const Problem*, const double* values, const int64_t* listed, Py_ssize_t first, Py_ssize_t last, double* total,
            Interrupted
        ) noexcept nogil
        int (*curvature_factors)(
            const Problem*, const double* coefficients, const int64_t* listed, Py_ssize_t first, Py_ssize_t last,
            double* weights, double* factors, Interrupted
        ) noexcept nogil
        int (*gram)(
            const Problem*, const double* centre, const double* inverses, const int64_t* listed, Py_ssize_t count,
            Py_ssize_t first, Py_ssize_t last, double* matrix, Interrupted
        ) noexcept nogil
        int (*copy_columns)(
            const Problem*, const int64_t* listed, Py_ssize_t count, const double* centre, bint by_rows, double* values,
            Interrupted
        ) noexcept nogil
        int (*train)(
            const Problem*, double* coefficients, int64_t iterations, double learning_rate, double limit,
            double* losses, Py_ssize_t n_losses, int64_t* made, Interrupted
        ) noexcept nogil
        int (*predict)(
            const Rows*, const double* coefficients, Py_ssize_t n_outputs, Py_ssize_t width, Activation, double* results,
            Py_ssize_t* failed, Interrupted
        ) noexcept nogil
        int (*first_outside)(const Rows*, double low, double high, Py_ssize_t* found, Interrupted) noexcept nogil
        double (*dot)(const double* left, const double* right, Py_ssize_t n) noexcept nogil
        void (*add_scaled)(double* target, double factor, const double* source, Py_ssize_t n) noexcept nogil
        Py_ssize_t (*cholesky_workspace)(Py_ssize_t n) noexcept nogil
        int (*cholesky)(double* matrix, Py_ssize_t n, double* workspace, Py_ssize_t* failed, Interrupted) noexcept nogil
        int (*cholesky_solve)(
            const double* factors, Py_ssize_t length, Py_ssize_t n, double* vectors, Py_ssize_t size, Interrupted
        ) noexcept nogil
        int (*coordinate_descent)(
            const double* lower, Py_ssize_t n, const double* gradient, const double* point, const double* thresholds,
            double* step, Py_ssize_t sweeps, double tolerance, double* workspace, Interrupted
        ) noexcept nogil
        int (*coordinate_descent_by_columns)(
            const double* columns, Py_ssize_t n_rows, Py_ssize_t width, Py_ssize_t n_outputs, bint coupled,
            const double* weights, const double* factors, const double* gradient, const double* point,
            const double* l1_weights, const double* l2_weights, double* step, Py_ssize_t sweeps, double fraction,
            double* workspace, Interrupted
        ) noexcept nogil
    const Kernels kernels_baseline
    const Kernels kernels_avx2
    const Kernels kernels_avx512

cdef extern from "kernels/sigmoid.h":
    const double MIN_EXPONENT
    const double TWO_TO_600
    const double TWO_TO_MINUS_600
    double scaled_exp(double x, double min_exponent) noexcept nogil
    double log_one_plus(double e) noexcept nogil
    double log_from_one(double value) noexcept nogil
