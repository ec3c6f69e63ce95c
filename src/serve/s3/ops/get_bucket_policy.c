/* SPDX-License-Identifier: Apache-2.0 */
/* get_bucket_policy.c - there is none; rights are given by tarn. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    return tarn_s3_fail(call, err, TARN_S3_NoSuchBucketPolicy, "rights are not given by bucket policies here");
}

const tarn_s3_op tarn_s3_op_get_bucket_policy = {
    .name = "GetBucketPolicy",
    .method = "GET",
    .level = TARN_S3_BUCKET,
    .select = "policy",
    .right = TARN_ACT_ALWAYS,
    .title = "there is none",
    .answer = answer,
};
