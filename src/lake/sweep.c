/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.c - which packs go, copying what must stay, and the transaction that puts the copies in their place. See gc.c
 * for why that is safe. */
#include "lake/gc.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
    WORTH_PERCENT = 10, /* a pack with more garbage than this is rewritten */
    SMALL = 4 << 20,    /* packs below are put together ... */
    MANY_SMALL = 16,    /* ... when there are so many */
    AT_ONCE_MB = 1024,  /* in one transaction */
    ATTEMPTS = 8
};

/* ---- survey ---- */

void tarn_gc_forget_packs(tarn_gcing *g)
{
    for (size_t i = 0; i < g->n_packs; i++) tarn_segment_close(&g->packs[i].segment);
    tarn_free(g->packs);
    g->packs = NULL;
    g->n_packs = 0;
}

typedef struct listing {
    tarn_gcing *g;
    size_t cap;
} listing;

static tarn_code list_pack(void *arg, const tarn_pack_row *row, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    listing *l = arg;

    if (l->g->n_packs == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        TARN_TRY(tarn_resize(&l->g->packs, cap, sizeof *l->g->packs, err));
        l->cap = cap;
    }
    l->g->packs[l->g->n_packs++] = (tarn_gc_pack){.row = *row, .segment = {.map = {.bytes = ""}}};
done:
    return rc;
}

static tarn_code open_pack(tarn_gcing *g, tarn_gc_pack *p, tarn_err *err)
{
    p->segment.row = p->row;
    return tarn_segment_open(g->lake, &p->segment, &p->made_us, err);
}

static int kind_of(uint8_t kind)
{
    return kind == TARN_KIND_CHUNK ? 0 : kind == TARN_KIND_NODE ? 2 : kind == TARN_KIND_COMMIT ? 3 : 1;
}

/* Add up a pack; what it keeps safe alone counts as live. */
static tarn_code weigh(tarn_gcing *g, tarn_gc_pack *p, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_indexed e;

    p->all = p->live = 0;
    for (uint32_t i = 0; i < p->segment.index.n; i++) {
        TARN_TRY(tarn_index_at(&p->segment.index, i, p->row.name, &e, err));
        uint64_t state = tarn_gc_state(g, &e.id), bytes = TARN_RECORD_HEAD + (uint64_t)e.where.stored;
        bool live = (state & TARN_GC_NEEDED) && !(state & TARN_GC_SAFE);
        p->all += bytes;
        if (live) p->live += bytes;
        (live ? g->out->live : g->out->garbage)[kind_of(e.where.kind)] += (int64_t)bytes;
    }
    g->out->live_bytes += (int64_t)p->live;
    g->out->garbage_bytes += (int64_t)(p->all - p->live);
done:
    return rc;
}

/* What is needed of the pack is safe: the pack stays. */
static tarn_code keep_pack(tarn_gcing *g, const tarn_gc_pack *p, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_indexed e;

    for (uint32_t i = 0; i < p->segment.index.n; i++) {
        TARN_TRY(tarn_index_at(&p->segment.index, i, p->row.name, &e, err));
        uint64_t *state = tarn_idmap_find(&g->live, &e.id);
        if (state) *state |= TARN_GC_SAFE;
    }
done:
    return rc;
}

static int by_garbage(const void *a, const void *b)
{
    const tarn_gc_pack *x = *(tarn_gc_pack *const *)a, *y = *(tarn_gc_pack *const *)b;
    double share_x = (double)x->live / (double)(x->all + 1), share_y = (double)y->live / (double)(y->all + 1);
    return share_x < share_y ? -1 : share_x > share_y;
}

/* No more at once than can be copied without filling the disk: those with most garbage first. */
static tarn_code limit_work(tarn_gcing *g, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_gc_pack **going = NULL;
    size_t n = 0;
    uint64_t bytes = 0;

    TARN_TRY(tarn_alloc(&going, g->n_packs + 1, sizeof *going, err));
    for (size_t i = 0; i < g->n_packs; i++)
        if (g->packs[i].drop) going[n++] = &g->packs[i];
    qsort(going, n, sizeof *going, by_garbage);
    for (size_t i = 0; i < n; i++) {
        if (bytes >= (uint64_t)AT_ONCE_MB << 20) {
            going[i]->drop = false;
            TARN_TRY(keep_pack(g, going[i], err));
        }
        bytes += going[i]->row.bytes;
    }
done:
    tarn_free(going);
    return rc;
}

