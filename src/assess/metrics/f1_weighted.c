/* SPDX-License-Identifier: Apache-2.0 */
/* f1_weighted.c - the F1 score of each class, averaged by how many rows truly are of it. */
#include "assess/confusion.h"

static double f1(const tarn_confusion *c, int class) { return tarn_confusion_fbeta(c, class, 1); }

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_confusion_weighted(j, f1, out, err);
}

const tarn_metric tarn_metric_f1_weighted = {
    .name = "f1_weighted",
    .title = "F1 score by rows",
    .unit = "share",
    .tasks = 1u << TARN_MULTICLASS,
    .higher_is_better = true,
    .best = 1,
    .help = "balance of precision and recall, frequent classes counting more",
    .compute = compute,
};
