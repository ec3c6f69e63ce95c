/* SPDX-License-Identifier: Apache-2.0 */
/* linear_svm_parts.h - what the files of the linear support vector machine share; nobody else includes it.
 *
 * Symbols: n rows x_i with weights w_i, a column of ones at the end when there is an intercept (penalised like the
 * others, as LIBLINEAR does), s_i = +1 or -1, b the coefficients. What is minimised, per output, is
 *
 *     |b|^2 / 2 + C sum_i w_i loss_i      loss: max(0, 1 - s_i x_i b), or |y_i - x_i b| beyond epsilon; or its square
 *
 * Several classes are one against the rest; or all are learned together (Crammer, Singer), with loss
 * max over k of (1 - [k = y_i] + x_i b_k) - x_i b_{y_i}. Probabilities: margins of rows that were left out while
 * learning, in `folds` turns, go through a sigmoid that is fitted to the labels (Platt). Row i is left out in turn i %
 * folds. */
#ifndef TARN_TRAIN_LINEAR_SVM_PARTS_H
#define TARN_TRAIN_LINEAR_SVM_PARTS_H

#include "math/gram.h"
#include "train/algo.h"

#include <math.h>

typedef struct linear_svm_params {
    double C, epsilon, tol;
    int64_t max_iter, folds;
    int loss, solver, multi_class;
    bool intercept;
} linear_svm_params;

enum { LINEAR_SVM_SQUARED, LINEAR_SVM_PLAIN };
enum { LINEAR_SVM_AUTO, LINEAR_SVM_PRIMAL, LINEAR_SVM_DUAL };
enum { LINEAR_SVM_ONE_VS_REST, LINEAR_SVM_CRAMMER_SINGER };
enum { LINEAR_SVM_ALL = -1 /* no row is left out */ };

typedef struct linear_svm {
    const tarn_fit *job;
    const linear_svm_params *set;
    bool regression;
    int32_t outputs, turns; /* turns: folds, and one with all rows, which comes last */
    int64_t cols, wide;     /* dense and sparse; and the ones */
    double *b;              /* (turns, outputs, wide) */
    int64_t steps;          /* of the last turn */
    bool converged;
    double objective; /* what was reached, over all outputs; NaN: not worked out */
} linear_svm;

/* All rows of all ranks, row by row: what a solver that looks at single rows wants. */
typedef struct linear_svm_rows {
    int64_t n;
    int32_t dense, sparse; /* columns */
    bool ones;             /* a column of ones behind them */
    double *x;             /* (n, dense) */
    const int64_t *start;  /* NULL: no sparse columns */
    const int32_t *index;
    const float *value;
    double *y, *weight; /* (n) */
    void *gathered[5];  /* what is to be freed */
} linear_svm_rows;

/* Fill r; linear_svm_rows_clear in any case. It may point into the job's matrix. All ranks return the same. */
TARN_MUST tarn_code linear_svm_rows_take(const linear_svm *m, linear_svm_rows *r, tarn_err *err);
void linear_svm_rows_clear(linear_svm_rows *r);

/* Sum of n sparse entries times b, in four sums side by side. */
static inline double linear_svm_entries_times(int64_t n, const int32_t *index, const float *value, const double *b)
{
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    int64_t e = 0;

    for (; e + 4 <= n; e += 4) {
        s0 = fma((double)value[e], b[index[e]], s0);
        s1 = fma((double)value[e + 1], b[index[e + 1]], s1);
        s2 = fma((double)value[e + 2], b[index[e + 2]], s2);
        s3 = fma((double)value[e + 3], b[index[e + 3]], s3);
    }
    for (; e < n; e++) s0 = fma((double)value[e], b[index[e]], s0);
    return (s0 + s1) + (s2 + s3);
}
static inline void linear_svm_entries_add(int64_t n, const int32_t *index, const float *value, double by, double *b)
{
    for (int64_t e = 0; e < n; e++) b[index[e]] = fma((double)value[e], by, b[index[e]]);
}
/* Row i times b, and b plus `by` times row i; b (wide). */
static inline double linear_svm_row_times(const linear_svm_rows *r, int64_t i, const double *b)
{
    double sum = r->ones ? b[r->dense + r->sparse] : 0;

    if (r->dense > 0) sum += tarn_dot((size_t)r->dense, r->x + i * r->dense, b);
    if (r->start)
        sum += linear_svm_entries_times(r->start[i + 1] - r->start[i], r->index + r->start[i], r->value + r->start[i],
                                        b + r->dense);
    return sum;
}
static inline void linear_svm_row_add(const linear_svm_rows *r, int64_t i, double by, double *b)
{
    if (r->ones) b[r->dense + r->sparse] += by;
    if (r->dense > 0) tarn_axpy((size_t)r->dense, by, r->x + i * r->dense, b);
    if (r->start)
        linear_svm_entries_add(r->start[i + 1] - r->start[i], r->index + r->start[i], r->value + r->start[i], by,
                               b + r->dense);
}

/* Which turn leaves this row (of all ranks) out; LINEAR_SVM_ALL for none. */
static inline int32_t linear_svm_turn(const linear_svm *m, int64_t row)
{
    return m->set->folds > 0 ? (int32_t)(row % m->set->folds) : LINEAR_SVM_ALL;
}
/* +1 or -1 of a class for an output; y itself where it is no class. */
static inline double linear_svm_side(const linear_svm *m, double y, int32_t output)
{
    if (m->regression) return y;
    return (m->outputs == 1 ? y > 0 : y == output) ? 1 : -1;
}
/* The same of a row of this rank. */
static inline double linear_svm_target(const linear_svm *m, int64_t row, int32_t output)
{
    return linear_svm_side(m, m->job->x->y[row], output);
}

/* Fill m->b: by Newton's method on the squared loss, with the Hessian of a few dense columns (primal) or with conjugate
 * gradients (sparse; where there are sparse columns); or by dual coordinate descent, output by output (dual) or all
 * outputs of a row together (joint). Every rank gets the same; all return the same. */
TARN_MUST tarn_code linear_svm_primal(linear_svm *m, tarn_err *err);
TARN_MUST tarn_code linear_svm_sparse(linear_svm *m, tarn_err *err);
TARN_MUST tarn_code linear_svm_joint(linear_svm *m, tarn_err *err);
TARN_MUST tarn_code linear_svm_dual(linear_svm *m, tarn_err *err);

/* Slope and offset (outputs each) of the sigmoid of each output's margins. */
TARN_MUST tarn_code linear_svm_calibrate(const linear_svm *m, double *slope, double *offset, tarn_err *err);

#endif
