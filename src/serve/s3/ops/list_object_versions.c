/* SPDX-License-Identifier: Apache-2.0 */
/* list_object_versions.c - keys with all their versions, newest first. */
#include "serve/s3/op.h"

#include <stdio.h>
#include <string.h>

static tarn_code put_version(tarn_s3_call *call, const tarn_s3_version *v, bool url, tarn_err *err)
{
    json_t *attrs = NULL;
    char date[40];
    const char *element = v->marker ? "DeleteMarker" : "Version";
    tarn_code rc = tarn_s3_attrs_read(call, &call->place, &v->entry, &attrs, err);

    if (rc != TARN_OK) return rc;
    tarn_text_addf(&call->xml, "<%s>", element);
    tarn_s3_xml_url(call, "Key", v->key, url);
    tarn_s3_xml(call, "VersionId", v->id);
    tarn_s3_xml(call, "IsLatest", v->latest ? "true" : "false");
    tarn_s3_xml(call, "LastModified", tarn_s3_iso_date(json_integer_value(json_object_get(attrs, "time")), date));
    if (!v->marker) {
        tarn_text_addf(&call->xml, "<ETag>&quot;%s&quot;</ETag><Size>%llu</Size>", tarn_json_text(attrs, "etag", ""),
                       (unsigned long long)v->entry.object.size);
        tarn_s3_xml(call, "StorageClass", tarn_json_text(attrs, "class", "STANDARD"));
    }
    tarn_text_addf(&call->xml, "<Owner><ID>tarn</ID><DisplayName>tarn</DisplayName></Owner></%s>", element);
    json_decref(attrs);
    return tarn_text_check(&call->xml, err);
}

typedef struct asked {
    const char *prefix, *key, *id, *delimiter;
    int64_t most;
    bool url;
} asked;

static tarn_code read_query(tarn_s3_call *call, asked *a, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *prefix = tarn_s3_query(call, "prefix"), *key = tarn_s3_query(call, "key-marker"),
               *id = tarn_s3_query(call, "version-id-marker"), *delimiter = tarn_s3_query(call, "delimiter");

    *a = (asked){prefix ? prefix : "", key ? key : "", id ? id : "", delimiter ? delimiter : "", 0, false};
    TARN_TRY(tarn_s3_number(call, "max-keys", 0, INT32_MAX, TARN_S3_KEYS_MOST, &a->most, err));
    if (a->most > TARN_S3_KEYS_MOST) a->most = TARN_S3_KEYS_MOST;
    rc = tarn_s3_encoding(call, &a->url, err);
done:
    return rc;
}

static tarn_code put_all(tarn_s3_call *call, const asked *a, const tarn_s3_version *v, size_t n, tarn_err *err)
{
    char folded[1025] = "";

    for (size_t i = 0; i < n; i++) {
        const char *at = *a->delimiter ? strstr(v[i].key + strlen(a->prefix), a->delimiter) : NULL;
        size_t len = at ? (size_t)(at - v[i].key) + strlen(a->delimiter) : 0;
        if (len == 0) {
            tarn_code rc = put_version(call, &v[i], a->url, err);
            if (rc != TARN_OK) return rc;
            continue;
        }
        if (strlen(folded) == len && strncmp(folded, v[i].key, len) == 0) continue;
        (void)snprintf(folded, sizeof folded, "%.*s", (int)len, v[i].key);
        tarn_text_add(&call->xml, "<CommonPrefixes>");
        tarn_s3_xml_url(call, "Prefix", folded, a->url);
        tarn_text_add(&call->xml, "</CommonPrefixes>");
    }
    return TARN_OK;
}

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    asked a;
    tarn_s3_version *v = NULL;
    size_t n = 0;
    bool more = false;

    TARN_TRY(read_query(call, &a, err));
    TARN_TRY(tarn_s3_versions(call, a.prefix, a.key, a.id, (size_t)a.most, &v, &n, &more, err));
    tarn_s3_xml_open(call, "ListVersionsResult");
    tarn_s3_xml(call, "Name", call->bucket);
    tarn_s3_xml_url(call, "Prefix", a.prefix, a.url);
    tarn_s3_xml_url(call, "KeyMarker", a.key, a.url);
    tarn_s3_xml(call, "VersionIdMarker", a.id);
    tarn_text_addf(&call->xml, "<MaxKeys>%lld</MaxKeys>", (long long)a.most);
    if (*a.delimiter) tarn_s3_xml_url(call, "Delimiter", a.delimiter, a.url);
    if (a.url) tarn_s3_xml(call, "EncodingType", "url");
    TARN_TRY(put_all(call, &a, v, n, err));
    tarn_s3_xml(call, "IsTruncated", more ? "true" : "false");
    if (more && n > 0) tarn_s3_xml_url(call, "NextKeyMarker", v[n - 1].key, a.url);
    if (more && n > 0) tarn_s3_xml(call, "NextVersionIdMarker", v[n - 1].id);
    tarn_text_add(&call->xml, "</ListVersionsResult>");
done:
    tarn_free(v);
    return rc;
}

const tarn_s3_op tarn_s3_op_list_object_versions = {
    .name = "ListObjectVersions",
    .method = "GET",
    .level = TARN_S3_BUCKET,
    .select = "versions",
    .takes = "prefix delimiter key-marker version-id-marker max-keys encoding-type",
    .right = TARN_ACT_ALWAYS, /* and to read the prefix */
    .title = "keys with all their versions, newest first",
    .answer = answer,
};
