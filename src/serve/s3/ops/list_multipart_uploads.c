/* SPDX-License-Identifier: Apache-2.0 */
/* list_multipart_uploads.c - uploads that are not complete. */
#include "serve/s3/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct one {
    const char *key, *id;
    int64_t time_us;
} one;

typedef struct found {
    tarn_s3_call *call;
    const char *prefix;
    one *v;
    size_t n, cap;
} found;

static tarn_code keep(void *arg, const tarn_s3_upload *u, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    found *f = arg;
    char *key, *id;

    if (f->call->who.kind != TARN_WHO_LOCAL && strcmp(u->user, f->call->who.user) != 0) return TARN_OK;
    if (strcmp(u->bucket, f->call->bucket) != 0 || strncmp(u->key, f->prefix, strlen(f->prefix)) != 0) return TARN_OK;
    if (f->n == f->cap) {
        size_t cap = f->cap ? 2 * f->cap : 16;
        TARN_TRY(tarn_resize(&f->v, cap, sizeof *f->v, err));
        f->cap = cap;
    }
    TARN_TRY(tarn_arena_strndup(f->call->arena, u->key, strlen(u->key), &key, err));
    TARN_TRY(tarn_arena_strndup(f->call->arena, u->id, strlen(u->id), &id, err));
    f->v[f->n++] = (one){key, id, u->time_us};
done:
    return rc;
}

static int order(const char *a_key, const char *a_id, const one *b)
{
    int n = strcmp(a_key, b->key);
    return n != 0 ? n : strcmp(a_id, b->id);
}

static int by_key(const void *a, const void *b) { return order(((const one *)a)->key, ((const one *)a)->id, b); }

static void put_upload(tarn_s3_call *call, const one *u, bool url)
{
    char date[40];

    tarn_text_add(&call->xml, "<Upload>");
    tarn_s3_xml_url(call, "Key", u->key, url);
    tarn_s3_xml(call, "UploadId", u->id);
    tarn_text_add(&call->xml, "<Initiator><ID>tarn</ID><DisplayName>tarn</DisplayName></Initiator><Owner><ID>tarn</ID>"
                              "<DisplayName>tarn</DisplayName></Owner><StorageClass>STANDARD</StorageClass>");
    tarn_s3_xml(call, "Initiated", tarn_s3_iso_date(u->time_us, date));
    tarn_text_add(&call->xml, "</Upload>");
}

/* Uploads behind the markers, folded at the delimiter. */
static void put_page(const found *f, const char *key_marker, const char *id_marker, const char *delimiter, int64_t most,
                     bool url)
{
    tarn_s3_call *call = f->call;
    const one *last = NULL;
    char folded[1025] = "";
    int64_t count = 0;
    bool more = false;

    for (size_t i = 0; i < f->n && !more; i++) {
        const one *u = &f->v[i];
        int behind = *id_marker ? -order(key_marker, id_marker, u) : strcmp(u->key, key_marker);
        const char *at = *delimiter ? strstr(u->key + strlen(f->prefix), delimiter) : NULL;
        size_t len = at ? (size_t)(at - u->key) + strlen(delimiter) : 0;
        if (behind <= 0 || (len > 0 && strlen(folded) == len && strncmp(folded, u->key, len) == 0)) continue;
        more = count == most;
        if (more) break;
        count++;
        last = u;
        if (len == 0) {
            put_upload(call, u, url);
            continue;
        }
        (void)snprintf(folded, sizeof folded, "%.*s", (int)len, u->key);
        tarn_text_add(&call->xml, "<CommonPrefixes>");
        tarn_s3_xml_url(call, "Prefix", folded, url);
        tarn_text_add(&call->xml, "</CommonPrefixes>");
    }
    tarn_s3_xml(call, "IsTruncated", more ? "true" : "false");
    if (more && last) tarn_s3_xml_url(call, "NextKeyMarker", last->key, url);
    if (more && last) tarn_s3_xml(call, "NextUploadIdMarker", last->id);
}

static tarn_code answer(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *prefix = tarn_s3_query(call, "prefix"), *key = tarn_s3_query(call, "key-marker"),
               *id = tarn_s3_query(call, "upload-id-marker"), *delimiter = tarn_s3_query(call, "delimiter");
    found f = {.call = call, .prefix = prefix ? prefix : ""};
    int64_t most;
    bool url;

    TARN_TRY(tarn_s3_number(call, "max-uploads", 1, 1000, 1000, &most, err));
    TARN_TRY(tarn_s3_encoding(call, &url, err));
    TARN_TRY(tarn_s3_uploads(call, keep, &f, err));
    if (f.n > 1) qsort(f.v, f.n, sizeof *f.v, by_key);
    tarn_s3_xml_open(call, "ListMultipartUploadsResult");
    tarn_s3_xml(call, "Bucket", call->bucket);
    tarn_s3_xml_url(call, "KeyMarker", key ? key : "", url);
    tarn_s3_xml(call, "UploadIdMarker", id ? id : "");
    tarn_s3_xml_url(call, "Prefix", f.prefix, url);
    if (delimiter) tarn_s3_xml_url(call, "Delimiter", delimiter, url);
    tarn_text_addf(&call->xml, "<MaxUploads>%lld</MaxUploads>", (long long)most);
    put_page(&f, key ? key : "", key && id ? id : "", delimiter ? delimiter : "", most, url);
    tarn_text_add(&call->xml, "</ListMultipartUploadsResult>");
done:
    tarn_free(f.v);
    return rc;
}

const tarn_s3_op tarn_s3_op_list_multipart_uploads = {
    .name = "ListMultipartUploads",
    .method = "GET",
    .level = TARN_S3_BUCKET,
    .select = "uploads",
    .takes = "prefix delimiter key-marker upload-id-marker max-uploads encoding-type",
    .right = TARN_ACT_ALWAYS,
    .title = "the user's uploads that are not complete",
    .answer = answer,
};
