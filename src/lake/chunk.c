/* SPDX-License-Identifier: Apache-2.0 */
/* chunk.c - FastCDC with a gear hash and normalised chunking.
 *
 * h <- 2 h + gear[byte]. A border is where the top bits of h are zero: 18 of them before the usual
 * size, 14 after, so that sizes gather around it. The first TARN_CHUNK_LEAST bytes are skipped.
 *
 * Source: Xia et al., "FastCDC: a fast and efficient content-defined chunking approach for data
 * deduplication", USENIX ATC 2016.
 */
#include "lake/chunk.h"

enum { HARD_SHIFT = 64 - 18, EASY_SHIFT = 64 - 14 };

void tarn_gear_init(tarn_gear *gear)
{
    uint64_t x = 0x7461726E6C616B65u; /* "tarnlake" */

    for (int i = 0; i < 256; i++) { /* splitmix64 */
        uint64_t z = (x += 0x9E3779B97F4A7C15u);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        gear->of[i] = z ^ (z >> 31);
    }
}

/* From byte `from` to `to` of what is left: the length of the chunk if it ends there, else 0. Four bytes at a time: the
 * table's numbers are added to each other beside the sum that waits for itself. */
static size_t border_in(const tarn_gear *gear, const uint8_t *bytes, size_t from, size_t to, uint64_t below,
                        uint64_t *hash)
{
    uint64_t h = *hash;
    size_t i = from;

    for (; i + 4 <= to; i += 4) {
        uint64_t g0 = gear->of[bytes[i]], g2 = gear->of[bytes[i + 2]];
        uint64_t g01 = 2 * g0 + gear->of[bytes[i + 1]], g23 = 2 * g2 + gear->of[bytes[i + 3]];
        uint64_t h2 = 4 * h + g01;
        if (2 * h + g0 < below) return i + 1;
        if (h2 < below) return i + 2;
        if (2 * h2 + g2 < below) return i + 3;
        h = 4 * h2 + g23;
        if (h < below) return i + 4;
    }
    for (; i < to; i++) {
        h = 2 * h + gear->of[bytes[i]];
        if (h < below) return i + 1;
    }
    *hash = h;
    return 0;
}

size_t tarn_chunk_cut(const tarn_gear *gear, const uint8_t *bytes, size_t len)
{
    size_t most = len < TARN_CHUNK_MOST ? len : TARN_CHUNK_MOST;
    size_t usual = most < TARN_CHUNK_USUAL ? most : TARN_CHUNK_USUAL;
    uint64_t h = 0;

    if (len <= TARN_CHUNK_LEAST) return len;
    size_t n = border_in(gear, bytes, TARN_CHUNK_LEAST, usual, (uint64_t)1 << HARD_SHIFT, &h);
    if (n == 0) n = border_in(gear, bytes, usual, most, (uint64_t)1 << EASY_SHIFT, &h);
    return n > 0 ? n : most;
}
