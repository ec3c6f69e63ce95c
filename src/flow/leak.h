/* SPDX-License-Identifier: Apache-2.0 */
/* leak.h - does one column tell the target all by itself? Such a column often holds what is known only afterwards: the
 * date of the cancellation, the amount with tax. guess.h asks, and tells people. */
#ifndef TARN_FLOW_LEAK_H
#define TARN_FLOW_LEAK_H

#include "table/column.h"

/* The target's values on at most 10,000 of the rows that have one. */
typedef struct tarn_leak tarn_leak;

/* classes: values of the target are told apart, not measured. c outlives it; tarn_leak_free.
 * Errors: TARN_NOMEM */
TARN_MUST tarn_code tarn_leak_new(const tarn_columns *c, int target, bool classes, tarn_leak **out, tarn_err *err);
void tarn_leak_free(tarn_leak *l);

/* found gets in words how well the column tells the target, if it does so nearly perfectly; else "".
 * Each row is guessed from the other rows: those of the same value (missing is a value), or, where a number or time
 * stands alone, its neighbours in order. Nearly: of the rows that are not of the most frequent class, no more than one
 * in 50 is missed; or a thousandth of the target's variance is left.
 * Errors: TARN_NOMEM. Cost: a sort of the rows looked at */
TARN_MUST tarn_code tarn_leak_look(tarn_leak *l, int column, char *found, size_t cap, tarn_err *err);

#endif
