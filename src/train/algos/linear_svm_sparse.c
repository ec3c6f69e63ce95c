/* SPDX-License-Identifier: Apache-2.0 */
/* linear_svm_sparse.c - Newton's method on the squared loss where columns are too many for a Hessian. See
 * linear_svm_parts.h.
 *
 * Symbols: z_i = x_i b; a row is active if it has a loss; c_i = 2 C w_i of an active row. The Hessian is
 * I + sum over active rows of c_i x_i x_i', and is only ever multiplied by a vector: two uses of each active row. Where
 * rows are many and noisy, so that the dual needs hundreds of sweeps, a hundred such products are enough.
 *
 * Method: conjugate gradients, preconditioned by the Hessian's diagonal, find a step; along it the objective is
 * piecewise quadratic, and its minimum is found from z and the step's margins alone. Active rows are few soon, so they
 * are brought together in memory before they are used a dozen times. It ends with a step that was to lower the
 * objective by less than tol / 10 of it (numbers: tol / 1000).
 *
 * Every turn that leaves rows out begins where the one with all rows ended, and is solved less sharply, since it serves
 * the probabilities alone. Each output and turn is a problem of its own, for a thread of its own.
 *
 * Source: Keerthi, DeCoste, J. Mach. Learn. Res. 6, 2005; Lin, Weng, Keerthi, J. Mach. Learn. Res. 9, 2008. */
#include "train/algos/linear_svm_parts.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

enum { VECTORS = 6, MOST_SEARCH = 30, MOST_PRODUCTS = 1000, SHARE = 4 /* active entries that are brought together */ };

/* How far conjugate gradients go: the residual's size in units of its first one. */
static const double NEAR = 0.15;
/* How much less sharply turns with rows left out are solved. */
static const double TURN = 10;

typedef struct problem {
    const linear_svm *m;
    const linear_svm_rows *r;
    int32_t output, without;
    double *b;                                                       /* (wide) */
    double *gradient, *diagonal, *step, *residual, *along, *product; /* (wide) */
    double *z, *move;                                                /* (n) margins at b, and of the step */
    double *curve;                                                   /* (active) c */
    int32_t *active;                                                 /* (n) numbers of the active rows */
    int64_t n_active;
    /* Entries of active row number a: len[a] from from[a] on, of these arrays: copies of the matrix's, or its own. */
    int64_t *from;
    int32_t *len;
    const int32_t *index;
    const float *value;
    int32_t *index_copy;
    float *value_copy;
    int64_t copies; /* room */
} problem;

/* How far a row with margin z is on the wrong side; 0: it has no loss. */
static double wrong_by(const problem *p, int64_t i, double z)
{
    double target = linear_svm_side(p->m, p->r->y[i], p->output), epsilon = p->m->set->epsilon;

    if (p->without != LINEAR_SVM_ALL && linear_svm_turn(p->m, i) == p->without) return 0;
    if (!p->m->regression) return target * z < 1 ? z - target : 0;
    return z - target > epsilon ? z - target - epsilon : z - target < -epsilon ? z - target + epsilon : 0;
}

static void add_squares(const problem *p, int64_t i, double by, double *to)
{
    const linear_svm_rows *r = p->r;

    if (r->ones) to[r->dense + r->sparse] += by;
    for (int32_t j = 0; j < r->dense; j++) to[j] = fma(by * r->x[i * r->dense + j], r->x[i * r->dense + j], to[j]);
    for (int64_t e = r->start[i]; e < r->start[i + 1]; e++) {
        double v = (double)r->value[e], *at = &to[r->dense + r->index[e]];
        *at = fma(by * v, v, *at);
    }
}

/* Gradient, diagonal and active rows at b; returns the objective. */
static double look(problem *p)
{
    size_t wide = (size_t)p->m->wide;
    double value = tarn_dot(wide, p->b, p->b) / 2;

    memcpy(p->gradient, p->b, wide * sizeof *p->b);
    for (size_t j = 0; j < wide; j++) p->diagonal[j] = 1;
    p->n_active = 0;
    for (int64_t i = 0; i < p->r->n; i++) {
        double off = wrong_by(p, i, p->z[i]), c = 2 * p->m->set->C * p->r->weight[i];
        if (off == 0) continue;
        value = fma(c * off / 2, off, value);
        linear_svm_row_add(p->r, i, c * off, p->gradient);
        add_squares(p, i, c, p->diagonal);
        p->curve[p->n_active] = c;
        p->active[p->n_active++] = (int32_t)i;
    }
    return value;
}

