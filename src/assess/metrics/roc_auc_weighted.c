/* SPDX-License-Identifier: Apache-2.0 */
/* roc_auc_weighted.c - the area under the ROC curve of each class against the rest, averaged by its rows. NaN when a
 * class has no rows. */
#include "assess/curve.h"

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_curve_weighted(j, tarn_curve_roc_area, out, err);
}

const tarn_metric tarn_metric_roc_auc_weighted = {
    .name = "roc_auc_weighted",
    .title = "ROC AUC by rows",
    .unit = "share",
    .tasks = 1u << TARN_MULTICLASS,
    .higher_is_better = true,
    .best = 1,
    .help = "as ROC AUC, but frequent classes count more",
    .compute = compute,
};
