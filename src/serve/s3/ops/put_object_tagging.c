/* SPDX-License-Identifier: Apache-2.0 */
/* put_object_tagging.c - other tags for an object. */
#include "serve/s3/op.h"

#include <string.h>

typedef struct reading {
    tarn_s3_call *call;
    json_t *tags;
    char *key;
} reading;

static tarn_code read_element(void *arg, const char *path, const char *text, size_t len, tarn_err *err)
{
    reading *r = arg;

    if (!text) return TARN_OK;
    if (strcmp(path, "Tagging/TagSet/Tag/Key") == 0) return tarn_arena_strndup(r->call->arena, text, len, &r->key, err);
    if (strcmp(path, "Tagging/TagSet/Tag/Value") != 0 || !r->key) return TARN_OK;
    if (json_object_get(r->tags, r->key))
        return tarn_s3_fail(r->call, err, TARN_S3_InvalidTag, "the tag '%.100s' comes twice", r->key);
    return tarn_json_set(r->tags, r->key, json_string(text), err);
}

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    reading r = {.call = call, .tags = json_object()};

    TARN_TRY(tarn_s3_read_xml(call, read_element, &r, err));
    TARN_TRY(tarn_s3_tags_check(call, r.tags, err));
    rc = tarn_s3_retag(call, r.tags, err);
done:
    json_decref(r.tags);
    return rc;
}

const tarn_s3_op tarn_s3_op_put_object_tagging = {
    .name = "PutObjectTagging",
    .method = "PUT",
    .level = TARN_S3_OBJECT,
    .select = "tagging",
    .takes = "versionId",
    .right = TARN_ACT_OBJECT_WRITE,
    .body = TARN_S3_DOCUMENT,
    .title = "other tags for an object",
    .answer = answer,
};
