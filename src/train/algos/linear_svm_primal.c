/* SPDX-License-Identifier: Apache-2.0 */
/* linear_svm_primal.c - Newton's method on the squared loss. See linear_svm_parts.h.
 *
 * The loss is quadratic in the rows that have one, so a step is a weighted least-squares fit of these rows: one pass
 * for value, gradient and cross products, a Cholesky solve, and a step that is halved until the value falls. */
#include "train/algos/linear_svm_parts.h"

#include "base/mem.h"
#include "math/gram.h"
#include "train/tile.h"

#include <math.h>
#include <string.h>

enum { TILE = TARN_TILE, STRIDE = TARN_TILE_STRIDE, HALVINGS = 30 };

/* One problem: an output, without the rows of one turn. */
typedef struct problem {
    const linear_svm *m;
    int32_t output, without;
    const double *b; /* where a pass looks */
    double *scratch; /* (threads, each) */
    size_t each;
} problem;

/* Rows first + at .. of the block `values`, as columns with the ones; margins z. */
typedef struct tile {
    double *x, *z, *curve, *pull;
    int64_t n;
} tile;

static tile take_tile(const problem *p, const double *values, int64_t rows, int64_t at, int64_t n, double *space)
{
    size_t wide = (size_t)p->m->wide;
    tile t = {.x = space, .z = space + wide * STRIDE, .n = n};

    t.curve = t.z + STRIDE;
    t.pull = t.curve + STRIDE;
    tarn_tile_take(values, p->m->job->x->cols, rows, at, n, NULL, NULL, p->m->set->intercept, t.x);
    memset(t.z, 0, (size_t)n * sizeof *t.z);
    for (size_t j = 0; j < wide; j++) tarn_axpy((size_t)n, p->b[j], t.x + j * STRIDE, t.z);
    return t;
}

/* Loss of each row; its slope to pull, its curvature to curve. Returns the sum. */
static double losses(const problem *p, tile *t, int64_t row)
{
    const tarn_matrix *x = p->m->job->x;
    double sum = 0, epsilon = p->m->set->epsilon;

    for (int64_t i = 0; i < t->n; i++) {
        double w = p->m->set->C * (x->weight ? x->weight[row + i] : 1),
               target = linear_svm_target(p->m, row + i, p->output);
        bool out = p->without != LINEAR_SVM_ALL && linear_svm_turn(p->m, x->first + row + i) == p->without;
        double off = p->m->regression ? t->z[i] - target : target * t->z[i] < 1 ? t->z[i] - target : 0;
        if (p->m->regression) off = off > epsilon ? off - epsilon : off < -epsilon ? off + epsilon : 0;
        if (out) off = 0;
        t->pull[i] = 2 * w * off;
        t->curve[i] = off != 0 ? 2 * w : 0;
        sum = fma(w * off, off, sum);
    }
    return sum;
}

/* sum: value, gradient (wide), Hessian (wide, wide) of the losses alone. */
static tarn_code add_block(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const problem *p = arg;
    const tarn_matrix *x = p->m->job->x;
    size_t wide = (size_t)p->m->wide;
    int64_t first = block * TARN_BLOCK_ROWS, rows = tarn_block_size(x, block);
    double *values = p->scratch + (size_t)worker * p->each;

    tarn_code rc = x->block(x->self, first, rows, values, err);
    if (rc != TARN_OK) return rc;
    for (int64_t at = 0; at < rows; at += TILE) {
        int64_t n = rows - at < TILE ? rows - at : TILE;
        tile t = take_tile(p, values, rows, at, n, values + (size_t)x->cols * TARN_BLOCK_ROWS);
        sum[0] += losses(p, &t, first + at);
        for (size_t j = 0; j < wide; j++) sum[1 + j] += tarn_dot((size_t)n, t.x + j * STRIDE, t.pull);
        tarn_gram_add(wide, (size_t)n, STRIDE, t.x, t.curve, sum + 1 + wide);
    }
    return TARN_OK;
}

/* at: value, gradient, Hessian with the penalty, at p->b. */
static tarn_code look(problem *p, const double *b, double *at, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = p->m->job;
    size_t wide = (size_t)p->m->wide;

    p->b = b;
    memset(at, 0, (1 + wide + wide * wide) * sizeof *at);
    TARN_TRY(tarn_comm_sum_blocks(job->comm, job->pool, tarn_blocks(job->x->rows), (int64_t)(1 + wide + wide * wide),
                                  add_block, p, at, err));
    at[0] = fma(0.5, tarn_dot(wide, b, b), at[0]);
    for (size_t j = 0; j < wide; j++) {
        at[1 + j] += b[j];
        at[1 + wide + j * wide + j] += 1;
        if (!isfinite(at[1 + wide + j * wide + j]) && j < (size_t)job->x->cols)
            TARN_TRY(tarn_matrix_overflow(job->x, (int64_t)j, err));
    }
    if (!isfinite(at[0])) rc = TARN_FAIL(err, TARN_NUMERIC, "margins overflow; scale the columns");
done:
    return rc;
}

