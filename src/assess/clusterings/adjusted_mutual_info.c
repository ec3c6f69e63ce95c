/* SPDX-License-Identifier: Apache-2.0 */
/* adjusted_mutual_info.c - mutual information of clusters and truth, corrected for chance, as a share of the mean of
 * both entropies.
 *
 * After: Vinh, Epps, Bailey, "Information theoretic measures for clusterings comparison", JMLR 11, 2010. */
#include "assess/clusters.h"

#include <float.h>

static tarn_code compute(const tarn_clusters *c, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double chance = 0;

    *out = 1;
    if (c->clusters == 1 && c->classes == 1) return TARN_OK;
    TARN_TRY(tarn_clusters_chance_information(c, &chance, err));
    double least = DBL_EPSILON, below = (c->entropy_cluster + c->entropy_truth) / 2 - chance;
    if (below < 0) below = below < -least ? below : -least;
    else below = below > least ? below : least;
    *out = (c->information - chance) / below;
done:
    return rc;
}

const tarn_clustering tarn_clustering_adjusted_mutual_info = {
    .name = "adjusted_mutual_info",
    .title = "Adjusted mutual information",
    .unit = "",
    .needs_truth = true,
    .higher_is_better = true,
    .best = 1,
    .help = "what clusters say about the true groups, beyond chance: 1 all, 0 nothing",
    .compute = compute,
};
