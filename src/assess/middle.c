/* SPDX-License-Identifier: Apache-2.0 */
/* middle.c - see middle.h. The order of the values is remembered where there is a place for it. */
#include "assess/middle.h"

#include "assess/known.h"
#include "assess/order.h"
#include "base/mem.h"

static double middle(const tarn_judged *j, const double *x, const uint32_t *order)
{
    tarn_sum all = {0}, sum = {0};

    if (!j->weight) return (x[order[(j->rows - 1) / 2]] + x[order[j->rows / 2]]) / 2;
    for (int64_t i = 0; i < j->rows; i++) tarn_sum_add(&all, j->weight[i]);
    double half = tarn_sum_get(&all) / 2;
    if (!(half > 0)) return NAN;                  /* resampled rows may all have weight 0 */
    if (j->known && !j->known->facts->learning) { /* again, with other weights: without the last digits */
        double so_far = 0;
        for (int64_t i = 0; i < j->rows; i++)
            if ((so_far += j->weight[order[i]]) >= half) return x[order[i]];
    }
    for (int64_t i = 0; i < j->rows; i++) {
        tarn_sum_add(&sum, j->weight[order[i]]);
        if (tarn_sum_get(&sum) >= half) return x[order[i]];
    }
    return x[order[j->rows - 1]];
}

tarn_code tarn_middle_error(const tarn_judged *j, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_facts *f = j->known ? j->known->facts : NULL;
    double *off = NULL;
    uint32_t *order = NULL;

    if (f && f->off_order) {
        *out = middle(j, f->off, f->off_order);
        goto done;
    }
    TARN_TRY(tarn_alloc(&off, (size_t)j->rows, sizeof(*off), err));
    for (int64_t i = 0; i < j->rows; i++) off[i] = fabs(j->y[i] - j->p[i]);
    TARN_TRY(tarn_order(off, j->rows, &order, err));
    *out = middle(j, off, order);
    if (!f || !f->learning) goto done;
    f->off = off;
    f->off_order = order;
    off = NULL;
    order = NULL;
done:
    tarn_free(off);
    tarn_free(order);
    return rc;
}

tarn_code tarn_middle_truth(const tarn_judged *j, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_facts *f = j->known ? j->known->facts : NULL;
    uint32_t *order = NULL;

    if (f && f->y_order) {
        *out = middle(j, j->y, f->y_order);
        goto done;
    }
    TARN_TRY(tarn_order(j->y, j->rows, &order, err));
    *out = middle(j, j->y, order);
    if (!f || !f->learning) goto done;
    f->y_order = order;
    order = NULL;
done:
    tarn_free(order);
    return rc;
}
