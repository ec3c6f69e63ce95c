/* SPDX-License-Identifier: Apache-2.0 */
/* logistic_parts.h - what the files of logistic regression share; nobody else includes it.
 *
 * Symbols: n rows, d columns, K outputs (1 for two classes, else one per class), X the matrix with a column of ones
 * at the end when there is an intercept (`wide` columns), w_i the weight of a row (its own times its class's),
 * W their sum, theta (K, wide) the coefficients. What is minimised is
 *
 *     F(theta) = (1/W) sum_i w_i loss_i(theta) + (penalty/2) |theta without intercepts|^2,   penalty = 1 / (C W)
 *
 * which has the same minimum as scikit-learn's C sum_i w_i loss_i + |theta|^2 / 2, and values that do not
 * grow with the number of rows.
 *
 * Calls, in order: logistic_open (logistic_pass)* by logistic_newton or logistic_lbfgs, logistic_close.
 */
#ifndef TARN_TRAIN_LOGISTIC_PARTS_H
#define TARN_TRAIN_LOGISTIC_PARTS_H

#include "train/algo.h"

typedef struct logistic_params {
    double C, tol;
    int64_t max_iter;
    int solver, class_weight;
    bool intercept;
} logistic_params;

enum { LOGISTIC_AUTO, LOGISTIC_NEWTON, LOGISTIC_LBFGS };
enum { LOGISTIC_EQUAL, LOGISTIC_BALANCED };

typedef struct logistic_problem {
    const tarn_fit *job;
    int32_t cols, wide, outputs;
    int64_t thetas;       /* outputs * wide */
    double penalty;       /* 1 / (C W) */
    double weight_sum;    /* W */
    double *class_weight; /* (classes) */
    double *mean;         /* (wide) of each column, weighted */
    double *square;       /* (wide) mean of the squares of each column, weighted */
    double *size;         /* (wide) root of that; 1 for a column of zeros */
    double *scratch;      /* (threads, scratch_each) */
    int64_t scratch_each;
    int64_t tile; /* rows that go through together: so many that they stay in the second level of the cache */
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
TARN_MUST tarn_code logistic_point_new(const logistic_problem *p, bool hessian, logistic_point *out, tarn_err *err);
void logistic_point_clear(logistic_point *point);

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

#endif
