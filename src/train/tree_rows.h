/* SPDX-License-Identifier: Apache-2.0 */
/* tree_rows.h - the rows of a tree's nodes: one list of row numbers, each node a piece of it, ascending within.
 *
 * Parting a piece keeps the order of both halves, so the list is the same for any number of threads.
 */
#ifndef TARN_TRAIN_TREE_ROWS_H
#define TARN_TRAIN_TREE_ROWS_H

#include "base/pool.h"

typedef struct tarn_tree_rows {
    int64_t rows;
    int32_t *list;           /* (rows) */
    int32_t *spare[2];       /* (rows) each */
    int64_t *lefts, *rights; /* (blocks + 1) */
    tarn_pool *pool;
} tarn_tree_rows;

/* Errors: TARN_LIMIT more than 2^31 - 1 rows, TARN_NOMEM */
TARN_MUST tarn_code tarn_tree_rows_init(tarn_tree_rows *r, tarn_pool *pool, int64_t rows, tarn_err *err);
void tarn_tree_rows_clear(tarn_tree_rows *r);
/* All rows, in order. */
TARN_MUST tarn_code tarn_tree_rows_reset(tarn_tree_rows *r, tarn_err *err);
/* Part list[at .. at + n - 1] by left[column[row]] (1: to the front). *n_left gets how many went to the front. */
TARN_MUST tarn_code tarn_tree_rows_part(tarn_tree_rows *r, int64_t at, int64_t n, const uint8_t *column,
                                        const uint8_t left[256], int64_t *n_left, tarn_err *err);

#endif
