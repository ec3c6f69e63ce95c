/* SPDX-License-Identifier: Apache-2.0 */
/* upload_part_copy.c - a part that is a range of what is there already. */
#include "serve/s3/op.h"

#include <stdio.h>
#include <string.h>

/* Whole sources with a plain MD5 need not be read. */
static bool is_md5(const char *etag) { return strlen(etag) == 32 && strspn(etag, "0123456789abcdef") == 32; }

static tarn_code copy(tarn_s3_call *call, const tarn_entry *source, const json_t *attrs, tarn_s3_content *out,
                      tarn_err *err)
{
    const char *range = tarn_s3_header(call, "x-amz-copy-source-range"), *etag = tarn_json_text(attrs, "etag", "");
    uint64_t at = 0, length = source->object.size;
    bool found = false;
    tarn_code rc = tarn_s3_range(call, range, source->object.size, &found, &at, &length, err);

    if (rc != TARN_OK) return rc;
    if (range && (!found || strchr(range, ',')))
        return tarn_s3_fail(call, err, TARN_S3_InvalidArgument,
                            "x-amz-copy-source-range is bytes=first-last, not '%.40s'", range);
    if (at == 0 && length == source->object.size && is_md5(etag)) {
        out->object = source->object;
        (void)snprintf(out->md5, sizeof out->md5, "%s", etag);
        return TARN_OK;
    }
    return tarn_s3_copy_range(call, &source->object.id, at, length, out, err);
}

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_s3_part part = {.time_us = tarn_now_us()};
    tarn_s3_upload u = {.attrs = NULL};
    tarn_s3_content content = {.checksum_name = ""};
    tarn_entry *source = NULL;
    json_t *attrs = NULL;
    int64_t number = 0;
    char date[40];

    TARN_TRY(tarn_s3_number(call, "partNumber", 1, TARN_S3_PARTS_MOST, 1, &number, err));
    TARN_TRY(tarn_s3_upload_find(call, &u, err));
    TARN_TRY(tarn_arena_alloc(call->arena, &source, 1, sizeof *source, err));
    TARN_TRY(tarn_s3_copy_source(call, source, &attrs, err));
    TARN_TRY(copy(call, source, attrs, &content, err));
    part.number = (int)number;
    part.object = content.object;
    (void)snprintf(part.md5, sizeof part.md5, "%s", content.md5);
    TARN_TRY(tarn_s3_upload_add(call, u.id, &part, err));
    tarn_s3_xml_open(call, "CopyPartResult");
    tarn_s3_xml(call, "LastModified", tarn_s3_iso_date(part.time_us, date));
    tarn_text_addf(&call->xml, "<ETag>&quot;%s&quot;</ETag></CopyPartResult>", part.md5);
done:
    json_decref(attrs);
    tarn_s3_upload_clear(&u);
    return rc;
}

const tarn_s3_op tarn_s3_op_upload_part_copy = {
    .name = "UploadPartCopy",
    .method = "PUT",
    .level = TARN_S3_OBJECT,
    .select = "uploadId",
    .header = "x-amz-copy-source",
    .takes = "partNumber",
    .right = TARN_ACT_OBJECT_WRITE, /* and to read the source */
    .title = "a part that is a range of what is there already",
    .answer = answer,
};
