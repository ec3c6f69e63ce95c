/* SPDX-License-Identifier: Apache-2.0 */
/* mape.c - the mean of |y - p| / |y|, with |y| at least 2^-52. */
#include "assess/sum.h"

static double relative(const tarn_judged *j, int64_t row)
{
    double size = fabs(j->y[row]);

    return fabs(j->y[row] - j->p[row]) / (size > 0x1p-52 ? size : 0x1p-52);
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    (void)err;
    *out = tarn_mean_loss(j, relative);
    return TARN_OK;
}

const tarn_metric tarn_metric_mape = {
    .name = "mape",
    .title = "Mean absolute percentage error",
    .unit = "share",
    .tasks = 1u << TARN_REGRESSION,
    .higher_is_better = false,
    .best = 0,
    .help = "how far off a prediction is on average, as a share of the true value; huge when true values are near 0",
    .compute = compute,
};
