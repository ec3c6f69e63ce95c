/* SPDX-License-Identifier: Apache-2.0 */
/* upload_part.c - one of 10,000 parts. */
#include "serve/s3/op.h"

#include <stdio.h>

static tarn_code begin(tarn_s3_call *call, tarn_err *err)
{
    tarn_s3_upload u;
    int64_t number;
    tarn_code rc = tarn_s3_number(call, "partNumber", 1, TARN_S3_PARTS_MOST, 0, &number, err);

    if (rc == TARN_OK && number == 0) rc = tarn_s3_fail(call, err, TARN_S3_InvalidArgument, "a part has a partNumber");
    if (rc != TARN_OK) return rc;
    rc = tarn_s3_upload_find(call, &u, err);
    tarn_s3_upload_clear(&u);
    return rc;
}

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_s3_part part = {.object = call->content.object, .time_us = tarn_now_us()};
    tarn_s3_upload u = {.attrs = NULL};
    int64_t number = 0;

    TARN_TRY(tarn_s3_number(call, "partNumber", 1, TARN_S3_PARTS_MOST, 1, &number, err));
    TARN_TRY(tarn_s3_upload_find(call, &u, err)); /* it may have been aborted meanwhile */
    part.number = (int)number;
    (void)snprintf(part.md5, sizeof part.md5, "%s", call->content.md5);
    (void)snprintf(part.checksum_name, sizeof part.checksum_name, "%s", call->content.checksum_name);
    (void)snprintf(part.checksum, sizeof part.checksum, "%s", call->content.checksum);
    TARN_TRY(tarn_s3_upload_add(call, u.id, &part, err));
    tarn_s3_content_headers(call, &call->content);
done:
    tarn_s3_upload_clear(&u);
    return rc;
}

const tarn_s3_op tarn_s3_op_upload_part = {
    .name = "UploadPart",
    .method = "PUT",
    .level = TARN_S3_OBJECT,
    .select = "uploadId",
    .takes = "partNumber",
    .right = TARN_ACT_OBJECT_WRITE,
    .body = TARN_S3_CONTENT,
    .title = "one of 10,000 parts",
    .begin = begin,
    .answer = answer,
};
