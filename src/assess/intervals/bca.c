/* SPDX-License-Identifier: Apache-2.0 */
/* bca.c - any metric: percentiles of resampled figures, moved for bias and skewness. */
#include "assess/resample.h"
#include "base/mem.h"
#include "math/distribution.h"

#include <math.h>

/* Leaving out one unit at a time would take as many rounds as there are units; above this, several go at once. */
enum { MOST_LEAVE_OUTS = 500 };

static bool suits(const tarn_metric *metric, const tarn_judged *j)
{
    (void)j;
    return !metric->no_interval;
}

/* How fast the standard error changes with the figure, from the figures x (n) of the rounds that leave units out. */
static double acceleration(const double *x, int n)
{
    double mean = 0, squares = 0, cubes = 0;

    for (int i = 0; i < n; i++) mean += x[i] / n;
    for (int i = 0; i < n; i++) {
        double d = mean - x[i];
        squares += d * d;
        cubes += d * d * d;
    }
    return squares > 0 ? cubes / (6 * squares * sqrt(squares)) : 0;
}

/* Normal quantile of the share of rounds below the figure, equal ones half; kept off the ends, which are infinite. */
static double bias(const double *rising, int64_t n, double value)
{
    double below = 0;

    for (int64_t i = 0; i < n; i++) below += rising[i] < value ? 1 : rising[i] > value ? 0 : 0.5;
    return tarn_normal_quantile(fmin(fmax(below, 0.5), (double)n - 0.5) / (double)n);
}

static double moved(double z0, double a, double q)
{
    double z = z0 + tarn_normal_quantile(q);

    return tarn_normal_below(z0 + z / (1 - a * z));
}

static tarn_code compute(const tarn_metric *metric, const tarn_judged *j, const tarn_resampling *how, tarn_pool *pool,
                         tarn_interval *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_trial trial = {{j, NULL}, &metric, 1, how->resamples, 0, how->seed};
    double *rounds = NULL, *rising = NULL;
    int64_t units = 0, kept = 0;

    TARN_TRY(tarn_resample_units(j, &units, err));
    trial.leave_outs = units < MOST_LEAVE_OUTS ? (int)units : MOST_LEAVE_OUTS;
    TARN_TRY(tarn_alloc(&rounds, (size_t)(how->resamples + trial.leave_outs), sizeof(*rounds), err));
    TARN_TRY(tarn_resample(&trial, pool, &out->value, rounds, err));
    TARN_TRY(tarn_resample_sorted(rounds, how->resamples, 1, &rising, &kept, err));
    out->low = out->high = NAN;
    if (2 * kept < how->resamples || kept == 0) goto done;
    double a = acceleration(rounds + how->resamples, trial.leave_outs), z0 = bias(rising, kept, out->value);
    out->low = tarn_quantile(rising, kept, moved(z0, a, (1 - how->level) / 2));
    out->high = tarn_quantile(rising, kept, moved(z0, a, (1 + how->level) / 2));
done:
    tarn_free(rising);
    tarn_free(rounds);
    return rc;
}

const tarn_interval_kind tarn_interval_bca = {
    .name = "bca",
    .title = "Bootstrap, BCa",
    .paper = "Efron 1987, J. Am. Stat. Assoc. 82(397)",
    .help = "as percentiles, corrected for bias and skewness; takes up to 500 rounds more",
    .resamples = true,
    .suits = suits,
    .compute = compute,
};
