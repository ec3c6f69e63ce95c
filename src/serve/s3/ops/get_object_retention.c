/* SPDX-License-Identifier: Apache-2.0 */
/* get_object_retention.c - until when a version is retained. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err) { return tarn_s3_lock_get(call, false, err); }

const tarn_s3_op tarn_s3_op_get_object_retention = {
    .name = "GetObjectRetention",
    .method = "GET",
    .level = TARN_S3_OBJECT,
    .select = "retention",
    .takes = "versionId",
    .right = TARN_ACT_OBJECT_READ,
    .title = "until when a version is retained",
    .answer = answer,
};
