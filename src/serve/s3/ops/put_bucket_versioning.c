/* SPDX-License-Identifier: Apache-2.0 */
/* put_bucket_versioning.c - versions on or suspended, for a bound bucket. */
#include "serve/s3/op.h"

#include <string.h>

static tarn_code read_element(void *arg, const char *path, const char *text, size_t len, tarn_err *err)
{
    tarn_s3_versioning *wanted = arg;

    (void)len;
    if (!text) return TARN_OK;
    if (strcmp(path, "VersioningConfiguration/MfaDelete") == 0 && strcmp(text, "Enabled") == 0)
        return TARN_FAIL(err, TARN_INVALID, "MfaDelete is not known here");
    if (strcmp(path, "VersioningConfiguration/Status") != 0) return TARN_OK;
    *wanted = strcmp(text, "Enabled") == 0     ? TARN_S3_VERSIONED
              : strcmp(text, "Suspended") == 0 ? TARN_S3_SUSPENDED
                                               : TARN_S3_UNVERSIONED;
    return TARN_OK;
}

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_s3_bucket b;
    tarn_s3_versioning wanted = TARN_S3_UNVERSIONED;

    TARN_TRY(tarn_s3_read_xml(call, read_element, &wanted, err));
    TARN_TRY(tarn_s3_bucket_find(call, call->bucket, &b, err));
    if (wanted == TARN_S3_UNVERSIONED)
        return tarn_s3_fail(call, err, TARN_S3_MalformedXML, "Status is Enabled or Suspended");
    if (!b.bound)
        return tarn_s3_fail(call, err, TARN_S3_InvalidBucketState,
                            "the lake's versions are its commits: ask for versionId=<commit>, or for another ref");
    if (b.locked && wanted == TARN_S3_SUSPENDED)
        return tarn_s3_fail(call, err, TARN_S3_InvalidBucketState, "versioning of a bucket with object lock stays on");
    b.versioning = wanted;
    rc = tarn_s3_bucket_set(call, &b, err);
done:
    return rc;
}

const tarn_s3_op tarn_s3_op_put_bucket_versioning = {
    .name = "PutBucketVersioning",
    .method = "PUT",
    .level = TARN_S3_BUCKET,
    .select = "versioning",
    .right = TARN_ACT_BRANCH_PROTECT,
    .body = TARN_S3_DOCUMENT,
    .title = "versions of objects on or suspended, for a bound bucket",
    .answer = answer,
};
