/* SPDX-License-Identifier: Apache-2.0 */
/* put_object_retention.c - a version is retained until a day, GOVERNANCE or COMPLIANCE. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err) { return tarn_s3_lock_put(call, false, err); }

const tarn_s3_op tarn_s3_op_put_object_retention = {
    .name = "PutObjectRetention",
    .method = "PUT",
    .level = TARN_S3_OBJECT,
    .select = "retention",
    .takes = "versionId",
    .right = TARN_ACT_HOLD_SET,
    .body = TARN_S3_DOCUMENT,
    .title = "a version is retained until a day, GOVERNANCE or COMPLIANCE",
    .answer = answer,
};
