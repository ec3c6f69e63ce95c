/* SPDX-License-Identifier: Apache-2.0 */
/* keyed.c - what libsodium does for us: Argon2id, which OpenSSL 3.0 does not have, and an HMAC whose keyed state can be
 * copied as plain memory, so that a name costs half a microsecond and any thread may ask. See seal.h. */
#include "base/mem.h"
#include "base/seal.h"

#include <sodium.h>
#include <string.h>

enum { MOST_PASSES = 16, MOST_MIB = 1024 };

struct tarn_mac {
    crypto_auth_hmacsha256_state keyed;
};

tarn_code tarn_key_of_passphrase(const char *passphrase, const uint8_t salt[TARN_SALT], int64_t passes, int64_t mib,
                                 tarn_key *out, tarn_err *err)
{
    if (passes < 1 || passes > MOST_PASSES || mib < 1 || mib > MOST_MIB)
        return TARN_FAIL(err, TARN_LIMIT, "%lld passes over %lld MiB for a passphrase are out of bounds (%d, %d MiB)",
                         (long long)passes, (long long)mib, MOST_PASSES, MOST_MIB);
    if (sodium_init() < 0) return TARN_FAIL(err, TARN_IO, "libsodium does not start");
    if (crypto_pwhash(out->b, sizeof out->b, passphrase, strlen(passphrase), salt, (unsigned long long)passes,
                      (size_t)mib << 20, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return TARN_FAIL(err, TARN_NOMEM, "no memory to check the passphrase (%lld MiB)", (long long)mib);
    return TARN_OK;
}

tarn_code tarn_mac_new(const tarn_key *key, tarn_mac **out, tarn_err *err)
{
    tarn_code rc = tarn_alloc(out, 1, sizeof **out, err);

    if (rc == TARN_OK) (void)crypto_auth_hmacsha256_init(&(*out)->keyed, key->b, sizeof key->b);
    return rc;
}

void tarn_mac_free(tarn_mac *mac)
{
    if (mac) tarn_wipe(mac, sizeof *mac);
    tarn_free(mac);
}

void tarn_mac_of(const tarn_mac *mac, const void *bytes, size_t len, uint8_t out[32])
{
    crypto_auth_hmacsha256_state state = mac->keyed;

    (void)crypto_auth_hmacsha256_update(&state, bytes, len);
    (void)crypto_auth_hmacsha256_final(&state, out);
}
