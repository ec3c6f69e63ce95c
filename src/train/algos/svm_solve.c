/* SPDX-License-Identifier: Apache-2.0 */
/* svm_solve.c - sequential minimal optimisation. See svm_parts.h for the problem.
 *
 * Symbols: f = K beta - y, the gradient of the smooth part; up_i and low_i what the term p |beta_i| adds to it when
 * beta_i goes up or down (infinity where it cannot). At the minimum  max (f + low) - min (f + up) <= 0; it stops below
 * tol.
 *
 * Method: i is where f + up is least; j, among those with f + low above it, promises the largest decrease to second
 * order: gap^2 / (K_ii + K_jj - 2 K_ij). beta_i grows and beta_j shrinks by gap / curvature, up to the next bound.
 * These are the choices and the stopping rule of LIBSVM, so that objectives agree within tol; rows of K are float and
 * sums over them double, as there.
 * Shrinking: rows at a bound that cannot move while the others stay as they are, are put aside: positions are sorted
 * anew so that the active ones come first, packed together. Before the end, and once shortly before, f is worked out
 * for all rows.
 *
 * Positions go through passes in pieces of SVM_PIECE; a piece's outcome does not depend on which thread works on it,
 * and outcomes are compared in order, ties going to the lower position.
 *
 * Cost: a step reads two rows of K; O(active d) for each that is not in the cache.
 * Source: Fan, Chen, Lin, J. Mach. Learn. Res. 6, 2005, WSS 2; Chang, Lin, LIBSVM, ACM TIST 2(3), 2011, sections 4
 * and 5.
 */
#include "base/mem.h"
#include "train/algos/svm_cache.h"
#include "train/algos/svm_parts.h"

#include <math.h>
#include <string.h>

enum { CHECK_EVERY = 1000 };

typedef struct state {
    const svm_problem *p;
    size_t active, padded; /* of n: positions that take part; room of all arrays below */
    int32_t *at;           /* (n) which row of the problem stands at a position */
    int32_t *from;         /* (n) scratch of sorting */
    double *f, *beta, *spare;
    float *up, *low, *diagonal, *packed, *square;
    svm_cache cache;
    svm_pass pass;
    svm_choice *choice;       /* (pieces) */
    float *fresh_i, *fresh_j; /* rows of K to be worked out before use, or NULL */
    int64_t i, j;
    double most;   /* the largest f + low */
    bool restored; /* f was worked out for all rows once already */
} state;

static size_t pieces_of(size_t n) { return (n + SVM_PIECE - 1) / SVM_PIECE; }

static size_t piece_end(const state *s, size_t piece)
{
    size_t end = (piece + 1) * SVM_PIECE, all = tarn_kernel_padded(s->active);
    return end < all ? end : all;
}

static const float *row_of(const state *s, int64_t position)
{
    const svm_problem *p = s->p;
    return p->x + (size_t)p->row[s->at[position]] * p->d;
}

/* What moving beta up and down costs at a position, from where it stands. */
static void set_borders(state *s, size_t k)
{
    const svm_problem *p = s->p;
    double beta = s->beta[k], c = p->cost[s->at[k]], y = p->y[s->at[k]];
    double most = p->regression || y > 0 ? c : 0, least = p->regression || y < 0 ? -c : 0;
    double e = p->epsilon;

    s->up[k] = beta < most ? (float)(beta >= 0 ? e : -e) : INFINITY;
    s->low[k] = beta > least ? (float)(beta > 0 ? e : -e) : -INFINITY;
}

/* Behind the last active position, up to a whole group: can go nowhere. */
static void close_end(state *s)
{
    for (size_t k = s->active; k < tarn_kernel_padded(s->active); k++) {
        s->up[k] = INFINITY;
        s->low[k] = -INFINITY;
    }
}

static tarn_code allocate(state *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t n = s->p->n, padded = tarn_kernel_padded(n);

    s->padded = padded;
    TARN_TRY(tarn_alloc(&s->at, n, sizeof *s->at, err));
    TARN_TRY(tarn_alloc(&s->from, n, sizeof *s->from, err));
    TARN_TRY(tarn_alloc(&s->f, padded, sizeof *s->f, err));
    TARN_TRY(tarn_alloc(&s->beta, padded, sizeof *s->beta, err));
    TARN_TRY(tarn_alloc(&s->spare, padded, sizeof *s->spare, err));
    TARN_TRY(tarn_alloc(&s->up, padded, sizeof *s->up, err));
    TARN_TRY(tarn_alloc(&s->low, padded, sizeof *s->low, err));
    TARN_TRY(tarn_alloc(&s->diagonal, padded, sizeof *s->diagonal, err));
    TARN_TRY(tarn_alloc(&s->packed, padded * s->p->d, sizeof *s->packed, err));
    TARN_TRY(tarn_alloc(&s->square, padded, sizeof *s->square, err));
    TARN_TRY(tarn_alloc(&s->choice, pieces_of(n), sizeof *s->choice, err));
    TARN_TRY(svm_cache_open(&s->cache, n, padded, s->p->cache_bytes, err));
done:
    return rc;
}

