/* SPDX-License-Identifier: Apache-2.0 */
/* order.h - the order of some numbers, in linear time. */
#ifndef TARN_ASSESS_ORDER_H
#define TARN_ASSESS_ORDER_H

#include "base/mem.h"

/* Row numbers by rising x; equal values (0 and -0 are equal) keep their order.
 *
 * x (n) finite; n < 2^32
 * Owns: caller frees *out with tarn_free
 * Cost: six passes at most, 36 n bytes of memory while it runs
 */
TARN_MUST tarn_code tarn_order(const double *x, int64_t n, uint32_t **out, tarn_err *err);

/* rows (n) row numbers, sorted by rising key[row]; rows of equal keys keep their order in rows. n < 2^32. */
TARN_MUST tarn_code tarn_order_by(const int64_t *key, int64_t n, uint32_t *rows, tarn_err *err);

#endif
