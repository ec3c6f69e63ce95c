/* SPDX-License-Identifier: Apache-2.0 */
/* object.c - lists of chunks, and what is asked of an object as a whole. See object.h for how one is stored; writing.c
 * brings content in, reading.c out.
 *
 * A part of a list ends where a chunk's id says so (or at PART_MOST chunks), so that an insertion into a huge
 * object changes few parts. */
#include "lake/object.h"

#include "base/mem.h"
#include "lake/bytes.h"

enum { LIST_HEAD = 24, LIST_ENTRY = 40, PART_LEAST = 256, PART_MOST = 4096 };

static const char magic[8] = {'T', 'A', 'R', 'N', 'L', 'S', 'T', '1'};

/* ---- lists ---- */

static tarn_code sum_of(const uint8_t *bytes, size_t len, const tarn_id *object, tarn_id *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_hasher *h = NULL;

    TARN_TRY(tarn_hasher_new(&h, err));
    TARN_TRY(tarn_hasher_add(h, object->b, TARN_ID_BYTES, err));
    TARN_TRY(tarn_hasher_add(h, bytes, len, err));
    TARN_TRY(tarn_hasher_end(h, out, err));
done:
    tarn_hasher_free(h);
    return rc;
}

void tarn_list_again(const uint8_t *bytes, tarn_list_view *out)
{
    *out = (tarn_list_view){
        .level = bytes[8], .n = tarn_get32(bytes + 12), .total = tarn_get64(bytes + 16), .entries = bytes + LIST_HEAD};
}

tarn_code tarn_list_open(const uint8_t *bytes, size_t len, const tarn_id *object, tarn_list_view *out, tarn_err *err)
{
    tarn_id sum;
    uint64_t total = 0;
    size_t body = object ? len - TARN_ID_BYTES : len;

    if (len < LIST_HEAD + LIST_ENTRY + (object ? TARN_ID_BYTES : 0) || memcmp(bytes, magic, sizeof magic) != 0)
        return TARN_FAIL(err, TARN_CORRUPT, "a list of chunks is not one");
    tarn_list_again(bytes, out);
    if (out->level >= TARN_LIST_LEVELS || out->n != (body - LIST_HEAD) / LIST_ENTRY ||
        (body - LIST_HEAD) % LIST_ENTRY != 0)
        return TARN_FAIL(err, TARN_CORRUPT, "a list of chunks has the wrong length");
    for (uint32_t i = 0; i < out->n; i++) {
        uint64_t size = tarn_get64(out->entries + (size_t)i * LIST_ENTRY + TARN_ID_BYTES);
        if (size == 0 || size > UINT64_MAX / 2 - total || (out->level == 0 && size > TARN_CHUNK_MOST))
            return TARN_FAIL(err, TARN_CORRUPT, "a list of chunks has impossible sizes");
        total += size;
    }
    if (total != out->total) return TARN_FAIL(err, TARN_CORRUPT, "a list of chunks does not add up");
    if (!object) return TARN_OK;
    tarn_code rc = sum_of(bytes, body, object, &sum, err);
    if (rc != TARN_OK) return rc;
    if (memcmp(sum.b, bytes + body, TARN_ID_BYTES) != 0)
        return TARN_FAIL(err, TARN_CORRUPT, "the list of chunks does not match its sum");
    return TARN_OK;
}

void tarn_list_at(const tarn_list_view *list, uint32_t i, tarn_id *id, uint64_t *size)
{
    const uint8_t *p = list->entries + (size_t)i * LIST_ENTRY;

    memcpy(id->b, p, TARN_ID_BYTES);
    *size = tarn_get64(p + TARN_ID_BYTES);
}

void tarn_list_clear(tarn_list_writer *w)
{
    for (int i = 0; i < TARN_LIST_LEVELS; i++) tarn_free(w->level[i].bytes);
}

static size_t list_finish(tarn_list_writer *w, int level)
{
    uint8_t *b = w->level[level].bytes;

    memset(b, 0, LIST_HEAD);
    memcpy(b, magic, sizeof magic);
    b[8] = (uint8_t)level;
    tarn_put32(b + 12, w->level[level].n);
    tarn_put64(b + 16, w->level[level].total);
    return LIST_HEAD + (size_t)w->level[level].n * LIST_ENTRY;
}

static tarn_code list_add(tarn_list_writer *w, int level, const tarn_id *id, uint64_t size, tarn_err *err);

static tarn_code list_store(tarn_list_writer *w, int level, tarn_kind kind, const tarn_id *id, size_t len,
                            tarn_err *err)
{
    return tarn_store_put_like(w->lake, id, kind, w->level[level].bytes, len, &w->like, w->has_like && level == 0, err);
}

/* The part is full: store it and name it one level up. */
static tarn_code list_part(tarn_list_writer *w, int level, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id id;

    if (level + 1 == TARN_LIST_LEVELS) return TARN_FAIL(err, TARN_LIMIT, "the content is larger than an object can be");
    size_t len = list_finish(w, level);
    TARN_TRY(tarn_digest(w->level[level].bytes, len, &id, err));
    TARN_TRY(list_store(w, level, TARN_KIND_PART, &id, len, err));
    uint64_t total = w->level[level].total;
    w->level[level].n = 0;
    w->level[level].total = 0;
    TARN_TRY(list_add(w, level + 1, &id, total, err));
done:
    return rc;
}

