/* SPDX-License-Identifier: Apache-2.0 */
/* gain_10.c - share of all that truly are among the tenth of rows with the highest scores. NaN when there are none. */
#include "assess/curve.h"

#include <math.h>

static double gain(const tarn_curve *c) { return c->positives > 0 ? tarn_curve_captured(c, 0.1) / c->positives : NAN; }

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_curve_area(j, gain, out, err);
}

const tarn_metric tarn_metric_gain_10 = {
    .name = "gain_10",
    .title = "Gain at 10 %",
    .unit = "share",
    .tasks = 1u << TARN_BINARY,
    .higher_is_better = true,
    .best = NAN,
    .help = "of the rows that truly are, the share found among the tenth with the highest scores",
    .compute = compute,
};