/* Active rows next to each other, if they go into the room for them. */
static void bring_together(problem *p)
{
    const linear_svm_rows *r = p->r;
    int64_t entries = 0;

    for (int64_t a = 0; a < p->n_active; a++) {
        p->from[a] = r->start[p->active[a]];
        p->len[a] = (int32_t)(r->start[p->active[a] + 1] - p->from[a]);
        entries += p->len[a];
    }
    p->index = r->index;
    p->value = r->value;
    if (entries > p->copies) return;
    p->index = p->index_copy;
    p->value = p->value_copy;
    entries = 0;
    for (int64_t a = 0; a < p->n_active; a++) {
        size_t len = (size_t)p->len[a];
        if (len > 0) memcpy(p->index_copy + entries, r->index + p->from[a], len * sizeof *r->index);
        if (len > 0) memcpy(p->value_copy + entries, r->value + p->from[a], len * sizeof *r->value);
        p->from[a] = entries;
        entries += p->len[a];
    }
}

/* out = Hessian times v. */
static void times_hessian(const problem *p, const double *v, double *out)
{
    const linear_svm_rows *r = p->r;
    size_t dense = (size_t)r->dense, last = dense + (size_t)r->sparse;

    memcpy(out, v, (size_t)p->m->wide * sizeof *out);
    for (int64_t a = 0; a < p->n_active; a++) {
        const int32_t *index = p->index + p->from[a];
        const float *value = p->value + p->from[a];
        const double *x = r->x + (int64_t)p->active[a] * r->dense;
        double sum = linear_svm_entries_times(p->len[a], index, value, v + dense);
        if (dense > 0) sum += tarn_dot(dense, x, v);
        if (r->ones) sum += v[last];
        sum *= p->curve[a];
        linear_svm_entries_add(p->len[a], index, value, sum, out + dense);
        if (dense > 0) tarn_axpy(dense, sum, x, out);
        if (r->ones) out[last] += sum;
    }
}

/* Hessian times step = -gradient, nearly. */
static void find_step(problem *p)
{
    size_t wide = (size_t)p->m->wide;
    double *r = p->residual, *q = p->product, *d = p->diagonal, size = 0, enough = 0;

    for (size_t j = 0; j < wide; j++) {
        r[j] = -p->gradient[j];
        p->step[j] = 0;
        p->along[j] = r[j] / d[j];
    }
    size = tarn_dot(wide, r, p->along);
    enough = NEAR * NEAR * size;
    for (int k = 0; k < MOST_PRODUCTS && size > enough; k++) {
        times_hessian(p, p->along, q);
        double by = size / tarn_dot(wide, p->along, q), was = size;
        for (size_t j = 0; j < wide; j++) {
            p->step[j] = fma(by, p->along[j], p->step[j]);
            r[j] = fma(-by, q[j], r[j]);
            q[j] = r[j] / d[j];
        }
        size = tarn_dot(wide, r, q);
        for (size_t j = 0; j < wide; j++) p->along[j] = fma(size / was, p->along[j], q[j]);
    }
}

/* Slope of the objective at b + t step, along the step, and its curvature there; bs = b.step, ss = step.step. */
static double slope_at(const problem *p, double t, double bs, double ss, double *curvature)
{
    double slope = fma(t, ss, bs), C = p->m->set->C;

    *curvature = ss;
    for (int64_t i = 0; i < p->r->n; i++) {
        double off = wrong_by(p, i, fma(t, p->move[i], p->z[i])), c = 2 * C * p->r->weight[i] * p->move[i];
        if (off == 0) continue;
        slope = fma(c, off, slope);
        *curvature = fma(c, p->move[i], *curvature);
    }
    return slope;
}

