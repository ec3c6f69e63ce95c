/* SPDX-License-Identifier: Apache-2.0 */
/* auth.c - who asks: Signature Version 4 by header, by query (presigned) or in a form. Version 2 is in auth2.c.
 *
 * Checked: the time is near (15 minutes; presigned: not expired, at most 7 days), the scope is of that day and of s3,
 * "host" and all x-amz-* headers that were sent are signed, the signature in constant time. The hash of the body is
 * checked when the body has come (body.c). */
#include "serve/s3/auth.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { SKEW_S = 15 * 60, EXPIRES_MOST_S = 7 * 24 * 3600, SIGNED_MOST = 64 };

static tarn_code check_time(tarn_s3_call *call, const char *time, const tarn_sigv4_claim *claim, tarn_err *err)
{
    int64_t then = 0, now = tarn_now_us() / 1000000;

    if (!tarn_sigv4_seconds(time, &then))
        return tarn_s3_fail(call, err, TARN_S3_AccessDenied, "'%.40s' is not a time like 20130524T000000Z", time);
    if (strncmp(time, claim->date, 8) != 0)
        return tarn_s3_fail(call, err, TARN_S3_SignatureDoesNotMatch, "the scope is of another day than the request");
    if (claim->time[0]) {
        if (claim->expires_s < 1 || claim->expires_s > EXPIRES_MOST_S)
            return tarn_s3_fail(call, err, TARN_S3_AuthorizationQueryParametersError,
                                "X-Amz-Expires must be less than a week (in seconds): 1 to %d", (int)EXPIRES_MOST_S);
        if (now > then + claim->expires_s) return tarn_s3_fail(call, err, TARN_S3_AccessDenied, "Request has expired");
        if (then <= now + SKEW_S) return TARN_OK;
    } else if (then <= now + SKEW_S && then >= now - SKEW_S) {
        return TARN_OK;
    }
    return tarn_s3_fail(call, err, TARN_S3_RequestTimeTooSkewed,
                        "the time of the request, %s, is more than 15 minutes away from the server's", time);
}

static tarn_code check_signed(tarn_s3_call *call, const tarn_sigv4_claim *claim, tarn_err *err)
{
    char name[SIGNED_MOST];

    if (!tarn_sigv4_signs(claim->signed_headers, "host"))
        return tarn_s3_fail(call, err, TARN_S3_AccessDenied, "the header 'host' must be signed");
    for (size_t i = 0; i < call->n_headers; i++) {
        const char *sent = call->headers[i].name;
        if (strncasecmp(sent, "x-amz-", 6) != 0) continue;
        size_t n = 0;
        for (; sent[n] && n + 1 < sizeof name; n++)
            name[n] = sent[n] >= 'A' && sent[n] <= 'Z' ? (char)(sent[n] + 32) : sent[n];
        name[n] = '\0';
        if (claim->time[0] && strcmp(name, "x-amz-content-sha256") == 0) continue; /* part of every signature anyway */
        if (sent[n] || !tarn_sigv4_signs(claim->signed_headers, name))
            return tarn_s3_fail(call, err, TARN_S3_AccessDenied, "the header '%.60s' was sent but not signed", name);
    }
    return TARN_OK;
}

/* The request's time as signed: x-amz-date, or Date. */
static const char *time_of(tarn_s3_call *call, char room[17])
{
    const char *date = tarn_s3_header(call, "x-amz-date");
    int64_t us, ignored;

    if (date) return date;
    date = tarn_s3_header(call, "Date");
    if (!date || tarn_sigv4_seconds(date, &ignored)) return date ? date : "";
    if (!tarn_s3_read_date(date, &us)) return "";
    tarn_sigv4_time(us / 1000000, room);
    return room;
}

static tarn_code check_signature(tarn_s3_call *call, const tarn_sigv4_claim *claim, const char *time,
                                 const char *payload, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char secret[129] = "", mine[TARN_SIGV4_HEX];
    tarn_id key = {{0}};
    tarn_sigv4 r = {.method = call->x->method,
                    .path = call->raw_path,
                    .query = call->query,
                    .n_query = call->n_query,
                    .headers = call->headers,
                    .n_headers = call->n_headers,
                    .signed_headers = claim->signed_headers,
                    .payload = payload,
                    .time = time,
                    .region = claim->region,
                    .service = claim->service};

    TARN_TRY(tarn_s3_secret(call, claim->access, secret, err));
    TARN_TRY(tarn_sigv4_key(secret, claim->date, claim->region, claim->service, &key, err));
    rc = tarn_sigv4_sign(&r, &key, mine, err);
    if (rc == TARN_OK && !tarn_sigv4_same(mine, claim->signature))
        rc = TARN_FAIL(err, TARN_DENIED,
                       "the signature does not match; check the secret key, and that nothing between "
                       "changes path, query or headers");
    if (rc != TARN_OK && rc != TARN_NOMEM && !call->failed) {
        call->failed = true;
        call->error = TARN_S3_SignatureDoesNotMatch;
    }
    if (rc == TARN_OK) TARN_TRY(tarn_s3_keep_seed(call, &r, &key, claim->signature, err));
done:
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(&key, sizeof key);
    return rc;
}

