/* SPDX-License-Identifier: Apache-2.0 */
/* tree_forest.h - a forest of deep trees, from rows to the node of a model: what `forest`, `extra_trees` and
 * `decision_tree` share.
 *
 * Every rank gets all rows as bins (a byte per value), and grows a run of consecutive trees; threads take trees by
 * number. Finished trees are put together in tree order. A tree depends on the seed and its number alone
 * (tree_deep.h), so the model is the same for any number of threads and ranks.
 *
 * Outputs: class shares, averaged over trees; or values, averaged. With more than two classes, each tree is written
 * once per class, without the branches that make no difference to that class.
 *
 * Out of bag: each row is predicted by the trees that did not draw it. Their leaves are added up as whole steps, so in
 * any order.
 */
#ifndef TARN_TRAIN_TREE_FOREST_H
#define TARN_TRAIN_TREE_FOREST_H

#include "train/algo.h"

typedef struct tarn_forest_settings {
    const char *what;      /* the estimator's name, for progress */
    const char *columns;   /* tried for each split: auto, sqrt, third, all, or a number */
    int64_t trees;         /* >= 1 */
    int64_t min_rows;      /* 0: 10 for two classes, 1 for more, 3 for values */
    int64_t depth, leaves; /* 0: no limit */
    int64_t max_bins;
    bool bootstrap;   /* else each tree sees all rows */
    double row_share; /* drawn, of all */
    bool random_cuts; /* one random cut for each column that is tried */
    double prune;     /* least impurity that each leaf must save (cost-complexity); 0: none */
    double smooth;    /* rows' worth of the overall class shares mixed into each leaf's */
    bool oob;         /* judge rows by trees that did not see them, if there are any such */
} tarn_forest_settings;

/* As an estimator's fit. Errors: those; TARN_LIMIT more than 2^31 rows */
TARN_MUST tarn_code tarn_forest_fit(const tarn_fit *job, const tarn_forest_settings *s, tarn_fitted *out,
                                    tarn_err *err);

#endif
