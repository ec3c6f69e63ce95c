/* SPDX-License-Identifier: Apache-2.0 */
/* versions.c - versions of objects, for bound buckets with versioning; and a commit's id as a version everywhere.
 *
 * Beside the path of the key, which is its current version, every version is an entry of the same branch under
 *
 *     " versions/" path "/" id          id: 16 digits that fall with time, 16 at random
 *
 * so that they are listed newest first, are staged in one step with the path, and are in the history and in every
 * collection of garbage like all else. A delete marker is such an entry with {"marker":true}; its path is gone. What
 * was written without versioning has no id: "null", kept with sixteen zeros once something newer covers it. */
#include "serve/s3/inside.h"

#include "base/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID = TARN_S3_VERSION - 1, ROWS_MOST = 4 };

static const char folder[] = " versions/", zeros[] = "0000000000000000";

static bool is_id(const char *v) { return strlen(v) == ID && strspn(v, "0123456789abcdef") == ID; }
static bool is_null(const char *id) { return strcmp(id + 16, zeros) == 0; }

static tarn_code new_id(int64_t time_us, bool null, char id[TARN_S3_VERSION], tarn_err *err)
{
    uint64_t random = 0;

    tarn_code rc = null ? TARN_OK : tarn_secret_random(&random, sizeof random, err);
    if (rc != TARN_OK) return rc;
    (void)snprintf(id, TARN_S3_VERSION, "%016llx%016llx", (unsigned long long)(UINT64_MAX - (uint64_t)time_us),
                   (unsigned long long)(null ? 0 : random | 1));
    return TARN_OK;
}

static tarn_code path_of(tarn_s3_call *call, const char *path, const char *id, char out[1025], tarn_err *err)
{
    int n = snprintf(out, 1025, "%s%s/%s", folder, path, id);

    if (n > 0 && n < 1025) return TARN_OK;
    return tarn_s3_fail(call, err, TARN_S3_KeyTooLongError, "with its version the key has more than 1,024 bytes");
}

/* ---- looking ---- */

/* The first two versions of a path, and the one that is null. */
typedef struct scan {
    size_t skip;
    tarn_entry first[2], null;
    size_t n;
    bool has_null;
} scan;

static tarn_code scan_row(void *arg, const tarn_entry *entry, tarn_err *err)
{
    scan *s = arg;
    const char *id = entry->path + s->skip;

    (void)err;
    if (!is_id(id)) return TARN_OK; /* of a key in the "folder" of this one */
    if (s->n < 2) s->first[s->n] = *entry;
    s->n++;
    if (is_null(id)) {
        s->null = *entry;
        s->has_null = true;
    }
    return TARN_OK;
}

static tarn_code scan_path(tarn_s3_call *call, const tarn_s3_place *place, scan *s, tarn_err *err)
{
    char prefix[1100];

    s->skip = (size_t)snprintf(prefix, sizeof prefix, "%s%s/", folder, place->path);
    return tarn_s3_staged_list(call, place->branch, prefix, "", 0, scan_row, s, err);
}

static tarn_code is_marker(tarn_s3_call *call, const tarn_s3_place *place, const tarn_entry *e, bool *marker,
                           tarn_err *err)
{
    json_t *attrs = NULL;
    tarn_code rc = tarn_s3_attrs_read(call, place, e, &attrs, err);

    if (rc == TARN_OK) *marker = json_is_true(json_object_get(attrs, "marker"));
    json_decref(attrs);
    return rc;
}

static tarn_code no_version(tarn_s3_call *call, const char *version, tarn_err *err)
{
    return tarn_s3_fail(call, err, TARN_S3_NoSuchVersion, "there is no version '%.70s' of this key", version);
}

static tarn_code look_null(tarn_s3_call *call, const tarn_s3_place *place, tarn_entry *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    scan *s = NULL;

    TARN_TRY(tarn_arena_alloc(call->arena, &s, 1, sizeof *s, err));
    if (place->versioning != TARN_S3_UNVERSIONED) TARN_TRY(scan_path(call, place, s, err));
    if (s->has_null) *out = s->null;
    else if (s->n == 0) rc = tarn_s3_look(call, place, out, err);
    else rc = no_version(call, "null", err);
done:
    return rc;
}

