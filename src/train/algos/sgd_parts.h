/* SPDX-License-Identifier: Apache-2.0 */
/* sgd_parts.h - what the files of estimator sgd share; nobody else includes it.
 *
 * Symbols: K outputs; D columns: dense ones and a column of ones (padded with zeros to a multiple of 8), then sparse
 * ones. Dense columns are moved and scaled by mean and deviation of the first block. x_j is a column's number, N_j the
 * largest |x_j| so far, v_jk its coefficient for x_j / N_j, G_jk the sum of its squared gradients.
 *
 * Calls, in order: sgd_open, then for each epoch sgd_epoch; sgd_coefficients; sgd_close.
 */
#ifndef TARN_TRAIN_SGD_PARTS_H
#define TARN_TRAIN_SGD_PARTS_H

#include "train/algo.h"

typedef struct sgd_params {
    int loss, multi_class, learning_rate, penalty, average;
    double eta0, power_t, alpha, l1_ratio, epsilon, quantile, tol;
    int64_t epochs;
    bool shuffle;
} sgd_params;

typedef enum sgd_loss {
    SGD_AUTO,
    SGD_LOG,
    SGD_HINGE,
    SGD_MODIFIED_HUBER,
    SGD_SQUARED,
    SGD_HUBER,
    SGD_EPSILON,
    SGD_QUANTILE,
    SGD_SOFTMAX /* of all outputs together; not a parameter's word */
} sgd_loss;
enum { SGD_ONE_VS_REST, SGD_MULTINOMIAL };
enum { SGD_ADAPTIVE, SGD_CONSTANT, SGD_OPTIMAL, SGD_INVSCALING };
enum { SGD_NONE, SGD_L2, SGD_L1, SGD_ELASTICNET };
enum { SGD_AVERAGE_AUTO, SGD_AVERAGE_YES, SGD_AVERAGE_NO };
enum {
    SGD_LANES = 8,
    SGD_FEW = 4096,
    SGD_CHUNK = 32 /* rows behind which few coefficients are shrunk and averaged */
};

/* Everything that learning goes on from: one block of memory, the same on all ranks. */
typedef struct sgd_head {
    char magic[8];
    uint32_t outputs, dense; /* K, dense columns */
    uint64_t sparse;
    double weight, norms;   /* sums over rows: of weights, of weights times sum_j (x_j / N_j)^2 */
    double steps;           /* rows */
    double averaged;        /* how often coefficients went into the average of this epoch */
    double y_mean, y_scale; /* regression: what targets are moved and scaled by */
} sgd_head;

typedef struct sgd_learner {
    const tarn_fit *job;
    const sgd_params *set;
    sgd_loss loss;
    double epsilon; /* in units of scaled targets */
    size_t k, wide; /* outputs; floats that one column's coefficients take: 1, or K up to a multiple of 8 */
    size_t dense, padded, sparse;
    void *state; /* sgd_head, then the arrays below */
    size_t state_len;
    sgd_head *head;
    double *mean, *scale; /* (dense) */
    float *most;          /* (padded + sparse) N */
    float *coef;          /* one output: v (padded), G (padded), then {v, G} of each sparse column;
                             more: {v (wide), G (wide)} of each column */
    float *mean_coef;     /* (padded + sparse, wide) average of the coefficients; only if averages */
    bool averages, few;   /* few: not more than SGD_FEW coefficients */
    /* scratch */
    double *values;    /* (dense, TARN_BLOCK_ROWS) */
    float *rows[2];    /* (TARN_BLOCK_ROWS, padded) a block in learning, a block in making */
    int32_t *order[2]; /* (TARN_BLOCK_ROWS) */
    float *step;       /* (entries of the longest row, wide) */
    double *z, *g, *y; /* (K) */
    float *wide_z;     /* (4, wide) */
    double loss_sum, weight_sum;
} sgd_learner;

/* job->before is read, if there is one. All ranks return the same; closed on failure. */
TARN_MUST tarn_code sgd_open(sgd_learner *s, const tarn_fit *job, const sgd_params *set, tarn_err *err);
void sgd_close(sgd_learner *s);
/* Every row once, in order of ranks; *mean_loss: of rows before they were learned. */
TARN_MUST tarn_code sgd_epoch(sgd_learner *s, int64_t epoch, double *mean_loss, tarn_err *err);
/* Mean loss of a matrix that this rank has the whole of. */
TARN_MUST tarn_code sgd_judge(sgd_learner *s, const tarn_matrix *x, double *mean_loss, tarn_err *err);
/* out (K + K * (dense + sparse)) as tarn_linear_add wants them, for raw columns and targets. */
void sgd_coefficients(const sgd_learner *s, double *out);

/* One row: dense (padded) numbers and sparse entries. Learn it, and add its loss to loss_sum. */
typedef struct sgd_row {
    const float *dense;
    const int32_t *index;
    const float *value;
    size_t entries;
    double y, weight;
} sgd_row;
void sgd_learn(sgd_learner *s, const sgd_row *row);
/* z (K): what is said of the row as it stands. */
void sgd_predict(const sgd_learner *s, const sgd_row *row, double *z);
/* Take the coefficients into the average; put the average in their place, and back. */
void sgd_average(sgd_learner *s);
void sgd_swap_average(sgd_learner *s);
/* Take the penalty of `rows` rows off all coefficients. */
void sgd_shrink(sgd_learner *s, double rows);

/* ---- losses: z (K) said, y the class or scaled target ---- */

/* g (K): derivative of the loss by z; returns the loss. t (K) is scratch. */
double sgd_gradient(const sgd_learner *s, const double *z, double y, double *g, double *t);
/* How far z is moved for a rate and a reach (what z moves by for a step of 1), so that it does not go beyond where the
 * loss turns: the factor of -rate * g, between 0 and 1. */
double sgd_damping(const sgd_learner *s, double z, double y, double g, double rate, double reach);

#endif