/* Vectors of a solve. */
typedef struct newton {
    double *at, *next; /* value, gradient, Hessian */
    double *to, *step; /* (wide) */
} newton;

static double largest(size_t wide, const double *gradient)
{
    double most = 0;

    for (size_t j = 0; j < wide; j++) most = fmax(most, fabs(gradient[j]));
    return most;
}

static tarn_code halve(problem *p, newton *w, double *b, bool *moved, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t wide = (size_t)p->m->wide;
    double slope = tarn_dot(wide, w->at + 1, w->step), by = 1;

    *moved = false;
    for (int i = 0; i < HALVINGS && slope < 0 && !*moved; i++, by /= 2) {
        for (size_t j = 0; j < wide; j++) w->to[j] = fma(by, w->step[j], b[j]);
        TARN_TRY(look(p, w->to, w->next, err));
        *moved = w->next[0] <= w->at[0] + 1e-4 * by * slope;
    }
    if (!*moved) goto done;
    memcpy(b, w->to, wide * sizeof *b);
    double *was = w->at;
    w->at = w->next;
    w->next = was;
done:
    return rc;
}

/* The step that solves Hessian times step = -gradient; columns that rounding finds dependent are told apart by a little
 * more penalty. */
static tarn_code direction(const newton *w, size_t wide, tarn_err *err)
{
    tarn_code rc = TARN_NUMERIC;

    for (double raise = 0; raise <= 1 && rc == TARN_NUMERIC; raise = raise > 0 ? raise * 100 : 1e-14) {
        memcpy(w->next, w->at + 1 + wide, wide * wide * sizeof *w->next);
        for (size_t j = 0; j < wide; j++) {
            w->step[j] = -w->at[1 + j];
            w->next[j * wide + j] *= 1 + raise;
        }
        rc = tarn_cholesky_solve(wide, w->next, w->step, NULL, raise * 100 > 1 ? err : NULL);
    }
    return rc;
}

static tarn_code solve(problem *p, newton *w, double *b, int64_t *steps, bool *converged, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = p->m->job;
    size_t wide = (size_t)p->m->wide;
    bool moved = true;
    double first = 0;

    TARN_TRY(look(p, b, w->at, err));
    first = largest(wide, w->at + 1);
    for (*steps = 0;; ++*steps) {
        rc = tarn_cancel_check(job->sink, err);
        TARN_TRY(tarn_comm_agree(job->comm, rc, err));
        *converged = largest(wide, w->at + 1) <= p->m->set->tol * 1e-4 * first;
        if (*converged || *steps == p->m->set->max_iter) break;
        TARN_TRY(direction(w, wide, err));
        TARN_TRY(halve(p, w, b, &moved, err));
        if (!moved) { /* rounding's floor */
            *converged = true;
            break;
        }
    }
done:
    return rc;
}

tarn_code linear_svm_primal(linear_svm *m, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t wide = (size_t)m->wide, each = 1 + wide + wide * wide;
    problem p = {.m = m, .each = (size_t)m->cols * TARN_BLOCK_ROWS + (wide + 3) * STRIDE};
    newton w = {0};
    double *space = NULL;

    rc = tarn_alloc(&p.scratch, (size_t)tarn_pool_threads(m->job->pool) * p.each, sizeof *p.scratch, err);
    if (rc == TARN_OK) rc = tarn_alloc(&space, 2 * each + 2 * wide, sizeof *space, err);
    TARN_TRY(tarn_comm_agree(m->job->comm, rc, err));
    w = (newton){space, space + each, space + 2 * each, space + 2 * each + wide};
    for (int32_t t = m->turns; t-- > 0;) /* the turn with all rows first: the others begin where it ended */
        for (p.output = 0; p.output < m->outputs; p.output++) {
            double *b = m->b + ((size_t)t * (size_t)m->outputs + (size_t)p.output) * wide;
            bool converged = false;
            int64_t steps = 0;
            p.without = t == m->turns - 1 ? LINEAR_SVM_ALL : t;
            if (t < m->turns - 1)
                memcpy(b, m->b + ((size_t)(m->turns - 1) * (size_t)m->outputs + (size_t)p.output) * wide, wide * 8);
            TARN_TRY(solve(&p, &w, b, &steps, &converged, err));
            if (t < m->turns - 1) continue;
            m->steps = steps > m->steps ? steps : m->steps;
            m->converged = p.output == 0 ? converged : m->converged && converged;
        }
done:
    tarn_free(p.scratch);
    tarn_free(space);
    return rc;
}
