/* SPDX-License-Identifier: Apache-2.0 */
/* fsck.c - reading everything and checking every hash and link.
 *
 * First the bytes: meta.db, every pack (head, tail, index, every record), every run. Records that are damaged, or made
 * from one that is damaged or missing, are remembered by id. Then the links, from the refs: commits, trees, objects,
 * each once; whatever meets damage names the path and the commit that use it. What is damaged but used by nothing is
 * told last. A damaged run is told and taken apart: it is only an index, and made again from the packs. */
#include "lake/commit.h"
#include "lake/delta.h"
#include "lake/idmap.h"
#include "lake/object.h"
#include "lake/tree.h"

#include "base/mem.h"
#include "lake/bytes.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

typedef struct bad_record {
    tarn_id id;
    char pack[64], why[240];
    uint32_t offset;
    bool told;
} bad_record;

typedef struct pack_rows {
    tarn_pack_row *v;
    size_t n, cap;
} pack_rows;

typedef struct fsck {
    tarn_lake *lake;
    void (*problem)(void *arg, const char *line);
    void *arg;
    tarn_fsck count;
    const tarn_sink *sink;
    tarn_idmap bad; /* name -> number in bads */
    bad_record *bads;
    size_t n_bads, cap_bads;
    tarn_idmap commits, nodes, objects; /* seen */
    tarn_id *todo;                      /* commits to look at */
    size_t n_todo, cap_todo;
    char commit[16]; /* the one being walked, shortened */
} fsck;

static void tell(fsck *f, const char *fmt, ...) TARN_PRINTF(2, 3);
static void tell(fsck *f, const char *fmt, ...)
{
    char line[2048];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    f->count.problems++;
    if (f->problem) f->problem(f->arg, line);
}

/* Tell the error unless it stops the check. */
static tarn_code finding(fsck *f, tarn_code rc, const tarn_err *e, const char *where, tarn_err *err)
{
    if (rc == TARN_OK) return TARN_OK;
    if (tarn_check_stops(f->lake, rc)) return TARN_FAIL(err, rc, "%s", e->msg);
    tell(f, "%s%s%s", where, *where ? ": " : "", e->msg);
    return TARN_OK;
}

/* ---- bytes ---- */

static tarn_code note_bad(fsck *f, const tarn_id *id, const char *pack, uint32_t offset, const char *why, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (f->n_bads == f->cap_bads) {
        size_t cap = f->cap_bads ? f->cap_bads * 2 : 16;
        TARN_TRY(tarn_resize(&f->bads, cap, sizeof *f->bads, err));
        f->cap_bads = cap;
    }
    bad_record *b = &f->bads[f->n_bads];
    *b = (bad_record){.id = *id, .offset = offset};
    (void)snprintf(b->pack, sizeof b->pack, "%s", pack);
    (void)snprintf(b->why, sizeof b->why, "%.239s", why);
    TARN_TRY(tarn_idmap_put(&f->bad, id, f->n_bads, NULL, err));
    f->n_bads++;
done:
    return rc;
}

/* key: of a sealed pack, else NULL. */
static tarn_code check_record(fsck *f, const char *pack, const tarn_key *key, const uint8_t *bytes,
                              const tarn_indexed *e, tarn_slab *slab, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_err why = {0};
    tarn_list_view list;
    int work = TARN_DELTA_WORK;
    tarn_before before = {.lake = f->lake, .work = &work};
    size_t len = TARN_RECORD_HEAD + (size_t)e->where.stored;

    TARN_TRY(tarn_slab_need(&slab->stored, &slab->stored_cap, len, err));
    memcpy(slab->stored, bytes + e->where.offset, len);
    tarn_id id = e->id;
    tarn_where where = e->where;
    const tarn_opening how = {
        .codec = f->lake->codec, .proof = TARN_PROOF_HASH, .before = tarn_before_get, .arg = &before};
    if (key) rc = tarn_record_unseal(f->lake->ring, key, &e->id, &where, slab, &id, &why);
    if (rc == TARN_OK) rc = tarn_record_open(&how, &id, &where, slab, &why);
    if (rc == TARN_OK && where.kind == TARN_KIND_LIST) rc = tarn_list_open(slab->bytes, slab->len, &id, &list, &why);
    f->count.chunks += e->where.kind == TARN_KIND_CHUNK;
    if (rc == TARN_OK) goto done;
    if (tarn_check_stops(f->lake, rc)) return TARN_FAIL(err, rc, "%s", why.msg);
    TARN_TRY(note_bad(f, &e->id, pack, e->where.offset, why.msg, err));
done:
    tarn_before_clear(&before);
    return rc;
}

