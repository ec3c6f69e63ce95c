/* SPDX-License-Identifier: Apache-2.0 */
/* mcnemar.c - the rows that one of two models alone has right, as tosses of a fair coin. */
#include "assess/mcnemar.h"
#include "math/distribution.h"

#include <math.h>

static tarn_code compute(const tarn_contest *c, tarn_pool *pool, tarn_outcome *out, json_t *more, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double only_a = 0, only_b = 0;

    (void)pool;
    TARN_TRY(tarn_mcnemar_count(c, &only_a, &only_b, out, more, err));
    out->statistic = fmin(only_a, only_b);
    out->p = fmin(1, 2 * tarn_binomial_below(out->statistic, only_a + only_b, 0.5));
done:
    return rc;
}

const tarn_comparison tarn_comparison_mcnemar = {
    .name = "mcnemar",
    .title = "McNemar, exact",
    .paper = "McNemar 1947, Psychometrika 12(2)",
    .help = "whether two models are right equally often, exactly, also for few rows",
    .tasks = 1u << TARN_BINARY | 1u << TARN_MULTICLASS,
    .compute = compute,
};
