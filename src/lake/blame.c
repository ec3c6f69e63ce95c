/* SPDX-License-Identifier: Apache-2.0 */
/* blame.c - which commit last changed a path, or each entry of a folder.
 *
 * Every entry has a suspect, at first the newest commit. Suspects are taken newest first: what does not differ from a
 * parent is that parent's from then on (the first that has the same), what differs from all is the commit's own. One
 * difference of trees answers for all entries of a suspect at once. */
#include "lake/ancestry.h"
#include "lake/tree.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

typedef struct suspicion {
    tarn_entry entry; /* a folder's path ends in '/' */
    tarn_id suspect;
    bool settled, differs;
} suspicion;

typedef struct blame {
    tarn_lake *lake;
    const char *prefix; /* of the folder; of a path: the path */
    bool folder;
    suspicion *v;
    size_t n, cap;
    size_t asked; /* entries of the current suspect that are not known to differ */
    tarn_id now;  /* the current suspect */
    tarn_queue queue;
    tarn_idmap queued;
} blame;

static tarn_code keep_entry(void *arg, const tarn_entry *entry, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    blame *b = arg;

    if (b->n == b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 32;
        TARN_TRY(tarn_resize(&b->v, cap, sizeof *b->v, err));
        b->cap = cap;
    }
    b->v[b->n++] = (suspicion){.entry = *entry};
done:
    return rc;
}

static tarn_code suspect_commit(blame *b, const tarn_id *id, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_links links;
    const uint64_t *waits = tarn_idmap_find(&b->queued, id);

    if (waits && *waits) goto done;
    TARN_TRY(tarn_idmap_put(&b->queued, id, 1, NULL, err));
    TARN_TRY(tarn_commit_links(b->lake, id, &links, err));
    TARN_TRY(tarn_queue_push(&b->queue, &links, err));
done:
    return rc;
}

/* The entry that a path belongs to: itself or the folder it is in; NULL if it is none of ours. */
static suspicion *owner_of(blame *b, const char *path)
{
    size_t low = 0, high = b->n;

    while (low < high) { /* the last entry that is not above path */
        size_t mid = low + (high - low) / 2;
        if (strcmp(b->v[mid].entry.path, path) <= 0) low = mid + 1;
        else high = mid;
    }
    if (low == 0) return NULL;
    suspicion *s = &b->v[low - 1];
    size_t len = strlen(s->entry.path);
    bool inside =
        s->entry.path[len - 1] == '/' ? strncmp(path, s->entry.path, len) == 0 : strcmp(path, s->entry.path) == 0;
    return inside ? s : NULL;
}

static tarn_code mark_changed(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                              tarn_err *err)
{
    blame *b = arg;
    suspicion *s = owner_of(b, after ? after->path : before->path);

    (void)kind, (void)err;
    if (!s || s->settled || s->differs || !tarn_id_equal(&s->suspect, &b->now)) return TARN_OK;
    s->differs = true;
    return --b->asked == 0 ? TARN_CANCELLED : TARN_OK;
}

static tarn_code mark_one(blame *b, const tarn_id *tree, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry *there = NULL;

    TARN_TRY(tarn_alloc(&there, 1, sizeof *there, err));
    rc = tarn_tree_lookup(b->lake, tree, b->prefix, there, err);
    if (rc == TARN_OK || rc == TARN_NOT_FOUND) {
        b->v[0].differs = !tarn_entry_same(rc == TARN_OK ? there : NULL, &b->v[0].entry);
        rc = TARN_OK;
    }
done:
    tarn_free(there);
    return rc;
}

/* Hand on to the parent what is the same there. */
static tarn_code try_parent(blame *b, const tarn_links *c, const tarn_id *id, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_links parent;
    bool any = false;

    TARN_TRY(tarn_commit_links(b->lake, id, &parent, err));
    b->asked = 0;
    for (size_t i = 0; i < b->n; i++) {
        bool asked = !b->v[i].settled && tarn_id_equal(&b->v[i].suspect, &c->id);
        b->v[i].differs = false;
        b->asked += asked;
    }
    if (b->asked == 0) goto done;
    if (!tarn_id_equal(&parent.tree, &c->tree)) {
        if (!b->folder) TARN_TRY(mark_one(b, &parent.tree, err));
        else rc = tarn_tree_diff(b->lake, &parent.tree, &c->tree, b->prefix, mark_changed, b, err);
        if (rc != TARN_OK && rc != TARN_CANCELLED) goto done;
        rc = TARN_OK;
    }
    for (size_t i = 0; i < b->n; i++) {
        if (b->v[i].settled || b->v[i].differs || !tarn_id_equal(&b->v[i].suspect, &c->id)) continue;
        b->v[i].suspect = *id;
        any = true;
    }
    if (any) TARN_TRY(suspect_commit(b, id, err));
done:
    return rc;
}

static tarn_code find_all(blame *b, const tarn_id *from, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (size_t i = 0; i < b->n; i++) b->v[i].suspect = *from;
    TARN_TRY(suspect_commit(b, from, err));
    while (b->queue.n > 0) {
        tarn_links c = tarn_queue_pop(&b->queue);
        b->now = c.id;
        *tarn_idmap_find(&b->queued, &c.id) = 0;
        for (int i = 0; i < c.n_parents; i++) TARN_TRY(try_parent(b, &c, &c.parents[i], err));
        for (size_t i = 0; i < b->n; i++)
            if (tarn_id_equal(&b->v[i].suspect, &c.id)) b->v[i].settled = true;
    }
done:
    return rc;
}

static tarn_code tell_all(blame *b, tarn_blame_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_commit *c = NULL;

    TARN_TRY(tarn_alloc(&c, 1, sizeof *c, err));
    for (size_t i = 0; i < b->n; i++) {
        TARN_TRY(tarn_lake_commit_read(b->lake, &b->v[i].suspect, c, err));
        rc = fn(arg, &b->v[i].entry, c, err);
        tarn_commit_clear(c);
        TARN_TRY(rc);
    }
done:
    tarn_free(c);
    return rc;
}

tarn_code tarn_lake_blame(tarn_lake *lake, const tarn_id *from, const char *path, tarn_blame_fn *fn, void *arg,
                          tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t len = strlen(path);
    blame b = {.lake = lake, .prefix = path, .folder = len == 0 || path[len - 1] == '/'};
    tarn_entry *one = NULL;

    TARN_TRY(tarn_alloc(&one, 1, sizeof *one, err));
    if (b.folder) {
        TARN_TRY(tarn_lake_list(lake, from, path, "", '/', keep_entry, &b, err));
        if (b.n == 0) rc = TARN_FAIL(err, TARN_NOT_FOUND, "there is no path under '%.300s'", path);
        TARN_TRY(rc);
    } else {
        TARN_TRY(tarn_lake_lookup(lake, from, path, one, err));
        TARN_TRY(keep_entry(&b, one, err));
    }
    TARN_TRY(find_all(&b, from, err));
    TARN_TRY(tell_all(&b, fn, arg, err));
done:
    tarn_free(one);
    tarn_free(b.v);
    tarn_queue_clear(&b.queue);
    tarn_idmap_clear(&b.queued);
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}