/* The best length of the step; 0 if rounding finds none. The slope rises with t: Newton's method between two ends. Up
 * to where it is below 0 the objective falls. */
static double search(const problem *p)
{
    size_t wide = (size_t)p->m->wide;
    double bs = tarn_dot(wide, p->b, p->step), ss = tarn_dot(wide, p->step, p->step);
    double first = tarn_dot(wide, p->gradient, p->step), low = 0, high = INFINITY, t = 1, curve;

    for (int i = 0; i < MOST_SEARCH && first < 0; i++) {
        double slope = slope_at(p, t, bs, ss, &curve);
        if (fabs(slope) <= 1e-3 * -first) return t;
        if (slope < 0) low = t;
        else high = t;
        t -= slope / curve;
        if (!(t > low && t < high)) t = isinf(high) ? 2 * low : (low + high) / 2;
    }
    return low;
}

/* From b. A step that was to take little off the objective is the last one: what it leaves is a small part of that. */
static tarn_code solve(problem *p, int64_t *steps, bool *converged, tarn_err *err)
{
    size_t wide = (size_t)p->m->wide;
    double little = p->m->set->tol / (p->m->regression ? 1000 : 10) * (p->without == LINEAR_SVM_ALL ? 1 : TURN);

    for (int64_t i = 0; i < p->r->n; i++) p->z[i] = linear_svm_row_times(p->r, i, p->b);
    *converged = false;
    for (*steps = 0; *steps < p->m->set->max_iter && !*converged; ++*steps) {
        tarn_code rc = tarn_cancel_check(p->m->job->sink, err);
        if (rc != TARN_OK) return rc;
        double value = look(p);
        if (!isfinite(value)) return TARN_FAIL(err, TARN_NUMERIC, "margins overflow; scale the columns");
        bring_together(p);
        find_step(p);
        for (int64_t i = 0; i < p->r->n; i++) p->move[i] = linear_svm_row_times(p->r, i, p->step);
        double t = search(p);
        *converged = t == 0 || -tarn_dot(wide, p->gradient, p->step) / 2 <= little * value;
        tarn_axpy(wide, t, p->step, p->b);
        tarn_axpy((size_t)p->r->n, t, p->move, p->z);
    }
    return TARN_OK;
}

/* What is minimised, where solve ended. */
static double objective(const problem *p)
{
    size_t wide = (size_t)p->m->wide;
    double value = tarn_dot(wide, p->b, p->b) / 2;

    for (int64_t i = 0; i < p->r->n; i++) {
        double off = wrong_by(p, i, p->z[i]);
        value = fma(p->m->set->C * p->r->weight[i] * off, off, value);
    }
    return value;
}

/* ---- all problems ---- */

typedef struct work {
    linear_svm *m;
    const linear_svm_rows *r;
    double *vectors;  /* (threads, VECTORS, wide) */
    double *margins;  /* (threads, 3, n) */
    int64_t *from;    /* (threads, n) */
    int32_t *numbers; /* (threads, 2, n) */
    int32_t *index;   /* (threads, copies) */
    float *value;     /* (threads, copies) */
    int64_t copies;
    int64_t *steps; /* (outputs) of the turn with all rows */
    bool *converged;
    double *objective; /* (outputs) of it */
} work;

static problem problem_of(const work *w, int32_t turn, int32_t output, int worker)
{
    const linear_svm *m = w->m;
    size_t n = (size_t)w->r->n, wide = (size_t)m->wide, own = (size_t)worker;
    double *vector = w->vectors + own * VECTORS * wide, *margin = w->margins + own * 3 * n;

    return (problem){.m = m,
                     .r = w->r,
                     .output = output,
                     .without = turn == m->turns - 1 ? LINEAR_SVM_ALL : turn,
                     .b = m->b + ((int64_t)turn * m->outputs + output) * m->wide,
                     .gradient = vector,
                     .diagonal = vector + wide,
                     .step = vector + 2 * wide,
                     .residual = vector + 3 * wide,
                     .along = vector + 4 * wide,
                     .product = vector + 5 * wide,
                     .z = margin,
                     .move = margin + n,
                     .curve = margin + 2 * n,
                     .active = w->numbers + own * 2 * n,
                     .len = w->numbers + own * 2 * n + n,
                     .from = w->from + own * n,
                     .index_copy = w->index + own * (size_t)w->copies,
                     .value_copy = w->value + own * (size_t)w->copies,
                     .copies = w->copies};
}

