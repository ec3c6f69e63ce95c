/* SPDX-License-Identifier: Apache-2.0 */
/* normal.c - normal equations by passes over the rows, and conjugate gradients on them. See least.h.
 *
 * Source: Hestenes, Stiefel, J. Res. Nat. Bur. Standards 49(6), 1952; Golub, Van Loan, Matrix Computations, 4th ed.,
 * 2013, algorithm 11.5.1 (with a preconditioner). */
#include "base/mem.h"
#include "math/gram.h"
#include "train/least.h"
#include "train/linear.h"

#include <math.h>
#include <string.h>

enum { TILE = 1024 };

/* What a pass wants of a block. */
typedef struct pass {
    const tarn_normal *n;
    const double *v; /* (cols); NULL: look at the columns instead */
    double constant; /* mean . v */
} pass;

/* A thread's space: a block of dense columns, margins and weights of a tile. */
typedef struct tile {
    int64_t first, at, n, rows; /* first row of the block, rows into it, how many, in the block */
    double *values, *z, *weight;
} tile;

static tile tile_of(const tarn_normal *n, int worker)
{
    double *space = n->scratch + (size_t)worker * n->each;
    size_t dense = (size_t)n->job->x->cols * TARN_BLOCK_ROWS;

    return (tile){.values = space, .z = space + dense, .weight = space + dense + TILE};
}

static const double *column(const tile *t, int32_t j) { return t->values + j * t->rows + t->at; }

/* z = X v - constant */
static void margins(const pass *p, tile *t)
{
    const tarn_matrix *x = p->n->job->x;
    const tarn_sparse *s = x->sparse;

    for (int64_t i = 0; i < t->n; i++) t->z[i] = -p->constant;
    for (int32_t j = 0; j < x->cols; j++) tarn_axpy((size_t)t->n, p->v[j], column(t, j), t->z);
    for (int64_t i = 0; s && i < t->n; i++) {
        int64_t row = t->first + t->at + i;
        double sum = t->z[i];
        for (int64_t k = s->start[row]; k < s->start[row + 1]; k++)
            sum = fma((double)s->value[k], p->v[x->cols + s->index[k]], sum);
        t->z[i] = sum;
    }
}

/* sum[0] += the residuals, sum[1 + j] += column j times the residuals z. */
static void transposed(const pass *p, const tile *t, double *sum)
{
    const tarn_matrix *x = p->n->job->x;
    const tarn_sparse *s = x->sparse;

    for (int64_t i = 0; i < t->n; i++) sum[0] += t->z[i];
    for (int32_t j = 0; j < x->cols; j++) sum[1 + j] += tarn_dot((size_t)t->n, column(t, j), t->z);
    for (int64_t i = 0; s && i < t->n; i++) {
        int64_t row = t->first + t->at + i;
        for (int64_t k = s->start[row]; k < s->start[row + 1]; k++) {
            double *to = &sum[1 + x->cols + s->index[k]];
            *to = fma((double)s->value[k], t->z[i], *to);
        }
    }
}

/* sum: [W, W y, W y^2, then of each column w x, w x y, w x^2] */
static void look(const pass *p, tile *t, double *sum)
{
    const tarn_matrix *x = p->n->job->x;
    const tarn_sparse *s = x->sparse;
    const double *y = x->y + t->first + t->at;
    int64_t cols = p->n->cols;
    double *wx = sum + 3, *wxy = wx + cols, *wxx = wxy + cols;

    for (int64_t i = 0; i < t->n; i++) {
        sum[0] += t->weight[i];
        sum[1] = fma(t->weight[i], y[i], sum[1]);
        sum[2] = fma(t->weight[i] * y[i], y[i], sum[2]);
    }
    for (int32_t j = 0; j < x->cols; j++) {
        const double *v = column(t, j);
        wx[j] += tarn_dot((size_t)t->n, v, t->weight);
        for (int64_t i = 0; i < t->n; i++) t->z[i] = t->weight[i] * v[i];
        wxy[j] += tarn_dot((size_t)t->n, t->z, y);
        wxx[j] += tarn_dot((size_t)t->n, t->z, v);
    }
    for (int64_t i = 0; s && i < t->n; i++) {
        int64_t row = t->first + t->at + i;
        for (int64_t k = s->start[row]; k < s->start[row + 1]; k++) {
            int64_t j = x->cols + s->index[k];
            double v = (double)s->value[k], w = t->weight[i] * v;
            wx[j] += w;
            wxy[j] = fma(w, y[i], wxy[j]);
            wxx[j] = fma(w, v, wxx[j]);
        }
    }
}

