/* SPDX-License-Identifier: Apache-2.0 */
/* boosting_judge.h - how good scores are, for early stopping. Private to boosting. */
#ifndef TARN_TRAIN_ALGOS_BOOSTING_JUDGE_H
#define TARN_TRAIN_ALGOS_BOOSTING_JUDGE_H

#include "train/algos/boosting_loss.h"
#include "train/algos/boosting_rank.h"

#define TARN_JUDGE_WORDS "loss|auc|accuracy|rmse|mae|ndcg"
typedef enum tarn_judge_by {
    TARN_JUDGE_LOSS, /* the objective */
    TARN_JUDGE_AUC,
    TARN_JUDGE_ACCURACY,
    TARN_JUDGE_RMSE,
    TARN_JUDGE_MAE,
    TARN_JUDGE_NDCG
} tarn_judge_by;

/* Errors: TARN_INVALID the task has no such measure */
TARN_MUST tarn_code tarn_judge_check(const tarn_loss *l, tarn_judge_by by, tarn_err *err);

/* How bad: lower is better (1 - x for auc, accuracy and ndcg), weighted. ranking: the queries of x, where the task has
 * them. No collective but ranking's.
 *
 * Errors:  TARN_NOMEM */
TARN_MUST tarn_code tarn_judge(const tarn_loss *l, tarn_judge_by by, const tarn_matrix *x, tarn_lambda *ranking,
                               tarn_pool *pool, const double *score, double *bad, tarn_err *err);

#endif
