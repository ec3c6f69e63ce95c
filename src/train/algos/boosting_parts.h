/* SPDX-License-Identifier: Apache-2.0 */
/* boosting_parts.h - what the files boosting.c and boosting_setup.c share. Private to them. */
#ifndef TARN_TRAIN_BOOSTING_PARTS_H
#define TARN_TRAIN_BOOSTING_PARTS_H

#include "train/algos/boosting_before.h"
#include "train/algos/boosting_judge.h"

#include "train/tree_leafwise.h"

typedef struct tarn_boosting_params {
    int64_t trees, leaves, depth, min_rows, max_bins, early_stopping, category_rows, ndcg_at;
    double learning_rate, l1, l2, min_gain, min_hessian, row_share, column_share, category_smooth, category_l2,
        category_doubt, quantile, delta, power, max_step;
    int objective, stop_on, importance;
    char monotone[1024];
} tarn_boosting_params;

typedef struct tarn_boosting {
    const tarn_fit *job;
    const tarn_boosting_params *p;
    tarn_loss loss;
    tarn_bins *bins;
    tarn_binned rows, valid;
    double *score, *valid_score; /* (outputs, rows) */
    double *base;                /* (outputs) */
    int64_t *packed;             /* (outputs, rows) */
    double *scratch;             /* (threads, outputs + 1, TARN_BLOCK_ROWS) */
    uint16_t *dither;            /* (rows + 3) */
    uint8_t *share;              /* (rows), NULL when all take part */
    double *seen;                /* (2, blocks) largest g (or residual) of each, largest h */
    double *g, *h;               /* (rows) ranking only */
    tarn_lambda *ranking, *valid_ranking;
    int8_t *monotone;         /* (cols) */
    int32_t *columns;         /* (cols) scratch for choosing */
    double *gain, *best_gain; /* (cols) importance so far, and at the best round */
    tarn_leafwise *trees;
    tarn_grove grove;
    tarn_rounding rounding;
    tarn_split_rules rules;
    double most_weight, most_residual;
    bool categories; /* there are any */
    bool weighted, very_unequal;
    tarn_boosted before;
    int64_t round, best_round; /* rounds done now; after how many the validation loss was least */
    bool judged;               /* there is a best one */
    double best_loss, best_objective;
} tarn_boosting;

/* Dither comes from the stream of the row's sampling, at places of the index that no round reaches. */
enum { DITHER_PLACE = -1, TURN_PLACE = -2 };

static inline bool tarn_boosting_stops_early(const tarn_boosting *b)
{
    return b->job->valid && b->p->early_stopping > 0;
}

/* Everything but scores, job and p being set; then the scores where rounds begin. All ranks return the same. */
TARN_MUST tarn_code tarn_boosting_set_up(tarn_boosting *b, tarn_err *err);
TARN_MUST tarn_code tarn_boosting_set_scores(tarn_boosting *b, tarn_err *err);
void tarn_boosting_tear_down(tarn_boosting *b);
/* The largest hessian of weight 1 that there may be. */
void tarn_boosting_set_h_unit(tarn_boosting *b, double most);

#endif
