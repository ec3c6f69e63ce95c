/* SPDX-License-Identifier: Apache-2.0 */
/* attrs.c - what came with a content, as JSON in the lake, and back as headers. See op.h for the keys. */
#include "serve/s3/inside.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { TAGS_MOST = 10, TAG_KEY_MOST = 128, TAG_VALUE_MOST = 256, ATTRS_MOST = 1 << 20 };

static const struct {
    const char *key, *header, *query;
} plain[] = {{"type", "Content-Type", "response-content-type"},
             {"encoding", "Content-Encoding", "response-content-encoding"},
             {"disposition", "Content-Disposition", "response-content-disposition"},
             {"cache", "Cache-Control", "response-cache-control"},
             {"language", "Content-Language", "response-content-language"},
             {"expires", "Expires", "response-expires"},
             {"class", "x-amz-storage-class", NULL}};

static tarn_code set_text(tarn_s3_call *call, json_t *to, const char *key, const char *value, tarn_err *err)
{
    size_t bad = 0;

    if (!tarn_utf8_valid(value, strlen(value), &bad))
        return tarn_s3_fail(call, err, TARN_S3_InvalidArgument, "the value of '%.60s' is not UTF-8", key);
    return tarn_json_set(to, key, json_string(value), err);
}

/* Content-Encoding without aws-chunked, which is about the way here. */
static void without_chunked(const char *value, char out[256])
{
    out[0] = '\0';
    for (const char *p = value; *p;) {
        size_t n = strcspn(p, ","), skip = strspn(p, " ");
        size_t len = n - (skip < n ? skip : n), used = strlen(out);
        if (len > 0 && !(len >= 11 && strncasecmp(p + skip, "aws-chunked", 11) == 0) && used + len + 2 < 256)
            (void)snprintf(out + used, 256 - used, "%s%.*s", used ? "," : "", (int)len, p + skip);
        p += n + (p[n] == ',');
    }
}

/* All is stored alike here, so only the classes without a price for reading are taken; of the others S3 knows some. */
static tarn_code check_class(tarn_s3_call *call, const char *class, tarn_err *err)
{
    static const char *const known[] = {"STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
                                        "GLACIER",     "GLACIER_IR", "DEEP_ARCHIVE",
                                        "OUTPOSTS",    "SNOW",       "EXPRESS_ONEZONE"};

    if (!class || strcmp(class, "STANDARD") == 0 || strcmp(class, "REDUCED_REDUNDANCY") == 0) return TARN_OK;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(class, known[i]) == 0)
            return tarn_s3_fail(call, err, TARN_S3_NotImplemented, "storage class %s: all is stored alike here", class);
    return tarn_s3_fail(call, err, TARN_S3_InvalidStorageClass, "there is no storage class '%.40s'", class);
}

static tarn_code check_headers(tarn_s3_call *call, tarn_err *err)
{
    const char *acl = tarn_s3_header(call, "x-amz-acl");

    if (acl && strcmp(acl, "private") != 0 && strcmp(acl, "bucket-owner-full-control") != 0)
        return tarn_s3_fail(call, err, TARN_S3_NotImplemented,
                            "x-amz-acl '%.40s': rights are given by tarn's grants here, not by object", acl);
    return check_class(call, tarn_s3_header(call, "x-amz-storage-class"), err);
}

static tarn_code metadata(tarn_s3_call *call, json_t *attrs, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *meta = json_object();
    char key[256];

    for (size_t i = 0; i < call->n_headers; i++) {
        const char *name = call->headers[i].name;
        size_t n = 0;
        if (strncasecmp(name, "x-amz-meta-", 11) != 0 || !name[11]) continue;
        for (name += 11; name[n] && n + 1 < sizeof key; n++)
            key[n] = name[n] >= 'A' && name[n] <= 'Z' ? (char)(name[n] + 32) : name[n];
        key[n] = '\0';
        const char *was = tarn_json_text(meta, key, NULL);
        if (was) { /* sent twice: as one list */
            tarn_text both = {0};
            tarn_text_addf(&both, "%s,%s", was, call->headers[i].value);
            rc = both.failed == TARN_OK ? set_text(call, meta, key, both.data, err)
                                        : TARN_FAIL(err, TARN_NOMEM, "metadata");
            tarn_text_clear(&both);
        } else {
            rc = set_text(call, meta, key, call->headers[i].value, err);
        }
        if (rc != TARN_OK) goto done;
    }
    if (json_object_size(meta) > 0) {
        rc = tarn_json_set(attrs, "meta", meta, err);
        meta = NULL;
    }
done:
    json_decref(meta);
    return rc;
}

