/* SPDX-License-Identifier: Apache-2.0 */
/* wape.c - the sum of |y - p| as a share of the sum of |y|. NaN when all true values are 0. */
#include "assess/sum.h"

static double off(const tarn_judged *j, int64_t row) { return fabs(j->y[row] - j->p[row]); }
static double size(const tarn_judged *j, int64_t row) { return fabs(j->y[row]); }

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    double all = tarn_mean_loss(j, size);

    (void)err;
    *out = all > 0 ? tarn_mean_loss(j, off) / all : NAN;
    return TARN_OK;
}

const tarn_metric tarn_metric_wape = {
    .name = "wape",
    .title = "Weighted percentage error",
    .unit = "",
    .tasks = 1u << TARN_REGRESSION,
    .higher_is_better = false,
    .best = 0,
    .help = "all errors together as a share of all true values together: the percentage error of planners",
    .compute = compute,
};
