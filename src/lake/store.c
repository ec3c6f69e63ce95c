/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - chunks by id: over the open pack, the stored packs and their indexes.
 *
 * A chunk that comes in is hashed and compressed outside the lock and put into the open pack. The open pack is
 * stored when it is full, or when a transaction needs what is in it; its index is then a pending segment, entered
 * into meta.db by the next transaction. So data is synced before meta.db names it, and meta.db names it in the
 * same instant as the ref that needs it.
 *
 * Looking up asks the open pack, then the segments, of which there are O(log n) (merge.c). */
#include "lake/delta.h"

#include "base/mem.h"
#include "lake/place.h"

#include <stdlib.h>
#include <string.h>

/* How often others may change things under our eyes before we call it damage. */
enum { MOST_CHANGES = 100 };

/* ---- segments ---- */

void tarn_segment_close(tarn_segment *s)
{
    tarn_index_close(&s->index);
    tarn_map_close(&s->map);
    tarn_free(s->owned);
}

static tarn_code blob_name(const char *pack, char out[80], tarn_err *err)
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
    TARN_TRY(tarn_map_open(path, &s->map, err));
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

    TARN_TRY(blob_name(s->row.name, blob, err));
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

static tarn_code room_for_segment(tarn_lake *lake, tarn_err *err)
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

    for (int attempt = 0; attempt < MOST_CHANGES; attempt++) { /* another process may unite indexes while we look */
        rc = load_once(lake, attempt == MOST_CHANGES - 1, err);
        if (rc != TARN_NOT_FOUND) break;
    }
    return rc;
}

/* Of what went to the disk early nothing is wanted any more. */
static void drop_draft(tarn_lake *lake)
{
    if (lake->draft) (void)lake->backend->early(lake->packs, &lake->draft, NULL, 0, NULL);
    lake->draft = NULL;
    lake->drafted = 0;
}

void tarn_store_close(tarn_lake *lake)
{
    drop_draft(lake);
    for (size_t i = 0; i < lake->n_segments; i++) tarn_segment_close(&lake->segments[i]);
    tarn_free(lake->segments);
    tarn_pack_clear(&lake->open);
    tarn_free(lake->bases.v);
}

/* ---- looking up ---- */

typedef struct spot {
    tarn_id name; /* the id, or what stands for it in a sealed pack */
    tarn_where where;
    bool in_open, pending; /* in the open pack, in one that is not in meta.db yet */
    char pack[64];
    tarn_key key; /* in the open pack of an encrypted lake */
} spot;

static tarn_code pack_name(tarn_lake *lake, uint32_t num, char out[64], tarn_err *err)
{
    uint32_t at = num % TARN_NAMES_KEPT;

    if (lake->names[at].num != num || num == 0) {
        tarn_code rc = tarn_meta_pack_name(lake->meta, num, lake->names[at].name, err);
        lake->names[at].num = rc == TARN_OK ? num : 0;
        if (rc == TARN_NOT_FOUND)
            return TARN_FAIL(err, TARN_CORRUPT, "an index names pack %u, which meta.db does not know", num);
        if (rc != TARN_OK) return rc;
    }
    memcpy(out, lake->names[at].name, 64);
    return TARN_OK;
}

/* Damage is an answer only if no sound segment has the id. */
static tarn_code look_in_segments(tarn_lake *lake, const tarn_id *name, spot *out, bool *found, tarn_err *err)
{
    tarn_code rc = TARN_OK, damaged = TARN_OK;

    *found = false;
    for (size_t i = lake->n_segments; i-- > 0;) {
        tarn_segment *s = &lake->segments[i];
        if (s->damage[0] && damaged == TARN_OK) damaged = TARN_FAIL(err, TARN_CORRUPT, "%s", s->damage);
        if (!s->index.bytes) continue;
        rc = tarn_index_find(&s->index, name, s->row.name, &out->where, found, damaged == TARN_OK ? err : NULL);
        if (rc == TARN_CORRUPT) damaged = rc;
        else if (rc != TARN_OK) return rc;
        if (!*found) continue;
        out->in_open = false;
        out->pending = !s->row.run && s->row.num == 0;
        if (!s->row.run) {
            (void)snprintf(out->pack, sizeof out->pack, "%s", s->row.name);
            return TARN_OK;
        }
        rc = pack_name(lake, out->where.pack, out->pack, err);
        if (rc == TARN_OK) return rc;
        *found = false; /* swept, or damaged: another segment may have it */
        if (rc != TARN_CORRUPT) return rc;
        damaged = rc;
    }
    return damaged;
}

