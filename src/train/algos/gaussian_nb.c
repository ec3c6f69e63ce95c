/* SPDX-License-Identifier: Apache-2.0 */
/* gaussian_nb.c - naive Bayes for numbers: in each class, each column is normal by itself.
 *
 * log P(k | x) = log pi_k - sum_j ((x_j - m_kj)^2 / (2 v_kj) + log(2 pi v_kj) / 2) + constant, with a share of the
 * largest variance of a column added to all v. A value that is missing is left out of the sum, here and when fitting.
 *
 * Cost: one pass, O(n d). Source: Zhang, The optimality of naive Bayes, FLAIRS 2004; Chan, Golub, LeVeque, The American
 * Statistician 37(3), 1983, for variances of shifted data.
 */
#include "base/mem.h"
#include "train/bayes.h"

enum { STATE = 1 };

typedef struct gaussian_params {
    double var_smoothing;
    bool fit_prior;
} gaussian_params;

static const tarn_param params_table[] = {
    TARN_REAL(gaussian_params, var_smoothing, 1e-9, 0, 1, "share of the largest variance of a column, added to all"),
    TARN_BOOL_PARAM(gaussian_params, fit_prior, true, "classes are as frequent as in the rows; false: all alike"),
    TARN_PARAMS_END,
};

static tarn_code add_nodes(const tarn_bayes *b, const gaussian_params *set, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *bias = NULL;
    int32_t *cols = NULL, n = (int32_t)b->cols;
    uint32_t sums = 0;

    TARN_TRY(tarn_alloc(&bias, b->classes, sizeof *bias, err));
    TARN_TRY(tarn_alloc(&cols, b->cols, sizeof *cols, err));
    TARN_TRY(tarn_alloc(&out->importance, b->cols, sizeof *out->importance, err));
    for (int32_t j = 0; j < n; j++) cols[j] = j;
    tarn_bayes_prior(b, set->fit_prior, bias);
    TARN_TRY(tarn_bayes_normal(b, cols, n, set->var_smoothing, bias, out->importance, &sums, err));
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

const tarn_algo tarn_algo_gaussian_nb = {
    .name = "gaussian_nb",
    .title = "Naive Bayes for numbers (normal distributions)",
    .paper = "Zhang 2004, The optimality of naive Bayes, FLAIRS",
    .does = TARN_DOES_BINARY | TARN_DOES_MULTICLASS,
    .takes = TARN_TAKES_MISSING,
    .learns_on = true,
    .params_size = sizeof(gaussian_params),
    .params = params_table,
    .fit = fit,
};