static tarn_code plain_headers(tarn_s3_call *call, json_t *attrs, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char encoding[256];

    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        const char *value = tarn_s3_header(call, plain[i].header);
        if (!value) continue;
        if (strcmp(plain[i].key, "encoding") == 0) {
            without_chunked(value, encoding);
            value = encoding;
        }
        if (strcmp(plain[i].key, "class") == 0 && strcmp(value, "STANDARD") == 0) continue;
        if (*value) TARN_TRY(set_text(call, attrs, plain[i].key, value, err));
    }
done:
    return rc;
}

tarn_code tarn_s3_attrs_of_request(tarn_s3_call *call, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *attrs = NULL, *tags = NULL;
    const char *tagging = tarn_s3_header(call, "x-amz-tagging");

    TARN_TRY(check_headers(call, err));
    attrs = json_object();
    TARN_TRY(tarn_json_set(attrs, "time", json_integer(tarn_now_us()), err));
    TARN_TRY(plain_headers(call, attrs, err));
    TARN_TRY(metadata(call, attrs, err));
    TARN_TRY(tarn_s3_lock_headers(call, attrs, err));
    if (tagging) {
        TARN_TRY(tarn_s3_tags_parse(call, tagging, &tags, err));
        TARN_TRY(tarn_json_set(attrs, "tags", tags, err));
    }
    *out = attrs;
    attrs = NULL;
done:
    json_decref(attrs);
    return rc;
}

/* ---- tags ---- */

tarn_code tarn_s3_tags_check(tarn_s3_call *call, const json_t *tags, tarn_err *err)
{
    const char *key;
    json_t *value;

    if (json_object_size(tags) > TAGS_MOST)
        return tarn_s3_fail(call, err, TARN_S3_InvalidTag, "an object has at most %d tags", (int)TAGS_MOST);
    json_object_foreach((json_t *)(uintptr_t)tags, key, value)
    {
        if (!*key || strlen(key) > TAG_KEY_MOST)
            return tarn_s3_fail(call, err, TARN_S3_InvalidTag, "the key of a tag has 1 to %d bytes", (int)TAG_KEY_MOST);
        if (strlen(json_string_value(value)) > TAG_VALUE_MOST)
            return tarn_s3_fail(call, err, TARN_S3_InvalidTag, "the value of a tag has at most %d bytes",
                                (int)TAG_VALUE_MOST);
    }
    return TARN_OK;
}

tarn_code tarn_s3_tags_parse(tarn_s3_call *call, const char *text, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_sigv4_pair *pairs = NULL;
    size_t n = 0;
    json_t *tags = json_object();

    TARN_TRY(tarn_s3_pairs(call, text, &pairs, &n, err));
    for (size_t i = 0; i < n; i++) {
        if (json_object_get(tags, pairs[i].name))
            rc = tarn_s3_fail(call, err, TARN_S3_InvalidTag, "the tag '%.100s' comes twice", pairs[i].name);
        else rc = tarn_json_set(tags, pairs[i].name, json_string(pairs[i].value), err);
        if (rc != TARN_OK) goto done;
    }
    TARN_TRY(tarn_s3_tags_check(call, tags, err));
    *out = tags;
    tags = NULL;
done:
    json_decref(tags);
    return rc;
}

/* ---- stored ---- */

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {{".html", "text/html; charset=utf-8"},
                                           {".json", "application/json"},
                                           {".csv", "text/csv"},
                                           {".svg", "image/svg+xml"},
                                           {".txt", "text/plain"},
                                           {".parquet", "application/vnd.apache.parquet"},
                                           {".png", "image/png"}};
    size_t len = strlen(path);

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t n = strlen(types[i][0]);
        if (len > n && strcmp(path + len - n, types[i][0]) == 0) return types[i][1];
    }
    return "binary/octet-stream";
}

/* When the ref that the place is on was last changed. */
static int64_t time_of_commit(tarn_s3_call *call, const tarn_s3_place *place)
{
    tarn_id id = place->commit;
    tarn_commit *c = NULL;
    int64_t us = 0;

    if (place->branch[0] && tarn_lake_ref_get(tarn_s3_lake(call), place->branch, &id, NULL) != TARN_OK) return 0;
    if (tarn_alloc(&c, 1, sizeof *c, NULL) != TARN_OK) return 0;
    if (tarn_lake_commit_read(tarn_s3_lake(call), &id, c, NULL) == TARN_OK) {
        us = c->time_us;
        tarn_commit_clear(c);
    }
    tarn_free(c);
    return us;
}

