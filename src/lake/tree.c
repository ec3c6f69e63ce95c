/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c - updating a tree, from the leaves up.
 *
 * At each level the nodes are runs of one long sequence of items, cut where node.h says. A set of edits (items to
 * put or remove, in order) is applied to that sequence: from the start of the node an edit falls into, old
 * items and edits are merged and cut anew, until the writer has just ended a node where an old node ends as well.
 * From there on the old nodes stand, up to the node of the next edit. What was used up and what was written are
 * the edits of the level above. So the result is a function of the set of items, and the cost that of the nodes
 * touched. Building from nothing is the same with no old nodes.
 *
 * Clearing a prefix is an edit that drops every old item which starts with it, at each level: nodes wholly inside are
 * passed over unread, since the level above drops them by the same rule (their keys are their last paths). */
#include "lake/tree.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { FEW_EDITS = 8 };

typedef struct edit {
    tarn_item item; /* remove: only the key counts */
    bool remove;
} edit;

typedef struct edits {
    edit *v;
    size_t n, cap;
} edits;

static tarn_code push(edits *list, const tarn_item *item, bool remove, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        TARN_TRY(tarn_resize(&list->v, cap, sizeof *list->v, err));
        list->cap = cap;
    }
    list->v[list->n++] = (edit){*item, remove};
done:
    return rc;
}

/* ---- a cursor over the nodes of one level ---- */

typedef struct cursor {
    tarn_walk w;     /* down to the parents of the level */
    tarn_node *node; /* the current one, or NULL: none */
    bool is_root;
} cursor;

static void cursor_close(cursor *c)
{
    tarn_node_release(c->node);
    tarn_walk_close(&c->w);
    c->node = NULL;
}

/* To the node of the level that would hold key: the first that ends at or after it, else the last. */
static tarn_code cursor_seek(cursor *c, tarn_lake *lake, const tarn_id *root, int level, const tarn_item *key,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;

    cursor_close(c);
    TARN_TRY(tarn_walk_open(&c->w, lake, root, err));
    if (c->w.depth == 0 || c->w.node[0]->level < level) goto done; /* nothing there */
    c->is_root = c->w.node[0]->level == level;
    if (c->is_root) {
        TARN_TRY(tarn_node_load(lake, root, &c->node, err));
        goto done;
    }
    for (;;) {
        int top = c->w.depth - 1;
        uint32_t at = tarn_node_search(c->w.node[top], key->key, key->len);
        c->w.at[top] = at < c->w.node[top]->n ? at : c->w.node[top]->n - 1;
        if (c->w.node[top]->level == level + 1) break;
        TARN_TRY(tarn_walk_enter(&c->w, err));
    }
    TARN_TRY(tarn_node_load(lake, &tarn_walk_item(&c->w)->id, &c->node, err));
done:
    return rc;
}

/* NULL after the last. */
static tarn_code cursor_next(cursor *c, int level, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    tarn_node_release(c->node);
    c->node = NULL;
    if (c->is_root) goto done;
    tarn_walk_pass(&c->w);
    while (c->w.depth > 0 && tarn_walk_level(&c->w) > level + 1) TARN_TRY(tarn_walk_enter(&c->w, err));
    if (c->w.depth > 0) TARN_TRY(tarn_node_load(c->w.lake, &tarn_walk_item(&c->w)->id, &c->node, err));
done:
    return rc;
}

/* ---- one level ---- */

typedef struct level {
    tarn_lake *lake;
    tarn_arena *arena; /* keys of the edits that come out */
    const tarn_id *root;
    int number;
    bool top;                 /* nothing above refers to old nodes of the level: they have none, or one, the root */
    const tarn_item *cleared; /* old items that start with its key go; NULL: none */
    tarn_node_writer writer;
    edits gone, fresh; /* nodes used up, nodes written */
} level;

static bool is_cleared(const level *l, const tarn_item *item)
{
    const tarn_item *c = l->cleared;
    return c && item->len >= c->len && memcmp(item->key, c->key, c->len) == 0;
}

static tarn_code copy_key(level *l, tarn_item *item, const char *key, uint32_t len, tarn_err *err)
{
    char *copy = NULL;
    tarn_code rc = tarn_arena_strndup(l->arena, key, len, &copy, err);

    item->key = copy;
    item->len = len;
    return rc;
}

