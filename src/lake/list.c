/* SPDX-License-Identifier: Apache-2.0 */
/* list.c - looking: one path, listings with folders folded, staged changes on top, diffs.
 *
 * A listing walks one stream: the tree merged with the staged rows, which win and hide what they remove. A folded
 * folder is one step: the stream seeks past it; so is one that a row clears. */
#include "lake/commit.h"
#include "lake/tree.h"

#include "base/mem.h"

#include <string.h>

enum { ROWS = 256 };

typedef struct stream {
    tarn_lake *lake;
    tarn_walk walk;
    const char *ref, *who; /* of the staging area; ref NULL: only the tree */
    tarn_entry *rows;      /* a window of staged rows */
    size_t n_rows, at_row;
    bool more_rows;
    char cleared[1026]; /* what starts with this is hidden in the tree; "": nothing */
    tarn_entry now;
} stream;

static tarn_code keep_row(void *arg, const tarn_entry *entry, int64_t seq, tarn_err *err)
{
    stream *s = arg;

    (void)seq, (void)err;
    s->rows[s->n_rows++] = *entry;
    return TARN_OK;
}

static tarn_code load_rows(stream *s, const char *from, tarn_err *err)
{
    if (!s->ref) return TARN_OK;
    s->n_rows = s->at_row = 0;
    tarn_lake_lock(s->lake);
    tarn_code rc = tarn_meta_staged(s->lake->meta, s->ref, s->who, from, ROWS, keep_row, s, err);
    tarn_lake_unlock(s->lake);
    s->more_rows = s->n_rows == ROWS;
    return rc;
}

static tarn_code pass_row(stream *s, tarn_err *err)
{
    char from[1026];

    if (++s->at_row < s->n_rows || !s->more_rows) return TARN_OK;
    (void)snprintf(from, sizeof from, "%s\001", s->rows[s->n_rows - 1].path);
    return load_rows(s, from, err);
}

static tarn_code stream_seek(stream *s, const char *key, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_walk_seek(&s->walk, key, err));
    TARN_TRY(load_rows(s, key, err));
    if (s->ref) TARN_TRY(tarn_staged_cover(s->lake, s->ref, s->who, key, s->cleared, err));
done:
    return rc;
}

/* Enter to the next path of the tree that no row clears. */
static tarn_code next_leaf(stream *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t len = strlen(s->cleared);
    char after[1026];

    TARN_TRY(tarn_walk_leaf(&s->walk, err));
    const tarn_item *item = tarn_walk_item(&s->walk);
    if (len == 0 || !item || item->len < len || memcmp(item->key, s->cleared, len) != 0) goto done;
    memcpy(after, s->cleared, len + 1);
    (void)tarn_path_after(after); /* it ends in '/', so there is one */
    TARN_TRY(tarn_walk_seek(&s->walk, after, err));
    TARN_TRY(tarn_walk_leaf(&s->walk, err));
done:
    return rc;
}

/* The next entry that is there into s->now, and past it. *ended at the end. */
static tarn_code stream_next(stream *s, bool *ended, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (;;) {
        TARN_TRY(next_leaf(s, err));
        const tarn_item *item = tarn_walk_item(&s->walk);
        const tarn_entry *row = s->at_row < s->n_rows ? &s->rows[s->at_row] : NULL;
        *ended = !item && !row;
        if (*ended) return TARN_OK;
        int order = !item ? 1 : !row ? -1 : tarn_key_compare(item->key, item->len, row->path, strlen(row->path));
        if (order < 0) tarn_entry_of(item, &s->now);
        else s->now = *row;
        if (order > 0 && tarn_row_clears(row)) memcpy(s->cleared, row->path, sizeof row->path);
        if (order <= 0) tarn_walk_pass(&s->walk);
        if (order >= 0) TARN_TRY(pass_row(s, err));
        if (!tarn_id_none(&s->now.object.id)) return TARN_OK;
    }
done:
    return rc;
}

static tarn_code stream_open(stream *s, tarn_lake *lake, const tarn_id *root, const char *ref, const char *who,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;

    s->lake = lake;
    s->ref = ref;
    s->who = who ? who : "";
    if (ref) TARN_TRY(tarn_alloc(&s->rows, ROWS, sizeof *s->rows, err));
    TARN_TRY(tarn_walk_open(&s->walk, lake, root, err));
done:
    return rc;
}

static tarn_code list_stream(stream *s, const char *prefix, const char *after, char delimiter, tarn_entry_fn *fn,
                             void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t len = strlen(prefix);
    bool ended = false;

    TARN_TRY(stream_seek(s, strcmp(after, prefix) > 0 ? after : prefix, err));
    for (;;) {
        TARN_TRY(stream_next(s, &ended, err));
        if (ended || strncmp(s->now.path, prefix, len) != 0) break;
        char *fold = delimiter ? strchr(s->now.path + len, delimiter) : NULL;
        if (fold) {
            fold[1] = '\0';
            s->now.object = (tarn_object){.size = 0};
            s->now.recipe = s->now.attrs = (tarn_id){{0}};
        }
        if (strcmp(s->now.path, after) > 0) TARN_TRY(fn(arg, &s->now, err));
        if (!fold) continue;
        if (!tarn_path_after(s->now.path)) break;
        char from[sizeof s->now.path];
        memcpy(from, s->now.path, sizeof from);
        TARN_TRY(stream_seek(s, from, err));
    }
done:
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}

