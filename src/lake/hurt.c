/* SPDX-License-Identifier: Apache-2.0 */
/* hurt.c - which paths of which refs cannot be read whole, and which commits no ref reaches.
 *
 * Each object is read once. A subtree without damage is remembered and not walked again, so history costs what it
 * changed. */
#include "lake/care.h"
#include "lake/commit.h"
#include "lake/idmap.h"
#include "lake/object.h"
#include "lake/tree.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

typedef struct ref_list {
    tarn_ref *v;
    size_t n, cap;
} ref_list;

typedef struct hurts {
    tarn_lake *lake;
    tarn_hurt_fn *fn;
    void *arg;
    const tarn_sink *sink;
    tarn_idmap objects;              /* 1 sound, 2 not */
    tarn_idmap clean, commits, told; /* nodes without damage; commits seen; path and object told */
    tarn_id *todo;                   /* commits of the history to look at */
    size_t n_todo, cap_todo;
    int64_t n;     /* told */
    tarn_hurt now; /* being filled */
} hurts;

static tarn_code keep_ref(void *arg, const tarn_ref *ref, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    ref_list *l = arg;

    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        TARN_TRY(tarn_resize(&l->v, cap, sizeof *l->v, err));
        l->cap = cap;
    }
    l->v[l->n++] = *ref;
done:
    return rc;
}

/* A path with an object is told once in the history; of the newest commits always. */
static tarn_code tell(hurts *h, const char *path, const tarn_id *object, bool derived, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char key[1200];
    tarn_id id;
    bool fresh = false;

    (void)snprintf(h->now.path, sizeof h->now.path, "%s", path);
    h->now.object = object ? *object : (tarn_id){{0}};
    h->now.derived = derived;
    h->n++;
    int len = snprintf(key, sizeof key - TARN_ID_BYTES, "%s", h->now.path);
    memcpy(key + len, h->now.object.b, TARN_ID_BYTES);
    TARN_TRY(tarn_digest(key, (size_t)len + TARN_ID_BYTES, &id, err));
    TARN_TRY(tarn_idmap_put(&h->told, &id, 1, &fresh, err));
    if (fresh || h->now.now) TARN_TRY(h->fn(h->arg, &h->now, err));
done:
    return rc;
}

static tarn_code is_sound(hurts *h, const tarn_id *id, bool *sound, tarn_err *err)
{
    tarn_err why = {0};
    const uint64_t *known = tarn_idmap_find(&h->objects, id);

    *sound = true;
    if (tarn_id_none(id)) return TARN_OK;
    if (known) {
        *sound = *known == 1;
        return TARN_OK;
    }
    tarn_code rc = tarn_object_check(h->lake, id, &why);
    if (tarn_check_stops(h->lake, rc)) return TARN_FAIL(err, rc, "%s", why.msg);
    *sound = rc == TARN_OK;
    return tarn_idmap_put(&h->objects, id, *sound ? 1 : 2, NULL, err);
}

static tarn_code look_at_entry(hurts *h, const tarn_entry *e, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool object = true, recipe = true, attrs = true;

    TARN_TRY(is_sound(h, &e->object.id, &object, err));
    TARN_TRY(is_sound(h, &e->recipe, &recipe, err));
    TARN_TRY(is_sound(h, &e->attrs, &attrs, err));
    if (!object) TARN_TRY(tell(h, e->path, &e->object.id, recipe && !tarn_id_none(&e->recipe), err));
    else if (!recipe) TARN_TRY(tell(h, e->path, &e->recipe, false, err));
    else if (!attrs) TARN_TRY(tell(h, e->path, &e->attrs, false, err));
done:
    return rc;
}

/* The nodes that the walk is in, and how much was told before each. */
typedef struct trail {
    tarn_id id[TARN_TREE_LEVELS];
    int64_t before[TARN_TREE_LEVELS];
    int depth;
} trail;

static tarn_code leave(hurts *h, trail *t, int depth, tarn_err *err)
{
    for (; t->depth > depth; t->depth--) {
        if (t->before[t->depth - 1] != h->n) continue;
        tarn_code rc = tarn_idmap_put(&h->clean, &t->id[t->depth - 1], 1, NULL, err);
        if (rc != TARN_OK) return rc;
    }
    return TARN_OK;
}

static tarn_code step(hurts *h, tarn_walk *w, trail *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_item item = *tarn_walk_item(w);
    tarn_err why = {0};
    tarn_entry e;
    char path[1100];

    if (tarn_walk_level(w) == 0) {
        tarn_entry_of(&item, &e);
        TARN_TRY(look_at_entry(h, &e, err));
        tarn_walk_pass(w);
    } else if (tarn_idmap_find(&h->clean, &item.id)) {
        tarn_walk_pass(w);
    } else {
        (void)snprintf(path, sizeof path, "%.*s and paths before it", (int)item.len, item.key);
        rc = tarn_walk_enter(w, &why);
        if (tarn_check_stops(h->lake, rc)) return TARN_FAIL(err, rc, "%s", why.msg);
        if (rc == TARN_OK) {
            t->id[t->depth] = item.id;
            t->before[t->depth++] = h->n;
            return TARN_OK;
        }
        TARN_TRY(tell(h, path, NULL, false, err));
        tarn_walk_pass(w);
    }
    TARN_TRY(leave(h, t, w->depth, err));
done:
    return rc;
}

