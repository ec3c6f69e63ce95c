/* SPDX-License-Identifier: Apache-2.0 */
/* sum.h - sums in row order that lose nothing worth mentioning, and the weight of a row.
 *
 * After: Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", ZAMM 54, 1974.
 */
#ifndef TARN_ASSESS_SUM_H
#define TARN_ASSESS_SUM_H

#include "assess/assess.h"

#include <math.h>

typedef struct tarn_sum {
    double value, lost;
} tarn_sum;

static inline void tarn_sum_add(tarn_sum *s, double x)
{
    double t = s->value + x;

    s->lost += fabs(s->value) >= fabs(x) ? (s->value - t) + x : (x - t) + s->value;
    s->value = t;
}

static inline double tarn_sum_get(const tarn_sum *s) { return s->value + s->lost; }

static inline double tarn_judged_weight(const tarn_judged *j, int64_t row) { return j->weight ? j->weight[row] : 1; }

/* Weighted mean over rows of what `loss` says of a row; rows of weight 0 are not asked. Within tarn_known, what was
 * said is remembered, so `loss` must depend on y, p, group and threshold alone. */
typedef double tarn_loss_fn(const tarn_judged *j, int64_t row);
double tarn_mean_loss(const tarn_judged *j, tarn_loss_fn *loss);
/* Weighted mean over rows of the distance of that from centre, or of its square. */
double tarn_mean_distance(const tarn_judged *j, tarn_loss_fn *loss, double centre);
double tarn_mean_square(const tarn_judged *j, tarn_loss_fn *loss, double centre);

#endif