static void clear(state *s)
{
    tarn_free(s->at);
    tarn_free(s->from);
    tarn_free(s->f);
    tarn_free(s->beta);
    tarn_free(s->spare);
    tarn_free(s->up);
    tarn_free(s->low);
    tarn_free(s->diagonal);
    tarn_free(s->packed);
    tarn_free(s->square);
    tarn_free(s->choice);
    svm_cache_close(&s->cache);
}

/* k(x, x) of the row at a position. */
static float own_value(const state *s, size_t k)
{
    float sum[16] = {0}, square[16] = {0}, out[16];
    const float *x = row_of(s, (int64_t)k);

    sum[0] = square[0] = tarn_kernel_square(s->p->d, x);
    tarn_kernel_finish(&s->p->kernel, sum, square, square[0], out);
    return out[0];
}

static void begin(state *s)
{
    const svm_problem *p = s->p;

    s->active = p->n;
    for (size_t k = 0; k < p->n; k++) {
        s->at[k] = (int32_t)k;
        s->f[k] = -p->y[k];
        tarn_kernel_pack(p->d, k, row_of(s, (int64_t)k), s->packed, s->square);
        s->diagonal[k] = own_value(s, k);
        set_borders(s, k);
    }
    close_end(s);
}

/* ---- a step ---- */

/* The part of a row of K that belongs to a piece. */
static void fill(const state *s, int64_t position, float *row, size_t from, size_t to)
{
    const svm_problem *p = s->p;

    tarn_kernel_row(&p->kernel, p->d, to - from, s->packed + from * p->d, s->square + from, row_of(s, position),
                    s->square[position], row + from);
}

static void choose_piece(void *arg, size_t piece)
{
    state *s = arg;
    size_t from = piece * SVM_PIECE, to = piece_end(s, piece);

    if (s->fresh_i) fill(s, s->i, s->fresh_i, from, to);
    s->choice[piece] = svm_choose_j(&s->pass, from, to);
}

static void move_piece(void *arg, size_t piece)
{
    state *s = arg;
    size_t from = piece * SVM_PIECE, to = piece_end(s, piece);

    if (s->fresh_j) fill(s, s->j, s->fresh_j, from, to);
    s->choice[piece] = svm_move(&s->pass, from, to);
}

/* i as the pass over all would find it; also the largest f + low. */
static void look(state *s)
{
    s->i = -1;
    s->pass.u_i = INFINITY;
    s->most = -INFINITY;
    for (size_t k = 0; k < s->active; k++) {
        double u = s->f[k] + (double)s->up[k], l = s->f[k] + (double)s->low[k];
        if (u < s->pass.u_i) {
            s->pass.u_i = u;
            s->i = (int64_t)k;
        }
        if (l > s->most) s->most = l;
    }
}

/* Find j for the present i; false: nothing is left to gain. */
static bool choose(state *s)
{
    svm_choice best = {.at = -1, .den = 1};
    bool is_new = false;

    if (s->i < 0) return false;
    float *row = svm_cache_row(&s->cache, (int32_t)s->i, &is_new);
    s->fresh_i = is_new ? row : NULL;
    s->pass.k_i = row;
    s->pass.diagonal_i = s->diagonal[s->i];
    svm_team_run(s->p->team, pieces_of(s->active), choose_piece, s);
    s->most = -INFINITY;
    for (size_t q = 0; q < pieces_of(s->active); q++) {
        if (svm_beats(&s->choice[q], &best)) best = s->choice[q];
        if (s->choice[q].value > s->most) s->most = s->choice[q].value;
    }
    s->j = best.at;
    return best.at >= 0 && s->most - s->pass.u_i >= s->p->tol;
}

/* How far beta at a position may go up or down until the next place where its cost changes. */
static double room_up(const state *s, int64_t k)
{
    double c = s->p->cost[s->at[k]], y = s->p->y[s->at[k]];

    if (s->p->regression) return s->beta[k] < 0 ? -s->beta[k] : c - s->beta[k];
    return y > 0 ? c - s->beta[k] : -s->beta[k];
}

static double room_down(const state *s, int64_t k)
{
    double c = s->p->cost[s->at[k]], y = s->p->y[s->at[k]];

    if (s->p->regression) return s->beta[k] > 0 ? s->beta[k] : s->beta[k] + c;
    return y > 0 ? s->beta[k] : s->beta[k] + c;
}

