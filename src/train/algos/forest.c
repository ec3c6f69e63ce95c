/* SPDX-License-Identifier: Apache-2.0 */
/* forest.c - random forest: the mean of many deep trees, each grown on rows and columns drawn at random. How trees are
 * grown: tree_deep.h; what surrounds them: tree_forest.h. */
#include "train/tree_forest_params.h"

static const tarn_param params[] = {
    TARN_FOREST_PARAMS(
        true, 0, 0, "least rows in a leaf, counted as often as drawn; 0: 10 for two classes, 1 for more, 3 for values"),
    TARN_PARAMS_END,
};

static tarn_code fit(const tarn_fit *job, const void *settings, tarn_fitted *out, tarn_err *err)
{
    tarn_forest_settings s = tarn_forest_settings_of("forest", settings, false);

    return tarn_forest_fit(job, &s, out, err);
}

const tarn_algo tarn_algo_forest = {
    .name = "forest",
    .title = "Random forest",
    .paper = "Breiman 2001, Machine Learning 45",
    .does = TARN_DOES_BINARY | TARN_DOES_MULTICLASS | TARN_DOES_REGRESSION,
    .takes = TARN_TAKES_MISSING | TARN_TAKES_CATEGORIES,
    .votes = true,
    .params_size = sizeof(tarn_forest_params),
    .params = params,
    .space = "{columns: [sqrt, third, all], min_rows: [1, 3, 10], row_share: [0.6, 1]}",
    .fit = fit,
};
