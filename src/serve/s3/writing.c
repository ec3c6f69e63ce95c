/* SPDX-License-Identifier: Apache-2.0 */
/* writing.c - what PUT, copy, completion and forms share: conditions, the entry, the source of a copy. */
#include "serve/s3/inside.h"

#include <stdio.h>
#include <string.h>

tarn_code tarn_s3_check_now(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry *now = NULL;
    json_t *attrs = NULL;
    bool ignored;

    if (!tarn_s3_header(call, "If-Match") && !tarn_s3_header(call, "If-None-Match")) return TARN_OK;
    TARN_TRY(tarn_arena_alloc(call->arena, &now, 1, sizeof *now, err));
    rc = tarn_s3_look(call, &call->place, now, err);
    if (rc == TARN_OK) rc = tarn_s3_attrs_read(call, &call->place, now, &attrs, err);
    else if (rc == TARN_NOT_FOUND && !tarn_s3_header(call, "If-Match")) call->failed = false, rc = TARN_OK;
    if (rc != TARN_OK) goto done;
    rc = tarn_s3_conditions(call, "", attrs ? tarn_json_text(attrs, "etag", "") : NULL, 0, &ignored, err);
done:
    json_decref(attrs);
    return rc;
}

tarn_code tarn_s3_put_conditions(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = tarn_s3_place_writable(call, &call->place, err);

    return rc == TARN_OK ? tarn_s3_check_now(call, err) : rc;
}

tarn_code tarn_s3_put_entry(tarn_s3_call *call, const tarn_object *object, json_t *attrs, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry *e = NULL;

    TARN_TRY(tarn_arena_alloc(call->arena, &e, 1, sizeof *e, err));
    (void)snprintf(e->path, sizeof e->path, "%s", call->place.path);
    e->object = *object;
    TARN_TRY(tarn_json_set(attrs, "time", json_integer(tarn_now_us()), err));
    (void)json_object_del(attrs, "version");
    bool looks = tarn_s3_header(call, "If-Match") || tarn_s3_header(call, "If-None-Match");
    if (call->place.versioning != TARN_S3_UNVERSIONED) looks = true;
    if (looks) (void)pthread_mutex_lock(&call->gateway->write_lock); /* between looking and staging nobody writes */
    rc = looks ? tarn_s3_check_now(call, err) : TARN_OK;
    if (rc == TARN_OK) rc = tarn_s3_version_put(call, &call->place, e, attrs, err);
    if (looks) (void)pthread_mutex_unlock(&call->gateway->write_lock);
    if (rc == TARN_OK && tarn_json_text(attrs, "version", NULL))
        tarn_s3_reply_header(call, "x-amz-version-id", "%s", tarn_json_text(attrs, "version", ""));
done:
    return rc;
}

/* "/bucket/key?versionId=..." or without the slash, percent-encoded. */
static tarn_code read_source(tarn_s3_call *call, char **bucket, char **key, const char **version, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *text = tarn_s3_header(call, "x-amz-copy-source");
    size_t len = strcspn(text, "?");

    *version = "";
    if (strncmp(text + len, "?versionId=", 11) == 0) *version = text + len + 11;
    else if (text[len])
        return tarn_s3_fail(call, err, TARN_S3_NotImplemented, "x-amz-copy-source with '%.40s' is not known here",
                            text + len);
    if (*text == '/') text++, len--;
    TARN_TRY(tarn_arena_strndup(call->arena, text, len, bucket, err));
    if (!tarn_sigv4_decode(*bucket, &len) || !memchr(*bucket, '/', len))
        return tarn_s3_fail(call, err, TARN_S3_InvalidArgument, "x-amz-copy-source is bucket/key, not '%.100s'", text);
    (*bucket)[len] = '\0';
    *key = strchr(*bucket, '/');
    *(*key)++ = '\0';
    if (!**key) return tarn_s3_fail(call, err, TARN_S3_InvalidArgument, "x-amz-copy-source names no key");
done:
    return rc;
}

tarn_code tarn_s3_copy_source(tarn_s3_call *call, tarn_entry *entry, json_t **attrs, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_s3_place *place = NULL;
    char *bucket = NULL, *key = NULL;
    const char *version = "";
    bool ignored;

    TARN_TRY(read_source(call, &bucket, &key, &version, err));
    TARN_TRY(tarn_arena_alloc(call->arena, &place, 1, sizeof *place, err));
    TARN_TRY(tarn_s3_place_find(call, bucket, key, place, err));
    TARN_TRY(tarn_s3_may(call, TARN_ACT_OBJECT_READ, place, err));
    TARN_TRY(tarn_s3_look_version(call, place, version, entry, err));
    TARN_TRY(tarn_s3_attrs_read(call, place, entry, attrs, err));
    if (tarn_json_text(*attrs, "version", NULL))
        tarn_s3_reply_header(call, "x-amz-copy-source-version-id", "%s", tarn_json_text(*attrs, "version", ""));
    TARN_TRY(tarn_s3_conditions(call, "x-amz-copy-source-", tarn_json_text(*attrs, "etag", ""),
                                json_integer_value(json_object_get(*attrs, "time")), &ignored, err));
done:
    return rc;
}

tarn_code tarn_s3_attrs_content(json_t *attrs, const tarn_s3_content *content, tarn_err *err)
{
    tarn_code rc = tarn_json_set(attrs, "etag", json_string(content->md5), err);

    if (rc != TARN_OK || !content->checksum_name[0]) return rc;
    json_t *checksum = json_object();
    rc = tarn_json_set(checksum, content->checksum_name, json_string(content->checksum), err);
    if (rc == TARN_OK) rc = tarn_json_set(attrs, "checksum", json_incref(checksum), err);
    json_decref(checksum);
    return rc;
}

void tarn_s3_content_headers(tarn_s3_call *call, const tarn_s3_content *content)
{
    char name[40];

    tarn_s3_reply_header(call, "ETag", "\"%s\"", content->md5);
    if (!content->checksum_name[0]) return;
    (void)snprintf(name, sizeof name, "x-amz-checksum-%s", content->checksum_name);
    tarn_s3_reply_header(call, name, "%s", content->checksum);
}

tarn_code tarn_s3_edit(tarn_s3_call *call, tarn_s3_edit_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry *e = NULL;
    json_t *attrs = NULL;
    tarn_id was;
    const char *version = tarn_s3_query(call, "versionId");

    TARN_TRY(tarn_s3_place_writable(call, &call->place, err));
    TARN_TRY(tarn_arena_alloc(call->arena, &e, 2, sizeof *e, err));
    TARN_TRY(tarn_s3_look_version(call, &call->place, version ? version : "", e, err));
    TARN_TRY(tarn_s3_place_writable(call, &call->place, err)); /* a commit is no version that can change */
    TARN_TRY(tarn_s3_attrs_read(call, &call->place, e, &attrs, err));
    TARN_TRY(fn(arg, attrs, err));
    was = e->attrs;
    TARN_TRY(tarn_s3_attrs_put(call, attrs, &e->attrs, err));
    rc = tarn_s3_version_change(call, &call->place, e, &was, attrs, err);
done:
    json_decref(attrs);
    return rc;
}

static tarn_code set_tags(void *arg, json_t *attrs, tarn_err *err)
{
    (void)json_object_del(attrs, "tags");
    return arg && json_object_size(arg) > 0 ? tarn_json_set(attrs, "tags", json_incref(arg), err) : TARN_OK;
}

tarn_code tarn_s3_retag(tarn_s3_call *call, json_t *tags, tarn_err *err)
{
    return tarn_s3_edit(call, set_tags, tags, err);
}
