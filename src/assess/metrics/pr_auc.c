/* SPDX-License-Identifier: Apache-2.0 */
/* pr_auc.c - average precision, without interpolation; several classes: the mean of each against the rest. */
#include "assess/curve.h"

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_curve_area(j, tarn_curve_average_precision, out, err);
}

const tarn_metric tarn_metric_pr_auc = {
    .name = "pr_auc",
    .title = "PR AUC",
    .unit = "share",
    .tasks = 1u << TARN_BINARY | 1u << TARN_MULTICLASS,
    .higher_is_better = true,
    .best = 1,
    .help = "average precision as the threshold goes down; guessing gives the share of rows that truly are",
    .compute = compute,
};
