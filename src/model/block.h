/* SPDX-License-Identifier: Apache-2.0 */
/* block.h - how a model stands in its bytes. Private to model.
 *
 * A block is a head, then sections one after another in the order of tarn_block_layout, each beginning at a multiple
 * of 8; where they begin follows from the counts in the head, so there is nothing to get wrong. All numbers are
 * little-endian, gaps are zero, and everything has one way to be written: equal models are equal bytes. Strings are
 * UTF-8 with a NUL behind, packed in the order in which they are named: target, inputs, levels, classes.
 *
 * Any change to what is below is a new TARN_BLOCK_VERSION.
 */
#ifndef TARN_MODEL_BLOCK_H
#define TARN_MODEL_BLOCK_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TARN_BLOCK_MAGIC "TARNMDL1"

enum {
    TARN_BLOCK_VERSION = 1,
    TARN_BLOCK_INPUTS = 1 << 16,    /* at most */
    TARN_BLOCK_NODES = 1 << 16,     /* at most */
    TARN_BLOCK_REGISTERS = 1 << 20, /* at most */
    TARN_BLOCK_SUMMED_FROM = 40     /* the checksum covers all from this byte on, seeded with the length */
};

typedef struct tarn_block_string {
    uint32_t at, len; /* in the strings; the NUL is not counted */
} tarn_block_string;

typedef struct tarn_block_head {
    char magic[8];
    uint32_t version, head_bytes;
    uint64_t length;            /* of the whole block */
    uint64_t sum_low, sum_high; /* XXH3, 128 bits */
    uint32_t task;
    uint32_t inputs, levels, classes, nodes, reads, registers, outputs;
    uint32_t importance; /* 0: none; 1: one double per input */
    uint32_t strings;    /* bytes */
    tarn_block_string target;
    double threshold;
    uint64_t data; /* bytes of payloads */
} tarn_block_head;

typedef struct tarn_block_input {
    tarn_block_string name;
    uint32_t kind, required;
    uint32_t first_level, levels; /* in the levels; 0, 0 unless CATEGORY */
    double least, most;
} tarn_block_input;

typedef struct tarn_block_node {
    uint32_t kind, n_in, n_out;
    uint32_t first_read; /* in the reads: registers */
    uint64_t at, len;    /* in the data; `at` is a multiple of 8 */
} tarn_block_node;

/* Offsets of the sections. */
typedef struct tarn_block_layout {
    uint64_t inputs;     /* tarn_block_input */
    uint64_t by_name;    /* uint32_t per input: inputs in order of their names */
    uint64_t levels;     /* tarn_block_string */
    uint64_t classes;    /* tarn_block_string */
    uint64_t nodes;      /* tarn_block_node */
    uint64_t reads;      /* uint32_t register */
    uint64_t outputs;    /* uint32_t register */
    uint64_t importance; /* double per input */
    uint64_t strings, data, end;
} tarn_block_layout;

_Static_assert(sizeof(tarn_block_head) == 104, "the head has no gaps");
_Static_assert(sizeof(tarn_block_input) == 40 && sizeof(tarn_block_node) == 32, "entries have no gaps");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a block is used as it stands");

/* A block seen through typed pointers. */
typedef struct tarn_block {
    const tarn_block_head *head;
    const tarn_block_input *inputs;
    const uint32_t *by_name;
    const tarn_block_string *levels, *classes;
    const tarn_block_node *nodes;
    const uint32_t *reads, *outputs;
    const double *importance; /* NULL: none */
    const char *strings;
    const unsigned char *data;
} tarn_block;

/* From the counts alone; cannot overflow when data is below 2^62. */
void tarn_block_layout_of(const tarn_block_head *head, tarn_block_layout *out);
/* Fill in what is known of any block (magic, version, length) and the checksum, when all else is written. */
void tarn_block_seal(void *bytes, uint64_t length);
/* Check everything except what is in nodes' payloads, and point into it. bytes is 8-byte aligned. Errors: TARN_CORRUPT
 * (names the place), TARN_UNSUPPORTED a newer version. */
TARN_MUST tarn_code tarn_block_open(const void *bytes, size_t len, tarn_block *out, tarn_err *err);

static inline const char *tarn_block_text(const tarn_block *b, tarn_block_string s) { return b->strings + s.at; }

/* Order of two texts: by bytes, a beginning before what it begins. */
static inline int tarn_bytes_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t both = a_len < b_len ? a_len : b_len;
    int order = both > 0 ? memcmp(a, b, both) : 0;

    return order ? order : (a_len > b_len) - (a_len < b_len);
}

#endif