static tarn_code look_at_tree(hurts *h, const tarn_id *root, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_walk w = {0};
    tarn_err why = {0};
    trail t = {.id = {*root}, .before = {h->n}, .depth = 1};

    if (tarn_idmap_find(&h->clean, root)) return TARN_OK;
    rc = tarn_walk_open(&w, h->lake, root, &why);
    if (tarn_check_stops(h->lake, rc)) {
        rc = TARN_FAIL(err, rc, "%s", why.msg);
        goto done;
    }
    if (rc != TARN_OK) {
        rc = tell(h, "", NULL, false, err);
        goto done;
    }
    while (w.depth > 0) TARN_TRY(step(h, &w, &t, err));
    if (!tarn_id_none(root)) TARN_TRY(leave(h, &t, 0, err));
done:
    tarn_walk_close(&w);
    return rc;
}

static tarn_code later(hurts *h, const tarn_id *id, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool fresh = false;

    TARN_TRY(tarn_idmap_put(&h->commits, id, 1, &fresh, err));
    if (!fresh) goto done;
    if (h->n_todo == h->cap_todo) {
        size_t cap = h->cap_todo ? h->cap_todo * 2 : 16;
        TARN_TRY(tarn_resize(&h->todo, cap, sizeof *h->todo, err));
        h->cap_todo = cap;
    }
    h->todo[h->n_todo++] = *id;
done:
    return rc;
}

static tarn_code look_at_commit(hurts *h, const tarn_id *id, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_commit *c = NULL;
    tarn_err why = {0};

    TARN_TRY(tarn_cancel_check(h->sink, err));
    TARN_TRY(tarn_alloc(&c, 1, sizeof *c, err));
    h->now.commit = *id;
    rc = tarn_lake_commit_read(h->lake, id, c, &why);
    if (tarn_check_stops(h->lake, rc)) {
        rc = TARN_FAIL(err, rc, "%s", why.msg);
        goto done;
    }
    if (rc != TARN_OK) {
        rc = tell(h, "", NULL, false, err);
        goto done;
    }
    for (int i = 0; i < c->n_parents; i++) TARN_TRY(later(h, &c->parents[i], err));
    rc = look_at_tree(h, &c->tree, err);
done:
    if (c) tarn_commit_clear(c);
    tarn_free(c);
    return rc;
}

static tarn_code look_at_staged(void *arg, const tarn_entry *e, int64_t seq, tarn_err *err)
{
    (void)seq;
    return look_at_entry(arg, e, err);
}

static tarn_code look_at_history(hurts *h, const tarn_ref *ref, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    (void)snprintf(h->now.ref, sizeof h->now.ref, "%s", ref->name);
    TARN_TRY(later(h, &ref->commit, err));
    while (h->n_todo > 0) {
        tarn_id id = h->todo[--h->n_todo];
        TARN_TRY(look_at_commit(h, &id, err));
    }
done:
    return rc;
}

static tarn_code look_at_all(hurts *h, const ref_list *refs, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    h->now.now = true;
    for (size_t i = 0; i < refs->n; i++) {
        (void)snprintf(h->now.ref, sizeof h->now.ref, "%s", refs->v[i].name);
        TARN_TRY(look_at_commit(h, &refs->v[i].commit, err));
    }
    h->now.ref[0] = '\0';
    h->now.commit = (tarn_id){{0}};
    tarn_lake_lock(h->lake);
    rc = tarn_meta_staged_all(h->lake->meta, look_at_staged, h, err);
    tarn_lake_unlock(h->lake);
    if (rc == TARN_CORRUPT) rc = TARN_OK; /* fsck tells it */
    h->now.now = false;
    h->n_todo = 0; /* parents of the newest; the walk below finds them again */
    tarn_idmap_reset(&h->commits);
    for (size_t i = 0; i < refs->n && rc == TARN_OK; i++) rc = look_at_history(h, &refs->v[i], err);
done:
    return rc;
}

tarn_code tarn_lake_hurt(tarn_lake *lake, tarn_hurt_fn *fn, void *arg, const tarn_sink *sink, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    hurts h = {.lake = lake, .fn = fn, .arg = arg, .sink = sink};
    ref_list refs = {0};

    rc = tarn_lake_refs(lake, "", keep_ref, &refs, err);
    if (rc == TARN_CORRUPT) rc = TARN_OK;
    if (rc == TARN_OK) rc = look_at_all(&h, &refs, err);
    tarn_idmap_clear(&h.objects);
    tarn_idmap_clear(&h.clean);
    tarn_idmap_clear(&h.commits);
    tarn_idmap_clear(&h.told);
    tarn_free(h.todo);
    tarn_free(refs.v);
    return rc;
}