static tarn_code look_id(tarn_s3_call *call, const tarn_s3_place *place, const char *version, tarn_entry *out,
                         tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool marker = false;
    char path[1025];

    TARN_TRY(path_of(call, place->path, version, path, err));
    rc = tarn_s3_staged_lookup(call, place->branch, path, out, err);
    if (rc == TARN_NOT_FOUND) return no_version(call, version, err);
    if (rc != TARN_OK) goto done;
    TARN_TRY(is_marker(call, place, out, &marker, err));
    if (marker) {
        tarn_s3_reply_header(call, "x-amz-delete-marker", "true");
        rc = tarn_s3_fail(call, err, TARN_S3_MethodNotAllowed, "this version is a delete marker");
    }
done:
    return rc;
}

tarn_code tarn_s3_look_version(tarn_s3_call *call, tarn_s3_place *place, const char *version, tarn_entry *out,
                               tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id id;

    if (!*version) return tarn_s3_look(call, place, out, err);
    if (tarn_id_parse(version, strlen(version), &id)) {
        place->commit = id; /* the path as that commit has it */
        place->branch[0] = '\0';
        return tarn_s3_look(call, place, out, err);
    }
    if (strcmp(version, "null") == 0)
        rc = place->branch[0] ? look_null(call, place, out, err) : tarn_s3_look(call, place, out, err);
    else if (!is_id(version))
        return tarn_s3_fail(call, err, TARN_S3_InvalidArgument,
                            "'%.70s' is no version id: those have 32 digits, or 64 of a "
                            "commit",
                            version);
    else if (!place->branch[0]) return no_version(call, version, err);
    else rc = look_id(call, place, version, out, err);
    (void)snprintf(out->path, sizeof out->path, "%s", place->path);
    return rc;
}

/* ---- writing; the gateway's write_lock is held where there are versions ---- */

/* What was there without a version is kept as the null one. */
static tarn_code keep_null(tarn_s3_call *call, const tarn_s3_place *place, const scan *s, tarn_entry *rows, size_t *n,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *attrs = NULL;
    char id[TARN_S3_VERSION];
    tarn_entry *old = &rows[*n];

    if (s->n > 0) return TARN_OK; /* has versions: whatever is current is among them */
    rc = tarn_s3_look(call, place, old, err);
    if (rc == TARN_NOT_FOUND) {
        call->failed = false;
        return TARN_OK;
    }
    if (rc != TARN_OK) goto done;
    TARN_TRY(tarn_s3_attrs_read(call, place, old, &attrs, err));
    if (tarn_id_none(&old->attrs)) TARN_TRY(tarn_s3_attrs_put(call, attrs, &old->attrs, err));
    TARN_TRY(new_id(json_integer_value(json_object_get(attrs, "time")), true, id, err));
    TARN_TRY(path_of(call, place->path, id, old->path, err));
    ++*n;
done:
    json_decref(attrs);
    return rc;
}

/* In a suspended bucket the null version is replaced. */
static void drop_null(const scan *s, tarn_entry *rows, size_t *n)
{
    if (!s->has_null) return;
    memset(&rows[*n], 0, sizeof *rows);
    (void)snprintf(rows[*n].path, sizeof rows->path, "%s", s->null.path);
    ++*n;
}

/* The rows for a new version: what was there, and the new one under its id, with attributes that name it. */
static tarn_code new_version(tarn_s3_call *call, const tarn_s3_place *place, const tarn_object *object, json_t *attrs,
                             tarn_entry *rows, size_t *n, char id[TARN_S3_VERSION], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    scan *s = NULL;
    bool suspended = place->versioning == TARN_S3_SUSPENDED;

    TARN_TRY(tarn_arena_alloc(call->arena, &s, 1, sizeof *s, err));
    TARN_TRY(scan_path(call, place, s, err));
    if (suspended) drop_null(s, rows, n);
    else TARN_TRY(keep_null(call, place, s, rows, n, err));
    TARN_TRY(new_id(tarn_now_us(), suspended, id, err));
    if (!suspended) TARN_TRY(tarn_json_set(attrs, "version", json_string(id), err));
    TARN_TRY(tarn_s3_attrs_put(call, attrs, &rows[*n].attrs, err));
    rows[*n].object = *object;
    TARN_TRY(path_of(call, place->path, id, rows[*n].path, err));
    ++*n;
done:
    return rc;
}

