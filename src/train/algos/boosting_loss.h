/* SPDX-License-Identifier: Apache-2.0 */
/* boosting_loss.h - what boosting makes smaller: log loss, softmax log loss, squared error. Private to boosting.
 *
 *     task          score F            loss of a row                     g               h
 *     binary        log-odds           log(1 + e^F) - y F                p - y           p (1 - p)
 *     multiclass    one per class k    log(sum_j e^Fj) - F_y             p_k - [y = k]   K/(K-1) p_k (1 - p_k)
 *     regression    the value          (F - y)^2                         F - y           1
 *
 * All times the row's weight. Scores are (outputs, rows).
 *
 * Source: Friedman, Ann. Statist. 29(5), 2001, section 4.
 */
#ifndef TARN_TRAIN_ALGOS_BOOSTING_LOSS_H
#define TARN_TRAIN_ALGOS_BOOSTING_LOSS_H

#include "train/hist.h"

typedef struct tarn_loss {
    int32_t classes; /* as the matrix says: 0 regression, 2 binary */
    int32_t outputs;
} tarn_loss;

tarn_loss tarn_loss_for(int32_t classes);

/* The best constant scores, base[outputs]; all ranks get the same. Errors: TARN_NUMERIC the mean is not finite */
TARN_MUST tarn_code tarn_loss_base(const tarn_loss *l, const tarn_fit *job, double *base, tarn_err *err);

/* Mean loss over rows (weighted) from score (outputs, rows): over all ranks' rows if comm, else over these alone. */
TARN_MUST tarn_code tarn_loss_mean(const tarn_loss *l, const tarn_matrix *x, tarn_pool *pool, tarn_comm *comm,
                                   const double *score, double *mean, tarn_err *err);

/* What chance makes of g^2, per unit of h, at these scores; for probabilities, if they are right. Over all ranks. */
TARN_MUST tarn_code tarn_loss_noise(const tarn_loss *l, const tarn_fit *job, const double *score, double *noise,
                                    tarn_err *err);

/* How gradients become whole steps: up or down at random, so that no leaf is biased, but by counter. */
typedef struct tarn_rounding {
    tarn_pack pack;
    double g_scale, h_scale; /* steps per unit */
    const uint16_t *dither;  /* (rows) */
    uint16_t turn_g, turn_h; /* added to the dither, other in every round */
} tarn_rounding;

/* Packed gradients of rows at .. at + n - 1, to packed (outputs, rows). score (outputs, rows); scratch (outputs + 1,
 * n). share (rows) or NULL: 1 where the row takes part. Returns the largest |g| / weight (used by regression only). */
double tarn_loss_pack(const tarn_loss *l, const tarn_matrix *x, const tarn_rounding *r, const double *score,
                      const uint8_t *share, int64_t at, int64_t n, double *scratch, int64_t *packed);

#endif
