/* SPDX-License-Identifier: Apache-2.0 */
/* ols.c - ordinary least squares: the coefficients with the least sum of w_i (y_i - x_i b - a)^2; of several such,
 * those with the least sum of b_j^2.
 *
 * Symbols: d columns, w_i weights, G = X'WX and g = X'Wy with columns and target moved to their means when there is an
 * intercept, R the triangle with R'R = G.
 *
 * Method: one pass for G and g, then Cholesky. That squares the condition of X, so when a pivot says that columns are
 * nearly or wholly dependent, a second pass makes R by Householder's QR of the rows themselves, and R is solved with
 * column pivoting. Text, and more columns than G is kept for, go by conjugate gradients, two vectors wide; dependent
 * columns get one of the solutions there.
 *
 * Cost: O(n d^2); one block of rows per thread in memory. The second pass takes three to five times as long.
 * Source: Golub, Van Loan, Matrix Computations, 4th ed., 2013, sections 4.2, 5.3, 5.5.
 */
#include "base/mem.h"
#include "math/gram.h"
#include "math/orthogonal.h"
#include "train/algo.h"
#include "train/least.h"
#include "train/moments.h"

#include <math.h>
#include <string.h>

typedef struct ols_params {
    bool intercept;
    double tol;
    int64_t max_iter;
} ols_params;

static const tarn_param params_table[] = {
    TARN_BOOL_PARAM(ols_params, intercept, true, "fit a constant term"),
    TARN_REAL(ols_params, tol, 1e-10, 0, 1,
              "text and thousands of columns: stop when the residual is this share of X'y"),
    TARN_INT(ols_params, max_iter, 1000, 1, 1e9, "text and thousands of columns: stop after as many steps in any case"),
    TARN_PARAMS_END,
};

/* A pivot that keeps less than this share of its column's square has lost half of the digits. */
static const double LEAST_PIVOT = 1e-8;
/* What is left of a dependent column, per column, in a triangle of rows, and in one of their cross products. */
static const double DEPENDENT = 1e-13, DEPENDENT_SUMS = 1e-11;

/* Solve G b = g with columns scaled to length one. *good is false when a pivot is too small. Constant columns get 0. */
static tarn_code by_cholesky(const tarn_cross *c, size_t cols, double *space, double *b, bool *good, tarn_err *err)
{
    size_t wide = cols + 1, k = 0;
    double *a = space, *scale = space + cols * cols;

    *good = true;
    for (size_t j = 0; j < cols; j++) scale[j] = c->g[j * wide + j] > 0 ? 1 / sqrt(c->g[j * wide + j]) : 0;
    for (size_t i = 0; i < cols; i++) {
        for (size_t j = 0; j < cols; j++) a[i * cols + j] = i == j ? 1 : c->g[i * wide + j] * scale[i] * scale[j];
        b[i] = c->g[i * wide + cols] * scale[i];
    }
    tarn_code rc = tarn_cholesky_solve(cols, a, b, &k, NULL);
    if (rc == TARN_NUMERIC) *good = false;
    else if (rc != TARN_OK) return TARN_FAIL(err, rc, "the normal equations cannot be solved");
    for (size_t j = 0; j < cols && *good; j++) {
        b[j] *= scale[j];
        *good = a[j * cols + j] * a[j * cols + j] >= LEAST_PIVOT;
    }
    return TARN_OK;
}

/* Solve the triangle: with columns of length one while they are independent (so that units do not decide), else as
 * they are, for that is what the least b is about. */
static tarn_code solve_triangle(size_t cols, const double *triangle, double dependent, double *space, double *b,
                                tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t wide = cols + 1, rank = 0;
    double *r = space, *scale = space + cols * cols, *y = scale + cols;

    for (size_t j = 0; j < cols; j++) {
        double squares = 0;
        for (size_t i = 0; i <= j; i++) squares = fma(triangle[i * wide + j], triangle[i * wide + j], squares);
        scale[j] = squares > 0 ? 1 / sqrt(squares) : 1;
        y[j] = triangle[j * wide + cols];
    }
    for (size_t i = 0; i < cols; i++)
        for (size_t j = i; j < cols; j++) r[i * cols + j] = triangle[i * wide + j] * scale[j];
    TARN_TRY(tarn_qr_solve(cols, r, y, dependent * (double)cols, b, &rank, err));
    if (rank == cols) {
        for (size_t j = 0; j < cols; j++) b[j] *= scale[j];
        goto done;
    }
    for (size_t i = 0; i < cols; i++)
        for (size_t j = i; j < cols; j++) r[i * cols + j] = triangle[i * wide + j];
    TARN_TRY(tarn_qr_solve(cols, r, y, dependent * (double)cols, b, &rank, err));
done:
    return rc;
}

