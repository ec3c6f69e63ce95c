/* SPDX-License-Identifier: Apache-2.0 */
/* jaccard.c - rows that are and are flagged, among those that are or are flagged; 0 when there are none. */
#include "assess/confusion.h"

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_confusion_rate(j, tarn_confusion_jaccard, out, err);
}

const tarn_metric tarn_metric_jaccard = {
    .name = "jaccard",
    .title = "Jaccard index",
    .unit = "share",
    .tasks = 1u << TARN_BINARY | 1u << TARN_MULTICLASS,
    .higher_is_better = true,
    .best = 1,
    .help = "of the rows that truly are or are flagged, the share that is both",
    .compute = compute,
};
