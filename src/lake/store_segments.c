/* SPDX-License-Identifier: Apache-2.0 */
/* store_segments.c - the indexes of stored packs: opening them, and having those that meta.db names. See store.c. */
#include "lake/store_inside.h"

#include "base/mem.h"
#include "lake/place.h"

#include <stdlib.h>
#include <string.h>

void tarn_segment_close(tarn_segment *s)
{
    tarn_index_close(&s->index);
    tarn_map_close(&s->map);
    tarn_free(s->owned);
}

tarn_code tarn_store_blob(const char *pack, char out[80], tarn_err *err)
{
    int n = snprintf(out, 80, "packs/%s", pack);
    return n > 0 && n < 80 ? TARN_OK : TARN_FAIL(err, TARN_CORRUPT, "'%.40s' cannot name a pack", pack);
}

bool tarn_runs_are_shared(const tarn_lake *lake) { return tarn_meta_is_shared(lake->meta); }

/* A run that another server made: from the store into .tarn/index, if it is what its name says. */
static tarn_code fetch_run(tarn_lake *lake, const char *name, const char *path, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_place place = {.fd = -1};
    char blob[80], hex[TARN_ID_HEX];
    uint8_t *bytes = NULL;
    uint64_t size = 0;
    tarn_id id;

    (void)snprintf(blob, sizeof blob, "index/%.63s", name);
    TARN_TRY(lake->backend->size(lake->packs, blob, &size, err));
    TARN_TRY(tarn_alloc(&bytes, (size_t)size, 1, err));
    TARN_TRY(lake->origin->get(lake->origin_packs, blob, 0, (size_t)size, bytes, err));
    TARN_TRY(tarn_digest(bytes, (size_t)size, &id, err));
    if (strncmp(name, "r-", 2) != 0 || strncmp(tarn_id_hex(&id, hex), name + 2, 32) != 0) {
        rc = TARN_FAIL(err, TARN_CORRUPT, "the index of %s is damaged in the store; 'tarn lake fsck' makes it again",
                       name);
        goto done;
    }
    TARN_TRY(tarn_place_open(lake, &place, err));
    TARN_TRY(tarn_place_write(&place, bytes, (size_t)size, err));
    TARN_TRY(tarn_place_commit(&place, path, err));
done:
    tarn_place_close(&place);
    tarn_free(bytes);
    return rc;
}

static tarn_code open_run(tarn_lake *lake, tarn_segment *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_LAKE_PATH + 80];

    (void)snprintf(path, sizeof path, "%s/index/%s", lake->inside, s->row.name);
    if (tarn_runs_are_shared(lake) && !tarn_path_exists(path)) TARN_TRY(fetch_run(lake, s->row.name, path, err));
    if ((rc = tarn_map_open(path, &s->map, err)) == TARN_INVALID) /* a folder, also where the row has lost its name */
        return TARN_FAIL(err, TARN_CORRUPT, "meta.db or .tarn/index is damaged: '%s' names no index of packs",
                         s->row.name);
    TARN_TRY(rc);
    TARN_TRY(tarn_index_open(&s->index, s->map.bytes, s->map.len, s->row.name, err));
    if (s->index.n != s->row.records)
        rc = TARN_FAIL(err, TARN_CORRUPT, "index %s has %u entries, not the %llu that meta.db tells", s->row.name,
                       s->index.n, (unsigned long long)s->row.records);
done:
    return rc;
}

/* The tail tells where the index is. */
tarn_code tarn_segment_open(tarn_lake *lake, tarn_segment *s, int64_t *made_us, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char blob[80];
    uint8_t bytes[TARN_PACK_TAIL];
    tarn_tail tail;

    TARN_TRY(tarn_store_blob(s->row.name, blob, err));
    if (s->row.bytes < TARN_PACK_TAIL)
        return TARN_FAIL(err, TARN_CORRUPT, "meta.db is damaged: pack %s of %llu bytes", s->row.name,
                         (unsigned long long)s->row.bytes);
    TARN_TRY(lake->backend->get(lake->packs, blob, s->row.bytes - TARN_PACK_TAIL, sizeof bytes, bytes, err));
    TARN_TRY(tarn_tail_read(bytes, s->row.bytes, s->row.name, &tail, err));
    if (made_us) *made_us = tail.made_us;
    TARN_TRY(tarn_alloc(&s->owned, tail.index_len, 1, err));
    TARN_TRY(lake->backend->get(lake->packs, blob, tail.index_at, tail.index_len, s->owned, err));
    TARN_TRY(tarn_index_open(&s->index, s->owned, tail.index_len, s->row.name, err));
done:
    return rc;
}

tarn_code tarn_store_segment_room(tarn_lake *lake, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (lake->n_segments < lake->cap_segments) return TARN_OK;
    size_t cap = lake->cap_segments ? lake->cap_segments * 2 : 16;
    TARN_TRY(tarn_resize(&lake->segments, cap, sizeof *lake->segments, err));
    lake->cap_segments = cap;
done:
    return rc;
}

