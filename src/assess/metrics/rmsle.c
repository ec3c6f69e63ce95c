/* SPDX-License-Identifier: Apache-2.0 */
/* rmsle.c - root of the mean squared difference of log(1 + y) and log(1 + p). NaN when a value is below 0. */
#include "assess/sum.h"
#include "math/elementary.h"

static double square(const tarn_judged *j, int64_t row)
{
    double d = tarn_log1p(j->y[row]) - tarn_log1p(j->p[row]);

    return j->y[row] < 0 || j->p[row] < 0 ? NAN : d * d;
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    (void)err;
    *out = sqrt(tarn_mean_loss(j, square));
    return TARN_OK;
}

const tarn_metric tarn_metric_rmsle = {
    .name = "rmsle",
    .title = "Root mean squared log error",
    .unit = "",
    .tasks = 1u << TARN_REGRESSION,
    .higher_is_better = false,
    .best = 0,
    .help = "typical factor between truth and prediction, as a logarithm; for values of very different size",
    .compute = compute,
};
