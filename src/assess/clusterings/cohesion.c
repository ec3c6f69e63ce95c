/* SPDX-License-Identifier: Apache-2.0 */
/* cohesion.c - sum of squared distances of the rows from the centre of their cluster. */
#include "assess/clusters.h"

static tarn_code compute(const tarn_clusters *c, double *out, tarn_err *err)
{
    (void)err;
    *out = c->within;
    return TARN_OK;
}

const tarn_clustering tarn_clustering_cohesion = {
    .name = "cohesion",
    .title = "Cohesion",
    .unit = "target",
    .needs_truth = false,
    .higher_is_better = false,
    .best = 0,
    .help = "how far rows are from the centre of their cluster: sum of squares within, the less the tighter",
    .compute = compute,
};
