/* SPDX-License-Identifier: Apache-2.0 */
/* head_bucket.c - whether a bucket is there. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    (void)err;
    tarn_s3_reply_header(call, "x-amz-bucket-region", "us-east-1");
    return TARN_OK;
}

const tarn_s3_op tarn_s3_op_head_bucket = {
    .name = "HeadBucket",
    .method = "HEAD",
    .level = TARN_S3_BUCKET,
    .right = TARN_ACT_ALWAYS,
    .title = "whether a bucket is there",
    .answer = answer,
};
