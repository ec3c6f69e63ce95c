/* SPDX-License-Identifier: Apache-2.0 */
/* sums.h - MD5 and one checksum of a stream of bytes.
 *
 * new, add ..., end, free. Threads: one at a time.
 */
#ifndef TARN_SERVE_S3_SUMS_H
#define TARN_SERVE_S3_SUMS_H

#include "base/err.h"

#include <stddef.h>

typedef struct tarn_sums tarn_sums;

/* Whether "crc32", "crc32c", "sha1", "sha256" or "crc64nvme". */
bool tarn_sums_knows(const char *name);
/* name: of the checksum besides MD5, "" none. */
TARN_MUST tarn_code tarn_sums_new(const char *name, tarn_sums **out, tarn_err *err);
TARN_MUST tarn_code tarn_sums_add(tarn_sums *s, const void *bytes, size_t len, tarn_err *err);
/* md5 in hexadecimal, checksum in base64 ("" without one). */
TARN_MUST tarn_code tarn_sums_end(tarn_sums *s, char md5[33], char checksum[48], tarn_err *err);
void tarn_sums_free(tarn_sums *s);

/* MD5 of the MD5s of parts, "hex-n", from n times 32 digits. */
TARN_MUST tarn_code tarn_sums_of_parts(const char *hexes, size_t n, char etag[48], tarn_err *err);
/* The same of checksums in base64 (n texts), "base64-n". */
TARN_MUST tarn_code tarn_sums_of_checksums(const char *name, const char *const *sums, size_t n, char out[64],
                                           tarn_err *err);

#endif
