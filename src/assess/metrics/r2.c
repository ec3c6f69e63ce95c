/* SPDX-License-Identifier: Apache-2.0 */
/* r2.c - 1 - residual sum of squares / total sum of squares. A constant truth gives 1 if hit exactly, else 0; one row
 * gives NaN. */
#include "assess/sum.h"

static double truth(const tarn_judged *j, int64_t row) { return j->y[row]; }

static double square(const tarn_judged *j, int64_t row)
{
    double miss = j->y[row] - j->p[row];

    return miss * miss;
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    int64_t rows = 0;

    (void)err;
    for (int64_t i = 0; i < j->rows; i++) rows += tarn_judged_weight(j, i) > 0;
    double left = tarn_mean_loss(j, square), all = tarn_mean_square(j, truth, tarn_mean_loss(j, truth));
    *out = rows < 2 ? NAN : all > 0 ? 1 - left / all : left > 0 ? 0 : 1;
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
