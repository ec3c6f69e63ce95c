/* SPDX-License-Identifier: Apache-2.0 */
/* list_parts.c - the parts of an upload. */
#include "serve/s3/op.h"

typedef struct page {
    tarn_s3_call *call;
    int64_t after, most, count, last;
    bool more;
} page;

static tarn_code put(void *arg, const tarn_s3_part *part, tarn_err *err)
{
    page *p = arg;
    char date[40];

    if (part->number <= p->after) return TARN_OK;
    p->more = p->count == p->most;
    if (p->more) return TARN_CANCELLED;
    p->count++;
    p->last = part->number;
    tarn_text_addf(&p->call->xml, "<Part><PartNumber>%d</PartNumber>", part->number);
    tarn_s3_xml(p->call, "LastModified", tarn_s3_iso_date(part->time_us, date));
    tarn_text_addf(&p->call->xml, "<ETag>&quot;%s&quot;</ETag><Size>%llu</Size></Part>", part->md5,
                   (unsigned long long)part->object.size);
    return tarn_text_check(&p->call->xml, err);
}

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    page p = {.call = call};
    tarn_s3_upload u = {.attrs = NULL};

    TARN_TRY(tarn_s3_number(call, "part-number-marker", 0, INT32_MAX, 0, &p.after, err));
    TARN_TRY(tarn_s3_number(call, "max-parts", 0, INT32_MAX, 1000, &p.most, err));
    if (p.most > 1000) p.most = 1000;
    TARN_TRY(tarn_s3_upload_find(call, &u, err));
    tarn_s3_xml_open(call, "ListPartsResult");
    tarn_s3_xml(call, "Bucket", call->bucket);
    tarn_s3_xml(call, "Key", call->key);
    tarn_s3_xml(call, "UploadId", u.id);
    tarn_text_addf(
        &call->xml,
        "<Initiator><ID>tarn</ID><DisplayName>tarn</DisplayName></Initiator><Owner><ID>tarn</ID><DisplayName>"
        "tarn</DisplayName></Owner><StorageClass>STANDARD</StorageClass><PartNumberMarker>%lld"
        "</PartNumberMarker><MaxParts>%lld</MaxParts>",
        (long long)p.after, (long long)p.most);
    TARN_TRY(tarn_s3_upload_parts(call, u.id, put, &p, err));
    if (p.more) tarn_text_addf(&call->xml, "<NextPartNumberMarker>%lld</NextPartNumberMarker>", (long long)p.last);
    tarn_s3_xml(call, "IsTruncated", p.more ? "true" : "false");
    tarn_text_add(&call->xml, "</ListPartsResult>");
done:
    tarn_s3_upload_clear(&u);
    return rc;
}

const tarn_s3_op tarn_s3_op_list_parts = {
    .name = "ListParts",
    .method = "GET",
    .level = TARN_S3_OBJECT,
    .select = "uploadId",
    .takes = "max-parts part-number-marker encoding-type",
    .right = TARN_ACT_OBJECT_WRITE,
    .title = "the parts of an upload",
    .answer = answer,
};
