/* SPDX-License-Identifier: Apache-2.0 */
/* repair.c - what refs need and the lake has not, fetched from where it still is.
 *
 * Rounds: walk everything that refs and staging reach, noting records that are nowhere; fetch each from another lake by
 * its id, which proves it; put plain files whose content hashes to a hurt object, which stores its missing chunks
 * again. A fetched tree node may name further missing records, so rounds go on while they bring something. */
#include "lake/care.h"
#include "lake/commit.h"
#include "lake/idmap.h"
#include "lake/object.h"
#include "lake/salvage.h"
#include "lake/tree.h"

#include "base/mem.h"

#include <dirent.h>
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
} repair;

static bool stops(tarn_code rc) { return rc == TARN_NOMEM || rc == TARN_CANCELLED || rc == TARN_BUSY; }

/* ---- what is missing ---- */

static tarn_code miss(repair *r, const tarn_id *id, const tarn_id *object, uint64_t size, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool fresh = false;

    TARN_TRY(tarn_idmap_put(&r->wanted, id, r->n, &fresh, err));
    if (!fresh) { /* it may have been missed first as what another is made from */
        want *known = &r->wants[*tarn_idmap_find(&r->wanted, id)];
        if (object && tarn_id_none(&known->object)) *known = (want){*id, *object, size};
        goto done;
    }
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        TARN_TRY(tarn_resize(&r->wants, cap, sizeof *r->wants, err));
        r->cap = cap;
    }
    r->wants[r->n++] = (want){*id, object ? *object : (tarn_id){{0}}, size};
done:
    return rc;
}

