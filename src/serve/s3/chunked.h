/* SPDX-License-Identifier: Apache-2.0 */
/* chunked.h - bodies in AWS chunks: "1000;chunk-signature=...\r\n" bytes "\r\n" ... "0...\r\n" trailers "\r\n".
 *
 * new, add ..., end, free. Each chunk's signature is checked when the chunk has passed, so what was given counts only
 * once end has said that all is well. Foreign bytes: lines and trailers are bounded, sizes are checked.
 */
#ifndef TARN_SERVE_S3_CHUNKED_H
#define TARN_SERVE_S3_CHUNKED_H

#include "base/sigv4.h"

#include <stdint.h>

typedef struct tarn_chunked tarn_chunked;

typedef struct tarn_chunked_options {
    bool is_signed, trailer; /* chunks carry signatures; headers follow the last one */
    tarn_sigv4 scope;        /* time, region, service; borrowed */
    tarn_id key;
    const char *seed; /* signature of the request */
    tarn_code (*give)(void *arg, const char *bytes, size_t len, tarn_err *err);
    /* A trailing header, name in lower case; not called for the trailers' signature. */
    tarn_code (*told)(void *arg, const char *name, const char *value, tarn_err *err);
    void *arg;
} tarn_chunked_options;

TARN_MUST tarn_code tarn_chunked_new(const tarn_chunked_options *options, tarn_chunked **out, tarn_err *err);
/* TARN_DENIED: a signature is wrong. TARN_INVALID: not such a body. */
TARN_MUST tarn_code tarn_chunked_add(tarn_chunked *c, const char *bytes, size_t len, tarn_err *err);
/* TARN_INVALID if it was not the end. */
TARN_MUST tarn_code tarn_chunked_end(tarn_chunked *c, tarn_err *err);
void tarn_chunked_free(tarn_chunked *c);

#endif
