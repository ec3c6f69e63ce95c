/* SPDX-License-Identifier: Apache-2.0 */
/* list_buckets.c - the lake and the buckets bound to branches. */
#include "serve/s3/op.h"

static tarn_code put(void *arg, const tarn_s3_bucket *bucket, tarn_err *err)
{
    tarn_s3_call *call = arg;
    char date[40];

    tarn_text_add(&call->xml, "<Bucket>");
    tarn_s3_xml(call, "Name", bucket->name);
    tarn_s3_xml(call, "CreationDate", tarn_s3_iso_date(bucket->time_us, date));
    tarn_text_add(&call->xml, "</Bucket>");
    return tarn_text_check(&call->xml, err);
}

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_s3_xml_open(call, "ListAllMyBucketsResult");
    tarn_text_add(&call->xml, "<Owner><ID>tarn</ID><DisplayName>tarn</DisplayName></Owner><Buckets>");
    tarn_code rc = tarn_s3_buckets(call, put, call, err);
    tarn_text_add(&call->xml, "</Buckets></ListAllMyBucketsResult>");
    return rc;
}

const tarn_s3_op tarn_s3_op_list_buckets = {
    .name = "ListBuckets",
    .method = "GET",
    .level = TARN_S3_SERVICE,
    .right = TARN_ACT_LAKE_READ,
    .title = "the lake and the buckets bound to branches",
    .answer = answer,
};
