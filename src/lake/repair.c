/* SPDX-License-Identifier: Apache-2.0 */
/* repair.c - what refs need and the lake has not, fetched from where it still is.
 *
 * Rounds: walk everything that refs and staging reach, noting records that are nowhere; fetch each from another lake by
 * its id, which proves it; put plain files whose content hashes to a hurt object, which stores its missing chunks
 * again. A fetched tree node may name further missing records, so rounds go on while they bring something.
 *
 * A delta that is there although what it is made from is nowhere is an orphan. Its base may turn up in another copy
 * some day, so it stays, unless its own content is found now: then the orphan is taken out of its pack, is missing like
 * others, and the next round stores the content whole. */
#include "lake/care.h"
#include "lake/commit.h"
#include "lake/idmap.h"
#include "lake/object.h"
#include "lake/salvage.h"
#include "lake/tree.h"

#include "base/mem.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ROUNDS = 100 };

typedef struct want {
    tarn_id id;
    tarn_id object; /* the object that needs it; none: a node or a commit */
    uint64_t size;  /* of that object */
    bool orphan;    /* it is there, but not what it is made from */
} want;

typedef struct repair {
    tarn_lake *lake;
    const tarn_repair_options *options;
    tarn_repair *out;
    tarn_idmap seen, wanted;
    want *wants;
    size_t n, cap;
    tarn_id *todo;
    size_t n_todo, cap_todo;
    tarn_idmap offered; /* objects whose content was found in this round */
    tarn_idmap drop;    /* names of orphans whose content was found */
    bool probing;       /* content is only looked for */
    bool *silent;       /* of each other lake: it did not answer, and that was told */
} repair;

/* ---- what is missing ---- */

static tarn_code miss(repair *r, const tarn_id *id, const tarn_id *object, uint64_t size, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const uint64_t *at = tarn_idmap_find(&r->wanted, id);

    if (at) { /* it may have been missed first as what another is made from */
        want *known = &r->wants[*at];
        if (object && tarn_id_none(&known->object)) *known = (want){*id, *object, size, known->orphan};
        goto done;
    }
    TARN_TRY(tarn_idmap_put(&r->wanted, id, r->n, NULL, err));
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        TARN_TRY(tarn_resize(&r->wants, cap, sizeof *r->wants, err));
        r->cap = cap;
    }
    r->wants[r->n++] = (want){*id, object ? *object : (tarn_id){{0}}, size, false};
done:
    return rc;
}

static tarn_code miss_orphan(repair *r, const tarn_id *id, const tarn_id *object, uint64_t size, tarn_err *err)
{
    if (tarn_idmap_find(&r->wanted, id)) return TARN_OK;
    tarn_code rc = miss(r, id, object, size, err);
    if (rc == TARN_OK) r->wants[r->n - 1].orphan = true;
    return rc;
}

static tarn_code has(repair *r, const tarn_id *id, tarn_where *w, bool *found, tarn_err *err)
{
    tarn_err why = {0};
    tarn_code rc = tarn_store_find(r->lake, id, w, found, &why);

    if (tarn_check_stops(r->lake, rc)) return TARN_FAIL(err, rc, "%s", why.msg);
    *found = rc == TARN_OK && *found;
    return TARN_OK;
}

/* Is the record there, and what it is made from? Notes what is not. */
static tarn_code look_at_record(repair *r, const tarn_id *id, const tarn_id *object, uint64_t size, tarn_where *w,
                                bool *found, int depth, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_delta delta = {0};
    tarn_err why = {0};
    tarn_where other;
    bool all = true;

    TARN_TRY(has(r, id, w, found, err));
    if (!*found) return miss(r, id, object, size, err);
    if (w->coding != TARN_CODING_DELTA || depth > TARN_DELTA_HOPS) goto done;
    rc = tarn_store_bases(r->lake, id, &delta, &why);
    if (rc != TARN_OK)
        return tarn_check_stops(r->lake, rc) ? TARN_FAIL(err, rc, "%s", why.msg) : miss(r, id, object, size, err);
    for (int i = 0; i < delta.n; i++) {
        TARN_TRY(look_at_record(r, &delta.base[i], NULL, 0, &other, &all, depth + 1, err));
        *found = *found && all;
    }
    if (!*found && depth == 0) TARN_TRY(miss_orphan(r, id, object, size, err));
done:
    return rc;
}

