/* SPDX-License-Identifier: Apache-2.0 */
/* sums.c - MD5 and one checksum of a stream. See sums.h.
 *
 * MD5 runs at half the speed of SHA-256 here and cannot be split, so for much content a thread takes it: add copies
 * into a ring of blocks and waits only when all are full. */
#include "serve/s3/sums.h"

#include "base/base64.h"
#include "base/crc.h"
#include "base/digest.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 256 << 10, BLOCKS = 4 };

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
    bool threaded;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    char *block[BLOCKS];
    size_t len[BLOCKS];
    unsigned made, taken; /* blocks, since the beginning */
    bool over;
    tarn_err failed;
    size_t filling; /* bytes in the block being filled; the adder's own */
};

static const kind *kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, name) == 0) return &kinds[i];
    return NULL;
}

bool tarn_sums_knows(const char *name) { return kind_of(name) != NULL; }

/* ---- the thread ---- */

static void *work(void *arg)
{
    tarn_sums *s = arg;

    (void)pthread_mutex_lock(&s->lock);
    for (;;) {
        while (s->made == s->taken && !s->over) (void)pthread_cond_wait(&s->wake, &s->lock);
        if (s->made == s->taken) break;
        unsigned i = s->taken % BLOCKS;
        (void)pthread_mutex_unlock(&s->lock);
        tarn_err err = {0};
        tarn_code rc = s->failed.code == TARN_OK ? tarn_hasher_add(s->md5, s->block[i], s->len[i], &err) : TARN_OK;
        (void)pthread_mutex_lock(&s->lock);
        if (rc != TARN_OK) s->failed = err;
        s->taken++;
        (void)pthread_cond_signal(&s->wake);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void hand_over(tarn_sums *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->len[s->made % BLOCKS] = s->filling;
    s->made++;
    s->filling = 0;
    (void)pthread_cond_signal(&s->wake);
    while (s->made - s->taken == BLOCKS) (void)pthread_cond_wait(&s->wake, &s->lock);
    (void)pthread_mutex_unlock(&s->lock);
}

static void join(tarn_sums *s)
{
    if (!s->threaded) return;
    if (s->filling > 0) hand_over(s);
    (void)pthread_mutex_lock(&s->lock);
    s->over = true;
    (void)pthread_cond_signal(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
    (void)pthread_join(s->thread, NULL);
    (void)pthread_cond_destroy(&s->wake);
    (void)pthread_mutex_destroy(&s->lock);
    s->threaded = false;
}

/* Without memory or threads for it the work is done by the caller. */
static void start_thread(tarn_sums *s)
{
    for (int i = 0; i < BLOCKS; i++)
        if (tarn_alloc(&s->block[i], BLOCK, 1, NULL) != TARN_OK) return;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->wake, NULL);
    s->threaded = pthread_create(&s->thread, NULL, work, s) == 0;
    if (s->threaded) return;
    (void)pthread_cond_destroy(&s->wake);
    (void)pthread_mutex_destroy(&s->lock);
}

/* ---- the door's calls ---- */

tarn_code tarn_sums_new(const char *name, bool many, tarn_sums **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_sums *s = NULL;

    TARN_TRY(tarn_alloc(&s, 1, sizeof *s, err));
    s->kind = kind_of(name);
    TARN_TRY(tarn_hasher_new_other(TARN_HASH_MD5, &s->md5, err));
    if (s->kind && s->kind->is_crc) TARN_TRY(tarn_crc_new(s->kind->crc, &s->crc, err));
    else if (s->kind) TARN_TRY(tarn_hasher_new_other(s->kind->hash, &s->other, err));
    if (many) start_thread(s);
    *out = s;
    s = NULL;
done:
    tarn_sums_free(s);
    return rc;
}

static void add_to_thread(tarn_sums *s, const char *bytes, size_t len)
{
    while (len > 0) {
        size_t n = len < BLOCK - s->filling ? len : BLOCK - s->filling;
        memcpy(s->block[s->made % BLOCKS] + s->filling, bytes, n);
        s->filling += n;
        bytes += n;
        len -= n;
        if (s->filling == BLOCK) hand_over(s);
    }
}

tarn_code tarn_sums_add(tarn_sums *s, const void *bytes, size_t len, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (s->threaded) add_to_thread(s, bytes, len);
    else TARN_TRY(tarn_hasher_add(s->md5, bytes, len, err));
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

    join(s);
    if (s->failed.code != TARN_OK) return TARN_FAIL(err, s->failed.code, "%s", s->failed.msg);
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
    join(s);
    for (int i = 0; i < BLOCKS; i++) tarn_free(s->block[i]);
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

    TARN_TRY(tarn_sums_new("", false, &s, err));
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

    TARN_TRY(tarn_sums_new(name, false, &s, err));
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
