/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - chunks by id: over the open pack, the stored packs and their indexes.
 *
 * A chunk that comes in is hashed and compressed outside the lock and put into the open pack. The open pack is
 * stored when it is full, or when a transaction needs what is in it; its index is then a pending segment, entered
 * into meta.db by the next transaction. So data is synced before meta.db names it, and meta.db names it in the
 * same instant as the ref that needs it.
 *
 * Looking up asks the open pack, then the segments, of which there are O(log n) (merge.c). */
#include "lake/store_inside.h"

#include "base/mem.h"

#include <string.h>

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
static tarn_code look_in_segments(tarn_lake *lake, const tarn_id *name, tarn_spot *out, bool *found, tarn_err *err)
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

tarn_code tarn_store_locate_name(tarn_lake *lake, const tarn_id *name, bool reading, tarn_spot *out, bool *found,
                                 tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t version = 0;
    const tarn_where *open = tarn_pack_find(&lake->open, name);

    *found = open != NULL;
    out->name = *name;
    if (open) {
        *out = (tarn_spot){.name = *name, .where = *open, .in_open = true, .key = lake->open.key};
        return TARN_OK;
    }
    for (int attempt = 0;; attempt++) { /* others may sweep again meanwhile: it is gone only if nobody did */
        tarn_code looked = look_in_segments(lake, name, out, found, err);
        if (!reading) return looked == TARN_CORRUPT ? TARN_OK : looked;
        if (*found) return looked;
        TARN_TRY(tarn_meta_version(lake->meta, &version, err));
        if (version == lake->meta_version || attempt == TARN_STORE_CHANGES) return looked;
        TARN_TRY(tarn_store_load(lake, err));
    }
done:
    return rc;
}

tarn_code tarn_store_locate(tarn_lake *lake, const tarn_id *id, bool reading, tarn_spot *out, bool *found,
                            tarn_err *err)
{
    tarn_id name;

    if (!lake->ring) return tarn_store_locate_name(lake, id, reading, out, found, err);
    tarn_ring_name(lake->ring, TARN_KIND_CHUNK, id, &name);
    tarn_code rc = tarn_store_locate_name(lake, &name, reading, out, found, err);
    if (*found || (rc != TARN_OK && rc != TARN_CORRUPT)) return rc;
    tarn_code second = tarn_store_locate_name(lake, id, reading, out, found, rc == TARN_OK ? err : NULL);
    return *found || rc == TARN_OK ? second : rc;
}

tarn_code tarn_store_find(tarn_lake *lake, const tarn_id *id, tarn_where *where, bool *found, tarn_err *err)
{
    tarn_spot s;

    tarn_lake_lock(lake);
    tarn_code rc = tarn_store_locate(lake, id, true, &s, found, err);
    tarn_lake_unlock(lake);
    if (rc == TARN_OK && *found) *where = s.where;
    return rc;
}

/* Find the record, and copy it if it is in the open pack. */
static tarn_code locate_and_copy(tarn_lake *lake, const tarn_id *id, tarn_slab *slab, tarn_spot *s, bool *found,
                                 tarn_err *err)
{
    tarn_code rc = TARN_OK;

    tarn_lake_lock(lake);
    TARN_TRY(tarn_store_locate(lake, id, true, s, found, err));
    if (!*found) goto done;
    size_t len = TARN_RECORD_HEAD + (size_t)s->where.stored;
    TARN_TRY(tarn_slab_need(&slab->stored, &slab->stored_cap, len, err));
    if (s->in_open) memcpy(slab->stored, lake->open.bytes + s->where.offset, len);
done:
    tarn_lake_unlock(lake);
    return rc;
}

/* If it is sealed, open what is in slab->stored: a record as in a plain lake is there then. */
static tarn_code unseal(tarn_lake *lake, tarn_spot *s, tarn_slab *slab, tarn_err *err)
{
    tarn_id is;

    if (!lake->ring) return TARN_OK;
    tarn_code rc = tarn_record_unseal(lake->ring, &s->key, &s->name, &s->where, slab, &is, err);
    tarn_secret_wipe(&s->key, sizeof s->key);
    return rc;
}

/* The record's bytes into slab->stored, and the key if they are sealed. TARN_NOT_FOUND with *found: its pack is
 * missing. */
static tarn_code fetch(tarn_lake *lake, const tarn_id *id, tarn_slab *slab, tarn_spot *s, bool *found, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char blob[80];

    TARN_TRY(locate_and_copy(lake, id, slab, s, found, err));
    if (!*found || s->in_open || s->where.stored > TARN_RECORD_MOST + TARN_RECORD_MORE) goto done;
    TARN_TRY(tarn_store_blob(s->pack, blob, err));
    TARN_TRY(lake->backend->get(lake->packs, blob, s->where.offset, TARN_RECORD_HEAD + (size_t)s->where.stored,
                                slab->stored, err));
    if (lake->ring) TARN_TRY(tarn_sealed_pack_key(lake, s->pack, &s->key, err));
done:
    return rc;
}

/* A pack that is gone may have been swept by another process, and the record be in another pack now. */
static tarn_code fetch_again(tarn_lake *lake, const tarn_id *id, tarn_slab *slab, tarn_spot *s, bool *found,
                             tarn_err *err)
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
    tarn_spot s = {0};
    bool found = false;
    char hex[TARN_ID_HEX], note[160];
    tarn_before before = {.lake = lake, .work = facts->work};

    rc = fetch(lake, id, slab, &s, &found, err);
    for (int attempt = 0; attempt < TARN_STORE_CHANGES && rc == TARN_NOT_FOUND; attempt++) {
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

/* ---- what records are made from ---- */

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
    TARN_TRY(tarn_store_blob(pack, blob, err));
    TARN_TRY(lake->backend->get(lake->packs, blob, e->where.offset + (uint64_t)TARN_RECORD_HEAD, len, head, err));
    TARN_TRY(tarn_delta_read(head, len, out, &used, err));
done:
    tarn_slab_clear(&slab);
    return rc;
}

/* Of a record in the open pack. Under the lock. */
static tarn_code open_bases(tarn_lake *lake, tarn_spot *s, tarn_delta *out, tarn_err *err)
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
        tarn_spot s = {0};
        bool found = false;
        *out = (tarn_delta){0};
        tarn_lake_lock(lake);
        rc = attempt > 0 ? tarn_store_load(lake, err) : TARN_OK;
        if (rc == TARN_OK) rc = tarn_store_locate(lake, id, true, &s, &found, err);
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
