/* SPDX-License-Identifier: Apache-2.0 */
/* settle.c - what must hold of new deltas in the instant in which meta.db names them.
 *
 * Their bases are there. They were when the deltas were made; a sweep may have come between (gc.c).
 *
 * They are the first copies of their ids. Two processes may put the same two contents at the same time in opposite
 * order, and make x from y here and y from x there: each pack is right by itself, but who finds x in one and y in the
 * other never comes to an end. So in the transaction, where there is an order, a delta whose id another process has had
 * named meanwhile is taken out of its pack, which is written once more without it. Since a delta named at one time is
 * made from what was named before, or with it and made earlier, there is never a circle. */
#include "lake/inside.h"

#include "base/mem.h"
#include "base/sink.h"

#include <string.h>

/* Both by what indexes call it: the id, in an encrypted lake a keyed name. */
static bool named(const tarn_lake *lake, const tarn_id *name)
{
    tarn_where where;
    bool found = false;

    for (size_t i = 0; i < lake->n_segments && !found; i++) {
        const tarn_segment *s = &lake->segments[i];
        if (s->row.num == 0 || !s->index.bytes) continue;
        if (tarn_index_find(&s->index, name, s->row.name, &where, &found, NULL) != TARN_OK) found = false;
    }
    return found; /* what a damaged index hides cannot be read anyway */
}

static bool waiting(const tarn_lake *lake, const tarn_id *name)
{
    tarn_where where;
    bool found = tarn_pack_find(&lake->open, name) != NULL;

    for (size_t i = 0; i < lake->n_segments && !found; i++) {
        const tarn_segment *s = &lake->segments[i];
        if (s->row.num != 0 || !s->index.bytes) continue;
        if (tarn_index_find(&s->index, name, s->row.name, &where, &found, NULL) != TARN_OK) found = false;
    }
    return found;
}

/* By id, whatever the indexes call it. */
static bool there(const tarn_lake *lake, const tarn_id *id)
{
    tarn_id name = *id;

    if (named(lake, id) || waiting(lake, id)) return true;
    if (!lake->ring) return false;
    tarn_ring_name(lake->ring, TARN_KIND_CHUNK, id, &name);
    return named(lake, &name) || waiting(lake, &name);
}

static tarn_code check_bases(tarn_lake *lake, tarn_err *err)
{
    for (size_t i = 0; i < lake->bases.n; i++)
        if (!there(lake, &lake->bases.v[i]))
            return TARN_FAIL(err, TARN_CONFLICT,
                             "a garbage collection removed what new content was made from; put the content again");
    return TARN_OK;
}

/* ---- second copies ---- */

static tarn_code has_second_copies(const tarn_lake *lake, const tarn_segment *s, bool *yes, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_indexed e;

    *yes = false;
    for (uint32_t i = 0; i < s->index.n && !*yes; i++) {
        TARN_TRY(tarn_index_at(&s->index, i, s->row.name, &e, err));
        *yes = e.where.coding == TARN_CODING_DELTA && named(lake, &e.id);
    }
done:
    return rc;
}

static tarn_code copy_first_copies(tarn_lake *lake, const tarn_segment *s, tarn_pack *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_slab slab = {0};
    tarn_indexed e;
    tarn_where where;
    tarn_id id;

    for (uint32_t i = 0; i < s->index.n; i++) {
        TARN_TRY(tarn_index_at(&s->index, i, s->row.name, &e, err));
        if (e.where.coding == TARN_CODING_DELTA && named(lake, &e.id)) continue;
        TARN_TRY(tarn_sealed_take(lake, s->row.name, &e, &slab, &id, &where, err));
        TARN_TRY(tarn_pack_add_named(out, &e.id, &id, (tarn_kind)where.kind, (tarn_coding)where.coding,
                                     slab.stored + TARN_RECORD_HEAD, where.stored, where.raw, err));
    }
done:
    tarn_slab_clear(&slab);
    return rc;
}

/* Write the pack of a pending segment once more; an empty one is left out. The old file is a leftover (leftover.c). */
static tarn_code rewrite(tarn_lake *lake, size_t at, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_pack pack = {.ring = lake->ring};
    tarn_segment fresh = {.map = {.bytes = ""}}, *old = &lake->segments[at];
    char name[TARN_PACK_NAME];
    size_t index_at = 0, index_len = 0;

    TARN_TRY(copy_first_copies(lake, old, &pack, err));
    if (pack.n == 0) {
        tarn_segment_close(old);
        *old = lake->segments[--lake->n_segments];
        goto done;
    }
    TARN_TRY(tarn_pack_seal(&pack, tarn_now_us(), name, &index_at, &index_len, err));
    (void)snprintf(fresh.row.name, sizeof fresh.row.name, "%s", name);
    fresh.row.bytes = pack.len;
    fresh.row.records = pack.n;
    TARN_TRY(tarn_alloc(&fresh.owned, index_len, 1, err));
    memcpy(fresh.owned, pack.bytes + index_at, index_len);
    TARN_TRY(tarn_index_open(&fresh.index, fresh.owned, index_len, name, err));
    TARN_TRY(tarn_store_put_pack(lake, name, pack.bytes, pack.len, err));
    tarn_segment_close(old);
    *old = fresh;
    fresh = (tarn_segment){.map = {.bytes = ""}};
done:
    tarn_segment_close(&fresh);
    tarn_pack_clear(&pack);
    return rc;
}

tarn_code tarn_store_settle(tarn_lake *lake, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t version = 0, swept = 0;
    bool second = false;

    if (lake->bases.n == 0) return TARN_OK; /* no deltas */
    TARN_TRY(tarn_meta_version(lake->meta, &version, err));
    TARN_TRY(tarn_store_swept(lake, &swept, err));
    if (version != lake->meta_version || swept != lake->swept) TARN_TRY(tarn_store_load(lake, err));
    if (swept != lake->bases_at) TARN_TRY(check_bases(lake, err));
    lake->bases_at = swept;
    for (size_t i = lake->n_segments; i-- > 0;) {
        if (lake->segments[i].row.num != 0) continue;
        TARN_TRY(has_second_copies(lake, &lake->segments[i], &second, err));
        if (second) TARN_TRY(rewrite(lake, i, err));
    }
done:
    return rc;
}
