/* SPDX-License-Identifier: Apache-2.0 */
/* percentile.c - any metric: the middle of what resampled rows give. */
#include "assess/resample.h"
#include "base/mem.h"

static bool suits(const tarn_metric *metric, const tarn_judged *j)
{
    (void)j;
    return !metric->no_interval;
}

static tarn_code compute(const tarn_metric *metric, const tarn_judged *j, const tarn_resampling *how, tarn_pool *pool,
                         tarn_interval *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_trial trial = {{j, NULL}, &metric, 1, how->resamples, 0, how->seed};
    double *rounds = NULL;

    TARN_TRY(tarn_alloc(&rounds, (size_t)how->resamples, sizeof(*rounds), err));
    TARN_TRY(tarn_resample(&trial, pool, &out->value, rounds, err));
    TARN_TRY(tarn_resample_interval(rounds, how->resamples, 1, how->level, &out->low, &out->high, err));
done:
    tarn_free(rounds);
    return rc;
}

const tarn_interval_kind tarn_interval_percentile = {
    .name = "percentile",
    .title = "Bootstrap, percentiles",
    .paper = "Efron 1979, Ann. Statist. 7(1)",
    .help = "for any metric, weights and groups: the middle 95 % of what rows drawn with replacement give",
    .resamples = true,
    .suits = suits,
    .compute = compute,
};
