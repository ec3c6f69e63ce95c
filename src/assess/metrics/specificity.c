/* SPDX-License-Identifier: Apache-2.0 */
/* specificity.c - the recall of all other classes together. */
#include "assess/confusion.h"

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
    .help = "of the rows that truly are not, the share that is left alone",
    .compute = compute,
};
