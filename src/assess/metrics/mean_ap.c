/* SPDX-License-Identifier: Apache-2.0 */
/* mean_ap.c - mean average precision: in each group, the mean over the relevant rows (y > 0) of the share of relevant
 * rows among those scored as high or higher. A group without relevant rows counts 0. */
#include "assess/ranking.h"

#include <math.h>

static double precision(const tarn_ranked *r, int64_t k)
{
    double sum = 0, relevant = 0;

    (void)k;
    for (int64_t from = 0, to; from < r->n; from = to) {
        double more = 0;
        for (to = from; to < r->n && r->p[to] >= r->p[from]; to++) more += r->y[to] > 0;
        relevant += more;
        sum += more * (relevant / (double)to);
    }
    return relevant > 0 ? sum / relevant : 0;
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_ranking_mean(j, precision, INT64_MAX, out, err);
}

const tarn_metric tarn_metric_mean_ap = {
    .name = "mean_ap",
    .title = "Mean average precision",
    .unit = "share",
    .tasks = 1u << TARN_BINARY | 1u << TARN_REGRESSION,
    .higher_is_better = true,
    .best = NAN,
    .needs_group = true,
    .help = "how early the relevant rows stand in each group, all of them counting",
    .compute = compute,
};
