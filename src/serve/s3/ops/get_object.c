/* SPDX-License-Identifier: Apache-2.0 */
/* get_object.c - the content, or a range of it, if the conditions hold. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err) { return tarn_s3_answer_object(call, err); }

const tarn_s3_op tarn_s3_op_get_object = {
    .name = "GetObject",
    .method = "GET",
    .level = TARN_S3_OBJECT,
    .takes = "partNumber versionId response-content-type response-content-language response-expires "
             "response-cache-control response-content-disposition response-content-encoding",
    .right = TARN_ACT_OBJECT_READ,
    .title = "the content, or a range of it, if the conditions hold; of a branch with what is staged",
    .answer = answer,
};
