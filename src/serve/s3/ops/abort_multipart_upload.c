/* SPDX-License-Identifier: Apache-2.0 */
/* abort_multipart_upload.c - an upload and its parts are forgotten. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_s3_upload u = {.attrs = NULL};

    TARN_TRY(tarn_s3_upload_find(call, &u, err));
    TARN_TRY(tarn_s3_upload_end(call, u.id, err));
    call->status = 204;
done:
    tarn_s3_upload_clear(&u);
    return rc;
}

const tarn_s3_op tarn_s3_op_abort_multipart_upload = {
    .name = "AbortMultipartUpload",
    .method = "DELETE",
    .level = TARN_S3_OBJECT,
    .select = "uploadId",
    .right = TARN_ACT_OBJECT_WRITE,
    .title = "an upload and its parts are forgotten",
    .answer = answer,
};
