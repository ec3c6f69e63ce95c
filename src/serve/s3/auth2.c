/* SPDX-License-Identifier: Apache-2.0 */
/* auth2.c - Signature Version 2, for old clients where the owner lets them in; refused otherwise.
 *
 *     signature = base64(HMAC-SHA1(secret, method \n Content-MD5 \n Content-Type \n date \n x-amz-* headers resource))
 *
 * The date is that of the request (15 minutes), or when a presigned URL ends. Neither the body nor other headers are
 * signed; that is what Version 4 is for.
 *
 * Source: "Signing and Authenticating REST Requests" (Signature Version 2), Amazon S3 API Reference. */
#include "serve/s3/auth.h"

#include "base/base64.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SKEW_S = 15 * 60, EXPIRES_MOST_S = 7 * 24 * 3600, SHA1 = 20, BASE64_SHA1 = 28 };

/* The parameters that are part of what is signed, in order. */
static const char *const resources[] = {"acl",
                                        "cors",
                                        "delete",
                                        "encryption",
                                        "legal-hold",
                                        "lifecycle",
                                        "location",
                                        "logging",
                                        "notification",
                                        "partNumber",
                                        "policy",
                                        "replication",
                                        "requestPayment",
                                        "response-cache-control",
                                        "response-content-disposition",
                                        "response-content-encoding",
                                        "response-content-language",
                                        "response-content-type",
                                        "response-expires",
                                        "retention",
                                        "select",
                                        "select-type",
                                        "tagging",
                                        "torrent",
                                        "uploadId",
                                        "uploads",
                                        "versionId",
                                        "versioning",
                                        "versions",
                                        "website"};

static int by_name(const void *a, const void *b)
{
    return strcasecmp(((const tarn_sigv4_pair *)a)->name, ((const tarn_sigv4_pair *)b)->name);
}

/* "name:value,value\n" of each x-amz- header, in order. */
static tarn_code add_headers(tarn_s3_call *call, tarn_text *out, tarn_err *err)
{
    tarn_sigv4_pair *sorted = NULL;
    size_t n = 0;
    tarn_code rc = tarn_arena_alloc(call->arena, &sorted, call->n_headers + 1, sizeof *sorted, err);

    if (rc != TARN_OK) return rc;
    for (size_t i = 0; i < call->n_headers; i++)
        if (strncasecmp(call->headers[i].name, "x-amz-", 6) == 0) sorted[n++] = call->headers[i];
    if (n > 1) qsort(sorted, n, sizeof *sorted, by_name);
    for (size_t i = 0; i < n; i++) {
        bool again = i > 0 && strcasecmp(sorted[i].name, sorted[i - 1].name) == 0;
        if (!again) {
            if (i > 0) tarn_text_add(out, "\n");
            for (const char *p = sorted[i].name; *p; p++) {
                char c = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
                tarn_text_addn(out, &c, 1);
            }
        }
        tarn_text_addf(out, "%s%s", again ? "," : ":", sorted[i].value);
    }
    if (n > 0) tarn_text_add(out, "\n");
    return TARN_OK;
}

static void add_resource(tarn_s3_call *call, tarn_text *out)
{
    const char *separator = "?";
    bool in_host = strncmp(call->raw_path + 1, call->bucket, strlen(call->bucket)) != 0;

    if (in_host) tarn_text_addf(out, "/%s", call->bucket);
    tarn_text_add(out, call->raw_path);
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
        const char *value = tarn_s3_query(call, resources[i]);
        if (!value) continue;
        tarn_text_addf(out, "%s%s%s%s", separator, resources[i], *value ? "=" : "", value);
        separator = "&";
    }
}