/* Where beta stands after having gone all its way: exactly at 0 or a bound. */
static double snap(const state *s, int64_t k, bool up)
{
    double c = s->p->cost[s->at[k]], y = s->p->y[s->at[k]], beta = s->beta[k];

    if (s->p->regression) return up ? (beta < 0 ? 0 : c) : (beta > 0 ? 0 : -c);
    return up ? (y > 0 ? c : 0) : (y > 0 ? 0 : -c);
}

static void move(state *s)
{
    svm_choice best = {.at = -1, .value = INFINITY};
    int64_t i = s->i, j = s->j;
    double curve = (double)s->diagonal[i] + (double)s->diagonal[j] - 2 * (double)s->pass.k_i[j];
    double gap = s->f[j] + (double)s->low[j] - s->pass.u_i, room_i = room_up(s, i), room_j = room_down(s, j);
    double step = gap / (curve > 1e-12 ? curve : 1e-12);
    bool is_new = false;

    if (step > room_i) step = room_i;
    if (step > room_j) step = room_j;
    s->beta[i] = step >= room_i ? snap(s, i, true) : s->beta[i] + step;
    s->beta[j] = step >= room_j ? snap(s, j, false) : s->beta[j] - step;
    set_borders(s, (size_t)i);
    set_borders(s, (size_t)j);
    float *row = svm_cache_row(&s->cache, (int32_t)j, &is_new);
    s->fresh_j = is_new ? row : NULL;
    s->pass.k_j = row;
    s->pass.step = step;
    svm_team_run(s->p->team, pieces_of(s->active), move_piece, s);
    for (size_t q = 0; q < pieces_of(s->active); q++)
        if (s->choice[q].at >= 0 && s->choice[q].value < best.value) best = s->choice[q];
    s->i = best.at;
    s->pass.u_i = best.value;
}

/* ---- shrinking ---- */

/* Whether beta at a position is at a bound (or at 0, for regression) that it will hardly leave. */
static bool is_settled(const state *s, size_t k)
{
    double size = fabs(s->beta[k]);

    if (size > 0 && size < s->p->cost[s->at[k]]) return false;
    return s->f[k] + (double)s->up[k] > s->most && s->f[k] + (double)s->low[k] < s->pass.u_i;
}

static void sort_doubles(state *s, double *x)
{
    memcpy(s->spare, x, s->p->n * sizeof *x);
    for (size_t k = 0; k < s->p->n; k++) x[k] = s->spare[s->from[k]];
}

static void sort_floats(state *s, float *x)
{
    float *spare = (float *)(void *)s->spare;

    memcpy(spare, x, s->p->n * sizeof *x);
    for (size_t k = 0; k < s->p->n; k++) x[k] = spare[s->from[k]];
}

/* Positions as from[] says; then `kept` are active. */
static void sort_positions(state *s, size_t kept)
{
    int32_t *spare = (int32_t *)(void *)s->spare;

    svm_cache_shrink(&s->cache, s->from, kept, tarn_kernel_padded(kept));
    memcpy(spare, s->at, s->p->n * sizeof *spare);
    for (size_t k = 0; k < s->p->n; k++) s->at[k] = spare[s->from[k]];
    sort_doubles(s, s->f);
    sort_doubles(s, s->beta);
    sort_floats(s, s->diagonal);
    s->active = kept;
    for (size_t k = 0; k < s->p->n; k++) {
        tarn_kernel_pack(s->p->d, k, row_of(s, (int64_t)k), s->packed, s->square);
        set_borders(s, k);
    }
    close_end(s);
}

typedef struct restore_job {
    state *s;
    size_t first, count; /* from which position on; how many betas are not 0 */
    int32_t *row;        /* (count) in x */
    double *coef;
} restore_job;

static void restore_piece(void *arg, size_t piece)
{
    const restore_job *job = arg;
    state *s = job->s;
    const svm_problem *p = s->p;
    size_t from = job->first / TARN_KERNEL_WIDE * TARN_KERNEL_WIDE + piece * SVM_PIECE, to = from + SVM_PIECE;
    double sum[SVM_PIECE] = {0};

    if (to > p->n) to = p->n;
    svm_decide(&p->kernel, p->d, p->x, job->count, job->row, job->coef, to - from, s->packed + from * p->d,
               s->square + from, sum);
    for (size_t k = from < job->first ? job->first : from; k < to; k++) s->f[k] = sum[k - from] - p->y[s->at[k]];
}

