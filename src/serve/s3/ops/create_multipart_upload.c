/* SPDX-License-Identifier: Apache-2.0 */
/* create_multipart_upload.c - the beginning of a content in parts. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *attrs = NULL;
    char id[33];
    const char *algorithm = tarn_s3_header(call, "x-amz-checksum-algorithm");

    TARN_TRY(tarn_s3_place_writable(call, &call->place, err));
    TARN_TRY(tarn_s3_attrs_of_request(call, &attrs, err));
    TARN_TRY(tarn_s3_upload_new(call, attrs, id, err));
    if (algorithm) tarn_s3_reply_header(call, "x-amz-checksum-algorithm", "%s", algorithm);
    tarn_s3_xml_open(call, "InitiateMultipartUploadResult");
    tarn_s3_xml(call, "Bucket", call->bucket);
    tarn_s3_xml(call, "Key", call->key);
    tarn_s3_xml(call, "UploadId", id);
    tarn_text_add(&call->xml, "</InitiateMultipartUploadResult>");
done:
    json_decref(attrs);
    return rc;
}

const tarn_s3_op tarn_s3_op_create_multipart_upload = {
    .name = "CreateMultipartUpload",
    .method = "POST",
    .level = TARN_S3_OBJECT,
    .select = "uploads",
    .right = TARN_ACT_OBJECT_WRITE,
    .title = "the beginning of a content in parts",
    .answer = answer,
};
