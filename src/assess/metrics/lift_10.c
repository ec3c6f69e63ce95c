/* SPDX-License-Identifier: Apache-2.0 */
/* lift_10.c - how much more frequent class 1 is in the tenth of rows with the highest scores than among all. NaN when
 * there is none. */
#include "assess/curve.h"

#include <math.h>

static double lift(const tarn_curve *c)
{
    return c->positives > 0 ? tarn_curve_captured(c, 0.1) / c->positives / 0.1 : NAN;
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    return tarn_curve_area(j, lift, out, err);
}

const tarn_metric tarn_metric_lift_10 = {
    .name = "lift_10",
    .title = "Lift at 10 %",
    .unit = "",
    .tasks = 1u << TARN_BINARY,
    .higher_is_better = true,
    .best = NAN,
    .help = "how many times more hits the tenth with the highest scores holds than a random tenth",
    .compute = compute,
};