/* Under the lock. For reading, other processes' newest packs count too, and damage is an error; for writing a
 * chunk that cannot be found is simply stored again. */
static tarn_code locate_name(tarn_lake *lake, const tarn_id *name, bool reading, spot *out, bool *found, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t version = 0;
    const tarn_where *open = tarn_pack_find(&lake->open, name);

    *found = open != NULL;
    out->name = *name;
    if (open) {
        *out = (spot){.name = *name, .where = *open, .in_open = true, .key = lake->open.key};
        return TARN_OK;
    }
    for (int attempt = 0;; attempt++) { /* others may sweep again meanwhile: it is gone only if nobody did */
        tarn_code looked = look_in_segments(lake, name, out, found, err);
        if (!reading) return looked == TARN_CORRUPT ? TARN_OK : looked;
        if (*found) return looked;
        TARN_TRY(tarn_meta_version(lake->meta, &version, err));
        if (version == lake->meta_version || attempt == MOST_CHANGES) return looked;
        TARN_TRY(tarn_store_load(lake, err));
    }
done:
    return rc;
}

/* By id; the kind is not known, and a commit's name is made in another way than that of all others. */
static tarn_code locate(tarn_lake *lake, const tarn_id *id, bool reading, spot *out, bool *found, tarn_err *err)
{
    tarn_id name;

    if (!lake->ring) return locate_name(lake, id, reading, out, found, err);
    tarn_ring_name(lake->ring, TARN_KIND_CHUNK, id, &name);
    tarn_code rc = locate_name(lake, &name, reading, out, found, err);
    if (*found || (rc != TARN_OK && rc != TARN_CORRUPT)) return rc;
    tarn_code second = locate_name(lake, id, reading, out, found, rc == TARN_OK ? err : NULL);
    return *found || rc == TARN_OK ? second : rc;
}

tarn_code tarn_store_find(tarn_lake *lake, const tarn_id *id, tarn_where *where, bool *found, tarn_err *err)
{
    spot s;

    tarn_lake_lock(lake);
    tarn_code rc = locate(lake, id, true, &s, found, err);
    tarn_lake_unlock(lake);
    if (rc == TARN_OK && *found) *where = s.where;
    return rc;
}

/* Find the record, and copy it if it is in the open pack. */
static tarn_code locate_and_copy(tarn_lake *lake, const tarn_id *id, tarn_slab *slab, spot *s, bool *found,
                                 tarn_err *err)
{
    tarn_code rc = TARN_OK;

    tarn_lake_lock(lake);
    TARN_TRY(locate(lake, id, true, s, found, err));
    if (!*found) goto done;
    size_t len = TARN_RECORD_HEAD + (size_t)s->where.stored;
    TARN_TRY(tarn_slab_need(&slab->stored, &slab->stored_cap, len, err));
    if (s->in_open) memcpy(slab->stored, lake->open.bytes + s->where.offset, len);
done:
    tarn_lake_unlock(lake);
    return rc;
}

/* If it is sealed, open what is in slab->stored: a record as in a plain lake is there then. */
static tarn_code unseal(tarn_lake *lake, spot *s, tarn_slab *slab, tarn_err *err)
{
    tarn_id is;

    if (!lake->ring) return TARN_OK;
    tarn_code rc = tarn_record_unseal(lake->ring, &s->key, &s->name, &s->where, slab, &is, err);
    tarn_secret_wipe(&s->key, sizeof s->key);
    return rc;
}

/* The record's bytes into slab->stored, and the key if they are sealed. TARN_NOT_FOUND with *found: its pack is
 * missing. */
static tarn_code fetch(tarn_lake *lake, const tarn_id *id, tarn_slab *slab, spot *s, bool *found, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char blob[80];

    TARN_TRY(locate_and_copy(lake, id, slab, s, found, err));
    if (!*found || s->in_open || s->where.stored > TARN_RECORD_MOST + TARN_RECORD_MORE) goto done;
    TARN_TRY(blob_name(s->pack, blob, err));
    TARN_TRY(lake->backend->get(lake->packs, blob, s->where.offset, TARN_RECORD_HEAD + (size_t)s->where.stored,
                                slab->stored, err));
    if (lake->ring) TARN_TRY(tarn_sealed_pack_key(lake, s->pack, &s->key, err));
done:
    return rc;
}

