/* SPDX-License-Identifier: Apache-2.0 */
/* balanced_accuracy.c - the mean recall of the classes that occur. */
#include "assess/confusion.h"

static double balanced(const tarn_confusion *c)
{
    double sum = 0;
    int present = 0;

    for (int k = 0; k < c->classes; k++) {
        if (c->truth[k] <= 0) continue;
        sum += tarn_confusion_recall(c, k);
        present++;
    }
    return sum / present;
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_confusion_whole(j, balanced, out, err);
}

const tarn_metric tarn_metric_balanced_accuracy = {
    .name = "balanced_accuracy",
    .title = "Balanced accuracy",
    .unit = "share",
    .tasks = 1u << TARN_BINARY | 1u << TARN_MULTICLASS,
    .higher_is_better = true,
    .best = 1,
    .help = "share predicted rightly, each class counting the same however rare it is",
    .compute = compute,
};
