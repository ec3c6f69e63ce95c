/* SPDX-License-Identifier: Apache-2.0 */
/* digest.c - SHA-256, HMAC-SHA256 and MD5 by OpenSSL. See digest.h. */
#include "base/digest.h"

#include "base/mem.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>

struct tarn_hasher {
    EVP_MD_CTX *ctx;
};

tarn_code tarn_digest(const void *bytes, size_t len, tarn_id *out, tarn_err *err)
{
    if (!SHA256(bytes, len, out->b)) return TARN_FAIL(err, TARN_NOMEM, "cannot compute SHA-256 of %zu bytes", len);
    return TARN_OK;
}

tarn_code tarn_hasher_new(tarn_hasher **out, tarn_err *err)
{
    tarn_code rc = tarn_alloc(out, 1, sizeof **out, err);

    if (rc != TARN_OK) return rc;
    (*out)->ctx = EVP_MD_CTX_new();
    if ((*out)->ctx && EVP_DigestInit_ex((*out)->ctx, EVP_sha256(), NULL) == 1) return TARN_OK;
    tarn_hasher_free(*out);
    *out = NULL;
    return TARN_FAIL(err, TARN_NOMEM, "cannot start SHA-256");
}

tarn_code tarn_hasher_add(tarn_hasher *h, const void *bytes, size_t len, tarn_err *err)
{
    if (EVP_DigestUpdate(h->ctx, bytes, len) != 1) return TARN_FAIL(err, TARN_NOMEM, "cannot compute SHA-256");
    return TARN_OK;
}

tarn_code tarn_hasher_end(tarn_hasher *h, tarn_id *out, tarn_err *err)
{
    if (EVP_DigestFinal_ex(h->ctx, out->b, NULL) != 1) return TARN_FAIL(err, TARN_NOMEM, "cannot finish SHA-256");
    return TARN_OK;
}

void tarn_hasher_free(tarn_hasher *h)
{
    if (!h) return;
    EVP_MD_CTX_free(h->ctx);
    tarn_free(h);
}

tarn_code tarn_hmac(const void *key, size_t key_len, const void *bytes, size_t len, tarn_id *out, tarn_err *err)
{
    if (key_len > INT32_MAX) return TARN_FAIL(err, TARN_LIMIT, "a key of %zu bytes is too long for HMAC", key_len);
    if (!HMAC(EVP_sha256(), key_len ? key : "", (int)key_len, bytes, len, out->b, NULL))
        return TARN_FAIL(err, TARN_NOMEM, "cannot compute HMAC-SHA256");
    return TARN_OK;
}

tarn_code tarn_md5(const void *bytes, size_t len, uint8_t out[16], tarn_err *err)
{
    if (EVP_Digest(bytes, len, out, NULL, EVP_md5(), NULL) != 1)
        return TARN_FAIL(err, TARN_UNSUPPORTED,
                         "cannot compute MD5, which this place asks for (is OpenSSL in FIPS mode?)");
    return TARN_OK;
}

bool tarn_same_secret(const void *a, const void *b, size_t len) { return CRYPTO_memcmp(a, b, len) == 0; }

bool tarn_id_equal(const tarn_id *a, const tarn_id *b) { return memcmp(a->b, b->b, TARN_ID_BYTES) == 0; }

bool tarn_id_none(const tarn_id *id)
{
    static const tarn_id none;
    return tarn_id_equal(id, &none);
}

const char *tarn_id_hex(const tarn_id *id, char out[TARN_ID_HEX])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < TARN_ID_BYTES; i++) {
        out[2 * i] = digits[id->b[i] >> 4];
        out[2 * i + 1] = digits[id->b[i] & 15];
    }
    out[2 * TARN_ID_BYTES] = '\0';
    return out;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool tarn_id_parse(const char *hex, size_t len, tarn_id *out)
{
    tarn_id id;

    if (len != 2 * TARN_ID_BYTES) return false;
    for (int i = 0; i < TARN_ID_BYTES; i++) {
        int a = hex_digit(hex[2 * i]), b = hex_digit(hex[2 * i + 1]);
        if (a < 0 || b < 0) return false;
        id.b[i] = (uint8_t)(a << 4 | b);
    }
    *out = id;
    return true;
}
