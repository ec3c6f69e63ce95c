/* SPDX-License-Identifier: Apache-2.0 */
/* completeness.c - share of the entropy of the clusters that the truth explains; 1 if there is none.
 *
 * After: Rosenberg & Hirschberg, "V-measure", EMNLP 2007. */
#include "assess/clusters.h"

static tarn_code compute(const tarn_clusters *c, double *out, tarn_err *err)
{
    (void)err;
    *out = c->entropy_cluster > 0 ? c->information / c->entropy_cluster : 1;
    return TARN_OK;
}

const tarn_clustering tarn_clustering_completeness = {
    .name = "completeness",
    .title = "Completeness",
    .unit = "share",
    .needs_truth = true,
    .higher_is_better = true,
    .best = 1,
    .help = "whether the rows of each true group are in one cluster",
    .compute = compute,
};
