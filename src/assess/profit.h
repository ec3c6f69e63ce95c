/* SPDX-License-Identifier: Apache-2.0 */
/* profit.h - what each threshold would earn under a declared cost table. */
#ifndef TARN_ASSESS_PROFIT_H
#define TARN_ASSESS_PROFIT_H

#include "assess/curve.h"

/* TARN_INVALID: a cost is not finite, or none are given. */
TARN_MUST tarn_code tarn_costs_check(const tarn_costs *costs, tarn_err *err);

/* What flagging tp rows rightly and fp rows wrongly earns in all. */
double tarn_profit(const tarn_costs *costs, const tarn_curve *c, double tp, double fp);

/* The point of the curve that earns most, the lowest threshold of equals; -1: flagging nothing. */
int64_t tarn_profit_best(const tarn_costs *costs, const tarn_curve *c);

/* The threshold of a point; of -1, the number next above all scores. */
double tarn_profit_threshold(const tarn_curve *c, int64_t point);

#endif