static tarn_code list_tree(tarn_lake *lake, const tarn_id *root, const char *ref, const char *who, const char *prefix,
                           const char *after, char delimiter, tarn_entry_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    stream *s = NULL;

    TARN_TRY(tarn_alloc(&s, 1, sizeof *s, err));
    TARN_TRY(stream_open(s, lake, root, ref, who, err));
    TARN_TRY(list_stream(s, prefix ? prefix : "", after ? after : "", delimiter, fn, arg, err));
done:
    if (s) {
        tarn_walk_close(&s->walk);
        tarn_free(s->rows);
    }
    tarn_free(s);
    return rc;
}

tarn_code tarn_lake_list(tarn_lake *lake, const tarn_id *commit, const char *prefix, const char *after, char delimiter,
                         tarn_entry_fn *fn, void *arg, tarn_err *err)
{
    tarn_id root;
    tarn_code rc = tarn_commit_tree(lake, commit, &root, err);

    return rc == TARN_OK ? list_tree(lake, &root, NULL, NULL, prefix, after, delimiter, fn, arg, err) : rc;
}

tarn_code tarn_lake_list_staged(tarn_lake *lake, const char *branch, const char *who, const char *prefix,
                                const char *after, char delimiter, tarn_entry_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char ref[256];
    tarn_id root;

    TARN_TRY(tarn_ref_branch(branch, ref, err));
    TARN_TRY(tarn_branch_tree(lake, ref, &root, err));
    TARN_TRY(list_tree(lake, &root, ref, who, prefix, after, delimiter, fn, arg, err));
done:
    return rc;
}

tarn_code tarn_lake_lookup(tarn_lake *lake, const tarn_id *commit, const char *path, tarn_entry *out, tarn_err *err)
{
    tarn_id root;
    char hex[TARN_ID_HEX];
    tarn_code rc = tarn_commit_tree(lake, commit, &root, err);

    if (rc != TARN_OK) return rc;
    rc = tarn_tree_lookup(lake, &root, path, out, err);
    if (rc == TARN_NOT_FOUND) tarn_err_note(err, "commit %.12s", tarn_id_hex(commit, hex));
    return rc;
}

tarn_code tarn_lake_diff(tarn_lake *lake, const tarn_id *a, const tarn_id *b, const char *prefix, tarn_change_fn *fn,
                         void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id a_root, b_root;

    TARN_TRY(tarn_commit_tree(lake, a, &a_root, err));
    TARN_TRY(tarn_commit_tree(lake, b, &b_root, err));
    TARN_TRY(tarn_tree_diff(lake, &a_root, &b_root, prefix, fn, arg, err));
done:
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}

/* A row that clears, if there is something to clear. */
static tarn_code tell_cleared(tarn_lake *lake, const tarn_id *root, const tarn_entry *row, tarn_change_fn *fn,
                              void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_walk w = {0};
    size_t len = strlen(row->path);

    TARN_TRY(tarn_walk_open(&w, lake, root, err));
    TARN_TRY(tarn_walk_seek(&w, row->path, err));
    TARN_TRY(tarn_walk_leaf(&w, err));
    const tarn_item *item = tarn_walk_item(&w);
    if (item && item->len > len && memcmp(item->key, row->path, len) == 0)
        TARN_TRY(fn(arg, TARN_REMOVED, row, NULL, err));
done:
    tarn_walk_close(&w);
    return rc;
}

/* One staged row against the tree; rows that change nothing are not changes. */
static tarn_code tell_staged(tarn_lake *lake, const tarn_id *root, const tarn_entry *row, tarn_entry *base,
                             tarn_change_fn *fn, void *arg, tarn_err *err)
{
    bool removes = tarn_id_none(&row->object.id);

    if (tarn_row_clears(row)) return tell_cleared(lake, root, row, fn, arg, err);
    tarn_code rc = tarn_tree_lookup(lake, root, row->path, base, err);
    if (rc != TARN_OK && rc != TARN_NOT_FOUND) return rc;
    bool there = rc == TARN_OK;
    if (removes) return there ? fn(arg, TARN_REMOVED, base, NULL, err) : TARN_OK;
    if (!there) return fn(arg, TARN_ADDED, NULL, row, err);
    return tarn_entry_same(base, row) ? TARN_OK : fn(arg, TARN_CHANGED, base, row, err);
}

tarn_code tarn_lake_staged(tarn_lake *lake, const char *branch, const char *who, tarn_change_fn *fn, void *arg,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char ref[256];
    tarn_id root;
    stream *s = NULL;

    TARN_TRY(tarn_ref_branch(branch, ref, err));
    TARN_TRY(tarn_branch_tree(lake, ref, &root, err));
    TARN_TRY(tarn_alloc(&s, 1, sizeof *s, err));
    TARN_TRY(stream_open(s, lake, &(tarn_id){{0}}, ref, who, err));
    TARN_TRY(load_rows(s, "", err));
    while (s->at_row < s->n_rows) {
        TARN_TRY(tell_staged(lake, &root, &s->rows[s->at_row], &s->now, fn, arg, err));
        TARN_TRY(pass_row(s, err));
    }
done:
    if (s) {
        tarn_walk_close(&s->walk);
        tarn_free(s->rows);
    }
    tarn_free(s);
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}