static tarn_code by_triangle(const tarn_fit *job, const tarn_cross *c, double *space, double *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t cols = (size_t)job->x->cols, wide = cols + 1;
    double *triangle = NULL;

    rc = tarn_alloc(&triangle, wide * wide, sizeof *triangle, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(tarn_least_triangle(job, c->mean, triangle, err));
    for (size_t j = 0; j < cols; j++) /* a constant column is nothing but rounding */
        for (size_t i = 0; c->g[j * wide + j] == 0 && i <= j; i++) triangle[i * wide + j] = 0;
    TARN_TRY(solve_triangle(cols, triangle, DEPENDENT, space, b, err));
done:
    tarn_free(triangle);
    return rc;
}

/* Rows of an earlier fit are known by their sums only: the triangle of G itself, whose solution of least length is the
 * same. */
static tarn_code by_sums(const tarn_fit *job, const tarn_cross *c, double *space, double *b, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t cols = (size_t)job->x->cols, wide = cols + 1;
    double *triangle = NULL, *x = NULL;

    rc = tarn_alloc(&triangle, wide * wide, sizeof *triangle, err);
    if (rc == TARN_OK) rc = tarn_alloc(&x, wide * cols, sizeof *x, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    for (size_t j = 0; j < wide; j++) memcpy(x + j * cols, c->g + j * wide, cols * sizeof *x);
    tarn_qr_add(wide, cols, cols, x, triangle);
    TARN_TRY(solve_triangle(cols, triangle, DEPENDENT_SUMS, space, b, err));
done:
    tarn_free(triangle);
    tarn_free(x);
    return rc;
}

static tarn_code solve(const tarn_fit *job, const tarn_cross *c, double *space, double *b, tarn_err *err)
{
    bool good = true;
    tarn_code rc = by_cholesky(c, (size_t)job->x->cols, space, b, &good, err);

    if (rc != TARN_OK || good) return rc;
    tarn_say(job->sink, TARN_DEBUG, "ols: columns are nearly dependent; solving by orthogonal transformations");
    return job->before ? by_sums(job, c, space, b, err) : by_triangle(job, c, space, b, err);
}

static double residual(const tarn_cross *c, size_t cols, const double *b)
{
    size_t wide = cols + 1;
    double sum = c->g[cols * wide + cols];

    for (size_t i = 0; i < cols; i++) {
        double row = tarn_dot(cols, c->g + i * wide, b) - 2 * c->g[i * wide + cols];
        sum = fma(b[i], row, sum);
    }
    return sum > 0 ? sum : 0;
}

static tarn_code fit_sums(const tarn_fit *job, const ols_params *set, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t cols = (size_t)job->x->cols;
    tarn_moments m = {0};
    tarn_cross c = {0};
    double *space = NULL, *b = NULL;

    rc = tarn_cancel_check(job->sink, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(tarn_moments_make(job, set->intercept, 1, &m, err));
    rc = tarn_cross_new(&m, &c, err);
    if (rc == TARN_OK) rc = tarn_alloc(&space, cols * cols + 2 * cols, sizeof *space, err);
    if (rc == TARN_OK) rc = tarn_alloc(&b, cols, sizeof *b, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    tarn_moments_take(&m, TARN_FOLD_NONE, TARN_FOLD_NONE, &c);
    TARN_TRY(solve(job, &c, space, b, err));
    out->iterations = 1;
    out->objective = residual(&c, cols, b);
    if (job->keep_state) TARN_TRY(tarn_moments_keep(&m, out, err));
    TARN_TRY(tarn_moments_finish(job, &c, c.mean[cols] - tarn_dot(cols, c.mean, b), b, out, err));
done:
    tarn_moments_clear(&m);
    tarn_cross_clear(&c);
    tarn_free(space);
    tarn_free(b);
    return rc;
}

static tarn_code fit(const tarn_fit *job, const void *params, tarn_fitted *out, tarn_err *err)
{
    const ols_params *set = params;
    bool few = !job->x->sparse && job->x->cols <= TARN_MOMENTS_COLS;

    if (!few && (job->before || job->keep_state))
        return TARN_FAIL(err, TARN_INVALID, "more than %d columns cannot be learned on from; use 'sgd'",
                         (int)TARN_MOMENTS_COLS);
    if (few) return fit_sums(job, set, out, err);
    return tarn_normal_fit(job, set->intercept, 0, set->tol, set->max_iter, out, err);
}

const tarn_algo tarn_algo_ols = {
    .name = "ols",
    .title = "Linear regression (ordinary least squares)",
    .paper = "Golub & Van Loan, Matrix Computations, 4th ed., 2013, chapter 5",
    .does = TARN_DOES_REGRESSION,
    .takes = TARN_TAKES_SPARSE,
    .learns_on_numbers = true,
    .params_size = sizeof(ols_params),
    .params = params_table,
    .fit = fit,
};
