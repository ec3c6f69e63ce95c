/* SPDX-License-Identifier: Apache-2.0 */
/* knn.c - nearest neighbours: the rows most like a new one vote.
 *
 * There is nothing to solve: the model holds all rows. What differs is how the nearest are found: by a tree for few
 * columns, or by going through all rows. Both are exact and find the same rows.
 *
 * Columns should be of like size: scaling is preparation's work. Row weights multiply votes. Every rank holds all rows.
 *
 * Cost: O(n d) memory; a tree takes O(n log n) to build.
 * Source: Cover, Hart, IEEE Trans. Inf. Theory 13(1), 1967; math/kd.c names that of the tree.
 */
#include "base/mem.h"
#include "train/algos/knn_parts.h"

#include <string.h>

/* Up to here the tree is the faster way. Manhattan and Chebyshev distances are scanned pair by pair: of as many columns
 * as it takes, the tree is 5 to 50 times as fast, even where rows are evenly spread. */
enum { FEW_COLUMNS = 8 };

static const tarn_param params_table[] = {
    TARN_INT(knn_params, k, 5, 1, TARN_NEIGHBORS_MOST, "how many of the nearest rows vote"),
    TARN_WORD(knn_params, weights, 0, "uniform|distance",
              "distance: votes count 1 / distance, and only rows at distance 0 if there are such"),
    TARN_WORD(knn_params, metric, TARN_METRIC_EUCLIDEAN, "euclidean|manhattan|chebyshev|cosine",
              "how far rows are apart; chebyshev: the largest difference; cosine: 1 - cosine of the angle"),
    TARN_WORD(
        knn_params, method, KNN_AUTO, "auto|tree|scan",
        "tree and scan find the same rows; auto: tree up to 8 columns, manhattan and chebyshev up to 16 (no cosine)"),
    TARN_PARAMS_END,
};

static bool use_tree(const knn_params *set, const tarn_exemplars *rows)
{
    if (set->metric == TARN_METRIC_COSINE) return false;
    size_t most = set->metric == TARN_METRIC_EUCLIDEAN ? FEW_COLUMNS : TARN_KD_COLUMNS;
    return set->method == KNN_TREE || (set->method == KNN_AUTO && rows->d <= most);
}

/* From rows in order of the leaves (n, d + 1) to what the node holds, leaf by leaf. */
static void fill_leaves(size_t n, size_t d, bool wide, const double *sorted, uint32_t *number, char *values)
{
    enum { LEAF = TARN_KD_LEAF };
    size_t places = tarn_kd_leaves(n) * LEAF;
    double *to_wide = (double *)(void *)values;
    float *to_narrow = (float *)(void *)values;

    for (size_t i = 0; i < places; i++) {
        const double *row = sorted + (i < n ? i : n - 1) * (d + 1);
        number[i] = (uint32_t)row[d];
        for (size_t j = 0; j < d; j++) {
            size_t at = (i / LEAF * d + j) * LEAF + i % LEAF;
            if (wide) to_wide[at] = row[j];
            else to_narrow[at] = (float)row[j];
        }
    }
}

static tarn_code make_tree(const tarn_fit *job, const tarn_exemplars_vote *vote, tarn_exemplars *rows, char **data,
                           size_t *len, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool wide = rows->wide != NULL;
    size_t n = rows->n, d = rows->d, leaves = tarn_kd_leaves(n), places = leaves * TARN_KD_LEAF;
    size_t numbers = 4 * places, splits = sizeof(tarn_kd_split) * (leaves - 1),
           columns = (4 * (leaves - 1) + 7) / 8 * 8;
    double *sorted = NULL;
    char *behind = NULL;

    TARN_TRY(tarn_exemplars_numbered(rows, &sorted, err));
    TARN_TRY(tarn_exemplars_tree(job, vote, rows, wide, numbers + splits + columns + (wide ? 8 : 4) * places * d, data,
                                 len, &behind, err));
    TARN_TRY(tarn_kd_build(n, d, sorted, (tarn_kd_split *)(void *)(behind + numbers),
                           (uint32_t *)(void *)(behind + numbers + splits), job->pool, err));
    fill_leaves(n, d, wide, sorted, (uint32_t *)(void *)behind, behind + numbers + splits + columns);
done:
    tarn_free(sorted);
    return rc;
}

static tarn_code fit(const tarn_fit *job, const void *params, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const knn_params *set = params;
    const tarn_exemplars_vote vote = {.k = set->k, .by_distance = set->weights, .metric = set->metric};
    tarn_exemplars rows = {0};
    char *data = NULL;
    size_t len = 0;
    uint32_t cols = (uint32_t)job->x->cols, outputs = job->x->classes > 2 ? (uint32_t)job->x->classes : 1;

    if (set->method == KNN_TREE && (cols > TARN_KD_COLUMNS || set->metric == TARN_METRIC_COSINE))
        return TARN_FAIL(err, TARN_INVALID, "method tree takes up to %d columns and no cosine; use auto or scan",
                         TARN_KD_COLUMNS);
    TARN_TRY(tarn_exemplars_read(job, (tarn_metric)set->metric, &rows, err));
    if (job->keep_state) TARN_TRY(tarn_exemplars_state(&rows, job->x->classes, &out->state, &out->state_len, err));
    if (use_tree(set, &rows)) TARN_TRY(make_tree(job, &vote, &rows, &data, &len, err));
    else TARN_TRY(tarn_exemplars_scan(job, &vote, &rows, true, &data, &len, err));
    TARN_TRY(tarn_graph_node_take(job->graph, "neighbors", job->regs, cols, outputs, &data, len, &out->out, err));
    out->iterations = 1;
done:
    tarn_free(data);
    tarn_exemplars_clear(&rows);
    return rc;
}

const tarn_algo tarn_algo_knn = {
    .name = "knn",
    .title = "Nearest neighbours (exact)",
    .paper = "Cover & Hart 1967, IEEE Trans. Inf. Theory 13(1); Friedman, Bentley & Finkel 1977, ACM TOMS 3(3)",
    .does = TARN_DOES_BINARY | TARN_DOES_MULTICLASS | TARN_DOES_REGRESSION,
    .learns_on = true,
    .quadratic = true,
    .other_centre = TARN_DOES_BINARY | TARN_DOES_MULTICLASS | TARN_DOES_REGRESSION, /* k rows speak, not all */
    .votes = true,
    .params_size = sizeof(knn_params),
    .params = params_table,
    .space = "{k: [3, 5, 10, 20, 50], weights: [uniform, distance]}",
    .fit = fit,
};
