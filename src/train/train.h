/* SPDX-License-Identifier: Apache-2.0 */
/* train: stage 4. In: matrix, settings, seed. Out: nodes of a model.
 *
 * The door: find an estimator by name, check that a matrix suits it, fit it. See algo.h for what an
 * estimator is, and docs/adding/estimator.md for adding one.
 */
#ifndef TARN_TRAIN_H
#define TARN_TRAIN_H

#include "train/algo.h"

/* The table; count is tarn_algo_count(). Order: as in algos.def. */
int tarn_algo_count(void);
const tarn_algo *tarn_algo_at(int i);
/* TARN_NOT_FOUND names the nearest known one. */
TARN_MUST tarn_code tarn_algo_find(const char *name, const tarn_algo **out, tarn_err *err);

/* Check the job against what the estimator does and takes (task, missing values, categories, labels and
 * weights finite, at least one row and column, two classes present), then fit. out->importance is the caller's. */
TARN_MUST tarn_code tarn_train(const tarn_algo *algo, const void *params, const tarn_fit *job, tarn_fitted *out,
                               tarn_err *err);

/* A matrix over plain memory: columns[cols] of rows doubles (borrowed), for tests and small jobs. Rows
 * of `comm`'s rank are taken by tarn_comm_rows. Fill y, weight and classes yourself (y and weight are this
 * rank's). */
typedef struct tarn_dense {
    const double *const *columns;
    int64_t first;
} tarn_dense;
void tarn_matrix_dense(tarn_matrix *out, tarn_dense *self, const tarn_comm *comm, int64_t rows, int32_t cols,
                       const double *const *columns, const tarn_feature *features);

#endif
