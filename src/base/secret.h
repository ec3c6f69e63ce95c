/* SPDX-License-Identifier: Apache-2.0 */
/* secret.h - what passwords, keys and random bytes need: slow hashes, derived keys, keyed names, small sealed boxes,
 * comparing without telling how far it came, and forgetting.
 *
 * libsodium is behind this one file. The embedding library does not contain it.
 *
 * Rules: secrets are wiped (tarn_secret_wipe) by who holds them; no function here keeps or prints one. A call that
 * cannot get random bytes or memory fails; it never gives something weaker instead.
 *
 * Example (compiled by make check-docs):
 *
 *     tarn_code check(const char *typed, bool *same, tarn_err *err)
 *     {
 *         char kept[TARN_SECRET_HASH];
 *         tarn_code rc = tarn_secret_hash("a long phrase", 13, kept, err);
 *         return rc == TARN_OK ? tarn_secret_verify(kept, typed, __builtin_strlen(typed), same, err) : rc;
 *     }
 *
 * Threads: any.
 */
#ifndef TARN_BASE_SECRET_H
#define TARN_BASE_SECRET_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
    TARN_SECRET_HASH = 128, /* "$argon2id$v=19$...", with NUL */
    TARN_SECRET_SALT = 16,
    TARN_SECRET_KEY = 32,
    TARN_SECRET_BOX = 40 /* what sealing adds: nonce 24, tag 16 */
};

/* Argon2id of a password, as text that holds salt and costs (64 MiB, 2 passes: about a tenth of a second). out is
 * filled with NULs behind the text. TARN_NOMEM. */
TARN_MUST tarn_code tarn_secret_hash(const char *password, size_t len, char out[TARN_SECRET_HASH], tarn_err *err);
/* Whether the password gave this hash, at the hash's own costs. Text that is no such hash is TARN_CORRUPT, as is one
 * that asks for more than 1 GiB or 16 passes. */
TARN_MUST tarn_code tarn_secret_verify(const char *hash, const char *password, size_t len, bool *same, tarn_err *err);

/* What deriving costs; kept beside the salt, so that the same key can be made again. */
typedef struct tarn_secret_cost {
    uint32_t passes, mib;
} tarn_secret_cost;
/* 3 passes over 256 MiB: about a second. For a key that a person opens with a phrase. */
tarn_secret_cost tarn_secret_slow(void);
/* A key of out_len bytes (16 to 64) from a phrase by Argon2id. cost: 1 to 16 passes, 8 to 4096 MiB, else
 * TARN_INVALID. */
TARN_MUST tarn_code tarn_secret_derive(const char *phrase, size_t len, const uint8_t salt[TARN_SECRET_SALT],
                                       tarn_secret_cost cost, uint8_t *out, size_t out_len, tarn_err *err);

/* Bytes nobody can guess. */
TARN_MUST tarn_code tarn_secret_random(void *out, size_t len, tarn_err *err);
/* n characters of the alphabet (2 to 64 letters), each as likely as the other, NUL behind: out has n + 1 bytes. */
TARN_MUST tarn_code tarn_secret_text(const char *alphabet, char *out, size_t n, tarn_err *err);

/* XSalsa20-Poly1305 under a random nonce: out has len + TARN_SECRET_BOX bytes. For small things such as another key. */
TARN_MUST tarn_code tarn_secret_box(const uint8_t key[TARN_SECRET_KEY], const void *bytes, size_t len, uint8_t *out,
                                    tarn_err *err);
/* The reverse: out has len - TARN_SECRET_BOX bytes. TARN_CORRUPT: another key, or not what was sealed. */
TARN_MUST tarn_code tarn_secret_unbox(const uint8_t key[TARN_SECRET_KEY], const uint8_t *sealed, size_t len, void *out,
                                      tarn_err *err);

/* HMAC-SHA256 under one key: names that only the owner of the key can compute. The keyed state is kept, so that a name
 * costs half a microsecond. */
typedef struct tarn_mac tarn_mac;
TARN_MUST tarn_code tarn_mac_new(const uint8_t key[TARN_SECRET_KEY], tarn_mac **out, tarn_err *err);
void tarn_mac_free(tarn_mac *mac);
void tarn_mac_of(const tarn_mac *mac, const void *bytes, size_t len, uint8_t out[32]);

/* Takes the same time wherever they differ. */
bool tarn_secret_equal(const void *a, const void *b, size_t len);
/* Overwrite, in a way that no compiler takes away. NULL with 0 is fine. */
void tarn_secret_wipe(void *bytes, size_t len);

#endif