static tarn_code add_block(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const pass *p = arg;
    const tarn_matrix *x = p->n->job->x;
    tile t = tile_of(p->n, worker);

    t.first = block * TARN_BLOCK_ROWS;
    t.rows = x->rows - t.first < TARN_BLOCK_ROWS ? x->rows - t.first : TARN_BLOCK_ROWS;
    tarn_code rc = x->cols > 0 ? x->block(x->self, t.first, t.rows, t.values, err) : TARN_OK;
    if (rc != TARN_OK) return rc;
    for (t.at = 0; t.at < t.rows; t.at += TILE) {
        t.n = t.rows - t.at < TILE ? t.rows - t.at : TILE;
        for (int64_t i = 0; i < t.n; i++) t.weight[i] = x->weight ? x->weight[t.first + t.at + i] : 1;
        if (!p->v) {
            look(p, &t, sum);
            continue;
        }
        margins(p, &t);
        for (int64_t i = 0; i < t.n; i++) t.z[i] *= t.weight[i];
        transposed(p, &t, sum);
    }
    return TARN_OK;
}

static tarn_code run(const pass *p, int64_t count, double **sum, tarn_err *err)
{
    tarn_code rc = tarn_alloc(sum, (size_t)count, sizeof **sum, err);
    const tarn_fit *job = p->n->job;

    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(tarn_comm_sum_blocks(job->comm, job->pool, tarn_blocks(job->x->rows), count, add_block,
                                  (void *)(uintptr_t)p, *sum, err));
done:
    return rc;
}

static tarn_code take_look(tarn_normal *n, const double *sum, tarn_err *err)
{
    const tarn_matrix *x = n->job->x;
    const double *wx = sum + 3, *wxy = wx + n->cols, *wxx = wxy + n->cols;
    double mean_y = n->centred ? sum[1] / sum[0] : 0;

    n->weight = sum[0];
    n->mean[n->cols] = mean_y;
    n->squares = sum[2] - sum[0] * mean_y * mean_y;
    for (int64_t j = 0; j < n->cols; j++) {
        n->mean[j] = n->centred ? wx[j] / sum[0] : 0;
        n->right[j] = wxy[j] - n->mean[j] * sum[1];
        double left = wxx[j] - n->mean[j] * wx[j];
        n->diagonal[j] = left > 1e-14 * wxx[j] ? left : 0;
        if (n->diagonal[j] == 0) n->right[j] = 0;
        if (isfinite(wxx[j]) && isfinite(n->right[j])) continue;
        return tarn_matrix_overflow(x, j, err);
    }
    return isfinite(sum[2]) ? TARN_OK : TARN_FAIL(err, TARN_NUMERIC, "the squares of the target overflow; scale it");
}

