/* SPDX-License-Identifier: Apache-2.0 */
/* linear_svm_joint.c - all classes together, by coordinate descent on the dual problem, a row at a time. See
 * linear_svm_parts.h.
 *
 * Symbols: K classes; a_ik the dual variable of row i and class k, at most C_i = C w_i for the row's own class and at
 * most 0 for another, with sum_k a_ik = 0; b_k = sum_i a_ik x_i; q_i = x_i x_i; g_k = x_i b_k + [k is not y_i].
 *
 * A row's variables are found together: with d_k = g_k - q_i a_ik, plus q_i C_i for its own class, they are the bound
 * less max(0, d_k - level) / q_i, where the level is such that they sum to 0 (a projection on a simplex). Coefficients
 * of one column lie together for all classes, so a row needs one pass over its entries for all of them, eight or
 * sixteen classes at once: a sweep costs little more than it does for one class.
 *
 * A row rests when it has no loss and all its variables are 0; whenever the others are within a bound that is halved
 * each time, all rows are looked at again. Order: drawn anew for each sweep from (seed, sweep). Each turn is a problem
 * of its own, for a thread of its own.
 *
 * Source: Keerthi, Sundararajan, Chang, Hsieh, Lin, KDD 2008; resting as in LIBLINEAR; Michelot, J. Optim. Theory Appl.
 * 50, 1986 (projection). */
#include "train/algos/linear_svm_parts.h"

#include "base/mem.h"
#include "base/random.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

enum { LANES = 8, WIDE = 3 * LANES };

typedef __m256 eight;

typedef struct problem {
    const linear_svm *m;
    const linear_svm_rows *r;
    int32_t without;
    size_t k, padded; /* classes; up to a multiple of LANES */
    float *b;         /* (wide, padded) */
    double *a;        /* (n, k) */
    double *square;   /* (n) q */
    double *d;        /* (k) of the row at hand */
    float *g;         /* (padded) of it; and by how much its variables move */
    int32_t *order;   /* (n) rows in use */
    int64_t used;
} problem;

/* z (24) += n entries' values times b (column, padded). */
static void entries_times_24(int64_t n, const int32_t *index, const float *value, const float *b, size_t padded,
                             float *z)
{
    eight s0 = _mm256_loadu_ps(z), s1 = _mm256_loadu_ps(z + 8), s2 = _mm256_loadu_ps(z + 16);

    for (int64_t e = 0; e < n; e++) {
        const float *from = b + (size_t)index[e] * padded;
        const eight v = _mm256_set1_ps(value[e]);
        s0 = _mm256_fmadd_ps(v, _mm256_loadu_ps(from), s0);
        s1 = _mm256_fmadd_ps(v, _mm256_loadu_ps(from + 8), s1);
        s2 = _mm256_fmadd_ps(v, _mm256_loadu_ps(from + 16), s2);
    }
    _mm256_storeu_ps(z, s0);
    _mm256_storeu_ps(z + 8, s1);
    _mm256_storeu_ps(z + 16, s2);
}

static void entries_times_8(int64_t n, const int32_t *index, const float *value, const float *b, size_t padded,
                            float *z)
{
    eight sum = _mm256_loadu_ps(z);

    for (int64_t e = 0; e < n; e++)
        sum = _mm256_fmadd_ps(_mm256_set1_ps(value[e]), _mm256_loadu_ps(b + (size_t)index[e] * padded), sum);
    _mm256_storeu_ps(z, sum);
}

static void add_lanes(size_t padded, float by, const float *x, float *to)
{
    const eight v = _mm256_set1_ps(by);

    for (size_t c = 0; c < padded; c += LANES)
        _mm256_storeu_ps(to + c, _mm256_fmadd_ps(v, _mm256_loadu_ps(x + c), _mm256_loadu_ps(to + c)));
}

/* z (padded) += row i times b. */
static void row_times(const problem *p, int64_t i, float *z)
{
    const linear_svm_rows *r = p->r;
    const float *b = p->b + (size_t)r->dense * p->padded;
    int64_t from = r->start ? r->start[i] : 0, n = r->start ? r->start[i + 1] - from : 0;
    size_t c = 0;

    for (int32_t j = 0; j < r->dense; j++)
        add_lanes(p->padded, (float)r->x[i * r->dense + j], p->b + (size_t)j * p->padded, z);
    if (r->ones) add_lanes(p->padded, 1, b + (size_t)r->sparse * p->padded, z);
    for (; n > 0 && c + WIDE <= p->padded; c += WIDE)
        entries_times_24(n, r->index + from, r->value + from, b + c, p->padded, z + c);
    for (; n > 0 && c < p->padded; c += LANES)
        entries_times_8(n, r->index + from, r->value + from, b + c, p->padded, z + c);
}

