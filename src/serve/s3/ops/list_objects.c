/* SPDX-License-Identifier: Apache-2.0 */
/* list_objects.c - keys, first form: paged by marker. */
#include "serve/s3/op.h"

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *prefix = tarn_s3_query(call, "prefix"), *after = tarn_s3_query(call, "marker");
    const char *delimiter = tarn_s3_query(call, "delimiter");
    tarn_s3_page page = {
        .prefix = prefix ? prefix : "", .after = after ? after : "", .delimiter = delimiter ? delimiter : ""};

    TARN_TRY(tarn_s3_number(call, "max-keys", 0, INT32_MAX, TARN_S3_KEYS_MOST, &page.most, err));
    if (page.most > TARN_S3_KEYS_MOST) page.most = TARN_S3_KEYS_MOST;
    TARN_TRY(tarn_s3_encoding(call, &page.url, err));
    page.owner = true;
    tarn_s3_xml_open(call, "ListBucketResult");
    tarn_s3_xml(call, "Name", call->bucket);
    tarn_s3_xml_url(call, "Prefix", page.prefix, page.url);
    tarn_s3_xml_url(call, "Marker", page.after, page.url);
    tarn_text_addf(&call->xml, "<MaxKeys>%lld</MaxKeys>", (long long)page.most);
    if (*page.delimiter) tarn_s3_xml_url(call, "Delimiter", page.delimiter, page.url);
    if (page.url) tarn_s3_xml(call, "EncodingType", "url");
    TARN_TRY(tarn_s3_list_page(call, &page, err));
    tarn_s3_xml(call, "IsTruncated", page.more ? "true" : "false");
    if (page.more && *page.delimiter) tarn_s3_xml_url(call, "NextMarker", page.last, page.url);
    tarn_text_add(&call->xml, "</ListBucketResult>");
done:
    return rc;
}

const tarn_s3_op tarn_s3_op_list_objects = {
    .name = "ListObjects",
    .method = "GET",
    .level = TARN_S3_BUCKET,
    .takes = "prefix marker delimiter max-keys encoding-type",
    .right = TARN_ACT_ALWAYS,
    .title = "keys, first form: paged by marker",
    .answer = answer,
};
