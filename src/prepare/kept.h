/* SPDX-License-Identifier: Apache-2.0 */
/* kept.h - blocks of rows that were made once and are wanted again (private to prepare).
 *
 * Making a block reads the table and runs the fitted steps. An estimator that passes over its rows a hundred times
 * would do that a hundred times; one that passes once should not pay memory for it. So a block is kept when it is made
 * for the third time (the first is the check before a fit), as long as there is room: as much as the raw
 * fields take, so that a fit holds its input twice at most, and no more than a quarter of the machine's memory.
 *
 * Threads: any. */
#ifndef TARN_PREPARE_KEPT_H
#define TARN_PREPARE_KEPT_H

#include "base/mem.h"

#include <stdatomic.h>
#include <stdbool.h>

typedef struct tarn_kept_block {
    _Atomic(double *) values;
    atomic_int made; /* how often */
} tarn_kept_block;

typedef struct tarn_kept {
    tarn_kept_block *blocks; /* (n) */
    int64_t n, rows;
    int32_t cols;
    atomic_llong room; /* doubles that may still be kept */
} tarn_kept;

/* For a table of rows, of which `raw` fields become cols columns. */
TARN_MUST tarn_code tarn_kept_init(tarn_kept *k, int64_t rows, int32_t raw, int32_t cols, tarn_err *err);
void tarn_kept_clear(tarn_kept *k);
/* The block of rows at .. at + n - 1 (cols, n), if it is kept; NULL. */
const double *tarn_kept_find(const tarn_kept *k, int64_t at, int64_t n);
/* It was made: keep a copy if it is time and there is room. Cannot fail: without memory it is not kept. */
void tarn_kept_offer(tarn_kept *k, int64_t at, int64_t n, const double *values);

#endif
