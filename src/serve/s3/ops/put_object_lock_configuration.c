/* SPDX-License-Identifier: Apache-2.0 */
/* put_object_lock_configuration.c - another retention for new versions. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err) { return tarn_s3_lock_configure(call, err); }

const tarn_s3_op tarn_s3_op_put_object_lock_configuration = {
    .name = "PutObjectLockConfiguration",
    .method = "PUT",
    .level = TARN_S3_BUCKET,
    .select = "object-lock",
    .right = TARN_ACT_HOLD_SET,
    .body = TARN_S3_DOCUMENT,
    .title = "another retention for new versions, mode GOVERNANCE",
    .answer = answer,
};
