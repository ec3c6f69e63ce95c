/* SPDX-License-Identifier: Apache-2.0 */
/* walk.c - going through a tree in order, looking one path up, and comparing two trees. See tree.h. */
#include "lake/tree.h"

#include "base/mem.h"

#include <string.h>

const tarn_item *tarn_walk_item(const tarn_walk *w)
{
    return w->depth > 0 ? &w->node[w->depth - 1]->items[w->at[w->depth - 1]] : NULL;
}

int tarn_walk_level(const tarn_walk *w) { return w->depth > 0 ? w->node[w->depth - 1]->level : 0; }

void tarn_walk_close(tarn_walk *w)
{
    while (w->depth > 0) tarn_node_release(w->node[--w->depth]);
}

/* Leave nodes that are used up, and move on in those above them. */
static void leave_ended(tarn_walk *w)
{
    while (w->depth > 0 && w->at[w->depth - 1] >= w->node[w->depth - 1]->n) {
        tarn_node_release(w->node[--w->depth]);
        if (w->depth > 0) w->at[w->depth - 1]++;
    }
}

void tarn_walk_pass(tarn_walk *w)
{
    if (w->depth == 0) return;
    w->at[w->depth - 1]++;
    leave_ended(w);
}

/* A node below must be one level lower, and end where the item says: else the tree is not one. */
static tarn_code check_child(const tarn_item *item, int level, const tarn_node *child, tarn_err *err)
{
    const tarn_item *last = child->n > 0 ? &child->items[child->n - 1] : NULL;

    if (child->level != level - 1 || !last || child->paths != item->size ||
        tarn_key_compare(last->key, last->len, item->key, item->len) != 0)
        return TARN_FAIL(err, TARN_CORRUPT, "a tree node does not fit its place in the tree");
    return TARN_OK;
}

tarn_code tarn_walk_enter(tarn_walk *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_node *child = NULL;
    const tarn_item *item = tarn_walk_item(w);
    int level = tarn_walk_level(w);

    TARN_TRY(tarn_node_load(w->lake, &item->id, &child, err));
    TARN_TRY(check_child(item, level, child, err));
    w->node[w->depth] = child; /* levels fall by one each, so there is room */
    w->at[w->depth] = 0;
    w->depth++;
    child = NULL;
done:
    tarn_node_release(child);
    return rc;
}

tarn_code tarn_walk_open(tarn_walk *w, tarn_lake *lake, const tarn_id *root, tarn_err *err)
{
    *w = (tarn_walk){.lake = lake};
    tarn_code rc = tarn_node_load(lake, root, &w->node[0], err);

    if (rc != TARN_OK) return rc;
    w->depth = 1;
    leave_ended(w);
    return TARN_OK;
}

tarn_code tarn_walk_leaf(tarn_walk *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    while (rc == TARN_OK && w->depth > 0 && tarn_walk_level(w) > 0) rc = tarn_walk_enter(w, err);
    return rc;
}

tarn_code tarn_walk_seek(tarn_walk *w, const char *key, tarn_err *err)
{
    size_t len = strlen(key);

    while (w->depth > 1) tarn_node_release(w->node[--w->depth]);
    for (;;) {
        if (w->depth == 0) return TARN_OK;
        int top = w->depth - 1;
        w->at[top] = tarn_node_search(w->node[top], key, len);
        if (w->at[top] >= w->node[top]->n) break;
        if (w->node[top]->level == 0) return TARN_OK;
        tarn_code rc = tarn_walk_enter(w, err);
        if (rc != TARN_OK) return rc;
    }
    leave_ended(w);
    return TARN_OK;
}

void tarn_entry_of(const tarn_item *item, tarn_entry *out)
{
    memcpy(out->path, item->key, item->len);
    out->path[item->len] = '\0';
    out->object = (tarn_object){item->id, item->size};
    out->recipe = item->recipe;
    out->attrs = item->attrs;
}

/* Whoever meant a folder is told so. */
static tarn_code no_path(tarn_walk *w, const char *path, tarn_err *err)
{
    char folder[sizeof((tarn_entry *)0)->path + 1];
    int len = snprintf(folder, sizeof folder, "%s/", path);
    const tarn_item *first = NULL;

    if (err && len > 1 && path[len - 2] != '/' && tarn_walk_seek(w, folder, NULL) == TARN_OK) first = tarn_walk_item(w);
    if (first && first->len > (size_t)len && memcmp(first->key, folder, (size_t)len) == 0)
        return TARN_FAIL(err, TARN_NOT_FOUND, "there is no path '%.300s', only a folder '%.300s'", path, folder);
    return TARN_FAIL(err, TARN_NOT_FOUND, "there is no path '%.300s'", path);
}

