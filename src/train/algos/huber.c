/* SPDX-License-Identifier: Apache-2.0 */
/* huber.c - regression that a few rows far off cannot spoil: squared errors up to epsilon deviations, absolute ones
 * beyond. The deviation sigma is learned along with the coefficients, so epsilon has no unit. Minimises
 *
 *     sum_i w_i (sigma + H((y_i - x_i b - a) / sigma) sigma) + alpha |b|^2,   H(z) = z^2, or 2 epsilon |z| - epsilon^2
 *
 * where |z| > epsilon; as scikit-learn's HuberRegressor.
 *
 * Method: Newton on (b, a, sigma), of which the problem is convex. Rows within epsilon make the Hessian, which is one
 * cross product of the columns, the ones, and the residuals over sigma.
 *
 * Cost: O(n d^2) per step, 10 to 20 steps.
 * Source: Huber, Ronchetti, Robust Statistics, 2nd ed., 2009, section 7.7; Owen, Contemporary Mathematics 443, 2007.
 */
#include "base/mem.h"
#include "math/gram.h"
#include "train/linear.h"
#include "train/tile.h"

#include <math.h>
#include <string.h>

enum { HALVINGS = 40 };

typedef struct huber_params {
    double epsilon, alpha, tol;
    int64_t max_iter;
    bool intercept;
} huber_params;

static const tarn_param params_table[] = {
    TARN_REAL(huber_params, epsilon, 1.35, 1, 1e6,
              "errors up to so many deviations count squared; 1.35 loses 5 % on normal errors"),
    TARN_REAL(huber_params, alpha, 1e-4, 0, 1e18, "penalty on squared coefficients"),
    TARN_BOOL_PARAM(huber_params, intercept, true, "fit a constant term, which is not penalised"),
    TARN_REAL(huber_params, tol, 1e-12, 0, 1,
              "stop when a step promises to lower the objective by less than this share"),
    TARN_INT(huber_params, max_iter, 200, 1, 1e9, "stop after as many steps in any case"),
    TARN_PARAMS_END,
};

/* Symbols: wide is columns and the ones; v (wide + 1) holds b, a and sigma. */
typedef struct work {
    const tarn_fit *job;
    const huber_params *set;
    size_t cols, wide, count;
    const double *v;
    double *scratch; /* (threads, each) */
    size_t each;
    double weight, mean, deviation; /* of the target */
} work;

/* [W, W y, W y^2] */
static tarn_code add_target(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const tarn_matrix *x = ((const work *)arg)->job->x;
    int64_t first = block * TARN_BLOCK_ROWS;
    (void)worker, (void)err;

    for (int64_t i = first; i < first + tarn_block_size(x, block); i++) {
        double w = x->weight ? x->weight[i] : 1;
        sum[0] += w;
        sum[1] = fma(w, x->y[i], sum[1]);
        sum[2] = fma(w * x->y[i], x->y[i], sum[2]);
    }
    return TARN_OK;
}

/* A tile's rows: pull is the slope of each by its prediction, curve its weight in the Hessian, u the residual over
 * sigma. sum[0] is the loss, sum[1 + wide] the slope by sigma. */
static void add_rows(const work *w, int64_t row, int64_t n, const double *z, double *pull, double *curve, double *u,
                     double *sum)
{
    const tarn_matrix *x = w->job->x;
    double sigma = w->v[w->wide], epsilon = w->set->epsilon;

    for (int64_t i = 0; i < n; i++) {
        double weight = x->weight ? x->weight[row + i] : 1, r = x->y[row + i] - z[i];
        bool within = fabs(r) <= epsilon * sigma;
        u[i] = r / sigma;
        pull[i] = within ? -2 * weight * u[i] : r > 0 ? -2 * weight * epsilon : 2 * weight * epsilon;
        curve[i] = within ? 2 * weight / sigma : 0;
        sum[0] += weight * (within ? fma(r, u[i], sigma) : 2 * epsilon * fabs(r) + (1 - epsilon * epsilon) * sigma);
        sum[1 + w->wide] += weight * (1 - (within ? u[i] * u[i] : epsilon * epsilon));
    }
}

