/* SPDX-License-Identifier: Apache-2.0 */
/* seal.c - AES-256-GCM and HKDF by OpenSSL; key files. See seal.h.
 *
 * Setting up a context costs more than sealing a small piece, so a cipher keeps idle ones; a key is set anew at each
 * use and stays in an idle context until the next or until the cipher is freed. */
#include "base/seal.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

enum { KEPT = 16 };

struct tarn_cipher {
    EVP_CIPHER *aes;
    pthread_mutex_t lock; /* guards the stack of idle contexts */
    EVP_CIPHER_CTX *idle[KEPT];
    int n_idle;
};

/* ---- sealing ---- */

tarn_code tarn_cipher_new(tarn_cipher **out, tarn_err *err)
{
    tarn_code rc = tarn_alloc(out, 1, sizeof **out, err);

    if (rc != TARN_OK) return rc;
    (void)pthread_mutex_init(&(*out)->lock, NULL);
    (*out)->aes = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if ((*out)->aes) return TARN_OK;
    tarn_cipher_free(*out);
    *out = NULL;
    return TARN_FAIL(err, TARN_UNSUPPORTED, "OpenSSL here has no AES-256-GCM");
}

void tarn_cipher_free(tarn_cipher *c)
{
    if (!c) return;
    for (int i = 0; i < c->n_idle; i++) EVP_CIPHER_CTX_free(c->idle[i]);
    EVP_CIPHER_free(c->aes);
    (void)pthread_mutex_destroy(&c->lock);
    tarn_free(c);
}

static EVP_CIPHER_CTX *take(tarn_cipher *c)
{
    EVP_CIPHER_CTX *ctx = NULL;

    (void)pthread_mutex_lock(&c->lock);
    if (c->n_idle > 0) ctx = c->idle[--c->n_idle];
    (void)pthread_mutex_unlock(&c->lock);
    return ctx ? ctx : EVP_CIPHER_CTX_new();
}

static void give(tarn_cipher *c, EVP_CIPHER_CTX *ctx)
{
    (void)pthread_mutex_lock(&c->lock);
    if (c->n_idle < KEPT) {
        c->idle[c->n_idle++] = ctx;
        ctx = NULL;
    }
    (void)pthread_mutex_unlock(&c->lock);
    EVP_CIPHER_CTX_free(ctx);
}

/* What a context has to be told: naming the cipher again would set it up anew, which costs more than sealing. */
static const EVP_CIPHER *set_up(const tarn_cipher *c, const EVP_CIPHER_CTX *ctx)
{
    return EVP_CIPHER_CTX_get0_cipher(ctx) ? NULL : c->aes;
}

static tarn_code too_long(size_t len, tarn_err *err)
{
    return TARN_FAIL(err, TARN_LIMIT, "a piece of %zu bytes cannot be sealed in one go", len);
}

tarn_code tarn_seal(tarn_cipher *c, const tarn_key *key, const uint8_t nonce[TARN_NONCE], const void *beside,
                    size_t beside_len, const void *bytes, size_t len, void *out, tarn_err *err)
{
    int n = 0;
    uint8_t *to = out;

    if (len > INT_MAX || beside_len > INT_MAX) return too_long(len, err);
    EVP_CIPHER_CTX *ctx = take(c);
    bool good = ctx && EVP_EncryptInit_ex2(ctx, set_up(c, ctx), key->b, nonce, NULL) == 1 &&
                EVP_EncryptUpdate(ctx, NULL, &n, beside, (int)beside_len) == 1 &&
                (len == 0 || EVP_EncryptUpdate(ctx, to, &n, bytes, (int)len) == 1) &&
                EVP_EncryptFinal_ex(ctx, to + len, &n) == 1 &&
                EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TARN_SEAL_TAG, to + len) == 1;
    if (ctx) give(c, ctx);
    return good ? TARN_OK : TARN_FAIL(err, TARN_NOMEM, "cannot encrypt %zu bytes", len);
}

