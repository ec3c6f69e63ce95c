/* SPDX-License-Identifier: Apache-2.0 */
/* error_rate.c - wrong decisions among all: zero-one loss, which with one class per row is also the Hamming loss. */
#include "assess/confusion.h"

static void count(const tarn_confusion *c, double *part, double *whole)
{
    *part = 0;
    *whole = c->total;
    for (int t = 0; t < c->classes; t++)
        for (int p = 0; p < c->classes; p++)
            if (p != t) *part += c->cells[t * c->classes + p];
}

static double wrong(const tarn_confusion *c)
{
    double part, whole;

    count(c, &part, &whole);
    return part / whole;
}

static tarn_code share(const tarn_judged *j, double *part, double *whole, tarn_err *err)
{
    return tarn_confusion_share(j, count, part, whole, err);
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_confusion_whole(j, wrong, out, err);
}

const tarn_metric tarn_metric_error_rate = {
    .name = "error_rate",
    .title = "Error rate",
    .unit = "share",
    .tasks = 1u << TARN_BINARY | 1u << TARN_MULTICLASS,
    .higher_is_better = false,
    .best = 0,
    .share = share,
    .help = "share of rows whose class is predicted wrongly",
    .compute = compute,
};
