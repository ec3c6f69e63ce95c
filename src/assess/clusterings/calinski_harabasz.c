/* SPDX-License-Identifier: Apache-2.0 */
/* calinski_harabasz.c - sum of squares between the clusters against that within, each by its degrees of freedom; 1 if
 * all rows are in the centre of their cluster.
 *
 * After: Calinski & Harabasz, "A dendrite method for cluster analysis", Commun. Stat. 3(1), 1974. */
#include "assess/clusters.h"

#include <math.h>

static tarn_code compute(const tarn_clusters *c, double *out, tarn_err *err)
{
    (void)err;
    double k = (double)c->clusters, n = (double)c->rows;

    *out = !tarn_clusters_apart(c) ? NAN : c->within > 0 ? c->between * (n - k) / (c->within * (k - 1)) : 1;
    return TARN_OK;
}

const tarn_clustering tarn_clustering_calinski_harabasz = {
    .name = "calinski_harabasz",
    .title = "Calinski-Harabasz",
    .unit = "",
    .needs_truth = false,
    .higher_is_better = true,
    .best = NAN,
    .help = "spread of the clusters against the spread inside them; the higher the better apart",
    .compute = compute,
};
