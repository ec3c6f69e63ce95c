/* SPDX-License-Identifier: Apache-2.0 */
/* v_measure.c - harmonic mean of homogeneity and completeness.
 *
 * After: Rosenberg & Hirschberg, "V-measure", EMNLP 2007. */
#include "assess/clusters.h"

static tarn_code compute(const tarn_clusters *c, double *out, tarn_err *err)
{
    (void)err;
    double h = c->entropy_truth > 0 ? c->information / c->entropy_truth : 1;
    double k = c->entropy_cluster > 0 ? c->information / c->entropy_cluster : 1;

    *out = h + k > 0 ? 2 * h * k / (h + k) : 0;
    return TARN_OK;
}

const tarn_clustering tarn_clustering_v_measure = {
    .name = "v_measure",
    .title = "V-measure",
    .unit = "share",
    .needs_truth = true,
    .higher_is_better = true,
    .best = 1,
    .help = "balance of homogeneity and completeness",
    .compute = compute,
};