static int by_offset(const void *a, const void *b)
{
    const tarn_indexed *x = a, *y = b;
    return x->where.offset < y->where.offset ? -1 : x->where.offset > y->where.offset;
}

/* Every record the index names, and that together they are all of the pack. */
static tarn_code check_records(fsck *f, const char *name, const tarn_key *key, const uint8_t *bytes,
                               const tarn_tail *tail, const tarn_index *index, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_indexed *e = NULL;
    tarn_slab slab = {0};
    tarn_err why = {0};
    uint64_t at = key ? TARN_PACK_SEALED_HEAD : TARN_PACK_HEAD;
    size_t bad_before = f->n_bads;
    uint32_t n = 0;

    TARN_TRY(tarn_alloc(&e, index->n, sizeof *e, err));
    for (; n < index->n; n++) {
        rc = tarn_index_at(index, n, name, &e[n], &why);
        if (rc != TARN_OK) {
            rc = finding(f, rc, &why, "", err);
            goto done;
        }
    }
    qsort(e, n, sizeof *e, by_offset);
    for (uint32_t i = 0; i < n; i++) {
        if (e[i].where.offset != at || tail->index_at - at < TARN_RECORD_HEAD + (uint64_t)e[i].where.stored) {
            tell(f, "pack %s: its records do not stand one behind the other at offset %llu", name,
                 (unsigned long long)at);
            goto done;
        }
        TARN_TRY(check_record(f, name, key, bytes, &e[i], &slab, err));
        at += TARN_RECORD_HEAD + (uint64_t)e[i].where.stored;
    }
    if (at != tail->index_at)
        tell(f, "pack %s: %llu bytes belong to no record", name, (unsigned long long)(tail->index_at - at));
    else if (f->n_bads == bad_before && tarn_crc32c(0, bytes, tail->index_at) != tail->crc)
        tell(f, "pack %s: its first bytes are damaged (the records are sound)", name);
done:
    tarn_free(e);
    tarn_slab_clear(&slab);
    return rc;
}

static tarn_code check_pack_bytes(fsck *f, const tarn_pack_row *row, const uint8_t *bytes, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_err why = {0};
    tarn_tail tail;
    tarn_index index = {0};
    tarn_id hash;
    char hex[TARN_ID_HEX], name[TARN_PACK_NAME];
    tarn_key key = {{0}};

    if (f->lake->ring) {
        rc = tarn_pack_key(f->lake->ring, bytes, &key, &why);
        if (rc != TARN_OK) return finding(f, rc, &why, row->name, err);
    }
    rc = tarn_tail_read(bytes + row->bytes - TARN_PACK_TAIL, row->bytes, row->name, &tail, &why);
    if (rc != TARN_OK) return finding(f, rc, &why, "", err);
    if (tarn_crc32c(0, bytes + tail.index_at, tail.index_len) != tail.index_crc) {
        tell(f, "the index of pack %s is damaged", row->name);
        return TARN_OK;
    }
    TARN_TRY(tarn_digest(bytes + tail.index_at, tail.index_len + TARN_PACK_TAIL, &hash, err));
    (void)snprintf(name, sizeof name, "p-%.32s", tarn_id_hex(&hash, hex));
    if (strcmp(name, row->name) != 0) tell(f, "pack %s should be called %s by what it holds", row->name, name);
    rc = tarn_index_open(&index, bytes + tail.index_at, tail.index_len, row->name, &why);
    if (rc != TARN_OK) rc = finding(f, rc, &why, "", err);
    else TARN_TRY(check_records(f, row->name, f->lake->ring ? &key : NULL, bytes, &tail, &index, err));
done:
    tarn_secret_wipe(&key, sizeof key);
    tarn_index_close(&index);
    return rc;
}

