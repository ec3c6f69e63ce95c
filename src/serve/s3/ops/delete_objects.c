/* SPDX-License-Identifier: Apache-2.0 */
/* delete_objects.c - up to 1,000 keys at once, each with its own outcome. */
#include "serve/s3/op.h"

#include <stdio.h>
#include <string.h>

/* What the body names. */
typedef struct wanted {
    tarn_s3_call *call;
    char **keys, **versions;
    char *key, *version; /* of the one being read */
    size_t n;
    bool quiet;
} wanted;

static tarn_code read_element(void *arg, const char *path, const char *text, size_t len, tarn_err *err)
{
    wanted *w = arg;

    if (!text) return TARN_OK;
    if (strcmp(path, "Delete/Quiet") == 0) w->quiet = tarn_s3_is_true(text);
    if (strcmp(path, "Delete/Object/VersionId") == 0)
        return tarn_arena_strndup(w->call->arena, text, len, &w->version, err);
    if (strcmp(path, "Delete/Object/Key") == 0) return tarn_arena_strndup(w->call->arena, text, len, &w->key, err);
    if (strcmp(path, "Delete/Object/ETag") == 0 || strcmp(path, "Delete/Object/LastModifiedTime") == 0 ||
        strcmp(path, "Delete/Object/Size") == 0)
        return tarn_s3_fail(w->call, err, TARN_S3_NotImplemented,
                            "conditions of single keys (%s) are not known here; DeleteObject takes If-Match", path);
    if (strcmp(path, "Delete/Object") != 0) return TARN_OK;
    if (!w->key) return TARN_FAIL(err, TARN_INVALID, "an object has no key");
    if (w->n == TARN_S3_KEYS_MOST)
        return TARN_FAIL(err, TARN_INVALID, "a request deletes at most %d keys", (int)TARN_S3_KEYS_MOST);
    w->versions[w->n] = w->version;
    w->keys[w->n++] = w->key;
    w->key = w->version = NULL;
    return TARN_OK;
}

/* One key: found out where, staged at the end with the others of its branch. */
typedef struct batch {
    char branch[256];
    tarn_entry *entries;
    size_t n;
} batch;

static void put_outcome(const wanted *w, size_t i, const char *done_with, bool marker, tarn_code rc,
                        const tarn_err *why)
{
    tarn_text *xml = &w->call->xml;

    if (rc == TARN_OK && w->quiet) return;
    tarn_text_add(xml, rc == TARN_OK ? "<Deleted>" : "<Error>");
    tarn_s3_xml(w->call, "Key", w->keys[i]);
    if (w->versions[i]) tarn_s3_xml(w->call, "VersionId", w->versions[i]);
    if (rc == TARN_OK && marker) {
        tarn_s3_xml(w->call, "DeleteMarker", "true");
        tarn_s3_xml(w->call, "DeleteMarkerVersionId", done_with);
    }
    if (rc != TARN_OK) {
        tarn_s3_xml(w->call, "Code", tarn_s3_error_name(tarn_s3_error_of(w->call, rc)));
        tarn_s3_xml(w->call, "Message", why->msg);
    }
    tarn_text_add(xml, rc == TARN_OK ? "</Deleted>" : "</Error>");
    w->call->failed = false;
}

/* *there: the key is something that can be removed. A key of no ref is gone already. */
static tarn_code find(const wanted *w, const char *key, tarn_s3_place *place, bool *there, tarn_err *err)
{
    tarn_code rc = tarn_s3_place_find(w->call, w->call->bucket, key, place, err);

    *there = rc == TARN_OK;
    if (rc == TARN_NOT_FOUND && !w->call->place.bound) {
        w->call->failed = false;
        return TARN_OK;
    }
    if (rc == TARN_OK) rc = tarn_s3_place_writable(w->call, place, err);
    return rc == TARN_OK ? tarn_s3_may(w->call, TARN_ACT_OBJECT_DELETE, place, err) : rc;
}

static tarn_code flush(const wanted *w, batch *b, tarn_err *err)
{
    tarn_code rc = b->n > 0 ? tarn_s3_stage(w->call, b->branch, b->entries, b->n, err) : TARN_OK;

    b->n = 0;
    return rc;
}

/* A place with versions is served at once; the others are gathered by branch. */
static tarn_code delete_one(const wanted *w, batch *b, size_t i, const tarn_s3_place *place, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_err why = {0};
    char done_with[TARN_S3_VERSION] = "";
    bool marker = false;
    const char *version = w->versions[i] ? w->versions[i] : "";

    if (*version || place->versioning != TARN_S3_UNVERSIONED) {
        tarn_code deleted = tarn_s3_version_delete(w->call, place, version, false, done_with, &marker, &why);
        put_outcome(w, i, done_with, marker, deleted, &why);
        return TARN_OK;
    }
    if (strcmp(b->branch, place->branch) != 0) TARN_TRY(flush(w, b, err));
    (void)snprintf(b->branch, sizeof b->branch, "%s", place->branch);
    memset(&b->entries[b->n], 0, sizeof *b->entries);
    (void)snprintf(b->entries[b->n++].path, sizeof b->entries->path, "%s", place->path);
    put_outcome(w, i, "", false, TARN_OK, &why);
done:
    return rc;
}

static tarn_code delete_all(const wanted *w, batch *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_s3_place *place = NULL;
    bool there = false;

    TARN_TRY(tarn_arena_alloc(w->call->arena, &place, 1, sizeof *place, err));
    for (size_t i = 0; i < w->n; i++) {
        tarn_err why = {0};
        tarn_code found = find(w, w->keys[i], place, &there, &why);
        if (found == TARN_OK && there) TARN_TRY(delete_one(w, b, i, place, err));
        else put_outcome(w, i, "", false, found, &why);
    }
    rc = flush(w, b, err);
done:
    return rc;
}

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    wanted w = {.call = call};
    batch b = {.n = 0};

    TARN_TRY(tarn_arena_alloc(call->arena, &w.keys, TARN_S3_KEYS_MOST, sizeof *w.keys, err));
    TARN_TRY(tarn_arena_alloc(call->arena, &w.versions, TARN_S3_KEYS_MOST, sizeof *w.versions, err));
    TARN_TRY(tarn_s3_read_xml(call, read_element, &w, err));
    if (w.n == 0) return tarn_s3_fail(call, err, TARN_S3_MalformedXML, "the body names no keys");
    TARN_TRY(tarn_alloc(&b.entries, w.n, sizeof *b.entries, err));
    tarn_s3_xml_open(call, "DeleteResult");
    TARN_TRY(delete_all(&w, &b, err));
    tarn_text_add(&call->xml, "</DeleteResult>");
done:
    tarn_free(b.entries);
    return rc;
}

const tarn_s3_op tarn_s3_op_delete_objects = {
    .name = "DeleteObjects",
    .method = "POST",
    .level = TARN_S3_BUCKET,
    .select = "delete",
    .right = TARN_ACT_ALWAYS, /* and to write each key's place */
    .body = TARN_S3_DOCUMENT,
    .title = "up to 1,000 keys at once, each with its own outcome",
    .answer = answer,
};
