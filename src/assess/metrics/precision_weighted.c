/* SPDX-License-Identifier: Apache-2.0 */
/* precision_weighted.c - the precision of each class, averaged by how many rows truly are of it. */
#include "assess/confusion.h"

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_confusion_weighted(j, tarn_confusion_precision, out, err);
}

const tarn_metric tarn_metric_precision_weighted = {
    .name = "precision_weighted",
    .title = "Precision by rows",
    .unit = "share",
    .tasks = 1u << TARN_MULTICLASS,
    .higher_is_better = true,
    .best = 1,
    .help = "how far a named class can be trusted, frequent classes counting more",
    .compute = compute,
};
