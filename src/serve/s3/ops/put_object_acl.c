/* SPDX-License-Identifier: Apache-2.0 */
/* put_object_acl.c - private is what it is already; anything else is refused. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err) { return tarn_s3_accept_acl(call, err); }

const tarn_s3_op tarn_s3_op_put_object_acl = {
    .name = "PutObjectAcl",
    .method = "PUT",
    .level = TARN_S3_OBJECT,
    .select = "acl",
    .right = TARN_ACT_OBJECT_WRITE,
    .body = TARN_S3_DOCUMENT,
    .title = "x-amz-acl: private is accepted, anything else is refused",
    .answer = answer,
};
