/* SPDX-License-Identifier: Apache-2.0 */
/* paired_t.c - the differences of two models over independent sets of rows, by the t distribution. */
#include "assess/paired.h"

static tarn_code compute(const tarn_contest *c, tarn_pool *pool, tarn_outcome *out, json_t *more, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    (void)pool;
    TARN_TRY(tarn_paired_t(c, 1.0 / (double)c->sets, out, more, err));
done:
    return rc;
}

const tarn_comparison tarn_comparison_paired_t = {
    .name = "paired_t",
    .title = "Paired t",
    .paper = "Student 1908, Biometrika 6(1)",
    .help = "scores on sets of rows that share nothing; too sure of itself for folds of a cross-validation",
    .most = 2,
    .least = 2,
    .compute = compute,
};
