/* SPDX-License-Identifier: Apache-2.0 */
/* tree_leafwise.h - grow one tree after another on packed gradients, always splitting the leaf that gains most.
 *
 * All ranks grow the same tree: each adds the histogram of its own rows, and decides on the sum of all.
 *
 * Calls, in order: tarn_leafwise_new, (tarn_leafwise_grow, [tarn_leafwise_refit], tarn_leafwise_add)*,
 * tarn_leafwise_free. new makes no collective call: callers agree afterwards. grow and refit can then fail only for all
 * ranks together.
 */
#ifndef TARN_TRAIN_TREE_LEAFWISE_H
#define TARN_TRAIN_TREE_LEAFWISE_H

#include "train/tree_split.h"

typedef struct tarn_leafwise tarn_leafwise;

typedef struct tarn_leafwise_shape {
    int32_t leaves;    /* at most, >= 2 */
    int32_t depth;     /* at most; 0: no limit */
    double shrink;     /* leaf values are -shrink G / (H + l2) */
    bool count_splits; /* importance counts splits, instead of adding their gains */
} tarn_leafwise_shape;

/* job, bins, rows are borrowed until free; rows needs both layouts. */
TARN_MUST tarn_code tarn_leafwise_new(const tarn_fit *job, const tarn_bins *bins, const tarn_binned *rows,
                                      const tarn_pack *pack, tarn_leafwise_shape shape, tarn_leafwise **out,
                                      tarn_err *err);
void tarn_leafwise_free(tarn_leafwise *w);

/* packed (rows) this rank's; a row of 0 takes no part. use: which features to try. gain[cols] is added to. */
TARN_MUST tarn_code tarn_leafwise_grow(tarn_leafwise *w, const int64_t *packed, const tarn_split_rules *rules,
                                       const tarn_hist_use *use, double *gain, tarn_err *err);
/* Make each leaf's value shrink times the weighted `level`-quantile of y - score over its rows that took part: the
 * least residual that has at least that share of the weight at or below it. weight may be NULL; most_weight is the
 * largest over all ranks. Bounds of monotone columns are kept.
 *
 * Cost: eight passes over the rows */
TARN_MUST tarn_code tarn_leafwise_refit(tarn_leafwise *w, const double *y, const double *weight, double most_weight,
                                        const double *score, double level, tarn_err *err);
/* The tree that was grown; valid until the next grow. */
const tarn_tree *tarn_leafwise_tree(const tarn_leafwise *w);
/* score[row] += the tree's value, for every row of this rank. */
TARN_MUST tarn_code tarn_leafwise_add(tarn_leafwise *w, double *score, tarn_err *err);

#endif
