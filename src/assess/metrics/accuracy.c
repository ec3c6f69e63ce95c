/* SPDX-License-Identifier: Apache-2.0 */
/* accuracy.c - right decisions among all. */
#include "assess/confusion.h"

static double accuracy(const tarn_confusion *c)
{
    double right = 0;

    for (int k = 0; k < c->classes; k++) right += c->cells[k * c->classes + k];
    return right / c->total;
}

static void count(const tarn_confusion *c, double *part, double *whole)
{
    *part = 0;
    *whole = c->total;
    for (int k = 0; k < c->classes; k++) *part += c->cells[k * c->classes + k];
}

static tarn_code share(const tarn_judged *j, double *part, double *whole, tarn_err *err)
{
    return tarn_confusion_share(j, count, part, whole, err);
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_confusion_whole(j, accuracy, out, err);
}

const tarn_metric tarn_metric_accuracy = {
    .name = "accuracy",
    .title = "Accuracy",
    .unit = "share",
    .tasks = 1u << TARN_BINARY | 1u << TARN_MULTICLASS,
    .higher_is_better = true,
    .best = 1,
    .share = share,
    .help = "share of rows whose class is predicted rightly",
    .compute = compute,
};