/* The turn with all rows: one problem for each output. */
static tarn_code solve_all_rows(void *arg, int64_t output, int worker, tarn_err *err)
{
    const work *w = arg;
    problem p = problem_of(w, w->m->turns - 1, (int32_t)output, worker);

    tarn_code rc = solve(&p, &w->steps[output], &w->converged[output], err);
    if (rc == TARN_OK) w->objective[output] = objective(&p);
    return rc;
}

/* Then the others. */
static tarn_code solve_turn(void *arg, int64_t number, int worker, tarn_err *err)
{
    const work *w = arg;
    const linear_svm *m = w->m;
    int32_t output = (int32_t)(number % m->outputs);
    problem p = problem_of(w, (int32_t)(number / m->outputs), output, worker);
    int64_t steps;
    bool converged;

    memcpy(p.b, m->b + ((int64_t)(m->turns - 1) * m->outputs + output) * m->wide, (size_t)m->wide * sizeof *p.b);
    return solve(&p, &steps, &converged, err);
}

static tarn_code make_room(work *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const linear_svm *m = w->m;
    size_t threads = (size_t)tarn_pool_threads(m->job->pool), n = (size_t)w->r->n, k = (size_t)m->outputs;

    w->copies = w->r->start[w->r->n] / SHARE;
    TARN_TRY(tarn_alloc(&w->vectors, threads * VECTORS * (size_t)m->wide, sizeof *w->vectors, err));
    TARN_TRY(tarn_alloc(&w->margins, threads * 3 * n, sizeof *w->margins, err));
    TARN_TRY(tarn_alloc(&w->from, threads * n, sizeof *w->from, err));
    TARN_TRY(tarn_alloc(&w->numbers, threads * 2 * n, sizeof *w->numbers, err));
    TARN_TRY(tarn_alloc(&w->index, threads * (size_t)w->copies, sizeof *w->index, err));
    TARN_TRY(tarn_alloc(&w->value, threads * (size_t)w->copies, sizeof *w->value, err));
    TARN_TRY(tarn_alloc(&w->steps, k, sizeof *w->steps, err));
    TARN_TRY(tarn_alloc(&w->converged, k, sizeof *w->converged, err));
    TARN_TRY(tarn_alloc(&w->objective, k, sizeof *w->objective, err));
done:
    return rc;
}

static void work_clear(work *w)
{
    tarn_free(w->vectors);
    tarn_free(w->margins);
    tarn_free(w->from);
    tarn_free(w->numbers);
    tarn_free(w->index);
    tarn_free(w->value);
    tarn_free(w->steps);
    tarn_free(w->converged);
    tarn_free(w->objective);
}

tarn_code linear_svm_sparse(linear_svm *m, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = m->job;
    linear_svm_rows r = {0};
    work w = {.m = m, .r = &r};

    if (job->x->all_rows > INT32_MAX)
        return TARN_FAIL(err, TARN_LIMIT, "linear_svm takes at most %d rows with text; use 'sgd'", INT32_MAX);
    TARN_TRY(linear_svm_rows_take(m, &r, err));
    rc = make_room(&w, err);
    if (rc == TARN_OK) rc = tarn_pool_run(job->pool, m->outputs, solve_all_rows, &w, err);
    if (rc == TARN_OK) rc = tarn_pool_run(job->pool, (int64_t)(m->turns - 1) * m->outputs, solve_turn, &w, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    m->converged = true;
    m->objective = 0;
    for (int32_t o = 0; o < m->outputs; o++) {
        m->steps = w.steps[o] > m->steps ? w.steps[o] : m->steps;
        m->converged = m->converged && w.converged[o];
        m->objective += w.objective[o];
    }
done:
    linear_svm_rows_clear(&r);
    work_clear(&w);
    return rc;
}
