/* SPDX-License-Identifier: Apache-2.0 */
/* boosting_before.h - going on from an earlier fit: its trees stay, and what they say of the new rows is where new ones
 * begin. What is kept: a head, the gains of the columns, and the payload of the node `trees`. */
#ifndef TARN_TRAIN_BOOSTING_BEFORE_H
#define TARN_TRAIN_BOOSTING_BEFORE_H

#include "train/algos/boosting_loss.h"
#include "train/tree.h"

typedef struct tarn_boosted {
    int64_t rounds;      /* 0: there was no earlier fit */
    const double *gain;  /* (cols) */
    const double *base;  /* (outputs) */
    tarn_model *model;   /* gives the scores */
    void *bytes;         /* what the others point into */
    const void *payload; /* of the trees */
} tarn_boosted;

/* What job->before holds, which may be anything. Errors: TARN_CORRUPT, TARN_INVALID it is of other columns, classes or
 * another objective, TARN_NOMEM. No collective. */
TARN_MUST tarn_code tarn_boosted_read(const tarn_fit *job, const tarn_loss *loss, tarn_boosted *out, tarn_err *err);
void tarn_boosted_clear(tarn_boosted *b);
/* Scores of all rows of x, (outputs, rows). */
TARN_MUST tarn_code tarn_boosted_scores(const tarn_boosted *b, const tarn_loss *loss, const tarn_matrix *x,
                                        tarn_pool *pool, double *score, tarn_err *err);
/* What a later fit goes on from. */
TARN_MUST tarn_code tarn_boosted_keep(const tarn_fit *job, const tarn_loss *loss, const tarn_grove *trees,
                                      const double *base, const double *gain, int64_t rounds, tarn_fitted *out,
                                      tarn_err *err);

#endif
