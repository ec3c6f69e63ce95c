/* SPDX-License-Identifier: Apache-2.0 */
/* put_bucket_acl.c - private is what it is already; anything else is refused. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err) { return tarn_s3_accept_acl(call, err); }

const tarn_s3_op tarn_s3_op_put_bucket_acl = {
    .name = "PutBucketAcl",
    .method = "PUT",
    .level = TARN_S3_BUCKET,
    .select = "acl",
    .right = TARN_ACT_LAKE_MANAGE,
    .body = TARN_S3_DOCUMENT,
    .title = "x-amz-acl: private is accepted, anything else is refused",
    .answer = answer,
};
