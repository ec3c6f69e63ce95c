/* SPDX-License-Identifier: Apache-2.0 */
/* tree_forest_params.h - the parameters that forests of either kind have: forest.c and extra_trees.c. */
#ifndef TARN_TRAIN_TREE_FOREST_PARAMS_H
#define TARN_TRAIN_TREE_FOREST_PARAMS_H

#include "base/param.h"
#include "train/bins.h"
#include "train/tree_forest.h"

typedef struct tarn_forest_params {
    int64_t trees, min_rows, depth, leaves, max_bins;
    double row_share;
    bool bootstrap, oob;
    char columns[16];
} tarn_forest_params;

/* The table, but for its end. bootstrap and min_rows (with its least and its help) are what the kinds differ in. */
#define TARN_FOREST_PARAMS(bootstrap_default, min_rows_default, min_rows_least, min_rows_help)                         \
    TARN_INT(tarn_forest_params, trees, 100, 1, 100000, "how many trees are averaged"),                                \
        TARN_TEXT(                                                                                                     \
            tarn_forest_params, columns, "auto",                                                                       \
            "columns tried for each split: sqrt, third, all or a number; auto: sqrt for classes, all for values"),     \
        TARN_INT(tarn_forest_params, min_rows, min_rows_default, min_rows_least, 1e9, min_rows_help),                  \
        TARN_INT(tarn_forest_params, depth, 0, 0, 100000, "most splits from root to leaf; 0: no limit"),               \
        TARN_INT(tarn_forest_params, leaves, 0, 0, 1e9, "most leaves of a tree, best splits first; 0: no limit"),      \
        TARN_BOOL_PARAM(tarn_forest_params, bootstrap, bootstrap_default,                                              \
                        "draw each tree's rows with replacement (else it sees all)"),                                  \
        TARN_REAL(tarn_forest_params, row_share, 1, 0.001, 1, "rows drawn for a tree, as a share of all (bootstrap)"), \
        TARN_INT(tarn_forest_params, max_bins, 255, 2, TARN_BINS_MOST, "most bins that a number is cut into"),         \
        TARN_BOOL_PARAM(tarn_forest_params, oob, true, "judge each row by the trees that did not draw it (bootstrap)")

static inline tarn_forest_settings tarn_forest_settings_of(const char *what, const tarn_forest_params *p,
                                                           bool random_cuts)
{
    return (tarn_forest_settings){.what = what,
                                  .columns = p->columns,
                                  .trees = p->trees,
                                  .min_rows = p->min_rows,
                                  .depth = p->depth,
                                  .leaves = p->leaves,
                                  .max_bins = p->max_bins,
                                  .bootstrap = p->bootstrap,
                                  .row_share = p->row_share,
                                  .random_cuts = random_cuts,
                                  .oob = p->oob};
}

#endif
