/* SPDX-License-Identifier: Apache-2.0 */
/* precision_5.c - of the first five rows of each group (of all, if it has fewer), the share that is relevant (y > 0);
 * of rows with one score, as many as a random choice among them would be expected to give. */
#include "assess/ranking.h"

#include <math.h>

static double precision(const tarn_ranked *r, int64_t k)
{
    double sum = 0;
    int64_t last = k < r->n ? k : r->n;

    for (int64_t from = 0, to; from < last; from = to) {
        double more = 0;
        for (to = from; to < r->n && r->p[to] >= r->p[from]; to++) more += r->y[to] > 0;
        sum += to <= last ? more : more * ((double)(last - from) / (double)(to - from));
    }
    return sum / (double)last;
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_ranking_mean(j, precision, 5, out, err);
}

const tarn_metric tarn_metric_precision_5 = {
    .name = "precision_5",
    .title = "Precision of five",
    .unit = "share",
    .tasks = 1u << TARN_BINARY | 1u << TARN_REGRESSION,
    .higher_is_better = true,
    .best = NAN,
    .needs_group = true,
    .help = "of the first five rows of each group, the share that is relevant",
    .compute = compute,
};