/* What could not be read: it is missing itself, or what it is made from. */
static tarn_code miss_read(repair *r, const tarn_id *id, const tarn_id *object, uint64_t size, tarn_err *err)
{
    tarn_where w;
    bool found = false;
    tarn_code rc = look_at_record(r, id, object, size, &w, &found, 0, err);

    return rc == TARN_OK && found ? miss(r, id, object, size, err) : rc;
}

/* The record of a list or part, and below it. */
static tarn_code look_at_list(repair *r, const tarn_id *id, bool part, const tarn_id *object, uint64_t size,
                              tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_slab slab = {0};
    tarn_list_view list;
    tarn_err why = {0};
    tarn_where w;
    tarn_id each;
    uint64_t bytes;
    bool found = false;

    rc = tarn_store_get(r->lake, id, "list", &slab, NULL, &why);
    if (rc == TARN_OK) rc = tarn_list_open(slab.bytes, slab.len, part ? NULL : object, &list, &why);
    if (tarn_check_stops(r->lake, rc)) {
        rc = TARN_FAIL(err, rc, "%s", why.msg);
        goto done;
    }
    if (rc != TARN_OK) {
        rc = miss_read(r, id, object, size, err);
        goto done;
    }
    for (uint32_t i = 0; i < list.n; i++) {
        tarn_list_at(&list, i, &each, &bytes);
        TARN_TRY(look_at_record(r, &each, object, size, &w, &found, 0, err));
        if (found && list.level > 0) TARN_TRY(look_at_list(r, &each, true, object, size, err));
    }
done:
    tarn_slab_clear(&slab);
    return rc;
}

static tarn_code look_at_object(repair *r, const tarn_id *id, uint64_t size, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_where w;
    bool fresh = false, found = false;

    if (tarn_id_none(id)) return TARN_OK;
    TARN_TRY(tarn_idmap_put(&r->seen, id, 1, &fresh, err));
    if (!fresh) goto done;
    TARN_TRY(look_at_record(r, id, id, size, &w, &found, 0, err));
    if (found && w.kind == TARN_KIND_LIST) TARN_TRY(look_at_list(r, id, false, id, size, err));
done:
    return rc;
}

static tarn_code look_at_entry(repair *r, const tarn_entry *e, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(look_at_object(r, &e->object.id, e->object.size, err));
    TARN_TRY(look_at_object(r, &e->recipe, UINT64_MAX, err));
    TARN_TRY(look_at_object(r, &e->attrs, UINT64_MAX, err));
done:
    return rc;
}

static tarn_code look_at_node(repair *r, tarn_walk *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_item item = *tarn_walk_item(w);
    tarn_entry e;
    tarn_err why = {0};
    bool fresh = false;

    if (tarn_walk_level(w) == 0) {
        tarn_entry_of(&item, &e);
        TARN_TRY(look_at_entry(r, &e, err));
        tarn_walk_pass(w);
        goto done;
    }
    TARN_TRY(tarn_idmap_put(&r->seen, &item.id, 1, &fresh, err));
    if (!fresh) {
        tarn_walk_pass(w);
        goto done;
    }
    rc = tarn_walk_enter(w, &why);
    if (rc == TARN_OK) goto done;
    if (tarn_check_stops(r->lake, rc)) return TARN_FAIL(err, rc, "%s", why.msg);
    TARN_TRY(miss_read(r, &item.id, NULL, 0, err));
    tarn_walk_pass(w);
done:
    return rc;
}