/* A garbage collection may drop packs while we read. */
static bool still_named(fsck *f, const char *pack)
{
    uint32_t num;

    tarn_lake_lock(f->lake);
    tarn_code rc = tarn_meta_pack_num(f->lake->meta, pack, &num, NULL);
    tarn_lake_unlock(f->lake);
    return rc != TARN_NOT_FOUND;
}

static tarn_code check_pack(fsck *f, const tarn_pack_row *row, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_err why = {0};
    char blob[80];
    uint64_t size = 0;
    uint8_t *bytes = NULL;

    (void)snprintf(blob, sizeof blob, "packs/%s", row->name);
    f->count.packs++;
    rc = f->lake->origin->size(f->lake->origin_packs, blob, &size, &why);
    if (rc == TARN_NOT_FOUND) {
        if (still_named(f, row->name)) tell(f, "pack %s is missing", row->name);
        return TARN_OK;
    }
    if (rc != TARN_OK) return finding(f, rc, &why, row->name, err);
    if (size != row->bytes || size < TARN_PACK_TAIL + TARN_PACK_HEAD) {
        tell(f, "pack %s has %llu bytes, not the %llu it was stored with", row->name, (unsigned long long)size,
             (unsigned long long)row->bytes);
        return TARN_OK;
    }
    TARN_TRY(tarn_alloc(&bytes, (size_t)size, 1, err));
    rc = f->lake->origin->get(f->lake->origin_packs, blob, 0, (size_t)size, bytes, &why);
    bool swept = rc == TARN_NOT_FOUND && !still_named(f, row->name);
    if (rc == TARN_OK) TARN_TRY(check_pack_bytes(f, row, bytes, err));
    else if (!swept) TARN_TRY(finding(f, rc, &why, row->name, err));
    f->count.bytes += (int64_t)size;
    rc = TARN_OK;
done:
    tarn_free(bytes);
    return rc;
}

static tarn_code keep_row(void *arg, const tarn_pack_row *row, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    pack_rows *list = arg;

    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        TARN_TRY(tarn_resize(&list->v, cap, sizeof *list->v, err));
        list->cap = cap;
    }
    list->v[list->n++] = *row;
done:
    return rc;
}

static tarn_code check_packs(fsck *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    pack_rows rows = {0};

    tarn_lake_lock(f->lake);
    rc = tarn_meta_packs(f->lake->meta, keep_row, &rows, err);
    tarn_lake_unlock(f->lake);
    for (size_t i = 0; i < rows.n && rc == TARN_OK; i++) {
        TARN_TRY(tarn_cancel_check(f->sink, err));
        TARN_TRY(check_pack(f, &rows.v[i], err));
        tarn_progress(f->sink, "checking packs", (int64_t)i + 1, (int64_t)rows.n, "packs");
    }
done:
    tarn_free(rows.v);
    return rc;
}

static tarn_code check_run(fsck *f, const tarn_segment *s, tarn_err *why)
{
    tarn_indexed e;
    char pack[64];
    tarn_code rc = TARN_OK;

    if (s->damage[0]) return TARN_FAIL(why, TARN_CORRUPT, "%s", s->damage);
    for (uint32_t i = 0; i < s->index.n && rc == TARN_OK; i++) {
        rc = tarn_index_at(&s->index, i, s->row.name, &e, why);
        if (rc == TARN_OK && e.where.pack == 0) rc = TARN_FAIL(why, TARN_CORRUPT, "an entry names no pack");
    }
    if (rc == TARN_OK && s->index.n > 0) rc = tarn_meta_pack_name(f->lake->meta, e.where.pack, pack, why);
    return rc;
}

/* Take a damaged run apart: its packs are indexed by themselves again. */
static tarn_code heal_run(fsck *f, const tarn_pack_row *row, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_tx_begin(f->lake, err));
    TARN_TRY(tarn_tx_end(f->lake, tarn_meta_run_absorb(f->lake->meta, 0, row, err), err));
    tarn_lake_lock(f->lake);
    rc = tarn_store_load(f->lake, err);
    tarn_lake_unlock(f->lake);
done:
    return rc;
}

