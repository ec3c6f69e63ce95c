/* SPDX-License-Identifier: Apache-2.0 */
/* index.c - building, checking and searching an index. See index.h for the layout. */
#include "lake/index.h"

#include "base/mem.h"
#include "lake/bytes.h"

#include <stdlib.h>

enum { HEAD = 32, FAN = 8, PLACE = 20, BUCKET_IDS = 64, MOST_BITS = 20 };

static const char magic[8] = {'T', 'A', 'R', 'N', 'I', 'D', 'X', '1'};

static size_t fan_at(void) { return HEAD; }
static size_t ids_at(int bits) { return HEAD + ((size_t)FAN << bits); }
static size_t places_at(int bits, uint32_t n) { return ids_at(bits) + (size_t)n * TARN_ID_BYTES; }

static uint32_t bucket_of(const tarn_id *id, int bits)
{
    uint32_t first = (uint32_t)id->b[0] << 24 | (uint32_t)id->b[1] << 16 | (uint32_t)id->b[2] << 8 | id->b[3];
    return bits == 0 ? 0 : first >> (32 - bits);
}

static int compare_entries(const void *a, const void *b)
{
    const tarn_indexed *x = a, *y = b;
    int order = memcmp(x->id.b, y->id.b, TARN_ID_BYTES);

    if (order != 0) return order;
    if (x->where.pack != y->where.pack) return x->where.pack < y->where.pack ? -1 : 1;
    return x->where.offset < y->where.offset ? -1 : x->where.offset > y->where.offset;
}

static size_t sort_and_unite(tarn_indexed *entries, size_t n)
{
    size_t kept = 0;

    bool sorted = true;
    for (size_t i = 1; i < n && sorted; i++) sorted = compare_entries(&entries[i - 1], &entries[i]) < 0;
    if (!sorted) qsort(entries, n, sizeof *entries, compare_entries);
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && tarn_id_equal(&entries[kept - 1].id, &entries[i].id)) continue;
        entries[kept++] = entries[i];
    }
    return kept;
}

static void put_place(uint8_t *p, const tarn_where *w)
{
    tarn_put32(p, w->pack);
    tarn_put32(p + 4, w->offset);
    tarn_put32(p + 8, w->stored);
    tarn_put32(p + 12, w->raw);
    p[16] = w->kind;
    p[17] = w->coding;
    tarn_put16(p + 18, 0);
}

static uint32_t bucket_crc(const uint8_t *bytes, int bits, uint32_t n, uint32_t from, uint32_t to)
{
    uint32_t crc =
        tarn_crc32c(0, bytes + ids_at(bits) + (size_t)from * TARN_ID_BYTES, (size_t)(to - from) * TARN_ID_BYTES);
    return tarn_crc32c(crc, bytes + places_at(bits, n) + (size_t)from * PLACE, (size_t)(to - from) * PLACE);
}

static uint32_t head_crc(const uint8_t *bytes, int bits)
{
    uint32_t crc = tarn_crc32c(0, bytes, 16);
    return tarn_crc32c(crc, bytes + 20, ids_at(bits) - 20);
}

tarn_code tarn_index_build(tarn_indexed *entries, size_t n, uint8_t **out, size_t *len, tarn_err *err)
{
    int bits = 0;
    uint8_t *b = NULL;

    *out = NULL;
    if (n > UINT32_MAX / 2) return TARN_FAIL(err, TARN_LIMIT, "an index of %zu entries is too large", n);
    uint32_t kept = (uint32_t)sort_and_unite(entries, n);
    while (bits < MOST_BITS && kept >> bits > BUCKET_IDS) bits++;
    *len = places_at(bits, kept) + (size_t)kept * PLACE;
    tarn_code rc = tarn_alloc(&b, *len, 1, err);
    if (rc != TARN_OK) return rc;

    memcpy(b, magic, sizeof magic);
    tarn_put32(b + 8, kept);
    tarn_put32(b + 12, (uint32_t)bits);
    for (uint32_t i = 0; i < kept; i++) {
        memcpy(b + ids_at(bits) + (size_t)i * TARN_ID_BYTES, entries[i].id.b, TARN_ID_BYTES);
        put_place(b + places_at(bits, kept) + (size_t)i * PLACE, &entries[i].where);
    }
    for (uint32_t bucket = 0, i = 0; bucket < 1u << bits; bucket++) {
        uint32_t from = i;
        while (i < kept && bucket_of(&entries[i].id, bits) == bucket) i++;
        tarn_put32(b + fan_at() + (size_t)bucket * FAN, i);
        tarn_put32(b + fan_at() + (size_t)bucket * FAN + 4, bucket_crc(b, bits, kept, from, i));
    }
    tarn_put32(b + 16, head_crc(b, bits));
    *out = b;
    return TARN_OK;
}

uint32_t tarn_index_count(const uint8_t *bytes) { return tarn_get32(bytes + 8); }

static tarn_code damaged(const char *name, tarn_err *err)
{
    return TARN_FAIL(err, TARN_CORRUPT, "the index of %s is damaged; 'tarn lake fsck' tells what is affected", name);
}

