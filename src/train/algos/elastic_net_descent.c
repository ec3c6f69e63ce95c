/* SPDX-License-Identifier: Apache-2.0 */
/* elastic_net_descent.c - coordinate descent on cross products, and the choice of alpha by cross-validation.
 *
 * With G = X'WX at hand a coordinate that stays zero costs one comparison and one that moves costs a row of G, so
 * no column has to be screened out beforehand. Sweeps over all columns alternate with sweeps over those in use, until
 * the duality gap is small. Folds need no rows: what a model without fold f learns from is all sums minus the fold's,
 * and its error on the fold follows from the fold's own sums.
 *
 * Source: Friedman, Hastie, Tibshirani, J. Stat. Software 33(1), 2010 (covariance updates, warm starts along a path);
 * the gap is that of Kim, Koh, Lustig, Boyd, Gorinevsky, IEEE J. Sel. Top. Signal Proc. 1(4), 2007. */
#include "base/mem.h"
#include "math/elementary.h"
#include "math/gram.h"
#include "train/algos/elastic_net_parts.h"

#include <math.h>
#include <string.h>

static double shrink(double x, double by) { return x > by ? x - by : x < -by ? x + by : 0; }

void elastic_net_begin(elastic_net_descent *d)
{
    size_t wide = d->cols + 1;

    for (size_t j = 0; j < d->cols; j++)
        d->q[j] = (d->c->g[j * wide + d->cols] - tarn_dot(d->cols, d->c->g + j * wide, d->b)) / d->c->weight;
}

/* One sweep; returns the largest move of a coordinate, in units of the target's share of it. */
static double sweep(elastic_net_descent *d, double l1, double l2, bool all)
{
    size_t wide = d->cols + 1;
    double most = 0;

    for (size_t j = 0; j < d->cols; j++) {
        double square = d->c->g[j * wide + j] / d->c->weight, was = d->b[j];
        if ((!all && was == 0) || square == 0) continue;
        double now = shrink(fma(square, was, d->q[j]), l1) / (square + l2), by = now - was;
        if (by == 0) continue;
        d->b[j] = now;
        tarn_axpy(d->cols, -by / d->c->weight, d->c->g + j * wide, d->q);
        double moved = fabs(by) * sqrt(square);
        most = moved > most ? moved : most;
    }
    return most;
}

/* How far the objective may be above the minimum, over W. */
static double gap(const elastic_net_descent *d, double l1, double l2)
{
    size_t wide = d->cols + 1;
    double most = 0, sum = 0, linear = 0, squares = tarn_dot(d->cols, d->b, d->b);
    double yy = d->c->g[d->cols * wide + d->cols] / d->c->weight;

    for (size_t j = 0; j < d->cols; j++) {
        double slope = fabs(fma(-l2, d->b[j], d->q[j]));
        most = slope > most ? slope : most;
        sum += fabs(d->b[j]);
        linear = fma(d->b[j], d->c->g[j * wide + d->cols] / d->c->weight, linear);
    }
    double both = tarn_dot(d->cols, d->b, d->q); /* b'(g - G b) */
    double rest = yy - linear - both;            /* |y - X b|^2 */
    double scale = most > l1 ? l1 / most : 1;
    double with_y = yy - linear; /* (y - X b)'y */
    return 0.5 * rest * (1 + scale * scale) + l1 * sum - scale * with_y + 0.5 * l2 * (1 + scale * scale) * squares;
}

tarn_code elastic_net_descend(elastic_net_descent *d, double alpha, tarn_err *err)
{
    size_t wide = d->cols + 1;
    double l1 = alpha * d->l1_ratio, l2 = alpha * (1 - d->l1_ratio);
    double yy = d->c->g[d->cols * wide + d->cols] / d->c->weight, still = d->tol * sqrt(yy);

    d->converged = false;
    for (int64_t i = 0; i < d->max_iter && !d->converged; i++) {
        double moved = sweep(d, l1, l2, true);
        d->sweeps++;
        for (; moved > still && i < d->max_iter; i++, d->sweeps++) moved = sweep(d, l1, l2, false);
        if (i % 64 == 63) elastic_net_begin(d); /* q gathers rounding */
        d->converged = moved <= still * 10 && gap(d, l1, l2) <= d->tol * yy;
        tarn_code rc = tarn_cancel_check(d->sink, err);
        if (rc != TARN_OK) return rc;
        if (yy == 0) d->converged = true;
    }
    return TARN_OK;
}