static tarn_code malformed(tarn_s3_call *call, tarn_code rc, tarn_s3_error error)
{
    if (rc == TARN_OK || rc == TARN_NOMEM) return rc;
    call->failed = true;
    call->error = error;
    return rc;
}

static tarn_code by_header(tarn_s3_call *call, const char *authorization, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_sigv4_claim *claim = NULL;
    char room[17];
    const char *payload = tarn_s3_header(call, "x-amz-content-sha256"), *time = time_of(call, room);

    TARN_TRY(tarn_arena_alloc(call->arena, &claim, 1, sizeof *claim, err));
    TARN_TRY(malformed(call, tarn_sigv4_read(authorization, claim, err), TARN_S3_AuthorizationHeaderMalformed));
    if (strcmp(claim->service, "s3") != 0)
        return tarn_s3_fail(call, err, TARN_S3_AuthorizationHeaderMalformed,
                            "the service of the scope is 's3', not '%s'", claim->service);
    if (!payload)
        return tarn_s3_fail(call, err, TARN_S3_MissingSecurityHeader, "the header x-amz-content-sha256 is missing");
    TARN_TRY(check_time(call, time, claim, err));
    TARN_TRY(check_signed(call, claim, err));
    TARN_TRY(check_signature(call, claim, time, payload, err));
done:
    return rc;
}

static tarn_code by_query(tarn_s3_call *call, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_sigv4_claim *claim = NULL;
    const char *payload = tarn_s3_header(call, "x-amz-content-sha256");

    if (!payload) payload = tarn_s3_query(call, "X-Amz-Content-Sha256");
    TARN_TRY(tarn_arena_alloc(call->arena, &claim, 1, sizeof *claim, err));
    TARN_TRY(malformed(call, tarn_sigv4_read_query(call->query, call->n_query, claim, err),
                       TARN_S3_AuthorizationQueryParametersError));
    if (strcmp(claim->service, "s3") != 0)
        return tarn_s3_fail(call, err, TARN_S3_AuthorizationQueryParametersError,
                            "the service of the scope is 's3', not '%s'", claim->service);
    TARN_TRY(check_time(call, claim->time, claim, err));
    TARN_TRY(check_signed(call, claim, err));
    TARN_TRY(check_signature(call, claim, claim->time, payload ? payload : TARN_SIGV4_UNSIGNED, err));
done:
    return rc;
}

tarn_code tarn_s3_authenticate(tarn_s3_call *call, tarn_err *err)
{
    const char *authorization = tarn_s3_header(call, "Authorization");
    bool presigned = tarn_s3_has_query(call, "X-Amz-Algorithm") || tarn_s3_has_query(call, "X-Amz-Signature");

    if (authorization && presigned)
        return tarn_s3_fail(call, err, TARN_S3_InvalidArgument,
                            "a request is signed in one place, not in header and query");
    if (authorization && strncmp(authorization, "AWS ", 4) == 0) return tarn_s3_version2(call, authorization + 4, err);
    if (authorization) return by_header(call, authorization, err);
    if (presigned) return by_query(call, err);
    if (tarn_s3_has_query(call, "AWSAccessKeyId") || tarn_s3_has_query(call, "Signature"))
        return tarn_s3_version2(call, NULL, err);
    return TARN_OK; /* anonymous: access.c says what they may */
}

tarn_code tarn_s3_check_form(tarn_s3_call *call, const char *credential, const char *signature, const char *date,
                             const char *policy, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char line[512], secret[129] = "", mine[TARN_SIGV4_HEX];
    tarn_sigv4_claim *claim = NULL;
    tarn_id key, mac;

    TARN_TRY(tarn_arena_alloc(call->arena, &claim, 1, sizeof *claim, err));
    (void)snprintf(line, sizeof line, "AWS4-HMAC-SHA256 Credential=%.300s,SignedHeaders=host,Signature=%.70s",
                   credential, signature);
    TARN_TRY(malformed(call, tarn_sigv4_read(line, claim, err), TARN_S3_AccessDenied));
    if (strcmp(claim->service, "s3") != 0 || strncmp(date, claim->date, 8) != 0)
        return tarn_s3_fail(call, err, TARN_S3_AccessDenied, "the credential of the form is not of its day and of s3");
    TARN_TRY(tarn_s3_secret(call, claim->access, secret, err));
    TARN_TRY(tarn_sigv4_key(secret, claim->date, claim->region, claim->service, &key, err));
    TARN_TRY(tarn_hmac(key.b, sizeof key.b, policy, strlen(policy), &mac, err));
    if (!tarn_sigv4_same(tarn_id_hex(&mac, mine), claim->signature))
        rc =
            tarn_s3_fail(call, err, TARN_S3_SignatureDoesNotMatch, "the signature of the form's policy does not match");
done:
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(&key, sizeof key);
    return rc;
}