static tarn_code check_runs(fsck *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_err why = {0};

    tarn_lake_lock(f->lake);
    TARN_TRY(tarn_store_load(f->lake, err));
    for (size_t i = 0; i < f->lake->n_segments; i++) {
        tarn_pack_row row = f->lake->segments[i].row;
        if (!row.run) continue;
        rc = check_run(f, &f->lake->segments[i], &why);
        if (rc == TARN_OK) continue;
        tell(f, "%s%s", why.msg, f->lake->readonly ? "" : " (it is made again from the packs: nothing is lost)");
        rc = f->lake->readonly ? TARN_OK : heal_run(f, &row, err);
        if (rc != TARN_OK) break;
        i = (size_t)-1; /* the segments are others now */
    }
done:
    tarn_lake_unlock(f->lake);
    return rc;
}

/* ---- links ---- */

/* Where the damaged record of an id stands in bads, or NULL. */
static const uint64_t *bad_at(const fsck *f, const tarn_id *id)
{
    tarn_id name;

    if (!f->lake->ring) return tarn_idmap_find(&f->bad, id);
    tarn_ring_name(f->lake->ring, TARN_KIND_CHUNK, id, &name);
    const uint64_t *at = tarn_idmap_find(&f->bad, &name);
    return at ? at : tarn_idmap_find(&f->bad, id);
}

static void tell_bad(fsck *f, const tarn_id *id, const char *what, const char *path)
{
    char hex[TARN_ID_HEX];
    const uint64_t *at = bad_at(f, id);

    (void)tarn_id_hex(id, hex);
    if (!at) {
        tell(f, "%s %.12s of %s in commit %s: it is in no pack that can be read", what, hex, path, f->commit);
        return;
    }
    bad_record *b = &f->bads[*at];
    b->told = true;
    tell(f, "%s %.12s of %s in commit %s: %s (pack %s, offset %u)", what, hex, path, f->commit, b->why, b->pack,
         b->offset);
}

/* Is the record there and sound? */
static tarn_code sound(fsck *f, const tarn_id *id, tarn_where *where, bool *yes, tarn_err *err)
{
    bool found = false;
    tarn_err why = {0};

    *yes = false;
    if (bad_at(f, id)) return TARN_OK;
    tarn_code rc = tarn_store_find(f->lake, id, where, &found, &why);
    if (tarn_check_stops(f->lake, rc)) return TARN_FAIL(err, rc, "%s", why.msg);
    *yes = rc == TARN_OK && found;
    return TARN_OK;
}

static tarn_code check_list(fsck *f, const tarn_list_view *list, const char *path, bool *whole, tarn_err *err);

static tarn_code check_part(fsck *f, const tarn_id *id, int level, uint64_t size, const char *path, bool *whole,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_slab slab = {0};
    tarn_list_view part;
    tarn_err why = {0};

    rc = tarn_store_get(f->lake, id, "part of a list", &slab, NULL, &why);
    if (rc == TARN_OK) rc = tarn_list_open(slab.bytes, slab.len, NULL, &part, &why);
    if (rc == TARN_OK && (part.level != level || part.total != size))
        rc = TARN_FAIL(&why, TARN_CORRUPT, "a part of a list does not fit");
    if (rc == TARN_OK) rc = check_list(f, &part, path, whole, err);
    else {
        *whole = false;
        rc = finding(f, rc, &why, path, err);
    }
    tarn_slab_clear(&slab);
    return rc;
}

static tarn_code check_list(fsck *f, const tarn_list_view *list, const char *path, bool *whole, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id id;
    uint64_t size;
    tarn_where where;
    bool yes;

    for (uint32_t i = 0; i < list->n; i++) {
        tarn_list_at(list, i, &id, &size);
        TARN_TRY(sound(f, &id, &where, &yes, err));
        if (!yes) {
            tell_bad(f, &id, list->level == 0 ? "chunk" : "part of the list", path);
            *whole = false;
        } else if (list->level > 0) TARN_TRY(check_part(f, &id, list->level - 1, size, path, whole, err));
    }
done:
    return rc;
}

