/* SPDX-License-Identifier: Apache-2.0 */
/* delete_bucket.c - an empty bucket goes, with its branch if that was made with it. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_s3_bucket b;

    TARN_TRY(tarn_s3_bucket_find(call, call->bucket, &b, err));
    if (!b.bound) return tarn_s3_fail(call, err, TARN_S3_MethodNotAllowed, "the lake itself cannot be deleted");
    TARN_TRY(tarn_s3_bucket_drop(call, &b, err));
    call->status = 204;
done:
    return rc;
}

const tarn_s3_op tarn_s3_op_delete_bucket = {
    .name = "DeleteBucket",
    .method = "DELETE",
    .level = TARN_S3_BUCKET,
    .right = TARN_ACT_BRANCH_DELETE,
    .title = "an empty bucket goes, with its branch if that was made with it",
    .answer = answer,
};
