/* SPDX-License-Identifier: Apache-2.0 */
/* f2.c - F-beta with beta = 2: recall counts beta times as much as precision. van Rijsbergen 1979, chapter 7. */
#include "assess/confusion.h"

static double fbeta(const tarn_confusion *c, int class) { return tarn_confusion_fbeta(c, class, 2); }

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_confusion_rate(j, fbeta, out, err);
}

const tarn_metric tarn_metric_f2 = {
    .name = "f2",
    .title = "F2 score",
    .unit = "share",
    .tasks = 1u << TARN_BINARY | 1u << TARN_MULTICLASS,
    .higher_is_better = true,
    .best = 1,
    .help = "balance of precision and recall, recall counting double",
    .compute = compute,
};
