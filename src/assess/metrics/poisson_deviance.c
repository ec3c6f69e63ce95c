/* SPDX-License-Identifier: Apache-2.0 */
/* poisson_deviance.c - mean deviance of counts: 2 (y log(y / p) - y + p). NaN when a true value is below 0 or a
 * prediction is not above 0.
 *
 * After: Jorgensen, "Exponential dispersion models", J. R. Stat. Soc. B 49(2), 1987. */
#include "assess/sum.h"
#include "math/elementary.h"

static double deviance(const tarn_judged *j, int64_t row)
{
    double y = j->y[row], p = j->p[row];

    if (y < 0 || p <= 0) return NAN;
    return 2 * ((y > 0 ? y * tarn_log(y / p) : 0) - y + p);
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    (void)err;
    *out = tarn_mean_loss(j, deviance);
    return TARN_OK;
}

const tarn_metric tarn_metric_poisson_deviance = {
    .name = "poisson_deviance",
    .title = "Poisson deviance",
    .unit = "",
    .tasks = 1u << TARN_REGRESSION,
    .higher_is_better = false,
    .best = 0,
    .help = "error of predicted counts, large counts being allowed larger errors",
    .compute = compute,
};
