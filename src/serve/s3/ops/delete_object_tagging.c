/* SPDX-License-Identifier: Apache-2.0 */
/* delete_object_tagging.c - no tags for an object. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    call->status = 204;
    return tarn_s3_retag(call, NULL, err);
}

const tarn_s3_op tarn_s3_op_delete_object_tagging = {
    .name = "DeleteObjectTagging",
    .method = "DELETE",
    .level = TARN_S3_OBJECT,
    .select = "tagging",
    .takes = "versionId",
    .right = TARN_ACT_OBJECT_WRITE,
    .title = "no tags for an object",
    .answer = answer,
};
