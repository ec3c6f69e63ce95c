/* SPDX-License-Identifier: Apache-2.0 */
/* roc_auc.c - area under the ROC curve, ties counting half; several classes: the mean of each against the rest. NaN
 * when a class has no rows. */
#include "assess/curve.h"

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_curve_area(j, tarn_curve_roc_area, out, err);
}

const tarn_metric tarn_metric_roc_auc = {
    .name = "roc_auc",
    .title = "ROC AUC",
    .unit = "share",
    .tasks = 1u << TARN_BINARY | 1u << TARN_MULTICLASS,
    .higher_is_better = true,
    .best = 1,
    .help = "chance that a row that truly is gets a higher score than one that is not; 0.5 is guessing",
    .compute = compute,
};
