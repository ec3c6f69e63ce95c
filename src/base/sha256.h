/* SPDX-License-Identifier: Apache-2.0 */
/* sha256.h - SHA-256 by the processor's own instructions, two messages at a time; for digest.c alone.
 *
 * One message waits for itself: each round needs the one before. A second one fits into the waiting, so two take hardly
 * longer than one (measured on an AMD EPYC: 1.8 GB/s one by one, 3.4 GB/s by two).
 *
 * Threads: an object is used by one at a time.
 */
#ifndef TARN_BASE_SHA256_H
#define TARN_BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Has this processor such instructions? Nothing else here may be called if not. */
bool tarn_sha256_here(void);

typedef struct tarn_sha256 {
    uint32_t h[8];
    uint8_t part[64]; /* of a block, len % 64 bytes */
    uint64_t len;
} tarn_sha256;

void tarn_sha256_init(tarn_sha256 *s);
void tarn_sha256_add(tarn_sha256 *s, const void *bytes, size_t len);
void tarn_sha256_end(tarn_sha256 *s, uint8_t out[32]);

/* The digest of each of n pieces, bytes[i] of len[i], into out + 32 i. whole (may be NULL) gets them all in order. */
void tarn_sha256_each(tarn_sha256 *whole, const void *const *bytes, const size_t *len, size_t n, uint8_t *out);

#endif
