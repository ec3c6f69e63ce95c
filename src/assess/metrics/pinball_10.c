/* SPDX-License-Identifier: Apache-2.0 */
/* pinball_10.c - quantile loss for the quantile 0.1. Koenker & Bassett 1978, Econometrica 46(1). */
#include "assess/sum.h"

static double pinball(const tarn_judged *j, int64_t row)
{
    double d = j->y[row] - j->p[row];

    return d >= 0 ? 0.1 * d : (0.1 - 1) * d;
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    (void)err;
    *out = tarn_mean_loss(j, pinball);
    return TARN_OK;
}

const tarn_metric tarn_metric_pinball_10 = {
    .name = "pinball_10",
    .title = "Pinball loss at 10 %",
    .unit = "target",
    .tasks = 1u << TARN_REGRESSION,
    .higher_is_better = false,
    .best = 0,
    .help = "cost of an error when too high costs nine times as much as too low",
    .compute = compute,
};
