/* SPDX-License-Identifier: Apache-2.0 */
/* list_objects_v2.c - keys, second form: paged by token. */
#include "serve/s3/op.h"

#include <string.h>

/* The token is the last name, in letters that no client changes. */
static void put_token(tarn_s3_call *call, const char *name, const char *text)
{
    tarn_text_addf(&call->xml, "<%s>", name);
    for (const char *p = text; *p; p++) tarn_text_addf(&call->xml, "%02x", (unsigned)(unsigned char)*p);
    tarn_text_addf(&call->xml, "</%s>", name);
}

static int digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

static tarn_code read_token(tarn_s3_call *call, const char *token, const char **out, tarn_err *err)
{
    char *text = NULL;
    size_t len = strlen(token);
    tarn_code rc = tarn_arena_alloc(call->arena, &text, len / 2 + 1, 1, err);

    if (rc != TARN_OK) return rc;
    for (size_t i = 0; i < len; i += 2) {
        int high = digit(token[i]), low = high < 0 ? -1 : digit(token[i + 1]);
        if (low < 0)
            return tarn_s3_fail(call, err, TARN_S3_InvalidArgument, "the continuation token is not one of this server");
        text[i / 2] = (char)(high * 16 + low);
    }
    *out = text;
    return TARN_OK;
}

static tarn_code read_query(tarn_s3_call *call, tarn_s3_page *page, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *prefix = tarn_s3_query(call, "prefix"), *after = tarn_s3_query(call, "start-after"),
               *delimiter = tarn_s3_query(call, "delimiter"), *token = tarn_s3_query(call, "continuation-token"),
               *owner = tarn_s3_query(call, "fetch-owner");

    *page = (tarn_s3_page){
        .prefix = prefix ? prefix : "", .after = after ? after : "", .delimiter = delimiter ? delimiter : ""};
    page->owner = tarn_s3_is_true(owner);
    TARN_TRY(tarn_s3_number(call, "max-keys", 0, INT32_MAX, TARN_S3_KEYS_MOST, &page->most, err));
    if (page->most > TARN_S3_KEYS_MOST) page->most = TARN_S3_KEYS_MOST;
    if (token) TARN_TRY(read_token(call, token, &page->after, err));
    rc = tarn_s3_encoding(call, &page->url, err);
done:
    return rc;
}

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_s3_page page;
    const char *token = tarn_s3_query(call, "continuation-token"), *after = tarn_s3_query(call, "start-after");

    TARN_TRY(read_query(call, &page, err));
    tarn_s3_xml_open(call, "ListBucketResult");
    tarn_s3_xml(call, "Name", call->bucket);
    tarn_s3_xml_url(call, "Prefix", page.prefix, page.url);
    tarn_text_addf(&call->xml, "<MaxKeys>%lld</MaxKeys>", (long long)page.most);
    if (*page.delimiter) tarn_s3_xml_url(call, "Delimiter", page.delimiter, page.url);
    if (page.url) tarn_s3_xml(call, "EncodingType", "url");
    if (token) tarn_s3_xml(call, "ContinuationToken", token);
    if (after) tarn_s3_xml_url(call, "StartAfter", after, page.url);
    TARN_TRY(tarn_s3_list_page(call, &page, err));
    tarn_text_addf(&call->xml, "<KeyCount>%lld</KeyCount>", (long long)page.count);
    tarn_s3_xml(call, "IsTruncated", page.more ? "true" : "false");
    if (page.more) put_token(call, "NextContinuationToken", page.last);
    tarn_text_add(&call->xml, "</ListBucketResult>");
done:
    return rc;
}

const tarn_s3_op tarn_s3_op_list_objects_v2 = {
    .name = "ListObjectsV2",
    .method = "GET",
    .level = TARN_S3_BUCKET,
    .select = "list-type=2",
    .takes = "prefix start-after continuation-token delimiter max-keys encoding-type fetch-owner metadata",
    .right = TARN_ACT_ALWAYS,
    .title = "keys, second form: paged by token",
    .answer = answer,
};
