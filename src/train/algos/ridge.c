/* SPDX-License-Identifier: Apache-2.0 */
/* ridge.c - least squares with a penalty on squared coefficients: minimises sum of w_i (y_i - x_i b - a)^2 + alpha
 * |b|^2, as scikit-learn's Ridge. The intercept a is not penalised.
 *
 * Method: one pass for G = X'WX and g = X'Wy about the means, then Cholesky of G + alpha I. Text, and more columns than
 * G is kept for, go by conjugate gradients.
 *
 * Cost: O(n d^2), one block of rows per thread in memory; or O(n d) per step.
 * Source: Hoerl, Kennard, Technometrics 12(1), 1970.
 */
#include "base/mem.h"
#include "math/gram.h"
#include "train/algo.h"
#include "train/least.h"
#include "train/moments.h"

#include <math.h>
#include <string.h>

typedef struct ridge_params {
    double alpha, tol;
    int64_t max_iter;
    bool intercept;
} ridge_params;

static const tarn_param params_table[] = {
    TARN_REAL(ridge_params, alpha, 1, 1e-12, 1e18, "penalty on squared coefficients: larger is stricter"),
    TARN_BOOL_PARAM(ridge_params, intercept, true, "fit a constant term, which is not penalised"),
    TARN_REAL(ridge_params, tol, 1e-10, 0, 1,
              "text and thousands of columns: stop when the residual is this share of X'y"),
    TARN_INT(ridge_params, max_iter, 1000, 1, 1e9,
             "text and thousands of columns: stop after as many steps in any case"),
    TARN_PARAMS_END,
};

/* b of (G + alpha I) b = g; a (cols, cols) is overwritten. */
static tarn_code solve(const tarn_fit *job, const tarn_cross *c, double alpha, double *a, double *b, tarn_err *err)
{
    size_t cols = (size_t)job->x->cols, wide = cols + 1, at = 0;

    for (size_t i = 0; i < cols; i++) {
        memcpy(a + i * cols, c->g + i * wide, cols * sizeof *a);
        a[i * cols + i] += alpha;
        b[i] = c->g[i * wide + cols];
    }
    tarn_code rc = tarn_cholesky_solve(cols, a, b, &at, NULL);
    if (rc != TARN_NUMERIC) return rc;
    return TARN_FAIL(err, TARN_NUMERIC,
                     "column '%s' is a linear combination of others, and alpha = %g is too small to tell them apart; "
                     "raise it, or use 'ols'",
                     job->x->features[at].name, alpha);
}

static double objective(const tarn_cross *c, size_t cols, double alpha, const double *b)
{
    size_t wide = cols + 1;
    double sum = c->g[cols * wide + cols] + alpha * tarn_dot(cols, b, b);

    for (size_t i = 0; i < cols; i++)
        sum = fma(b[i], tarn_dot(cols, c->g + i * wide, b) - 2 * c->g[i * wide + cols], sum);
    return sum;
}

static tarn_code fit_sums(const tarn_fit *job, const ridge_params *set, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t cols = (size_t)job->x->cols;
    tarn_moments m = {0};
    tarn_cross c = {0};
    double *a = NULL, *b = NULL;

    rc = tarn_cancel_check(job->sink, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(tarn_moments_make(job, set->intercept, 1, &m, err));
    rc = tarn_cross_new(&m, &c, err);
    if (rc == TARN_OK) rc = tarn_alloc(&a, cols * cols, sizeof *a, err);
    if (rc == TARN_OK) rc = tarn_alloc(&b, cols, sizeof *b, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    tarn_moments_take(&m, TARN_FOLD_NONE, TARN_FOLD_NONE, &c);
    TARN_TRY(solve(job, &c, set->alpha, a, b, err));
    out->iterations = 1;
    out->objective = objective(&c, cols, set->alpha, b);
    if (job->keep_state) TARN_TRY(tarn_moments_keep(&m, out, err));
    TARN_TRY(tarn_moments_finish(job, &c, c.mean[cols] - tarn_dot(cols, c.mean, b), b, out, err));
done:
    tarn_moments_clear(&m);
    tarn_cross_clear(&c);
    tarn_free(a);
    tarn_free(b);
    return rc;
}

static tarn_code fit(const tarn_fit *job, const void *params, tarn_fitted *out, tarn_err *err)
{
    const ridge_params *set = params;
    bool few = !job->x->sparse && job->x->cols <= TARN_MOMENTS_COLS;

    if (!few && (job->before || job->keep_state))
        return TARN_FAIL(err, TARN_INVALID, "more than %d columns cannot be learned on from; use 'sgd'",
                         (int)TARN_MOMENTS_COLS);
    if (few) return fit_sums(job, set, out, err);
    return tarn_normal_fit(job, set->intercept, set->alpha, set->tol, set->max_iter, out, err);
}

const tarn_algo tarn_algo_ridge = {
    .name = "ridge",
    .title = "Ridge regression (least squares, L2 penalty)",
    .paper = "Hoerl & Kennard 1970, Technometrics 12(1)",
    .does = TARN_DOES_REGRESSION,
    .takes = TARN_TAKES_SPARSE,
    .learns_on_numbers = true,
    .params_size = sizeof(ridge_params),
    .params = params_table,
    .space = "{alpha: {from: 0.001, to: 1000, scale: log}}",
    .fit = fit,
};
