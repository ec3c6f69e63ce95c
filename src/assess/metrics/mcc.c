/* SPDX-License-Identifier: Apache-2.0 */
/* mcc.c - the correlation of the two class variables, for any number of classes; 0 when either is constant.
 *
 * After: Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient", Computational
 * Biology and Chemistry 28, 2004. */
#include "assess/confusion.h"

#include <math.h>

static double mcc(const tarn_confusion *c)
{
    double right = 0, tt = 0, pp = 0, tp = 0, square = c->total * c->total;

    for (int k = 0; k < c->classes; k++) {
        right += c->cells[k * c->classes + k];
        tt += c->truth[k] * c->truth[k];
        pp += c->predicted[k] * c->predicted[k];
        tp += c->truth[k] * c->predicted[k];
    }
    double spread = (square - tt) * (square - pp);
    return spread > 0 ? (right * c->total - tp) / sqrt(spread) : 0;
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_confusion_whole(j, mcc, out, err);
}

const tarn_metric tarn_metric_mcc = {
    .name = "mcc",
    .title = "Matthews correlation",
    .unit = "",
    .tasks = 1u << TARN_BINARY | 1u << TARN_MULTICLASS,
    .higher_is_better = true,
    .best = 1,
    .help = "correlation of true and predicted classes: 1 perfect, 0 no better than chance, -1 always wrong",
    .compute = compute,
};