static tarn_code list_add(tarn_list_writer *w, int level, const tarn_id *id, uint64_t size, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (w->level[level].n == PART_MOST ||
        (w->level[level].n >= PART_LEAST &&
         (tarn_get16(w->level[level].bytes + LIST_HEAD + ((size_t)w->level[level].n - 1) * LIST_ENTRY) & 1023) == 0))
        TARN_TRY(list_part(w, level, err));
    if (!w->level[level].bytes)
        TARN_TRY(
            tarn_alloc(&w->level[level].bytes, LIST_HEAD + (size_t)PART_MOST * LIST_ENTRY + TARN_ID_BYTES, 1, err));
    uint8_t *p = w->level[level].bytes + LIST_HEAD + (size_t)w->level[level].n * LIST_ENTRY;
    memcpy(p, id->b, TARN_ID_BYTES);
    tarn_put64(p + TARN_ID_BYTES, size);
    w->level[level].n++;
    w->level[level].total += size;
done:
    return rc;
}

tarn_code tarn_list_add(tarn_list_writer *w, const tarn_id *id, uint64_t size, tarn_err *err)
{
    return list_add(w, 0, id, size, err);
}

tarn_code tarn_list_end(tarn_list_writer *w, const tarn_id *object, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id sum;
    int top = 0;

    for (int level = 1; level < TARN_LIST_LEVELS; level++) {
        if (w->level[level].n == 0) break;
        TARN_TRY(list_part(w, level - 1, err));
        top = level;
    }
    size_t len = list_finish(w, top);
    TARN_TRY(sum_of(w->level[top].bytes, len, object, &sum, err));
    memcpy(w->level[top].bytes + len, sum.b, TARN_ID_BYTES);
    TARN_TRY(list_store(w, top, TARN_KIND_LIST, object, len + TARN_ID_BYTES, err));
done:
    return rc;
}

/* ---- objects ---- */

tarn_code tarn_object_note(tarn_code rc, const tarn_id *id, tarn_err *err)
{
    char hex[TARN_ID_HEX];

    if (rc != TARN_OK && rc != TARN_CANCELLED) tarn_err_note(err, "object %.12s", tarn_id_hex(id, hex));
    return rc;
}

tarn_code tarn_object_look(tarn_lake *lake, const tarn_id *id, uint64_t *size, bool *is_list, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_where where = {0};
    tarn_slab slab = {0};
    tarn_list_view list;
    bool found = false;
    char hex[TARN_ID_HEX];

    TARN_TRY(tarn_store_find(lake, id, &where, &found, err));
    if (!found) return TARN_FAIL(err, TARN_NOT_FOUND, "object %.12s is not in the lake", tarn_id_hex(id, hex));
    *is_list = where.kind == TARN_KIND_LIST;
    *size = where.raw;
    if (!*is_list) goto done;
    TARN_TRY(tarn_store_get(lake, id, "object", &slab, NULL, err));
    TARN_TRY(tarn_object_note(tarn_list_open(slab.bytes, slab.len, id, &list, err), id, err));
    *size = list.total;
done:
    tarn_slab_clear(&slab);
    return rc;
}

static tarn_code give_to_hasher(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    return tarn_hasher_add(arg, bytes, len, err);
}

static tarn_code check_hash(tarn_hasher *hasher, const tarn_id *id, tarn_err *err)
{
    tarn_id hash;
    char hex[TARN_ID_HEX];
    tarn_code rc = tarn_hasher_end(hasher, &hash, err);

    if (rc != TARN_OK || tarn_id_equal(&hash, id)) return rc;
    return TARN_FAIL(err, TARN_CORRUPT, "object %.12s: bytes do not match their name", tarn_id_hex(id, hex));
}

tarn_code tarn_object_check(tarn_lake *lake, const tarn_id *id, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_hasher *hasher = NULL;

    TARN_TRY(tarn_hasher_new(&hasher, err));
    TARN_TRY(tarn_lake_read(lake, id, 0, UINT64_MAX, give_to_hasher, hasher, err));
    TARN_TRY(check_hash(hasher, id, err));
done:
    tarn_hasher_free(hasher);
    return rc;
}

typedef struct filling {
    char *bytes;
    size_t at;
    tarn_hasher *hasher;
} filling;

static tarn_code give_to_memory(void *arg, const void *bytes, size_t len, tarn_err *err)
{
    filling *f = arg;

    memcpy(f->bytes + f->at, bytes, len);
    f->at += len;
    return tarn_hasher_add(f->hasher, bytes, len, err);
}

tarn_code tarn_lake_get(tarn_lake *lake, const tarn_id *id, size_t most, char **out, size_t *len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    filling f = {0};
    uint64_t size = 0;
    bool list = false;
    char hex[TARN_ID_HEX];

    if (most == 0) most = (size_t)1 << 30;
    TARN_TRY(tarn_object_look(lake, id, &size, &list, err));
    if (size > most)
        return TARN_FAIL(err, TARN_LIMIT, "object %.12s has %llu bytes, more than the %zu wanted at most",
                         tarn_id_hex(id, hex), (unsigned long long)size, most);
    TARN_TRY(tarn_alloc(&f.bytes, (size_t)size + 1, 1, err));
    TARN_TRY(tarn_hasher_new(&f.hasher, err));
    TARN_TRY(tarn_lake_read(lake, id, 0, size, give_to_memory, &f, err));
    if (list) TARN_TRY(check_hash(f.hasher, id, err));
    if (f.at != size) return tarn_object_note(TARN_FAIL(err, TARN_CORRUPT, "ends early"), id, err);
    *out = f.bytes;
    if (len) *len = (size_t)size;
    f.bytes = NULL;
done:
    tarn_free(f.bytes);
    tarn_hasher_free(f.hasher);
    return rc;
}

tarn_code tarn_lake_has(tarn_lake *lake, const tarn_id *id, bool *has, tarn_err *err)
{
    tarn_where where;

    return tarn_store_find(lake, id, &where, has, err);
}
