/* SPDX-License-Identifier: Apache-2.0 */
/* get_bucket_acl.c - what clients ask before they write: private, as every server says by default. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err) { return tarn_s3_private_acl(call, err); }

const tarn_s3_op tarn_s3_op_get_bucket_acl = {
    .name = "GetBucketAcl",
    .method = "GET",
    .level = TARN_S3_BUCKET,
    .select = "acl",
    .right = TARN_ACT_ALWAYS,
    .title = "always the owner alone",
    .answer = answer,
};