static tarn_code look_at_tree(repair *r, const tarn_id *root, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_walk w = {0};
    tarn_err why = {0};
    bool fresh = false;

    if (tarn_id_none(root)) return TARN_OK;
    TARN_TRY(tarn_idmap_put(&r->seen, root, 1, &fresh, err));
    if (!fresh) goto done;
    rc = tarn_walk_open(&w, r->lake, root, &why);
    if (rc != TARN_OK) {
        rc = tarn_check_stops(r->lake, rc) ? TARN_FAIL(err, rc, "%s", why.msg) : miss_read(r, root, NULL, 0, err);
        goto done;
    }
    while (w.depth > 0) TARN_TRY(look_at_node(r, &w, err));
done:
    tarn_walk_close(&w);
    return rc;
}

static tarn_code later(repair *r, const tarn_id *id, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool fresh = false;

    TARN_TRY(tarn_idmap_put(&r->seen, id, 1, &fresh, err));
    if (!fresh) goto done;
    if (r->n_todo == r->cap_todo) {
        size_t cap = r->cap_todo ? r->cap_todo * 2 : 64;
        TARN_TRY(tarn_resize(&r->todo, cap, sizeof *r->todo, err));
        r->cap_todo = cap;
    }
    r->todo[r->n_todo++] = *id;
done:
    return rc;
}

static tarn_code look_at_commit(repair *r, const tarn_id *id, tarn_commit *c, tarn_err *err)
{
    tarn_err why = {0};
    tarn_code rc = tarn_lake_commit_read(r->lake, id, c, &why);

    if (rc != TARN_OK)
        return tarn_check_stops(r->lake, rc) ? TARN_FAIL(err, rc, "%s", why.msg) : miss_read(r, id, NULL, 0, err);
    for (int i = 0; i < c->n_parents && rc == TARN_OK; i++) rc = later(r, &c->parents[i], err);
    if (rc == TARN_OK) rc = look_at_tree(r, &c->tree, err);
    tarn_commit_clear(c);
    return rc;
}

static tarn_code look_at_ref(void *arg, const tarn_ref *ref, tarn_err *err) { return later(arg, &ref->commit, err); }

static tarn_code look_at_staged(void *arg, const tarn_entry *e, int64_t seq, tarn_err *err)
{
    (void)seq;
    return look_at_entry(arg, e, err);
}

static tarn_code find_missing(repair *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_commit *c = NULL;

    r->n = r->n_todo = 0;
    tarn_idmap_reset(&r->seen);
    tarn_idmap_reset(&r->wanted);
    TARN_TRY(tarn_alloc(&c, 1, sizeof *c, err));
    TARN_TRY(tarn_lake_refs(r->lake, "", look_at_ref, r, err));
    while (r->n_todo > 0) {
        tarn_id id = r->todo[--r->n_todo];
        TARN_TRY(tarn_cancel_check(r->options->sink, err));
        TARN_TRY(look_at_commit(r, &id, c, err));
    }
    tarn_lake_lock(r->lake);
    rc = tarn_meta_staged_all(r->lake->meta, look_at_staged, r, err);
    tarn_lake_unlock(r->lake);
done:
    tarn_free(c);
    return rc;
}

/* ---- where it still is: other lakes ---- */

/* Not to have it is one thing, not to answer another. */
static void say_silent(repair *r, size_t k, tarn_code rc, const tarn_err *why)
{
    const tarn_lake *from = r->options->from[k];

    if (r->silent[k] || !tarn_check_stops(from, rc)) return;
    r->silent[k] = true;
    tarn_repair_say(r->options, "the copy '%s' does not answer, and is left out: %s",
                    from->scratch ? from->store_url : from->folder, why->msg);
}

static tarn_code read_from(repair *r, size_t k, const tarn_id *id, tarn_slab *slab, tarn_where *w, bool *got,
                           tarn_err *err)
{
    tarn_err why = {0};
    tarn_list_view list;

    *got = false;
    if (r->silent[k]) return TARN_OK;
    tarn_code rc = tarn_store_get(r->options->from[k], id, "record", slab, w, &why);
    if (rc == TARN_OK && w->kind == TARN_KIND_LIST) rc = tarn_list_open(slab->bytes, slab->len, id, &list, &why);
    if (rc == TARN_NOMEM || rc == TARN_CANCELLED) return TARN_FAIL(err, rc, "%s", why.msg);
    say_silent(r, k, rc, &why);
    *got = rc == TARN_OK;
    return TARN_OK;
}

