/* SPDX-License-Identifier: Apache-2.0 */
/* s3.h - stores that speak S3, for backends/s3.c and backends/gs.c: they differ in where they are by default, and in
 * whether they know "only if there is none yet".
 *
 * A blob up to 16 MiB is one PUT, a larger one is sent in parts of that size; both appear whole or not at all. The
 * store checks every body against the SHA-256 that is signed and against Content-MD5.
 */
#ifndef TARN_LAKE_S3_H
#define TARN_LAKE_S3_H

#include "lake/backend.h"

typedef struct tarn_s3_kind {
    const char *scheme;
    const char *endpoint, *region; /* by default; NULL: Amazon's for the region */
    const char *access, *secret;   /* environment variables that go before Amazon's; NULL: none */
    bool if_none;                  /* knows If-None-Match: * */
} tarn_s3_kind;

TARN_MUST tarn_code tarn_s3_open(const tarn_s3_kind *kind, const char *rest, void **self, tarn_err *err);
void tarn_s3_close(void *self);
TARN_MUST tarn_code tarn_s3_put(void *self, const char *name, const void *bytes, size_t len, tarn_err *err);
TARN_MUST tarn_code tarn_s3_get(void *self, const char *name, uint64_t at, size_t len, void *out, tarn_err *err);
TARN_MUST tarn_code tarn_s3_get_some(void *self, const char *name, uint64_t at, size_t len, void *out, size_t *got,
                                     tarn_err *err);
TARN_MUST tarn_code tarn_s3_size(void *self, const char *name, uint64_t *out, tarn_err *err);
TARN_MUST tarn_code tarn_s3_list(void *self, const char *prefix,
                                 tarn_code (*fn)(void *arg, const char *name, uint64_t size, tarn_err *err), void *arg,
                                 tarn_err *err);
TARN_MUST tarn_code tarn_s3_remove(void *self, const char *name, tarn_err *err);

#endif
