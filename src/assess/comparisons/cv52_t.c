/* SPDX-License-Identifier: Apache-2.0 */
/* cv52_t.c - five repetitions of a split into halves, each half tested by a model learned on the other: t test of the
 * first difference. */
#include "assess/paired.h"
#include "assess/put.h"
#include "math/distribution.h"

#include <math.h>

static tarn_code compute(const tarn_contest *c, tarn_pool *pool, tarn_outcome *out, json_t *more, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double d[10], variance = 0;

    (void)pool;
    TARN_TRY(tarn_paired_52(c, d, out, err));
    for (int i = 0; i < 5; i++) variance += tarn_paired_spread(d, i) / 5;
    out->statistic = variance > 0 ? d[0] / sqrt(variance) : fabs(d[0]) > 0 ? NAN : 0;
    out->p = variance > 0 ? tarn_t_beyond(out->statistic, 5) : fabs(d[0]) > 0 ? 0 : 1;
    TARN_TRY(tarn_put_number(more, "df", 5, err));
done:
    return rc;
}

const tarn_comparison tarn_comparison_cv52_t = {
    .name = "cv52_t",
    .title = "5x2cv t",
    .paper = "Dietterich 1998, Neural Computation 10(7)",
    .help = "scores of five repetitions of two-fold cross-validation, in their order",
    .most = 2,
    .least = 10,
    .compute = compute,
};
