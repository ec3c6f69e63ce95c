/* SPDX-License-Identifier: Apache-2.0 */
/* d2_absolute.c - 1 - mean absolute error / that of always saying the median. A constant truth gives 1 if hit exactly,
 * else 0; one row gives NaN. */
#include "assess/middle.h"
#include "assess/sum.h"

static double off(const tarn_judged *j, int64_t row) { return fabs(j->y[row] - j->p[row]); }

static double truth(const tarn_judged *j, int64_t row) { return j->y[row]; }

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double middle = 0;
    int64_t rows = 0;

    TARN_TRY(tarn_middle_truth(j, &middle, err));
    for (int64_t i = 0; i < j->rows; i++) rows += tarn_judged_weight(j, i) > 0;
    double left = tarn_mean_loss(j, off), without = tarn_mean_distance(j, truth, middle);
    *out = rows < 2 ? NAN : without > 0 ? 1 - left / without : left > 0 ? 0 : 1;
done:
    return rc;
}

const tarn_metric tarn_metric_d2_absolute = {
    .name = "d2_absolute",
    .title = "D squared, absolute",
    .unit = "",
    .tasks = 1u << TARN_REGRESSION,
    .higher_is_better = true,
    .best = 1,
    .help = "share of the mean absolute error that is saved against always saying the median",
    .compute = compute,
};