/* Young packs first, so that what is in two packs is held by the one that stays anyway. */
static tarn_code decide(tarn_gcing *g, size_t small, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < g->n_packs; i++) {
            tarn_gc_pack *p = &g->packs[i];
            if (p->young != (pass == 0)) continue;
            TARN_TRY(weigh(g, p, err));
            if (!p->young)
                p->drop =
                    (p->all - p->live) * 100 > p->all * WORTH_PERCENT || (small >= MANY_SMALL && p->row.bytes < SMALL);
            if (!p->drop) TARN_TRY(keep_pack(g, p, err));
        }
done:
    return rc;
}

tarn_code tarn_gc_survey(tarn_gcing *g, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t small = 0;

    tarn_lake_lock(g->lake);
    rc = tarn_meta_packs(g->lake->meta, list_pack, &(listing){.g = g}, err);
    tarn_lake_unlock(g->lake);
    if (rc != TARN_OK) goto done;
    for (size_t i = 0; i < g->n_packs; i++) {
        tarn_gc_pack *p = &g->packs[i];
        TARN_TRY(tarn_cancel_check(g->sink, err));
        TARN_TRY(open_pack(g, p, err));
        p->young = p->made_us > g->now_us - g->grace_us;
        if (p->young) TARN_TRY(tarn_gc_mark_pack(g, p, err));
        small += !p->young && p->row.bytes < SMALL;
        g->out->bytes += (int64_t)p->row.bytes;
        tarn_progress(g->sink, "looking at packs", (int64_t)i + 1, (int64_t)g->n_packs, "packs");
    }
    g->out->packs = (int64_t)g->n_packs;
    TARN_TRY(decide(g, small, err));
    TARN_TRY(limit_work(g, err));
    for (size_t i = 0; i < g->n_packs; i++) /* garbage that stays can still be read */
        if (!g->packs[i].drop) TARN_TRY(tarn_gc_mark_pack(g, &g->packs[i], err));
done:
    return rc;
}

/* ---- copying ---- */

/* Packs written for this sweep. */
typedef struct copies {
    tarn_pack open;
    tarn_pack_row *rows;
    size_t n, cap;
    int64_t made_us; /* of the newest pack that it has records from: copying makes nothing younger */
} copies;

static tarn_code store_copies(tarn_gcing *g, copies *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char name[TARN_PACK_NAME];
    size_t index_at = 0, index_len = 0;

    if (c->open.n == 0) return TARN_OK;
    if (c->n == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 16;
        TARN_TRY(tarn_resize(&c->rows, cap, sizeof *c->rows, err));
        c->cap = cap;
    }
    TARN_TRY(tarn_pack_seal(&c->open, c->made_us, name, &index_at, &index_len, err));
    TARN_TRY(tarn_store_put_pack(g->lake, name, c->open.bytes, c->open.len, err));
    tarn_pack_row *row = &c->rows[c->n++];
    *row = (tarn_pack_row){.bytes = c->open.len, .records = c->open.n};
    (void)snprintf(row->name, sizeof row->name, "%s", name);
    tarn_pack_reset(&c->open);
done:
    return rc;
}

/* The record as it is stored: nothing is coded anew, but a sealed one is sealed for its new pack. */
static tarn_code copy_record(tarn_gcing *g, const tarn_gc_pack *p, const tarn_indexed *e, tarn_slab *slab, copies *c,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t head;
    tarn_delta delta;
    tarn_where where;
    tarn_id id;

    rc = tarn_sealed_take(g->lake, p->row.name, e, slab, &id, &where, err);
    if (rc == TARN_CORRUPT) tarn_err_note(err, "nothing was removed; pack %s, offset %u", p->row.name, e->where.offset);
    if (rc != TARN_OK) goto done;
    if (where.coding == TARN_CODING_DELTA) { /* another copy of it may have been looked at when marking */
        TARN_TRY(tarn_delta_read(slab->stored + TARN_RECORD_HEAD, where.stored, &delta, &head, err));
        TARN_TRY(tarn_gc_mark_bases(g, &delta, err));
    }
    if (tarn_pack_full(&c->open, where.stored)) TARN_TRY(store_copies(g, c, err));
    if (c->made_us < p->made_us) c->made_us = p->made_us;
    TARN_TRY(tarn_pack_add_named(&c->open, &e->id, &id, (tarn_kind)where.kind, (tarn_coding)where.coding,
                                 slab->stored + TARN_RECORD_HEAD, where.stored, where.raw, err));
done:
    return rc;
}

static int by_offset(const void *a, const void *b)
{
    const tarn_indexed *x = a, *y = b;
    return x->where.offset < y->where.offset ? -1 : x->where.offset > y->where.offset;
}

