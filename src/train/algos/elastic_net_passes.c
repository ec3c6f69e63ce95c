/* SPDX-License-Identifier: Apache-2.0 */
/* elastic_net_passes.c - the elastic net by passes over the rows: accelerated proximal gradient steps, with columns
 * scaled to one, begun anew when they overshoot.
 *
 * Source: Beck, Teboulle, SIAM J. Imaging Sci. 2(1), 2009 (FISTA); O'Donoghue, Candes, Found. Comput. Math. 15, 2015
 * (restarts). */
#include "base/mem.h"
#include "math/gram.h"
#include "train/algos/elastic_net_parts.h"

#include <math.h>
#include <string.h>

enum { POWER_STEPS = 12 };

typedef struct state {
    const tarn_normal *n;
    double l1, l2;                    /* over W, as the sums are */
    double bound;                     /* above the largest eigenvalue of A, columns scaled to one */
    double *b, *ahead, *slope, *next; /* (cols) */
} state;

/* A bound on the curvature of scaled columns: some power steps, and a little more. */
static tarn_code find_bound(state *s, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_normal *n = s->n;
    size_t cols = (size_t)n->cols;
    double largest = 1;

    for (size_t j = 0; j < cols; j++) s->ahead[j] = n->diagonal[j] > 0 ? 1 + (double)(j % 7) / 16 : 0;
    for (int i = 0; i < POWER_STEPS; i++) {
        double length = sqrt(tarn_dot(cols, s->ahead, s->ahead));
        if (length == 0) break;
        for (size_t j = 0; j < cols; j++)
            s->next[j] = n->diagonal[j] > 0 ? s->ahead[j] / length / sqrt(n->diagonal[j]) : 0;
        TARN_TRY(tarn_normal_times(n, s->next, s->slope, err));
        for (size_t j = 0; j < cols; j++) s->ahead[j] = n->diagonal[j] > 0 ? s->slope[j] / sqrt(n->diagonal[j]) : 0;
        largest = fmax(largest, sqrt(tarn_dot(cols, s->ahead, s->ahead)));
    }
    s->bound = 1.1 * largest;
    memset(s->ahead, 0, cols * sizeof *s->ahead);
done:
    return rc;
}

/* next = the proximal step from `ahead`; returns the largest move times the column's deviation. */
static double proximal(state *s)
{
    const tarn_normal *n = s->n;
    double most = 0;

    for (int64_t j = 0; j < n->cols; j++) {
        double curve = s->bound * n->diagonal[j];
        if (curve == 0) continue;
        double target = fma(curve, s->ahead[j], n->right[j] - s->slope[j]);
        double kept = target > s->l1 ? target - s->l1 : target < -s->l1 ? target + s->l1 : 0;
        s->next[j] = kept / (curve + s->l2);
        most = fmax(most, fabs(s->next[j] - s->b[j]) * sqrt(n->diagonal[j] / n->weight));
    }
    return most;
}

/* Momentum goes on, or stops where it points uphill. */
static double move_on(state *s, double momentum)
{
    double uphill = 0, t = 0.5 * (1 + sqrt(1 + 4 * momentum * momentum));

    for (int64_t j = 0; j < s->n->cols; j++)
        uphill += s->n->diagonal[j] * (s->ahead[j] - s->next[j]) * (s->next[j] - s->b[j]);
    if (uphill > 0) t = 1;
    double by = uphill > 0 ? 0 : (momentum - 1) / t;
    for (int64_t j = 0; j < s->n->cols; j++) {
        s->ahead[j] = fma(by, s->next[j] - s->b[j], s->next[j]);
        s->b[j] = s->next[j];
    }
    return t;
}

static double largest_slope(const tarn_normal *n)
{
    double most = 0;

    for (int64_t j = 0; j < n->cols; j++) most = fmax(most, fabs(n->right[j]));
    return most;
}

tarn_code elastic_net_passes(const tarn_normal *n, const elastic_net_params *set, double *b, tarn_fitted *out,
                             tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t cols = (size_t)n->cols;
    double *space = NULL, momentum = 1, still = set->tol * sqrt(n->squares / n->weight);

    rc = tarn_alloc(&space, 3 * cols, sizeof *space, err);
    TARN_TRY(tarn_comm_agree(n->job->comm, rc, err));
    double alpha = set->alpha > 0 ? set->alpha : 0.01 * largest_slope(n) / (n->weight * set->l1_ratio);
    state s = {.n = n,
               .l1 = alpha * set->l1_ratio * n->weight,
               .l2 = alpha * (1 - set->l1_ratio) * n->weight,
               .b = b,
               .ahead = space,
               .slope = space + cols,
               .next = space + 2 * cols};
    memset(b, 0, cols * sizeof *b);
    TARN_TRY(find_bound(&s, err));
    memset(s.next, 0, cols * sizeof *s.next);
    out->converged = false;
    for (out->iterations = 0; out->iterations < set->max_iter && !out->converged; out->iterations++) {
        rc = tarn_cancel_check(n->job->sink, err);
        TARN_TRY(tarn_comm_agree(n->job->comm, rc, err));
        TARN_TRY(tarn_normal_times(n, s.ahead, s.slope, err));
        out->converged = proximal(&s) <= still;
        momentum = move_on(&s, momentum);
    }
done:
    tarn_free(space);
    return rc;
}
