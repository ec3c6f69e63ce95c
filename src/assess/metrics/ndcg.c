/* SPDX-License-Identifier: Apache-2.0 */
/* ndcg.c - normalised discounted cumulative gain over all places of each group; see ranking.h for gains and ties. */
#include "assess/ranking.h"

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_ranking_mean(j, tarn_ranking_ndcg, INT64_MAX, out, err);
}

const tarn_metric tarn_metric_ndcg = {
    .name = "ndcg",
    .title = "NDCG",
    .unit = "share",
    .tasks = 1u << TARN_BINARY | 1u << TARN_REGRESSION,
    .higher_is_better = true,
    .best = 1,
    .needs_group = true,
    .help = "how good the order in each group is, early places counting most; 1 is the best order",
    .compute = compute,
};