/* b += row i times step (padded). */
static void row_add(const problem *p, int64_t i, const float *step)
{
    const linear_svm_rows *r = p->r;
    float *b = p->b + (size_t)r->dense * p->padded;

    for (int32_t j = 0; j < r->dense; j++)
        add_lanes(p->padded, (float)r->x[i * r->dense + j], step, p->b + (size_t)j * p->padded);
    if (r->ones) add_lanes(p->padded, 1, step, b + (size_t)r->sparse * p->padded);
    for (int64_t e = r->start ? r->start[i] : 0; r->start && e < r->start[i + 1]; e++)
        add_lanes(p->padded, r->value[e], step, b + (size_t)r->index[e] * p->padded);
}

static double square_of(const linear_svm_rows *r, int64_t i)
{
    double sum = r->ones ? 1 : 0;

    for (int32_t j = 0; j < r->dense; j++) sum = fma(r->x[i * r->dense + j], r->x[i * r->dense + j], sum);
    for (int64_t e = r->start ? r->start[i] : 0; r->start && e < r->start[i + 1]; e++)
        sum = fma((double)r->value[e], (double)r->value[e], sum);
    return sum;
}

/* Everyone back in. */
static void recall(problem *p)
{
    p->used = 0;
    for (int64_t i = 0; i < p->r->n; i++) {
        if (p->without != LINEAR_SVM_ALL && linear_svm_turn(p->m, i) == p->without) continue;
        if (p->square[i] > 0) p->order[p->used++] = (int32_t)i;
    }
}

static void shuffle(problem *p, int64_t sweep)
{
    for (int64_t k = p->used - 1; k > 0; k--) {
        uint64_t draw =
            tarn_random_u64(p->m->job->seed, TARN_STREAM_SHUFFLE, (uint64_t)k, (uint32_t)sweep) % (uint64_t)(k + 1);
        int32_t was = p->order[k];
        p->order[k] = p->order[draw];
        p->order[draw] = was;
    }
}

/* The level above which k numbers d sum to `total` (> 0): that of all of them first, then of those that were above. */
static double level_of(size_t k, const double *d, double total)
{
    double level = -INFINITY;

    for (size_t was = k + 1, above;; was = above) {
        double sum = -total;
        above = 0;
        for (size_t c = 0; c < k; c++) {
            bool in = d[c] > level;
            sum += in ? d[c] : 0;
            above += in;
        }
        if (above == was || above == 0) return level;
        level = sum / (double)above;
    }
}

/* How far row i is off: by how much another class's slope exceeds that of those whose variables can grow. *rests: it
 * has no loss, and no share in b. */
static double off_by(const problem *p, const double *a, size_t own, double most, bool *rests)
{
    double top = -INFINITY, low = a[own] < most ? (double)p->g[own] : INFINITY;
    size_t in = 0;

    for (size_t c = 0; c < p->k; c++) {
        double g = (double)p->g[c], held = a[c] < 0 ? g : INFINITY;
        top = g > top ? g : top;
        low = held < low ? held : low;
        in += a[c] < 0 || g >= (double)p->g[own];
    }
    *rests = in == 1; /* its own class alone */
    return top - low;
}

/* Look at row i and move its variables; false: it rests. *off grows to what it was off by. */
static bool learn_row(problem *p, int64_t i, double *off)
{
    double *a = p->a + (size_t)i * p->k, q = p->square[i], most = p->m->set->C * p->r->weight[i];
    size_t own = (size_t)p->r->y[i];
    bool rests;

    for (size_t c = 0; c < p->padded; c++) p->g[c] = c == own ? 0 : 1;
    row_times(p, i, p->g);
    double by = off_by(p, a, own, most, &rests);
    if (rests) return false;
    if (by <= 1e-12) return true;
    *off = fmax(*off, by);
    for (size_t c = 0; c < p->k; c++) p->d[c] = fma(-q, a[c], (double)p->g[c]);
    p->d[own] = fma(q, most, p->d[own]);
    double level = level_of(p->k, p->d, q * most), inverse = 1 / q;
    for (size_t c = 0; c < p->k; c++) {
        double beyond = p->d[c] > level ? (p->d[c] - level) * inverse : 0, now = (c == own ? most : 0) - beyond;
        p->g[c] = (float)(now - a[c]);
        a[c] = now;
    }
    for (size_t c = p->k; c < p->padded; c++) p->g[c] = 0;
    row_add(p, i, p->g);
    return true;
}

static tarn_code solve(problem *p, int64_t *sweeps, bool *converged, tarn_err *err)
{
    double tol = p->m->set->tol, bound = fmax(10 * tol, 1);
    bool all = true;

    for (int64_t i = 0; i < p->r->n; i++) p->square[i] = square_of(p->r, i);
    recall(p);
    *converged = p->used == 0;
    for (*sweeps = 0; *sweeps < p->m->set->max_iter && !*converged; ++*sweeps) {
        double off = 0;
        tarn_code rc = tarn_cancel_check(p->m->job->sink, err);
        if (rc != TARN_OK) return rc;
        shuffle(p, *sweeps);
        for (int64_t k = 0; k < p->used; k++) {
            int64_t i = p->order[k];
            if (learn_row(p, i, &off)) continue;
            p->used--;
            p->order[k] = p->order[p->used];
            p->order[p->used] = (int32_t)i;
            k--;
        }
        *converged = all && off <= tol;
        all = false;
        if (off > bound || *converged) continue;
        recall(p);
        all = true;
        bound = fmax(bound / 2, tol);
    }
    return TARN_OK;
}

