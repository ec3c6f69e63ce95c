/* SPDX-License-Identifier: Apache-2.0 */
/* gini.c - 2 AUC - 1, as lenders report it. NaN when a class has no rows. */
#include "assess/curve.h"

static double gini(const tarn_curve *c) { return 2 * tarn_curve_roc_area(c) - 1; }

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_curve_area(j, gini, out, err);
}

const tarn_metric tarn_metric_gini = {
    .name = "gini",
    .title = "Gini coefficient",
    .unit = "",
    .tasks = 1u << TARN_BINARY,
    .higher_is_better = true,
    .best = 1,
    .help = "ROC AUC on a scale from 0 (guessing) to 1",
    .compute = compute,
};
