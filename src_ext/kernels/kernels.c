/* The table of kernels of one instruction set: setup.py compiles this file once for each, with KERNELS as the table's name. */

/* Design
 *
 * Everything is static in headers that only this file includes: the compiler can inline across them, and the objects of the
 * several instruction sets define no symbol twice. */

#include "columns.h"
#include "linear_algebra.h"
#include "linear_loss.h"
#include "predict.h"
#include "training.h"

const Kernels KERNELS = {
    LOSSES,        evaluate,      hessian,        moments,        sampling_scores, row_logits, combine_rows, curvature_factors,
    gram,          copy_columns,  train,          predict,        first_outside,   dot,        add_scaled,   cholesky_workspace,
    cholesky,      cholesky_solve, coordinate_descent, coordinate_descent_by_columns,
};
