/* SPDX-License-Identifier: Apache-2.0 */
/* boosting_rank.h - LambdaMART: gradients that put the rows of each query in order, and NDCG. Private to boosting.
 *
 * For rows i, j of a query with relevance y_i > y_j, with one of them among the first `truncation` by score:
 *     rho = 1 / (1 + e^(F_i - F_j)),  D = |2^y_i - 2^y_j| |d(r_i) - d(r_j)| / best DCG
 *     g_i -= rho D, g_j += rho D, h of both += rho (1 - rho) D
 * r is the place by score, from 0 (ties: the earlier row first), d(r) = 1 / log2(2 + r). D is divided by
 * 0.01 + |F_i - F_j| unless all scores are equal, and a query's sums are scaled by log2(1 + S) / S, where S is the sum
 * of all its g taken positive: so no query outweighs the others for having many pairs.
 *
 * A query may begin on one rank and end on a later one. Each rank's first and last query are *edges*: their labels are
 * gathered once and their scores before each use, so every rank that has rows of a query sees all of it, and works out
 * the same numbers.
 *
 * Source: Burges, "From RankNet to LambdaRank to LambdaMART: an overview", MSR-TR-2010-82; the two scalings are those
 * of LightGBM.
 */
#ifndef TARN_TRAIN_ALGOS_BOOSTING_RANK_H
#define TARN_TRAIN_ALGOS_BOOSTING_RANK_H

#include "train/algo.h"

typedef struct tarn_lambda tarn_lambda;

/* The queries of x, over the ranks of comm; x is borrowed. All ranks call together; all get the same code.
 *
 * Errors: TARN_INVALID a relevance above 60 (2^y would drown all others); TARN_NOMEM */
TARN_MUST tarn_code tarn_lambda_new(const tarn_matrix *x, tarn_comm *comm, tarn_pool *pool, int64_t truncation,
                                    tarn_lambda **out, tarn_err *err);
void tarn_lambda_free(tarn_lambda *r);

/* g and h (rows) of this rank's rows, without weights. All ranks call together. */
TARN_MUST tarn_code tarn_lambda_gradients(tarn_lambda *r, const double *score, double *g, double *h, tarn_err *err);

/* Mean over all ranks' queries of NDCG at `truncation`; a query without relevant rows counts 1. All ranks call
 * together. */
TARN_MUST tarn_code tarn_lambda_ndcg(tarn_lambda *r, const double *score, double *mean, tarn_err *err);

#endif