/* A pack that is gone may have been swept by another process, and the record be in another pack now. */
static tarn_code fetch_again(tarn_lake *lake, const tarn_id *id, tarn_slab *slab, spot *s, bool *found, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t version = 0;

    tarn_lake_lock(lake);
    rc = tarn_meta_version(lake->meta, &version, err);
    if (rc == TARN_OK) rc = tarn_store_load(lake, err);
    tarn_lake_unlock(lake);
    return rc == TARN_OK ? fetch(lake, id, slab, s, found, err) : rc;
}

static tarn_code get_record(tarn_lake *lake, const tarn_id *id, const char *what, tarn_proof proof, tarn_slab *slab,
                            tarn_where *where, tarn_record_facts *facts, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    spot s = {0};
    bool found = false;
    char hex[TARN_ID_HEX], note[160];
    tarn_before before = {.lake = lake, .work = facts->work};

    rc = fetch(lake, id, slab, &s, &found, err);
    for (int attempt = 0; attempt < MOST_CHANGES && rc == TARN_NOT_FOUND; attempt++) {
        (void)snprintf(note, sizeof note, "%s", s.pack);
        rc = fetch_again(lake, id, slab, &s, &found, err);
        if (strcmp(note, s.pack) == 0) break; /* files go after their names: named still, it is really missing */
    }
    (void)tarn_id_hex(id, hex);
    if (rc == TARN_NOT_FOUND && s.pending) {
        tarn_lake_lock(lake);
        tarn_store_discard(lake); /* it waited so long to be named that it was taken for a leftover */
        tarn_lake_unlock(lake);
        return TARN_FAIL(err, TARN_NOT_FOUND, "%s %.12s was swept by a garbage collection; put it again", what, hex);
    }
    if (rc == TARN_NOT_FOUND) rc = TARN_FAIL(err, TARN_CORRUPT, "%s %.12s: its pack %s is missing", what, hex, s.pack);
    if (rc != TARN_OK) goto done;
    if (!found) return TARN_FAIL(err, TARN_NOT_FOUND, "%s %.12s is not in the lake", what, hex);
    if (s.where.stored > TARN_RECORD_MOST + TARN_RECORD_MORE)
        return TARN_FAIL(err, TARN_CORRUPT, "%s %.12s has an impossible length", what, hex);
    const tarn_opening how = {
        .codec = lake->codec, .proof = proof, .before = tarn_before_get, .arg = &before, .delta = &facts->delta};
    rc = unseal(lake, &s, slab, err);
    if (rc == TARN_OK) rc = tarn_record_open(&how, id, &s.where, slab, err);
    if (rc != TARN_OK &&
        (proof == TARN_PROOF_HASH || !before.failed)) { /* of bases of bases the one at fault is enough */
        (void)snprintf(note, sizeof note, "%s %.12s (pack %s, offset %u)", what, hex, s.pack, s.where.offset);
        tarn_err_note(err, "%s", note);
    }
    facts->cost = 1 + before.cost;
    if (where) *where = s.where;
done:
    tarn_before_clear(&before);
    return rc;
}

tarn_code tarn_store_get(tarn_lake *lake, const tarn_id *id, const char *what, tarn_slab *slab, tarn_where *where,
                         tarn_err *err)
{
    int work = TARN_DELTA_WORK;

    return get_record(lake, id, what, TARN_PROOF_HASH, slab, where, &(tarn_record_facts){.work = &work}, err);
}

tarn_code tarn_store_get_unproved(tarn_lake *lake, const tarn_id *id, const char *what, tarn_slab *slab, tarn_err *err)
{
    int work = TARN_DELTA_WORK;

    return get_record(lake, id, what, TARN_PROOF_BY_CALLER, slab, NULL, &(tarn_record_facts){.work = &work}, err);
}

tarn_code tarn_store_load_record(tarn_lake *lake, const tarn_id *id, const char *what, tarn_slab *slab,
                                 tarn_record_facts *facts, tarn_err *err)
{
    return get_record(lake, id, what, TARN_PROOF_SUM, slab, NULL, facts, err);
}

