/* SPDX-License-Identifier: Apache-2.0 */
/* bayes.h - what naive Bayes estimators share: sums by class and column, priors, what a fit leaves for the next.
 *
 * Sums are gathered in one pass over the rows. Those of dense columns are added per block; those of sparse ones are
 * integers (values in units of a power of two that leaves no room for an overflow), so that their order does not
 * matter: counts are exact, other sums to 2^-40 of the largest value or better.
 *
 * Threads: as the job's pool; every function is called by all ranks alike, and all get the same.
 */
#ifndef TARN_TRAIN_BAYES_H
#define TARN_TRAIN_BAYES_H

#include "train/algo.h"

/* Sums over rows by class k and dense column j (categories: 0), of rows that have a finite value there: weight, weight
 * times x - shift_j, and times its square. Each (classes, cols). Not shifted: `sum` alone is filled. */
typedef struct tarn_bayes_dense {
    double *shift; /* (cols) */
    double *weight, *sum, *square;
    double *plain; /* (3, cols): over all classes, each row counted once: what the largest variance is measured by */
} tarn_bayes_dense;

typedef struct tarn_bayes {
    const tarn_fit *job;
    size_t classes, cols, sparse; /* columns: dense, sparse */
    double *count;                /* (classes) sum of weights */
    tarn_bayes_dense dense;
    double *sums;    /* (classes, sparse) of weight * value */
    uint32_t *first; /* (cols + 1) where the levels of categories begin; numbers have none */
    double *levels;  /* (first[cols], classes) sum of weights of the rows that have a level */
} tarn_bayes;

typedef enum tarn_bayes_way {
    TARN_BAYES_VALUES, /* x */
    TARN_BAYES_ABOVE,  /* 1 if x > threshold, else 0; sparse: 1 if it is there */
} tarn_bayes_way;

/* Gather all sums of the job, on top of job->before. shifted: x is taken relative to a value near its mean, so that
 * variances keep their digits. state says which estimator the state must come from. tarn_bayes_clear in any case.
 *
 * Errors: TARN_NOMEM, TARN_CANCELLED, what the matrix returns; TARN_CORRUPT, TARN_INVALID job->before; agreed among
 * ranks */
TARN_MUST tarn_code tarn_bayes_gather(tarn_bayes *b, const tarn_fit *job, tarn_bayes_way way, double threshold,
                                      bool shifted, uint32_t state, tarn_err *err);
void tarn_bayes_clear(tarn_bayes *b);
/* What the next fit goes on from, if the job wants it. */
TARN_MUST tarn_code tarn_bayes_keep(const tarn_bayes *b, uint32_t state, tarn_fitted *out, tarn_err *err);

/* Call fn for each class, on the job's pool: it gives the class's bias and weight (cols + sparse) of a linear model.
 * linear: as tarn_bayes_linear wants it. Ranks do the same, each by itself. */
typedef void tarn_bayes_class_fn(const tarn_bayes *b, size_t k, const void *settings, double *bias, double *weight);
TARN_MUST tarn_code tarn_bayes_each(const tarn_bayes *b, tarn_bayes_class_fn *fn, const void *settings, double *linear,
                                    tarn_err *err);

/* log of each class's share, or of 1 / classes. */
void tarn_bayes_prior(const tarn_bayes *b, bool learned, double *out);

/* Add a linear model: linear, which is bias (classes) and then weight (classes, cols + sparse), becomes a softmax, or
 * for two classes a sigmoid of the difference; and give importance: how far a column's weights differ between classes,
 * times its mean size. job may be another than b's, with other registers. Uses `linear` as scratch. */
TARN_MUST tarn_code tarn_bayes_linear(const tarn_bayes *b, const tarn_fit *job, double *linear, tarn_fitted *out,
                                      tarn_err *err);

/* Normal distributions of the dense columns regs[cols]: add node 'gaussian' on top of bias (classes). smoothing times
 * the largest variance is added to all. importance (cols) gets a measure of what each tells. *first: its outputs. */
TARN_MUST tarn_code tarn_bayes_normal(const tarn_bayes *b, const int32_t *cols, int32_t n_cols, double smoothing,
                                      const double *bias, double *importance, uint32_t *first, tarn_err *err);
/* Sums (classes) become probabilities: a softmax; of two classes *out is that of class 1. */
TARN_MUST tarn_code tarn_bayes_link(const tarn_bayes *b, uint32_t sums, uint32_t *out, tarn_err *err);

#endif
