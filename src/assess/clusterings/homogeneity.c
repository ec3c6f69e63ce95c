/* SPDX-License-Identifier: Apache-2.0 */
/* homogeneity.c - share of the entropy of the truth that the clusters explain; 1 if there is none.
 *
 * After: Rosenberg & Hirschberg, "V-measure", EMNLP 2007. */
#include "assess/clusters.h"

static tarn_code compute(const tarn_clusters *c, double *out, tarn_err *err)
{
    (void)err;
    *out = c->entropy_truth > 0 ? c->information / c->entropy_truth : 1;
    return TARN_OK;
}

const tarn_clustering tarn_clustering_homogeneity = {
    .name = "homogeneity",
    .title = "Homogeneity",
    .unit = "share",
    .needs_truth = true,
    .higher_is_better = true,
    .best = 1,
    .help = "whether each cluster holds rows of one true group only",
    .compute = compute,
};
