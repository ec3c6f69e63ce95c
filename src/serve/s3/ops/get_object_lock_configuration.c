/* SPDX-License-Identifier: Apache-2.0 */
/* get_object_lock_configuration.c - the retention that new versions get. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err) { return tarn_s3_lock_configuration(call, err); }

const tarn_s3_op tarn_s3_op_get_object_lock_configuration = {
    .name = "GetObjectLockConfiguration",
    .method = "GET",
    .level = TARN_S3_BUCKET,
    .select = "object-lock",
    .right = TARN_ACT_ALWAYS,
    .title = "the retention that new versions get",
    .answer = answer,
};
