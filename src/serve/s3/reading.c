/* SPDX-License-Identifier: Apache-2.0 */
/* reading.c - GET and HEAD of an object: conditions, ranges, parts, headers. */
#include "serve/s3/inside.h"

#include <stdio.h>
#include <string.h>

/* What partNumber asks for, of an object that came in parts. */
static tarn_code part_range(tarn_s3_call *call, const json_t *attrs, uint64_t size, bool *found, uint64_t *at,
                            uint64_t *length, tarn_err *err)
{
    int64_t number = 0;
    const json_t *parts = json_object_get(attrs, "parts");
    size_t n = json_is_array(parts) ? json_array_size(parts) : 1;
    tarn_code rc = tarn_s3_number(call, "partNumber", 1, TARN_S3_PARTS_MOST, 0, &number, err);

    if (rc != TARN_OK || number == 0) return rc;
    if ((size_t)number > n)
        return tarn_s3_fail(call, err, TARN_S3_InvalidRange, "the object has %zu part%s", n, n == 1 ? "" : "s");
    *at = 0;
    *length = size;
    for (int64_t i = 0; i < number && json_is_array(parts); i++) {
        if (i > 0) *at += *length;
        *length = (uint64_t)json_integer_value(json_array_get(parts, (size_t)i));
    }
    *found = size > 0;
    if (json_is_array(parts)) tarn_s3_reply_header(call, "x-amz-mp-parts-count", "%zu", n);
    return TARN_OK;
}

static tarn_code give(tarn_s3_call *call, const tarn_entry *e, const json_t *attrs, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint64_t at = 0, length = e->object.size;
    bool found = false;

    if (tarn_s3_has_query(call, "partNumber"))
        TARN_TRY(part_range(call, attrs, e->object.size, &found, &at, &length, err));
    else TARN_TRY(tarn_s3_range(call, tarn_s3_header(call, "Range"), e->object.size, &found, &at, &length, err));
    tarn_s3_attrs_reply(call, attrs, found);
    if (found) {
        call->status = 206;
        tarn_s3_reply_header(call, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)at,
                             (unsigned long long)(at + length - 1), (unsigned long long)e->object.size);
    }
    rc = tarn_s3_reply_content(call, &e->object, at, length, err);
done:
    return rc;
}

tarn_code tarn_s3_answer_object(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry *e = NULL;
    json_t *attrs = NULL;
    bool not_modified = false;

    const char *version = tarn_s3_query(call, "versionId");

    TARN_TRY(tarn_arena_alloc(call->arena, &e, 1, sizeof *e, err));
    TARN_TRY(tarn_s3_look_version(call, &call->place, version ? version : "", e, err));
    TARN_TRY(tarn_s3_attrs_read(call, &call->place, e, &attrs, err));
    TARN_TRY(tarn_s3_conditions(call, "", tarn_json_text(attrs, "etag", ""),
                                json_integer_value(json_object_get(attrs, "time")), &not_modified, err));
    if (not_modified) {
        tarn_s3_reply_header(call, "ETag", "\"%s\"", tarn_json_text(attrs, "etag", ""));
        call->status = 304;
    } else {
        rc = give(call, e, attrs, err);
    }
done:
    json_decref(attrs);
    return rc;
}