static tarn_code check_object(fsck *f, const tarn_id *id, uint64_t size, const char *path, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_where where = {0};
    tarn_slab slab = {0};
    tarn_list_view list = {0};
    tarn_err why = {0};
    bool fresh = false, yes = false, whole = true;

    TARN_TRY(tarn_idmap_put(&f->objects, id, 1, &fresh, err));
    if (!fresh) goto done;
    f->count.objects++;
    TARN_TRY(sound(f, id, &where, &yes, err));
    if (!yes) {
        tell_bad(f, id, "chunk", path);
        goto done;
    }
    uint64_t has = where.raw;
    if (where.kind == TARN_KIND_LIST) {
        rc = tarn_store_get(f->lake, id, "object", &slab, NULL, &why);
        if (rc == TARN_OK) rc = tarn_list_open(slab.bytes, slab.len, id, &list, &why);
        if (rc != TARN_OK) { /* its pack cannot be opened */
            rc = finding(f, rc, &why, path, err);
            goto done;
        }
        has = list.total;
        TARN_TRY(check_list(f, &list, path, &whole, err));
        if (whole) TARN_TRY(finding(f, tarn_object_check(f->lake, id, &why), &why, path, err));
    }
    if (size != UINT64_MAX && has != size)
        tell(f, "%s in commit %s: the tree tells %llu bytes, its object has %llu", path, f->commit,
             (unsigned long long)size, (unsigned long long)has);
done:
    tarn_slab_clear(&slab);
    return rc;
}

static tarn_code check_path(fsck *f, const tarn_item *item, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry e;

    tarn_entry_of(item, &e);
    TARN_TRY(check_object(f, &e.object.id, e.object.size, e.path, err));
    if (!tarn_id_none(&e.recipe)) TARN_TRY(check_object(f, &e.recipe, UINT64_MAX, e.path, err));
    if (!tarn_id_none(&e.attrs)) TARN_TRY(check_object(f, &e.attrs, UINT64_MAX, e.path, err));
done:
    return rc;
}

/* Enter the subtree unless it was seen or is damaged. */
static tarn_code enter_or_pass(fsck *f, tarn_walk *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_err why = {0};
    bool fresh = false;
    char hex[TARN_ID_HEX], where[1200];
    tarn_item item = *tarn_walk_item(w);

    TARN_TRY(tarn_idmap_put(&f->nodes, &item.id, 1, &fresh, err));
    if (!fresh) {
        tarn_walk_pass(w);
        return TARN_OK;
    }
    f->count.trees++;
    rc = tarn_walk_enter(w, &why);
    if (rc == TARN_OK) goto done;
    const uint64_t *at = bad_at(f, &item.id);
    if (at) f->bads[*at].told = true;
    (void)snprintf(where, sizeof where, "tree node %.12s of commit %s (paths up to %.*s)", tarn_id_hex(&item.id, hex),
                   f->commit, (int)item.len, item.key);
    rc = finding(f, rc, &why, where, err);
    tarn_walk_pass(w);
done:
    return rc;
}

static tarn_code check_tree(fsck *f, const tarn_id *root, uint64_t paths, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_walk w = {0};
    tarn_err why = {0};
    bool fresh = false;
    char where[64];

    TARN_TRY(tarn_idmap_put(&f->nodes, root, 1, &fresh, err));
    if (!fresh) goto done;
    f->count.trees++;
    (void)snprintf(where, sizeof where, "tree of commit %s", f->commit);
    rc = tarn_walk_open(&w, f->lake, root, &why);
    if (rc != TARN_OK) {
        const uint64_t *at = bad_at(f, root);
        if (at) f->bads[*at].told = true;
        rc = finding(f, rc, &why, where, err);
        goto done;
    }
    if ((w.depth ? w.node[0]->paths : 0) != paths)
        tell(f, "commit %s tells %llu paths, its tree has others", f->commit, (unsigned long long)paths);
    while (w.depth > 0) {
        if (tarn_walk_level(&w) > 0) {
            TARN_TRY(enter_or_pass(f, &w, err));
        } else {
            TARN_TRY(check_path(f, tarn_walk_item(&w), err));
            tarn_walk_pass(&w);
        }
    }
done:
    tarn_walk_close(&w);
    return rc;
}

static tarn_code add_commit(fsck *f, const tarn_id *id, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool fresh = false;

    TARN_TRY(tarn_idmap_put(&f->commits, id, 1, &fresh, err));
    if (!fresh) goto done;
    if (f->n_todo == f->cap_todo) {
        size_t cap = f->cap_todo ? f->cap_todo * 2 : 16;
        TARN_TRY(tarn_resize(&f->todo, cap, sizeof *f->todo, err));
        f->cap_todo = cap;
    }
    f->todo[f->n_todo++] = *id;
done:
    return rc;
}

