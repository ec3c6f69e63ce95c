/* SPDX-License-Identifier: Apache-2.0 */
/* least.h - linear least squares where the cross products of all columns are too many or have lost the answer: by a
 * triangle of all rows, or by passes over the rows that need a few vectors only (text, thousands of columns). */
#ifndef TARN_TRAIN_LEAST_H
#define TARN_TRAIN_LEAST_H

#include "train/algo.h"

/* The triangle of all rows with their target, weighted, columns moved by mean (cols + 1), by Householder's QR block by
 * block, joined in block order. triangle (cols + 1, cols + 1) row-major, upper; the same on every rank.
 *
 * Cost:   O(n cols^2) flops; every rank holds cols^2 / 2 doubles per block of rows
 * Errors: TARN_NOMEM; the block function's */
TARN_MUST tarn_code tarn_least_triangle(const tarn_fit *job, const double *mean, double *triangle, tarn_err *err);

/* Normal equations that are never written down: A = X'WX with the columns moved to mean zero if centred, dense columns
 * first, then sparse ones (which are moved too, without becoming dense). */
typedef struct tarn_normal {
    const tarn_fit *job;
    bool centred;
    int64_t cols;     /* dense and sparse */
    double weight;    /* sum of weights */
    double *mean;     /* (cols + 1), the last one the target's; 0 unless centred */
    double *diagonal; /* (cols) of A */
    double *right;    /* (cols) X'W y */
    double squares;   /* y'W y */
    double *scratch;
    size_t each;
} tarn_normal;

/* One pass for all the above. All ranks return the same. Errors: TARN_NUMERIC the squares of a column overflow. */
TARN_MUST tarn_code tarn_normal_open(const tarn_fit *job, bool centred, tarn_normal *out, tarn_err *err);
/* out (cols) = A v: one pass. All ranks return the same. */
TARN_MUST tarn_code tarn_normal_times(const tarn_normal *n, const double *v, double *out, tarn_err *err);
void tarn_normal_close(tarn_normal *n);

/* b of (A + l2 I) b = right by conjugate gradients from b = 0, scaled by the diagonal; with l2 = 0 and dependent
 * columns, one of the solutions.
 *
 * tolerance   on the residual, as a share of |right|
 * fitted      gets iterations and converged */
TARN_MUST tarn_code tarn_normal_solve(const tarn_normal *n, double l2, double tolerance, int64_t max_iter, double *b,
                                      tarn_fitted *fitted, tarn_err *err);

/* A whole fit by passes: tarn_normal_open, _solve and _finish, with an intercept or not. What the estimators of least
 * squares do where cross products of all columns are too many. Errors: theirs. */
TARN_MUST tarn_code tarn_normal_fit(const tarn_fit *job, bool intercept, double l2, double tolerance, int64_t max_iter,
                                    tarn_fitted *out, tarn_err *err);

/* Importance (|b_j| times the deviation; those of a sparse source together), and the nodes. */
TARN_MUST tarn_code tarn_normal_finish(const tarn_normal *n, double intercept, const double *b, tarn_fitted *out,
                                       tarn_err *err);

#endif