typedef struct likes {
    const tarn_id *from;
    int digits, n;
    tarn_id *found;
} likes;

static bool starts_like(const tarn_id *id, const tarn_id *from, int digits)
{
    if (memcmp(id->b, from->b, (size_t)digits / 2) != 0) return false;
    return digits % 2 == 0 || (id->b[digits / 2] >> 4) == (from->b[digits / 2] >> 4);
}

static void add_like(likes *l, const tarn_id *id)
{
    if (l->n == 2 || (l->n == 1 && tarn_id_equal(&l->found[0], id))) return;
    l->found[l->n++] = *id;
}

static tarn_code likes_of_segment(const tarn_segment *s, likes *l, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_indexed e;
    uint32_t at = 0;

    if (!s->index.bytes) return TARN_OK;
    TARN_TRY(tarn_index_seek(&s->index, l->from, s->row.name, &at, err));
    for (; at < s->index.n; at++) {
        TARN_TRY(tarn_index_at(&s->index, at, s->row.name, &e, err));
        if (!starts_like(&e.id, l->from, l->digits)) break;
        if (e.where.kind == TARN_KIND_COMMIT) add_like(l, &e.id);
    }
done:
    return rc;
}

tarn_code tarn_store_commits_like(tarn_lake *lake, const tarn_id *from, int digits, tarn_id found[2], int *n,
                                  tarn_err *err)
{
    tarn_code rc = TARN_OK;
    likes l = {.from = from, .digits = digits, .found = found};
    int64_t version = 0;

    tarn_lake_lock(lake);
    TARN_TRY(tarn_meta_version(lake->meta, &version, err));
    if (version != lake->meta_version) TARN_TRY(tarn_store_load(lake, err));
    for (size_t i = 0; i < lake->n_segments; i++) TARN_TRY(likes_of_segment(&lake->segments[i], &l, err));
    for (size_t i = 0; i < lake->open.n; i++)
        if (lake->open.entries[i].where.kind == TARN_KIND_COMMIT &&
            starts_like(&lake->open.entries[i].id, from, digits))
            add_like(&l, &lake->open.entries[i].id);
    *n = l.n;
done:
    tarn_lake_unlock(lake);
    return rc;
}

/* ---- writing ---- */

static tarn_code may_write(const tarn_lake *lake, tarn_err *err)
{
    if (lake->readonly)
        return TARN_FAIL(err, TARN_DENIED, "the lake '%s' cannot be written here (read-only folder or no permission)",
                         lake->inside);
    if (lake->broken)
        return TARN_FAIL(err, TARN_IO,
                         "an earlier write to the disk failed, so nothing more is written; check the disk, then open "
                         "the lake again");
    return TARN_OK;
}

static tarn_code pending_segment(tarn_lake *lake, const char *name, size_t index_at, size_t index_len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_segment s = {.map = {.bytes = ""}};

    s.row.bytes = lake->open.len;
    s.row.records = lake->open.n;
    (void)snprintf(s.row.name, sizeof s.row.name, "%s", name);
    TARN_TRY(room_for_segment(lake, err));
    TARN_TRY(tarn_alloc(&s.owned, index_len, 1, err));
    memcpy(s.owned, lake->open.bytes + index_at, index_len);
    TARN_TRY(tarn_index_open(&s.index, s.owned, index_len, s.row.name, err));
    lake->segments[lake->n_segments++] = s;
    s = (tarn_segment){.map = {.bytes = ""}};
done:
    tarn_segment_close(&s);
    return rc;
}

static void reset_open(tarn_lake *lake)
{
    drop_draft(lake);
    lake->no_draft = false;
    tarn_pack_reset(&lake->open);
}

/* Hand the sealed pack to the backend: what is behind its beginning, where that is on the disk already. *rest: see
 * put_begin. */
static tarn_code put_pack(tarn_lake *lake, const char *blob, void **rest, tarn_err *err)
{
    const tarn_backend *b = lake->backend;
    const uint8_t *bytes = lake->open.bytes;
    size_t early = lake->drafted;

    if (lake->draft) {
        lake->drafted = 0; /* used up, whatever comes of it: another try begins at the beginning */
        return b->finish(lake->packs, &lake->draft, blob, bytes + early, lake->open.len - early, err);
    }

    return b->put_begin ? b->put_begin(lake->packs, blob, bytes, lake->open.len, rest, err)
                        : b->put(lake->packs, blob, bytes, lake->open.len, err);
}