static tarn_code end_node(level *l, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_item up = {.size = l->writer.paths};

    TARN_TRY(copy_key(l, &up, l->writer.last, l->writer.last_len, err));
    TARN_TRY(tarn_node_end(&l->writer, l->lake, &up.id, err));
    TARN_TRY(push(&l->fresh, &up, false, err));
done:
    return rc;
}

static tarn_code write_item(level *l, const tarn_item *item, tarn_err *err)
{
    bool border = false;
    tarn_code rc = tarn_node_add(&l->writer, item, &border, err);

    return rc == TARN_OK && border ? end_node(l, err) : rc;
}

static tarn_code use_up(level *l, const tarn_node *node, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_item *last = &node->items[node->n - 1];
    tarn_item up = {.id = node->id, .size = node->paths};

    TARN_TRY(copy_key(l, &up, last->key, last->len, err));
    TARN_TRY(push(&l->gone, &up, true, err));
done:
    return rc;
}

/* Merge the items of one old node with the edits that fall before its end; all edits if it is the last. */
static tarn_code merge_node(level *l, const tarn_node *node, const edits *in, size_t *e, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (uint32_t i = 0; i < node->n; i++) {
        const tarn_item *old = &node->items[i];
        int order = 1;
        while (*e < in->n) {
            const edit *x = &in->v[*e];
            order = tarn_key_compare(x->item.key, x->item.len, old->key, old->len);
            if (order > 0) break;
            if (!x->remove) TARN_TRY(write_item(l, &x->item, err));
            (*e)++;
            if (order == 0) break;
        }
        if (order != 0 && !is_cleared(l, old)) TARN_TRY(write_item(l, old, err));
    }
done:
    return rc;
}

/* The node behind the one at the cursor; if that ends among what is cleared, the one in which the rest begins. */
static tarn_code next_node(level *l, cursor *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char after[TARN_KEY_MOST + 1];

    if (!is_cleared(l, &c->node->items[c->node->n - 1])) return cursor_next(c, l->number, err);
    (void)snprintf(after, sizeof after, "%.*s", (int)l->cleared->len, l->cleared->key);
    (void)tarn_path_after(after); /* it ends in '/', so there is one */
    TARN_TRY(
        cursor_seek(c, l->lake, l->root, l->number, &(tarn_item){.key = after, .len = (uint32_t)strlen(after)}, err));
    if (is_cleared(l, &c->node->items[c->node->n - 1])) { /* nothing is behind: this is the last, inside or done */
        tarn_node_release(c->node);
        c->node = NULL;
    }
done:
    return rc;
}

/* From the node of edit *e until old and new borders meet. */
static tarn_code rewrite_stretch(level *l, cursor *c, const edits *in, size_t *e, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(cursor_seek(c, l->lake, l->root, l->number, &in->v[*e].item, err));
    while (c->node) {
        TARN_TRY(use_up(l, c->node, err));
        TARN_TRY(merge_node(l, c->node, in, e, err));
        TARN_TRY(next_node(l, c, err));
        if (c->node && l->writer.n == 0 && !is_cleared(l, &c->node->items[0])) return TARN_OK;
    }
    for (; *e < in->n; (*e)++) /* behind all that was there */
        if (!in->v[*e].remove) TARN_TRY(write_item(l, &in->v[*e].item, err));
    if (l->writer.n > 0) TARN_TRY(end_node(l, err));
done:
    return rc;
}

static bool same_key(const edit *a, const edit *b)
{
    return a->item.len == b->item.len && memcmp(a->item.key, b->item.key, a->item.len) == 0;
}

/* What is gone and what is fresh as edits of the level above; a node that came out as it was is none. A level above
 * the old root is built from nothing: what came out as it was is news there. */
