/* SPDX-License-Identifier: Apache-2.0 */
/* informedness.c - Youden's J: recall + specificity - 1.
 *
 * After: Youden, "Index for rating diagnostic tests", Cancer 3, 1950. */
#include "assess/confusion.h"

static double informedness(const tarn_confusion *c)
{
    return tarn_confusion_recall(c, 1) + tarn_confusion_recall(c, 0) - 1;
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_confusion_whole(j, informedness, out, err);
}

const tarn_metric tarn_metric_informedness = {
    .name = "informedness",
    .title = "Informedness",
    .unit = "",
    .tasks = 1u << TARN_BINARY,
    .higher_is_better = true,
    .best = 1,
    .help = "recall plus specificity less one: 0 is guessing, whatever the share of rows that are",
    .compute = compute,
};
