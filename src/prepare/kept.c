/* SPDX-License-Identifier: Apache-2.0 */
/* kept.c - see kept.h. */
#include "prepare/kept.h"

#include "base/pool.h"

#include <string.h>

enum { KEPT_WHEN = 3 /* a block is made for the third time */ };

tarn_code tarn_kept_init(tarn_kept *k, int64_t rows, int32_t raw, int32_t cols, tarn_err *err)
{
    int64_t room = rows * raw, most = tarn_mem_machine() / 4 / (int64_t)sizeof(double);

    *k = (tarn_kept){.n = tarn_blocks(rows), .rows = rows, .cols = cols};
    atomic_init(&k->room, room < most ? room : most);
    return tarn_alloc(&k->blocks, (size_t)k->n, sizeof *k->blocks, err);
}

void tarn_kept_clear(tarn_kept *k)
{
    for (int64_t b = 0; k->blocks && b < k->n; b++) tarn_free(atomic_load(&k->blocks[b].values));
    tarn_free(k->blocks);
    k->blocks = NULL;
}

/* The block, if these are all rows of one. */
static tarn_kept_block *block_of(const tarn_kept *k, int64_t at, int64_t n)
{
    int64_t left = k->rows - at, whole = left < TARN_BLOCK_ROWS ? left : TARN_BLOCK_ROWS;

    return at >= 0 && n == whole && n > 0 && at % TARN_BLOCK_ROWS == 0 ? &k->blocks[at / TARN_BLOCK_ROWS] : NULL;
}

const double *tarn_kept_find(const tarn_kept *k, int64_t at, int64_t n)
{
    tarn_kept_block *b = block_of(k, at, n);

    return b ? atomic_load_explicit(&b->values, memory_order_acquire) : NULL;
}

void tarn_kept_offer(tarn_kept *k, int64_t at, int64_t n, const double *values)
{
    tarn_kept_block *b = block_of(k, at, n);
    long long size = (long long)n * k->cols;
    double *copy = NULL, *none = NULL;

    if (!b || size == 0 || atomic_fetch_add(&b->made, 1) + 1 != KEPT_WHEN) return;
    if (atomic_fetch_sub(&k->room, size) < size) {
        (void)atomic_fetch_add(&k->room, size);
        return;
    }
    if (tarn_alloc(&copy, (size_t)size, sizeof *copy, NULL) != TARN_OK) return;
    memcpy(copy, values, (size_t)size * sizeof *copy);
    if (!atomic_compare_exchange_strong(&b->values, &none, copy)) tarn_free(copy);
}
