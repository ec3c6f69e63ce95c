/* SPDX-License-Identifier: Apache-2.0 */
/* svm_cache.h - rows of the kernel matrix, the least recently used one making way. Part of svm_solve.c's world.
 *
 * Rows are known by position (0 .. n-1) and hold `stride` floats. One thread at a time. */
#ifndef TARN_SVM_CACHE_H
#define TARN_SVM_CACHE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct svm_cache {
    float *values;
    size_t room;             /* floats */
    size_t stride, n, slots; /* slots in use of as many as fit */
    int32_t *slot;           /* (n) where a position's row is; -1: nowhere */
    int32_t *owner;          /* (slots) */
    int32_t *newer, *older;  /* (slots) a ring in order of use */
    int32_t newest;          /* -1: empty */
} svm_cache;

/* Room for `bytes`, but at least for 4 rows and at most for all. */
TARN_MUST tarn_code svm_cache_open(svm_cache *c, size_t n, size_t stride, size_t bytes, tarn_err *err);
void svm_cache_close(svm_cache *c);

/* The place of a position's row; *is_new: it holds nothing yet. Valid until two more rows are asked for. */
float *svm_cache_row(svm_cache *c, int32_t position, bool *is_new);

/* Forget all rows; they are `stride` long from now on. */
void svm_cache_reset(svm_cache *c, size_t stride);

/* Positions change: the first `kept` positions are what stood at from[0] < from[1] < ... ; all others are forgotten,
 * as positions and within the rows. Rows are `stride` long from now on, no longer than before. */
void svm_cache_shrink(svm_cache *c, const int32_t *from, size_t kept, size_t stride);

#endif