static tarn_code check(tarn_s3_call *call, const char *access, const char *claimed, const char *date, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text text = {0};
    char secret[129] = "", mine[64];
    uint8_t mac[SHA1];
    const char *md5 = tarn_s3_header(call, "Content-MD5"), *type = tarn_s3_header(call, "Content-Type");

    TARN_TRY(tarn_s3_secret(call, access, secret, err));
    tarn_text_addf(&text, "%s\n%s\n%s\n%s\n", call->x->method, md5 ? md5 : "", type ? type : "", date);
    TARN_TRY(add_headers(call, &text, err));
    add_resource(call, &text);
    TARN_TRY(tarn_text_check(&text, err));
    TARN_TRY(tarn_hmac_sha1(secret, strlen(secret), text.data, text.len, mac, err));
    (void)tarn_base64_write(mac, sizeof mac, mine);
    if (strlen(claimed) != BASE64_SHA1 || !tarn_same_secret(mine, claimed, BASE64_SHA1))
        rc = tarn_s3_fail(call, err, TARN_S3_SignatureDoesNotMatch,
                          "the signature does not match; check the secret key");
done:
    explicit_bzero(secret, sizeof secret);
    tarn_text_clear(&text);
    return rc;
}

static tarn_code by_header(tarn_s3_call *call, const char *signature, tarn_err *err)
{
    const char *amz = tarn_s3_header(call, "x-amz-date"), *date = tarn_s3_header(call, "Date");
    const char *colon = strrchr(signature, ':'), *when = amz ? amz : date;
    int64_t us = 0, seconds = 0, now = tarn_now_us() / 1000000;
    char access[129];

    if (!colon || (size_t)(colon - signature) >= sizeof access)
        return tarn_s3_fail(call, err, TARN_S3_InvalidArgument, "the header Authorization is AWS <key>:<signature>");
    (void)snprintf(access, sizeof access, "%.*s", (int)(colon - signature), signature);
    if (!when || !(tarn_s3_read_date(when, &us) || tarn_sigv4_seconds(when, &seconds)))
        return tarn_s3_fail(call, err, TARN_S3_AccessDenied, "the request has no date");
    if (us) seconds = us / 1000000;
    if (seconds < now - SKEW_S || seconds > now + SKEW_S)
        return tarn_s3_fail(call, err, TARN_S3_RequestTimeTooSkewed,
                            "the time of the request is more than 15 minutes away from the server's");
    return check(call, access, colon + 1, amz ? "" : date, err);
}

static tarn_code by_query(tarn_s3_call *call, tarn_err *err)
{
    const char *access = tarn_s3_query(call, "AWSAccessKeyId"), *claimed = tarn_s3_query(call, "Signature"),
               *expires = tarn_s3_query(call, "Expires");
    int64_t until = 0, now = tarn_now_us() / 1000000;
    char *fixed = NULL;

    if (!access || !claimed || !expires || !tarn_int_parse(expires, strlen(expires), &until))
        return tarn_s3_fail(call, err, TARN_S3_AccessDenied, "AWSAccessKeyId, Signature and Expires come together");
    if (until < now) return tarn_s3_fail(call, err, TARN_S3_AccessDenied, "Request has expired");
    if (until > now + EXPIRES_MOST_S)
        return tarn_s3_fail(call, err, TARN_S3_AccessDenied, "a URL is signed for at most a week");
    tarn_code rc = tarn_arena_strndup(call->arena, claimed, strlen(claimed), &fixed, err);
    if (rc != TARN_OK) return rc;
    for (char *p = fixed; *p; p++)
        if (*p == ' ') *p = '+'; /* sent without escaping */
    return check(call, access, fixed, expires, err);
}

tarn_code tarn_s3_version2(tarn_s3_call *call, const char *signature, tarn_err *err)
{
    if (!call->gateway->options.signature_v2)
        return tarn_s3_fail(call, err, TARN_S3_InvalidRequest,
                            "Signature Version 2 is not supported here; use AWS4-HMAC-SHA256 (Version 4)");
    return signature ? by_header(call, signature, err) : by_query(call, err);
}
