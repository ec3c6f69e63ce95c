/* SPDX-License-Identifier: Apache-2.0 */
/* max_error.c - the largest |y - p|. */
#include "assess/sum.h"

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    (void)err;
    *out = 0;
    for (int64_t i = 0; i < j->rows; i++) {
        double off = fabs(j->y[i] - j->p[i]);
        if (off > *out && tarn_judged_weight(j, i) > 0) *out = off;
    }
    return TARN_OK;
}

const tarn_metric tarn_metric_max_error = {
    .name = "max_error",
    .title = "Largest error",
    .unit = "target",
    .tasks = 1u << TARN_REGRESSION,
    .higher_is_better = false,
    .best = 0,
    .no_interval = true,
    .help = "how far off the worst prediction is",
    .compute = compute,
};
