/* SPDX-License-Identifier: Apache-2.0 */
/* gamma_deviance.c - mean deviance of amounts: 2 (log(p / y) + y / p - 1). NaN when a value is not above 0.
 *
 * After: Jorgensen, "Exponential dispersion models", J. R. Stat. Soc. B 49(2), 1987. */
#include "assess/sum.h"
#include "math/elementary.h"

static double deviance(const tarn_judged *j, int64_t row)
{
    double y = j->y[row], p = j->p[row];

    return y > 0 && p > 0 ? 2 * (tarn_log(p / y) + y / p - 1) : NAN;
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    (void)err;
    *out = tarn_mean_loss(j, deviance);
    return TARN_OK;
}

const tarn_metric tarn_metric_gamma_deviance = {
    .name = "gamma_deviance",
    .title = "Gamma deviance",
    .unit = "",
    .tasks = 1u << TARN_REGRESSION,
    .higher_is_better = false,
    .best = 0,
    .help = "error of predicted amounts above 0, as shares: twice the size may be twice as far off",
    .compute = compute,
};