/* What is needed of the pack and not safe elsewhere, in the order in which it stands there. */
static tarn_code copy_pack(tarn_gcing *g, const tarn_gc_pack *p, copies *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_indexed *e = NULL;
    tarn_slab slab = {0};
    size_t n = 0;

    TARN_TRY(tarn_alloc(&e, p->segment.index.n + (size_t)1, sizeof *e, err));
    for (uint32_t i = 0; i < p->segment.index.n; i++) {
        TARN_TRY(tarn_index_at(&p->segment.index, i, p->row.name, &e[n], err));
        uint64_t state = tarn_gc_state(g, &e[n].id);
        n += (state & TARN_GC_NEEDED) && !(state & TARN_GC_SAFE);
    }
    qsort(e, n, sizeof *e, by_offset);
    for (size_t i = 0; i < n; i++) {
        TARN_TRY(copy_record(g, p, &e[i], &slab, c, err));
        *tarn_idmap_find(&g->live, &e[i].id) |= TARN_GC_SAFE;
    }
done:
    tarn_free(e);
    tarn_slab_clear(&slab);
    return rc;
}

static tarn_code copy_needed(tarn_gcing *g, copies *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int64_t done = 0, all = 0;

    g->fresh.n = 0; /* it is marked: what packs that go have of it is copied below */
    for (size_t i = 0; i < g->n_packs; i++) all += g->packs[i].drop;
    for (size_t i = 0; i < g->n_packs; i++) {
        if (!g->packs[i].drop) continue;
        TARN_TRY(tarn_cancel_check(g->sink, err));
        TARN_TRY(copy_pack(g, &g->packs[i], c, err));
        tarn_progress(g->sink, "rewriting packs", ++done, all, "packs");
    }
    TARN_TRY(store_copies(g, c, err));
done:
    return rc;
}

/* ---- the transaction ---- */

static const tarn_gc_pack *pack_numbered(const tarn_gcing *g, uint32_t num)
{
    size_t from = 0, to = g->n_packs; /* in order of numbers */

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (g->packs[middle].row.num < num) from = middle + 1;
        else to = middle;
    }
    return from < g->n_packs && g->packs[from].row.num == num ? &g->packs[from] : NULL;
}

typedef struct newcomers {
    tarn_gcing *g;
    tarn_pack_row *v;
    size_t n, cap;
} newcomers;

static tarn_code note_newcomer(void *arg, const tarn_pack_row *row, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    newcomers *list = arg;

    if (pack_numbered(list->g, row->num)) return TARN_OK;
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        TARN_TRY(tarn_resize(&list->v, cap, sizeof *list->v, err));
        list->cap = cap;
    }
    list->v[list->n++] = *row;
done:
    return rc;
}

/* Packs that came since the survey stay, with what they need. */
static tarn_code mark_newcomers(tarn_gcing *g, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    newcomers list = {.g = g};

    TARN_TRY(tarn_meta_packs(g->lake->meta, note_newcomer, &list, err));
    for (size_t i = 0; i < list.n && rc == TARN_OK; i++) {
        tarn_gc_pack p = {.row = list.v[i], .young = true, .segment = {.map = {.bytes = ""}}};
        rc = open_pack(g, &p, err);
        if (rc == TARN_OK) rc = tarn_gc_mark_pack(g, &p, err);
        tarn_segment_close(&p.segment);
    }
done:
    tarn_free(list.v);
    return rc;
}

/* Does a pack that is to go hold something that came to be needed since it was copied? */
static tarn_code lacks_copy(const tarn_gcing *g, bool *lacks, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_where where;

    *lacks = false;
    for (size_t i = 0; i < g->fresh.n && !*lacks; i++) {
        if (tarn_gc_state(g, &g->fresh.v[i]) & TARN_GC_SAFE) continue;
        for (size_t k = 0; k < g->n_packs && !*lacks; k++)
            if (g->packs[k].drop)
                TARN_TRY(tarn_index_find(&g->packs[k].segment.index, &g->fresh.v[i], g->packs[k].row.name, &where,
                                         lacks, err));
    }
done:
    return rc;
}

/* Commits that are not needed, in packs that stay: their trees may be gone now, so no ref may come to name them. */
static tarn_code note_dead_commits(tarn_gcing *g, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_indexed e;
    char key[sizeof TARN_FACT_DEAD + TARN_ID_HEX], hex[TARN_ID_HEX];

    for (size_t i = 0; i < g->n_packs; i++) {
        const tarn_gc_pack *p = &g->packs[i];
        for (uint32_t k = 0; k < p->segment.index.n && !p->drop; k++) {
            TARN_TRY(tarn_index_at(&p->segment.index, k, p->row.name, &e, err));
            if (e.where.kind != TARN_KIND_COMMIT || (tarn_gc_state(g, &e.id) & TARN_GC_ENTERED)) continue;
            (void)snprintf(key, sizeof key, "%s%s", TARN_FACT_DEAD, tarn_id_hex(&e.id, hex));
            TARN_TRY(tarn_meta_fact_set(g->lake->meta, key, "1", err));
        }
    }
done:
    return rc;
}

