/* SPDX-License-Identifier: Apache-2.0 */
/* commit.c - what is staged on a branch is committed; not S3's, but any signed client can send it. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id id;
    char hex[TARN_ID_HEX];

    TARN_TRY(tarn_s3_place_writable(call, &call->place, err));
    rc = tarn_s3_commit_now(call, call->place.branch, call->body, &id, err);
    if (rc == TARN_NOT_FOUND)
        return tarn_s3_fail(call, err, TARN_S3_OperationAborted, "nothing is staged on branch '%s'",
                            call->place.branch);
    if (rc != TARN_OK) goto done;
    tarn_s3_xml_open(call, "CommitResult");
    tarn_s3_xml(call, "Branch", call->place.branch);
    tarn_s3_xml(call, "Commit", tarn_id_hex(&id, hex));
    tarn_text_add(&call->xml, "</CommitResult>");
done:
    return rc;
}

const tarn_s3_op tarn_s3_op_commit = {
    .name = "Commit",
    .method = "POST",
    .level = TARN_S3_OBJECT,
    .select = "commit",
    .right = TARN_ACT_COMMIT,
    .body = TARN_S3_DOCUMENT,
    .title = "what is staged on the branch that the key names is committed; the body is the message",
    .answer = answer,
};