/* The orphan's content is there: let it go. */
static tarn_code drop_orphan(repair *r, const want *x, tarn_err *err)
{
    tarn_id name = x->id;
    tarn_code rc = tarn_idmap_put(&r->drop, &x->id, 1, NULL, err); /* a commit's name */

    if (rc != TARN_OK || !r->lake->ring) return rc;
    tarn_ring_name(r->lake->ring, TARN_KIND_CHUNK, &x->id, &name);
    return tarn_idmap_put(&r->drop, &name, 1, NULL, err);
}

static tarn_code fetch_from_lakes(repair *r, const want *x, bool *got, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_slab slab = {0};
    tarn_where w;

    *got = false;
    for (size_t k = 0; k < r->options->n_from && !*got; k++) {
        TARN_TRY(read_from(r, k, &x->id, &slab, &w, got, err));
        if (!*got) continue;
        if (r->probing) TARN_TRY(drop_orphan(r, x, err));
        else TARN_TRY(tarn_store_put(r->lake, &x->id, w.kind, slab.bytes, slab.len, err));
        r->out->fetched += !r->probing;
    }
done:
    tarn_slab_clear(&slab);
    return rc;
}

/* ---- plain files ---- */

/* Every orphan of the object, now that its content is known. */
static tarn_code drop_orphans(repair *r, const tarn_id *object, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (size_t i = 0; i < r->n; i++)
        if (r->wants[i].orphan && tarn_id_equal(&r->wants[i].object, object))
            TARN_TRY(drop_orphan(r, &r->wants[i], err));
done:
    return rc;
}

static tarn_code take_file(repair *r, const char *path, const tarn_mapped *map, const tarn_id *object, bool *got,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_object o;

    if (r->probing) {
        *got = true;
        return drop_orphans(r, object, err);
    }
    TARN_TRY(tarn_lake_put(r->lake, map->bytes, map->len, &o, err));
    *got = tarn_id_equal(&o.id, object);
    if (!*got) goto done;
    r->out->files++;
    tarn_repair_say(r->options, "object %.12s is made again from %s", tarn_id_hex(object, (char[TARN_ID_HEX]){0}),
                    path);
done:
    return rc;
}

/* Is one of the hurt objects, of its size, what the file holds? Its hash is made once. */
static tarn_code offer_file(repair *r, const char *path, uint64_t size, bool *some, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_mapped map = {.bytes = ""};
    tarn_id hash;
    bool hashed = false, got = false;

    for (size_t i = 0; i < r->n; i++) {
        const want *x = &r->wants[i];
        if (x->orphan != r->probing || tarn_id_none(&x->object) || (x->size != size && x->size != UINT64_MAX)) continue;
        if (tarn_idmap_find(&r->offered, &x->object)) continue;
        if (!hashed) {
            rc = tarn_map_open(path, &map, NULL);
            if (rc != TARN_OK) return rc == TARN_NOMEM ? TARN_FAIL(err, rc, "cannot map '%s'", path) : TARN_OK;
            TARN_TRY(tarn_digest(map.bytes, map.len, &hash, err));
            hashed = true;
        }
        if (!tarn_id_equal(&hash, &x->object)) continue;
        TARN_TRY(take_file(r, path, &map, &hash, &got, err));
        if (got) TARN_TRY(tarn_idmap_put(&r->offered, &hash, 1, NULL, err));
        *some = *some || got;
    }
done:
    tarn_map_close(&map);
    return rc;
}

static tarn_code from_folder(repair *r, const char *folder, bool *some, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char copy[TARN_LAKE_PATH + 80], *roots[2] = {copy, NULL};
    FTSENT *e;

    if (snprintf(copy, sizeof copy, "%s", folder) >= (int)sizeof copy)
        return TARN_FAIL(err, TARN_LIMIT, "the path of folder '%.60s...' is too long", folder);
    if (!tarn_path_exists(copy)) return TARN_OK;
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!walk) return TARN_FAIL_ERRNO(err, "read folder", folder);
    while (rc == TARN_OK && (e = fts_read(walk)) != NULL) {
        if (e->fts_info == FTS_D && e->fts_level > 0 &&
            (strcmp(e->fts_name, ".tarn") == 0 || strcmp(e->fts_name, ".git") == 0))
            (void)fts_set(walk, e, FTS_SKIP);
        if (e->fts_info != FTS_F) continue;
        rc = tarn_cancel_check(r->options->sink, err);
        if (rc == TARN_OK) rc = offer_file(r, e->fts_path, (uint64_t)e->fts_statp->st_size, some, err);
    }
    (void)fts_close(walk);
    return rc;
}

