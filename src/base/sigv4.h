/* SPDX-License-Identifier: Apache-2.0 */
/* sigv4.h - AWS Signature Version 4 as S3 uses it: for asking a store, and for checking who asks us.
 *
 * Pure functions: no clock, no environment, no network. A client fills a tarn_sigv4, derives the key and adds what
 * tarn_sigv4_authorization or tarn_sigv4_presign gives. A server reads who signed and what (tarn_sigv4_read or
 * tarn_sigv4_read_query), fills a tarn_sigv4 from the request, computes the signature and compares it with
 * tarn_sigv4_same. Bodies in signed chunks go on from the signature of the request: tarn_sigv4_chunk.
 *
 * The server also checks, which is not done here: that the time is near (15 minutes) or the URL not expired, that
 * the date of the scope is the time's, that "host" is signed (tarn_sigv4_signs) and every x-amz-* header that it obeys.
 *
 * Source: "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference.
 */
#ifndef TARN_BASE_SIGV4_H
#define TARN_BASE_SIGV4_H

#include "base/digest.h"
#include "base/err.h"
#include "base/str.h"

#define TARN_SIGV4_UNSIGNED "UNSIGNED-PAYLOAD"
#define TARN_SIGV4_STREAM   "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"

enum { TARN_SIGV4_HEX = TARN_ID_HEX };

typedef struct tarn_sigv4_pair {
    const char *name, *value;
} tarn_sigv4_pair;

/* A request, as far as it is signed. Everything is borrowed. */
typedef struct tarn_sigv4 {
    const char *method;           /* GET */
    const char *path;             /* as on the wire: percent-encoded once, from the first '/' up to the '?' */
    const tarn_sigv4_pair *query; /* decoded, in any order; a value may be NULL ("?acl"). X-Amz-Signature is skipped */
    size_t n_query;               /*   (sorted and encoded here) */
    const tarn_sigv4_pair *headers; /* as sent, in any order and case; a name may come more than once */
    size_t n_headers;               /*   (those that are not signed are skipped) */
    const char *signed_headers;     /* "host;x-amz-date": lower case, sorted. NULL: all of `headers` */
    const char *payload;            /* SHA-256 of the body in hexadecimal, or TARN_SIGV4_UNSIGNED, ... */
    const char *time;               /* 20130524T000000Z */
    const char *region, *service;   /* us-east-1, s3 */
} tarn_sigv4;

/* Bytes as they stand in a URL: all but letters, digits and "-._~" as %XX; '/' stays if `slash`. */
void tarn_sigv4_encode(tarn_text *out, const void *bytes, size_t len, bool slash);
/* Undo %XX (not '+'), in place; the new length. False: a '%' without two digits, or %00. */
bool tarn_sigv4_decode(char *text, size_t *len);

/* The canonical request and the string to sign, added to *out.
 *
 * The path is decoded and encoded again, so that clients that escape more or less than others agree.
 *
 * Errors: TARN_INVALID a signed header was not sent, or time is no time; TARN_NOMEM */
TARN_MUST tarn_code tarn_sigv4_canonical(const tarn_sigv4 *r, tarn_text *out, tarn_err *err);
TARN_MUST tarn_code tarn_sigv4_to_sign(const tarn_sigv4 *r, tarn_text *out, tarn_err *err);

/* The signing key of a day: `date` is the first 8 characters of the time. May be kept for that day. */
TARN_MUST tarn_code tarn_sigv4_key(const char *secret, const char *date, const char *region, const char *service,
                                   tarn_id *key, tarn_err *err);
/* 64 lower-case digits. */
TARN_MUST tarn_code tarn_sigv4_sign(const tarn_sigv4 *r, const tarn_id *key, char out[TARN_SIGV4_HEX], tarn_err *err);
/* Equal, compared in constant time? Anything that has not 64 characters is not. */
bool tarn_sigv4_same(const char *a, const char *b);

/* Signature of a chunk of the body, from the one before it (first: that of the request) and the chunk's SHA-256.
 * Of r only time, region and service are used. With `trailer` the hash is of the trailing headers as they stand
 * ("x-amz-checksum-crc32:...\n"). */
TARN_MUST tarn_code tarn_sigv4_chunk(const tarn_sigv4 *r, const tarn_id *key, const char *before, const tarn_id *hash,
                                     bool trailer, char out[TARN_SIGV4_HEX], tarn_err *err);

/* The value of the header Authorization. */
TARN_MUST tarn_code tarn_sigv4_authorization(const tarn_sigv4 *r, const char *access, const tarn_id *key,
                                             tarn_text *out, tarn_err *err);
/* The whole query of a presigned URL, encoded, without '?': r->query (at most 50 pairs), the X-Amz-* parameters and
 * the signature. token may be NULL. r->payload is TARN_SIGV4_UNSIGNED as a rule. */
TARN_MUST tarn_code tarn_sigv4_presign(const tarn_sigv4 *r, const char *access, const char *token, int expires_s,
                                       const tarn_id *key, tarn_text *out, tarn_err *err);

/* Who signed, and what: taken apart, bounded, not yet believed. */
typedef struct tarn_sigv4_claim {
    char access[129], date[9], region[65], service[33];
    char signed_headers[2049], signature[TARN_SIGV4_HEX];
    char time[17];     /* presigned only; else it is the header x-amz-date (or Date) */
    int64_t expires_s; /* presigned only */
} tarn_sigv4_claim;

/* From the header Authorization. TARN_INVALID says what is wrong with it; TARN_UNSUPPORTED: another method. */
TARN_MUST tarn_code tarn_sigv4_read(const char *authorization, tarn_sigv4_claim *out, tarn_err *err);
/* From the decoded query of a presigned URL; same errors. */
TARN_MUST tarn_code tarn_sigv4_read_query(const tarn_sigv4_pair *query, size_t n, tarn_sigv4_claim *out, tarn_err *err);
/* Is this header (lower case) in a list of signed ones? */
bool tarn_sigv4_signs(const char *signed_headers, const char *name);

/* Seconds since 1970 as 20130524T000000Z, and back; false if it is no such time. */
void tarn_sigv4_time(int64_t seconds, char out[17]);
bool tarn_sigv4_seconds(const char *time, int64_t *out);

#endif
