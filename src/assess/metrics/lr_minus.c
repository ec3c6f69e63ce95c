/* SPDX-License-Identifier: Apache-2.0 */
/* lr_minus.c - negative likelihood ratio: (1 - recall) / specificity. NaN when no row is of class 1, or none of class 0
 * is left alone. */
#include "assess/confusion.h"

#include <math.h>

static double ratio(const tarn_confusion *c)
{
    double specificity = tarn_confusion_recall(c, 0);

    return c->truth[1] > 0 && specificity > 0 ? c->cells[2] / c->truth[1] / specificity : NAN;
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_confusion_whole(j, ratio, out, err);
}

const tarn_metric tarn_metric_lr_minus = {
    .name = "lr_minus",
    .title = "Negative likelihood ratio",
    .unit = "",
    .tasks = 1u << TARN_BINARY,
    .higher_is_better = false,
    .best = 0,
    .help = "by what factor the odds that a row is fall when it is not flagged; 1 says nothing",
    .compute = compute,
};
