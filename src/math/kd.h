/* SPDX-License-Identifier: Apache-2.0 */
/* kd.h - stored rows of few columns in a tree of boxes, so that the nearest are found without looking at all.
 *
 * Rows are sorted so that each leaf holds TARN_KD_LEAF of them side by side; leaves are halved, by the column that is
 * widest, until one is left, so that the shape of the tree follows from their number alone. Inner nodes stand in
 * preorder: of a node over m leaves the left child has m / 2 leaves and is the next node (or a leaf), the right child
 * is m / 2 nodes on.
 *
 * Found are the same rows as by looking at all of them: distances are sums over the columns in their order with fused
 * multiply-add, and the distance to a box is worked out likewise, from differences that are no larger.
 */
#ifndef TARN_MATH_KD_H
#define TARN_MATH_KD_H

#include "base/err.h"
#include "base/pool.h"
#include "math/near.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { TARN_KD_LEAF = 16, TARN_KD_COLUMNS = 16 };

typedef struct tarn_kd_split {
    double left_most, right_least; /* of the column, over the rows of either side */
} tarn_kd_split;

/* leaves = rows / TARN_KD_LEAF rounded up. Spare places of the last leaf repeat its last row, with the same number. */
typedef struct tarn_kd {
    tarn_metric metric;  /* not cosine */
    size_t rows, d;      /* d: 1 .. TARN_KD_COLUMNS */
    const float *narrow; /* (leaves, d, TARN_KD_LEAF): this or wide */
    const double *wide;
    const uint32_t *number;     /* (leaves, TARN_KD_LEAF) of the rows, as they are told and break ties */
    const tarn_kd_split *split; /* (leaves - 1) */
    const uint32_t *column;     /* (leaves - 1) below d */
} tarn_kd;

static inline size_t tarn_kd_leaves(size_t rows) { return (rows + TARN_KD_LEAF - 1) / TARN_KD_LEAF; }

/* Sort rows and make splits. row (rows, d + 1): the columns, then the row's number; in, and out in order of the leaves.
 * split, column (leaves - 1). The same for any pool. */
TARN_MUST tarn_code tarn_kd_build(size_t rows, size_t d, double *row, tarn_kd_split *split, uint32_t *column,
                                  tarn_pool *pool, tarn_err *err);

/* The nearest to row i of those asked about. */
void tarn_kd_search(const tarn_kd *t, const tarn_asked *q, size_t i, tarn_best *best);

#ifdef __cplusplus
}
#endif
#endif