/* What put_pack began. The pack stays among the segments if it fails, but nothing is written any more. */
static tarn_code finish_pack(tarn_lake *lake, void **rest, tarn_err *err)
{
    tarn_code rc = *rest ? lake->backend->put_end(lake->packs, *rest, err) : TARN_OK;

    *rest = NULL;
    if (rc == TARN_OK) return rc;
    lake->broken = true;
    tarn_err_note(err, "nothing was committed");
    return rc;
}

/* Store the open pack; it is durable after finish_pack. */
static tarn_code begin_seal(tarn_lake *lake, void **rest, char name[TARN_PACK_NAME], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char blob[80];
    size_t index_at = 0, index_len = 0;
    bool sealed = false;

    if (lake->open.n == 0) return TARN_OK;
    TARN_TRY(may_write(lake, err));
    TARN_TRY(tarn_pack_seal(&lake->open, tarn_now_us(), name, &index_at, &index_len, err));
    sealed = true;
    TARN_TRY(blob_name(name, blob, err));
    TARN_TRY(pending_segment(lake, name, index_at, index_len, err));
    rc = put_pack(lake, blob, rest, err);
    if (rc == TARN_IO && !lake->backend->remote)
        lake->broken = true; /* of a store behind a network one may ask again */
    if (rc != TARN_OK) {
        tarn_segment_close(&lake->segments[--lake->n_segments]);
        tarn_err_note(err, "nothing was committed");
        goto done;
    }
    reset_open(lake);
    sealed = false;
done:
    if (sealed) tarn_pack_unseal(&lake->open, index_at);
    return rc;
}

tarn_code tarn_store_seal(tarn_lake *lake, tarn_err *err)
{
    void *rest = NULL;
    char name[TARN_PACK_NAME];
    tarn_code rc = begin_seal(lake, &rest, name, err);

    return rc == TARN_OK ? finish_pack(lake, &rest, err) : rc;
}

/* Are the bases there (they may come from memory)? Then note that records of the open pack need them. */
static tarn_code rely_on(tarn_lake *lake, const tarn_delta *delta, bool *there, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    spot s;

    *there = delta->n > 0;
    for (int i = 0; i < delta->n && *there; i++) TARN_TRY(locate(lake, &delta->base[i], false, &s, there, err));
    if (!*there) goto done;
    if (lake->bases.n == 0) lake->bases_at = lake->swept;
    for (int i = 0; i < delta->n; i++) TARN_TRY(tarn_ids_add(&lake->bases, &delta->base[i], err));
done:
    return rc;
}

/* What is gathered goes to the disk while the rest is being made; not named yet, so it is nothing yet. Failing costs
 * the head start alone. */
static void write_early(tarn_lake *lake)
{
    enum { EARLY = 4 << 20 };

    if (!lake->backend->early || lake->no_draft || lake->open.len - lake->drafted < EARLY) return;
    lake->no_draft = lake->backend->early(lake->packs, &lake->draft, lake->open.bytes + lake->drafted,
                                          lake->open.len - lake->drafted, NULL) != TARN_OK;
    if (lake->no_draft) drop_draft(lake);
    else lake->drafted = lake->open.len;
}

/* As a delta if there is one and its bases are there, else as without. */
static tarn_code put_locked(tarn_lake *lake, const tarn_coded *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_coding_of *as = &c->without;
    spot s;
    bool found = false, there = false;

    if (c->puts != lake->puts) TARN_TRY(locate_name(lake, &c->name, false, &s, &found, err)); /* by another meanwhile */
    if (found) goto done;
    if (c->delta.len > 0) TARN_TRY(rely_on(lake, &c->made_from, &there, err));
    if (there) as = &c->delta;
    if (tarn_pack_full(&lake->open, as->len)) TARN_TRY(tarn_store_seal(lake, err));
    TARN_TRY(tarn_pack_add_named(&lake->open, &c->name, &c->id, c->kind, as->coding, as->bytes, as->len, c->raw, err));
    lake->puts++;
    write_early(lake);
done:
    return rc;
}

size_t tarn_store_room(size_t len, int n_like) { return n_like > 0 ? 2 * len + 1 : len; }