tarn_code tarn_index_open(tarn_index *index, const uint8_t *bytes, size_t len, const char *name, tarn_err *err)
{
    *index = (tarn_index){.bytes = bytes, .len = len};
    if (len < HEAD + FAN || memcmp(bytes, magic, sizeof magic) != 0) return damaged(name, err);
    uint32_t n = tarn_get32(bytes + 8), bits = tarn_get32(bytes + 12);
    if (bits > MOST_BITS || n > UINT32_MAX / 2 || len != places_at((int)bits, n) + (size_t)n * PLACE)
        return damaged(name, err);
    if (head_crc(bytes, (int)bits) != tarn_get32(bytes + 16)) return damaged(name, err);
    uint32_t before = 0;
    for (uint32_t bucket = 0; bucket < 1u << bits; bucket++) {
        uint32_t end = tarn_get32(bytes + fan_at() + (size_t)bucket * FAN);
        if (end < before || end > n) return damaged(name, err);
        before = end;
    }
    if (before != n) return damaged(name, err);
    index->n = n;
    index->bits = (int)bits;
    return tarn_alloc(&index->checked, (size_t)1 << bits, sizeof *index->checked, err);
}

void tarn_index_close(tarn_index *index)
{
    tarn_free(index->checked);
    *index = (tarn_index){0};
}

static tarn_id id_at(const tarn_index *index, uint32_t i)
{
    tarn_id id;
    memcpy(id.b, index->bytes + ids_at(index->bits) + (size_t)i * TARN_ID_BYTES, TARN_ID_BYTES);
    return id;
}

/* Ids in ascending order, inside the bucket that they belong to, kinds and codings that exist. */
static bool bucket_sound(const tarn_index *index, uint32_t bucket, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        const uint8_t *place = index->bytes + places_at(index->bits, index->n) + (size_t)i * PLACE;
        tarn_id id = id_at(index, i), last = i > from ? id_at(index, i - 1) : (tarn_id){{0}};
        if (bucket_of(&id, index->bits) != bucket || memcmp(last.b, id.b, TARN_ID_BYTES) >= 0) return false;
        if (place[16] == 0 || place[16] >= TARN_KIND_COUNT || tarn_get16(place + 18) != 0) return false;
    }
    return true;
}

/* The range of a bucket, checked on first use. */
static tarn_code use_bucket(const tarn_index *index, uint32_t bucket, const char *name, uint32_t *from, uint32_t *to,
                            tarn_err *err)
{
    const uint8_t *fan = index->bytes + fan_at() + (size_t)bucket * FAN;

    *from = bucket > 0 ? tarn_get32(fan - FAN) : 0;
    *to = tarn_get32(fan);
    if (atomic_load_explicit(&index->checked[bucket], memory_order_relaxed)) return TARN_OK;
    if (bucket_crc(index->bytes, index->bits, index->n, *from, *to) != tarn_get32(fan + 4) ||
        !bucket_sound(index, bucket, *from, *to))
        return damaged(name, err);
    atomic_store_explicit(&index->checked[bucket], 1, memory_order_relaxed);
    return TARN_OK;
}

tarn_code tarn_index_seek(const tarn_index *index, const tarn_id *id, const char *name, uint32_t *at, tarn_err *err)
{
    uint32_t from = 0, to = 0;
    tarn_code rc = use_bucket(index, bucket_of(id, index->bits), name, &from, &to, err);

    if (rc != TARN_OK) return rc;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        const uint8_t *there = index->bytes + ids_at(index->bits) + (size_t)middle * TARN_ID_BYTES;
        if (memcmp(there, id->b, TARN_ID_BYTES) < 0) from = middle + 1;
        else to = middle;
    }
    *at = from;
    return TARN_OK;
}

static void read_entry(const tarn_index *index, uint32_t i, tarn_indexed *out)
{
    const uint8_t *p = index->bytes + places_at(index->bits, index->n) + (size_t)i * PLACE;

    *out = (tarn_indexed){.id = id_at(index, i),
                          .where = {.pack = tarn_get32(p),
                                    .offset = tarn_get32(p + 4),
                                    .stored = tarn_get32(p + 8),
                                    .raw = tarn_get32(p + 12),
                                    .kind = p[16],
                                    .coding = p[17]}};
}

tarn_code tarn_index_find(const tarn_index *index, const tarn_id *id, const char *name, tarn_where *out, bool *found,
                          tarn_err *err)
{
    uint32_t at = 0;
    tarn_indexed e;
    tarn_code rc = tarn_index_seek(index, id, name, &at, err);

    *found = false;
    if (rc != TARN_OK || at >= index->n) return rc;
    read_entry(index, at, &e);
    *found = tarn_id_equal(&e.id, id);
    if (*found) *out = e.where;
    return TARN_OK;
}

tarn_code tarn_index_at(const tarn_index *index, uint32_t i, const char *name, tarn_indexed *out, tarn_err *err)
{
    uint32_t from, to;

    if (i >= index->n)
        return TARN_FAIL(err, TARN_INVALID, "the index of %s has %u entries, not %u", name, index->n, i + 1);
    tarn_id id = id_at(index, i);
    tarn_code rc = use_bucket(index, bucket_of(&id, index->bits), name, &from, &to, err);
    if (rc != TARN_OK) return rc;
    if (i < from || i >= to) return damaged(name, err);
    read_entry(index, i, out);
    return TARN_OK;
}