/* sum: loss, gradient (wide + 1), Hessian (wide + 1, wide + 1), without the penalty. */
static tarn_code add_block(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const work *w = arg;
    const tarn_matrix *x = w->job->x;
    int64_t first = block * TARN_BLOCK_ROWS, rows = tarn_block_size(x, block);
    double *values = w->scratch + (size_t)worker * w->each, *tile = values + w->cols * TARN_BLOCK_ROWS;
    double *u = tile + w->wide * TARN_TILE_STRIDE, *z = u + TARN_TILE_STRIDE;
    double *pull = z + TARN_TILE_STRIDE, *curve = pull + TARN_TILE_STRIDE;

    tarn_code rc = x->block(x->self, first, rows, values, err);
    if (rc != TARN_OK) return rc;
    for (int64_t at = 0; at < rows; at += TARN_TILE) {
        int64_t n = rows - at < TARN_TILE ? rows - at : TARN_TILE;
        tarn_tile_take(values, x->cols, rows, at, n, NULL, NULL, w->wide > w->cols, tile);
        memset(z, 0, (size_t)n * sizeof *z);
        for (size_t j = 0; j < w->wide; j++) tarn_axpy((size_t)n, w->v[j], tile + j * TARN_TILE_STRIDE, z);
        add_rows(w, first + at, n, z, pull, curve, u, sum);
        for (size_t j = 0; j < w->wide; j++) sum[1 + j] += tarn_dot((size_t)n, tile + j * TARN_TILE_STRIDE, pull);
        tarn_gram_add(w->wide + 1, (size_t)n, TARN_TILE_STRIDE, tile, curve, sum + 2 + w->wide);
    }
    return TARN_OK;
}

static tarn_code look(work *w, const double *v, double *at, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = w->job;
    size_t side = w->wide + 1;

    w->v = v;
    memset(at, 0, w->count * sizeof *at);
    TARN_TRY(tarn_comm_sum_blocks(job->comm, job->pool, tarn_blocks(job->x->rows), (int64_t)w->count, add_block, w, at,
                                  err));
    for (size_t j = 0; j < w->cols; j++) {
        at[0] = fma(w->set->alpha * v[j], v[j], at[0]);
        at[1 + j] = fma(2 * w->set->alpha, v[j], at[1 + j]);
        at[1 + side + j * side + j] += 2 * w->set->alpha;
    }
    for (size_t j = 0; j < w->cols; j++)
        if (!isfinite(at[1 + side + j * side + j])) TARN_TRY(tarn_matrix_overflow(job->x, (int64_t)j, err));
    if (!isfinite(at[0])) rc = TARN_FAIL(err, TARN_NUMERIC, "predictions overflow; scale the columns");
done:
    return rc;
}

/* Newton's step; dependent columns, and sigma where no row is within, are held by a little more on the diagonal. */
static tarn_code direction(const work *w, const double *at, double *space, double *step, tarn_err *err)
{
    size_t side = w->wide + 1;
    tarn_code rc = TARN_NUMERIC;
    double most = 0;

    for (size_t j = 0; j < side; j++) most = fmax(most, at[1 + side + j * side + j]);
    for (double raise = 0; raise <= 1 && rc == TARN_NUMERIC; raise = raise > 0 ? raise * 100 : 1e-13) {
        memcpy(space, at + 1 + side, side * side * sizeof *space);
        for (size_t j = 0; j < side; j++) {
            step[j] = -at[1 + j];
            space[j * side + j] = space[j * side + j] * (1 + raise) + (raise > 0 ? most * 1e-3 * raise : 0);
        }
        if (most == 0) space[0] = 1;
        for (size_t j = 0; j < side && most == 0; j++) space[j * side + j] = 1;
        rc = tarn_cholesky_solve(side, space, step, NULL, raise * 100 > 1 ? err : NULL);
    }
    return rc;
}

