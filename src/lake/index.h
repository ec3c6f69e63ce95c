/* SPDX-License-Identifier: Apache-2.0 */
/* index.h - sorted ids and where their records are: of one pack, or of many (a run).
 *
 * An index is a block of bytes that is used where it lies, mapped or read: nothing is decoded at
 * opening, whose cost depends on the fan-out table alone. Each bucket of the fan-out has a checksum,
 * which is checked the first time the bucket is used.
 *
 *     header   "TARNIDX1", n u32, fan bits u32, crc u32 of header and fan, 12 zeros
 *     fan      2^bits x { end u32, crc u32 }: ids whose first `bits` bits are b stand in end[b-1] .. end[b]
 *     ids      n x 32, ascending
 *     places   n x 20
 *
 * Threads: looking is any (the marks of checked buckets are atomic).
 */
#ifndef TARN_LAKE_INDEX_H
#define TARN_LAKE_INDEX_H

#include "base/digest.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* What a record holds; the number is in the pack format. */
typedef enum tarn_kind {
    TARN_KIND_CHUNK = 1, /* content */
    TARN_KIND_LIST,      /* the chunks of an object: the one kind whose id is not the hash of its bytes */
    TARN_KIND_PART,      /* a part of a long list */
    TARN_KIND_NODE,      /* of a path tree */
    TARN_KIND_COMMIT,
    TARN_KIND_COUNT
} tarn_kind;

/* Where a record is. */
typedef struct tarn_where {
    uint32_t pack;        /* its number in the metadata; 0 in a pack's own index */
    uint32_t offset;      /* of the record's header in the pack */
    uint32_t stored, raw; /* bytes as stored, and as they are */
    uint8_t kind, coding;
} tarn_where;

typedef struct tarn_indexed {
    tarn_id id;
    tarn_where where;
} tarn_indexed;

/* The bytes of the index of the entries, which get sorted; of equal ids the first stays. tarn_free(*out). */
TARN_MUST tarn_code tarn_index_build(tarn_indexed *entries, size_t n, uint8_t **out, size_t *len, tarn_err *err);

/* The number of entries of an index that was just built. */
uint32_t tarn_index_count(const uint8_t *bytes);

typedef struct tarn_index {
    const uint8_t *bytes; /* borrowed */
    size_t len;
    uint32_t n;
    int bits;
    atomic_uchar *checked; /* one mark a bucket */
} tarn_index;

/* Check header and fan-out. `name` is for messages here and below. */
TARN_MUST tarn_code tarn_index_open(tarn_index *index, const uint8_t *bytes, size_t len, const char *name,
                                    tarn_err *err);
void tarn_index_close(tarn_index *index);

TARN_MUST tarn_code tarn_index_find(const tarn_index *index, const tarn_id *id, const char *name, tarn_where *out,
                                    bool *found, tarn_err *err);
/* The number of the first id that is not below `id` (n: none). */
TARN_MUST tarn_code tarn_index_seek(const tarn_index *index, const tarn_id *id, const char *name, uint32_t *at,
                                    tarn_err *err);
/* The i-th entry; TARN_CORRUPT if its bucket is damaged. */
TARN_MUST tarn_code tarn_index_at(const tarn_index *index, uint32_t i, const char *name, tarn_indexed *out,
                                  tarn_err *err);

#endif
