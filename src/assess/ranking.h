/* SPDX-License-Identifier: Apache-2.0 */
/* ranking.h - rows by group, each group by falling score: what figures of rankings start from.
 *
 * A figure is computed in each group and averaged over the groups, each counting by the mean weight of its rows. Rows
 * of weight 0, and groups that hold no others, are not there.
 */
#ifndef TARN_ASSESS_RANKING_H
#define TARN_ASSESS_RANKING_H

#include "assess/assess.h"

typedef struct tarn_groups {
    int64_t n;
    int64_t *start;        /* (n + 1) places in rows */
    uint32_t *by_p, *by_y; /* (rows) rows group by group, each by falling score, and by falling relevance */
    int64_t largest;       /* rows of the largest group */
    double *discount;      /* (largest + 1) sum over the first i places of 1 / log2(place + 1) */
} tarn_groups;

/* Start with {0}; tarn_groups_clear in any case. */
TARN_MUST tarn_code tarn_groups_make(const tarn_judged *j, tarn_groups *out, tarn_err *err);
void tarn_groups_clear(tarn_groups *g);

/* One group: relevance and score by falling score, and the relevances once more, falling. */
typedef struct tarn_ranked {
    int64_t n;
    const double *y, *p, *ideal, *discount;
} tarn_ranked;

/* k: how many places count; INT64_MAX for all. */
typedef double tarn_ranking_fn(const tarn_ranked *r, int64_t k);
TARN_MUST tarn_code tarn_ranking_mean(const tarn_judged *j, tarn_ranking_fn *fn, int64_t k, double *out, tarn_err *err);

/* Discounted gain of the order by p, as a share of that of the best order; the gain of a row is its relevance, places
 * that several rows of one score share give each the mean of these places. 0 where nothing is relevant; NaN where a
 * relevance is below 0.
 * Source: Jarvelin & Kekalainen, ACM Trans. Inf. Syst. 20(4), 2002; McSherry & Najork, ECIR 2008 (ties) */
double tarn_ranking_ndcg(const tarn_ranked *r, int64_t k);

#endif
