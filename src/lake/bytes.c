/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.c - checksums and varints. See bytes.h. */
#include "lake/bytes.h"

#include <immintrin.h>

uint32_t tarn_crc32c(uint32_t crc, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint64_t c = ~crc;

    for (; len >= 8; p += 8, len -= 8) {
        uint64_t x;
        memcpy(&x, p, 8);
        c = _mm_crc32_u64(c, x);
    }
    for (; len > 0; p++, len--) c = _mm_crc32_u8((uint32_t)c, *p);
    return ~(uint32_t)c;
}

uint64_t tarn_mix64(uint64_t salt, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint64_t h = (salt + 0x9E3779B97F4A7C15u) ^ (len * 0xD6E8FEB86659FD93u);

    for (; len > 0;) {
        uint8_t last[8] = {0};
        size_t n = len < 8 ? len : 8;
        memcpy(last, p, n);
        h = (h ^ tarn_get64(last)) * 0xFF51AFD7ED558CCDu;
        h ^= h >> 32;
        p += n;
        len -= n;
    }
    h = (h ^ (h >> 29)) * 0xC4CEB9FE1A85EC53u;
    return h ^ (h >> 32);
}

uint64_t tarn_take_varint(tarn_cursor *c)
{
    uint64_t x = 0;

    for (int shift = 0; shift < 64; shift += 7) {
        uint8_t b = *tarn_take(c, 1);
        if (c->bad) return 0;
        if (shift == 63 && b > 1) break;
        x |= (uint64_t)(b & 127) << shift;
        if (b & 128) continue;
        if (b == 0 && shift > 0) break;
        return x;
    }
    c->bad = true;
    return 0;
}

size_t tarn_put_varint(uint8_t *p, uint64_t x)
{
    size_t n = 0;

    for (; x >= 128; x >>= 7) p[n++] = (uint8_t)(x | 128);
    p[n++] = (uint8_t)x;
    return n;
}
