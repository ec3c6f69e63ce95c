/* SPDX-License-Identifier: Apache-2.0 */
/* logistic_single.h - passes in single precision that lose nothing: they find what differs from a reference.
 *
 * Where rows are wide a pass waits for memory and for multiply-adds, and single precision needs half of both. Rows are
 * kept once more, row after row, each column moved to mean zero and in units of its deviation. A pass in double
 * precision at a reference theta0 (logistic_single_refer) keeps every row's margins z0 and residuals r0; then
 *
 *     z = z0 + X (theta - theta0)      g = g0 + X'(r - r0)
 *
 * where only the products are in single precision, and everything else in double. Their errors are in proportion to
 * the distance from the reference, not to z and g. So as a solver comes near the minimum it takes a new reference
 * there, and ends with a gradient in double precision.
 *
 * Calls, in order: logistic_single_new, then (logistic_single_refer, logistic_single_pass *) *, logistic_single_free.
 */
#ifndef TARN_TRAIN_LOGISTIC_SINGLE_H
#define TARN_TRAIN_LOGISTIC_SINGLE_H

#include "train/algos/logistic_parts.h"

typedef struct logistic_single logistic_single;

/* *out is NULL where this does not pay: few dense columns, sparse ones, or so many outputs that margins and residuals
 * would take as much memory as the rows. All ranks return the same.
 *
 * Owns: caller frees *out with logistic_single_free; p is borrowed until then
 * Cost: half the memory of the dense columns, and at most as much again for margins and residuals; a pass */
TARN_MUST tarn_code logistic_single_new(const logistic_problem *p, logistic_single **out, tarn_err *err);
void logistic_single_free(logistic_single *s);

/* logistic_pass at at->theta, which becomes the reference. */
TARN_MUST tarn_code logistic_single_refer(logistic_single *s, logistic_point *at, tarn_err *err);
/* Value and gradient at at->theta, near enough to the reference. No Hessian. */
TARN_MUST tarn_code logistic_single_pass(const logistic_single *s, logistic_point *at, tarn_err *err);
/* The point of the reference: theta, value and gradient. */
void logistic_single_reference(const logistic_single *s, logistic_point *out);

/* Rows (rows, wide); wide is a multiple of 16. Rows up to the next multiple of 4 are read, and written. */
typedef struct logistic_rows {
    size_t rows, wide;
    size_t ahead; /* so many floats farther on lie as many rows, which come next; 0: none do */
    const float *x;
} logistic_rows;

/* z (outputs, stride) = rows times theta (outputs, wide). */
void logistic_single_times(const logistic_rows *t, size_t outputs, const float *theta, size_t stride, float *z);
/* g (outputs, wide) += residuals r (outputs, stride) times the rows. */
void logistic_single_transposed(const logistic_rows *t, size_t outputs, const float *r, size_t stride, double *g);

#endif
