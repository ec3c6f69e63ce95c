/* SPDX-License-Identifier: Apache-2.0 */
/* putresiduals.c - what a regression gets wrong: residuals, a sample of rows, means per tenth of predictions. */
#include "assess/order.h"
#include "assess/put.h"
#include "assess/sum.h"

enum { BINS = 30, SAMPLE = 400, TENTHS = 10 };

static double quantile(const double *x, const uint32_t *order, int64_t n, double q)
{
    return x[order[(int64_t)floor(q * (double)(n - 1))]];
}

/* Bins between the 1st and the 99th percentile, all equally wide; what lies outside is counted apart. */
static tarn_code put_bins(const tarn_judged *j, const double *off, const uint32_t *order, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double least = quantile(off, order, j->rows, 0.01), most = quantile(off, order, j->rows, 0.99);
    double edges[BINS + 1], rows[BINS] = {0}, below = 0, above = 0;

    if (!(most > least)) least -= 0.5, most = least + 1;
    double width = (most - least) / BINS;
    for (int b = 0; b <= BINS; b++) edges[b] = b == BINS ? most : least + b * width;
    for (int64_t i = 0; i < j->rows; i++) {
        double w = tarn_judged_weight(j, i), at = (off[i] - least) / width;
        if (off[i] < least) below += w;
        else if (off[i] > most) above += w;
        else rows[at < BINS ? (int)at : BINS - 1] += w;
    }
    TARN_TRY(tarn_put_numbers(out, "edges", edges, BINS + 1, err));
    TARN_TRY(tarn_put_numbers(out, "rows", rows, BINS, err));
    TARN_TRY(tarn_put_number(out, "below", below, err));
    TARN_TRY(tarn_put_number(out, "above", above, err));
done:
    return rc;
}

static double mean_of(const tarn_judged *j, const double *x)
{
    tarn_sum sum = {0}, weight = {0};

    for (int64_t i = 0; i < j->rows; i++) {
        tarn_sum_add(&sum, tarn_judged_weight(j, i) * x[i]);
        tarn_sum_add(&weight, tarn_judged_weight(j, i));
    }
    return tarn_sum_get(&sum) / tarn_sum_get(&weight);
}

static tarn_code put_residuals(const tarn_judged *j, json_t *out, tarn_err *err)
{
    static const struct {
        const char *key;
        double q;
    } quantiles[] = {{"p05", 0.05}, {"p25", 0.25}, {"p50", 0.5}, {"p75", 0.75}, {"p95", 0.95}};
    tarn_code rc = TARN_OK;
    double *off = NULL;
    uint32_t *order = NULL;

    TARN_TRY(tarn_alloc(&off, (size_t)j->rows, sizeof(*off), err));
    for (int64_t i = 0; i < j->rows; i++) off[i] = j->p[i] - j->y[i];
    TARN_TRY(tarn_order(off, j->rows, &order, err));
    TARN_TRY(put_bins(j, off, order, out, err));
    TARN_TRY(tarn_put_number(out, "mean", mean_of(j, off), err));
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
        TARN_TRY(tarn_put_number(out, quantiles[i].key, quantile(off, order, j->rows, quantiles[i].q), err));
done:
    tarn_free(off);
    tarn_free(order);
    return rc;
}

static tarn_code put_scatter(const tarn_judged *j, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t at[SAMPLE];
    int n = j->rows < SAMPLE ? (int)j->rows : SAMPLE;

    for (int i = 0; i < n; i++) at[i] = i * j->rows / n;
    TARN_TRY(tarn_put_chosen(out, "predicted", j->p, at, n, err));
    TARN_TRY(tarn_put_chosen(out, "actual", j->y, at, n, err));
done:
    return rc;
}

static tarn_code put_tenths(const tarn_judged *j, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double predicted[TENTHS], actual[TENTHS], rows[TENTHS];
    uint32_t *order = NULL;
    int n = 0;

    TARN_TRY(tarn_order(j->p, j->rows, &order, err));
    for (int t = 0; t < TENTHS; t++) {
        tarn_sum p = {0}, y = {0}, w = {0};
        for (int64_t i = t * j->rows / TENTHS; i < (t + 1) * j->rows / TENTHS; i++) {
            double weight = tarn_judged_weight(j, order[i]);
            tarn_sum_add(&p, weight * j->p[order[i]]);
            tarn_sum_add(&y, weight * j->y[order[i]]);
            tarn_sum_add(&w, weight);
        }
        rows[n] = tarn_sum_get(&w);
        if (rows[n] <= 0) continue;
        predicted[n] = tarn_sum_get(&p) / rows[n];
        actual[n] = tarn_sum_get(&y) / rows[n];
        n++;
    }
    TARN_TRY(tarn_put_numbers(out, "predicted", predicted, n, err));
    TARN_TRY(tarn_put_numbers(out, "actual", actual, n, err));
    TARN_TRY(tarn_put_numbers(out, "rows", rows, n, err));
done:
    tarn_free(order);
    return rc;
}

tarn_code tarn_put_residuals(const tarn_judged *j, json_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *part = NULL;

    TARN_TRY(tarn_put_object(out, "residuals", &part, err));
    TARN_TRY(put_residuals(j, part, err));
    TARN_TRY(tarn_put_object(out, "scatter", &part, err));
    TARN_TRY(put_scatter(j, part, err));
    TARN_TRY(tarn_put_object(out, "tenths", &part, err));
    TARN_TRY(put_tenths(j, part, err));
done:
    return rc;
}
