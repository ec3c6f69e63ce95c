/* SPDX-License-Identifier: Apache-2.0 */
/* crc.c - checks by table, eight bytes at a time. See crc.h.
 *
 * All three are reflected: the polynomial's lowest power is the highest bit. Table k holds the check of a byte that is
 * followed by k zero bytes, so eight bytes are eight look-ups that do not wait for each other. The tables are made with
 * the check (a few microseconds), since a program of three polynomials rarely needs more than one.
 *
 * Source: M. E. Kounavis, F. L. Berry, "A systematic approach to building high performance software-based CRC
 * generators", ISCC 2005. */
#include "base/crc.h"

#include "base/mem.h"

#include <string.h>

enum { SLICES = 8 };

struct tarn_crc {
    uint64_t value, start; /* as they are before the last inversion */
    uint64_t table[SLICES][256];
};

static const uint64_t polynomials[] = {
    [TARN_CRC32] = 0xedb88320u, [TARN_CRC32C] = 0x82f63b78u, [TARN_CRC64NVME] = 0x9a6c9329ac4bc9b5u};

tarn_code tarn_crc_new(tarn_crc_kind kind, tarn_crc **out, tarn_err *err)
{
    tarn_code rc = tarn_alloc(out, 1, sizeof **out, err);

    if (rc != TARN_OK) return rc;
    tarn_crc *c = *out;
    c->value = c->start = kind == TARN_CRC64NVME ? UINT64_MAX : UINT32_MAX;
    for (unsigned i = 0; i < 256; i++) {
        uint64_t v = i;
        for (int bit = 0; bit < 8; bit++) v = (v >> 1) ^ (v & 1 ? polynomials[kind] : 0);
        c->table[0][i] = v;
    }
    for (int k = 1; k < SLICES; k++)
        for (unsigned i = 0; i < 256; i++)
            c->table[k][i] = (c->table[k - 1][i] >> 8) ^ c->table[0][c->table[k - 1][i] & 255];
    return TARN_OK;
}

void tarn_crc_add(tarn_crc *c, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint64_t v = c->value, w;

    for (; len >= SLICES; len -= SLICES, p += SLICES) {
        memcpy(&w, p, sizeof w); /* little-endian, as the reflected check has it */
        w ^= v;
        v = 0;
        for (int k = 0; k < SLICES; k++) v ^= c->table[SLICES - 1 - k][(w >> (8 * k)) & 255];
    }
    for (; len > 0; len--, p++) v = (v >> 8) ^ c->table[0][(v ^ *p) & 255];
    c->value = v;
}

uint64_t tarn_crc_value(const tarn_crc *c) { return c->value ^ c->start; }

void tarn_crc_free(tarn_crc *c) { tarn_free(c); }
