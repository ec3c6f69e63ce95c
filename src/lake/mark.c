/* SPDX-License-Identifier: Apache-2.0 */
/* mark.c - what is needed. See gc.h. Marking is repeated as roots change: what is marked already is passed over, so
 * that a repetition costs only what is new. */
#include "lake/gc.h"
#include "lake/roots.h"

#include "base/mem.h"

uint64_t tarn_gc_state(const tarn_gcing *g, const tarn_id *name)
{
    const uint64_t *state = tarn_idmap_find(&g->live, name);
    return state ? *state : 0;
}

/* By id: commits stand under it, all else in an encrypted lake under a keyed name. */
static uint64_t state_of_id(const tarn_gcing *g, const tarn_id *id)
{
    tarn_id name = *id;
    uint64_t state = tarn_gc_state(g, id);

    if (state || !g->lake->ring) return state;
    tarn_ring_name(g->lake->ring, TARN_KIND_CHUNK, id, &name);
    return tarn_gc_state(g, &name);
}

static tarn_code visit(void *arg, const tarn_id *id, const tarn_where *where, bool base, bool *enter, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_gcing *g = arg;
    tarn_id name = *id;

    if (g->lake->ring) tarn_ring_name(g->lake->ring, (tarn_kind)where->kind, id, &name);
    uint64_t state = tarn_gc_state(g, &name), bit = base ? TARN_GC_NEEDED : TARN_GC_ENTERED;

    *enter = !(state & bit);
    if (!*enter) return TARN_OK;
    if (!(state & TARN_GC_NEEDED) && g->note_fresh) TARN_TRY(tarn_ids_add(&g->fresh, &name, err));
    TARN_TRY(tarn_idmap_put(&g->live, &name, state | bit | TARN_GC_NEEDED, NULL, err));
    if (g->live.n % 4096 == 0) tarn_progress(g->sink, "marking", (int64_t)g->live.n, 0, "records");
done:
    return rc;
}

static tarn_code mark_root(tarn_gcing *g, const tarn_id *id, bool may_lack, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_reach r = {.lake = g->lake, .visit = visit, .arg = g, .sink = g->sink};
    tarn_err why = {0};
    bool dead = false;

    if (state_of_id(g, id) & TARN_GC_ENTERED) return TARN_OK;
    if (may_lack) TARN_TRY(tarn_commit_dead(g->lake, id, &dead, err));
    if (dead) goto done;
    rc = tarn_reach_from(&r, id, &why);
    if (rc == TARN_NOT_FOUND && may_lack) rc = TARN_OK;
    if (rc == TARN_NOT_FOUND || rc == TARN_CORRUPT)
        rc = TARN_FAIL(err, TARN_CORRUPT, "%s; nothing was removed, 'tarn lake fsck' tells what is damaged", why.msg);
    else if (rc != TARN_OK) rc = TARN_FAIL(err, rc, "%s", why.msg);
done:
    return rc;
}

tarn_code tarn_gc_mark(tarn_gcing *g, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_roots roots = {0};

    TARN_TRY(tarn_roots_gather(g->lake, g->now_us - g->grace_us, &roots, err));
    for (size_t i = 0; i < roots.n; i++) TARN_TRY(mark_root(g, &roots.v[i].id, roots.v[i].may_lack, err));
done:
    tarn_roots_clear(&roots);
    return rc;
}

tarn_code tarn_gc_mark_bases(tarn_gcing *g, const tarn_delta *delta, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_reach r = {.lake = g->lake, .visit = visit, .arg = g, .sink = g->sink};

    for (int i = 0; i < delta->n; i++) {
        rc = tarn_reach_base(&r, &delta->base[i], err);
        if (rc == TARN_NOT_FOUND) rc = TARN_CORRUPT;
        if (rc == TARN_CORRUPT)
            tarn_err_note(err, "nothing was removed, 'tarn lake fsck' tells what is damaged; the base of a delta");
        if (rc != TARN_OK) break;
    }
    return rc;
}

tarn_code tarn_gc_mark_pack(tarn_gcing *g, const tarn_gc_pack *pack, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_indexed e;
    tarn_delta delta;

    for (uint32_t i = 0; i < pack->segment.index.n; i++) {
        TARN_TRY(tarn_index_at(&pack->segment.index, i, pack->row.name, &e, err));
        if (e.where.kind == TARN_KIND_COMMIT && pack->young) TARN_TRY(mark_root(g, &e.id, true, err));
        TARN_TRY(tarn_pack_bases(g->lake, pack->row.name, &e, &delta, err)); /* of this copy of it */
        TARN_TRY(tarn_gc_mark_bases(g, &delta, err));
    }
done:
    return rc;
}