static tarn_code swap_packs(tarn_gcing *g, const copies *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint32_t num;
    int64_t sweeps = 0;
    char text[32];

    TARN_TRY(tarn_store_swept(g->lake, &sweeps, err));
    for (size_t i = 0; i < g->n_packs; i++)
        if (g->packs[i].drop) TARN_TRY(tarn_meta_pack_drop(g->lake->meta, g->packs[i].row.num, err));
    for (size_t i = 0; i < c->n; i++)
        TARN_TRY(tarn_meta_pack_add(g->lake->meta, c->rows[i].name, c->rows[i].bytes, c->rows[i].records, &num, err));
    TARN_TRY(note_dead_commits(g, err));
    (void)snprintf(text, sizeof text, "%lld", (long long)sweeps + 1);
    TARN_TRY(tarn_meta_fact_set(g->lake->meta, TARN_FACT_SWEPT, text, err));
done:
    return rc;
}

/* *again: more must be copied first; then nothing has happened. */
static tarn_code swap_in_transaction(tarn_gcing *g, const copies *c, bool *again, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *again = false;
    TARN_TRY(tarn_tx_begin(g->lake, err));
    rc = tarn_store_unswept(g->lake, g->swept, err);
    if (rc == TARN_OK) rc = tarn_gc_mark(g, err);
    if (rc == TARN_OK) rc = mark_newcomers(g, err);
    if (rc == TARN_OK) rc = lacks_copy(g, again, err);
    if (rc == TARN_OK && *again) return tarn_tx_end(g->lake, TARN_CANCELLED, err) == TARN_CANCELLED ? TARN_OK : TARN_IO;
    if (rc == TARN_OK) rc = swap_packs(g, c, err);
    rc = tarn_tx_end(g->lake, rc, err);
done:
    return rc;
}

/* Other threads must not look between the swap and the loading: their indexes would name packs that are gone. */
static tarn_code try_swap(tarn_gcing *g, const copies *c, bool *again, tarn_err *err)
{
    tarn_lake_lock(g->lake);
    tarn_code rc = swap_in_transaction(g, c, again, err);
    if (rc == TARN_OK && !*again) rc = tarn_store_load(g->lake, err);
    tarn_lake_unlock(g->lake);
    return rc;
}

static size_t count_going(const tarn_gcing *g)
{
    size_t n = 0;

    for (size_t i = 0; i < g->n_packs; i++) n += g->packs[i].drop;
    return n;
}

static void count_work(tarn_gcing *g, const copies *c)
{
    for (size_t i = 0; i < g->n_packs; i++) {
        if (!g->packs[i].drop) continue;
        g->out->packs_dropped++;
        g->out->bytes_dropped += (int64_t)g->packs[i].row.bytes;
        if (g->dry_run) g->out->bytes_written += (int64_t)g->packs[i].live;
    }
    for (size_t i = 0; i < c->n; i++) g->out->bytes_written += (int64_t)c->rows[i].bytes;
    g->out->packs_written += (int64_t)c->n;
}

static tarn_code copy_and_swap(tarn_gcing *g, copies *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool again = true;

    g->note_fresh = true;
    for (int attempt = 0; again; attempt++) {
        if (attempt == ATTEMPTS)
            return TARN_FAIL(err, TARN_BUSY, "too much is being written; nothing was removed, try again");
        TARN_TRY(copy_needed(g, c, err));
        TARN_TRY(try_swap(g, c, &again, err));
    }
    g->note_fresh = false;
done:
    return rc;
}

tarn_code tarn_gc_sweep(tarn_gcing *g, size_t *dropped, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    copies c = {.open.ring = g->lake->ring};

    *dropped = count_going(g);
    if (*dropped > 0 && !g->dry_run) TARN_TRY(copy_and_swap(g, &c, err));
    if (*dropped > 0) count_work(g, &c);
    if (*dropped == 0 || g->dry_run) goto done;
    rc = tarn_gc_unlink(g, g->packs, g->n_packs, err);
done:
    tarn_pack_clear(&c.open);
    tarn_free(c.rows);
    return rc;
}
