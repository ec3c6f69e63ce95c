/* SPDX-License-Identifier: Apache-2.0 */
/* s3.h - the gateway as the server sees it: one more listener, any S3 client on it.
 *
 * The lake is a bucket whose keys are <ref>/<path>; buckets made by clients are branches s3/<bucket> whose keys are
 * paths. Writes are staged and committed after a quiet time, when asked, and at the end. See docs/s3.md.
 */
#ifndef TARN_SERVE_S3_S3_H
#define TARN_SERVE_S3_S3_H

#include "base/sink.h"
#include "lake/lake.h"

typedef struct tarn_s3 tarn_s3;

typedef struct tarn_s3_options {
    tarn_lake *lake;
    const char *bind;
    int port;                            /* 0: any free one */
    int timeout_s;                       /* 0: 60 */
    const char *bucket;                  /* name of the lake's, made fit; NULL: of its folder */
    const char *domain;                  /* for bucket.<domain>; NULL: path style only */
    int commit_after_s;                  /* quiet time; 0: only when asked and at the end */
    uint64_t copies_bytes;               /* for plain copies of what is read often; 0: none */
    int most_requests;                   /* at a time, others are told to slow down; 0: 256 */
    bool signature_v2;                   /* accept the old kind of signatures, too */
    bool anonymous_reads;                /* whoever does not say who they are may read */
    const char *access_key, *secret_key; /* of the owner, NULL: none */
    const char *tls_cert, *tls_key;      /* PEM texts, which live until stop; NULL: plain HTTP */
    const tarn_sink *sink;
} tarn_s3_options;

TARN_MUST tarn_code tarn_s3_start(const tarn_s3_options *options, tarn_s3 **out, tarn_err *err);
int tarn_s3_port(const tarn_s3 *s);
const char *tarn_s3_bucket_name(const tarn_s3 *s);
/* Finish what is under way, commit what is staged. NULL is fine. */
TARN_MUST tarn_code tarn_s3_stop(tarn_s3 *s, tarn_err *err);

#endif
