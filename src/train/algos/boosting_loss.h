/* SPDX-License-Identifier: Apache-2.0 */
/* boosting_loss.h - what boosting makes smaller. Private to boosting.
 *
 *     objective     score F            loss of a row                     g                   h
 *     logistic      log-odds           log(1 + e^F) - y F                p - y               p (1 - p)
 *     softmax       one per class k    log(sum_j e^Fj) - F_y             p_k - [y = k]       K/(K-1) p_k (1 - p_k)
 *     squared       the value          (F - y)^2                         F - y               1
 *     absolute      the value          |F - y|                           sign(F - y)         1
 *     huber         the value          squared below delta, then linear  F - y, at most d    1
 *     quantile      the value          a (y - F) or (1 - a) (F - y)      -a or 1 - a         1
 *     poisson       its log            e^F - y F                         e^F - y             e^(F + 0.7)
 *     gamma         its log            y e^-F + F                        1 - y e^-F          y e^-F
 *     tweedie       its log            deviance of power p               e^(2-p)F - y e^(1-p)F   its derivative
 *     ranking       the score          1 - NDCG                          boosting_rank.h
 *
 * All times the row's weight. Scores are (outputs, rows). Leaves of absolute and quantile are refitted.
 *
 * Source: Friedman, Ann. Statist. 29(5), 2001, section 4; the cautious hessian of poisson is LightGBM's.
 */
#ifndef TARN_TRAIN_ALGOS_BOOSTING_LOSS_H
#define TARN_TRAIN_ALGOS_BOOSTING_LOSS_H

#include "train/hist.h"

#define TARN_LOSS_WORDS "auto|squared|absolute|huber|quantile|poisson|gamma|tweedie"
typedef enum tarn_loss_kind {
    TARN_LOSS_AUTO,
    TARN_LOSS_SQUARED,
    TARN_LOSS_ABSOLUTE,
    TARN_LOSS_HUBER,
    TARN_LOSS_QUANTILE,
    TARN_LOSS_POISSON,
    TARN_LOSS_GAMMA,
    TARN_LOSS_TWEEDIE,
    TARN_LOSS_LOGISTIC, /* from here on by the task, not by name */
    TARN_LOSS_SOFTMAX,
    TARN_LOSS_RANKING
} tarn_loss_kind;

typedef struct tarn_loss {
    tarn_loss_kind kind;
    int32_t classes; /* as the matrix says: 0 regression or ranking, 2 binary */
    int32_t outputs;
    double level; /* quantile */
    double delta; /* huber */
    double power; /* tweedie, above 1, below 2 */
} tarn_loss;

/* The loss of the task; kind other than AUTO is for regression only. Errors: TARN_INVALID it is not; labels that it
 * cannot take (names the row of this rank) */
TARN_MUST tarn_code tarn_loss_for(const tarn_matrix *x, tarn_loss_kind kind, tarn_loss *out, tarn_err *err);

/* Its properties. */
static inline bool tarn_loss_has_log_link(const tarn_loss *l)
{
    return l->kind == TARN_LOSS_POISSON || l->kind == TARN_LOSS_GAMMA || l->kind == TARN_LOSS_TWEEDIE;
}
/* g is of any size, h too: both are looked at before they are rounded. */
static inline bool tarn_loss_is_open(const tarn_loss *l)
{
    return tarn_loss_has_log_link(l) || l->kind == TARN_LOSS_RANKING;
}
static inline bool tarn_loss_refits(const tarn_loss *l)
{
    return l->kind == TARN_LOSS_ABSOLUTE || l->kind == TARN_LOSS_QUANTILE;
}
/* h is 1 for every row. */
static inline bool tarn_loss_is_flat(const tarn_loss *l)
{
    return l->kind >= TARN_LOSS_SQUARED && l->kind <= TARN_LOSS_QUANTILE;
}

/* The best constant scores, base[outputs]; all ranks get the same. Errors: TARN_NUMERIC the mean is not finite */
TARN_MUST tarn_code tarn_loss_base(const tarn_loss *l, const tarn_fit *job, double most_weight, double *base,
                                   tarn_err *err);

/* Mean loss over rows (weighted) from score (outputs, rows): over all ranks' rows if comm, else over these alone. Not
 * for ranking. */
TARN_MUST tarn_code tarn_loss_mean(const tarn_loss *l, const tarn_matrix *x, tarn_pool *pool, tarn_comm *comm,
                                   const double *score, double *mean, tarn_err *err);

/* What chance makes of g^2, per unit of h, at these scores; for probabilities, if they are right. Over all ranks. g, h:
 * (rows) of ranking, else NULL. */
TARN_MUST tarn_code tarn_loss_noise(const tarn_loss *l, const tarn_fit *job, const double *score, const double *g,
                                    const double *h, double *noise, tarn_err *err);

/* g and h (n) of rows at .. at + n - 1, without weights, from score (rows). Not for logistic, softmax and ranking. */
void tarn_loss_rows(const tarn_loss *l, const tarn_matrix *x, const double *score, int64_t at, int64_t n, double *g,
                    double *h);

/* How gradients become whole steps: up or down at random, so that no leaf is biased, but by counter. */
typedef struct tarn_rounding {
    tarn_pack pack;
    double g_scale, h_scale; /* steps per unit */
    const uint16_t *dither;  /* (rows + 3) */
    uint16_t turn_g, turn_h; /* added to the dither, other in every round */
} tarn_rounding;

/* Packed gradients of rows at .. at + n - 1, to packed (outputs, rows). score (outputs, rows); scratch (outputs + 1,
 * n). share (rows) or NULL: 1 where the row takes part. Returns the largest |g| / weight (used by squared only). */
double tarn_loss_pack(const tarn_loss *l, const tarn_matrix *x, const tarn_rounding *r, const double *score,
                      const uint8_t *share, int64_t at, int64_t n, double *scratch, int64_t *packed);

/* The same of one output, from g and h (n). */
void tarn_loss_pack_rows(const tarn_matrix *x, const tarn_rounding *r, const uint8_t *share, int64_t at, int64_t n,
                         const double *g, const double *h, int64_t *packed);

#endif
