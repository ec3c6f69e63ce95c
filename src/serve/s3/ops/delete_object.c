/* SPDX-License-Identifier: Apache-2.0 */
/* delete_object.c - the removal of a path, staged. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *version = tarn_s3_query(call, "versionId");
    char done_with[TARN_S3_VERSION];
    bool marker = false, looks = tarn_s3_header(call, "If-Match") || tarn_s3_header(call, "If-None-Match");

    TARN_TRY(tarn_s3_place_writable(call, &call->place, err));
    call->status = 204;
    TARN_TRY(tarn_s3_version_delete(call, &call->place, version ? version : "", looks, done_with, &marker, err));
    if (done_with[0]) tarn_s3_reply_header(call, "x-amz-version-id", "%s", done_with);
    if (marker) tarn_s3_reply_header(call, "x-amz-delete-marker", "true");
done:
    return rc;
}

const tarn_s3_op tarn_s3_op_delete_object = {
    .name = "DeleteObject",
    .method = "DELETE",
    .level = TARN_S3_OBJECT,
    .takes = "versionId",
    .right = TARN_ACT_OBJECT_DELETE,
    .title = "the removal of a path, staged; of a version for good",
    .answer = answer,
};
