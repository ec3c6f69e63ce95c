/* SPDX-License-Identifier: Apache-2.0 */
/* post_object.c - a file from a browser's form, with a signed policy. */
#include "serve/s3/op.h"

#include <string.h>

/* Attributes from the fields of the form. */
static tarn_code attrs_of_form(const json_t *fields, json_t *attrs, tarn_err *err)
{
    static const char *const plain[][2] = {{"content-type", "type"},
                                           {"content-encoding", "encoding"},
                                           {"content-disposition", "disposition"},
                                           {"cache-control", "cache"},
                                           {"expires", "expires"}};
    tarn_code rc = TARN_OK;
    json_t *meta = json_object(), *value;
    const char *key;

    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (json_object_get(fields, plain[i][0]))
            TARN_TRY(tarn_json_set(attrs, plain[i][1], json_incref(json_object_get(fields, plain[i][0])), err));
    json_object_foreach((json_t *)(uintptr_t)fields, key, value)
    {
        if (strncmp(key, "x-amz-meta-", 11) != 0 || !key[11]) continue;
        TARN_TRY(tarn_json_set(meta, key + 11, json_incref(value), err));
    }
    if (json_object_size(meta) > 0) TARN_TRY(tarn_json_set(attrs, "meta", json_incref(meta), err));
done:
    json_decref(meta);
    return rc;
}

/* Where it is now, as browsers like to know. */
static tarn_code put_location(tarn_s3_call *call, tarn_err *err)
{
    tarn_text url = {0};
    const char *host = tarn_s3_header(call, "Host");

    tarn_text_addf(&url, "http%s://%s/%s/", call->secure ? "s" : "", host ? host : "", call->bucket);
    tarn_sigv4_encode(&url, call->key, strlen(call->key), true);
    tarn_code rc = tarn_text_check(&url, err);
    if (rc == TARN_OK) tarn_s3_reply_header(call, "Location", "%s", url.data);
    tarn_text_clear(&url);
    return rc;
}

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *fields = call->scratch;
    const char *status = tarn_json_text(fields, "success_action_status", "204");
    json_t *attrs = json_object();

    TARN_TRY(attrs_of_form(fields, attrs, err));
    TARN_TRY(tarn_s3_lock_headers(call, attrs, err));
    TARN_TRY(tarn_s3_attrs_content(attrs, &call->content, err));
    TARN_TRY(tarn_s3_put_entry(call, &call->content.object, attrs, err));
    tarn_s3_content_headers(call, &call->content);
    TARN_TRY(put_location(call, err));
    call->status = strcmp(status, "200") == 0 ? 200 : strcmp(status, "201") == 0 ? 201 : 204;
    if (call->status != 201) goto done;
    tarn_s3_xml_open(call, "PostResponse");
    tarn_s3_xml(call, "Bucket", call->bucket);
    tarn_s3_xml(call, "Key", call->key);
    tarn_text_addf(&call->xml, "<ETag>&quot;%s&quot;</ETag></PostResponse>", call->content.md5);
done:
    json_decref(attrs);
    return rc;
}

const tarn_s3_op tarn_s3_op_post_object = {
    .name = "PostObject",
    .method = "POST",
    .level = TARN_S3_BUCKET,
    .right = TARN_ACT_ALWAYS, /* and to write where the form says */
    .body = TARN_S3_FORM,
    .finds_itself = true,
    .title = "a file from a browser's form, with a signed policy",
    .answer = answer,
};
