/* SPDX-License-Identifier: Apache-2.0 */
/* profit.c - money over thresholds, from the exact threshold curve. */
#include "assess/profit.h"

#include <math.h>

tarn_code tarn_costs_check(const tarn_costs *costs, tarn_err *err)
{
    if (!costs || !costs->given)
        return TARN_FAIL(err, TARN_INVALID, "no costs are declared; give the value of each of the four outcomes");
    if (!isfinite(costs->true_positive) || !isfinite(costs->false_positive) || !isfinite(costs->true_negative) ||
        !isfinite(costs->false_negative))
        return TARN_FAIL(err, TARN_INVALID, "the value of an outcome is not a finite number");
    return TARN_OK;
}

double tarn_profit(const tarn_costs *costs, const tarn_curve *c, double tp, double fp)
{
    return tp * costs->true_positive + fp * costs->false_positive + (c->positives - tp) * costs->false_negative +
           (c->negatives - fp) * costs->true_negative;
}

int64_t tarn_profit_best(const tarn_costs *costs, const tarn_curve *c)
{
    int64_t best = -1;
    double most = tarn_profit(costs, c, 0, 0);

    for (int64_t i = 0; i < c->n; i++) {
        double value = tarn_profit(costs, c, c->tp[i], c->fp[i]);
        if (value < most) continue;
        most = value;
        best = i;
    }
    return best;
}

double tarn_profit_threshold(const tarn_curve *c, int64_t point)
{
    return point < 0 ? nextafter(c->threshold[0], INFINITY) : c->threshold[point];
}

tarn_code tarn_best_threshold(const tarn_judged *j, const tarn_costs *costs, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_curve c = {0};

    TARN_TRY(tarn_judged_check(j, err));
    TARN_TRY(tarn_costs_check(costs, err));
    if (j->task != TARN_BINARY)
        TARN_TRY(TARN_FAIL(err, TARN_INVALID, "a threshold by profit is for tasks with two classes"));
    TARN_TRY(tarn_curve_make(j, 1, &c, err));
    *out = tarn_profit_threshold(&c, tarn_profit_best(costs, &c));
done:
    tarn_curve_clear(&c);
    return rc;
}
