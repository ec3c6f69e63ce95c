/* SPDX-License-Identifier: Apache-2.0 */
/* hnsw.h - a graph of neighbours in levels, through which the nearest of many rows are found without looking at most.
 *
 * Nodes are rows that differ, in an order drawn at random; level 0 holds all of them, every further level the first
 * 1 / m of those below it. Each node has links to some near ones on each of its levels. A search walks down from node 0
 * to the nearest it finds on each level, and on level 0 keeps the `ef` nearest seen, going on from the nearest that it
 * has not gone on from, until there is none. What it finds depends on the graph and on the row asked about alone.
 *
 * Source: Malkov, Yashunin, IEEE Trans. Pattern Anal. Mach. Intell. 42(4), 2020 (arXiv 2016), algorithms 2 and 5.
 *
 * Threads: any, each with work of its own.
 */
#ifndef TARN_MATH_HNSW_H
#define TARN_MATH_HNSW_H

#include "math/sketch.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { TARN_HNSW_LEVELS = 16 };

/* Nodes 0 .. nodes-1. Those that node i has links to: link[start[i]] .. link[start[i + 1] - 1]; or, while a graph is
 * built (start is NULL), the first count[i] from link[i * width] on. */
typedef struct tarn_hnsw_level {
    uint32_t nodes;
    const uint32_t *start, *link;
    const uint16_t *count;
    size_t width;
} tarn_hnsw_level;

/* Sketches of all nodes; 1 to TARN_HNSW_LEVELS levels, of falling numbers of nodes; links of a level lead to nodes of
 * it. Fewer than 2^31 nodes. */
typedef struct tarn_hnsw {
    tarn_sketches sketches;
    uint32_t levels;
    tarn_hnsw_level level[TARN_HNSW_LEVELS];
} tarn_hnsw;

/* Memory of one search, for up to ef found of so many nodes. */
typedef struct tarn_hnsw_work {
    uint64_t *found; /* (ef + 1) key << 32 | node << 1, ascending; bit 0 is the search's own */
    size_t n, ef;
    uint64_t *seen; /* a bit for each node */
} tarn_hnsw_work;

/* Bytes for it, and how they are parted (8-byte aligned). */
size_t tarn_hnsw_work_bytes(size_t nodes, size_t ef);
void tarn_hnsw_work_set(tarn_hnsw_work *w, size_t nodes, size_t ef, void *bytes);
static inline uint32_t tarn_hnsw_node(uint64_t found) { return (uint32_t)found >> 1; }
static inline uint32_t tarn_hnsw_key(uint64_t found) { return (uint32_t)(found >> 32); }

/* The nearest on level `at` of those linked from w->found, up to ef of them, into w->found. */
void tarn_hnsw_walk(const tarn_hnsw *g, uint32_t at, const unsigned char *sketch, size_t ef, tarn_hnsw_work *w);
/* From node 0 down to, not through, level `to`: one node in w->found. */
void tarn_hnsw_descend(const tarn_hnsw *g, uint32_t to, const unsigned char *sketch, tarn_hnsw_work *w);

/* The nearest nodes to a sketch, up to ef (at most w->ef) of them; all, in order, if there are no more than that. */
void tarn_hnsw_search(const tarn_hnsw *g, const unsigned char *sketch, size_t ef, tarn_hnsw_work *w);

/* Put an entry where it belongs in w->found, if it is among the ef least; returns where, or ef if it is not. */
size_t tarn_hnsw_put(tarn_hnsw_work *w, size_t ef, uint64_t entry);

/* A graph and the rows behind it. Node i stands for rows member[first[i]] .. member[first[i + 1] - 1], ascending, all
 * the same. */
typedef struct tarn_hnsw_index {
    tarn_hnsw graph;
    tarn_near near;
    const uint32_t *first, *member;
} tarn_hnsw_index;

/* What is in w->found is measured exactly: its rows nearest to x (d) go into best, a list with its k. */
void tarn_hnsw_rank(const tarn_hnsw_index *index, const double *x, const tarn_hnsw_work *w, tarn_best *best);

#ifdef __cplusplus
}
#endif
#endif
