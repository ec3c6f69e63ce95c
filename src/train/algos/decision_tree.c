/* SPDX-License-Identifier: Apache-2.0 */
/* decision_tree.c - one tree (CART): the best cut of all columns at each node, down to pure leaves or a limit, then
 * pruned by cost and complexity.
 *
 * Columns of up to 255 distinct values are cut exactly, others at bins. Pruning takes away every branch whose leaves do
 * not each save `ccp_alpha` of impurity: what is left is the smallest tree with the least R(T) + ccp_alpha leaves(T),
 * where R is the Gini impurity (or the variance) of the leaves, weighted by their share of rows. */
#include "train/tree_forest.h"

#include "train/bins.h"

typedef struct tree_params {
    int64_t max_depth, min_samples_leaf, max_leaf_nodes, max_bins;
    double ccp_alpha, smoothing;
} tree_params;

static const tarn_param params[] = {
    TARN_INT(tree_params, max_depth, 0, 0, 100000, "most splits from root to leaf; 0: no limit"),
    TARN_INT(tree_params, min_samples_leaf, 1, 1, 1e9, "least rows in a leaf"),
    TARN_INT(tree_params, max_leaf_nodes, 0, 0, 1e9, "most leaves, best splits first; 0: no limit"),
    TARN_REAL(tree_params, ccp_alpha, 0, 0, 1e300, "impurity that each leaf must save, or its branch is pruned"),
    TARN_REAL(tree_params, smoothing, 1, 0, 1e9,
              "rows' worth of the overall class shares mixed into each leaf's: no leaf says 0 or 1; up to 1 changes no "
              "class"),
    TARN_INT(tree_params, max_bins, 255, 2, TARN_BINS_MOST, "most bins that a number is cut into"),
    TARN_PARAMS_END,
};

static tarn_code fit(const tarn_fit *job, const void *settings, tarn_fitted *out, tarn_err *err)
{
    const tree_params *p = settings;
    tarn_forest_settings s = {.what = "decision_tree",
                              .columns = "all",
                              .trees = 1,
                              .min_rows = p->min_samples_leaf,
                              .depth = p->max_depth,
                              .leaves = p->max_leaf_nodes,
                              .max_bins = p->max_bins,
                              .prune = p->ccp_alpha,
                              .smooth = p->smoothing};

    return tarn_forest_fit(job, &s, out, err);
}

const tarn_algo tarn_algo_decision_tree = {
    .name = "decision_tree",
    .title = "Decision tree (CART)",
    .paper = "Breiman, Friedman, Olshen & Stone 1984, Classification and Regression Trees",
    .does = TARN_DOES_BINARY | TARN_DOES_MULTICLASS | TARN_DOES_REGRESSION,
    .takes = TARN_TAKES_MISSING | TARN_TAKES_CATEGORIES,
    .params_size = sizeof(tree_params),
    .params = params,
    .fit = fit,
};
