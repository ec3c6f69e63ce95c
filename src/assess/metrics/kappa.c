/* SPDX-License-Identifier: Apache-2.0 */
/* kappa.c - agreement of truth and prediction beyond that of two independent draws; NaN when both have the same one
 * class only.
 *
 * After: Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20, 1960. */
#include "assess/confusion.h"

#include <math.h>

static double kappa(const tarn_confusion *c)
{
    double apart = 0, expected = 0;

    for (int t = 0; t < c->classes; t++)
        for (int p = 0; p < c->classes; p++) {
            if (t == p) continue;
            apart += c->cells[t * c->classes + p];
            expected += c->truth[t] * c->predicted[p] / c->total;
        }
    return expected > 0 ? 1 - apart / expected : NAN;
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_confusion_whole(j, kappa, out, err);
}

const tarn_metric tarn_metric_kappa = {
    .name = "kappa",
    .title = "Cohen's kappa",
    .unit = "",
    .tasks = 1u << TARN_BINARY | 1u << TARN_MULTICLASS,
    .higher_is_better = true,
    .best = 1,
    .help = "agreement beyond what chance alone would give: 1 perfect, 0 chance",
    .compute = compute,
};
