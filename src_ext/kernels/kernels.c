/* The table of kernels of one instruction set: setup.py compiles this file once for each, with KERNELS as the table's name. */

/* Design
 *
 * Everything is static in headers that only this file includes, so that one object holds all kernels of an instruction set, the
 * compiler sees all of it at once, and no name is there twice. */

#include "linear_algebra.h"
#include "linear_loss.h"
#include "predict.h"
#include "training.h"

const Kernels KERNELS = {
    LOSSES,        evaluate, hessian, moments,    sampling_scores, train,
    predict,       first_outside, dot, add_scaled, cholesky, cholesky_solve,
};
