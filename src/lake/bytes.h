/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.h - little-endian numbers, varints and checksums of the lake's own formats.
 *
 * All reading is bounded: a cursor knows its end and remembers the first failure, so that a parser of
 * foreign bytes may read field after field and ask once.
 */
#ifndef TARN_LAKE_BYTES_H
#define TARN_LAKE_BYTES_H

#include "base/digest.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void tarn_put16(uint8_t *p, uint16_t x)
{
    p[0] = (uint8_t)x;
    p[1] = (uint8_t)(x >> 8);
}

static inline void tarn_put32(uint8_t *p, uint32_t x)
{
    tarn_put16(p, (uint16_t)x);
    tarn_put16(p + 2, (uint16_t)(x >> 16));
}

static inline void tarn_put64(uint8_t *p, uint64_t x)
{
    tarn_put32(p, (uint32_t)x);
    tarn_put32(p + 4, (uint32_t)(x >> 32));
}

static inline uint16_t tarn_get16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static inline uint32_t tarn_get32(const uint8_t *p) { return tarn_get16(p) | (uint32_t)tarn_get16(p + 2) << 16; }
static inline uint64_t tarn_get64(const uint8_t *p) { return tarn_get32(p) | (uint64_t)tarn_get32(p + 4) << 32; }

/* CRC-32C (Castagnoli) of the bytes, going on from crc (0 at the start). */
uint32_t tarn_crc32c(uint32_t crc, const void *bytes, size_t len);

/* Well mixed 64 bits of the bytes and a salt; pinned by the format version, since tree borders come from it. */
uint64_t tarn_mix64(uint64_t salt, const void *bytes, size_t len);

/* Reading foreign bytes: every call past the end sets `bad` and gives zeros. */
typedef struct tarn_cursor {
    const uint8_t *at, *end;
    bool bad;
} tarn_cursor;

static inline const uint8_t *tarn_take(tarn_cursor *c, size_t n)
{
    static const uint8_t zeros[64];

    if (c->bad || (size_t)(c->end - c->at) < n) {
        c->bad = true;
        return n <= sizeof zeros ? zeros : NULL;
    }
    const uint8_t *p = c->at;
    c->at += n;
    return p;
}

static inline void tarn_take_id(tarn_cursor *c, tarn_id *id)
{
    memcpy(id->b, tarn_take(c, TARN_ID_BYTES), TARN_ID_BYTES);
}

/* LEB128, at most 10 bytes, shortest form only. */
uint64_t tarn_take_varint(tarn_cursor *c);
/* Bytes written (at most 10). */
size_t tarn_put_varint(uint8_t *p, uint64_t x);

#endif