/* ---- loading the segments that meta.db names ---- */

typedef struct loading {
    tarn_lake *lake;
    tarn_segment *now; /* what was there already moves from lake->segments to here */
    size_t n, cap;
    bool last_attempt; /* what is missing now stays missing */
} loading;

static bool same_row(const tarn_pack_row *a, const tarn_pack_row *b)
{
    return a->num == b->num && a->run == b->run && strcmp(a->name, b->name) == 0;
}

/* Leaves an empty segment with the same row behind. */
static tarn_segment move_out(tarn_segment *s)
{
    tarn_segment moved = *s;

    *s = (tarn_segment){.map = {.bytes = ""}, .row = moved.row};
    return moved;
}

/* A damaged index must not hide what the others hold: it is kept as a segment that says so. */
static tarn_code open_segment(loading *l, tarn_segment *s, tarn_err *err)
{
    tarn_err why = {0};
    tarn_code rc = s->row.run ? open_run(l->lake, s, &why) : tarn_segment_open(l->lake, s, NULL, &why);

    if (rc == TARN_OK) return rc;
    tarn_pack_row row = s->row;
    tarn_segment_close(s);
    *s = (tarn_segment){.map = {.bytes = ""}, .row = row};
    if (rc != TARN_CORRUPT && !(rc == TARN_NOT_FOUND && l->last_attempt)) return TARN_FAIL(err, rc, "%s", why.msg);
    (void)snprintf(s->damage, sizeof s->damage, "%.239s", why.msg);
    return TARN_OK;
}

static tarn_code load_one(void *arg, const tarn_pack_row *row, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    loading *l = arg;
    tarn_segment fresh = {.row = *row, .map = {.bytes = ""}};

    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        TARN_TRY(tarn_resize(&l->now, cap, sizeof *l->now, err));
        l->cap = cap;
    }
    for (size_t i = 0; i < l->lake->n_segments; i++) {
        tarn_segment *s = &l->lake->segments[i];
        if (!s->index.bytes || !same_row(&s->row, row)) continue;
        l->now[l->n++] = move_out(s);
        return TARN_OK;
    }
    TARN_TRY(open_segment(l, &fresh, err));
    l->now[l->n++] = fresh;
    fresh = (tarn_segment){.map = {.bytes = ""}};
done:
    tarn_segment_close(&fresh);
    return rc;
}

/* What was moved goes back to its place, what is new is closed. */
static void undo_load(loading *l)
{
    for (size_t i = 0; i < l->n; i++) {
        size_t k = 0;
        while (k < l->lake->n_segments &&
               (l->lake->segments[k].index.bytes || !same_row(&l->lake->segments[k].row, &l->now[i].row)))
            k++;
        if (k < l->lake->n_segments) l->lake->segments[k] = l->now[i];
        else tarn_segment_close(&l->now[i]);
    }
    tarn_free(l->now);
}

tarn_code tarn_store_swept(tarn_lake *lake, int64_t *out, tarn_err *err)
{
    char *text = NULL;
    tarn_code rc = tarn_meta_fact_get(lake->meta, TARN_FACT_SWEPT, &text, err);

    *out = rc == TARN_OK ? strtoll(text, NULL, 10) : 0;
    tarn_free(text);
    return rc == TARN_NOT_FOUND ? TARN_OK : rc;
}

static tarn_code load_once(tarn_lake *lake, bool last_attempt, tarn_err *err)
{
    loading l = {.lake = lake, .last_attempt = last_attempt};
    int64_t version = 0;
    tarn_code rc = TARN_OK;

    int64_t swept = 0;

    TARN_TRY(tarn_meta_version(lake->meta, &version, err));
    TARN_TRY(tarn_store_swept(lake, &swept, err));
    TARN_TRY(tarn_meta_indexes(lake->meta, load_one, &l, err));
    for (size_t i = 0; i < lake->n_segments; i++) /* pending ones stay */
        if (lake->segments[i].row.num == 0 && lake->segments[i].index.bytes)
            TARN_TRY(load_one(&l, &lake->segments[i].row, err));
    for (size_t i = 0; i < lake->n_segments; i++)
        tarn_segment_close(&lake->segments[i]); /* the others are gone from meta.db */
    tarn_free(lake->segments);
    lake->segments = l.now;
    lake->n_segments = l.n;
    lake->cap_segments = l.cap;
    lake->meta_version = version;
    if (swept != lake->swept && lake->looked)
        tarn_plain_forget(lake->looked); /* what is gone is not answered from memory */
    lake->swept = swept;
    return TARN_OK;
done:
    undo_load(&l);
    return rc;
}

tarn_code tarn_store_load(tarn_lake *lake, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (int attempt = 0; attempt < TARN_STORE_CHANGES;
         attempt++) { /* another process may unite indexes while we look */
        rc = load_once(lake, attempt == TARN_STORE_CHANGES - 1, err);
        if (rc != TARN_NOT_FOUND) break;
    }
    return rc;
}