tarn_code tarn_unseal(tarn_cipher *c, const tarn_key *key, const uint8_t nonce[TARN_NONCE], const void *beside,
                      size_t beside_len, const void *bytes, size_t len, void *out, tarn_err *err)
{
    int n = 0;
    uint8_t tag[TARN_SEAL_TAG], *to = out;

    if (len < TARN_SEAL_TAG) return TARN_FAIL(err, TARN_CORRUPT, "sealed bytes are cut short");
    if (len > INT_MAX || beside_len > INT_MAX) return too_long(len, err);
    len -= TARN_SEAL_TAG;
    memcpy(tag, (const uint8_t *)bytes + len, sizeof tag);
    EVP_CIPHER_CTX *ctx = take(c);
    bool ready = ctx && EVP_DecryptInit_ex2(ctx, set_up(c, ctx), key->b, nonce, NULL) == 1 &&
                 EVP_DecryptUpdate(ctx, NULL, &n, beside, (int)beside_len) == 1 &&
                 (len == 0 || EVP_DecryptUpdate(ctx, to, &n, bytes, (int)len) == 1) &&
                 EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TARN_SEAL_TAG, tag) == 1;
    bool good = ready && EVP_DecryptFinal_ex(ctx, to + len, &n) == 1;
    if (ctx) give(c, ctx);
    if (!ready) return TARN_FAIL(err, TARN_NOMEM, "cannot decrypt %zu bytes", len);
    if (good) return TARN_OK;
    if (len > 0) tarn_secret_wipe(out, len);
    return TARN_FAIL(err, TARN_CORRUPT, "sealed bytes were changed, or belong to another key or place");
}

/* ---- keys ---- */

tarn_code tarn_key_derive(const tarn_key *key, const void *salt, size_t salt_len, const char *info, tarn_key *out,
                          tarn_err *err)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    size_t len = sizeof out->b;

    if (salt_len > 1024) salt_len = 1024;
    bool good = ctx && EVP_PKEY_derive_init(ctx) > 0 && EVP_PKEY_CTX_set_hkdf_md(ctx, EVP_sha256()) > 0 &&
                (salt_len == 0 || EVP_PKEY_CTX_set1_hkdf_salt(ctx, salt, (int)salt_len) > 0) &&
                EVP_PKEY_CTX_set1_hkdf_key(ctx, key->b, sizeof key->b) > 0 &&
                EVP_PKEY_CTX_add1_hkdf_info(ctx, (const unsigned char *)info, (int)strlen(info)) > 0 &&
                EVP_PKEY_derive(ctx, out->b, &len) > 0 && len == sizeof out->b;
    EVP_PKEY_CTX_free(ctx);
    return good ? TARN_OK : TARN_FAIL(err, TARN_NOMEM, "cannot derive a key");
}

static bool key_of_text(const char *text, size_t len, tarn_key *out)
{
    tarn_id id;

    if (len == TARN_KEY_BYTES) {
        memcpy(out->b, text, TARN_KEY_BYTES);
        return true;
    }
    while (len > 64 && (text[len - 1] == '\n' || text[len - 1] == '\r')) len--;
    if (!tarn_id_parse(text, len, &id)) return false;
    memcpy(out->b, id.b, TARN_KEY_BYTES);
    tarn_secret_wipe(&id, sizeof id);
    return true;
}

tarn_code tarn_key_read(const char *path, tarn_key *out, tarn_err *err)
{
    char *text = NULL;
    size_t len = 0;
    struct stat st;

    if (stat(path, &st) != 0) return TARN_FAIL_ERRNO(err, "look at key file", path);
    if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
        return TARN_FAIL(err, TARN_DENIED, "others may read or write key file '%.120s' (mode %03o); chmod 600 it", path,
                         (unsigned)st.st_mode & 0777);
    tarn_code rc = tarn_file_read(path, 4096, &text, &len, err);
    if (rc != TARN_OK) return rc;
    bool good = key_of_text(text, len, out);
    tarn_secret_wipe(text, len);
    tarn_free(text);
    if (good) return TARN_OK;
    return TARN_FAIL(err, TARN_INVALID,
                     "'%.100s' is no key file: it has %zu bytes, not 32 random ones or 64 hexadecimal digits "
                     "('openssl rand -hex 32' makes them)",
                     path, len);
}
