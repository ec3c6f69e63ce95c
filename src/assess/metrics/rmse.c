/* SPDX-License-Identifier: Apache-2.0 */
/* rmse.c - the square root of the mean of (y - p)^2. */
#include "assess/sum.h"

static double square(const tarn_judged *j, int64_t row) { return (j->y[row] - j->p[row]) * (j->y[row] - j->p[row]); }

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    (void)err;
    *out = sqrt(tarn_mean_loss(j, square));
    return TARN_OK;
}

const tarn_metric tarn_metric_rmse = {
    .name = "rmse",
    .title = "Root mean squared error",
    .unit = "target",
    .tasks = 1u << TARN_REGRESSION,
    .higher_is_better = false,
    .best = 0,
    .help = "typical size of an error, large ones counting more",
    .compute = compute,
};
