/* SPDX-License-Identifier: Apache-2.0 */
/* adjusted_rand.c - share of pairs of rows on which clusters and truth agree, corrected for chance.
 *
 * After: Hubert & Arabie, "Comparing partitions", J. Classif. 2, 1985. */
#include "assess/clusters.h"

static tarn_code compute(const tarn_clusters *c, double *out, tarn_err *err)
{
    (void)err;
    double n = (double)c->rows, tp = c->pairs_both - n, fp = c->pairs_cluster - c->pairs_both;
    double fn = c->pairs_truth - c->pairs_both, tn = n * n - c->pairs_cluster - c->pairs_truth + c->pairs_both;

    *out = fn <= 0 && fp <= 0 ? 1 : 2 * (tp * tn - fn * fp) / ((tp + fn) * (fn + tn) + (tp + fp) * (fp + tn));
    return TARN_OK;
}

const tarn_clustering tarn_clustering_adjusted_rand = {
    .name = "adjusted_rand",
    .title = "Adjusted Rand",
    .unit = "",
    .needs_truth = true,
    .higher_is_better = true,
    .best = 1,
    .help = "agreement with the true groups beyond chance: 1 the same, 0 as good as random",
    .compute = compute,
};
