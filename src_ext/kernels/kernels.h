/* The types that the kernels share with Cython, and the table of functions that is compiled once for each instruction set. */

#pragma once

#include <stddef.h>
#include <stdint.h>

/* What a kernel returns if it could not finish; 0 if it could. */
enum { OUT_OF_MEMORY = -1, INTERRUPTED = -2, STOPPED = -3 };

/* Called every few milliseconds; if it returns nonzero, the kernel stops and returns INTERRUPTED. */
typedef int (*Interrupted)(void);

typedef enum { FLOAT64, FLOAT32, UINT8 } Storage;

typedef struct {
    const char *memory;     /* n_rows × n_columns numbers, row after row */
    Storage storage;
    ptrdiff_t n_rows, n_columns;
    const double *offsets;  /* n_columns numbers that are subtracted from each row, or NULL */
} Rows;

typedef enum {
    FLOAT64_TARGETS,  /* n_rows × n_outputs */
    UINT8_CLASSES,    /* n_rows × n_outputs of 0 and 1, or n_rows × 1: the index of the output whose target is 1 */
    UINT16_CLASSES
} TargetType;

typedef struct {
    const char *memory;
    TargetType type;
    ptrdiff_t n_columns;
} Targets;

/* A loss by its name; the function makes losses and gradients of a block of logits, as losses.h says. */
typedef struct LossBlock LossBlock;
typedef struct {
    const char *name;
    double (*function)(const LossBlock *block);
    int coupled;  /* whether a row's loss has second derivatives between outputs */
} Loss;

/* One loss over samples. Coefficients are n_outputs × width, each output's together, its intercept last. */
typedef struct {
    Rows rows;
    Targets targets;
    const double *sample_weights;  /* n_rows, or NULL if each is 1 */
    ptrdiff_t n_outputs, width;    /* width: n_columns, plus 1 with an intercept */
    ptrdiff_t rows_in_chunk;       /* chunk c holds the rows from c · rows_in_chunk */
    const Loss *loss;
    const volatile uint8_t *stop;  /* becomes nonzero when passes in other threads must end and return STOPPED; or NULL */
} Problem;

typedef enum { IDENTITY, SIGMOID, SOFTMAX, NORMALIZED_SIGMOID, BINARY_SIGMOID } Activation;

/* Each function's formula stands where it is defined: linear_loss.h, row_products.h, columns.h, predict.h, training.h, linear_algebra.h. */
typedef struct {
    const Loss *losses;  /* the last one has no name */
    int (*evaluate)(
        const Problem *problem, const double *coefficients, const double *centre, ptrdiff_t first, ptrdiff_t last, double *part,
        Interrupted interrupted);
    int (*hessian)(
        const Problem *problem, const double *coefficients, ptrdiff_t output, ptrdiff_t other, ptrdiff_t count,
        const int64_t *listed, const double *row_weights, ptrdiff_t first, ptrdiff_t last, double *matrices,
        Interrupted interrupted);
    int (*moments)(
        const Problem *problem, const double *centre, ptrdiff_t first, ptrdiff_t last, double *part, Interrupted interrupted);
    int (*sampling_scores)(
        const Problem *problem, const double *coefficients, const double *means, const double *scales, ptrdiff_t first,
        ptrdiff_t last, double *scores, Interrupted interrupted);
    int (*row_logits)(
        const Problem *problem, const double *coefficients, const int64_t *listed, ptrdiff_t first, ptrdiff_t last,
        double *results, Interrupted interrupted);
    int (*combine_rows)(
        const Problem *problem, const double *values, const int64_t *listed, ptrdiff_t first, ptrdiff_t last, double *total,
        Interrupted interrupted);
    int (*curvature_factors)(
        const Problem *problem, const double *coefficients, const int64_t *listed, ptrdiff_t first, ptrdiff_t last,
        double *weights, double *factors, Interrupted interrupted);
    int (*gram)(
        const Problem *problem, const double *centre, const double *inverses, const int64_t *listed, ptrdiff_t count,
        ptrdiff_t first, ptrdiff_t last, double *matrix, Interrupted interrupted);
    int (*copy_columns)(
        const Problem *problem, const int64_t *listed, ptrdiff_t count, const double *centre, int by_rows,
        double *values, Interrupted interrupted);
    int (*train)(
        const Problem *problem, double *coefficients, int64_t iterations, double learning_rate, double limit,
        double *losses, ptrdiff_t n_losses, int64_t *made, Interrupted interrupted);
    int (*predict)(
        const Rows *rows, const double *coefficients, ptrdiff_t n_outputs, ptrdiff_t width, Activation activation,
        double *results, ptrdiff_t *failed, Interrupted interrupted);
    int (*first_outside)(const Rows *rows, double low, double high, ptrdiff_t *found, Interrupted interrupted);
    double (*dot)(const double *left, const double *right, ptrdiff_t n);
    void (*add_scaled)(double *target, double factor, const double *source, ptrdiff_t n);
    ptrdiff_t (*cholesky_workspace)(ptrdiff_t n);
    int (*cholesky)(double *matrix, ptrdiff_t n, double *workspace, ptrdiff_t *failed, Interrupted interrupted);
    int (*cholesky_solve)(
        const double *factors, ptrdiff_t length, ptrdiff_t n, double *vectors, ptrdiff_t size, Interrupted interrupted);
    int (*coordinate_descent)(
        const double *lower, ptrdiff_t n, const double *gradient, const double *point, const double *thresholds, double *step,
        ptrdiff_t sweeps, double tolerance, double *workspace, Interrupted interrupted);
    int (*coordinate_descent_by_columns)(
        const double *columns, ptrdiff_t n_rows, ptrdiff_t width, ptrdiff_t n_outputs, int coupled, const double *weights,
        const double *factors, const double *gradient, const double *point, const double *l1_weights,
        const double *l2_weights, double *step, ptrdiff_t sweeps, double fraction, double *workspace, Interrupted interrupted);
} Kernels;

extern const Kernels kernels_baseline, kernels_avx2, kernels_avx512;
