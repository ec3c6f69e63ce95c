/* SPDX-License-Identifier: Apache-2.0 */
/* linear_svm_dual.c - coordinate descent on the dual problem, a row at a time. See linear_svm_parts.h.
 *
 * Symbols: a_i the dual variable of row i, 0 .. U_i for classes and -U_i .. U_i for numbers; b = sum of a_i s_i x_i.
 * Plain loss: U_i = C w_i, D_i = 0. Squared loss: U_i infinite, D_i = 1 / (2 C w_i) on the diagonal.
 *
 * Rows go in an order drawn anew for each sweep from (seed, sweep), so it is the same everywhere. Rows that seem to
 * stay at a bound are left out for a while; before it ends, all rows are looked at once more. Each output and turn is a
 * problem of its own, for a thread of its own. */
#include "train/algos/linear_svm_parts.h"

#include "base/mem.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

/* ---- one problem ---- */

typedef struct problem {
    const linear_svm *m;
    const linear_svm_rows *r;
    int32_t output, without;
    double *b;      /* (wide) */
    double *a;      /* (n) */
    double *square; /* (n) x_i.x_i + D_i */
    int32_t *order; /* (n) rows in use */
    int64_t used;
} problem;

static bool squared_loss(const problem *p) { return p->m->set->loss == LINEAR_SVM_SQUARED; }
static double ridge_of(const problem *p, int64_t i)
{
    return squared_loss(p) ? 0.5 / (p->m->set->C * p->r->weight[i]) : 0;
}
static double most_of(const problem *p, int64_t i)
{
    return squared_loss(p) ? INFINITY : p->m->set->C * p->r->weight[i];
}

static double square_of(const problem *p, int64_t i)
{
    const linear_svm_rows *r = p->r;
    double sum = r->ones ? 1 : 0;

    if (r->dense > 0) sum += tarn_dot((size_t)r->dense, r->x + i * r->dense, r->x + i * r->dense);
    for (int64_t e = r->start ? r->start[i] : 0; r->start && e < r->start[i + 1]; e++)
        sum += (double)r->value[e] * (double)r->value[e];
    return sum;
}

static void begin(problem *p)
{
    p->used = 0;
    for (int64_t i = 0; i < p->r->n; i++) {
        p->a[i] = 0;
        if (p->without != LINEAR_SVM_ALL && i % p->m->set->folds == p->without) continue;
        p->square[i] = square_of(p, i) + ridge_of(p, i);
        if (p->square[i] > 0) p->order[p->used++] = (int32_t)i;
    }
    memset(p->b, 0, (size_t)p->m->wide * sizeof *p->b);
}

static void shuffle(problem *p, int64_t sweep)
{
    uint64_t seed = p->m->job->seed;

    for (int64_t k = p->used - 1; k > 0; k--) {
        uint64_t draw = tarn_random_u64(seed, TARN_STREAM_SHUFFLE, (uint64_t)k, (uint32_t)sweep);
        int64_t with = (int64_t)(draw % (uint64_t)(k + 1));
        int32_t was = p->order[k];
        p->order[k] = p->order[with];
        p->order[with] = was;
    }
}

/* What a sweep saw: the steepest ways up and down, which say how far it is, and which rows rest. */
typedef struct slopes {
    double up, down;           /* of this sweep: largest and smallest projected gradient */
    double rest_up, rest_down; /* beyond these, of the sweep before, a row at a bound is left out */
} slopes;

/* Classes: returns false if the row may rest. */
static bool class_row(problem *p, int64_t i, slopes *s)
{
    double side = linear_svm_side(p->m, p->r->y[i], p->output), most = most_of(p, i);
    double g = fma(ridge_of(p, i), p->a[i], fma(side, linear_svm_row_times(p->r, i, p->b), -1)), projected = g;

    if (p->a[i] == 0) {
        if (g > s->rest_up) return false;
        if (g > 0) projected = 0;
    } else if (p->a[i] == most) {
        if (g < s->rest_down) return false;
        if (g < 0) projected = 0;
    }
    s->up = fmax(s->up, projected);
    s->down = fmin(s->down, projected);
    if (projected == 0) return true;
    double now = p->a[i] - g / p->square[i];
    now = now < 0 ? 0 : now > most ? most : now;
    linear_svm_row_add(p->r, i, (now - p->a[i]) * side, p->b);
    p->a[i] = now;
    return true;
}

/* Numbers: the row's two one-sided slopes are those for a larger and for a smaller value. */
static bool number_row(problem *p, int64_t i, slopes *s)
{
    double most = most_of(p, i), epsilon = p->m->set->epsilon, a = p->a[i];
    double g = fma(ridge_of(p, i), a, linear_svm_row_times(p->r, i, p->b) - p->r->y[i]), over = g + epsilon,
           under = g - epsilon, off = 0, to = 0;

    if (a == 0) {
        if (over > s->rest_up && under < -s->rest_up) return false;
        off = over < 0 ? -over : under > 0 ? under : 0;
    } else if (a >= most) {
        if (over < -s->rest_up) return false;
        off = over > 0 ? over : 0;
    } else if (a <= -most) {
        if (under > s->rest_up) return false;
        off = under < 0 ? -under : 0;
    } else {
        off = fabs(a > 0 ? over : under);
    }
    s->up = fmax(s->up, off);
    s->down -= off;
    if (over < p->square[i] * a) to = a - over / p->square[i];
    else if (under > p->square[i] * a) to = a - under / p->square[i];
    to = to > most ? most : to < -most ? -most : to;
    if (to == a) return true;
    linear_svm_row_add(p->r, i, to - a, p->b);
    p->a[i] = to;
    return true;
}

