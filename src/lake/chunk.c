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

size_t tarn_chunk_cut(const tarn_gear *gear, const uint8_t *bytes, size_t len)
{
    size_t most = len < TARN_CHUNK_MOST ? len : TARN_CHUNK_MOST;
    size_t usual = most < TARN_CHUNK_USUAL ? most : TARN_CHUNK_USUAL;
    size_t i = TARN_CHUNK_LEAST;
    uint64_t h = 0;

    if (len <= TARN_CHUNK_LEAST) return len;
    for (; i < usual; i++) {
        h = (h << 1) + gear->of[bytes[i]];
        if (h >> HARD_SHIFT == 0) return i + 1;
    }
    for (; i < most; i++) {
        h = (h << 1) + gear->of[bytes[i]];
        if (h >> EASY_SHIFT == 0) return i + 1;
    }
    return most;
}
