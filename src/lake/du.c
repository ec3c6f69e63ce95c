/* SPDX-License-Identifier: Apache-2.0 */
/* du.c - what takes space: every record counted once for each holder that needs it (a ref, a folder), and once in all.
 *
 * Of a record is kept who came to it first, who came last, and whether they are different ones. */
#include "lake/care.h"
#include "lake/idmap.h"
#include "lake/reach.h"
#include "lake/roots.h"

#include "base/mem.h"

#include <string.h>

enum { HOLDER_BITS = 24 };

static const uint64_t holder_mask = ((uint64_t)1 << HOLDER_BITS) - 1, shared_bit = (uint64_t)1 << 48,
                      entered_bit = (uint64_t)1 << 49;

typedef struct counting {
    tarn_lake *lake;
    const tarn_sink *sink;
    tarn_idmap records; /* first holder, last holder << HOLDER_BITS, shared_bit, entered_bit (by the last) */
    tarn_du *rows;      /* holder i is row i - 1 */
    size_t n, cap;
    tarn_du_total *total;
} counting;

static tarn_code visit(void *arg, const tarn_id *id, const tarn_where *where, bool base, bool *enter, tarn_err *err)
{
    counting *c = arg;
    uint64_t *there = tarn_idmap_find(&c->records, id), now = c->n, size = TARN_RECORD_HEAD + (uint64_t)where->stored;
    uint64_t v = there ? *there : now, first = v & holder_mask, last = v >> HOLDER_BITS & holder_mask;

    *enter = last != now || !(base || (v & entered_bit));
    if (!*enter) return TARN_OK;
    if (!there) c->total->live += size;
    if (last != now) { /* new to this holder */
        c->rows[now - 1].stored += size;
        if (first == now) c->rows[now - 1].alone += size;
        else if (!(v & shared_bit)) {
            c->rows[first - 1].alone -= size;
            c->total->shared += size;
            v |= shared_bit;
        }
        v = (v & (holder_mask | shared_bit)) | now << HOLDER_BITS;
    }
    if (!base) v |= entered_bit;
    return tarn_idmap_put(&c->records, id, v, NULL, err);
}

/* The holder that everything counted from now on belongs to. */
static tarn_code next_holder(counting *c, const char *name, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (c->n == holder_mask - 1) return TARN_FAIL(err, TARN_LIMIT, "there are more than %zu of them", c->n);
    if (c->n == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 16;
        TARN_TRY(tarn_resize(&c->rows, cap, sizeof *c->rows, err));
        c->cap = cap;
    }
    c->rows[c->n] = (tarn_du){.paths = 0};
    (void)snprintf(c->rows[c->n].name, sizeof c->rows[0].name, "%s", name);
    c->n++;
done:
    return rc;
}

static tarn_code count_from(counting *c, const tarn_id *id, tarn_err *err)
{
    if (tarn_id_none(id)) return TARN_OK;
    return tarn_reach_from(&(tarn_reach){.lake = c->lake, .visit = visit, .arg = c, .sink = c->sink}, id, err);
}

static tarn_code add_pack(void *arg, const tarn_pack_row *row, tarn_err *err)
{
    (void)err;
    *(uint64_t *)arg += row->bytes;
    return TARN_OK;
}

static tarn_code finish(counting *c, tarn_err *err)
{
    tarn_lake_lock(c->lake);
    tarn_code rc = tarn_meta_packs(c->lake->meta, add_pack, &c->total->packs, err);
    tarn_lake_unlock(c->lake);
    for (size_t i = 0; i < c->n; i++) c->total->logical += c->rows[i].logical;
    return rc;
}

static void clear(counting *c)
{
    tarn_idmap_clear(&c->records);
    tarn_free(c->rows);
}

/* ---- by ref ---- */

static tarn_code add_content(void *arg, const tarn_entry *e, tarn_err *err)
{
    tarn_du *row = arg;

    (void)err;
    row->paths++;
    row->logical += e->object.size;
    return TARN_OK;
}

static tarn_code count_ref(void *arg, const tarn_ref *ref, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    counting *c = arg;

    TARN_TRY(tarn_cancel_check(c->sink, err));
    TARN_TRY(next_holder(c, ref->name, err));
    TARN_TRY(count_from(c, &ref->commit, err));
    TARN_TRY(tarn_lake_list(c->lake, &ref->commit, "", "", 0, add_content, &c->rows[c->n - 1], err));
    tarn_progress(c->sink, "counting", (int64_t)c->n, 0, "refs");
done:
    return rc;
}