tarn_code tarn_tree_lookup(tarn_lake *lake, const tarn_id *root, const char *path, tarn_entry *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_walk w = {0};

    TARN_TRY(tarn_walk_open(&w, lake, root, err));
    TARN_TRY(tarn_walk_seek(&w, path, err));
    const tarn_item *item = tarn_walk_item(&w);
    if (item && item->len == strlen(path) && memcmp(item->key, path, item->len) == 0) tarn_entry_of(item, out);
    else rc = no_path(&w, path, err);
done:
    tarn_walk_close(&w);
    return rc;
}

/* ---- diff ---- */

typedef struct differ {
    tarn_walk a, b;
    tarn_change_fn *fn;
    void *arg;
    const char *prefix;
    size_t prefix_len;
    tarn_entry before, after;
} differ;

static bool under_prefix(const differ *d, const tarn_item *item)
{
    return item->len >= d->prefix_len && memcmp(item->key, d->prefix, d->prefix_len) == 0;
}

/* Both at a path (NULL: at the end). */
static tarn_code compare_paths(differ *d, const tarn_item *a, const tarn_item *b, tarn_err *err)
{
    int order = !a ? 1 : !b ? -1 : tarn_key_compare(a->key, a->len, b->key, b->len);
    tarn_change_kind kind = order < 0 ? TARN_REMOVED : order > 0 ? TARN_ADDED : TARN_CHANGED;
    bool same = order == 0 && tarn_id_equal(&a->id, &b->id) && tarn_id_equal(&a->recipe, &b->recipe) &&
                tarn_id_equal(&a->attrs, &b->attrs) && a->size == b->size;

    if (order <= 0) tarn_entry_of(a, &d->before);
    if (order >= 0) tarn_entry_of(b, &d->after);
    if (order <= 0) tarn_walk_pass(&d->a);
    if (order >= 0) tarn_walk_pass(&d->b);
    return same ? TARN_OK : d->fn(d->arg, kind, order <= 0 ? &d->before : NULL, order >= 0 ? &d->after : NULL, err);
}

/* One step: pass equal subtrees, enter the higher of two unequal ones, compare paths. */
static tarn_code diff_step(differ *d, const tarn_item *a, const tarn_item *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    int a_level = a ? tarn_walk_level(&d->a) : -1, b_level = b ? tarn_walk_level(&d->b) : -1;

    if (a_level == b_level && a_level > 0 && tarn_id_equal(&a->id, &b->id)) {
        tarn_walk_pass(&d->a);
        tarn_walk_pass(&d->b);
        return TARN_OK;
    }
    if (a_level <= 0 && b_level <= 0) return compare_paths(d, a, b, err);
    if (a_level > 0 && a_level >= b_level) TARN_TRY(tarn_walk_enter(&d->a, err));
    if (b_level > 0 && b_level >= a_level) TARN_TRY(tarn_walk_enter(&d->b, err));
done:
    return rc;
}

/* NULL at the end of the walk or of what starts with the prefix. A subtree counts until its paths are seen. */
static const tarn_item *current(const differ *d, const tarn_walk *w)
{
    const tarn_item *item = tarn_walk_item(w);
    return item && (tarn_walk_level(w) > 0 || under_prefix(d, item)) ? item : NULL;
}

tarn_code tarn_tree_diff(tarn_lake *lake, const tarn_id *a, const tarn_id *b, const char *prefix, tarn_change_fn *fn,
                         void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    differ *d = NULL;

    if (tarn_id_equal(a, b)) return TARN_OK;
    TARN_TRY(tarn_alloc(&d, 1, sizeof *d, err));
    d->fn = fn;
    d->arg = arg;
    d->prefix = prefix ? prefix : "";
    d->prefix_len = strlen(d->prefix);
    TARN_TRY(tarn_walk_open(&d->a, lake, a, err));
    TARN_TRY(tarn_walk_open(&d->b, lake, b, err));
    if (d->prefix_len > 0) {
        TARN_TRY(tarn_walk_seek(&d->a, d->prefix, err));
        TARN_TRY(tarn_walk_seek(&d->b, d->prefix, err));
    }
    for (;;) {
        const tarn_item *x = current(d, &d->a), *y = current(d, &d->b);
        if (!x && !y) break;
        TARN_TRY(diff_step(d, x, y, err));
    }
done:
    if (d) {
        tarn_walk_close(&d->a);
        tarn_walk_close(&d->b);
    }
    tarn_free(d);
    return rc;
}