/* Everyone back in; returns how many there are. */
static void recall(problem *p, slopes *s)
{
    p->used = 0;
    for (int64_t i = 0; i < p->r->n; i++) {
        if (p->without != LINEAR_SVM_ALL && i % p->m->set->folds == p->without) continue;
        if (p->square[i] > 0) p->order[p->used++] = (int32_t)i;
    }
    s->rest_up = INFINITY;
    s->rest_down = -INFINITY;
}

/* One sweep; true when it was short of the tolerance. */
static bool sweep(problem *p, slopes *s, int64_t number, double scale)
{
    bool numbers = p->m->regression;

    s->up = numbers ? 0 : -INFINITY;
    s->down = numbers ? 0 : INFINITY;
    shuffle(p, number);
    for (int64_t k = 0; k < p->used; k++) {
        int64_t i = p->order[k];
        if ((numbers ? number_row : class_row)(p, i, s)) continue;
        p->used--;
        p->order[k] = p->order[p->used];
        p->order[p->used] = (int32_t)i;
        k--;
    }
    double span = p->used == 0 ? 0 : numbers ? -s->down : s->up - s->down;
    s->rest_up = numbers ? s->up / (double)(p->r->n > 0 ? p->r->n : 1) : s->up > 0 ? s->up : INFINITY;
    s->rest_down = s->down < 0 ? s->down : -INFINITY;
    return span <= p->m->set->tol * scale;
}

static tarn_code solve(problem *p, int64_t *sweeps, bool *converged, tarn_err *err)
{
    slopes s = {.rest_up = INFINITY, .rest_down = -INFINITY};
    double scale = 1;
    bool all = true;

    begin(p);
    *converged = p->used == 0;
    for (*sweeps = 0; *sweeps < p->m->set->max_iter && !*converged; ++*sweeps) {
        bool small = sweep(p, &s, *sweeps, scale);
        if (*sweeps == 0 && p->m->regression) scale = -s.down > 0 ? -s.down : 1;
        if (small && all) *converged = true;
        else if (small) recall(p, &s), all = true;
        else all = false;
        tarn_code rc = tarn_cancel_check(p->m->job->sink, err);
        if (rc != TARN_OK) return rc;
    }
    return TARN_OK;
}

/* ---- all problems ---- */

typedef struct work {
    linear_svm *m;
    const linear_svm_rows *r;
    double *space; /* (threads, 2 n) */
    int32_t *order;
    int64_t *sweeps; /* (outputs) of the last turn */
    bool *converged;
} work;

static tarn_code solve_one(void *arg, int64_t number, int worker, tarn_err *err)
{
    const work *w = arg;
    linear_svm *m = w->m;
    int32_t turn = (int32_t)(number / m->outputs), output = (int32_t)(number % m->outputs);
    size_t n = (size_t)w->r->n;
    problem p = {.m = m,
                 .r = w->r,
                 .output = output,
                 .without = turn == m->turns - 1 ? LINEAR_SVM_ALL : turn,
                 .b = m->b + number * m->wide,
                 .a = w->space + (size_t)worker * 2 * n,
                 .square = w->space + (size_t)worker * 2 * n + n,
                 .order = w->order + (size_t)worker * n};
    bool converged = false;
    int64_t sweeps = 0;

    tarn_code rc = solve(&p, &sweeps, &converged, err);
    if (turn == m->turns - 1) w->sweeps[output] = sweeps, w->converged[output] = converged;
    return rc;
}

tarn_code linear_svm_dual(linear_svm *m, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = m->job;
    linear_svm_rows r = {0};
    work w = {.m = m, .r = &r};
    size_t threads = (size_t)tarn_pool_threads(job->pool), n = (size_t)job->x->all_rows, k = (size_t)m->outputs;

    if (job->x->all_rows > INT32_MAX)
        return TARN_FAIL(err, TARN_LIMIT, "solver 'dual' takes at most %d rows; use 'primal', or 'sgd'", INT32_MAX);
    TARN_TRY(linear_svm_rows_take(m, &r, err));
    rc = tarn_alloc(&w.space, threads * 2 * n, sizeof *w.space, err);
    if (rc == TARN_OK) rc = tarn_alloc(&w.order, threads * n, sizeof *w.order, err);
    if (rc == TARN_OK) rc = tarn_alloc(&w.sweeps, k, sizeof *w.sweeps, err);
    if (rc == TARN_OK) rc = tarn_alloc(&w.converged, k, sizeof *w.converged, err);
    if (rc == TARN_OK) rc = tarn_pool_run(job->pool, (int64_t)m->turns * m->outputs, solve_one, &w, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    m->converged = true;
    for (size_t o = 0; o < k; o++) {
        m->steps = w.sweeps[o] > m->steps ? w.sweeps[o] : m->steps;
        m->converged = m->converged && w.converged[o];
    }
done:
    linear_svm_rows_clear(&r);
    tarn_free(w.space);
    tarn_free(w.order);
    tarn_free(w.sweeps);
    tarn_free(w.converged);
    return rc;
}
