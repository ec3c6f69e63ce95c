/* SPDX-License-Identifier: Apache-2.0 */
/* mrr.c - mean reciprocal rank: in each group, 1 / the number of rows scored as high as the best relevant one (y > 0)
 * or higher. A group without relevant rows counts 0. */
#include "assess/ranking.h"

#include <math.h>

static double reciprocal(const tarn_ranked *r, int64_t k)
{
    (void)k;
    for (int64_t from = 0, to; from < r->n; from = to) {
        bool found = false;
        for (to = from; to < r->n && r->p[to] >= r->p[from]; to++) found |= r->y[to] > 0;
        if (found) return 1 / (double)to;
    }
    return 0;
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_ranking_mean(j, reciprocal, INT64_MAX, out, err);
}

const tarn_metric tarn_metric_mrr = {
    .name = "mrr",
    .title = "Mean reciprocal rank",
    .unit = "share",
    .tasks = 1u << TARN_BINARY | 1u << TARN_REGRESSION,
    .higher_is_better = true,
    .best = NAN,
    .needs_group = true,
    .help = "how early the first relevant row of each group stands: 1 first, 0.5 second",
    .compute = compute,
};
