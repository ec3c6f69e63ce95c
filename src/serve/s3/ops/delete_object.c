/* SPDX-License-Identifier: Apache-2.0 */
/* delete_object.c - the removal of a path, staged. */
#include "serve/s3/op.h"

#include <stdio.h>
#include <string.h>

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry *e = NULL;
    const char *version = tarn_s3_query(call, "versionId");

    if (version && strcmp(version, "null") != 0)
        return tarn_s3_fail(call, err, TARN_S3_NotImplemented, "versions of objects cannot be deleted: history stays");
    TARN_TRY(tarn_s3_place_writable(call, &call->place, err));
    TARN_TRY(tarn_arena_alloc(call->arena, &e, 1, sizeof *e, err));
    rc = tarn_s3_look(call, &call->place, e, err);
    call->status = 204;
    if (rc == TARN_NOT_FOUND) { /* gone already: that is what was wanted */
        call->failed = false;
        return TARN_OK;
    }
    if (rc != TARN_OK) goto done;
    memset(e, 0, sizeof *e);
    (void)snprintf(e->path, sizeof e->path, "%s", call->place.path);
    TARN_TRY(tarn_s3_stage(call, call->place.branch, e, 1, err));
done:
    return rc;
}

const tarn_s3_op tarn_s3_op_delete_object = {
    .name = "DeleteObject",
    .method = "DELETE",
    .level = TARN_S3_OBJECT,
    .takes = "versionId",
    .right = TARN_ACT_OBJECT_DELETE,
    .title = "the removal of a path, staged",
    .answer = answer,
};
