/* SPDX-License-Identifier: Apache-2.0 */
/* logistic_parts.h - what the files of logistic regression share; nobody else includes it.
 *
 * Symbols: n rows, d columns, K outputs (1 for two classes, else one per class), X the matrix with a column of ones
 * at the end when there is an intercept (`wide` columns), w_i the weight of a row (its own times its class's),
 * W their sum, theta (K, wide) the coefficients. What is minimised is
 *
 *     F(theta) = (1/W) sum_i w_i loss_i(theta) + (penalty/2) |t|^2 + absolute |t|_1
 *
 * where t is theta without intercepts, penalty = (1 - l1_ratio) / (C W) and absolute = l1_ratio / (C W). It has the
 * same minimum as scikit-learn's C sum_i w_i loss_i + (1 - l1_ratio) |t|^2 / 2 + l1_ratio |t|_1, and values that do not
 * grow with the number of rows. Values, gradients and Hessians here are of F without its last term, which the solvers
 * add.
 *
 * Columns are the dense ones, then the sparse ones, then the ones.
 *
 * Calls, in order: logistic_open (logistic_pass)* by logistic_newton or logistic_lbfgs, logistic_close.
 */
#ifndef TARN_TRAIN_LOGISTIC_PARTS_H
#define TARN_TRAIN_LOGISTIC_PARTS_H

#include "train/algo.h"

typedef struct logistic_params {
    double C, l1_ratio, tol;
    int64_t max_iter;
    int solver, class_weight;
    bool intercept;
} logistic_params;

enum { LOGISTIC_AUTO, LOGISTIC_NEWTON, LOGISTIC_LBFGS };
enum { LOGISTIC_EQUAL, LOGISTIC_BALANCED };

typedef struct logistic_problem {
    const tarn_fit *job;
    int32_t cols, wide, outputs;
    int32_t dense, tall; /* columns of a tile: dense ones; those and the ones */
    int64_t thetas;      /* outputs * wide */
    double penalty, absolute;
    double weight_sum;    /* W */
    double *class_weight; /* (classes) */
    double *mean;         /* (wide) of each column, weighted */
    double *square;       /* (wide) mean of the squares of each column, weighted */
    double *size;         /* (wide) root of that; 1 for a column of zeros */
    double *scratch;      /* (threads, scratch_each) */
    int64_t scratch_each;
    int64_t every; /* a pass takes every so many blocks of rows; 1: all */
    int64_t tile;  /* rows that go through together: so many that they stay in the second level of the cache */
} logistic_problem;

/* Where the solver stands. */
typedef struct logistic_point {
    double value;     /* F */
    double *theta;    /* (outputs, wide) */
    double *gradient; /* (outputs, wide) */
    double *hessian;  /* (thetas, thetas) row-major, upper triangle; NULL: not wanted */
} logistic_point;

/* Class weights, W, mean and square; scratch. On failure everything is freed. All ranks return the same. */
TARN_MUST tarn_code logistic_open(logistic_problem *p, const tarn_fit *job, const logistic_params *params,
                                  tarn_err *err);
void logistic_close(logistic_problem *p);

/* Value, gradient and, if wanted, Hessian at at->theta: one pass over the rows. They are not finite where theta is too
 * large for the data; a solver takes that for a step too long. */
TARN_MUST tarn_code logistic_pass(const logistic_problem *p, logistic_point *at, tarn_err *err);
/* The same, and what the rows' margins and residuals were: (outputs, rows) each, of this rank. */
TARN_MUST tarn_code logistic_pass_keep(const logistic_problem *p, logistic_point *at, double *margin, double *residual,
                                       tarn_err *err);
TARN_MUST tarn_code logistic_point_new(const logistic_problem *p, bool hessian, logistic_point *out, tarn_err *err);
void logistic_point_clear(logistic_point *point);

/* A rough Hessian: see logistic_curvature.c. */
typedef struct logistic_curvature {
    const logistic_problem *p;
    double *diagonal; /* (wide) */
    double *factor;   /* (cols, cols) Cholesky's U, columns in units of the root of the diagonal; NULL: diagonal */
    double *work;     /* (outputs, cols), with the factor */
} logistic_curvature;

/* May be a pass over some rows. All ranks return the same. Freed by the caller, after a failure too. */
TARN_MUST tarn_code logistic_curvature_new(const logistic_problem *p, logistic_curvature *c, tarn_err *err);
void logistic_curvature_free(logistic_curvature *c);
/* v (outputs, wide) becomes the inverse of the rough Hessian times v. */
void logistic_curvature_solve(const logistic_curvature *c, double *v);

/* What the solvers share. Is the new point good enough? slope is the derivative along the direction at `from`, below
 * 0. */
bool logistic_lower(const logistic_problem *p, const logistic_point *from, const logistic_point *to, double step,
                    double slope);
/* Between two steps: has anyone cancelled, how far is it? */
TARN_MUST tarn_code logistic_tell(const logistic_problem *p, int64_t step, const logistic_point *at, tarn_err *err);
void logistic_step(const logistic_point *from, double step, const double *direction, int64_t n, double *theta);
void logistic_swap(logistic_point *a, logistic_point *b);
void logistic_finish(const logistic_problem *p, const logistic_point *at, int64_t steps, bool converged, double *theta,
                     tarn_fitted *out);
enum { LOGISTIC_HALVINGS = 40 };

/* The two ways to the minimum, from theta = 0. theta (outputs, wide) out; sets out's iterations, converged and
 * objective (in scikit-learn's scale). All ranks return the same. */
TARN_MUST tarn_code logistic_newton(const logistic_problem *p, const logistic_params *params, double *theta,
                                    tarn_fitted *out, tarn_err *err);
TARN_MUST tarn_code logistic_lbfgs(const logistic_problem *p, const logistic_params *params, double *theta,
                                   tarn_fitted *out, tarn_err *err);

/* Some rows of the matrix: column j begins at x + j * stride. Margins and residuals have the same stride per output. */
typedef struct logistic_tile {
    size_t rows, cols, stride;
    const double *x;
} logistic_tile;

/* z (outputs, stride) = coefficients theta (outputs, cols) times the tile. */
void logistic_times(const logistic_tile *tile, size_t outputs, const double *theta, double *z);
/* g (outputs, cols) += residuals r (outputs, stride) times the tile, transposed. */
void logistic_transposed(const logistic_tile *tile, size_t outputs, const double *r, double *g);

/* Largest entry of a gradient, without sign, with each column in units of its root mean square: so the unit in which
 * a column is measured does not decide when a solver stops. */
double logistic_largest(const logistic_problem *p, const double *gradient);

/* With a penalty on absolute values: the slope of F in the direction in which it falls most steeply; 0 where theta is 0
 * and the penalty outweighs the gradient. out may be gradient. */
void logistic_slope(const logistic_problem *p, const logistic_point *at, double *out);
/* F with its last term. */
double logistic_value(const logistic_problem *p, const logistic_point *at);

/* Proximal Newton, and L-BFGS within an orthant: logistic_newton and logistic_lbfgs with absolute > 0. */
TARN_MUST tarn_code logistic_proximal(const logistic_problem *p, const logistic_params *params, double *theta,
                                      tarn_fitted *out, tarn_err *err);

#endif
