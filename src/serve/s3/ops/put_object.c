/* SPDX-License-Identifier: Apache-2.0 */
/* put_object.c - content onto a branch, staged. */
#include "serve/s3/op.h"

#include <stdio.h>

static tarn_code begin(tarn_s3_call *call, tarn_err *err)
{
    json_t *attrs = NULL;
    tarn_code rc = tarn_s3_put_conditions(call, err);

    if (rc == TARN_OK) rc = tarn_s3_attrs_of_request(call, &attrs, err);
    json_decref(attrs); /* only whether they are well; made again when the content is there */
    return rc;
}

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *attrs = NULL;

    TARN_TRY(tarn_s3_attrs_of_request(call, &attrs, err));
    TARN_TRY(tarn_s3_attrs_content(attrs, &call->content, err));
    TARN_TRY(tarn_s3_put_entry(call, &call->content.object, attrs, err));
    tarn_s3_content_headers(call, &call->content);
done:
    json_decref(attrs);
    return rc;
}

const tarn_s3_op tarn_s3_op_put_object = {
    .name = "PutObject",
    .method = "PUT",
    .level = TARN_S3_OBJECT,
    .right = TARN_ACT_OBJECT_WRITE,
    .body = TARN_S3_CONTENT,
    .title = "content onto a branch, staged; If-Match and If-None-Match hold",
    .begin = begin,
    .answer = answer,
};