/* A delta must save a quarter of what there would be without it: it costs time at every reading. */
tarn_code tarn_store_code(tarn_lake *lake, const tarn_id *id, tarn_kind kind, const void *bytes, size_t len,
                          const tarn_id *like, int n_like, uint8_t *room, tarn_coded *out, tarn_err *err)
{
    enum { WORTH_A_DELTA = 256 };
    tarn_code rc = TARN_OK;
    spot s;
    size_t packed = 0;
    tarn_coded c = {.id = *id, .name = *id, .kind = kind, .raw = len};

    c.without = (tarn_coding_of){.coding = TARN_CODING_RAW, .bytes = bytes, .len = len};
    if (lake->ring) tarn_ring_name(lake->ring, kind, id, &c.name);
    if (len > TARN_RECORD_MOST)
        return TARN_FAIL(err, TARN_LIMIT, "a record of %zu bytes is more than the %d that fit", len, TARN_RECORD_MOST);
    tarn_lake_lock(lake);
    rc = may_write(lake, err);
    if (rc == TARN_OK) rc = locate_name(lake, &c.name, false, &s, &c.found, err);
    c.puts = lake->puts;
    tarn_lake_unlock(lake);
    if (rc != TARN_OK || c.found) goto done;
    TARN_TRY(tarn_codec_pack(lake->codec, kind != TARN_KIND_CHUNK, bytes, len, room, &packed, err));
    if (packed > 0) c.without = (tarn_coding_of){.coding = TARN_CODING_ZSTD, .bytes = room, .len = packed};
    if (n_like == 0 || c.without.len <= WORTH_A_DELTA) goto done;
    c.delta = (tarn_coding_of){.coding = TARN_CODING_DELTA, .bytes = room + len};
    TARN_TRY(tarn_delta_pack(lake, like, n_like, bytes, len, room + len, c.without.len - c.without.len / 4,
                             &c.delta.len, &c.made_from, err));
done:
    *out = c;
    return rc;
}

tarn_code tarn_store_enter(tarn_lake *lake, const tarn_coded *c, tarn_err *err)
{
    if (c->found) return TARN_OK;
    tarn_lake_lock(lake);
    tarn_code rc = put_locked(lake, c, err);
    tarn_lake_unlock(lake);
    return rc;
}

tarn_code tarn_store_put_like(tarn_lake *lake, const tarn_id *id, tarn_kind kind, const void *bytes, size_t len,
                              const tarn_id *like, int n_like, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint8_t little[4096], *room = NULL;
    size_t need = tarn_store_room(len, n_like);
    tarn_coded c;

    if (need > sizeof little && len <= TARN_RECORD_MOST) TARN_TRY(tarn_alloc(&room, need, 1, err));
    TARN_TRY(tarn_store_code(lake, id, kind, bytes, len, like, n_like, room ? room : little, &c, err));
    TARN_TRY(tarn_store_enter(lake, &c, err));
done:
    tarn_free(room);
    return rc;
}

tarn_code tarn_store_put(tarn_lake *lake, const tarn_id *id, tarn_kind kind, const void *bytes, size_t len,
                         tarn_err *err)
{
    return tarn_store_put_like(lake, id, kind, bytes, len, NULL, 0, err);
}

/* ---- transactions ---- */

/* A pack that waited long may have been taken for a leftover of a dead process. */
static tarn_code still_stored(tarn_lake *lake, const tarn_pack_row *row, tarn_err *err)
{
    char blob[80];
    uint64_t size = 0;
    tarn_code rc = blob_name(row->name, blob, err);

    if (rc == TARN_OK) rc = lake->backend->size(lake->packs, blob, &size, err);
    if (rc != TARN_NOT_FOUND) return rc;
    return TARN_FAIL(err, TARN_CONFLICT,
                     "what was put long ago and never named was swept by a garbage collection; put it again");
}

static tarn_code enter_packs(tarn_lake *lake, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (size_t i = 0; i < lake->n_segments; i++) {
        tarn_pack_row *row = &lake->segments[i].row;
        uint32_t num;
        if (row->num != 0) continue;
        TARN_TRY(still_stored(lake, row, err));
        TARN_TRY(tarn_meta_pack_add(lake->meta, row->name, row->bytes, row->records, &num, err));
    }
done:
    return rc;
}

