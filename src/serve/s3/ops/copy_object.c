/* SPDX-License-Identifier: Apache-2.0 */
/* copy_object.c - a pointer to what is there already, also from another ref. */
#include "serve/s3/op.h"

#include <strings.h>

/* The attributes of the copy: the source's, or the request's. */
static tarn_code attrs_of_copy(tarn_s3_call *call, json_t *source, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *meta = tarn_s3_header(call, "x-amz-metadata-directive"),
               *tags = tarn_s3_header(call, "x-amz-tagging-directive");
    bool replace = meta && strcasecmp(meta, "REPLACE") == 0, retag = tags && strcasecmp(tags, "REPLACE") == 0;
    static const char *const kept[] = {"etag", "checksum", "parts"};
    json_t *asked = NULL;

    if (meta && !replace && strcasecmp(meta, "COPY") != 0)
        return tarn_s3_fail(call, err, TARN_S3_InvalidArgument,
                            "x-amz-metadata-directive is COPY or REPLACE, not '%.40s'", meta);
    TARN_TRY(tarn_s3_attrs_of_request(call, &asked, err));
    if (replace) {
        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
            if (json_object_get(source, kept[i]))
                TARN_TRY(tarn_json_set(asked, kept[i], json_incref(json_object_get(source, kept[i])), err));
        if (!retag) (void)json_object_del(asked, "tags");
        if (!retag && json_object_get(source, "tags"))
            TARN_TRY(tarn_json_set(asked, "tags", json_incref(json_object_get(source, "tags")), err));
        *out = json_incref(asked);
        goto done;
    }
    (void)json_object_del(source, "class");
    (void)json_object_del(source, "mode");
    (void)json_object_del(source, "retain"); /* a lock is the version's own */
    (void)json_object_del(source, "held");
    TARN_TRY(tarn_s3_lock_headers(call, source, err));
    if (json_object_get(asked, "class"))
        TARN_TRY(tarn_json_set(source, "class", json_incref(json_object_get(asked, "class")), err));
    if (retag) (void)json_object_del(source, "tags");
    if (retag && json_object_get(asked, "tags"))
        TARN_TRY(tarn_json_set(source, "tags", json_incref(json_object_get(asked, "tags")), err));
    *out = json_incref(source);
done:
    json_decref(asked);
    return rc;
}

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry *source = NULL;
    json_t *attrs = NULL, *mine = NULL;
    char date[40];

    TARN_TRY(tarn_s3_place_writable(call, &call->place, err));
    TARN_TRY(tarn_arena_alloc(call->arena, &source, 1, sizeof *source, err));
    TARN_TRY(tarn_s3_copy_source(call, source, &attrs, err));
    TARN_TRY(attrs_of_copy(call, attrs, &mine, err));
    TARN_TRY(tarn_s3_put_entry(call, &source->object, mine, err));
    tarn_s3_xml_open(call, "CopyObjectResult");
    tarn_s3_xml(call, "LastModified", tarn_s3_iso_date(json_integer_value(json_object_get(mine, "time")), date));
    tarn_text_addf(&call->xml, "<ETag>&quot;%s&quot;</ETag></CopyObjectResult>", tarn_json_text(mine, "etag", ""));
done:
    json_decref(attrs);
    json_decref(mine);
    return rc;
}

const tarn_s3_op tarn_s3_op_copy_object = {
    .name = "CopyObject",
    .method = "PUT",
    .level = TARN_S3_OBJECT,
    .header = "x-amz-copy-source",
    .right = TARN_ACT_OBJECT_WRITE, /* and to read the source */
    .title = "a pointer to what is there already, also from another ref",
    .answer = answer,
};
