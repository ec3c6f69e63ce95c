/* SPDX-License-Identifier: Apache-2.0 */
/* silhouette.c - mean over rows of (b - a) / max(a, b): a the mean distance to the other rows of its cluster, b that to
 * the rows of the nearest other cluster; 0 for a row alone in its cluster. Exact, over all pairs of rows.
 *
 * After: Rousseeuw, "Silhouettes", J. Comput. Appl. Math. 20, 1987. */
#include "assess/clusters.h"
#include "assess/sum.h"
#include "base/mem.h"

static tarn_code compute(const tarn_clusters *c, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *own = NULL;
    const double *s = c->silhouette;
    tarn_sum sum = {0};

    *out = NAN;
    if (!tarn_clusters_apart(c)) return TARN_OK;
    if (!s) {
        TARN_TRY(tarn_alloc(&own, (size_t)c->rows, sizeof(*own), err));
        TARN_TRY(tarn_clusters_silhouette(c, own, err));
        s = own;
    }
    for (int64_t i = 0; i < c->rows; i++) tarn_sum_add(&sum, s[i]);
    *out = tarn_sum_get(&sum) / (double)c->rows;
done:
    tarn_free(own);
    return rc;
}

const tarn_clustering tarn_clustering_silhouette = {
    .name = "silhouette",
    .title = "Silhouette",
    .unit = "",
    .needs_truth = false,
    .higher_is_better = true,
    .best = 1,
    .help = "how much nearer rows are to their own cluster than to the next: 1 well apart, 0 on the border",
    .compute = compute,
};
