/* SPDX-License-Identifier: Apache-2.0 */
/* tree_rows.c - parting rows. See tree_rows.h.
 *
 * Each block of the piece is parted into two spare lists by the thread that took it; the number of rows that went left
 * and right in the blocks before then says where its halves belong. */
#include "train/tree_rows.h"

#include "base/mem.h"

#include <string.h>

enum { SERIAL_BELOW = 3 * TARN_BLOCK_ROWS };

tarn_code tarn_tree_rows_init(tarn_tree_rows *r, tarn_pool *pool, int64_t rows, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t n = (size_t)rows, blocks = (size_t)tarn_blocks(rows);

    *r = (tarn_tree_rows){.rows = rows, .pool = pool};
    if (rows > INT32_MAX)
        return TARN_FAIL(err, TARN_LIMIT, "one rank has %lld rows, and may have %d; use more ranks", (long long)rows,
                         INT32_MAX);
    TARN_TRY(tarn_alloc(&r->list, n, sizeof *r->list, err));
    TARN_TRY(tarn_alloc(&r->spare[0], n, sizeof *r->list, err));
    TARN_TRY(tarn_alloc(&r->spare[1], n, sizeof *r->list, err));
    TARN_TRY(tarn_alloc(&r->lefts, blocks + 1, sizeof *r->lefts, err));
    TARN_TRY(tarn_alloc(&r->rights, blocks + 1, sizeof *r->rights, err));
done:
    if (rc != TARN_OK) tarn_tree_rows_clear(r);
    return rc;
}

void tarn_tree_rows_clear(tarn_tree_rows *r)
{
    tarn_free(r->list);
    tarn_free(r->spare[0]);
    tarn_free(r->spare[1]);
    tarn_free(r->lefts);
    tarn_free(r->rights);
    *r = (tarn_tree_rows){0};
}

static int64_t block_size(int64_t n, int64_t block)
{
    int64_t rest = n - block * TARN_BLOCK_ROWS;

    return rest < TARN_BLOCK_ROWS ? rest : TARN_BLOCK_ROWS;
}

static tarn_code reset_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    tarn_tree_rows *r = arg;
    int64_t at = block * TARN_BLOCK_ROWS, n = block_size(r->rows, block);

    (void)worker, (void)err;
    for (int64_t i = 0; i < n; i++) r->list[at + i] = (int32_t)(at + i);
    return TARN_OK;
}

tarn_code tarn_tree_rows_reset(tarn_tree_rows *r, tarn_err *err)
{
    return tarn_pool_run(r->pool, tarn_blocks(r->rows), reset_block, r, err);
}

/* from[n] into two lists; front may be from. Returns the length of front. Without branches: each row is written to
 * both, and only one of them moves on. */
static int64_t part(const int32_t *from, int64_t n, const uint8_t *column, const uint8_t left[256], int32_t *front,
                    int32_t *back)
{
    int64_t a = 0, b = 0;

    for (int64_t i = 0; i < n; i++) {
        int32_t row = from[i];
        int64_t goes = left[column[row]];
        front[a] = row;
        back[b] = row;
        a += goes;
        b += 1 - goes;
    }
    return a;
}

typedef struct parting {
    tarn_tree_rows *r;
    int64_t at, n, n_left;
    const uint8_t *column, *left;
} parting;

static tarn_code part_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    const parting *p = arg;
    tarn_tree_rows *r = p->r;
    int64_t at = p->at + block * TARN_BLOCK_ROWS, n = block_size(p->n, block);

    (void)worker, (void)err;
    r->lefts[block + 1] = part(r->list + at, n, p->column, p->left, r->spare[0] + at, r->spare[1] + at);
    r->rights[block + 1] = n - r->lefts[block + 1];
    return TARN_OK;
}

static tarn_code place_block(void *arg, int64_t block, int worker, tarn_err *err)
{
    const parting *p = arg;
    tarn_tree_rows *r = p->r;
    int64_t at = p->at + block * TARN_BLOCK_ROWS;
    int64_t lefts = r->lefts[block + 1] - r->lefts[block], rights = r->rights[block + 1] - r->rights[block];

    (void)worker, (void)err;
    memcpy(r->list + p->at + r->lefts[block], r->spare[0] + at, (size_t)lefts * sizeof *r->list);
    memcpy(r->list + p->at + p->n_left + r->rights[block], r->spare[1] + at, (size_t)rights * sizeof *r->list);
    return TARN_OK;
}

tarn_code tarn_tree_rows_part(tarn_tree_rows *r, int64_t at, int64_t n, const uint8_t *column, const uint8_t left[256],
                              int64_t *n_left, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    parting p = {.r = r, .at = at, .n = n, .column = column, .left = left};
    int64_t blocks = tarn_blocks(n);

    if (n < SERIAL_BELOW || tarn_pool_threads(r->pool) == 1) {
        *n_left = part(r->list + at, n, column, left, r->list + at, r->spare[1] + at);
        memcpy(r->list + at + *n_left, r->spare[1] + at, (size_t)(n - *n_left) * sizeof *r->list);
        return TARN_OK;
    }
    TARN_TRY(tarn_pool_run(r->pool, blocks, part_block, &p, err));
    r->lefts[0] = r->rights[0] = 0;
    for (int64_t b = 0; b < blocks; b++) {
        r->lefts[b + 1] += r->lefts[b];
        r->rights[b + 1] += r->rights[b];
    }
    p.n_left = *n_left = r->lefts[blocks];
    TARN_TRY(tarn_pool_run(r->pool, blocks, place_block, &p, err));
done:
    return rc;
}
