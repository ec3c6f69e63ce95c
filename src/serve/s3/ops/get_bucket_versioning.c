/* SPDX-License-Identifier: Apache-2.0 */
/* get_bucket_versioning.c - whether a bucket keeps versions of its objects. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_s3_xml_open(call, "VersioningConfiguration");
    if (call->place.versioning != TARN_S3_UNVERSIONED)
        tarn_s3_xml(call, "Status", call->place.versioning == TARN_S3_VERSIONED ? "Enabled" : "Suspended");
    tarn_text_add(&call->xml, "</VersioningConfiguration>");
    return tarn_text_check(&call->xml, err);
}

const tarn_s3_op tarn_s3_op_get_bucket_versioning = {
    .name = "GetBucketVersioning",
    .method = "GET",
    .level = TARN_S3_BUCKET,
    .select = "versioning",
    .right = TARN_ACT_ALWAYS,
    .title = "whether a bucket keeps versions of its objects",
    .answer = answer,
};
