/* SPDX-License-Identifier: Apache-2.0 */
/* remote.h - what the stores behind HTTP share (s3, gs, azure): their URL, their patience, calls with retry.
 *
 *     s3://bucket/prefix?endpoint=http://127.0.0.1:4568&region=eu-west-1&style=path&profile=name&patience=60
 *
 * Secrets are never in the URL, which is written down: they come from the environment or a file of the user.
 */
#ifndef TARN_LAKE_REMOTE_H
#define TARN_LAKE_REMOTE_H

#include "base/http.h"
#include "base/str.h"

#include <stdatomic.h>

typedef struct tarn_remote {
    const char *scheme;
    char bucket[256];
    char prefix[512];   /* "" or ends in '/' */
    char endpoint[300]; /* http(s)://host[:port][/path], no '/' behind; "" if not given */
    char host[280];     /* of the endpoint */
    char region[64], style[16], profile[64];
    tarn_http *http;
    tarn_retry retry;
    atomic_bool known; /* it has answered once, or the URL says how patient to be: then that patience holds in full */
} tarn_remote;

/* Read what stands behind "scheme:". TARN_INVALID names the option that is wrong. tarn_remote_clear in any case. */
TARN_MUST tarn_code tarn_remote_open(tarn_remote *r, const char *scheme, const char *rest, tarn_err *err);
/* Set endpoint and host; the port that http or https has anyway is left out. */
TARN_MUST tarn_code tarn_remote_endpoint(tarn_remote *r, const char *url, tarn_err *err);
void tarn_remote_clear(tarn_remote *r);

/* After each request of a try: whether it may be sent again, by whether there was any answer. */
void tarn_remote_heard(tarn_remote *r, tarn_code rc, tarn_retry_hint *hint);

/* Names of blobs as backend.h says. */
TARN_MUST tarn_code tarn_remote_name(const char *name, tarn_err *err);

/* The error codes that S3 and Azure give, from XML: Code and Message of the root element Error. */
typedef struct tarn_remote_fault {
    char code[64], message[200];
} tarn_remote_fault;
void tarn_remote_fault_read(const tarn_http_answer *answer, tarn_remote_fault *out);

/* Bytes going straight to where they are wanted; more than cap is an error. */
typedef struct tarn_remote_into {
    uint8_t *at;
    size_t len, cap;
} tarn_remote_into;
TARN_MUST tarn_code tarn_remote_take(void *arg, const void *bytes, size_t len, tarn_err *err);

/* Base64 of bytes, added to out; base/base64.h reads it. */
void tarn_base64(tarn_text *out, const void *bytes, size_t len);

#endif
