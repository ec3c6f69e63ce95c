/* SPDX-License-Identifier: Apache-2.0 */
/* tile.h - some hundred rows of a block, copied next to each other, so that they stay in the cache while pairs of
 * columns are multiplied. Columns of a tile lie TARN_TILE_STRIDE apart, which is no power of two: else they would all
 * fall on the same few lines of the cache. */
#ifndef TARN_TRAIN_TILE_H
#define TARN_TRAIN_TILE_H

#include "train/algo.h"

enum { TARN_TILE = 256, TARN_TILE_STRIDE = TARN_TILE + 8 };

/* Rows at .. at + n - 1 (n <= TARN_TILE) of a block of `rows` (column j at block + j * rows) to x, (column - shift) *
 * factor; NULL: 0 and 1. With `ones`, a column of them behind. */
static inline void tarn_tile_take(const double *block, int32_t cols, int64_t rows, int64_t at, int64_t n,
                                  const double *shift, const double *factor, bool ones, double *x)
{
    for (int32_t j = 0; j < cols; j++) {
        const double *from = block + j * rows + at, by = factor ? factor[j] : 1, off = shift ? shift[j] : 0;
        for (int64_t i = 0; i < n; i++) x[j * TARN_TILE_STRIDE + i] = (from[i] - off) * by;
    }
    for (int64_t i = 0; i < n && ones; i++) x[cols * TARN_TILE_STRIDE + i] = 1;
}

/* Rows in this block of the rank. */
static inline int64_t tarn_block_size(const tarn_matrix *x, int64_t block)
{
    int64_t left = x->rows - block * TARN_BLOCK_ROWS;

    return left < TARN_BLOCK_ROWS ? left : TARN_BLOCK_ROWS;
}

#endif
