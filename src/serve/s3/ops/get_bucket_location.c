/* SPDX-License-Identifier: Apache-2.0 */
/* get_bucket_location.c - the region, of which there is one. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_s3_xml_open(call, "LocationConstraint");
    tarn_text_add(&call->xml, "</LocationConstraint>");
    return tarn_text_check(&call->xml, err);
}

const tarn_s3_op tarn_s3_op_get_bucket_location = {
    .name = "GetBucketLocation",
    .method = "GET",
    .level = TARN_S3_BUCKET,
    .select = "location",
    .right = TARN_ACT_ALWAYS,
    .title = "the region, of which there is one: us-east-1",
    .answer = answer,
};
