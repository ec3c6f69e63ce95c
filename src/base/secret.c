/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c - passwords and keys by libsodium. See secret.h.
 *
 * sodium_init finds the fastest code for the machine and opens the source of randomness; it may be called by any
 * thread at any time, and again. Without it the library may abort for want of random bytes, so every function that
 * needs some asks first. */
#include "base/secret.h"

#include "base/mem.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PASSES = 16, VERIFY_MOST_KIB = 1 << 20 };

_Static_assert(TARN_SECRET_HASH >= crypto_pwhash_argon2id_STRBYTES, "a hash fits");
_Static_assert(TARN_SECRET_SALT == crypto_pwhash_argon2id_SALTBYTES, "a salt is a salt");
_Static_assert(TARN_SECRET_KEY == crypto_secretbox_KEYBYTES, "a key is a key");
_Static_assert(TARN_SECRET_BOX == crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES, "nonce and tag");

static tarn_code ready(tarn_err *err)
{
    if (sodium_init() < 0) return TARN_FAIL(err, TARN_IO, "the system gives no random bytes");
    return TARN_OK;
}

/* ---- passwords ---- */

tarn_code tarn_secret_hash(const char *password, size_t len, char out[TARN_SECRET_HASH], tarn_err *err)
{
    tarn_code rc = ready(err);

    if (rc != TARN_OK) return rc;
    memset(out, 0, TARN_SECRET_HASH);
    if (crypto_pwhash_argon2id_str(out, password, len, crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
                                   crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE) != 0)
        return TARN_FAIL(err, TARN_NOMEM, "hashing a password needs %zu MiB",
                         (size_t)crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE >> 20);
    return TARN_OK;
}

/* A number behind `name` in a hash's text; 0 if it is not there. */
static unsigned long cost_in(const char *hash, const char *name)
{
    const char *at = strstr(hash, name);
    return at ? strtoul(at + strlen(name), NULL, 10) : 0;
}

tarn_code tarn_secret_verify(const char *hash, const char *password, size_t len, bool *same, tarn_err *err)
{
    static const char start[] = "$argon2id$v=19$m=";
    tarn_code rc = ready(err);

    *same = false;
    if (rc != TARN_OK) return rc;
    unsigned long kib = cost_in(hash, "$m="), passes = cost_in(hash, ",t=");
    if (strncmp(hash, start, sizeof start - 1) != 0 || strlen(hash) >= crypto_pwhash_argon2id_STRBYTES || kib == 0 ||
        kib > VERIFY_MOST_KIB || passes == 0 || passes > MOST_PASSES)
        return TARN_FAIL(err, TARN_CORRUPT, "a stored password hash is damaged; give the user a new password");
    *same = crypto_pwhash_argon2id_str_verify(hash, password, len) == 0;
    return TARN_OK;
}

tarn_secret_cost tarn_secret_slow(void) { return (tarn_secret_cost){.passes = 3, .mib = 256}; }

tarn_code tarn_secret_derive(const char *phrase, size_t len, const uint8_t salt[TARN_SECRET_SALT],
                             tarn_secret_cost cost, uint8_t *out, size_t out_len, tarn_err *err)
{
    tarn_code rc = ready(err);

    if (rc != TARN_OK) return rc;
    if (cost.passes < 1 || cost.passes > MOST_PASSES || cost.mib < 8 || cost.mib > 4096 || out_len < 16 || out_len > 64)
        return TARN_FAIL(err, TARN_INVALID,
                         "a key of %zu bytes by %u passes over %u MiB: expected 16 to 64, 1 to %d, "
                         "8 to 4096",
                         out_len, cost.passes, cost.mib, MOST_PASSES);
    if (crypto_pwhash(out, out_len, phrase, len, salt, cost.passes, (size_t)cost.mib << 20,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
        return TARN_FAIL(err, TARN_NOMEM, "deriving a key from a phrase needs %u MiB", cost.mib);
    return TARN_OK;
}

/* ---- randomness ---- */

tarn_code tarn_secret_random(void *out, size_t len, tarn_err *err)
{
    tarn_code rc = ready(err);

    if (rc == TARN_OK) randombytes_buf(out, len);
    return rc;
}

tarn_code tarn_secret_text(const char *alphabet, char *out, size_t n, tarn_err *err)
{
    size_t letters = strlen(alphabet);
    tarn_code rc = ready(err);

    if (rc != TARN_OK) return rc;
    if (letters < 2 || letters > 64) return TARN_FAIL(err, TARN_INVALID, "an alphabet has 2 to 64 letters");
    for (size_t i = 0; i < n; i++) out[i] = alphabet[randombytes_uniform((uint32_t)letters)];
    out[n] = '\0';
    return TARN_OK;
}

/* ---- small boxes ---- */

tarn_code tarn_secret_box(const uint8_t key[TARN_SECRET_KEY], const void *bytes, size_t len, uint8_t *out,
                          tarn_err *err)
{
    tarn_code rc = tarn_secret_random(out, crypto_secretbox_NONCEBYTES, err);

    if (rc != TARN_OK) return rc;
    if (crypto_secretbox_easy(out + crypto_secretbox_NONCEBYTES, bytes, len, out, key) != 0)
        return TARN_FAIL(err, TARN_LIMIT, "%zu bytes are too many for a sealed box", len);
    return TARN_OK;
}

tarn_code tarn_secret_unbox(const uint8_t key[TARN_SECRET_KEY], const uint8_t *sealed, size_t len, void *out,
                            tarn_err *err)
{
    if (len < TARN_SECRET_BOX || crypto_secretbox_open_easy(out, sealed + crypto_secretbox_NONCEBYTES,
                                                            len - crypto_secretbox_NONCEBYTES, sealed, key) != 0)
        return TARN_FAIL(err, TARN_CORRUPT,
                         "a sealed secret cannot be opened: it was sealed with another key, or is "
                         "damaged");
    return TARN_OK;
}

bool tarn_secret_equal(const void *a, const void *b, size_t len) { return sodium_memcmp(a, b, len) == 0; }

void tarn_secret_wipe(void *bytes, size_t len)
{
    if (len > 0) sodium_memzero(bytes, len);
}

/* ---- keyed names ---- */

struct tarn_mac {
    crypto_auth_hmacsha256_state keyed; /* plain memory, which may be copied */
};

tarn_code tarn_mac_new(const uint8_t key[TARN_SECRET_KEY], tarn_mac **out, tarn_err *err)
{
    tarn_code rc = tarn_alloc(out, 1, sizeof **out, err);

    if (rc == TARN_OK) (void)crypto_auth_hmacsha256_init(&(*out)->keyed, key, TARN_SECRET_KEY);
    return rc;
}

void tarn_mac_free(tarn_mac *mac)
{
    if (mac) tarn_secret_wipe(mac, sizeof *mac);
    tarn_free(mac);
}

void tarn_mac_of(const tarn_mac *mac, const void *bytes, size_t len, uint8_t out[32])
{
    crypto_auth_hmacsha256_state state = mac->keyed;

    (void)crypto_auth_hmacsha256_update(&state, bytes, len);
    (void)crypto_auth_hmacsha256_final(&state, out);
}