/* After the commit: the packs have numbers. Should asking fail, they stay pending and are entered once more, which
 * is harmless. */
static void number_packs(tarn_lake *lake)
{
    for (size_t i = 0; i < lake->n_segments; i++) {
        tarn_pack_row *row = &lake->segments[i].row;
        uint32_t num;
        if (row->num == 0 && tarn_meta_pack_num(lake->meta, row->name, &num, NULL) == TARN_OK) row->num = num;
    }
}

/* The pack is being synced while the transaction goes on; tx_end waits for it before it commits, or after that if the
 * transaction carries the pack's bytes. They stay where they are until the next record is put. */
tarn_code tarn_tx_begin(tarn_lake *lake, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool begun = false;
    char name[TARN_PACK_NAME] = "";

    tarn_lake_lock(lake);
    TARN_TRY(may_write(lake, err));
    TARN_TRY(begin_seal(lake, &lake->sealing, name, err));
    size_t len = lake->sealing ? lake->segments[lake->n_segments - 1].row.bytes : 0;
    TARN_TRY(tarn_meta_begin(lake->meta, err));
    begun = true;
    TARN_TRY(tarn_carry_enter(lake, name, lake->open.bytes, len, err));
    TARN_TRY(tarn_store_settle(lake, err));
    TARN_TRY(enter_packs(lake, err));
    return TARN_OK;
done:
    if (begun) tarn_meta_rollback(lake->meta);
    tarn_carry_end(lake, false, false);
    if (finish_pack(lake, &lake->sealing, NULL) == TARN_OK && begun && rc == TARN_CONFLICT) tarn_store_discard(lake);
    tarn_lake_unlock(lake);
    return rc;
}

/* What happens is durable: data before metadata, or in the same sync. */
static tarn_code commit_tx(tarn_lake *lake, tarn_err *err)
{
    bool holds = tarn_carry_holds(lake);
    tarn_code rc = holds ? TARN_OK : finish_pack(lake, &lake->sealing, err);

    if (rc != TARN_OK) return rc;
    rc = tarn_meta_commit(lake->meta, err);
    if (rc == TARN_IO && !tarn_meta_is_shared(lake->meta)) lake->broken = true;
    tarn_code synced = finish_pack(lake, &lake->sealing, NULL); /* if not: the lake is broken, what it holds is not */
    tarn_carry_end(lake, rc == TARN_OK, synced == TARN_OK);
    if (rc == TARN_OK) tarn_acked_note(lake);
    return rc;
}

tarn_code tarn_tx_end(tarn_lake *lake, tarn_code rc, tarn_err *err)
{
    if (rc == TARN_OK) {
        rc = commit_tx(lake, err);
    } else {
        tarn_code synced = finish_pack(lake, &lake->sealing, NULL); /* the lake knows */
        tarn_carry_end(lake, false, synced == TARN_OK);
    }
    if (rc == TARN_OK) {
        lake->bases.n = 0;
        number_packs(lake);
        tarn_store_tidy(lake);
    } else {
        tarn_meta_rollback(lake->meta);
    }
    tarn_pack_trim(&lake->open);
    tarn_lake_unlock(lake);
    return rc;
}

void tarn_store_discard(tarn_lake *lake)
{
    size_t kept = 0;

    reset_open(lake);
    tarn_pack_trim(&lake->open);
    for (size_t i = 0; i < lake->n_segments; i++) {
        if (lake->segments[i].row.num != 0) lake->segments[kept++] = lake->segments[i];
        else tarn_segment_close(&lake->segments[i]);
    }
    lake->n_segments = kept;
    lake->bases.n = 0;
    lake->discards++;
}

/* ---- sweeps ---- */

static const int64_t DISCARD = (int64_t)1 << 40; /* more sweeps than there will ever be */

tarn_code tarn_store_fresh(tarn_lake *lake, int64_t *swept, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t version = 0;

    int64_t now = lake->swept;

    tarn_lake_lock(lake);
    TARN_TRY(tarn_meta_version(lake->meta, &version, err));
    if (version != lake->meta_version) TARN_TRY(tarn_store_swept(lake, &now, err));
    else now = lake->swept;
    if (now != lake->swept) TARN_TRY(tarn_store_load(lake, err));
    *swept = lake->swept + lake->discards * DISCARD;
done:
    tarn_lake_unlock(lake);
    return rc;
}

