/* SPDX-License-Identifier: Apache-2.0 */
/* moments.h - weighted means and cross products of the columns and the target, in one pass over the rows.
 *
 * All that least squares needs to know of the rows, as (cols + 1)^2 numbers: what is minimised over these does not look
 * at the rows again. The pass may keep several folds apart, so that cross-validation is arithmetic on their sums: what
 * is left without fold f is all minus fold f.
 *
 * Columns are moved by about their mean before they are multiplied, so that columns far from zero keep their digits.
 *
 * Sums add up, so a later fit goes on from an earlier one's exactly: they are the state that job->before brings back.
 *
 * Calls, in order: tarn_moments_make (all ranks), tarn_moments_take as often as wanted, tarn_moments_clear.
 */
#ifndef TARN_TRAIN_MOMENTS_H
#define TARN_TRAIN_MOMENTS_H

#include "train/algo.h"

enum { TARN_MOMENTS_COLS = 2500 /* at most, for the square of it stands in memory several times */ };

typedef struct tarn_moments {
    int32_t wide;  /* columns and, as the last, the target */
    int32_t folds; /* fold f holds a run of rows, the first ones in fold 0; sizes differ by one at most */
    bool centred;
    double *shift; /* (wide) what was subtracted; 0 unless centred */
    double *sums;  /* (folds, 1 + wide, 1 + wide) upper triangles of cross products, with a column of ones in front */
} tarn_moments;

/* Means and cross products about them of all rows, or of all without one fold, or of one fold only. */
typedef struct tarn_cross {
    double weight; /* sum of the weights */
    double *mean;  /* (wide); 0 unless centred */
    double *g;     /* (wide, wide) row-major, both triangles: sum of w (x_i - mean_i) (x_j - mean_j) */
} tarn_cross;

/* The pass. centred: about the means, as a model with an intercept wants it; else about zero. With job->before, its
 * rows count as well; folds is then 1.
 *
 * Errors: TARN_INVALID job->before is not of this fit's kind; TARN_NUMERIC the squares of a column overflow (named);
 * TARN_NOMEM; what the matrix's block function gives. All ranks the same Cost:   O(n cols^2) flops, 2 cols^2 doubles
 * per thread and fold */
TARN_MUST tarn_code tarn_moments_make(const tarn_fit *job, bool centred, int32_t folds, tarn_moments *out,
                                      tarn_err *err);
void tarn_moments_clear(tarn_moments *m);
/* For fitted.state, of moments with one fold. */
TARN_MUST tarn_code tarn_moments_keep(const tarn_moments *m, tarn_fitted *out, tarn_err *err);

enum { TARN_FOLD_NONE = -1 };
/* without and only: a fold, or TARN_FOLD_NONE. out: tarn_cross_new once, for any number of calls. */
TARN_MUST tarn_code tarn_cross_new(const tarn_moments *m, tarn_cross *out, tarn_err *err);
void tarn_moments_take(const tarn_moments *m, int32_t without, int32_t only, tarn_cross *out);
void tarn_cross_clear(tarn_cross *c);

/* What every least-squares estimator ends with: importance |b_j| times the deviation of column j, and the nodes.
 * intercept and b (cols) as fitted. Errors: as tarn_linear_add. */
TARN_MUST tarn_code tarn_moments_finish(const tarn_fit *job, const tarn_cross *all, double intercept, const double *b,
                                        tarn_fitted *out, tarn_err *err);

#endif
