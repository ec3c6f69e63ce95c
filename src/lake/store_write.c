/* SPDX-License-Identifier: Apache-2.0 */
/* store_write.c - putting records into the open pack, and the pack to the backend. See store.c. */
#include "lake/store_inside.h"

#include "base/mem.h"

#include <string.h>

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

tarn_code tarn_store_may_write(const tarn_lake *lake, tarn_err *err)
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
    TARN_TRY(tarn_store_segment_room(lake, err));
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

tarn_code tarn_store_seal_end(tarn_lake *lake, void **rest, tarn_err *err)
{
    tarn_code rc = *rest ? lake->backend->put_end(lake->packs, *rest, err) : TARN_OK;

    *rest = NULL;
    if (rc == TARN_OK) return rc;
    lake->broken = true;
    tarn_err_note(err, "nothing was committed");
    return rc;
}

tarn_code tarn_store_seal_begin(tarn_lake *lake, void **rest, char name[TARN_PACK_NAME], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char blob[80];
    size_t index_at = 0, index_len = 0;
    bool sealed = false;

    if (lake->open.n == 0) return TARN_OK;
    TARN_TRY(tarn_store_may_write(lake, err));
    TARN_TRY(tarn_pack_seal(&lake->open, tarn_now_us(), name, &index_at, &index_len, err));
    sealed = true;
    TARN_TRY(tarn_store_blob(name, blob, err));
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

tarn_code tarn_store_put_pack(tarn_lake *lake, const char *name, const void *bytes, size_t len, tarn_err *err)
{
    char blob[80];
    tarn_code rc = tarn_store_blob(name, blob, err);

    if (rc == TARN_OK) rc = lake->backend->put(lake->packs, blob, bytes, len, err);
    if (rc == TARN_IO && !lake->backend->remote) {
        tarn_lake_lock(lake);
        lake->broken = true;
        tarn_lake_unlock(lake);
    }
    return rc;
}

tarn_code tarn_store_seal(tarn_lake *lake, tarn_err *err)
{
    void *rest = NULL;
    char name[TARN_PACK_NAME];
    tarn_code rc = tarn_store_seal_begin(lake, &rest, name, err);

    return rc == TARN_OK ? tarn_store_seal_end(lake, &rest, err) : rc;
}

/* Are the bases there (they may come from memory)? Then note that records of the open pack need them. */
static tarn_code rely_on(tarn_lake *lake, const tarn_delta *delta, bool *there, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_spot s;

    *there = delta->n > 0;
    for (int i = 0; i < delta->n && *there; i++)
        TARN_TRY(tarn_store_locate(lake, &delta->base[i], false, &s, there, err));
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
    tarn_spot s;
    bool found = false, there = false;

    if (c->puts != lake->puts)
        TARN_TRY(tarn_store_locate_name(lake, &c->name, false, &s, &found, err)); /* by another meanwhile */
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

static tarn_code begin_coded(tarn_lake *lake, const tarn_id *id, tarn_kind kind, const void *bytes, size_t len,
                             tarn_coded *out, tarn_err *err)
{
    *out = (tarn_coded){.id = *id, .name = *id, .kind = kind, .raw = len};
    out->without = (tarn_coding_of){.coding = TARN_CODING_RAW, .bytes = bytes, .len = len};
    if (lake->ring) tarn_ring_name(lake->ring, kind, id, &out->name);
    if (len <= TARN_RECORD_MOST) return TARN_OK;
    return TARN_FAIL(err, TARN_LIMIT, "a record of %zu bytes is more than the %d that fit", len, TARN_RECORD_MOST);
}

/* Under the lock: is it stored already? */
static tarn_code look_up(tarn_lake *lake, tarn_coded *c, tarn_err *err)
{
    tarn_spot s;
    tarn_code rc = tarn_store_may_write(lake, err);

    c->puts = lake->puts;
    return rc == TARN_OK ? tarn_store_locate_name(lake, &c->name, false, &s, &c->found, err) : rc;
}

static tarn_code compress(tarn_lake *lake, tarn_coded *c, uint8_t *room, tarn_err *err)
{
    size_t packed = 0;
    tarn_code rc =
        tarn_codec_pack(lake->codec, c->kind != TARN_KIND_CHUNK, c->without.bytes, c->raw, room, &packed, err);

    if (packed > 0) c->without = (tarn_coding_of){.coding = TARN_CODING_ZSTD, .bytes = room, .len = packed};
    return rc;
}

/* A delta must save a quarter of what there would be without it: it costs time at every reading. */
tarn_code tarn_store_code(tarn_lake *lake, const tarn_id *id, tarn_kind kind, const void *bytes, size_t len,
                          const tarn_id *like, int n_like, uint8_t *room, tarn_coded *out, tarn_err *err)
{
    enum { WORTH_A_DELTA = 256 };
    tarn_code rc = TARN_OK;
    tarn_coded c;

    TARN_TRY(begin_coded(lake, id, kind, bytes, len, &c, err));
    tarn_lake_lock(lake);
    rc = look_up(lake, &c, err);
    tarn_lake_unlock(lake);
    if (rc != TARN_OK || c.found) goto done;
    TARN_TRY(compress(lake, &c, room, err));
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

tarn_code tarn_store_put_many(tarn_lake *lake, tarn_putting *v, size_t n, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (size_t i = 0; i < n; i++)
        TARN_TRY(begin_coded(lake, &v[i].id, TARN_KIND_CHUNK, v[i].bytes, v[i].len, &v[i].coded, err));
    tarn_lake_lock(lake);
    for (size_t i = 0; i < n && rc == TARN_OK; i++) rc = look_up(lake, &v[i].coded, err);
    tarn_lake_unlock(lake);
    TARN_TRY(rc);
    for (size_t i = 0; i < n; i++)
        if (!v[i].coded.found) TARN_TRY(compress(lake, &v[i].coded, v[i].room, err));
    tarn_lake_lock(lake);
    for (size_t i = 0; i < n && rc == TARN_OK; i++)
        if (!v[i].coded.found) rc = put_locked(lake, &v[i].coded, err);
    tarn_lake_unlock(lake);
done:
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
