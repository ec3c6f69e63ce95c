/* SPDX-License-Identifier: Apache-2.0 */
/* ks.c - Kolmogorov-Smirnov distance of the scores of the two classes. NaN when a class has no rows. */
#include "assess/curve.h"

#include <math.h>

static double gap(const tarn_curve *c)
{
    double most = 0;

    if (c->positives <= 0 || c->negatives <= 0) return NAN;
    for (int64_t i = 0; i < c->n; i++) {
        double apart = fabs(c->tp[i] * c->negatives - c->fp[i] * c->positives);
        if (apart > most) most = apart;
    }
    return most / c->positives / c->negatives;
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err) { return tarn_curve_area(j, gap, out, err); }

const tarn_metric tarn_metric_ks = {
    .name = "ks",
    .title = "KS distance",
    .unit = "share",
    .tasks = 1u << TARN_BINARY,
    .higher_is_better = true,
    .best = 1,
    .help = "the largest gap, over all thresholds, between the shares flagged of those that are and are not",
    .compute = compute,
};
