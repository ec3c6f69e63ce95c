/* SPDX-License-Identifier: Apache-2.0 */
/* precision.c - how far a flag can be trusted; 0 when nothing is flagged. */
#include "assess/confusion.h"

#include <math.h>

static void count(const tarn_confusion *c, double *part, double *whole)
{
    *part = c->cells[3];
    *whole = c->predicted[1];
}

static tarn_code share(const tarn_judged *j, double *part, double *whole, tarn_err *err)
{
    *whole = NAN;
    if (j->task != TARN_BINARY) return TARN_OK; /* a mean over classes is no share */
    return tarn_confusion_share(j, count, part, whole, err);
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_confusion_rate(j, tarn_confusion_precision, out, err);
}

const tarn_metric tarn_metric_precision = {
    .name = "precision",
    .title = "Precision",
    .unit = "share",
    .tasks = 1u << TARN_BINARY | 1u << TARN_MULTICLASS,
    .higher_is_better = true,
    .best = 1,
    .share = share,
    .help = "of the rows that are flagged, the share that truly is",
    .compute = compute,
};