/* Of an entry that did not come by S3. The etag looks like that of parts, so that nobody takes it for an MD5. */
static tarn_code plain_attrs(tarn_s3_call *call, const tarn_s3_place *place, const tarn_entry *entry, json_t **out,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *attrs = json_object();
    char hex[TARN_ID_HEX], etag[40];

    (void)snprintf(etag, sizeof etag, "%.32s-1", tarn_id_hex(&entry->object.id, hex));
    TARN_TRY(tarn_json_set(attrs, "etag", json_string(etag), err));
    TARN_TRY(tarn_json_set(attrs, "time", json_integer(time_of_commit(call, place)), err));
    TARN_TRY(tarn_json_set(attrs, "type", json_string(type_of(entry->path)), err));
    *out = attrs;
    attrs = NULL;
done:
    json_decref(attrs);
    return rc;
}

tarn_code tarn_s3_attrs_read(tarn_s3_call *call, const tarn_s3_place *place, const tarn_entry *entry, json_t **out,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *text = NULL;
    size_t len = 0;

    *out = NULL;
    if (tarn_id_none(&entry->attrs)) return plain_attrs(call, place, entry, out, err);
    TARN_TRY(tarn_lake_get(tarn_s3_lake(call), &entry->attrs, ATTRS_MOST, &text, &len, err));
    TARN_TRY(tarn_json_read(text, len, "attributes", out, err));
    if (json_is_object(*out) && tarn_json_text(*out, "etag", NULL)) goto done;
    json_decref(*out); /* somebody else's attributes */
    *out = NULL;
    rc = plain_attrs(call, place, entry, out, err);
done:
    tarn_free(text);
    return rc;
}

tarn_code tarn_s3_attrs_put(tarn_s3_call *call, const json_t *attrs, tarn_id *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *text = NULL;
    tarn_object object;

    TARN_TRY(tarn_json_compact(attrs, &text, err));
    TARN_TRY(tarn_lake_put(tarn_s3_lake(call), text, strlen(text), &object, err));
    *out = object.id;
done:
    tarn_free(text);
    return rc;
}

static void checksum_headers(tarn_s3_call *call, const json_t *attrs, bool part)
{
    const char *mode = tarn_s3_header(call, "x-amz-checksum-mode"), *key;
    json_t *value;
    char name[64];

    if (part || !mode || strcasecmp(mode, "ENABLED") != 0) return;
    json_object_foreach(json_object_get(attrs, "checksum"), key, value)
    {
        const char *text = json_string_value(value);
        (void)snprintf(name, sizeof name, "x-amz-checksum-%.20s", key);
        tarn_s3_reply_header(call, name, "%s", text ? text : "");
        tarn_s3_reply_header(call, "x-amz-checksum-type", "%s",
                             text && strchr(text, '-') ? "COMPOSITE" : "FULL_OBJECT");
    }
}

void tarn_s3_attrs_reply(tarn_s3_call *call, const json_t *attrs, bool part)
{
    char date[40];
    const char *key;
    json_t *value;

    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        const char *text = plain[i].query ? tarn_s3_query(call, plain[i].query) : NULL;
        if (!text || call->who.kind == TARN_WHO_ANONYMOUS)
            text = tarn_json_text(attrs, plain[i].key, i == 0 ? "binary/octet-stream" : NULL);
        if (text) tarn_s3_reply_header(call, plain[i].header, "%s", text);
    }
    json_object_foreach(json_object_get(attrs, "meta"), key, value)
    {
        char name[300];
        (void)snprintf(name, sizeof name, "x-amz-meta-%s", key);
        tarn_s3_reply_header(call, name, "%s", json_string_value(value));
    }
    size_t tags = json_object_size(json_object_get(attrs, "tags"));
    if (tags > 0) tarn_s3_reply_header(call, "x-amz-tagging-count", "%zu", tags);
    tarn_s3_reply_header(call, "ETag", "\"%s\"", tarn_json_text(attrs, "etag", ""));
    tarn_s3_reply_header(call, "Last-Modified", "%s",
                         tarn_s3_http_date(json_integer_value(json_object_get(attrs, "time")), date));
    tarn_s3_reply_header(call, "Accept-Ranges", "bytes");
    const char *version = tarn_json_text(attrs, "version", NULL);
    if (version) tarn_s3_reply_header(call, "x-amz-version-id", "%s", version);
    tarn_s3_lock_reply(call, attrs);
    checksum_headers(call, attrs, part);
}
