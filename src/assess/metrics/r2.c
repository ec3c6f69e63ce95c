/* SPDX-License-Identifier: Apache-2.0 */
/* r2.c - 1 - residual sum of squares / total sum of squares. A constant truth gives 1 if hit exactly, else 0; one row
 * gives NaN. */
#include "assess/sum.h"

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    tarn_sum sum = {0}, weight = {0}, left = {0}, all = {0};
    int64_t rows = 0;

    (void)err;
    for (int64_t i = 0; i < j->rows; i++) {
        double w = tarn_judged_weight(j, i);
        tarn_sum_add(&sum, w * j->y[i]);
        tarn_sum_add(&weight, w);
        rows += w > 0;
    }
    double mean = tarn_sum_get(&sum) / tarn_sum_get(&weight);
    for (int64_t i = 0; i < j->rows; i++) {
        double w = tarn_judged_weight(j, i), miss = j->y[i] - j->p[i], spread = j->y[i] - mean;
        tarn_sum_add(&left, w * (miss * miss));
        tarn_sum_add(&all, w * (spread * spread));
    }
    double residual = tarn_sum_get(&left), total = tarn_sum_get(&all);
    *out = rows < 2 ? NAN : total > 0 ? 1 - residual / total : residual > 0 ? 0 : 1;
    return TARN_OK;
}

const tarn_metric tarn_metric_r2 = {
    .name = "r2",
    .title = "R squared",
    .unit = "",
    .tasks = 1u << TARN_REGRESSION,
    .higher_is_better = true,
    .best = 1,
    .help = "share of the variation of the true values that is explained; 0 is no better than their mean",
    .compute = compute,
};