static tarn_code check_commit(fsck *f, const tarn_id *id, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_commit *c = NULL;
    tarn_err why = {0};
    char hex[TARN_ID_HEX];

    TARN_TRY(tarn_cancel_check(f->sink, err));
    TARN_TRY(tarn_alloc(&c, 1, sizeof *c, err));
    (void)snprintf(f->commit, sizeof f->commit, "%.12s", tarn_id_hex(id, hex));
    f->count.commits++;
    rc = tarn_lake_commit_read(f->lake, id, c, &why);
    if (rc != TARN_OK) {
        const uint64_t *at = bad_at(f, id);
        if (at) f->bads[*at].told = true;
        rc = finding(f, rc, &why, "a commit that a ref or commit names", err);
        goto done;
    }
    for (int i = 0; i < c->n_parents; i++) TARN_TRY(add_commit(f, &c->parents[i], err));
    TARN_TRY(check_tree(f, &c->tree, c->paths, err));
    tarn_progress(f->sink, "checking commits", f->count.commits, 0, "commits");
done:
    if (c) tarn_commit_clear(c);
    tarn_free(c);
    return rc;
}

static tarn_code add_ref(void *arg, const tarn_ref *ref, tarn_err *err)
{
    fsck *f = arg;

    f->count.refs++;
    return add_commit(f, &ref->commit, err);
}

static tarn_code check_staged(void *arg, const tarn_entry *e, int64_t seq, tarn_err *err)
{
    fsck *f = arg;

    (void)seq;
    (void)snprintf(f->commit, sizeof f->commit, "(staged)");
    return tarn_id_none(&e->object.id) ? TARN_OK : check_object(f, &e->object.id, e->object.size, e->path, err);
}

static tarn_code check_links(fsck *f, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_err why = {0};

    rc = tarn_lake_refs(f->lake, "", add_ref, f, &why);
    TARN_TRY(rc == TARN_CORRUPT ? TARN_OK : rc); /* meta.db's own check has told it */
    while (f->n_todo > 0) {
        tarn_id id = f->todo[--f->n_todo];
        TARN_TRY(check_commit(f, &id, err));
    }
    tarn_lake_lock(f->lake);
    rc = tarn_meta_staged_all(f->lake->meta, check_staged, f, err);
    tarn_lake_unlock(f->lake);
    if (rc == TARN_CORRUPT) rc = TARN_OK;
done:
    if (rc != TARN_OK && why.msg[0] && err && !err->msg[0]) *err = why;
    return rc;
}

static void tell_unused(fsck *f)
{
    char hex[TARN_ID_HEX];

    for (size_t i = 0; i < f->n_bads; i++)
        if (!f->bads[i].told && still_named(f, f->bads[i].pack))
            tell(f, "record %.12s (no path uses it): %s (pack %s, offset %u)", tarn_id_hex(&f->bads[i].id, hex),
                 f->bads[i].why, f->bads[i].pack, f->bads[i].offset);
}

static void meta_problem(void *arg, const char *line) { tell(arg, "%s", line); }

static void fsck_clear(fsck *f)
{
    tarn_idmap_clear(&f->bad);
    tarn_idmap_clear(&f->commits);
    tarn_idmap_clear(&f->nodes);
    tarn_idmap_clear(&f->objects);
    tarn_free(f->bads);
    tarn_free(f->todo);
}

tarn_code tarn_lake_fsck(tarn_lake *lake, void (*problem)(void *arg, const char *line), void *arg, tarn_fsck *out,
                         const tarn_sink *sink, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    fsck f = {.lake = lake, .problem = problem, .arg = arg, .sink = sink};

    tarn_lake_lock(lake);
    rc = tarn_meta_check(lake->meta, meta_problem, &f, err);
    tarn_lake_unlock(lake);
    if (rc != TARN_OK) goto done;
    TARN_TRY(check_packs(&f, err));
    TARN_TRY(check_runs(&f, err));
    TARN_TRY(check_links(&f, err));
    tell_unused(&f);
    *out = f.count;
done:
    fsck_clear(&f);
    return rc;
}
