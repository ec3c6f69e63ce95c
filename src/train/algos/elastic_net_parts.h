/* SPDX-License-Identifier: Apache-2.0 */
/* elastic_net_parts.h - what the files of the elastic net share; nobody else includes it.
 *
 * Symbols: W sum of weights, b coefficients, a intercept. What is minimised is
 *
 *     (1 / 2W) sum_i w_i (y_i - x_i b - a)^2 + alpha (l1_ratio |b|_1 + (1 - l1_ratio) |b|^2 / 2)
 *
 * as scikit-learn's ElasticNet; l1_ratio = 1 is the lasso. */
#ifndef TARN_TRAIN_ELASTIC_NET_PARTS_H
#define TARN_TRAIN_ELASTIC_NET_PARTS_H

#include "train/algo.h"
#include "train/least.h"
#include "train/moments.h"

typedef struct elastic_net_params {
    double alpha, l1_ratio, tol, least_alpha;
    int64_t max_iter, cv, alphas;
    bool intercept;
} elastic_net_params;

/* Coordinate descent on cross products. */
typedef struct elastic_net_descent {
    const tarn_cross *c;
    size_t cols;
    double l1_ratio, tol;
    int64_t max_iter;
    const tarn_sink *sink;
    double *b; /* (cols) where it starts, and what it finds */
    double *q; /* (cols) g - G b, over W */
    bool converged;
    int64_t sweeps;
} elastic_net_descent;

/* q for the b that is there. */
void elastic_net_begin(elastic_net_descent *d);
/* Go to the minimum for this alpha. Errors: TARN_CANCELLED. */
TARN_MUST tarn_code elastic_net_descend(elastic_net_descent *d, double alpha, tarn_err *err);
/* The objective at b. */
double elastic_net_objective(const elastic_net_descent *d, double alpha);

/* The alpha of a geometric path whose mean squared error over the folds of m is least; the path goes from the least
 * alpha with b = 0 down to least_alpha of it. Folds run on the pool. All ranks return the same. */
TARN_MUST tarn_code elastic_net_choose(const tarn_fit *job, const elastic_net_params *set, const tarn_moments *m,
                                       const tarn_cross *all, double *alpha, tarn_err *err);

/* By passes over the rows, for text and thousands of columns. b (n->cols) starts at 0. */
TARN_MUST tarn_code elastic_net_passes(const tarn_normal *n, const elastic_net_params *set, double *b, tarn_fitted *out,
                                       tarn_err *err);

#endif
