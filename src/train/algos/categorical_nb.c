/* SPDX-License-Identifier: Apache-2.0 */
/* categorical_nb.c - naive Bayes for tables: categories by the shares of their levels, numbers as normal.
 *
 * With N_kl the rows of class k that have level l of a column with L levels, log P(k | x) = log pi_k + sum over columns
 * of log (N_kl + alpha) / (sum_l N_kl + alpha L) + constant. Numbers are added as gaussian_nb does. What is missing is
 * left out, here and when fitting; so is a level that training never saw.
 *
 * Cost: one pass, O(n d). Source: Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 2nd ed., 2009,
 * section 6.6.3.
 */
#include "base/mem.h"
#include "math/elementary.h"
#include "model/payload.h"
#include "train/bayes.h"

#include <math.h>
#include <string.h>

enum { STATE = 5 };

typedef struct categorical_params {
    double alpha, var_smoothing;
    bool fit_prior;
} categorical_params;

static const tarn_param params_table[] = {
    TARN_REAL(categorical_params, alpha, 1, 1e-10, 1e9, "rows added to each level in each class"),
    TARN_REAL(categorical_params, var_smoothing, 1e-9, 0, 1,
              "numbers: share of the largest variance of a column, added to all"),
    TARN_BOOL_PARAM(categorical_params, fit_prior, true, "classes are as frequent as in the rows; false: all alike"),
    TARN_PARAMS_END,
};

/* Log shares of column j's levels in table[levels][classes]; returns what the column tells of the class (mutual
 * information). */
static double log_shares(const tarn_bayes *b, size_t j, double alpha, double *table)
{
    size_t levels = b->first[j + 1] - b->first[j], classes = b->classes;
    const double *n = b->levels + (size_t)b->first[j] * classes;
    double total = 0, tells = 0;

    for (size_t i = 0; i < levels * classes; i++) total += n[i];
    for (size_t k = 0; k < classes; k++) {
        double sum = 0;
        for (size_t l = 0; l < levels; l++) sum += n[l * classes + k];
        double log_sum = tarn_log(sum + alpha * (double)levels);
        for (size_t l = 0; l < levels; l++) {
            double here = n[l * classes + k], of_level = 0;
            table[l * classes + k] = tarn_log(here + alpha) - log_sum;
            for (size_t c = 0; c < classes; c++) of_level += n[l * classes + c];
            if (here > 0) tells += here / total * tarn_log(here * total / (sum * of_level));
        }
    }
    return fmax(tells, 0);
}

static tarn_code add_levels(const tarn_bayes *b, const int32_t *cols, int32_t n, double alpha, double *importance,
                            uint32_t *sums, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t k = b->classes, cells = b->first[b->cols];
    size_t table_at = sizeof(tarn_levels_data) + ((size_t)n + 2) / 2 * 8, len = table_at + cells * k * sizeof(double);
    const tarn_levels_data head = {.categories = (uint32_t)n, .outputs = (uint32_t)k};
    uint32_t *regs = NULL, *first;
    char *data = NULL;

    TARN_TRY(tarn_alloc(&regs, k + (size_t)n, sizeof *regs, err));
    TARN_TRY(tarn_alloc(&data, len, 1, err));
    memcpy(data, &head, sizeof head);
    void *first_place = data + sizeof head, *table_place = data + table_at;
    double *table = table_place;
    first = first_place;
    for (size_t c = 0; c < k; c++) regs[c] = *sums + (uint32_t)c;
    for (int32_t c = 0; c < n; c++) {
        size_t j = (size_t)cols[c];
        regs[k + (size_t)c] = b->job->regs[j];
        first[c + 1] = b->first[j + 1];
        importance[j] = log_shares(b, j, alpha, table + (size_t)b->first[j] * k);
    }
    TARN_TRY(tarn_graph_node(b->job->graph, "levels", regs, (uint32_t)(k + (size_t)n), (uint32_t)k, NULL, data, len,
                             sums, err));
done:
    tarn_free(regs);
    tarn_free(data);
    return rc;
}

static tarn_code add_nodes(const tarn_bayes *b, const categorical_params *set, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *bias = NULL;
    int32_t *cols = NULL, numbers = 0, categories = 0;
    uint32_t sums = 0;

    TARN_TRY(tarn_alloc(&bias, b->classes, sizeof *bias, err));
    TARN_TRY(tarn_alloc(&cols, b->cols, sizeof *cols, err));
    TARN_TRY(tarn_alloc(&out->importance, b->cols, sizeof *out->importance, err));
    for (int32_t j = 0; j < (int32_t)b->cols; j++)
        if (b->job->x->features[j].kind != TARN_CATEGORY) cols[numbers++] = j;
    tarn_bayes_prior(b, set->fit_prior, bias);
    TARN_TRY(tarn_bayes_normal(b, cols, numbers, set->var_smoothing, bias, out->importance, &sums, err));
    for (int32_t j = 0; j < (int32_t)b->cols; j++)
        if (b->job->x->features[j].kind == TARN_CATEGORY) cols[numbers + categories++] = j;
    if (categories > 0) TARN_TRY(add_levels(b, cols + numbers, categories, set->alpha, out->importance, &sums, err));
    TARN_TRY(tarn_bayes_link(b, sums, &out->out, err));
    TARN_TRY(tarn_bayes_keep(b, STATE, out, err));
    out->iterations = 1;
done:
    tarn_free(bias);
    tarn_free(cols);
    return rc;
}

static tarn_code fit(const tarn_fit *job, const void *params, tarn_fitted *out, tarn_err *err)
{
    tarn_bayes b;
    tarn_code rc = tarn_bayes_gather(&b, job, TARN_BAYES_VALUES, 0, true, STATE, err);

    if (rc == TARN_OK) rc = add_nodes(&b, params, out, err);
    tarn_bayes_clear(&b);
    return rc;
}

const tarn_algo tarn_algo_categorical_nb = {
    .name = "categorical_nb",
    .title = "Naive Bayes for categories, and numbers beside them",
    .paper = "Hastie, Tibshirani & Friedman 2009, The Elements of Statistical Learning, section 6.6.3",
    .does = TARN_DOES_BINARY | TARN_DOES_MULTICLASS,
    .takes = TARN_TAKES_MISSING | TARN_TAKES_CATEGORIES,
    .learns_on = true,
    .params_size = sizeof(categorical_params),
    .params = params_table,
    .fit = fit,
};
