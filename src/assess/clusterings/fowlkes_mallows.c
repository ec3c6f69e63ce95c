/* SPDX-License-Identifier: Apache-2.0 */
/* fowlkes_mallows.c - geometric mean of precision and recall over pairs of rows.
 *
 * After: Fowlkes & Mallows, "A method for comparing two hierarchical clusterings", J. Am. Stat. Assoc. 78(383), 1983.
 */
#include "assess/clusters.h"

#include <math.h>

static tarn_code compute(const tarn_clusters *c, double *out, tarn_err *err)
{
    (void)err;
    double n = (double)c->rows, both = c->pairs_both - n;

    *out = both > 0 ? sqrt(both / (c->pairs_cluster - n)) * sqrt(both / (c->pairs_truth - n)) : 0;
    return TARN_OK;
}

const tarn_clustering tarn_clustering_fowlkes_mallows = {
    .name = "fowlkes_mallows",
    .title = "Fowlkes-Mallows",
    .unit = "share",
    .needs_truth = true,
    .higher_is_better = true,
    .best = 1,
    .help = "of pairs of rows put together, and of pairs that belong together, the share that is both",
    .compute = compute,
};
