/* SPDX-License-Identifier: Apache-2.0 */
/* median_ae.c - the median of |y - p|: without weights the mean of the two middle ones, with weights the lower one. */
#include "assess/order.h"
#include "assess/sum.h"

/* The first value at which the weights so far reach half of all. */
static double weighted_median(const tarn_judged *j, const double *off, const uint32_t *order)
{
    tarn_sum all = {0}, sum = {0};

    for (int64_t i = 0; i < j->rows; i++) tarn_sum_add(&all, j->weight[i]);
    double half = tarn_sum_get(&all) / 2;
    for (int64_t i = 0; i < j->rows; i++) {
        tarn_sum_add(&sum, j->weight[order[i]]);
        if (tarn_sum_get(&sum) >= half) return off[order[i]];
    }
    return off[order[j->rows - 1]];
}

static tarn_code compute(const tarn_judged *j, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *off = NULL;
    uint32_t *order = NULL;
    int64_t n = j->rows;

    TARN_TRY(tarn_alloc(&off, (size_t)n, sizeof(*off), err));
    for (int64_t i = 0; i < n; i++) off[i] = fabs(j->y[i] - j->p[i]);
    TARN_TRY(tarn_order(off, n, &order, err));
    *out = j->weight ? weighted_median(j, off, order) : (off[order[(n - 1) / 2]] + off[order[n / 2]]) / 2;
done:
    tarn_free(off);
    tarn_free(order);
    return rc;
}

const tarn_metric tarn_metric_median_ae = {
    .name = "median_ae",
    .title = "Median absolute error",
    .unit = "target",
    .tasks = 1u << TARN_REGRESSION,
    .higher_is_better = false,
    .best = 0,
    .help = "half of the predictions are off by less than this",
    .compute = compute,
};