/* All rows are active again, with f as it should be. */
static tarn_code restore(state *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const svm_problem *p = s->p;
    restore_job job = {.s = s, .first = s->active};
    size_t begin_at = s->active / TARN_KERNEL_WIDE * TARN_KERNEL_WIDE;

    if (s->active == p->n) return TARN_OK;
    TARN_TRY(tarn_alloc(&job.row, p->n, sizeof *job.row, err));
    TARN_TRY(tarn_alloc(&job.coef, p->n, sizeof *job.coef, err));
    for (size_t k = 0; k < p->n; k++) {
        if (s->beta[k] == 0) continue;
        job.row[job.count] = p->row[s->at[k]];
        job.coef[job.count++] = s->beta[k];
    }
    svm_team_run(p->team, pieces_of(p->n - begin_at), restore_piece, &job);
    s->active = p->n;
    for (size_t k = 0; k < p->n; k++) set_borders(s, k);
    close_end(s);
    svm_cache_reset(&s->cache, s->padded);
done:
    tarn_free(job.row);
    tarn_free(job.coef);
    return rc;
}

static tarn_code shrink(state *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t kept = 0, out;

    look(s);
    if (!s->restored && s->most - s->pass.u_i <= 10 * s->p->tol) {
        s->restored = true;
        TARN_TRY(restore(s, err));
        look(s);
    }
    for (size_t k = 0; k < s->active; k++)
        if (!is_settled(s, k)) s->from[kept++] = (int32_t)k;
    if (s->active - kept < s->active / 8 || kept < 2) goto done;
    out = kept;
    for (size_t k = 0; k < s->active; k++)
        if (is_settled(s, k)) s->from[out++] = (int32_t)k;
    for (; out < s->p->n; out++) s->from[out] = (int32_t)out;
    sort_positions(s, kept);
    look(s);
done:
    return rc;
}

/* ---- all of it ---- */

static tarn_code iterate(state *s, svm_solution *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const svm_problem *p = s->p;
    int64_t every = p->n < CHECK_EVERY ? (int64_t)p->n : CHECK_EVERY, until = every;

    look(s);
    for (out->iterations = 0; out->iterations < p->max_iter; out->iterations++) {
        if (out->iterations >= until) {
            until = out->iterations + every;
            TARN_TRY(tarn_cancel_check(p->sink, err));
            if (p->shrinking) TARN_TRY(shrink(s, err));
        }
        if (!choose(s)) {
            if (s->active == p->n) break;
            TARN_TRY(restore(s, err));
            look(s);
            if (!choose(s)) break;
            until = out->iterations + 1;
        }
        move(s);
    }
    out->converged = out->iterations < p->max_iter;
    TARN_TRY(restore(s, err));
done:
    return rc;
}

/* rho is what f is at rows that are free to move, else midway between the two ends. */
static void conclude(state *s, svm_solution *out)
{
    const svm_problem *p = s->p;
    double sum = 0, objective = 0;
    size_t count = 0;

    look(s);
    for (size_t k = 0; k < p->n; k++) {
        double beta = s->beta[k], size = fabs(beta), y = p->y[s->at[k]];
        objective += (beta * (s->f[k] - y)) / 2 + p->epsilon * size;
        out->beta[s->at[k]] = beta;
        if (size == 0 || size >= p->cost[s->at[k]]) continue;
        sum += s->f[k] + (p->regression ? (beta > 0 ? p->epsilon : -p->epsilon) : 0);
        count++;
    }
    out->objective = objective;
    out->rho = count > 0 ? sum / (double)count : (s->pass.u_i + s->most) / 2;
    if (!isfinite(out->rho)) out->rho = isfinite(s->most) ? s->most : isfinite(s->pass.u_i) ? s->pass.u_i : 0;
    for (size_t k = 0; out->decision && k < p->n; k++) out->decision[s->at[k]] = s->f[k] + p->y[s->at[k]] - out->rho;
}

tarn_code svm_solve(const svm_problem *p, svm_solution *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    state s = {.p = p};

    TARN_TRY(tarn_cancel_check(p->sink, err));
    TARN_TRY(allocate(&s, err));
    begin(&s);
    s.pass.f = s.f;
    s.pass.up = s.up;
    s.pass.low = s.low;
    s.pass.diagonal = s.diagonal;
    TARN_TRY(iterate(&s, out, err));
    conclude(&s, out);
done:
    clear(&s);
    return rc;
}

void svm_decide(const tarn_kernel *k, size_t d, const float *x, size_t count, const int32_t *row, const double *coef,
                size_t n, const float *packed, const float *square, double *out)
{
    float values[SVM_PIECE];

    for (size_t from = 0; from < n; from += SVM_PIECE) {
        size_t some = n - from < SVM_PIECE ? n - from : SVM_PIECE;
        for (size_t s = 0; s < count; s++) {
            const float *x_s = x + (size_t)row[s] * d;
            tarn_kernel_row(k, d, some, packed + from * d, square + from, x_s, tarn_kernel_square(d, x_s), values);
            for (size_t i = 0; i < some; i++) out[from + i] = fma(coef[s], (double)values[i], out[from + i]);
        }
    }
}
