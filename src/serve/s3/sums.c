/* SPDX-License-Identifier: Apache-2.0 */
/* sums.c - MD5 and one checksum of a stream. See sums.h. */
#include "serve/s3/sums.h"

#include "base/base64.h"
#include "base/crc.h"
#include "base/digest.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

typedef struct kind {
    const char *name;
    bool is_crc;
    tarn_crc_kind crc;
    tarn_hash hash;
    size_t len;
} kind;

static const kind kinds[] = {{"crc32", true, TARN_CRC32, TARN_HASH_SHA256, 4},
                             {"crc32c", true, TARN_CRC32C, TARN_HASH_SHA256, 4},
                             {"crc64nvme", true, TARN_CRC64NVME, TARN_HASH_SHA256, 8},
                             {"sha1", false, TARN_CRC32, TARN_HASH_SHA1, 20},
                             {"sha256", false, TARN_CRC32, TARN_HASH_SHA256, 32}};

struct tarn_sums {
    tarn_hasher *md5, *other;
    tarn_crc *crc;
    const kind *kind; /* NULL: none */
};

static const kind *kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, name) == 0) return &kinds[i];
    return NULL;
}

bool tarn_sums_knows(const char *name) { return kind_of(name) != NULL; }

/* ---- the door's calls ---- */

tarn_code tarn_sums_new(const char *name, tarn_sums **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_sums *s = NULL;

    TARN_TRY(tarn_alloc(&s, 1, sizeof *s, err));
    s->kind = kind_of(name);
    TARN_TRY(tarn_hasher_new_other(TARN_HASH_MD5, &s->md5, err));
    if (s->kind && s->kind->is_crc) TARN_TRY(tarn_crc_new(s->kind->crc, &s->crc, err));
    else if (s->kind) TARN_TRY(tarn_hasher_new_other(s->kind->hash, &s->other, err));
    *out = s;
    s = NULL;
done:
    tarn_sums_free(s);
    return rc;
}

tarn_code tarn_sums_add(tarn_sums *s, const void *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(tarn_hasher_add(s->md5, bytes, len, err));
    if (s->crc) tarn_crc_add(s->crc, bytes, len);
    if (s->other) TARN_TRY(tarn_hasher_add(s->other, bytes, len, err));
done:
    return rc;
}

static void hex_of(const uint8_t *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

tarn_code tarn_sums_end(tarn_sums *s, char md5[33], char checksum[48], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint8_t bytes[TARN_ID_BYTES];
    size_t len = 0;

    TARN_TRY(tarn_hasher_end_other(s->md5, bytes, &len, err));
    hex_of(bytes, 16, md5);
    checksum[0] = '\0';
    if (s->other) TARN_TRY(tarn_hasher_end_other(s->other, bytes, &len, err));
    if (s->crc) {
        len = s->kind->len;
        for (size_t i = 0; i < len; i++) bytes[i] = (uint8_t)(tarn_crc_value(s->crc) >> (8 * (len - 1 - i)));
    }
    if (s->kind) (void)tarn_base64_write(bytes, len, checksum);
done:
    return rc;
}

void tarn_sums_free(tarn_sums *s)
{
    if (!s) return;
    tarn_hasher_free(s->md5);
    tarn_hasher_free(s->other);
    tarn_crc_free(s->crc);
    tarn_free(s);
}

/* ---- of parts ---- */

static unsigned digit(char c) { return c >= 'a' ? (unsigned)(c - 'a') + 10 : (unsigned)(c - '0'); }

tarn_code tarn_sums_of_parts(const char *hexes, size_t n, char etag[48], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_sums *s = NULL;
    char md5[33], none[48];

    TARN_TRY(tarn_sums_new("", &s, err));
    for (size_t i = 0; i < n * 16; i++) {
        uint8_t b = (uint8_t)(digit(hexes[2 * i]) << 4 | digit(hexes[2 * i + 1]));
        TARN_TRY(tarn_sums_add(s, &b, 1, err));
    }
    TARN_TRY(tarn_sums_end(s, md5, none, err));
    (void)snprintf(etag, 48, "%s-%zu", md5, n);
done:
    tarn_sums_free(s);
    return rc;
}

tarn_code tarn_sums_of_checksums(const char *name, const char *const *sums, size_t n, char out[64], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_sums *s = NULL;
    char md5[33], sum[48];
    uint8_t bytes[TARN_ID_BYTES];
    size_t len = 0;

    TARN_TRY(tarn_sums_new(name, &s, err));
    for (size_t i = 0; i < n; i++) {
        rc = tarn_base64_read(sums[i], strlen(sums[i]), bytes, sizeof bytes, &len)
                 ? tarn_sums_add(s, bytes, len, err)
                 : TARN_FAIL(err, TARN_CORRUPT, "the checksum of a part is not base64");
        if (rc != TARN_OK) goto done;
    }
    TARN_TRY(tarn_sums_end(s, md5, sum, err));
    (void)snprintf(out, 64, "%s-%zu", sum, n);
done:
    tarn_sums_free(s);
    return rc;
}
