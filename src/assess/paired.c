/* SPDX-License-Identifier: Apache-2.0 */
/* paired.c - see paired.h. */
#include "assess/paired.h"

#include "assess/put.h"
#include "assess/sum.h"
#include "math/distribution.h"

tarn_code tarn_paired_t(const tarn_contest *c, double factor, tarn_outcome *out, json_t *more, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_sum sum = {0}, squares = {0};
    double n = (double)c->sets;

    for (int64_t i = 0; i < c->sets; i++) tarn_sum_add(&sum, c->score[i] - c->score[c->sets + i]);
    double mean = tarn_sum_get(&sum) / n;
    for (int64_t i = 0; i < c->sets; i++) {
        double d = c->score[i] - c->score[c->sets + i] - mean;
        tarn_sum_add(&squares, d * d);
    }
    double error = sqrt(tarn_sum_get(&squares) / (n - 1) * factor);
    double half = error * tarn_t_quantile((1 + c->how.level) / 2, n - 1);
    out->difference = mean;
    out->statistic = error > 0 ? mean / error : fabs(mean) > 0 ? NAN : 0;
    out->p = error > 0 ? tarn_t_beyond(out->statistic, n - 1) : fabs(mean) > 0 ? 0 : 1;
    out->low = mean - half;
    out->high = mean + half;
    TARN_TRY(tarn_put_number(more, "df", n - 1, err));
done:
    return rc;
}

tarn_code tarn_paired_52(const tarn_contest *c, double d[10], tarn_outcome *out, tarn_err *err)
{
    out->difference = 0;
    if (c->sets != 10)
        return TARN_FAIL(err, TARN_INVALID, "five repetitions of two folds give 10 scores of each model, not %lld",
                         (long long)c->sets);
    for (int i = 0; i < 10; i++) {
        d[i] = c->score[i] - c->score[10 + i];
        out->difference += d[i] / 10;
    }
    return TARN_OK;
}

double tarn_paired_spread(const double d[10], int repetition)
{
    double a = d[2 * repetition], b = d[2 * repetition + 1], mean = (a + b) / 2;

    return (a - mean) * (a - mean) + (b - mean) * (b - mean);
}
