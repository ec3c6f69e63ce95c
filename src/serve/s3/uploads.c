/* SPDX-License-Identifier: Apache-2.0 */
/* uploads.c - multipart uploads: facts of the lake until they are complete.
 *
 *     s3/upload/<id>          {"bucket","key","user","time","attrs"}
 *     s3/part/<id>/<number>   {"object","size","md5","time","checksum":{}}
 *
 * A part's bytes are an object of the lake; the collector of garbage keeps what these facts name ("object"). */
#include "serve/s3/inside.h"

#include "base/secret.h"

#include <stdio.h>
#include <string.h>

static const char upload_prefix[] = "s3/upload/";

static bool id_ok(const char *id) { return strlen(id) == 32 && strspn(id, "0123456789abcdef") == 32; }

static tarn_code set_fact(tarn_s3_call *call, const char *key, const json_t *value, tarn_err *err)
{
    char *text = NULL;
    tarn_code rc = tarn_json_compact(value, &text, err);

    if (rc == TARN_OK) rc = tarn_s3_fact(call, key, text, err);
    tarn_free(text);
    return rc;
}

/* Of a part: it may have been swept since it was put, as nothing named it until now. */
static tarn_code set_part(tarn_s3_call *call, const char *key, const json_t *value, const tarn_id *object,
                          tarn_err *err)
{
    char *text = NULL;
    tarn_code rc = tarn_json_compact(value, &text, err);

    if (rc == TARN_OK) rc = tarn_lake_fact_naming(tarn_s3_lake(call), key, text, object, err);
    tarn_free(text);
    if (rc != TARN_NOT_FOUND && rc != TARN_CONFLICT) return rc;
    return tarn_s3_fail(call, err, TARN_S3_SlowDown,
                        "the part was swept away by a garbage collection before it had a name; send it again");
}

static tarn_code new_id(char id[33], tarn_err *err)
{
    unsigned char bytes[16];

    tarn_code rc = tarn_secret_random(bytes, sizeof bytes, err);
    if (rc != TARN_OK) return rc;
    for (size_t i = 0; i < sizeof bytes; i++) (void)snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    return TARN_OK;
}

tarn_code tarn_s3_upload_new(tarn_s3_call *call, const json_t *attrs, char id[33], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *json = json_object();
    char key[64];

    TARN_TRY(new_id(id, err));
    TARN_TRY(tarn_json_set(json, "bucket", json_string(call->bucket), err));
    TARN_TRY(tarn_json_set(json, "key", json_string(call->key), err));
    TARN_TRY(tarn_json_set(json, "user", json_string(call->who.user), err));
    TARN_TRY(tarn_json_set(json, "time", json_integer(tarn_now_us()), err));
    TARN_TRY(tarn_json_set(json, "attrs", json_deep_copy(attrs), err));
    (void)snprintf(key, sizeof key, "%s%s", upload_prefix, id);
    TARN_TRY(set_fact(call, key, json, err));
done:
    json_decref(json);
    return rc;
}

static tarn_code read_upload(const char *id, const char *text, tarn_s3_upload *out, tarn_err *err)
{
    json_t *json = NULL;
    tarn_code rc = tarn_json_read(text, strlen(text), "upload", &json, err);

    if (rc != TARN_OK) return rc;
    *out = (tarn_s3_upload){.time_us = json_integer_value(json_object_get(json, "time"))};
    (void)snprintf(out->id, sizeof out->id, "%s", id);
    (void)snprintf(out->bucket, sizeof out->bucket, "%s", tarn_json_text(json, "bucket", ""));
    (void)snprintf(out->key, sizeof out->key, "%s", tarn_json_text(json, "key", ""));
    (void)snprintf(out->user, sizeof out->user, "%s", tarn_json_text(json, "user", ""));
    out->attrs = json_incref(json_object_get(json, "attrs"));
    json_decref(json);
    return out->attrs ? TARN_OK : TARN_FAIL(err, TARN_CORRUPT, "the record of upload %s is damaged", id);
}

void tarn_s3_upload_clear(tarn_s3_upload *u)
{
    json_decref(u->attrs);
    u->attrs = NULL;
}

tarn_code tarn_s3_upload_find(tarn_s3_call *call, tarn_s3_upload *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *id = tarn_s3_query(call, "uploadId");
    char key[64], *text = NULL;

    *out = (tarn_s3_upload){.attrs = NULL};
    if (!id || !id_ok(id))
        return tarn_s3_fail(call, err, TARN_S3_NoSuchUpload, "there is no upload '%.60s'", id ? id : "");
    (void)snprintf(key, sizeof key, "%s%s", upload_prefix, id);
    rc = tarn_lake_fact_get(tarn_s3_lake(call), key, &text, err);
    if (rc == TARN_NOT_FOUND)
        rc = tarn_s3_fail(call, err, TARN_S3_NoSuchUpload,
                          "there is no upload '%s': it was completed or aborted, or never was", id);
    if (rc != TARN_OK) goto done;
    TARN_TRY(read_upload(id, text, out, err));
    if (strcmp(out->bucket, call->bucket) != 0 || strcmp(out->key, call->key) != 0)
        rc = tarn_s3_fail(call, err, TARN_S3_NoSuchUpload, "upload '%s' is of another key", id);
done:
    tarn_free(text);
    return rc;
}

