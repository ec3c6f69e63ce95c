/* SPDX-License-Identifier: Apache-2.0 */
/* chunk.h - where content is cut, so that an insertion moves few borders.
 *
 * The parameters belong to the format version: changing one changes which chunks equal content gives.
 */
#ifndef TARN_LAKE_CHUNK_H
#define TARN_LAKE_CHUNK_H

#include <stddef.h>
#include <stdint.h>

enum {
    TARN_CHUNK_LEAST = 8 << 10,
    TARN_CHUNK_USUAL = 64 << 10,
    TARN_CHUNK_MOST = 128 << 10 /* content up to this size is one chunk */
};

typedef struct tarn_gear {
    uint64_t of[256];
} tarn_gear;

/* Fill the table of random numbers, one for each byte value; the same in every process. */
void tarn_gear_init(tarn_gear *gear);

/* Length of the first chunk of len bytes (1 .. TARN_CHUNK_MOST, or len where less). The border depends on
 * the first TARN_CHUNK_MOST bytes at most: give that many, or all that are left. */
size_t tarn_chunk_cut(const tarn_gear *gear, const uint8_t *bytes, size_t len);

#endif