tarn_code tarn_normal_open(const tarn_fit *job, bool centred, tarn_normal *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = job->x;
    double *sum = NULL;
    pass p = {.n = out};

    *out = (tarn_normal){.job = job, .centred = centred, .cols = x->cols + (x->sparse ? x->sparse->cols : 0)};
    size_t cols = (size_t)out->cols, threads = (size_t)tarn_pool_threads(job->pool);
    out->each = (size_t)x->cols * TARN_BLOCK_ROWS + 2 * TILE;
    rc = tarn_alloc(&out->mean, cols + 1, sizeof(double), err);
    if (rc == TARN_OK) rc = tarn_alloc(&out->diagonal, cols, sizeof(double), err);
    if (rc == TARN_OK) rc = tarn_alloc(&out->right, cols, sizeof(double), err);
    if (rc == TARN_OK) rc = tarn_alloc(&out->scratch, threads * out->each, sizeof(double), err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(run(&p, 3 + 3 * out->cols, &sum, err));
    TARN_TRY(take_look(out, sum, err));
done:
    tarn_free(sum);
    if (rc != TARN_OK) tarn_normal_close(out);
    return rc;
}

void tarn_normal_close(tarn_normal *n)
{
    tarn_free(n->mean);
    tarn_free(n->diagonal);
    tarn_free(n->right);
    tarn_free(n->scratch);
    *n = (tarn_normal){0};
}

tarn_code tarn_normal_times(const tarn_normal *n, const double *v, double *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *sum = NULL;
    pass p = {.n = n, .v = v, .constant = tarn_dot((size_t)n->cols, n->mean, v)};

    TARN_TRY(run(&p, 1 + n->cols, &sum, err));
    for (int64_t j = 0; j < n->cols; j++) /* a constant column, moved to its mean, is nothing but rounding */
        out[j] = n->diagonal[j] > 0 ? fma(-n->mean[j], sum[0], sum[1 + j]) : 0;
done:
    tarn_free(sum);
    return rc;
}

/* The vectors of conjugate gradients: residual, direction, A times it, residual over diagonal. */
typedef struct gradients {
    double *r, *p, *q, *z;
} gradients;

static double scaled(const tarn_normal *n, double l2, gradients *g)
{
    for (int64_t j = 0; j < n->cols; j++) g->z[j] = n->diagonal[j] > 0 ? g->r[j] / (n->diagonal[j] + l2) : 0;
    return tarn_dot((size_t)n->cols, g->r, g->z);
}

static tarn_code iterate(const tarn_normal *n, double l2, double tolerance, int64_t max_iter, double *b, gradients *g,
                         tarn_fitted *fitted, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t cols = (size_t)n->cols;
    double goal = tolerance * sqrt(tarn_dot(cols, n->right, n->right)), rho = 0;

    memcpy(g->r, n->right, cols * sizeof *b);
    rho = scaled(n, l2, g);
    memcpy(g->p, g->z, cols * sizeof *b);
    for (fitted->iterations = 0;; fitted->iterations++) {
        fitted->converged = sqrt(tarn_dot(cols, g->r, g->r)) <= goal;
        if (fitted->converged || fitted->iterations == max_iter) break;
        rc = tarn_cancel_check(n->job->sink, err);
        TARN_TRY(tarn_comm_agree(n->job->comm, rc, err));
        TARN_TRY(tarn_normal_times(n, g->p, g->q, err));
        tarn_axpy(cols, l2, g->p, g->q);
        double curve = tarn_dot(cols, g->p, g->q);
        if (!(curve > 0)) break; /* rounding's floor */
        double step = rho / curve, before = rho;
        tarn_axpy(cols, step, g->p, b);
        tarn_axpy(cols, -step, g->q, g->r);
        rho = scaled(n, l2, g);
        for (size_t j = 0; j < cols; j++) g->p[j] = fma(rho / before, g->p[j], g->z[j]);
    }
    if (fitted->iterations == 0) fitted->iterations = 1; /* the pass over the columns */
done:
    return rc;
}

tarn_code tarn_normal_solve(const tarn_normal *n, double l2, double tolerance, int64_t max_iter, double *b,
                            tarn_fitted *fitted, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t cols = (size_t)n->cols;
    double *space = NULL;

    rc = tarn_alloc(&space, 4 * cols, sizeof *space, err);
    TARN_TRY(tarn_comm_agree(n->job->comm, rc, err));
    gradients g = {space, space + cols, space + 2 * cols, space + 3 * cols};
    memset(b, 0, cols * sizeof *b);
    TARN_TRY(iterate(n, l2, tolerance, max_iter, b, &g, fitted, err));
done:
    tarn_free(space);
    return rc;
}

tarn_code tarn_normal_finish(const tarn_normal *n, double intercept, const double *b, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = n->job->x;
    int32_t sources = x->sparse ? x->sparse->sources : 0;
    double *coefficients = NULL;

    TARN_TRY(tarn_alloc(&coefficients, (size_t)n->cols + 1, sizeof *coefficients, err));
    TARN_TRY(tarn_alloc(&out->importance, (size_t)(x->cols + sources), sizeof *out->importance, err));
    coefficients[0] = intercept;
    memcpy(coefficients + 1, b, (size_t)n->cols * sizeof *b);
    for (int32_t j = 0; j < x->cols; j++) out->importance[j] = fabs(b[j]) * sqrt(n->diagonal[j] / n->weight);
    for (int32_t s = 0; s < sources; s++) {
        const tarn_sparse_source *source = &x->sparse->source[s];
        for (int64_t j = x->cols + source->first; j < x->cols + source->first + source->cols; j++)
            out->importance[x->cols + s] += fabs(b[j]) * sqrt(n->diagonal[j] / n->weight);
    }
    TARN_TRY(tarn_linear_add(n->job, 1, coefficients, TARN_LINK_IDENTITY, &out->out, err));
done:
    tarn_free(coefficients);
    return rc;
}

tarn_code tarn_normal_fit(const tarn_fit *job, bool intercept, double l2, double tolerance, int64_t max_iter,
                          tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_normal n = {0};
    double *b = NULL;

    TARN_TRY(tarn_normal_open(job, intercept, &n, err));
    rc = tarn_alloc(&b, (size_t)n.cols, sizeof *b, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(tarn_normal_solve(&n, l2, tolerance, max_iter, b, out, err));
    TARN_TRY(tarn_normal_finish(&n, n.mean[n.cols] - tarn_dot((size_t)n.cols, n.mean, b), b, out, err));
done:
    tarn_normal_close(&n);
    tarn_free(b);
    return rc;
}