tarn_code tarn_s3_version_put(tarn_s3_call *call, const tarn_s3_place *place, tarn_entry *entry, json_t *attrs,
                              tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry *rows = NULL;
    size_t n = 0;
    char id[TARN_S3_VERSION];

    if (place->versioning == TARN_S3_UNVERSIONED) {
        TARN_TRY(tarn_s3_attrs_put(call, attrs, &entry->attrs, err));
        return tarn_s3_stage(call, place->branch, entry, 1, err);
    }
    TARN_TRY(tarn_arena_alloc(call->arena, &rows, ROWS_MOST, sizeof *rows, err));
    TARN_TRY(new_version(call, place, &entry->object, attrs, rows, &n, id, err));
    entry->attrs = rows[n - 1].attrs;
    tarn_s3_lock lock = tarn_s3_lock_of(attrs);
    TARN_TRY(tarn_s3_hold_version(call, place->branch, &rows[n - 1], &lock, err));
    rows[n++] = *entry;
    rc = tarn_s3_stage(call, place->branch, rows, n, err);
done:
    return rc;
}

tarn_code tarn_s3_version_change(tarn_s3_call *call, const tarn_s3_place *place, tarn_entry *e, const tarn_id *was,
                                 const json_t *attrs, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry *rows = NULL, *now = NULL;
    scan *s = NULL;
    size_t n = 0;
    const char *id = tarn_json_text(attrs, "version", NULL);

    TARN_TRY(tarn_arena_alloc(call->arena, &rows, ROWS_MOST, sizeof *rows, err));
    TARN_TRY(tarn_arena_alloc(call->arena, &now, 1, sizeof *now, err));
    TARN_TRY(tarn_arena_alloc(call->arena, &s, 1, sizeof *s, err));
    if (place->versioning != TARN_S3_UNVERSIONED) TARN_TRY(scan_path(call, place, s, err));
    rc = tarn_s3_look(call, place, now, err);
    if (rc == TARN_OK && tarn_id_equal(&now->attrs, was)) rows[n++] = *e; /* the current one */
    if (rc == TARN_NOT_FOUND) call->failed = false, rc = TARN_OK;
    if (rc != TARN_OK) goto done;
    if (id || s->has_null) {
        rows[n] = *e;
        if (id) TARN_TRY(path_of(call, place->path, id, rows[n].path, err));
        else (void)snprintf(rows[n].path, sizeof rows[n].path, "%s", s->null.path);
        n++;
    }
    if (n > 0) TARN_TRY(tarn_s3_hold_version(call, place->branch, &rows[n - 1], &call->lock, err));
    rc = tarn_s3_stage(call, place->branch, rows, n, err);
done:
    return rc;
}

/* ---- deleting ---- */

static tarn_code delete_plain(tarn_s3_call *call, const tarn_s3_place *place, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry *e = NULL;

    TARN_TRY(tarn_arena_alloc(call->arena, &e, 1, sizeof *e, err));
    rc = tarn_s3_look(call, place, e, err);
    if (rc == TARN_NOT_FOUND) { /* gone already: that is what was wanted */
        call->failed = false;
        return TARN_OK;
    }
    if (rc != TARN_OK) goto done;
    if (place->versioning != TARN_S3_UNVERSIONED) TARN_TRY(tarn_s3_lock_check(call, place, e, err));
    memset(e, 0, sizeof *e);
    (void)snprintf(e->path, sizeof e->path, "%s", place->path);
    rc = tarn_s3_stage(call, place->branch, e, 1, err);
done:
    return rc;
}

static tarn_code put_marker(tarn_s3_call *call, const tarn_s3_place *place, char done_with[TARN_S3_VERSION],
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry *rows = NULL;
    tarn_object nothing;
    size_t n = 0;
    json_t *attrs = json_object();

    TARN_TRY(tarn_arena_alloc(call->arena, &rows, ROWS_MOST, sizeof *rows, err));
    TARN_TRY(tarn_json_set(attrs, "marker", json_true(), err));
    TARN_TRY(tarn_json_set(attrs, "etag", json_string(""), err));
    TARN_TRY(tarn_json_set(attrs, "time", json_integer(tarn_now_us()), err));
    TARN_TRY(tarn_lake_put(tarn_s3_lake(call), "", 0, &nothing, err));
    TARN_TRY(new_version(call, place, &nothing, attrs, rows, &n, done_with, err));
    (void)snprintf(rows[n++].path, sizeof rows->path, "%s", place->path); /* none: removed */
    TARN_TRY(tarn_s3_stage(call, place->branch, rows, n, err));
    if (is_null(done_with)) (void)snprintf(done_with, TARN_S3_VERSION, "null");
done:
    json_decref(attrs);
    return rc;
}