static void part_key(const char *id, int number, char key[80])
{
    (void)snprintf(key, 80, "s3/part/%s/%05d", id, number);
}

tarn_code tarn_s3_upload_add(tarn_s3_call *call, const char *id, const tarn_s3_part *part, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char key[80], hex[TARN_ID_HEX];
    json_t *json = json_object();

    TARN_TRY(tarn_json_set(json, "object", json_string(tarn_id_hex(&part->object.id, hex)), err));
    TARN_TRY(tarn_json_set(json, "size", json_integer((int64_t)part->object.size), err));
    TARN_TRY(tarn_json_set(json, "md5", json_string(part->md5), err));
    TARN_TRY(tarn_json_set(json, "time", json_integer(part->time_us), err));
    if (part->checksum_name[0]) {
        TARN_TRY(tarn_json_set(json, "checksum_name", json_string(part->checksum_name), err));
        TARN_TRY(tarn_json_set(json, "checksum", json_string(part->checksum), err));
    }
    part_key(id, part->number, key);
    TARN_TRY(set_part(call, key, json, &part->object.id, err));
done:
    json_decref(json);
    return rc;
}

typedef struct parts_arg {
    tarn_s3_part_fn *fn;
    void *arg;
} parts_arg;

static tarn_code each_part(void *arg, const char *key, const char *value, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    parts_arg *a = arg;
    tarn_s3_part part = {.number = 0};
    json_t *json = NULL;
    int64_t number = 0;

    TARN_TRY(tarn_json_read(value, strlen(value), key, &json, err));
    const char *hex = tarn_json_text(json, "object", ""), *md5 = tarn_json_text(json, "md5", "");
    if (strlen(key) < 5 || !tarn_int_parse(key + strlen(key) - 5, 5, &number) ||
        !tarn_id_parse(hex, strlen(hex), &part.object.id) || strlen(md5) != 32) {
        rc = TARN_FAIL(err, TARN_CORRUPT, "the record '%s' is damaged", key);
        goto done;
    }
    part.number = (int)number;
    part.object.size = (uint64_t)json_integer_value(json_object_get(json, "size"));
    part.time_us = json_integer_value(json_object_get(json, "time"));
    (void)snprintf(part.md5, sizeof part.md5, "%s", md5);
    (void)snprintf(part.checksum_name, sizeof part.checksum_name, "%s", tarn_json_text(json, "checksum_name", ""));
    (void)snprintf(part.checksum, sizeof part.checksum, "%s", tarn_json_text(json, "checksum", ""));
    rc = a->fn(a->arg, &part, err);
done:
    json_decref(json);
    return rc;
}

tarn_code tarn_s3_upload_parts(tarn_s3_call *call, const char *id, tarn_s3_part_fn *fn, void *arg, tarn_err *err)
{
    parts_arg a = {fn, arg};
    char prefix[80];

    (void)snprintf(prefix, sizeof prefix, "s3/part/%s/", id);
    return tarn_lake_facts(tarn_s3_lake(call), prefix, each_part, &a, err);
}

typedef struct ending {
    tarn_s3_call *call;
    const char *id;
} ending;

static tarn_code end_part(void *arg, const tarn_s3_part *part, tarn_err *err)
{
    const ending *e = arg;
    char key[80];

    part_key(e->id, part->number, key);
    return tarn_s3_fact(e->call, key, NULL, err);
}

/* The record of the upload goes first: parts without one are nothing that a client can see. */
tarn_code tarn_s3_upload_end(tarn_s3_call *call, const char *id, tarn_err *err)
{
    ending e = {call, id};
    char key[64];

    (void)snprintf(key, sizeof key, "%s%s", upload_prefix, id);
    tarn_code rc = tarn_s3_fact(call, key, NULL, err);
    return rc == TARN_OK ? tarn_s3_upload_parts(call, id, end_part, &e, err) : rc;
}

typedef struct uploads_arg {
    tarn_s3_upload_fn *fn;
    void *arg;
} uploads_arg;

static tarn_code each_upload(void *arg, const char *key, const char *value, tarn_err *err)
{
    uploads_arg *a = arg;
    tarn_s3_upload u;
    tarn_code rc = read_upload(key + sizeof upload_prefix - 1, value, &u, err);

    if (rc != TARN_OK) return rc;
    rc = a->fn(a->arg, &u, err);
    tarn_s3_upload_clear(&u);
    return rc;
}

tarn_code tarn_s3_uploads(tarn_s3_call *call, tarn_s3_upload_fn *fn, void *arg, tarn_err *err)
{
    uploads_arg a = {fn, arg};

    return tarn_lake_facts(tarn_s3_lake(call), upload_prefix, each_upload, &a, err);
}
