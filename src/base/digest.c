/* SPDX-License-Identifier: Apache-2.0 */
/* digest.c - SHA-256, HMAC-SHA256 and MD5 by OpenSSL; SHA-256 in pieces and of many by sha256.h where it can. See
 * digest.h. */
#include "base/digest.h"

#include "base/mem.h"
#include "base/sha256.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>

struct tarn_hasher {
    EVP_MD_CTX *ctx; /* NULL: own */
    tarn_sha256 own;
};

tarn_code tarn_digest(const void *bytes, size_t len, tarn_id *out, tarn_err *err)
{
    if (tarn_sha256_here()) { /* OpenSSL looks its own up at every call, which takes as long as a kilobyte */
        tarn_sha256 own;
        tarn_sha256_init(&own);
        tarn_sha256_add(&own, bytes, len);
        tarn_sha256_end(&own, out->b);
        return TARN_OK;
    }
    if (!SHA256(bytes, len, out->b)) return TARN_FAIL(err, TARN_NOMEM, "cannot compute SHA-256 of %zu bytes", len);
    return TARN_OK;
}

tarn_code tarn_hasher_new(tarn_hasher **out, tarn_err *err)
{
    return tarn_hasher_new_other(TARN_HASH_SHA256, out, err);
}

tarn_code tarn_hasher_new_other(tarn_hash hash, tarn_hasher **out, tarn_err *err)
{
    const EVP_MD *md = hash == TARN_HASH_MD5 ? EVP_md5() : hash == TARN_HASH_SHA1 ? EVP_sha1() : EVP_sha256();
    tarn_code rc = tarn_alloc(out, 1, sizeof **out, err);

    if (rc != TARN_OK) return rc;
    tarn_sha256_init(&(*out)->own);
    if (hash == TARN_HASH_SHA256 && tarn_sha256_here()) return TARN_OK;
    (*out)->ctx = EVP_MD_CTX_new();
    if ((*out)->ctx && EVP_DigestInit_ex((*out)->ctx, md, NULL) == 1) return TARN_OK;
    tarn_hasher_free(*out);
    *out = NULL;
    return TARN_FAIL(err, TARN_NOMEM, "cannot start %s", EVP_MD_get0_name(md));
}

tarn_code tarn_hasher_add(tarn_hasher *h, const void *bytes, size_t len, tarn_err *err)
{
    if (!h->ctx) tarn_sha256_add(&h->own, bytes, len);
    else if (EVP_DigestUpdate(h->ctx, bytes, len) != 1) return TARN_FAIL(err, TARN_NOMEM, "cannot compute SHA-256");
    return TARN_OK;
}

tarn_code tarn_hasher_end(tarn_hasher *h, tarn_id *out, tarn_err *err)
{
    if (!h->ctx) tarn_sha256_end(&h->own, out->b);
    else if (EVP_DigestFinal_ex(h->ctx, out->b, NULL) != 1) return TARN_FAIL(err, TARN_NOMEM, "cannot finish SHA-256");
    return TARN_OK;
}

tarn_code tarn_hasher_end_other(tarn_hasher *h, uint8_t out[TARN_ID_BYTES], size_t *len, tarn_err *err)
{
    unsigned n = TARN_ID_BYTES;

    if (!h->ctx) tarn_sha256_end(&h->own, out);
    else if (EVP_DigestFinal_ex(h->ctx, out, &n) != 1) return TARN_FAIL(err, TARN_NOMEM, "cannot finish a digest");
    *len = n;
    return TARN_OK;
}

void tarn_hasher_free(tarn_hasher *h)
{
    if (!h) return;
    EVP_MD_CTX_free(h->ctx);
    tarn_free(h);
}

static tarn_code one_by_one(const tarn_stretch *in, size_t n, tarn_hasher *whole, tarn_id *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (size_t i = 0; i < n && rc == TARN_OK; i++) {
        if (whole) rc = tarn_hasher_add(whole, in[i].bytes, in[i].len, err);
        if (rc == TARN_OK) rc = tarn_digest(in[i].bytes, in[i].len, &out[i], err);
    }
    return rc;
}

enum { AT_ONCE = 32 };

/* The longest first, so that both lanes end at about the same time. */
static void by_length(const tarn_stretch *in, size_t n, uint8_t order[AT_ONCE])
{
    for (size_t i = 0; i < n; i++) {
        size_t k = i;
        for (; k > 0 && in[order[k - 1]].len < in[i].len; k--) order[k] = order[k - 1];
        order[k] = (uint8_t)i;
    }
}

static void some_at_once(const tarn_stretch *in, size_t n, tarn_hasher *whole, tarn_id *out)
{
    const void *bytes[AT_ONCE];
    size_t len[AT_ONCE];
    uint8_t order[AT_ONCE];
    tarn_id ids[AT_ONCE];

    for (size_t i = 0; i < n; i++) order[i] = (uint8_t)i;
    if (!whole) by_length(in, n, order);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = in[order[i]].bytes;
        len[i] = in[order[i]].len;
    }
    tarn_sha256_each(whole ? &whole->own : NULL, bytes, len, n, ids[0].b);
    for (size_t i = 0; i < n; i++) out[order[i]] = ids[i];
}

tarn_code tarn_digest_each(const tarn_stretch *in, size_t n, tarn_hasher *whole, tarn_id *out, tarn_err *err)
{
    if ((whole && whole->ctx) || !tarn_sha256_here()) return one_by_one(in, n, whole, out, err);
    for (size_t from = 0; from < n; from += AT_ONCE)
        some_at_once(in + from, n - from < AT_ONCE ? n - from : AT_ONCE, whole, out + from);
    return TARN_OK;
}

tarn_code tarn_hmac(const void *key, size_t key_len, const void *bytes, size_t len, tarn_id *out, tarn_err *err)
{
    if (key_len > INT32_MAX) return TARN_FAIL(err, TARN_LIMIT, "a key of %zu bytes is too long for HMAC", key_len);
    if (!HMAC(EVP_sha256(), key_len ? key : "", (int)key_len, bytes, len, out->b, NULL))
        return TARN_FAIL(err, TARN_NOMEM, "cannot compute HMAC-SHA256");
    return TARN_OK;
}

tarn_code tarn_hmac_sha1(const void *key, size_t key_len, const void *bytes, size_t len, uint8_t out[20], tarn_err *err)
{
    if (key_len > INT32_MAX) return TARN_FAIL(err, TARN_LIMIT, "a key of %zu bytes is too long for HMAC", key_len);
    if (!HMAC(EVP_sha1(), key_len ? key : "", (int)key_len, bytes, len, out, NULL))
        return TARN_FAIL(err, TARN_NOMEM, "cannot compute HMAC-SHA1");
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