static tarn_code unite(const level *l, edits *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t g = 0, f = 0;

    for (; l->top && f < l->fresh.n; f++) TARN_TRY(push(out, &l->fresh.v[f].item, false, err));
    if (l->top) goto done;
    while (g < l->gone.n || f < l->fresh.n) {
        const edit *x = g < l->gone.n ? &l->gone.v[g] : NULL, *y = f < l->fresh.n ? &l->fresh.v[f] : NULL;
        int order = !x ? 1 : !y ? -1 : tarn_key_compare(x->item.key, x->item.len, y->item.key, y->item.len);
        if (order < 0) TARN_TRY(push(out, &x->item, true, err));
        else if (order > 0 || !tarn_id_equal(&x->item.id, &y->item.id)) TARN_TRY(push(out, &y->item, false, err));
        g += order <= 0;
        f += order >= 0;
    }
done:
    return rc;
}

/* The edit that makes the level above visit what is cleared. */
static tarn_code push_in_order(edits *list, const tarn_item *item, tarn_err *err)
{
    tarn_code rc = push(list, item, true, err);

    if (rc != TARN_OK) return rc;
    for (size_t i = list->n - 1; i > 0; i--) {
        edit *before = &list->v[i - 1], x = list->v[i];
        if (tarn_key_compare(before->item.key, before->item.len, x.item.key, x.item.len) <= 0) break;
        list->v[i] = *before;
        *before = x;
    }
    return TARN_OK;
}

/* The level below's edits in, this level's nodes out as edits for the level above. */
static tarn_code apply(level *l, const edits *in, edits *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    cursor c = {0};

    l->writer.level = l->number;
    l->writer.keep = in->n <= FEW_EDITS; /* the next change will be beside it */
    for (size_t e = 0; e < in->n;) TARN_TRY(rewrite_stretch(l, &c, in, &e, err));
    TARN_TRY(unite(l, out, err));
    if (l->cleared) TARN_TRY(push_in_order(out, l->cleared, err));
done:
    cursor_close(&c);
    return rc;
}

/* ---- the whole tree ---- */

static int compare_edits(const void *a, const void *b)
{
    const edit *x = a, *y = b;
    int order = tarn_key_compare(x->item.key, x->item.len, y->item.key, y->item.len);

    if (order != 0) return order;
    return x->item.key < y->item.key ? -1 : x->item.key > y->item.key; /* entries lie in one array: the earlier first */
}

static tarn_code edits_of(const tarn_entry *entries, size_t n, edits *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t kept = 0;
    bool sorted = true;

    for (size_t i = 0; i < n; i++) {
        const tarn_entry *e = &entries[i];
        size_t len = strnlen(e->path, sizeof e->path);
        TARN_TRY(tarn_path_check(e->path, len, err));
        tarn_item item = {.key = e->path,
                          .len = (uint32_t)len,
                          .id = e->object.id,
                          .size = e->object.size,
                          .recipe = e->recipe,
                          .attrs = e->attrs};
        TARN_TRY(push(out, &item, tarn_id_none(&e->object.id), err));
        sorted = sorted && (i == 0 || compare_edits(&out->v[i - 1], &out->v[i]) < 0);
    }
    if (!sorted) qsort(out->v, out->n, sizeof *out->v, compare_edits);
    for (size_t i = 0; i < out->n; i++) {
        if (kept > 0 && same_key(&out->v[kept - 1], &out->v[i])) kept--;
        out->v[kept++] = out->v[i];
    }
    out->n = kept;
done:
    return rc;
}

/* The lowest level that is one node is the root. */
static tarn_code settle(tarn_lake *lake, tarn_id *root, uint64_t *paths, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_node *node = NULL;

    for (;;) {
        TARN_TRY(tarn_node_load(lake, root, &node, err));
        *paths = node->paths;
        if (node->level == 0 || node->n != 1) break;
        *root = node->items[0].id;
        tarn_node_release(node);
        node = NULL;
    }
done:
    tarn_node_release(node);
    return rc;
}

static tarn_code empty_tree(tarn_lake *lake, tarn_id *root, tarn_err *err)
{
    tarn_node_writer w = {0};
    tarn_code rc = tarn_node_end(&w, lake, root, err);

    tarn_node_writer_clear(&w);
    return rc;
}

static void level_clear(level *l)
{
    tarn_node_writer_clear(&l->writer);
    tarn_free(l->gone.v);
    tarn_free(l->fresh.v);
}

static uint64_t paths_of(const edits *nodes)
{
    uint64_t paths = 0;

    for (size_t i = 0; i < nodes->n; i++) paths += nodes->v[i].item.size;
    return paths;
}

