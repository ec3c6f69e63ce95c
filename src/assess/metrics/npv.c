/* SPDX-License-Identifier: Apache-2.0 */
/* npv.c - negative predictive value: how far a row that is left alone can be trusted; 0 when none is. */
#include "assess/confusion.h"

static double npv(const tarn_confusion *c) { return tarn_confusion_precision(c, 0); }

static void count(const tarn_confusion *c, double *part, double *whole)
{
    *part = c->cells[0];
    *whole = c->predicted[0];
}

static tarn_code share(const tarn_judged *j, double *part, double *whole, tarn_err *err)
{
    return tarn_confusion_share(j, count, part, whole, err);
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_confusion_whole(j, npv, out, err);
}

const tarn_metric tarn_metric_npv = {
    .name = "npv",
    .title = "Negative predictive value",
    .unit = "share",
    .tasks = 1u << TARN_BINARY,
    .higher_is_better = true,
    .best = 1,
    .share = share,
    .help = "of the rows that are left alone, the share that truly is not",
    .compute = compute,
};