/* Remove the row of a version; if it was the newest, the next one becomes current. */
static tarn_code remove_version(tarn_s3_call *call, const tarn_s3_place *place, scan *s, const tarn_entry *row,
                                tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry *rows = NULL;
    size_t n = 1;
    bool next_marker = false;

    TARN_TRY(tarn_arena_alloc(call->arena, &rows, ROWS_MOST, sizeof *rows, err));
    (void)snprintf(rows[0].path, sizeof rows->path, "%s", row->path);
    if (strcmp(s->first[0].path, row->path) == 0) {
        if (s->n > 1) TARN_TRY(is_marker(call, place, &s->first[1], &next_marker, err));
        if (s->n > 1 && !next_marker) rows[1] = s->first[1];
        (void)snprintf(rows[1].path, sizeof rows->path, "%s", place->path);
        n = 2;
    }
    rc = tarn_s3_stage(call, place->branch, rows, n, err);
done:
    return rc;
}

static tarn_code delete_version(tarn_s3_call *call, const tarn_s3_place *place, const char *version, bool *marker,
                                tarn_err *err)
{
    tarn_code rc = TARN_OK;
    scan *s = NULL;
    tarn_entry *row = NULL;
    bool null = strcmp(version, "null") == 0;
    char path[1025];

    TARN_TRY(tarn_arena_alloc(call->arena, &s, 1, sizeof *s, err));
    TARN_TRY(tarn_arena_alloc(call->arena, &row, 1, sizeof *row, err));
    TARN_TRY(scan_path(call, place, s, err));
    if (null && s->n == 0) return delete_plain(call, place, err);
    if (null) *row = s->null;
    else {
        TARN_TRY(path_of(call, place->path, version, path, err));
        rc = tarn_s3_staged_lookup(call, place->branch, path, row, err);
    }
    if (rc == TARN_NOT_FOUND || (null && !s->has_null)) return TARN_OK; /* gone already */
    if (rc != TARN_OK) goto done;
    TARN_TRY(is_marker(call, place, row, marker, err));
    TARN_TRY(tarn_s3_lock_check(call, place, row, err));
    rc = remove_version(call, place, s, row, err);
done:
    return rc;
}

/* The gateway's write_lock is held where there are versions. */
static tarn_code delete_now(tarn_s3_call *call, const tarn_s3_place *place, const char *version,
                            char done_with[TARN_S3_VERSION], bool *marker, tarn_err *err)
{
    if (place->versioning == TARN_S3_UNVERSIONED) return delete_plain(call, place, err);
    if (*version) {
        (void)snprintf(done_with, TARN_S3_VERSION, "%s", version);
        return delete_version(call, place, version, marker, err);
    }
    *marker = true;
    return put_marker(call, place, done_with, err);
}

tarn_code tarn_s3_version_delete(tarn_s3_call *call, const tarn_s3_place *place, const char *version, bool looks,
                                 char done_with[TARN_S3_VERSION], bool *marker, tarn_err *err)
{
    bool plain = place->versioning == TARN_S3_UNVERSIONED, locks = looks || !plain;

    done_with[0] = '\0';
    *marker = false;
    if (looks && *version)
        return tarn_s3_fail(call, err, TARN_S3_NotImplemented, "If-Match holds for the current version alone");
    if (plain && *version && strcmp(version, "null") != 0)
        return tarn_s3_fail(call, err, TARN_S3_NotImplemented,
                            "the lake's own history cannot be deleted version by version");
    if (!plain && *version && strcmp(version, "null") != 0 && !is_id(version)) return no_version(call, version, err);
    if (locks) (void)pthread_mutex_lock(&call->gateway->write_lock);
    tarn_code rc = looks ? tarn_s3_check_now(call, err) : TARN_OK;
    if (rc == TARN_OK) rc = delete_now(call, place, version, done_with, marker, err);
    if (locks) (void)pthread_mutex_unlock(&call->gateway->write_lock);
    return rc;
}

