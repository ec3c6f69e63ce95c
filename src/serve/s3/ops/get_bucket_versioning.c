/* SPDX-License-Identifier: Apache-2.0 */
/* get_bucket_versioning.c - off: the lake's commits are the versions. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_s3_xml_open(call, "VersioningConfiguration");
    tarn_text_add(&call->xml, "</VersioningConfiguration>");
    return tarn_text_check(&call->xml, err);
}

const tarn_s3_op tarn_s3_op_get_bucket_versioning = {
    .name = "GetBucketVersioning",
    .method = "GET",
    .level = TARN_S3_BUCKET,
    .select = "versioning",
    .right = TARN_ACT_ALWAYS,
    .title = "off: the lake's commits are the versions",
    .answer = answer,
};
