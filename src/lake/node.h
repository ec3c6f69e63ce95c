/* SPDX-License-Identifier: Apache-2.0 */
/* node.h - the nodes of a path tree: bytes, borders, and a cache of decoded ones.
 *
 *     "TARNNOD1", level u8, 3 zeros, n u32, key bytes u32 (all keys together)
 *     n x { shared varint (bytes of the key before), rest varint, rest bytes, then
 *           level 0: flags u8 (1: recipe, 2: attrs), object 32, size varint [, recipe 32] [, attrs 32]
 *           above:   node 32, paths varint }
 *
 * Keys ascend strictly. Above the leaves a key is the last key below it.
 *
 * A node ends after a key whose hash (salted by level) falls under a threshold that grows with the weight of
 * the node so far, weight being key length + 40 an item: never under 512, at 16 KiB in any case, 4 KiB on
 * average. So borders depend on the keys alone: a changed value never moves one, and the same set of paths gives
 * the same nodes whatever the order of writes.
 */
#ifndef TARN_LAKE_NODE_H
#define TARN_LAKE_NODE_H

#include "base/str.h"
#include "lake/inside.h"

#include <stdatomic.h>

enum { TARN_TREE_LEVELS = 40, TARN_NODE_MOST = 64 << 10, TARN_KEY_MOST = 1024 };

typedef struct tarn_item {
    const char *key; /* not NUL-terminated */
    uint32_t len;
    tarn_id id;            /* of the object, or of the node below */
    uint64_t size;         /* of the object, or paths below */
    tarn_id recipe, attrs; /* leaves */
} tarn_item;

/* Immutable and counted. */
typedef struct tarn_node {
    atomic_int users;
    tarn_id id;
    int level;
    uint32_t n;
    uint64_t paths;
    tarn_item items[]; /* and the bytes of the keys behind them */
} tarn_node;

int tarn_key_compare(const char *a, size_t a_len, const char *b, size_t b_len);

/* Check and decode foreign bytes. Release with tarn_node_release. */
TARN_MUST tarn_code tarn_node_decode(const uint8_t *bytes, size_t len, tarn_node **out, tarn_err *err);
/* The node of that id, from the cache or the store. The none id gives an empty leaf. */
TARN_MUST tarn_code tarn_node_load(tarn_lake *lake, const tarn_id *id, tarn_node **out, tarn_err *err);
void tarn_node_release(tarn_node *node);
/* First item whose key is not below `key`; node->n: none. */
uint32_t tarn_node_search(const tarn_node *node, const char *key, size_t len);

typedef struct tarn_node_cache tarn_node_cache;
TARN_MUST tarn_code tarn_node_cache_new(tarn_node_cache **out, tarn_err *err);
void tarn_node_cache_free(tarn_node_cache *cache);

/* A node being written. Start with {.level = l}; clear at the end. */
typedef struct tarn_node_writer {
    int level;
    bool keep; /* in the cache: it will soon be read */
    uint32_t n;
    uint64_t weight, paths;
    uint32_t key_bytes;
    char last[TARN_KEY_MOST];
    uint32_t last_len;
    tarn_text bytes; /* room for the head, then items */
} tarn_node_writer;

/* Add the next item; *border: the node ends here. */
TARN_MUST tarn_code tarn_node_add(tarn_node_writer *w, const tarn_item *item, bool *border, tarn_err *err);
/* Store the node, and start the next one. */
TARN_MUST tarn_code tarn_node_end(tarn_node_writer *w, tarn_lake *lake, tarn_id *id, tarn_err *err);
void tarn_node_writer_clear(tarn_node_writer *w);

#endif
