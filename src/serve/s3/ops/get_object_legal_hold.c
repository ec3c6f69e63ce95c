/* SPDX-License-Identifier: Apache-2.0 */
/* get_object_legal_hold.c - whether a version is under a legal hold. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err) { return tarn_s3_lock_get(call, true, err); }

const tarn_s3_op tarn_s3_op_get_object_legal_hold = {
    .name = "GetObjectLegalHold",
    .method = "GET",
    .level = TARN_S3_OBJECT,
    .select = "legal-hold",
    .takes = "versionId",
    .right = TARN_ACT_OBJECT_READ,
    .title = "whether a version is under a legal hold",
    .answer = answer,
};