static tarn_code descend(work *w, double *v, double *space, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t side = w->wide + 1;
    double *at = space, *next = at + w->count, *step = next + w->count, *to = step + side;
    double least = 1e-10 * w->deviation; /* errors of 0: sigma has no minimum but 0 */

    TARN_TRY(look(w, v, at, err));
    out->converged = false;
    for (out->iterations = 0; out->iterations < w->set->max_iter && !out->converged; out->iterations++) {
        bool moved = false;
        rc = tarn_cancel_check(w->job->sink, err);
        TARN_TRY(tarn_comm_agree(w->job->comm, rc, err));
        TARN_TRY(direction(w, at, next, step, err));
        double slope = tarn_dot(side, at + 1, step), by = 1;
        if (step[w->wide] < 0) by = fmin(1, -0.9 * v[w->wide] / step[w->wide]);
        out->converged = -slope <= w->set->tol * fabs(at[0]) || v[w->wide] <= least;
        for (int i = 0; i < HALVINGS && slope < 0 && !moved && !out->converged; i++, by /= 2) {
            for (size_t j = 0; j < side; j++) to[j] = fma(by, step[j], v[j]);
            TARN_TRY(look(w, to, next, err));
            moved = next[0] <= at[0] + 1e-4 * by * slope;
        }
        if (!moved) { /* there, or at rounding's floor */
            out->converged = true;
            break;
        }
        memcpy(v, to, side * sizeof *v);
        double *was = at;
        at = next;
        next = was;
    }
    if (out->iterations == 0) out->iterations = 1;
    out->objective = at[0];
done:
    return rc;
}

static tarn_code begin(work *w, double *v, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double sum[3] = {0};

    TARN_TRY(
        tarn_comm_sum_blocks(w->job->comm, w->job->pool, tarn_blocks(w->job->x->rows), 3, add_target, w, sum, err));
    w->weight = sum[0];
    w->mean = w->wide > w->cols ? sum[1] / sum[0] : 0;
    double square = sum[2] / sum[0] - w->mean * w->mean;
    w->deviation = square > 0 ? sqrt(square) : 0;
    if (!isfinite(w->deviation)) TARN_TRY(TARN_FAIL(err, TARN_NUMERIC, "the squares of the target overflow; scale it"));
    if (w->wide > w->cols) v[w->cols] = w->mean;
    v[w->wide] = w->deviation;
done:
    return rc;
}

static tarn_code finish(const work *w, const double *v, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *coefficients = NULL;

    TARN_TRY(tarn_alloc(&coefficients, w->cols + 1, sizeof *coefficients, err));
    TARN_TRY(tarn_alloc(&out->importance, w->cols, sizeof *out->importance, err));
    coefficients[0] = w->wide > w->cols ? v[w->cols] : 0;
    memcpy(coefficients + 1, v, w->cols * sizeof *v);
    for (size_t j = 0; j < w->cols; j++) out->importance[j] = fabs(v[j]);
    TARN_TRY(tarn_linear_add(w->job, 1, coefficients, TARN_LINK_IDENTITY, &out->out, err));
done:
    tarn_free(coefficients);
    return rc;
}

static tarn_code fit(const tarn_fit *job, const void *params, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    work w = {.job = job, .set = params, .cols = (size_t)job->x->cols};
    double *v = NULL, *space = NULL;

    w.wide = w.cols + (w.set->intercept ? 1 : 0);
    w.count = 1 + (w.wide + 1) + (w.wide + 1) * (w.wide + 1);
    w.each = w.cols * TARN_BLOCK_ROWS + (w.wide + 4) * TARN_TILE_STRIDE;
    rc = tarn_alloc(&w.scratch, (size_t)tarn_pool_threads(job->pool) * w.each, sizeof *w.scratch, err);
    if (rc == TARN_OK) rc = tarn_alloc(&v, w.wide + 1, sizeof *v, err);
    if (rc == TARN_OK) rc = tarn_alloc(&space, 2 * w.count + 2 * (w.wide + 1), sizeof *space, err);
    if (rc == TARN_OK) rc = tarn_cancel_check(job->sink, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(begin(&w, v, err));
    out->iterations = 1;
    if (w.deviation > 0) TARN_TRY(descend(&w, v, space, out, err));
    TARN_TRY(finish(&w, v, out, err));
done:
    tarn_free(w.scratch);
    tarn_free(v);
    tarn_free(space);
    return rc;
}

const tarn_algo tarn_algo_huber = {
    .name = "huber",
    .title = "Huber regression (few rows far off do no harm)",
    .paper = "Huber & Ronchetti, Robust Statistics, 2nd ed., 2009, section 7.7",
    .does = TARN_DOES_REGRESSION,
    .params_size = sizeof(huber_params),
    .params = params_table,
    .space = "{alpha: {from: 0.0001, to: 100, scale: log}, epsilon: [1.1, 1.35, 2]}",
    .fit = fit,
};
