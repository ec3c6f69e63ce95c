/* SPDX-License-Identifier: Apache-2.0 */
/* cv52_f.c - five repetitions of a split into halves, each half tested by a model learned on the other: F test of all
 * ten differences. */
#include "assess/paired.h"
#include "math/distribution.h"

#include <math.h>

static tarn_code compute(const tarn_contest *c, tarn_pool *pool, tarn_outcome *out, json_t *more, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double d[10], squares = 0, spread = 0;

    (void)pool, (void)more;
    TARN_TRY(tarn_paired_52(c, d, out, err));
    for (int i = 0; i < 10; i++) squares += d[i] * d[i];
    for (int i = 0; i < 5; i++) spread += tarn_paired_spread(d, i);
    out->statistic = spread > 0 ? squares / (2 * spread) : squares > 0 ? NAN : 0;
    out->p = spread > 0 ? tarn_f_above(out->statistic, 10, 5) : squares > 0 ? 0 : 1;
done:
    return rc;
}

const tarn_comparison tarn_comparison_cv52_f = {
    .name = "cv52_f",
    .title = "5x2cv F",
    .paper = "Alpaydin 1999, Neural Computation 11(8)",
    .help = "as cv52_t, using all ten differences; the better choice of the two",
    .most = 2,
    .least = 10,
    .compute = compute,
};