tarn_code tarn_store_unswept(tarn_lake *lake, int64_t swept, tarn_err *err)
{
    int64_t now = 0;
    tarn_code rc = tarn_store_swept(lake, &now, err);

    if (rc != TARN_OK || now + lake->discards * DISCARD == swept) return rc;
    return TARN_FAIL(err, TARN_CONFLICT, "a garbage collection came between; try again");
}

/* What the record in slab->stored is made from. */
static tarn_code bases_in(tarn_slab *slab, const tarn_where *where, tarn_delta *out, tarn_err *err)
{
    size_t used;

    return tarn_delta_read(slab->stored + TARN_RECORD_HEAD, where->stored, out, &used, err);
}

tarn_code tarn_pack_bases(tarn_lake *lake, const char *pack, const tarn_indexed *e, tarn_delta *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint8_t head[TARN_DELTA_HEAD + TARN_DELTA_BASES * TARN_ID_BYTES];
    size_t len = e->where.stored < sizeof head ? e->where.stored : sizeof head, used;
    char blob[80];
    tarn_slab slab = {0};
    tarn_where where;
    tarn_id id;

    *out = (tarn_delta){0};
    if (e->where.coding != TARN_CODING_DELTA) return TARN_OK;
    if (lake->ring) { /* sealed as a whole */
        TARN_TRY(tarn_sealed_take(lake, pack, e, &slab, &id, &where, err));
        TARN_TRY(bases_in(&slab, &where, out, err));
        goto done;
    }
    TARN_TRY(blob_name(pack, blob, err));
    TARN_TRY(lake->backend->get(lake->packs, blob, e->where.offset + (uint64_t)TARN_RECORD_HEAD, len, head, err));
    TARN_TRY(tarn_delta_read(head, len, out, &used, err));
done:
    tarn_slab_clear(&slab);
    return rc;
}

/* Of a record in the open pack. Under the lock. */
static tarn_code open_bases(tarn_lake *lake, spot *s, tarn_delta *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_slab slab = {0};
    size_t len = TARN_RECORD_HEAD + (size_t)s->where.stored;

    if (s->where.coding != TARN_CODING_DELTA) return TARN_OK;
    TARN_TRY(tarn_slab_need(&slab.stored, &slab.stored_cap, len, err));
    memcpy(slab.stored, lake->open.bytes + s->where.offset, len);
    TARN_TRY(unseal(lake, s, &slab, err));
    TARN_TRY(bases_in(&slab, &s->where, out, err));
done:
    tarn_slab_clear(&slab);
    return rc;
}

tarn_code tarn_store_bases(tarn_lake *lake, const tarn_id *id, tarn_delta *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (int attempt = 0; attempt < 3; attempt++) { /* a sweep may take the pack away under our eyes */
        spot s = {0};
        bool found = false;
        *out = (tarn_delta){0};
        tarn_lake_lock(lake);
        rc = attempt > 0 ? tarn_store_load(lake, err) : TARN_OK;
        if (rc == TARN_OK) rc = locate(lake, id, true, &s, &found, err);
        if (rc == TARN_OK && found && s.in_open) rc = open_bases(lake, &s, out, err);
        tarn_lake_unlock(lake);
        if (rc == TARN_OK && found && !s.in_open)
            rc = tarn_pack_bases(lake, s.pack, &(tarn_indexed){s.name, s.where}, out, err);
        if (rc != TARN_NOT_FOUND) break;
    }
    return rc;
}

tarn_code tarn_ids_add(tarn_ids *list, const tarn_id *id, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 64;
        TARN_TRY(tarn_resize(&list->v, cap, sizeof *list->v, err));
        list->cap = cap;
    }
    list->v[list->n++] = *id;
done:
    return rc;
}

tarn_code tarn_lake_sync(tarn_lake *lake, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    tarn_lake_lock(lake);
    bool nothing = lake->open.n == 0;
    for (size_t i = 0; i < lake->n_segments; i++) nothing = nothing && lake->segments[i].row.num != 0;
    if (!nothing) {
        rc = tarn_tx_begin(lake, err);
        if (rc == TARN_OK) rc = tarn_tx_end(lake, TARN_OK, err);
    }
    tarn_lake_unlock(lake);
    return rc;
}
