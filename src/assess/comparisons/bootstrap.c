/* SPDX-License-Identifier: Apache-2.0 */
/* bootstrap.c - any metric of two models, judged on the same resampled rows. p is twice the smaller share of rounds on
 * either side of 0, each with one round added. */
#include "assess/put.h"
#include "assess/resample.h"
#include "base/mem.h"

#include <math.h>

static tarn_code compute(const tarn_contest *c, tarn_pool *pool, tarn_outcome *out, json_t *more, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_trial trial = {{c->a, c->b}, &c->metric, 1, c->how.resamples, 0, c->how.seed};
    int64_t n = c->how.resamples, kept = 0;
    double *rounds = NULL, *rising = NULL, both[2] = {0}, below = 0, above = 0;

    TARN_TRY(tarn_alloc(&rounds, (size_t)n * 2, sizeof(*rounds), err));
    TARN_TRY(tarn_resample(&trial, pool, both, rounds, err));
    for (int64_t i = 0; i < n; i++) rounds[i] = rounds[2 * i] - rounds[2 * i + 1];
    TARN_TRY(tarn_resample_interval(rounds, n, 1, c->how.level, &out->low, &out->high, err));
    TARN_TRY(tarn_resample_sorted(rounds, n, 1, &rising, &kept, err));
    for (int64_t i = 0; i < kept; i++) {
        below += rising[i] <= 0;
        above += rising[i] >= 0;
    }
    out->statistic = out->difference = both[0] - both[1];
    out->p = 2 * kept < n ? NAN : fmin(1, 2 * (fmin(below, above) + 1) / ((double)kept + 1));
    TARN_TRY(tarn_put_text(more, "metric", c->metric->name, err));
    TARN_TRY(tarn_put_number(more, "a", both[0], err));
    TARN_TRY(tarn_put_number(more, "b", both[1], err));
    TARN_TRY(tarn_json_set(more, "resamples", json_integer(n), err));
done:
    tarn_free(rising);
    tarn_free(rounds);
    return rc;
}

const tarn_comparison tarn_comparison_bootstrap = {
    .name = "bootstrap",
    .title = "Paired bootstrap",
    .paper = "Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 16",
    .help = "any metric, weights and groups: how often the difference changes its sign when rows are drawn anew",
    .tasks = 1u << TARN_BINARY | 1u << TARN_MULTICLASS | 1u << TARN_REGRESSION,
    .weights = true,
    .compute = compute,
};
