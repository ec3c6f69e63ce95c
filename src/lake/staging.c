/* SPDX-License-Identifier: Apache-2.0 */
/* staging.c - staging areas: rows beside a branch, one area for each user.
 *
 * A row puts a path, removes one, or (path with '/' behind) clears a folder. Clearing forgets the area's own rows below
 * it, so a row that stands below a clearing one is always the later of the two, and wins. */
#include "lake/access_inside.h"
#include "lake/commit.h"
#include "lake/tree.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

enum { BATCH = 4096, WHO_MOST = 255 };

bool tarn_row_clears(const tarn_entry *row)
{
    size_t len = strlen(row->path);
    return len > 0 && row->path[len - 1] == '/';
}

tarn_code tarn_who_check(const char *who, tarn_err *err)
{
    size_t len = who ? strlen(who) : 0;

    if (len > WHO_MOST)
        return TARN_FAIL(err, TARN_INVALID, "the name of a user has %zu bytes; at most %d are possible", len, WHO_MOST);
    if (len > 0 && !tarn_utf8_valid(who, len, NULL))
        return TARN_FAIL(err, TARN_INVALID, "the name of a user must be UTF-8");
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)who[i] < 32 || who[i] == 127)
            return TARN_FAIL(err, TARN_INVALID, "the name of a user holds a control character at byte %zu", i);
    return TARN_OK;
}

/* Paths from `prefix` to before `to` start with it. */
static void bound_of(const char *prefix, char to[1026])
{
    (void)snprintf(to, 1026, "%s", prefix);
    if (!tarn_path_after(to)) (void)strcpy(to, "\xff");
}

static tarn_code stage_row(tarn_lake *lake, const char *ref, const char *who, const tarn_entry *e, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char to[1026];

    if (tarn_row_clears(e)) {
        bound_of(e->path, to);
        TARN_TRY(tarn_meta_unstage(lake->meta, ref, who, e->path, to, INT64_MAX, err));
    }
    TARN_TRY(tarn_meta_stage(lake->meta, ref, who, e, err));
done:
    return rc;
}

/* "a/b/" clears; else as any entry. */
static tarn_code check_row(tarn_lake *lake, const tarn_entry *e, int64_t *swept, tarn_err *err)
{
    size_t len = strnlen(e->path, sizeof e->path);

    if (len == sizeof e->path || len < 2 || e->path[len - 1] != '/' || !tarn_id_none(&e->object.id))
        return tarn_entries_check(lake, e, 1, true, swept, err);
    return tarn_path_check(e->path, len - 1, err);
}

tarn_code tarn_lake_stage(tarn_lake *lake, const char *branch, const char *who, const tarn_entry *entries, size_t n,
                          tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char ref[256];
    int64_t swept = 0, later = 0;

    TARN_TRY(tarn_ref_branch(branch, ref, err));
    TARN_TRY(tarn_who_check(who, err));
    TARN_TRY(tarn_store_fresh(lake, &swept, err));
    for (size_t i = 0; i < n; i++) TARN_TRY(check_row(lake, &entries[i], &later, err));
    TARN_TRY(tarn_tx_begin_anew(lake, err));
    rc = tarn_entries_hold(lake, entries, n, swept, err);
    for (size_t i = 0; i < n && rc == TARN_OK; i++) rc = stage_row(lake, ref, who ? who : "", &entries[i], err);
    if (rc == TARN_OK && n > 0) rc = tarn_audit_stage(lake, ref, entries, n, NULL, err);
    rc = tarn_tx_end(lake, rc, err);
done:
    return rc;
}

tarn_code tarn_lake_unstage(tarn_lake *lake, const char *branch, const char *who, const char *prefix, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char ref[256], to[1026];

    prefix = prefix ? prefix : "";
    if (strlen(prefix) > 1024) return TARN_FAIL(err, TARN_INVALID, "a prefix of over 1,024 bytes is too long");
    TARN_TRY(tarn_ref_branch(branch, ref, err));
    TARN_TRY(tarn_who_check(who, err));
    bound_of(prefix, to);
    TARN_TRY(tarn_tx_begin_anew(lake, err));
    rc = tarn_meta_unstage(lake->meta, ref, who ? who : "", prefix, to, INT64_MAX, err);
    if (rc == TARN_OK) rc = tarn_audit_stage(lake, ref, NULL, 0, prefix, err);
    rc = tarn_tx_end(lake, rc, err);
done:
    return rc;
}

/* ---- looking ---- */

tarn_code tarn_branch_tree(tarn_lake *lake, const char *ref, tarn_id *root, tarn_err *err)
{
    tarn_id head;
    tarn_code rc = tarn_lake_ref_get(lake, ref, &head, err);

    *root = (tarn_id){{0}};
    if (rc == TARN_NOT_FOUND) return TARN_OK;
    return rc == TARN_OK ? tarn_commit_tree(lake, &head, root, err) : rc;
}

typedef struct one_row {
    const char *path;
    tarn_entry *out;
    bool found;
} one_row;

static tarn_code keep_row(void *arg, const tarn_entry *entry, int64_t seq, tarn_err *err)
{
    one_row *row = arg;

    (void)seq, (void)err;
    row->found = strcmp(entry->path, row->path) == 0;
    if (row->found && row->out) *row->out = *entry;
    return TARN_OK;
}

/* The row of exactly that path. */
static tarn_code find_row(tarn_lake *lake, const char *ref, const char *who, const char *path, tarn_entry *out,
                          bool *found, tarn_err *err)
{
    one_row row = {path, out, false};

    tarn_lake_lock(lake);
    tarn_code rc = tarn_meta_staged(lake->meta, ref, who, path, 1, keep_row, &row, err);
    tarn_lake_unlock(lake);
    *found = row.found;
    return rc;
}

