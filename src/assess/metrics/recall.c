/* SPDX-License-Identifier: Apache-2.0 */
/* recall.c - how much of what is sought is found; 0 when there is none. */
#include "assess/confusion.h"

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_confusion_rate(j, tarn_confusion_recall, out, err);
}

const tarn_metric tarn_metric_recall = {
    .name = "recall",
    .title = "Recall",
    .unit = "share",
    .tasks = 1u << TARN_BINARY | 1u << TARN_MULTICLASS,
    .higher_is_better = true,
    .best = 1,
    .help = "of the rows that truly are, the share that is flagged",
    .compute = compute,
};
