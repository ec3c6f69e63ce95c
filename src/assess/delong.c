/* SPDX-License-Identifier: Apache-2.0 */
/* delong.c - see delong.h.
 *
 * v[i]: for a row of class 1, the share of rows of class 0 that score lower (equal ones half); for a row of class 0,
 * the share of rows of class 1 that score higher. The area is the mean of v over either class, its variance follows
 * from the spread of v in both. From the order of all scores, v needs running counts only: no midranks of three lists.
 */
#include "assess/delong.h"

#include "assess/order.h"
#include "assess/sum.h"
#include "base/mem.h"

static tarn_code placements(const tarn_judged *j, double positives, double negatives, double **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint32_t *order = NULL;
    double *v = NULL, below[2] = {0};

    TARN_TRY(tarn_order(j->p, j->rows, &order, err));
    TARN_TRY(tarn_alloc(&v, (size_t)j->rows, sizeof(*v), err));
    for (int64_t from = 0, to; from < j->rows; from = to) {
        double here[2] = {0};
        for (to = from; to < j->rows && j->p[order[to]] <= j->p[order[from]]; to++) here[j->y[order[to]] > 0.5]++;
        for (int64_t i = from; i < to; i++)
            v[order[i]] = j->y[order[i]] > 0.5 ? (below[0] + here[0] / 2) / negatives
                                               : (positives - below[1] - here[1] / 2) / positives;
        below[0] += here[0];
        below[1] += here[1];
    }
    *out = v;
    v = NULL;
done:
    tarn_free(order);
    tarn_free(v);
    return rc;
}

/* Covariance over the rows of a class of two v whose means are the areas, divided by the number of rows. */
static double spread(const tarn_judged *j, int class, double n, const double *v, double v_mean, const double *u,
                     double u_mean)
{
    tarn_sum sum = {0};

    for (int64_t i = 0; i < j->rows; i++)
        if ((j->y[i] > 0.5) == class) tarn_sum_add(&sum, (v[i] - v_mean) * (u[i] - u_mean));
    return tarn_sum_get(&sum) / (n - 1) / n;
}

static double mean_of_positives(const tarn_judged *j, double n, const double *v)
{
    tarn_sum sum = {0};

    for (int64_t i = 0; i < j->rows; i++)
        if (j->y[i] > 0.5) tarn_sum_add(&sum, v[i]);
    return tarn_sum_get(&sum) / n;
}

tarn_code tarn_delong_make(const tarn_judged *a, const tarn_judged *b, tarn_delong *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double positives = 0, negatives = 0, *v[2] = {NULL, NULL};
    tarn_delong d = {{NAN, NAN}, {NAN, NAN}, NAN};

    for (int64_t i = 0; i < a->rows; i++) positives += a->y[i] > 0.5;
    negatives = (double)a->rows - positives;
    for (int m = 0; m < (b ? 2 : 1) && positives >= 1 && negatives >= 1; m++) {
        TARN_TRY(placements(m ? b : a, positives, negatives, &v[m], err));
        d.area[m] = mean_of_positives(a, positives, v[m]);
    }
    for (int m = 0; m < (b ? 2 : 1) && positives >= 2 && negatives >= 2; m++)
        d.variance[m] = spread(a, 1, positives, v[m], d.area[m], v[m], d.area[m]) +
                        spread(a, 0, negatives, v[m], d.area[m], v[m], d.area[m]);
    if (b && positives >= 2 && negatives >= 2)
        d.covariance = spread(a, 1, positives, v[0], d.area[0], v[1], d.area[1]) +
                       spread(a, 0, negatives, v[0], d.area[0], v[1], d.area[1]);
    *out = d;
done:
    tarn_free(v[0]);
    tarn_free(v[1]);
    return rc;
}