/* ---- commits that no ref reaches ---- */

typedef struct reach {
    tarn_lake *lake;
    tarn_idmap seen;
    tarn_id *todo;
    size_t n, cap;
} reach;

static tarn_code reach_add(reach *r, const tarn_id *id, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool fresh = false;

    TARN_TRY(tarn_idmap_put(&r->seen, id, 1, &fresh, err));
    if (!fresh) goto done;
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        TARN_TRY(tarn_resize(&r->todo, cap, sizeof *r->todo, err));
        r->cap = cap;
    }
    r->todo[r->n++] = *id;
done:
    return rc;
}

static tarn_code reach_ref(void *arg, const tarn_ref *ref, tarn_err *err) { return reach_add(arg, &ref->commit, err); }

/* Parents of all that is to do; what cannot be read has none. */
static tarn_code reach_all(reach *r, tarn_commit *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    while (r->n > 0) {
        tarn_id id = r->todo[--r->n];
        if (tarn_lake_commit_read(r->lake, &id, c, NULL) != TARN_OK) continue;
        for (int i = 0; i < c->n_parents && rc == TARN_OK; i++) rc = reach_add(r, &c->parents[i], err);
        tarn_commit_clear(c);
        if (rc != TARN_OK) break;
    }
    return rc;
}

typedef struct lost_commit {
    tarn_id id;
    int64_t time_us;
} lost_commit;

static int newest_first(const void *a, const void *b)
{
    const lost_commit *x = a, *y = b;
    return x->time_us != y->time_us ? (x->time_us < y->time_us ? 1 : -1) : memcmp(x->id.b, y->id.b, TARN_ID_BYTES);
}

typedef struct losses {
    lost_commit *v;
    size_t n, cap;
    tarn_idmap known, parents;
} losses;

static tarn_code note_lost(losses *l, const tarn_commit *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool fresh = false;

    TARN_TRY(tarn_idmap_put(&l->known, &c->id, 1, &fresh, err));
    if (!fresh) goto done;
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        TARN_TRY(tarn_resize(&l->v, cap, sizeof *l->v, err));
        l->cap = cap;
    }
    l->v[l->n++] = (lost_commit){c->id, c->time_us};
    for (int i = 0; i < c->n_parents; i++) TARN_TRY(tarn_idmap_put(&l->parents, &c->parents[i], 1, NULL, err));
done:
    return rc;
}

/* Commits that segment s names and the refs do not reach; those that cannot be read are passed over. */
static tarn_code lost_of_segment(reach *r, losses *l, const tarn_segment *s, tarn_commit *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_indexed e;

    for (uint32_t i = 0; s->index.bytes && i < s->index.n && rc == TARN_OK; i++) {
        if (tarn_index_at(&s->index, i, s->row.name, &e, NULL) != TARN_OK || e.where.kind != TARN_KIND_COMMIT) continue;
        if (tarn_idmap_find(&r->seen, &e.id) || tarn_lake_commit_read(r->lake, &e.id, c, NULL) != TARN_OK) continue;
        rc = note_lost(l, c, err);
        tarn_commit_clear(c);
    }
    return rc;
}

static tarn_code tell_lost(tarn_lake *lake, losses *l, tarn_commit *c, tarn_lost_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (l->n > 0) qsort(l->v, l->n, sizeof *l->v, newest_first);
    for (size_t i = 0; i < l->n && rc == TARN_OK; i++) {
        if (tarn_lake_commit_read(lake, &l->v[i].id, c, NULL) != TARN_OK) continue;
        rc = fn(arg, c, !tarn_idmap_find(&l->parents, &l->v[i].id), err);
        tarn_commit_clear(c);
    }
    return rc;
}

tarn_code tarn_lake_lost(tarn_lake *lake, tarn_lost_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    reach r = {.lake = lake};
    losses l = {0};
    tarn_commit *c = NULL;

    TARN_TRY(tarn_alloc(&c, 1, sizeof *c, err));
    TARN_TRY(tarn_lake_refs(lake, "", reach_ref, &r, err));
    TARN_TRY(reach_all(&r, c, err));
    tarn_lake_lock(lake);
    rc = tarn_store_load(lake, err);
    for (size_t i = 0; i < lake->n_segments && rc == TARN_OK; i++)
        rc = lost_of_segment(&r, &l, &lake->segments[i], c, err);
    tarn_lake_unlock(lake);
    if (rc == TARN_OK) rc = tell_lost(lake, &l, c, fn, arg, err);
done:
    tarn_free(c);
    tarn_free(r.todo);
    tarn_free(l.v);
    tarn_idmap_clear(&r.seen);
    tarn_idmap_clear(&l.known);
    tarn_idmap_clear(&l.parents);
    return rc;
}
