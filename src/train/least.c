/* SPDX-License-Identifier: Apache-2.0 */
/* least.c - the triangle of all rows. See least.h.
 *
 * A triangle per block of rows is made on the pool; every rank then joins all ranks' triangles in the order of the
 * blocks, so that neither threads nor ranks make a difference. */
#include "train/least.h"

#include "base/mem.h"
#include "math/orthogonal.h"

#include <math.h>
#include <string.h>

enum { TILE = 512, STRIDE = TILE + 8 };

typedef struct triangles {
    const tarn_fit *job;
    const double *mean;
    size_t wide, packed; /* columns and the target; numbers in a triangle */
    double *scratch;     /* (threads, each) a block, a tile, a triangle */
    size_t each;
    double *made; /* (blocks, packed) */
} triangles;

static void pack(size_t wide, const double *triangle, double *packed)
{
    for (size_t i = 0; i < wide; i++, packed += wide - i + 1) memcpy(packed, triangle + i * wide + i, (wide - i) * 8);
}

/* A packed triangle as rows to be put into another one: column j at x + j * wide. */
static void unpack(size_t wide, const double *packed, double *x)
{
    memset(x, 0, wide * wide * sizeof *x);
    for (size_t i = 0; i < wide; i++)
        for (size_t j = i; j < wide; j++) x[j * wide + i] = *packed++;
}

static tarn_code make_one(void *arg, int64_t block, int worker, tarn_err *err)
{
    const triangles *t = arg;
    const tarn_matrix *x = t->job->x;
    size_t cols = (size_t)x->cols;
    int64_t first = block * TARN_BLOCK_ROWS, rows = x->rows - first;
    double *values = t->scratch + (size_t)worker * t->each, *tile = values + cols * TARN_BLOCK_ROWS;
    double *triangle = tile + t->wide * STRIDE;

    rows = rows < TARN_BLOCK_ROWS ? rows : TARN_BLOCK_ROWS;
    tarn_code rc = x->block(x->self, first, rows, values, err);
    if (rc != TARN_OK) return rc;
    memset(triangle, 0, t->wide * t->wide * sizeof *triangle);
    for (int64_t at = 0; at < rows; at += TILE) {
        int64_t n = rows - at < TILE ? rows - at : TILE;
        const double *weight = x->weight ? x->weight + first + at : NULL;
        for (size_t j = 0; j <= cols; j++) {
            const double *from = j < cols ? values + j * (size_t)rows + at : x->y + first + at;
            for (int64_t i = 0; i < n; i++)
                tile[j * STRIDE + (size_t)i] = (from[i] - t->mean[j]) * (weight ? sqrt(weight[i]) : 1);
        }
        tarn_qr_add(t->wide, (size_t)n, STRIDE, tile, triangle);
    }
    pack(t->wide, triangle, t->made + (size_t)block * t->packed);
    return TARN_OK;
}

static void join(const triangles *t, const double *all, size_t count, double *space, double *out)
{
    memset(out, 0, t->wide * t->wide * sizeof *out);
    for (size_t k = 0; k < count; k++) {
        unpack(t->wide, all + k * t->packed, space);
        tarn_qr_add(t->wide, t->wide, t->wide, space, out);
    }
}

tarn_code tarn_least_triangle(const tarn_fit *job, const double *mean, double *triangle, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t wide = (size_t)job->x->cols + 1, blocks = (size_t)tarn_blocks(job->x->rows), len = 0;
    size_t threads = (size_t)tarn_pool_threads(job->pool);
    triangles t = {.job = job, .mean = mean, .wide = wide, .packed = wide * (wide + 1) / 2};
    double *space = NULL;
    void *all = NULL;

    t.each = (wide - 1) * TARN_BLOCK_ROWS + wide * STRIDE + wide * wide;
    rc = tarn_alloc(&t.scratch, threads * t.each, sizeof *t.scratch, err);
    if (rc == TARN_OK) rc = tarn_alloc(&t.made, blocks * t.packed, sizeof *t.made, err);
    if (rc == TARN_OK) rc = tarn_alloc(&space, wide * wide, sizeof *space, err);
    if (rc == TARN_OK) rc = tarn_pool_run(job->pool, (int64_t)blocks, make_one, &t, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(tarn_comm_gather(job->comm, t.made, blocks * t.packed * sizeof *t.made, &all, &len, NULL, err));
    join(&t, all, len / (t.packed * sizeof *t.made), space, triangle);
done:
    tarn_free(t.scratch);
    tarn_free(t.made);
    tarn_free(space);
    tarn_free(all);
    return rc;
}
