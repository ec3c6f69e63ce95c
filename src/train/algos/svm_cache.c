/* SPDX-License-Identifier: Apache-2.0 */
/* svm_cache.c - rows of the kernel matrix that are kept. See svm_cache.h. */
#include "train/algos/svm_cache.h"

#include "base/mem.h"

#include <string.h>

enum { LEAST_ROWS = 4 };

tarn_code svm_cache_open(svm_cache *c, size_t n, size_t stride, size_t bytes, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t rows = bytes / sizeof(float) / stride;

    *c = (svm_cache){.n = n, .newest = -1};
    if (rows > n) rows = n;
    if (rows < LEAST_ROWS) rows = LEAST_ROWS;
    c->room = rows * stride;
    TARN_TRY(tarn_alloc(&c->values, c->room, sizeof *c->values, err));
    TARN_TRY(tarn_alloc(&c->slot, n, sizeof *c->slot, err));
    TARN_TRY(tarn_alloc(&c->owner, n + LEAST_ROWS, sizeof *c->owner, err));
    TARN_TRY(tarn_alloc(&c->newer, n + LEAST_ROWS, sizeof *c->newer, err));
    TARN_TRY(tarn_alloc(&c->older, n + LEAST_ROWS, sizeof *c->older, err));
    svm_cache_reset(c, stride);
done:
    return rc;
}

void svm_cache_close(svm_cache *c)
{
    tarn_free(c->values);
    tarn_free(c->slot);
    tarn_free(c->owner);
    tarn_free(c->newer);
    tarn_free(c->older);
    *c = (svm_cache){0};
}

void svm_cache_reset(svm_cache *c, size_t stride)
{
    c->stride = stride;
    c->slots = 0;
    c->newest = -1;
    memset(c->slot, -1, c->n * sizeof *c->slot);
}

/* Slot s becomes the newest of the ring; it is in the ring already, or in no place yet. */
static void insert(svm_cache *c, int32_t s)
{
    if (c->newest < 0) {
        c->newer[s] = c->older[s] = s;
    } else {
        int32_t first = c->newest, last = c->newer[first];
        c->older[s] = first;
        c->newer[s] = last;
        c->newer[first] = s;
        c->older[last] = s;
    }
    c->newest = s;
}

static void touch(svm_cache *c, int32_t s)
{
    if (c->newest == s) return;
    c->newer[c->older[s]] = c->newer[s];
    c->older[c->newer[s]] = c->older[s];
    insert(c, s);
}

float *svm_cache_row(svm_cache *c, int32_t position, bool *is_new)
{
    int32_t s = c->slot[position];

    *is_new = s < 0;
    if (s < 0 && (c->slots + 1) * c->stride <= c->room && c->slots < c->n + LEAST_ROWS) {
        s = (int32_t)c->slots++;
        insert(c, s);
    } else if (s < 0) {
        s = c->newer[c->newest]; /* the oldest: the ring closes there */
        c->slot[c->owner[s]] = -1;
        touch(c, s);
    } else touch(c, s);
    c->slot[position] = s;
    c->owner[s] = position;
    return c->values + (size_t)s * c->stride;
}

void svm_cache_shrink(svm_cache *c, const int32_t *from, size_t kept, size_t stride)
{
    size_t before = c->slots, was = c->stride;
    int32_t *now = c->newer; /* (n) the new position of an old one; the ring is made anew below */

    memset(now, -1, c->n * sizeof *now);
    for (size_t k = 0; k < kept; k++) now[from[k]] = (int32_t)k;
    memset(c->slot, -1, c->n * sizeof *c->slot);
    c->slots = 0;
    c->stride = stride;
    for (size_t s = 0; s < before; s++) {
        int32_t position = now[c->owner[s]];
        if (position < 0) continue;
        const float *old = c->values + s * was;
        float *to = c->values + c->slots * stride; /* never behind what is still to be read */
        for (size_t k = 0; k < kept; k++) to[k] = old[from[k]];
        memset(to + kept, 0, (stride - kept) * sizeof *to);
        c->owner[c->slots] = position;
        c->slot[position] = (int32_t)c->slots++;
    }
    c->newest = -1;
    for (size_t s = 0; s < c->slots; s++) insert(c, (int32_t)s);
}