static tarn_code count_rest(counting *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_roots roots = {0};

    TARN_TRY(tarn_roots_gather(c->lake, INT64_MAX, &roots, err)); /* as if the ref log had aged */
    TARN_TRY(next_holder(c, "", err));
    for (size_t i = 0; i < roots.n; i++) {
        bool dead = false;
        if (roots.v[i].ref) continue;
        if (roots.v[i].may_lack) TARN_TRY(tarn_commit_dead(c->lake, &roots.v[i].id, &dead, err));
        tarn_err why = {0};
        rc = dead ? TARN_OK : count_from(c, &roots.v[i].id, &why);
        if (rc == TARN_NOT_FOUND && roots.v[i].may_lack) rc = TARN_OK;
        if (rc != TARN_OK) {
            rc = TARN_FAIL(err, rc, "%s", why.msg);
            break;
        }
    }
done:
    tarn_roots_clear(&roots);
    return rc;
}

static const tarn_du *row_of(const counting *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->rows[i].name, name) == 0) return &c->rows[i];
    return NULL;
}

static tarn_code tell_refs(const counting *c, const char *const *refs, size_t n, tarn_du_fn *fn, void *arg,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char full[256];

    for (size_t i = 0; i < n; i++) {
        TARN_TRY(tarn_ref_full(refs[i], full, err));
        const tarn_du *row = row_of(c, full);
        if (!row) return TARN_FAIL(err, TARN_NOT_FOUND, "there is no ref '%s'", full);
        TARN_TRY(fn(arg, row, err));
    }
    for (size_t i = 0; n == 0 && i < c->n; i++) TARN_TRY(fn(arg, &c->rows[i], err));
done:
    return rc;
}

tarn_code tarn_lake_du(tarn_lake *lake, const char *const *refs, size_t n, tarn_du_fn *fn, void *arg,
                       tarn_du_total *total, const tarn_sink *sink, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    counting c = {.lake = lake, .sink = sink, .total = total};

    *total = (tarn_du_total){0};
    TARN_TRY(tarn_lake_refs(lake, "", count_ref, &c, err));
    TARN_TRY(count_rest(&c, err));
    TARN_TRY(finish(&c, err));
    TARN_TRY(tell_refs(&c, refs, n, fn, arg, err));
done:
    clear(&c);
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}

/* ---- by path ---- */

typedef struct by_path {
    counting c;
    size_t skip; /* bytes of the prefix */
} by_path;

static tarn_code count_entry(void *arg, const tarn_entry *e, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    by_path *b = arg;
    const char *slash = strchr(e->path + b->skip, '/');
    size_t len = slash ? (size_t)(slash - e->path) + 1 : strlen(e->path);
    char name[sizeof b->c.rows->name];

    (void)snprintf(name, sizeof name, "%.*s", (int)len, e->path);
    if (b->c.n == 0 || strcmp(b->c.rows[b->c.n - 1].name, name) != 0) TARN_TRY(next_holder(&b->c, name, err));
    TARN_TRY(count_from(&b->c, &e->object.id, err));
    TARN_TRY(count_from(&b->c, &e->recipe, err));
    TARN_TRY(count_from(&b->c, &e->attrs, err));
    TARN_TRY(add_content(&b->c.rows[b->c.n - 1], e, err));
done:
    return rc;
}

tarn_code tarn_lake_du_paths(tarn_lake *lake, const tarn_id *commit, const char *prefix, tarn_du_fn *fn, void *arg,
                             tarn_du_total *total, const tarn_sink *sink, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    by_path b = {.c = {.lake = lake, .sink = sink, .total = total}, .skip = strlen(prefix)};

    *total = (tarn_du_total){0};
    TARN_TRY(tarn_lake_list(lake, commit, prefix, "", 0, count_entry, &b, err));
    TARN_TRY(finish(&b.c, err));
    for (size_t i = 0; i < b.c.n; i++) TARN_TRY(fn(arg, &b.c.rows[i], err));
done:
    clear(&b.c);
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}
