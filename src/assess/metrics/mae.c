/* SPDX-License-Identifier: Apache-2.0 */
/* mae.c - the mean of |y - p|. */
#include "assess/sum.h"

static double off(const tarn_judged *j, int64_t row) { return fabs(j->y[row] - j->p[row]); }

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    (void)err;
    *out = tarn_mean_loss(j, off);
    return TARN_OK;
}

const tarn_metric tarn_metric_mae = {
    .name = "mae",
    .title = "Mean absolute error",
    .unit = "target",
    .tasks = 1u << TARN_REGRESSION,
    .higher_is_better = false,
    .best = 0,
    .help = "how far off a prediction is on average",
    .compute = compute,
};
