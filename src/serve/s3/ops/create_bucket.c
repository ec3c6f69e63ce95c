/* SPDX-License-Identifier: Apache-2.0 */
/* create_bucket.c - a bucket bound to a branch: s3/<bucket>, or what x-tarn-branch names. */
#include "serve/s3/op.h"

#include <stdio.h>
#include <string.h>

static tarn_code ignore(void *arg, const char *path, const char *text, size_t len, tarn_err *err)
{
    (void)arg, (void)path, (void)text, (void)len, (void)err;
    return TARN_OK;
}

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *branch = tarn_s3_header(call, "x-tarn-branch"),
               *lock = tarn_s3_header(call, "x-amz-bucket-object-lock-enabled");
    char own[80];

    if (call->body_len > 0) TARN_TRY(tarn_s3_read_xml(call, ignore, NULL, err));
    (void)snprintf(own, sizeof own, "s3/%.64s", call->bucket);
    (void)snprintf(call->place.branch, sizeof call->place.branch, "%.250s", branch && *branch ? branch : own);
    TARN_TRY(tarn_s3_may(call, TARN_ACT_BRANCH_CREATE, &call->place, err));
    TARN_TRY(tarn_s3_bucket_add(call, call->bucket, branch && *branch ? branch : own, tarn_s3_is_true(lock), err));
    tarn_s3_reply_header(call, "Location", "/%s", call->bucket);
done:
    return rc;
}

const tarn_s3_op tarn_s3_op_create_bucket = {
    .name = "CreateBucket",
    .method = "PUT",
    .level = TARN_S3_BUCKET,
    .right = TARN_ACT_ALWAYS,
    .body = TARN_S3_DOCUMENT,
    .finds_itself = true,
    .title = "a bucket bound to the branch s3/<bucket>, or to the one that the header x-tarn-branch names",
    .answer = answer,
};
