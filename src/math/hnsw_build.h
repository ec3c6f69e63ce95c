/* SPDX-License-Identifier: Apache-2.0 */
/* hnsw_build.h - making the graph of hnsw.h, the same for any number of threads.
 *
 * Nodes come in batches of 2 % of what is in. Every node of a batch is looked for in the graph as it was before the
 * batch, by any thread; then the links back to them are entered, node by node, in the order of those that they lead to.
 * So nothing depends on who comes first.
 *
 * Source: as hnsw.h; the batches: Manohar et al., "ParlayANN", PPoPP 2024, section 3.1.
 */
#ifndef TARN_MATH_HNSW_BUILD_H
#define TARN_MATH_HNSW_BUILD_H

#include "base/pool.h"
#include "base/sink.h"
#include "math/hnsw.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { TARN_HNSW_LEAST_M = 2, TARN_HNSW_MOST_M = 256 };

typedef struct tarn_hnsw_build tarn_hnsw_build;

/* A graph without nodes, for `nodes` (1 or more) whose sketches are at sketches->row. m: how many links a node has of
 * its own on each level; twice as many on level 0 with those back. ef: how many are looked at to choose them.
 * sketches->low and ->row must live as long. */
TARN_MUST tarn_code tarn_hnsw_build_new(const tarn_sketches *sketches, size_t nodes, size_t m, size_t ef,
                                        tarn_hnsw_build **out, tarn_err *err);
void tarn_hnsw_build_free(tarn_hnsw_build *b);

/* Put in nodes up to, not including, `end`; those put in before stay. Errors: TARN_CANCELLED, TARN_NOMEM. */
TARN_MUST tarn_code tarn_hnsw_build_add(tarn_hnsw_build *b, size_t end, tarn_pool *pool, const tarn_sink *sink,
                                        tarn_err *err);

/* What is in, to be searched; until the next call with b. Nodes that are not in yet are in no list. */
void tarn_hnsw_build_view(const tarn_hnsw_build *b, tarn_hnsw *out);

/* Once all are in: links so that every node is found from node 0 on level 0, which pruning may have undone. */
TARN_MUST tarn_code tarn_hnsw_build_join(tarn_hnsw_build *b, tarn_err *err);

/* All lists one after another, level by level: how many lists and links; then start (lists + 1) and link. */
void tarn_hnsw_build_size(const tarn_hnsw_build *b, size_t *lists, size_t *links);
void tarn_hnsw_build_pack(const tarn_hnsw_build *b, uint32_t *start, uint32_t *link);

#ifdef __cplusplus
}
#endif
#endif