/* What the leaves say must be what the root counts, whatever happened between: else paths would be lost in silence. */
static tarn_code all_accounted(uint64_t expected, uint64_t paths, tarn_err *err)
{
    if (paths == expected) return TARN_OK;
    return TARN_FAIL(err, TARN_CORRUPT,
                     "a tree of %llu paths came out with %llu; this is a fault of tarn, please report it; nothing was "
                     "changed",
                     (unsigned long long)expected, (unsigned long long)paths);
}

/* One level; *done when it is as it was, or has one node at most, which is then the root. *more: paths it gained,
 * modulo 2^64. */
static tarn_code climb(const level *start, edits *in, edits *out, tarn_id *root, uint64_t *more, bool *done_climbing,
                       tarn_err *err)
{
    tarn_code rc = TARN_OK;
    level l = *start;

    if (l.number >= TARN_TREE_LEVELS) return TARN_FAIL(err, TARN_LIMIT, "the tree is too high");
    TARN_TRY(apply(&l, in, out, err));
    *more = paths_of(&l.fresh) - paths_of(&l.gone);
    bool same = l.top ? l.gone.n == 0 && l.fresh.n == 0 : out->n == 0;
    *done_climbing = same || (l.top && l.fresh.n <= 1);
    if (same) *root = *l.root;
    else if (*done_climbing && l.fresh.n == 1) *root = l.fresh.v[0].item.id;
    else if (*done_climbing) TARN_TRY(empty_tree(l.lake, root, err));
done:
    level_clear(&l);
    return rc;
}

/* From the edits of the leaves to the new root. */
static tarn_code climb_all(tarn_lake *lake, const tarn_id *old_root, const tarn_item *cleared, edits *now, tarn_id *out,
                           uint64_t *paths, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    edits next = {0};
    tarn_arena *arena = NULL;
    tarn_node *node = NULL;
    tarn_id root = *old_root;
    uint64_t more = 0, gained = 0;
    bool done_climbing = false;

    TARN_TRY(tarn_arena_new(&arena, err));
    TARN_TRY(tarn_node_load(lake, old_root, &node, err));
    for (int number = 0; !done_climbing; number++) {
        level l = {.lake = lake,
                   .arena = arena,
                   .root = old_root,
                   .number = number,
                   .top = number >= node->level,
                   .cleared = cleared};
        TARN_TRY(climb(&l, now, &next, &root, &more, &done_climbing, err));
        if (number == 0) gained = more;
        edits swap = *now;
        *now = next;
        next = swap;
        next.n = 0;
    }
    if (tarn_id_none(&root)) TARN_TRY(empty_tree(lake, &root, err));
    TARN_TRY(settle(lake, &root, paths, err));
    if (!cleared) TARN_TRY(all_accounted(node->paths + gained, *paths, err)); /* clearing passes over leaves unread */
    *out = root;
done:
    tarn_node_release(node);
    tarn_free(next.v);
    tarn_arena_free(arena);
    return rc;
}

tarn_code tarn_tree_update(tarn_lake *lake, const tarn_id *old_root, const tarn_entry *entries, size_t n, tarn_id *out,
                           uint64_t *paths, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    edits now = {0};

    TARN_TRY(edits_of(entries, n, &now, err));
    TARN_TRY(climb_all(lake, old_root, NULL, &now, out, paths, err));
done:
    tarn_free(now.v);
    return rc;
}

tarn_code tarn_tree_cut(tarn_lake *lake, const tarn_id *old_root, const char *prefix, tarn_id *out, uint64_t *paths,
                        tarn_err *err)
{
    tarn_code rc = TARN_OK;
    edits now = {0};
    tarn_item cleared = {.key = prefix, .len = (uint32_t)strlen(prefix)};

    if (cleared.len < 2 || cleared.len > TARN_KEY_MOST || prefix[cleared.len - 1] != '/')
        return TARN_FAIL(err, TARN_INVALID, "'%.200s' is not a folder; write it with '/' behind", prefix);
    TARN_TRY(push(&now, &cleared, true, err));
    TARN_TRY(climb_all(lake, old_root, &cleared, &now, out, paths, err));
done:
    tarn_free(now.v);
    return rc;
}
