/* SPDX-License-Identifier: Apache-2.0 */
/* specificity.c - the recall of all other classes together. */
#include "assess/confusion.h"

#include <math.h>

static void count(const tarn_confusion *c, double *part, double *whole)
{
    *part = c->cells[0];
    *whole = c->truth[0];
}

static tarn_code share(const tarn_judged *j, double *part, double *whole, tarn_err *err)
{
    *whole = NAN;
    if (j->task != TARN_BINARY) return TARN_OK; /* a mean over classes is no share */
    return tarn_confusion_share(j, count, part, whole, err);
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_confusion_rate(j, tarn_confusion_specificity, out, err);
}

const tarn_metric tarn_metric_specificity = {
    .name = "specificity",
    .title = "Specificity",
    .unit = "share",
    .tasks = 1u << TARN_BINARY | 1u << TARN_MULTICLASS,
    .higher_is_better = true,
    .best = 1,
    .share = share,
    .help = "of the rows that truly are not, the share that is left alone",
    .compute = compute,
};
