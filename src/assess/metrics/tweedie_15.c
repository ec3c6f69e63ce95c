/* SPDX-License-Identifier: Apache-2.0 */
/* tweedie_15.c - mean Tweedie deviance of power 1.5: amounts of which many are 0. NaN when a true value is below 0 or a
 * prediction is not above 0.
 *
 * After: Jorgensen, "Exponential dispersion models", J. R. Stat. Soc. B 49(2), 1987. */
#include "assess/sum.h"

static double deviance(const tarn_judged *j, int64_t row)
{
    double y = sqrt(j->y[row]), p = sqrt(j->p[row]);

    return j->y[row] >= 0 && p > 0 ? 4 * (y - p) * (y - p) / p : NAN; /* y^2 / p + p - 2 y, without cancellation */
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    (void)err;
    *out = tarn_mean_loss(j, deviance);
    return TARN_OK;
}

const tarn_metric tarn_metric_tweedie_15 = {
    .name = "tweedie_15",
    .title = "Tweedie deviance",
    .unit = "",
    .tasks = 1u << TARN_REGRESSION,
    .higher_is_better = false,
    .best = 0,
    .help = "error of predicted amounts of which many are 0, such as claims",
    .compute = compute,
};
