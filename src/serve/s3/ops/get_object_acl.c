/* SPDX-License-Identifier: Apache-2.0 */
/* get_object_acl.c - what clients ask before they write: private, as every server says by default. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_entry *e = NULL;
    tarn_code rc = tarn_arena_alloc(call->arena, &e, 1, sizeof *e, err);

    if (rc == TARN_OK) rc = tarn_s3_look(call, &call->place, e, err);
    return rc == TARN_OK ? tarn_s3_private_acl(call, err) : rc;
}

const tarn_s3_op tarn_s3_op_get_object_acl = {
    .name = "GetObjectAcl",
    .method = "GET",
    .level = TARN_S3_OBJECT,
    .select = "acl",
    .right = TARN_ACT_OBJECT_READ,
    .title = "always the owner alone",
    .answer = answer,
};
