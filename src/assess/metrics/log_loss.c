/* SPDX-License-Identifier: Apache-2.0 */
/* log_loss.c - minus the mean log probability of the true class. Probabilities are kept 2^-52 away from 0 and 1, then
 * scaled to sum to 1. */
#include "assess/sum.h"
#include "math/elementary.h"

static double clipped(double p) { return p < 0x1p-52 ? 0x1p-52 : p > 1 - 0x1p-52 ? 1 - 0x1p-52 : p; }

static double surprise(const tarn_judged *j, int64_t row)
{
    int y = (int)j->y[row];
    double sum = 0;

    if (j->task == TARN_BINARY) {
        double p = clipped(j->p[row]);
        return -tarn_log(y ? p : 1 - p);
    }
    for (int c = 0; c < j->classes; c++) sum += clipped(j->p[(int64_t)c * j->rows + row]);
    return -tarn_log(clipped(j->p[(int64_t)y * j->rows + row]) / sum);
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    (void)err;
    *out = tarn_mean_loss(j, surprise);
    return TARN_OK;
}

const tarn_metric tarn_metric_log_loss = {
    .name = "log_loss",
    .title = "Log loss",
    .unit = "nats",
    .tasks = 1u << TARN_BINARY | 1u << TARN_MULTICLASS,
    .higher_is_better = false,
    .best = 0,
    .help = "surprise at the truth: punishes confident mistakes most; 0 is perfect",
    .compute = compute,
};
