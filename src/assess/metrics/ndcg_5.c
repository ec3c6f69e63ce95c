/* SPDX-License-Identifier: Apache-2.0 */
/* ndcg_5.c - normalised discounted cumulative gain of the first five places; see ranking.h for gains and ties. */
#include "assess/ranking.h"

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_ranking_mean(j, tarn_ranking_ndcg, 5, out, err);
}

const tarn_metric tarn_metric_ndcg_5 = {
    .name = "ndcg_5",
    .title = "NDCG of five",
    .unit = "share",
    .tasks = 1u << TARN_BINARY | 1u << TARN_REGRESSION,
    .higher_is_better = true,
    .best = 1,
    .needs_group = true,
    .help = "how good the first five places of each group are; 1 is the best order",
    .compute = compute,
};
