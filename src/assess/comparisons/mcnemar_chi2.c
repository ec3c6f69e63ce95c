/* SPDX-License-Identifier: Apache-2.0 */
/* mcnemar_chi2.c - the rows that one of two models alone has right, by the chi-squared distribution with correction for
 * continuity. */
#include "assess/mcnemar.h"
#include "math/distribution.h"

#include <math.h>

static tarn_code compute(const tarn_contest *c, tarn_pool *pool, tarn_outcome *out, json_t *more, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double only_a = 0, only_b = 0;

    (void)pool;
    TARN_TRY(tarn_mcnemar_count(c, &only_a, &only_b, out, more, err));
    double both = only_a + only_b, gap = fmax(0, fabs(only_a - only_b) - 1);
    out->statistic = both > 0 ? gap * gap / both : 0;
    out->p = both > 0 ? tarn_chi2_above(out->statistic, 1) : 1;
done:
    return rc;
}

const tarn_comparison tarn_comparison_mcnemar_chi2 = {
    .name = "mcnemar_chi2",
    .title = "McNemar, chi-squared",
    .paper = "Edwards 1948, Psychometrika 13(3)",
    .help = "as mcnemar, by an approximation that is common in papers; for 25 differing rows and more",
    .tasks = 1u << TARN_BINARY | 1u << TARN_MULTICLASS,
    .compute = compute,
};
