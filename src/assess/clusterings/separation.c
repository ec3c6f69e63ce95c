/* SPDX-License-Identifier: Apache-2.0 */
/* separation.c - sum over rows of the squared distance of the centre of their cluster from the centre of all. */
#include "assess/clusters.h"

#include <math.h>

static tarn_code compute(const tarn_clusters *c, double *out, tarn_err *err)
{
    (void)err;
    *out = c->between;
    return TARN_OK;
}

const tarn_clustering tarn_clustering_separation = {
    .name = "separation",
    .title = "Separation",
    .unit = "target",
    .needs_truth = false,
    .higher_is_better = true,
    .best = NAN,
    .help = "how far the centres are from the centre of all rows: sum of squares between",
    .compute = compute,
};