tarn_code tarn_staged_cover(tarn_lake *lake, const char *ref, const char *who, const char *path, char out[1026],
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool found = false;

    for (size_t i = 1; path[i - 1] && i < 1025 && !found; i++) {
        if (path[i - 1] != '/') continue;
        (void)snprintf(out, 1026, "%.*s", (int)i, path);
        TARN_TRY(find_row(lake, ref, who, out, NULL, &found, err));
    }
done:
    if (!found || rc != TARN_OK) out[0] = '\0';
    return rc;
}

tarn_code tarn_lake_lookup_staged(tarn_lake *lake, const char *branch, const char *who, const char *path,
                                  tarn_entry *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char ref[256], cover[1026];
    tarn_id root;
    bool found = false;

    who = who ? who : "";
    TARN_TRY(tarn_path_check(path, strlen(path), err));
    TARN_TRY(tarn_ref_branch(branch, ref, err));
    TARN_TRY(find_row(lake, ref, who, path, out, &found, err));
    if (!found) TARN_TRY(tarn_staged_cover(lake, ref, who, path, cover, err));
    if (found ? tarn_id_none(&out->object.id) : cover[0] != '\0') {
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "path '%.300s' of '%s' is staged for removal", path, ref + 6);
        goto done;
    }
    if (found) goto done;
    TARN_TRY(tarn_branch_tree(lake, ref, &root, err));
    TARN_TRY(tarn_tree_lookup(lake, &root, path, out, err));
done:
    return rc;
}

typedef struct area {
    char who[WHO_MOST + 1];
    int64_t rows;
} area;

typedef struct area_list {
    area *v;
    size_t n, cap;
} area_list;

static tarn_code keep_area(void *arg, const char *who, int64_t rows, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    area_list *list = arg;

    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 8;
        TARN_TRY(tarn_resize(&list->v, cap, sizeof *list->v, err));
        list->cap = cap;
    }
    list->v[list->n].rows = rows;
    (void)snprintf(list->v[list->n++].who, sizeof list->v->who, "%s", who);
done:
    return rc;
}

tarn_code tarn_lake_areas(tarn_lake *lake, const char *branch, tarn_area_fn *fn, void *arg, tarn_err *err)
{
    char ref[256];
    area_list list = {0};
    tarn_code rc = tarn_ref_branch(branch, ref, err);

    if (rc != TARN_OK) return rc;
    tarn_lake_lock(lake);
    rc = tarn_meta_areas(lake->meta, ref, keep_area, &list, err);
    tarn_lake_unlock(lake);
    for (size_t i = 0; i < list.n && rc == TARN_OK; i++) rc = fn(arg, list.v[i].who, list.v[i].rows, err);
    tarn_free(list.v);
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}

/* ---- into a tree ---- */

typedef struct batch {
    tarn_entry *v;
    size_t n;
    int64_t upto;
    size_t seen;
    char last[1025];
} batch;

static tarn_code take_staged(void *arg, const tarn_entry *entry, int64_t seq, tarn_err *err)
{
    batch *b = arg;

    (void)err;
    b->seen++;
    memcpy(b->last, entry->path, sizeof b->last);
    if (seq <= b->upto) b->v[b->n++] = *entry;
    return TARN_OK;
}

/* The rows of a batch in order; one that clears comes before those below it. */
static tarn_code apply_batch(tarn_lake *lake, const batch *b, tarn_id *tree, uint64_t *paths, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t from = 0;

    for (size_t i = 0; i <= b->n; i++) {
        if (i < b->n && !tarn_row_clears(&b->v[i])) continue;
        if (i > from) TARN_TRY(tarn_tree_update(lake, tree, b->v + from, i - from, tree, paths, err));
        if (i < b->n) TARN_TRY(tarn_tree_cut(lake, tree, b->v[i].path, tree, paths, err));
        from = i + 1;
    }
done:
    return rc;
}

/* In batches, so that a million rows need no gigabyte. */
tarn_code tarn_staged_apply(tarn_lake *lake, const char *ref, const char *who, int64_t upto, tarn_id *tree,
                            uint64_t *paths, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    batch b = {.upto = upto};
    char from[1026] = "";

    TARN_TRY(tarn_alloc(&b.v, BATCH, sizeof *b.v, err));
    do {
        b.n = b.seen = 0;
        tarn_lake_lock(lake);
        rc = tarn_meta_staged(lake->meta, ref, who, from, BATCH, take_staged, &b, err);
        tarn_lake_unlock(lake);
        if (rc != TARN_OK) goto done;
        TARN_TRY(apply_batch(lake, &b, tree, paths, err));
        (void)snprintf(from, sizeof from, "%s\001", b.last); /* no path holds a byte below a space */
    } while (b.seen == BATCH);
done:
    tarn_free(b.v);
    return rc;
}

tarn_code tarn_lake_diff_staged(tarn_lake *lake, const tarn_id *a, const char *branch, const char *who,
                                const char *prefix, tarn_change_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char ref[256];
    tarn_id before, after;
    uint64_t paths;

    TARN_TRY(tarn_ref_branch(branch, ref, err));
    TARN_TRY(tarn_commit_tree(lake, a, &before, err));
    TARN_TRY(tarn_branch_tree(lake, ref, &after, err));
    TARN_TRY(tarn_staged_apply(lake, ref, who ? who : "", INT64_MAX, &after, &paths, err));
    TARN_TRY(tarn_tree_diff(lake, &before, &after, prefix, fn, arg, err));
done:
    return rc == TARN_CANCELLED ? TARN_OK : rc;
}
