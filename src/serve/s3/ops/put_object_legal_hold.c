/* SPDX-License-Identifier: Apache-2.0 */
/* put_object_legal_hold.c - a legal hold on a version, or none. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err) { return tarn_s3_lock_put(call, true, err); }

const tarn_s3_op tarn_s3_op_put_object_legal_hold = {
    .name = "PutObjectLegalHold",
    .method = "PUT",
    .level = TARN_S3_OBJECT,
    .select = "legal-hold",
    .takes = "versionId",
    .right = TARN_ACT_HOLD_SET,
    .body = TARN_S3_DOCUMENT,
    .title = "a legal hold on a version, or none",
    .answer = answer,
};
