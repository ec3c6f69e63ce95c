/* SPDX-License-Identifier: Apache-2.0 */
/* ece.c - expected calibration error over 10 bins of equal width: the mean over rows of the gap, in the row's bin,
 * between mean probability and share that came true. Several classes: of the likeliest class.
 *
 * After: Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017. */
#include "assess/calibration.h"

#include <math.h>

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    tarn_calibration c;
    double gap = 0, total = 0;

    (void)err;
    tarn_calibration_make(j, &c);
    for (int b = 0; b < TARN_CALIBRATION_BINS; b++) {
        gap += fabs(c.came_true[b] - c.stated[b]);
        total += c.weight[b];
    }
    *out = gap / total;
    return TARN_OK;
}

const tarn_metric tarn_metric_ece = {
    .name = "ece",
    .title = "Calibration error",
    .unit = "share",
    .tasks = 1u << TARN_BINARY | 1u << TARN_MULTICLASS,
    .higher_is_better = false,
    .best = 0,
    .no_interval = true,
    .help = "how far, on average, stated probabilities are from how often it really happens",
    .compute = compute,
};
