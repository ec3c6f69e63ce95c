/* SPDX-License-Identifier: Apache-2.0 */
/* davies_bouldin.c - mean over clusters of the largest (s + t) / d: s and t the mean distances of the rows of two
 * clusters from their centres, d the distance of the centres.
 *
 * After: Davies & Bouldin, "A cluster separation measure", IEEE Trans. Pattern Anal. Mach. Intell. 1(2), 1979. */
#include "assess/clusters.h"

#include <math.h>

/* Distance of the centres of two clusters; infinite if they are the same. */
static double apart(const tarn_clusters *c, int64_t a, int64_t b)
{
    double sum = 0;

    for (int k = 0; k < c->columns; k++) {
        double d = c->centre[a * c->columns + k] - c->centre[b * c->columns + k];
        sum += d * d;
    }
    return sum > 0 ? sqrt(sum) : INFINITY;
}

static tarn_code compute(const tarn_clusters *c, double *out, tarn_err *err)
{
    double sum = 0;

    (void)err;
    for (int64_t a = 0; a < c->clusters; a++) {
        double worst = 0;
        for (int64_t b = 0; b < c->clusters; b++)
            if (a != b) worst = fmax(worst, (c->radius[a] + c->radius[b]) / apart(c, a, b));
        sum += worst;
    }
    *out = tarn_clusters_apart(c) ? sum / (double)c->clusters : NAN;
    return TARN_OK;
}

const tarn_clustering tarn_clustering_davies_bouldin = {
    .name = "davies_bouldin",
    .title = "Davies-Bouldin",
    .unit = "",
    .needs_truth = false,
    .higher_is_better = false,
    .best = 0,
    .help = "how large clusters are against how far they are apart, for the nearest pairs; 0 is best",
    .compute = compute,
};
