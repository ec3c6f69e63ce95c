/* SPDX-License-Identifier: Apache-2.0 */
/* brier.c - binary: the mean of (p - y)^2; several classes: the sum of that over the classes, as Brier defined it.
 *
 * After: Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78, 1950. */
#include "assess/sum.h"

static double distance(const tarn_judged *j, int64_t row)
{
    int y = (int)j->y[row];
    double sum = 0;

    if (j->task == TARN_BINARY) return (j->p[row] - y) * (j->p[row] - y);
    for (int c = 0; c < j->classes; c++) {
        double d = j->p[(int64_t)c * j->rows + row] - (c == y);
        sum += d * d;
    }
    return sum;
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    (void)err;
    *out = tarn_mean_loss(j, distance);
    return TARN_OK;
}

const tarn_metric tarn_metric_brier = {
    .name = "brier",
    .title = "Brier score",
    .unit = "",
    .tasks = 1u << TARN_BINARY | 1u << TARN_MULTICLASS,
    .higher_is_better = false,
    .best = 0,
    .help = "mean squared distance of the probabilities from what happened; 0 is perfect",
    .compute = compute,
};