/* The lake's own plain copies and folder, then those of the others, then folders that are no lakes. */
static tarn_code from_files(repair *r, bool *some, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_repair_options *o = r->options;
    char cache[TARN_LAKE_PATH + 80];

    for (size_t i = 0; i < o->n_from + 1; i++) {
        const tarn_lake *lake = i == 0 ? r->lake : o->from[i - 1];
        (void)snprintf(cache, sizeof cache, "%s/objects", lake->cache);
        TARN_TRY(from_folder(r, cache, some, err));
        if (!lake->scratch) TARN_TRY(from_folder(r, lake->folder, some, err));
    }
    for (size_t i = 0; i < o->n_folders; i++) TARN_TRY(from_folder(r, o->folders[i], some, err));
done:
    return rc;
}

/* ---- rounds ---- */

static tarn_code fetch_all(repair *r, bool *some, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool got = false, need_files = false;

    *some = false;
    tarn_idmap_reset(&r->offered);
    for (size_t i = 0; i < r->n; i++) {
        if (r->wants[i].orphan != r->probing) continue;
        TARN_TRY(fetch_from_lakes(r, &r->wants[i], &got, err));
        need_files = need_files || (!got && !tarn_id_none(&r->wants[i].object));
        *some = *some || got;
    }
    if (need_files) TARN_TRY(from_files(r, some, err));
done:
    return rc;
}

/* Nothing that is missing is anywhere. Take out orphans whose own content is. */
static tarn_code free_orphans(repair *r, bool *some, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_repair sum = *r->out;

    tarn_idmap_reset(&r->drop);
    r->probing = true;
    rc = fetch_all(r, some, err);
    r->probing = false;
    if (rc != TARN_OK || !*some) return rc;
    TARN_TRY(tarn_salvage_packs(r->lake, r->options, &r->drop, &sum, err));
    r->out->packs = sum.packs;
done:
    return rc;
}

static tarn_code fill(repair *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool some = false;

    for (int round = 0; round < ROUNDS; round++) {
        TARN_TRY(find_missing(r, err));
        if (round == 0) {
            TARN_TRY(tarn_salvage_strays(r->lake, r->options, r->n == 0, &some, err));
            if (some && r->n > 0) continue;
        }
        if (r->n == 0) break;
        TARN_TRY(fetch_all(r, &some, err));
        if (!some) TARN_TRY(free_orphans(r, &some, err));
        if (!some) break;
        TARN_TRY(tarn_lake_sync(r->lake, err));
    }
    r->out->left = 0;
    for (size_t i = 0; i < r->n; i++) r->out->left += !r->wants[i].orphan;
    if (r->out->fetched > 0)
        tarn_repair_say(r->options, "%lld records were fetched from other lakes", (long long)r->out->fetched);
done:
    return rc;
}

tarn_code tarn_lake_repair(tarn_lake *lake, const tarn_repair_options *options, tarn_repair *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    repair r = {.lake = lake, .options = options, .out = out};

    *out = (tarn_repair){0};
    TARN_TRY(tarn_alloc(&r.silent, options->n_from + 1, sizeof *r.silent, err));
    TARN_TRY(tarn_salvage_packs(lake, options, NULL, out, err));
    TARN_TRY(fill(&r, err));
done:
    tarn_idmap_clear(&r.seen);
    tarn_idmap_clear(&r.wanted);
    tarn_idmap_clear(&r.offered);
    tarn_idmap_clear(&r.drop);
    tarn_free(r.silent);
    tarn_free(r.wants);
    tarn_free(r.todo);
    return rc;
}
