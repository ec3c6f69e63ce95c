/* SPDX-License-Identifier: Apache-2.0 */
/* seal.h - encryption that also notices changes, and the keys for it.
 *
 * AES-256-GCM seals bytes, HKDF-SHA256 makes keys of keys; OpenSSL is behind it. Keys of passphrases, keyed names and
 * random bytes are in secret.h. The embedding library contains neither.
 *
 * Whoever seals must never use a nonce twice under one key: count, or take a fresh key for each piece
 * (tarn_mac_of over random bytes).
 *
 * Threads: any; a cipher keeps working memory and hands it from call to call under an internal lock.
 */
#ifndef TARN_BASE_SEAL_H
#define TARN_BASE_SEAL_H

#include "base/secret.h"

#include <stddef.h>
#include <stdint.h>

enum { TARN_KEY_BYTES = 32, TARN_KEY_HEX = 65 /* with NUL */, TARN_NONCE = 12, TARN_SEAL_TAG = 16, TARN_SALT = 16 };

typedef struct tarn_key {
    uint8_t b[TARN_KEY_BYTES];
} tarn_key;

/* ---- sealing ---- */

typedef struct tarn_cipher tarn_cipher;
TARN_MUST tarn_code tarn_cipher_new(tarn_cipher **out, tarn_err *err);
void tarn_cipher_free(tarn_cipher *c);

/* Seal len bytes; TARN_SEAL_TAG more come out. `beside` is not sealed, but must be the same when it is opened. out may
 * be bytes. */
TARN_MUST tarn_code tarn_seal(tarn_cipher *c, const tarn_key *key, const uint8_t nonce[TARN_NONCE], const void *beside,
                              size_t beside_len, const void *bytes, size_t len, void *out, tarn_err *err);
/* Open len bytes, tag included, into len - TARN_SEAL_TAG. TARN_CORRUPT: another key, another place, or changed bytes;
 * out then holds nothing of use. out may be bytes. */
TARN_MUST tarn_code tarn_unseal(tarn_cipher *c, const tarn_key *key, const uint8_t nonce[TARN_NONCE],
                                const void *beside, size_t beside_len, const void *bytes, size_t len, void *out,
                                tarn_err *err);

/* ---- keys ---- */

/* A key for one purpose (`info`) from a key and a salt, by HKDF (RFC 5869). */
TARN_MUST tarn_code tarn_key_derive(const tarn_key *key, const void *salt, size_t salt_len, const char *info,
                                    tarn_key *out, tarn_err *err);
/* Read 32 bytes, raw or as 64 hexadecimal digits (with a line end), from a file that nobody else may read.
 * TARN_DENIED with the remedy if others may; TARN_INVALID if it is no key. */
TARN_MUST tarn_code tarn_key_read(const char *path, tarn_key *out, tarn_err *err);

#endif
