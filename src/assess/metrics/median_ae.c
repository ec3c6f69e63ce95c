/* SPDX-License-Identifier: Apache-2.0 */
/* median_ae.c - the median of |y - p|: without weights the mean of the two middle ones, with weights the lower one. */
#include "assess/middle.h"

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err) { return tarn_middle_error(j, out, err); }

const tarn_metric tarn_metric_median_ae = {
    .name = "median_ae",
    .title = "Median absolute error",
    .unit = "target",
    .tasks = 1u << TARN_REGRESSION,
    .higher_is_better = false,
    .best = 0,
    .help = "half of the predictions are off by less than this",
    .compute = compute,
};
