/* SPDX-License-Identifier: Apache-2.0 */
/* head_object.c - what GetObject would say, without the content. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err) { return tarn_s3_answer_object(call, err); }

const tarn_s3_op tarn_s3_op_head_object = {
    .name = "HeadObject",
    .method = "HEAD",
    .level = TARN_S3_OBJECT,
    .takes = "partNumber versionId response-content-type response-content-language response-expires "
             "response-cache-control response-content-disposition response-content-encoding",
    .right = TARN_ACT_OBJECT_READ,
    .title = "what GetObject would say, without the content",
    .answer = answer,
};
