/* SPDX-License-Identifier: Apache-2.0 */
/* train: stage 4. In: matrix, settings, seed. Out: nodes of a model.
 *
 * The door: find an estimator by name, check that a matrix suits it, fit it. See algo.h for what an
 * estimator is, and docs/adding/estimator.md for adding one.
 *
 * Calls, in order: tarn_algo_find; tarn_params_default and tarn_param_set on the estimator's table;
 * tarn_train; then the caller gives the graph its outputs (fitted.out and following) and finishes it.
 *
 * Example (compiled by make check-docs):
 *
 *     tarn_code learn(const char *name, const tarn_fit *job, tarn_fitted *out, tarn_err *err)
 *     {
 *         tarn_code rc = TARN_OK;
 *         const tarn_algo *algo = NULL;
 *         void *params = NULL;
 *
 *         TARN_TRY(tarn_algo_find(name, &algo, err));
 *         TARN_TRY(tarn_alloc(&params, 1, algo->params_size, err));
 *         tarn_params_default(algo->params, params);
 *         TARN_TRY(tarn_train(algo, params, job, out, err));
 *     done:
 *         tarn_free(params);
 *         return rc;
 *     }
 */
#ifndef TARN_TRAIN_H
#define TARN_TRAIN_H

#include "base/mem.h"
#include "train/algo.h"

/* The table; count is tarn_algo_count(). Order: as in algos.def. NULL when i is not 0 .. count-1. */
int tarn_algo_count(void);
const tarn_algo *tarn_algo_at(int i);
/* TARN_NOT_FOUND names the nearest known one. */
TARN_MUST tarn_code tarn_algo_find(const char *name, const tarn_algo **out, tarn_err *err);

/* Check the job against what the estimator does and takes, then fit.
 *
 * params   the struct that algo->params describes, already checked by tarn_param_set
 * out      everything is set on success, nothing on failure; out->importance and out->state are the caller's
 *          (tarn_free)
 *
 * Checked here, so that an estimator holds only its mathematics: at least one row and column; the task is
 * one that the estimator does; labels are class numbers (or finite values, for regression) and every class
 * has a row; weights are positive and finite; no column of categories unless the estimator takes them, and
 * no missing or infinite value unless it takes missing ones (a pass over the matrix). The same for `valid`,
 * where a class may be absent. Messages count rows from 1, over all ranks.
 *
 * Errors:  TARN_INVALID as above, names column and first row; what algo->fit returns. With several ranks
 *          all return the same code: that of the worst rank.
 * Threads: the matrix's block function is called from the threads of job->pool
 */
TARN_MUST tarn_code tarn_train(const tarn_algo *algo, const void *params, const tarn_fit *job, tarn_fitted *out,
                               tarn_err *err);

/* A matrix over plain memory: columns[cols] of rows doubles (borrowed), for tests and small jobs. Rows
 * of `comm`'s rank are taken by tarn_comm_rows. Fill y, weight and classes yourself (y and weight are this
 * rank's). `self` must live as long as the matrix. */
typedef struct tarn_dense {
    const double *const *columns;
    int64_t first, step; /* step: from each column to the next, where that is the same for all; else 0 */
    int32_t cols;
} tarn_dense;
void tarn_matrix_dense(tarn_matrix *out, tarn_dense *self, const tarn_comm *comm, int64_t rows, int32_t cols,
                       const double *const *columns, const tarn_feature *features);

#endif
