/* SPDX-License-Identifier: Apache-2.0 */
/* get_object_tagging.c - the tags of an object. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry *e = NULL;
    json_t *attrs = NULL, *value;
    const char *key;

    TARN_TRY(tarn_arena_alloc(call->arena, &e, 1, sizeof *e, err));
    const char *version = tarn_s3_query(call, "versionId");
    TARN_TRY(tarn_s3_look_version(call, &call->place, version ? version : "", e, err));
    TARN_TRY(tarn_s3_attrs_read(call, &call->place, e, &attrs, err));
    tarn_s3_xml_open(call, "Tagging");
    tarn_text_add(&call->xml, "<TagSet>");
    json_object_foreach(json_object_get(attrs, "tags"), key, value)
    {
        tarn_text_add(&call->xml, "<Tag>");
        tarn_s3_xml(call, "Key", key);
        tarn_s3_xml(call, "Value", json_string_value(value));
        tarn_text_add(&call->xml, "</Tag>");
    }
    tarn_text_add(&call->xml, "</TagSet></Tagging>");
done:
    json_decref(attrs);
    return rc;
}

const tarn_s3_op tarn_s3_op_get_object_tagging = {
    .name = "GetObjectTagging",
    .method = "GET",
    .level = TARN_S3_OBJECT,
    .select = "tagging",
    .takes = "versionId",
    .right = TARN_ACT_OBJECT_READ,
    .title = "the tags of an object",
    .answer = answer,
};