double elastic_net_objective(const elastic_net_descent *d, double alpha)
{
    size_t wide = d->cols + 1;
    double sum = 0, linear = 0, squares = tarn_dot(d->cols, d->b, d->b);

    for (size_t j = 0; j < d->cols; j++) {
        sum += fabs(d->b[j]);
        linear = fma(d->b[j], d->c->g[j * wide + d->cols] / d->c->weight, linear);
    }
    double rest = d->c->g[d->cols * wide + d->cols] / d->c->weight - linear - tarn_dot(d->cols, d->b, d->q);
    return 0.5 * rest + alpha * (d->l1_ratio * sum + (1 - d->l1_ratio) * squares / 2);
}

/* ---- which alpha ---- */

typedef struct choice {
    const tarn_fit *job;
    const elastic_net_params *set;
    const tarn_moments *m;
    const double *alphas; /* (set->alphas), falling */
    double *errors;       /* (folds, alphas) mean squared error on the fold */
} choice;

/* Mean of w (y - a - x b)^2 over a fold, with the intercept of the rows outside it. */
static double fold_error(const tarn_cross *fold, const tarn_cross *rest, size_t cols, const double *b)
{
    size_t wide = cols + 1;
    double off = fold->mean[cols] - rest->mean[cols], sum = fold->g[cols * wide + cols];

    for (size_t j = 0; j < cols; j++) {
        off = fma(-b[j], fold->mean[j] - rest->mean[j], off);
        if (b[j] != 0) sum = fma(b[j], tarn_dot(cols, fold->g + j * wide, b) - 2 * fold->g[j * wide + cols], sum);
    }
    return sum / fold->weight + off * off;
}

static tarn_code try_fold(void *arg, int64_t f, int worker, tarn_err *err)
{
    const choice *ch = arg;
    tarn_code rc = TARN_OK;
    size_t cols = (size_t)ch->m->wide - 1;
    tarn_cross rest = {0}, fold = {0};
    elastic_net_descent d = {.c = &rest,
                             .cols = cols,
                             .l1_ratio = ch->set->l1_ratio,
                             .tol = ch->set->tol,
                             .max_iter = ch->set->max_iter,
                             .sink = ch->job->sink};
    (void)worker;

    TARN_TRY(tarn_cross_new(ch->m, &rest, err));
    TARN_TRY(tarn_cross_new(ch->m, &fold, err));
    TARN_TRY(tarn_alloc(&d.b, cols, sizeof *d.b, err));
    TARN_TRY(tarn_alloc(&d.q, cols, sizeof *d.q, err));
    tarn_moments_take(ch->m, (int32_t)f, TARN_FOLD_NONE, &rest);
    tarn_moments_take(ch->m, TARN_FOLD_NONE, (int32_t)f, &fold);
    elastic_net_begin(&d);
    for (int64_t i = 0; i < ch->set->alphas; i++) {
        TARN_TRY(elastic_net_descend(&d, ch->alphas[i], err));
        ch->errors[f * ch->set->alphas + i] = fold_error(&fold, &rest, cols, d.b);
    }
done:
    tarn_cross_clear(&rest);
    tarn_cross_clear(&fold);
    tarn_free(d.b);
    tarn_free(d.q);
    return rc;
}

static void make_path(const tarn_cross *all, size_t cols, const elastic_net_params *set, double *alphas)
{
    size_t wide = cols + 1;
    double most = 0, fall = tarn_log(set->least_alpha) / (double)(set->alphas - 1);

    for (size_t j = 0; j < cols; j++) most = fmax(most, fabs(all->g[j * wide + cols]));
    most /= all->weight * set->l1_ratio;
    if (most == 0) most = 1;
    for (int64_t i = 0; i < set->alphas; i++) alphas[i] = most * tarn_exp(fall * (double)i);
}

tarn_code elastic_net_choose(const tarn_fit *job, const elastic_net_params *set, const tarn_moments *m,
                             const tarn_cross *all, double *alpha, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t count = (size_t)set->alphas, folds = (size_t)m->folds;
    double *alphas = NULL, *errors = NULL, least = INFINITY;

    rc = tarn_alloc(&alphas, count, sizeof *alphas, err);
    if (rc == TARN_OK) rc = tarn_alloc(&errors, folds * count, sizeof *errors, err);
    choice ch = {job, set, m, alphas, errors};
    if (rc == TARN_OK) make_path(all, (size_t)m->wide - 1, set, alphas);
    if (rc == TARN_OK) rc = tarn_pool_run(job->pool, m->folds, try_fold, &ch, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t f = 0; f < folds; f++) sum += errors[f * count + i] / (double)folds;
        if (sum < least) least = sum, *alpha = alphas[i];
    }
    if (tarn_comm_rank(job->comm) == 0 && isfinite(least)) /* of too few rows nothing can be left out */
        tarn_say(job->sink, TARN_INFO, "elastic_net: alpha = %.6g, mean squared error %.6g over %zu folds", *alpha,
                 least, folds);
done:
    tarn_free(alphas);
    tarn_free(errors);
    return rc;
}
