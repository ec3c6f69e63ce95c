/* SPDX-License-Identifier: Apache-2.0 */
/* extra_trees.c - extremely randomised trees: as a random forest, but each column that is tried for a split is cut at
 * one random place, and each tree sees all rows. Cheaper to grow, and the trees are less alike.
 *
 * A cut is drawn between the least and the largest bin of the node, levels stand in an order drawn anew for each tree,
 * and missing values take a random side. */
#include "train/tree_forest_params.h"

static const tarn_param params[] = {
    TARN_FOREST_PARAMS(false, 2, 1, "least rows in a leaf, counted as often as drawn"),
    TARN_PARAMS_END,
};

static tarn_code fit(const tarn_fit *job, const void *settings, tarn_fitted *out, tarn_err *err)
{
    tarn_forest_settings s = tarn_forest_settings_of("extra_trees", settings, true);

    return tarn_forest_fit(job, &s, out, err);
}

const tarn_algo tarn_algo_extra_trees = {
    .name = "extra_trees",
    .title = "Extremely randomised trees",
    .paper = "Geurts, Ernst & Wehenkel 2006, Machine Learning 63",
    .does = TARN_DOES_BINARY | TARN_DOES_MULTICLASS | TARN_DOES_REGRESSION,
    .takes = TARN_TAKES_MISSING | TARN_TAKES_CATEGORIES,
    .votes = true,
    .params_size = sizeof(tarn_forest_params),
    .params = params,
    .fit = fit,
};