/* ---- listing ---- */

typedef struct versions {
    tarn_s3_call *call;
    tarn_s3_version *v;
    size_t n, cap, most, versioned; /* the first `versioned` came from the folder of versions */
    bool cut;
} versions;

static tarn_code room(versions *list, tarn_err *err)
{
    size_t cap = list->cap ? 2 * list->cap : 64;

    if (list->n < list->cap) return TARN_OK;
    tarn_code rc = tarn_resize(&list->v, cap, sizeof *list->v, err);
    if (rc == TARN_OK) list->cap = cap;
    return rc;
}

static tarn_code keep_version(void *arg, const tarn_entry *entry, tarn_err *err)
{
    versions *list = arg;
    char path[1025];
    const char *slash = strrchr(entry->path, '/');

    if (!slash || !is_id(slash + 1) || slash - entry->path < (ptrdiff_t)sizeof folder) return TARN_OK;
    if (list->n > list->most) return TARN_CANCELLED;
    tarn_code rc = room(list, err);
    if (rc != TARN_OK) return rc;
    tarn_s3_version *v = &list->v[list->n];
    (void)snprintf(path, sizeof path, "%.*s", (int)(slash - entry->path) - (int)sizeof folder + 1,
                   entry->path + sizeof folder - 1);
    *v = (tarn_s3_version){.entry = *entry};
    tarn_s3_key_of(path, v->key);
    (void)snprintf(v->id, sizeof v->id, "%s", slash + 1);
    rc = is_marker(list->call, &list->call->place, entry, &v->marker, err);
    list->n++;
    return rc;
}

static tarn_code keep_plain(void *arg, const tarn_s3_listed *listed, tarn_err *err)
{
    versions *list = arg;

    if (list->n - list->versioned > list->most) return TARN_CANCELLED;
    for (size_t i = 0; i < list->versioned; i++)
        if (strcmp(list->v[i].key, listed->key) == 0) return TARN_OK; /* among the versions */
    tarn_code rc = room(list, err);
    if (rc != TARN_OK) return rc;
    tarn_s3_version *v = &list->v[list->n++];
    *v = (tarn_s3_version){.entry = *listed->entry, .latest = true};
    (void)snprintf(v->key, sizeof v->key, "%s", listed->key);
    (void)snprintf(v->id, sizeof v->id, "null");
    return TARN_OK;
}

static int by_key(const void *a, const void *b)
{
    const tarn_s3_version *x = a, *y = b;
    int order = strcmp(x->key, y->key);

    return order != 0 ? order : strcmp(x->id, y->id);
}

/* The name of (key, id) in the folder of versions, behind which a page goes on. */
static void marker_of(const char *key, const char *id, char out[1100])
{
    out[0] = '\0';
    if (*key) (void)snprintf(out, 1100, "%s%.1000s/%.32s", folder, key, *id ? id : "g"); /* g is behind all ids */
}

tarn_code tarn_s3_versions(tarn_s3_call *call, const char *prefix, const char *key, const char *id, size_t most,
                           tarn_s3_version **out, size_t *n, bool *more, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    versions list = {.call = call, .most = most};
    char from[1100], after[1100];
    const char *last = "";

    (void)snprintf(from, sizeof from, "%s%.1024s", folder, prefix);
    marker_of(key, id, after);
    if (call->place.versioning != TARN_S3_UNVERSIONED)
        TARN_TRY(tarn_s3_staged_list(call, call->place.branch, from, after, 0, keep_version, &list, err));
    list.versioned = list.n;
    TARN_TRY(tarn_s3_list_keys(call, prefix, key, "", keep_plain, &list, err));
    if (list.n > 1) qsort(list.v, list.n, sizeof *list.v, by_key);
    for (size_t i = 0; i < list.n; i++) { /* the first of a key is its newest, unless a page before had that */
        if (strcmp(list.v[i].key, last) != 0) list.v[i].latest = !*id || strcmp(list.v[i].key, key) != 0;
        last = list.v[i].key;
        if (is_id(list.v[i].id) && is_null(list.v[i].id)) (void)snprintf(list.v[i].id, sizeof list.v[i].id, "null");
    }
    *more = list.n > most;
    *n = *more ? most : list.n;
    *out = list.v;
    list.v = NULL;
done:
    tarn_free(list.v);
    return rc;
}
