/* SPDX-License-Identifier: Apache-2.0 */
/* tree_deep.h - grow the deep trees of a forest, each by one thread, on columns of bins.
 *
 * A tree sees rows drawn with replacement, and tries a few columns, drawn at random, for each split. It splits until
 * its leaves are pure or a limit is reached. Every draw is keyed by (seed, tree, row) or (seed, tree, way from the
 * root), so a tree is the same whoever grows it, in whatever order.
 *
 * Splits minimise the Gini impurity, or the variance. Of columns that are constant in a node others are tried instead.
 * Missing values are tried on both sides. Levels of a category are ordered once per tree, by their mean label (with
 * more than two classes: by their share of one class, drawn anew for each tree and column) among the rows that the
 * tree did NOT draw, and split as if they were numbers in that order: sorting by the very labels that are to be
 * separated would fit rare levels' noise.
 *
 * With random cuts, each column is cut at one place only, drawn between the node's least and largest bin; levels stand
 * in an order drawn for the tree.
 *
 * Calls, in order: tarn_deep_new (one per thread), (tarn_deep_grow, [tarn_deep_vote], tarn_deep_tree per class)*,
 * tarn_deep_free.
 *
 * Source: Breiman, "Random forests", Machine Learning 45, 2001; Wright and Koenig, "Splitting on categorical predictors
 * in random forests", PeerJ 7:e6339, 2019 (ordering once is as good as at every node).
 */
#ifndef TARN_TRAIN_TREE_DEEP_H
#define TARN_TRAIN_TREE_DEEP_H

#include "train/tree.h"

/* What all trees learn from; read only. */
typedef struct tarn_deep_data {
    const tarn_bins *bins;
    int64_t rows;             /* below 2^31 */
    const uint8_t *by_column; /* (cols, rows) */
    const uint8_t *by_row;    /* (rows, row_bytes) the same; NULL: not there */
    size_t row_bytes;
    const double *y;      /* (rows) class, or value - shift */
    const double *weight; /* (rows), or NULL: all 1 */
    int32_t classes;      /* 0: regression */
    double shift;         /* added to leaf values of a regression */
} tarn_deep_data;

typedef struct tarn_deep_shape {
    int32_t columns;  /* tried per split, 1 .. cols */
    int64_t min_rows; /* least rows in a leaf, counted as often as they were drawn */
    int64_t depth;    /* 0: no limit */
    int64_t leaves;   /* 0: no limit; else the splits that gain most come first */
    int64_t draws;    /* rows drawn with replacement; 0: each row once */
    bool random_cuts; /* one for each column that is tried */
    double prune;     /* least impurity that each leaf must save, of the whole; 0: nothing is pruned */
    double smooth;    /* rows' worth of the tree's own class shares that are mixed into each leaf's */
} tarn_deep_shape;

typedef struct tarn_deep tarn_deep;

/* data is borrowed. */
TARN_MUST tarn_code tarn_deep_new(const tarn_deep_data *data, tarn_deep_shape shape, tarn_deep **out, tarn_err *err);
void tarn_deep_free(tarn_deep *d);

/* Tree number `tree`. gain[cols] gets what each column's splits gained.
 *
 * Cost: O(rows (columns + categories) log rows) for a balanced tree */
TARN_MUST tarn_code tarn_deep_grow(tarn_deep *d, uint64_t seed, uint64_t tree, double *gain, tarn_err *err);

/* What trees say about rows that they did not draw, from any number of threads. */
typedef struct tarn_deep_votes {
    int64_t *sum; /* (rows, stride): trees; then per output their leaves' values, in whole steps. tarn_free */
    int64_t stride;
    double steps; /* per unit of value (less the shift) */
} tarn_deep_votes;
TARN_MUST tarn_code tarn_deep_votes_init(tarn_deep_votes *v, const tarn_deep_data *data, tarn_err *err);
/* Add those of the tree that was grown. Any thread. */
void tarn_deep_vote(const tarn_deep *d, tarn_deep_votes *v);

/* Valid until the next grow. With more than two classes the leaves' values are for class `k`, and branches that make
 * no difference to it are gone; else k is 0 and the value is the mean, or the share of class 1. */
TARN_MUST tarn_code tarn_deep_tree(tarn_deep *d, int32_t k, const tarn_tree **out, tarn_err *err);

#endif
