/* SPDX-License-Identifier: Apache-2.0 */
/* smape.c - symmetric percentage error: the mean of 2 |y - p| / (|y| + |p|), 0 where both are 0. Between 0 and 2. */
#include "assess/sum.h"

static double relative(const tarn_judged *j, int64_t row)
{
    double size = fabs(j->y[row]) + fabs(j->p[row]);

    return size > 0 ? 2 * fabs(j->y[row] - j->p[row]) / size : 0;
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    (void)err;
    *out = tarn_mean_loss(j, relative);
    return TARN_OK;
}

const tarn_metric tarn_metric_smape = {
    .name = "smape",
    .title = "Symmetric percentage error",
    .unit = "",
    .tasks = 1u << TARN_REGRESSION,
    .higher_is_better = false,
    .best = 0,
    .help = "error as a share of the mean of true and predicted size: 0 to 2, also near 0",
    .compute = compute,
};
