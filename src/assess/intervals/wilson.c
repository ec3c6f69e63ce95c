/* SPDX-License-Identifier: Apache-2.0 */
/* wilson.c - shares of rows that count each row once, by Wilson's score interval. */
#include "assess/resample.h"

#include <math.h>

static bool suits(const tarn_metric *metric, const tarn_judged *j)
{
    return metric->share && tarn_judged_plain(j) && (j->task == TARN_BINARY || j->task == TARN_MULTICLASS);
}

static tarn_code compute(const tarn_metric *metric, const tarn_judged *j, const tarn_resampling *how, tarn_pool *pool,
                         tarn_interval *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double part = 0, whole = 0;

    (void)pool;
    TARN_TRY(metric->compute(j, &out->value, err));
    TARN_TRY(metric->share(j, &part, &whole, err));
    out->low = out->high = NAN;
    if (!isnan(whole)) tarn_wilson(part, whole, how->level, &out->low, &out->high);
done:
    return rc;
}

const tarn_interval_kind tarn_interval_wilson = {
    .name = "wilson",
    .title = "Wilson",
    .paper = "Wilson 1927, J. Am. Stat. Assoc. 22(158)",
    .help = "for shares of rows, such as accuracy and recall; right for few rows and near 0 and 1, too",
    .suits = suits,
    .compute = compute,
};
