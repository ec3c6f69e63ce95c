/* SPDX-License-Identifier: Apache-2.0 */
/* precision.c - how far a flag can be trusted; 0 when nothing is flagged. */
#include "assess/confusion.h"

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
    .help = "of the rows that are flagged, the share that truly is",
    .compute = compute,
};
