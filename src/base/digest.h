/* SPDX-License-Identifier: Apache-2.0 */
/* digest.h - SHA-256, by which everything in the lake is named; HMAC-SHA256 and MD5 for talking to stores.
 *
 * OpenSSL is behind this one file, and sha256.h for what is worked on two at a time. The embedding library contains
 * neither.
 */
#ifndef TARN_BASE_DIGEST_H
#define TARN_BASE_DIGEST_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { TARN_ID_BYTES = 32, TARN_ID_HEX = 65 /* with NUL */ };

/* The name of some bytes. All zero means "none". */
typedef struct tarn_id {
    uint8_t b[TARN_ID_BYTES];
} tarn_id;

TARN_MUST tarn_code tarn_digest(const void *bytes, size_t len, tarn_id *out, tarn_err *err);

/* In pieces: new, add ..., end; free in any case. end may be called once. */
typedef struct tarn_hasher tarn_hasher;
TARN_MUST tarn_code tarn_hasher_new(tarn_hasher **out, tarn_err *err);
/* The same for another function: what a protocol wants to see. end_other gives its `len` bytes instead of end. */
typedef enum tarn_hash { TARN_HASH_SHA256, TARN_HASH_SHA1, TARN_HASH_MD5 } tarn_hash;
TARN_MUST tarn_code tarn_hasher_new_other(tarn_hash hash, tarn_hasher **out, tarn_err *err);
TARN_MUST tarn_code tarn_hasher_end_other(tarn_hasher *h, uint8_t out[TARN_ID_BYTES], size_t *len, tarn_err *err);
TARN_MUST tarn_code tarn_hasher_add(tarn_hasher *h, const void *bytes, size_t len, tarn_err *err);
TARN_MUST tarn_code tarn_hasher_end(tarn_hasher *h, tarn_id *out, tarn_err *err);
void tarn_hasher_free(tarn_hasher *h);

/* The name of each of n stretches of bytes into out[n]. whole (NULL: nobody; else of SHA-256) is given them all, one
 * behind the other. Where the processor has instructions for SHA-256, two messages are worked on at a time, which takes
 * hardly longer than one. */
typedef struct tarn_stretch {
    const void *bytes;
    size_t len;
} tarn_stretch;
TARN_MUST tarn_code tarn_digest_each(const tarn_stretch *in, size_t n, tarn_hasher *whole, tarn_id *out, tarn_err *err);

/* HMAC-SHA256 (RFC 2104). */
TARN_MUST tarn_code tarn_hmac(const void *key, size_t key_len, const void *bytes, size_t len, tarn_id *out,
                              tarn_err *err);
/* HMAC-SHA1, for what still asks for it. */
TARN_MUST tarn_code tarn_hmac_sha1(const void *key, size_t key_len, const void *bytes, size_t len, uint8_t out[20],
                                   tarn_err *err);
/* MD5: to find damage in transit where a protocol asks for it, never against an attacker. */
TARN_MUST tarn_code tarn_md5(const void *bytes, size_t len, uint8_t out[16], tarn_err *err);
/* Equal? In a time that depends on len alone: for signatures and tokens. */
bool tarn_same_secret(const void *a, const void *b, size_t len);

static inline bool tarn_id_equal(const tarn_id *a, const tarn_id *b)
{
    uint64_t x[TARN_ID_BYTES / 8], y[TARN_ID_BYTES / 8];

    memcpy(x, a->b, sizeof x);
    memcpy(y, b->b, sizeof y);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3])) == 0;
}
static inline bool tarn_id_none(const tarn_id *id)
{
    uint64_t x[TARN_ID_BYTES / 8];

    memcpy(x, id->b, sizeof x);
    return (x[0] | x[1] | x[2] | x[3]) == 0;
}
/* 64 lower-case hexadecimal digits; returns out. */
const char *tarn_id_hex(const tarn_id *id, char out[TARN_ID_HEX]);
/* Exactly 64 hexadecimal digits. */
bool tarn_id_parse(const char *hex, size_t len, tarn_id *out);

#endif
