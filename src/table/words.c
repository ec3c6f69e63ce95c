/* SPDX-License-Identifier: Apache-2.0 */
/* words.c - the distinct texts of a column: a hash table while reading, a sorted dictionary at the end.
 *
 * Cost: O(1) a value while reading, O(words log words) at the end. See words.h. */
#include "table/words.h"

#include "base/mem.h"
#include "table/checksum.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 64 };

static int32_t start_of(const tarn_words *w, int32_t word) { return word == 0 ? 0 : w->ends[word - 1]; }

static bool same(const tarn_words *w, int32_t word, const char *text, size_t len)
{
    int32_t start = start_of(w, word);

    return (size_t)(w->ends[word] - start) == len && (len == 0 || memcmp(w->bytes + start, text, len) == 0);
}

/* The slot that holds the text, or the free one where it belongs. */
static uint32_t slot_of(const tarn_words *w, const char *text, size_t len)
{
    uint32_t mask = w->slots_cap - 1, at = (uint32_t)tarn_table_checksum(text, len, 0) & mask;

    while (w->slots[at] >= 0 && !same(w, w->slots[at], text, len)) at = (at + 1) & mask;
    return at;
}

static tarn_code grow_slots(tarn_words *w, tarn_err *err)
{
    uint32_t old_cap = w->slots_cap, cap = old_cap ? old_cap * 2 : FIRST_SLOTS;
    int32_t *slots;
    tarn_code rc = tarn_alloc(&slots, cap, sizeof *slots, err);

    if (rc != TARN_OK) return rc;
    memset(slots, 0xFF, cap * sizeof *slots);
    tarn_free(w->slots);
    w->slots = slots;
    w->slots_cap = cap;
    for (int32_t i = 0; i < w->count; i++) {
        int32_t start = start_of(w, i);
        w->slots[slot_of(w, w->bytes + start, (size_t)(w->ends[i] - start))] = i;
    }
    return TARN_OK;
}

static tarn_code reserve(tarn_words *w, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (len > INT32_MAX - w->used || w->count == INT32_MAX - 1)
        return TARN_FAIL(err, TARN_LIMIT, "the different texts of one column take more than 2 GiB");
    if (w->bytes_cap - w->used < len || !w->bytes) {
        size_t cap = w->bytes_cap ? w->bytes_cap * 2 : 256;
        while (cap - w->used < len) cap *= 2;
        TARN_TRY(tarn_resize(&w->bytes, cap, 1, err));
        w->bytes_cap = cap;
    }
    if (w->count == w->ends_cap) {
        int32_t cap = w->ends_cap > INT32_MAX / 2 ? INT32_MAX : w->ends_cap ? w->ends_cap * 2 : 32;
        TARN_TRY(tarn_resize(&w->ends, (size_t)cap, sizeof *w->ends, err));
        w->ends_cap = cap;
    }
    if ((uint64_t)w->count * 2 >= w->slots_cap) TARN_TRY(grow_slots(w, err));
done:
    return rc;
}

tarn_code tarn_words_put(tarn_words *w, const char *text, size_t len, int32_t *code, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (w->slots_cap) {
        int32_t known = w->slots[slot_of(w, text, len)];
        if (known >= 0) {
            *code = known;
            return TARN_OK;
        }
    }
    TARN_TRY(reserve(w, len, err));
    w->slots[slot_of(w, text, len)] = w->count;
    if (len > 0) memcpy(w->bytes + w->used, text, len);
    w->used += len;
    w->ends[w->count] = (int32_t)w->used;
    *code = w->count++;
done:
    return rc;
}

static int by_bytes(const void *a, const void *b, void *arg)
{
    const tarn_words *w = arg;
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    size_t n = (size_t)(w->ends[x] - start_of(w, x)), m = (size_t)(w->ends[y] - start_of(w, y));
    size_t shared = n < m ? n : m;
    int order = shared ? memcmp(w->bytes + start_of(w, x), w->bytes + start_of(w, y), shared) : 0;

    return order ? order : (n > m) - (n < m);
}

tarn_code tarn_words_finish(tarn_words *w, int32_t *codes, int64_t rows, int32_t **offsets, char **bytes, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int32_t *order = NULL, *rank = NULL, at = 0;

    *offsets = NULL;
    *bytes = NULL;
    TARN_TRY(tarn_alloc(&order, (size_t)w->count, sizeof *order, err));
    TARN_TRY(tarn_alloc(&rank, (size_t)w->count, sizeof *rank, err));
    TARN_TRY(tarn_alloc(offsets, (size_t)w->count + 1, sizeof **offsets, err));
    TARN_TRY(tarn_alloc(bytes, w->used, 1, err));
    for (int32_t i = 0; i < w->count; i++) order[i] = i;
    if (w->count > 1) qsort_r(order, (size_t)w->count, sizeof *order, by_bytes, w);
    for (int32_t i = 0; i < w->count; i++) {
        int32_t start = start_of(w, order[i]), len = w->ends[order[i]] - start;
        if (len > 0) memcpy(*bytes + at, w->bytes + start, (size_t)len);
        at += len;
        (*offsets)[i + 1] = at;
        rank[order[i]] = i;
    }
    for (int64_t i = 0; i < rows; i++) codes[i] = codes[i] < 0 ? 0 : rank[codes[i]];
done:
    if (rc != TARN_OK) {
        tarn_free(*offsets);
        tarn_free(*bytes);
        *offsets = NULL;
        *bytes = NULL;
    }
    tarn_free(order);
    tarn_free(rank);
    return rc;
}

void tarn_words_clear(tarn_words *w)
{
    tarn_free(w->bytes);
    tarn_free(w->ends);
    tarn_free(w->slots);
    *w = (tarn_words){0};
}
