/* SPDX-License-Identifier: Apache-2.0 */
/* mutual_info.c - mutual information of clusters and truth, as a share of the mean of both entropies: the same number
 * as v_measure. */
#include "assess/clusters.h"

static tarn_code compute(const tarn_clusters *c, double *out, tarn_err *err)
{
    (void)err;
    double mean = (c->entropy_cluster + c->entropy_truth) / 2;

    *out = c->clusters == 1 && c->classes == 1 ? 1 : c->information > 0 ? c->information / mean : 0;
    return TARN_OK;
}

const tarn_clustering tarn_clustering_mutual_info = {
    .name = "mutual_info",
    .title = "Normalised mutual information",
    .unit = "share",
    .needs_truth = true,
    .higher_is_better = true,
    .best = 1,
    .help = "what clusters say about the true groups, and the other way round; not corrected for chance",
    .compute = compute,
};