static tarn_code has(repair *r, const tarn_id *id, tarn_where *w, bool *found, tarn_err *err)
{
    tarn_err why = {0};
    tarn_code rc = tarn_store_find(r->lake, id, w, found, &why);

    if (stops(rc)) return TARN_FAIL(err, rc, "%s", why.msg);
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
    if (rc != TARN_OK) return stops(rc) ? TARN_FAIL(err, rc, "%s", why.msg) : miss(r, id, object, size, err);
    for (int i = 0; i < delta.n; i++) {
        TARN_TRY(look_at_record(r, &delta.base[i], NULL, 0, &other, &all, depth + 1, err));
        *found = *found && all;
    }
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
    if (stops(rc)) {
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
    if (stops(rc)) return TARN_FAIL(err, rc, "%s", why.msg);
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
        rc = stops(rc) ? TARN_FAIL(err, rc, "%s", why.msg) : miss_read(r, root, NULL, 0, err);
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

    if (rc != TARN_OK) return stops(rc) ? TARN_FAIL(err, rc, "%s", why.msg) : miss_read(r, id, NULL, 0, err);
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

/* ---- where it still is ---- */

static tarn_code fetch_from_lakes(repair *r, size_t i, bool *got, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_slab slab = {0};
    tarn_where w;
    tarn_list_view list;
    tarn_err why = {0};
    const want *x = &r->wants[i];

    *got = false;
    for (size_t k = 0; k < r->options->n_from && !*got; k++) {
        tarn_lake *from = r->options->from[k];
        rc = tarn_store_get(from, &x->id, "record", &slab, &w, &why);
        if (rc == TARN_OK && w.kind == TARN_KIND_LIST) rc = tarn_list_open(slab.bytes, slab.len, &x->id, &list, &why);
        if (rc == TARN_NOMEM) {
            rc = TARN_FAIL(err, rc, "%s", why.msg);
            goto done;
        }
        if (rc != TARN_OK) { /* it does not have it either */
            rc = TARN_OK;
            continue;
        }
        TARN_TRY(tarn_store_put(r->lake, &x->id, w.kind, slab.bytes, slab.len, err));
        r->out->fetched++;
        *got = true;
    }
done:
    tarn_slab_clear(&slab);
    return rc;
}

/* Put the file if its content is the object. */
static tarn_code try_file(repair *r, const char *path, const tarn_id *object, bool *got, tarn_err *err)
{
    tarn_mapped map = {.bytes = ""};
    tarn_id hash;
    tarn_object o;
    tarn_code rc = tarn_map_open(path, &map, NULL);

    *got = false;
    if (rc != TARN_OK) return stops(rc) ? TARN_FAIL(err, rc, "cannot map '%s'", path) : TARN_OK;
    TARN_TRY(tarn_digest(map.bytes, map.len, &hash, err));
    if (!tarn_id_equal(&hash, object)) goto done;
    TARN_TRY(tarn_lake_put(r->lake, map.bytes, map.len, &o, err));
    *got = tarn_id_equal(&o.id, object);
    if (*got) {
        r->out->files++;
        tarn_repair_say(r->options, "object %.12s is made again from %s", tarn_id_hex(object, (char[TARN_ID_HEX]){0}),
                        path);
    }
done:
    tarn_map_close(&map);
    return rc;
}

/* The plain copy in .tarn/cache/objects, whatever its ending. */
static tarn_code from_cache(repair *r, const tarn_id *object, bool *got, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char folder[TARN_LAKE_PATH + 64], path[TARN_LAKE_PATH + 400], hex[TARN_ID_HEX];
    struct dirent *e;

    *got = false;
    (void)tarn_id_hex(object, hex);
    (void)snprintf(folder, sizeof folder, "%s/cache/objects/%.2s", r->lake->inside, hex);
    DIR *dir = opendir(folder);
    if (!dir) return TARN_OK;
    while (rc == TARN_OK && !*got && (e = readdir(dir)) != NULL) {
        if (strncmp(e->d_name, hex, TARN_ID_HEX - 1) != 0) continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        rc = try_file(r, path, object, got, err);
    }
    (void)closedir(dir);
    return rc;
}

/* A file of the project: each hurt object of its size is asked for. */
static tarn_code offer_file(repair *r, const char *path, uint64_t size, tarn_idmap *done_objects, bool *some,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool got = false;

    for (size_t i = 0; i < r->n; i++) {
        const want *x = &r->wants[i];
        if (tarn_id_none(&x->object) || (x->size != size && x->size != UINT64_MAX)) continue;
        if (tarn_idmap_find(done_objects, &x->object)) continue;
        TARN_TRY(try_file(r, path, &x->object, &got, err));
        if (got) TARN_TRY(tarn_idmap_put(done_objects, &x->object, 1, NULL, err));
        *some = *some || got;
    }
done:
    return rc;
}

static tarn_code from_folder(repair *r, tarn_idmap *done_objects, bool *some, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *roots[2] = {r->lake->folder, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    FTSENT *e;

    if (!walk) return TARN_FAIL_ERRNO(err, "read folder", r->lake->folder);
    while (rc == TARN_OK && (e = fts_read(walk)) != NULL) {
        if (e->fts_info == FTS_D && (strcmp(e->fts_name, ".tarn") == 0 || strcmp(e->fts_name, ".git") == 0))
            (void)fts_set(walk, e, FTS_SKIP);
        if (e->fts_info != FTS_F) continue;
        rc = tarn_cancel_check(r->options->sink, err);
        if (rc == TARN_OK) rc = offer_file(r, e->fts_path, (uint64_t)e->fts_statp->st_size, done_objects, some, err);
    }
    (void)fts_close(walk);
    return rc;
}

static tarn_code fetch_all(repair *r, bool *some, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_idmap done_objects = {0};
    bool got = false, need_files = false;

    *some = false;
    for (size_t i = 0; i < r->n; i++) {
        TARN_TRY(fetch_from_lakes(r, i, &got, err));
        bool of_object = !tarn_id_none(&r->wants[i].object);
        if (!got && of_object && !tarn_idmap_find(&done_objects, &r->wants[i].object)) {
            TARN_TRY(from_cache(r, &r->wants[i].object, &got, err));
            if (got) TARN_TRY(tarn_idmap_put(&done_objects, &r->wants[i].object, 1, NULL, err));
            need_files = need_files || !got;
        }
        *some = *some || got;
    }
    if (need_files) TARN_TRY(from_folder(r, &done_objects, some, err));
done:
    tarn_idmap_clear(&done_objects);
    return rc;
}

static tarn_code fill(repair *r, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool some = false;

    for (int round = 0; round < ROUNDS; round++) {
        TARN_TRY(find_missing(r, err));
        if (r->n == 0) break;
        if (round == 0) {
            TARN_TRY(tarn_salvage_strays(r->lake, r->options, &some, err));
            if (some) continue;
        }
        TARN_TRY(fetch_all(r, &some, err));
        if (!some) break;
        TARN_TRY(tarn_lake_sync(r->lake, err));
    }
    r->out->left = (int64_t)r->n;
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
    if (lake->ring)
        return TARN_FAIL(
            err, TARN_UNSUPPORTED,
            "an encrypted lake cannot be repaired from its parts yet; copy the damaged files that fsck names "
            "back from a copy of .tarn, with no process at work");
    TARN_TRY(tarn_salvage_packs(lake, options, out, err));
    TARN_TRY(fill(&r, err));
done:
    tarn_idmap_clear(&r.seen);
    tarn_idmap_clear(&r.wanted);
    tarn_free(r.wants);
    tarn_free(r.todo);
    return rc;
}