/* ---- all problems ---- */

typedef struct work {
    linear_svm *m;
    const linear_svm_rows *r;
    size_t padded;
    float *b;       /* (threads, wide, padded) */
    double *a;      /* (threads, n, k) */
    double *square; /* (threads, n) */
    double *row;    /* (threads, k) */
    float *slope;   /* (threads, padded) */
    int32_t *order; /* (threads, n) */
    int64_t sweeps; /* of the last turn */
    bool converged;
} work;

/* out (k, wide): b_k = sum of a_ik x_i, anew, since p->b has the rounding of every move. */
static void give(const problem *p, double *out)
{
    for (int64_t i = 0; i < p->r->n; i++)
        for (size_t c = 0; c < p->k; c++) {
            double a = p->a[(size_t)i * p->k + c];
            if (a != 0) linear_svm_row_add(p->r, i, a, out + c * (size_t)p->m->wide);
        }
}

/* What is minimised, at b (k, wide). */
static double objective(const problem *p, const double *b)
{
    const linear_svm *m = p->m;
    double value = tarn_dot(p->k * (size_t)m->wide, b, b) / 2;

    for (int64_t i = 0; i < p->r->n; i++) {
        size_t own = (size_t)p->r->y[i];
        double mine = linear_svm_row_times(p->r, i, b + own * (size_t)m->wide), most = mine;
        for (size_t c = 0; c < p->k; c++)
            if (c != own) most = fmax(most, 1 + linear_svm_row_times(p->r, i, b + c * (size_t)m->wide));
        value = fma(m->set->C * p->r->weight[i], most - mine, value);
    }
    return value;
}

static tarn_code solve_turn(void *arg, int64_t turn, int worker, tarn_err *err)
{
    work *w = arg;
    linear_svm *m = w->m;
    size_t n = (size_t)w->r->n, wide = (size_t)m->wide, own = (size_t)worker, padded = w->padded;
    size_t k = (size_t)m->outputs;
    bool last = turn == m->turns - 1, converged = false;
    int64_t sweeps = 0;
    problem p = {.m = m,
                 .r = w->r,
                 .without = last ? LINEAR_SVM_ALL : (int32_t)turn,
                 .k = k,
                 .padded = padded,
                 .b = w->b + own * wide * padded,
                 .a = w->a + own * n * k,
                 .square = w->square + own * n,
                 .d = w->row + own * k,
                 .g = w->slope + own * padded,
                 .order = w->order + own * n};

    memset(p.b, 0, wide * padded * sizeof *p.b);
    memset(p.a, 0, n * k * sizeof *p.a);
    tarn_code rc = solve(&p, &sweeps, &converged, err);
    if (rc != TARN_OK) return rc;
    double *b = m->b + turn * m->outputs * m->wide;
    give(&p, b);
    if (!last) return TARN_OK;
    w->sweeps = sweeps;
    w->converged = converged;
    m->objective = objective(&p, b);
    return TARN_OK;
}

static tarn_code make_room(work *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t threads = (size_t)tarn_pool_threads(w->m->job->pool), n = (size_t)w->r->n, wide = (size_t)w->m->wide;
    size_t k = (size_t)w->m->outputs;

    w->padded = (k + LANES - 1) / LANES * LANES;
    TARN_TRY(tarn_alloc(&w->b, threads * wide * w->padded, sizeof *w->b, err));
    TARN_TRY(tarn_alloc(&w->a, threads * n * k, sizeof *w->a, err));
    TARN_TRY(tarn_alloc(&w->square, threads * n, sizeof *w->square, err));
    TARN_TRY(tarn_alloc(&w->row, threads * k, sizeof *w->row, err));
    TARN_TRY(tarn_alloc(&w->slope, threads * w->padded, sizeof *w->slope, err));
    TARN_TRY(tarn_alloc(&w->order, threads * n, sizeof *w->order, err));
done:
    return rc;
}

tarn_code linear_svm_joint(linear_svm *m, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = m->job;
    linear_svm_rows r = {0};
    work w = {.m = m, .r = &r};

    if (job->x->all_rows > INT32_MAX)
        return TARN_FAIL(err, TARN_LIMIT, "crammer_singer takes at most %d rows; use 'sgd'", INT32_MAX);
    TARN_TRY(linear_svm_rows_take(m, &r, err));
    rc = make_room(&w, err);
    if (rc == TARN_OK) rc = tarn_pool_run(job->pool, m->turns, solve_turn, &w, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    m->steps = w.sweeps;
    m->converged = w.converged;
done:
    linear_svm_rows_clear(&r);
    tarn_free(w.b);
    tarn_free(w.a);
    tarn_free(w.square);
    tarn_free(w.row);
    tarn_free(w.slope);
    tarn_free(w.order);
    return rc;
}
