/* SPDX-License-Identifier: Apache-2.0 */
/* logistic_lbfgs.c - L-BFGS for logistic regression, and within an orthant with a penalty on absolute values. See
 * logistic_parts.h.
 *
 * Begins with the rough Hessian of logistic_curvature.c. Where rows are wide, passes are those of logistic_single.c: a
 * leg goes from a reference until the gradient is a small part of what it was there, then the next begins. What counts
 * in the end is a pass in double precision. */
#include "base/mem.h"
#include "math/gram.h"
#include "train/algos/logistic_parts.h"
#include "train/algos/logistic_single.h"

#include <math.h>
#include <string.h>

enum { MEMORY = 10 };

/* A leg ends when the gradient is so small a part of the reference's: farther down, errors would count. */
static const double LEG = 1e-4;

/* The last steps and the changes of gradient they brought: what L-BFGS knows of the curvature. */
typedef struct history {
    const logistic_problem *p;
    int64_t count;           /* steps seen since the start; the last MEMORY of them are kept */
    double *steps, *changes; /* (MEMORY, thetas), step i at i % MEMORY */
    double rho[MEMORY];      /* 1 / (step . change) */
    logistic_curvature rough;
    double *work; /* (thetas) */
    double scale; /* the inverse Hessian to begin with is scale times the rough one's */
} history;

static tarn_code history_new(const logistic_problem *p, history *h, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t n = (size_t)p->thetas;

    *h = (history){.p = p, .scale = 1};
    TARN_TRY(tarn_alloc(&h->steps, MEMORY * n, sizeof(double), err));
    TARN_TRY(tarn_alloc(&h->changes, MEMORY * n, sizeof(double), err));
    TARN_TRY(tarn_alloc(&h->work, n, sizeof(double), err));
done:
    return rc;
}

static void history_free(history *h)
{
    tarn_free(h->steps);
    tarn_free(h->changes);
    tarn_free(h->work);
    logistic_curvature_free(&h->rough);
}

static void remember(history *h, const logistic_point *from, const logistic_point *to)
{
    size_t n = (size_t)h->p->thetas, place = (size_t)(h->count % MEMORY);
    double *s = h->steps + place * n, *y = h->changes + place * n;

    for (size_t i = 0; i < n; i++) {
        s[i] = to->theta[i] - from->theta[i];
        y[i] = to->gradient[i] - from->gradient[i];
    }
    memcpy(h->work, y, n * sizeof *y);
    logistic_curvature_solve(&h->rough, h->work);
    double both = tarn_dot(n, s, y), squares = tarn_dot(n, y, h->work);
    if (!(both > 0 && squares > 0 && isfinite(1 / both))) return; /* rounding only: nothing to learn from */
    h->rho[place] = 1 / both;
    h->scale = both / squares;
    h->count++;
}

/* The two-loop recursion: direction = -(inverse Hessian) gradient. */
static void lbfgs_direction(const history *h, const double *gradient, double *direction)
{
    size_t n = (size_t)h->p->thetas;
    int64_t oldest = h->count > MEMORY ? h->count - MEMORY : 0;
    double alpha[MEMORY] = {0};

    for (size_t i = 0; i < n; i++) direction[i] = -gradient[i];
    for (int64_t t = h->count - 1; t >= oldest; t--) {
        size_t at = (size_t)(t % MEMORY);
        alpha[at] = h->rho[at] * tarn_dot(n, h->steps + at * n, direction);
        tarn_axpy(n, -alpha[at], h->changes + at * n, direction);
    }
    logistic_curvature_solve(&h->rough, direction);
    for (size_t i = 0; i < n; i++) direction[i] *= h->scale;
    for (int64_t t = oldest; t < h->count; t++) {
        size_t at = (size_t)(t % MEMORY);
        double beta = h->rho[at] * tarn_dot(n, h->changes + at * n, direction);
        tarn_axpy(n, alpha[at] - beta, h->steps + at * n, direction);
    }
}

/* Where L-BFGS stands. */
typedef struct descent {
    const logistic_problem *p;
    logistic_single *single; /* NULL: none */
    bool near;               /* passes are those of single, from its reference */
    logistic_point at, next;
    history h;
    double *slope, *direction;
    int64_t steps;
} descent;

static tarn_code look(const descent *d, logistic_point *at, tarn_err *err)
{
    return d->near ? logistic_single_pass(d->single, at, err) : logistic_pass(d->p, at, err);
}

/* A step after which the objective is lower and the slope flatter (weak Wolfe conditions): doubled while the slope is
 * still steep, halved between the two when the objective is not lower. */
static tarn_code wolfe(descent *d, bool *moved, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t n = (size_t)d->p->thetas;
    double slope = tarn_dot(n, d->at.gradient, d->direction), step = 1, low = 0, high = INFINITY;

    *moved = false;
    for (int i = 0; i < LOGISTIC_HALVINGS && slope < 0; i++) {
        logistic_step(&d->at, step, d->direction, d->p->thetas, d->next.theta);
        TARN_TRY(look(d, &d->next, err));
        *moved = logistic_lower(d->p, &d->at, &d->next, step, slope);
        if (*moved && tarn_dot(n, d->next.gradient, d->direction) >= 0.9 * slope) break;
        if (*moved) low = step;
        else high = step;
        step = isinf(high) ? 2 * step : (low + high) / 2;
    }
done:
    return rc;
}

/* ---- with a penalty on absolute values: every step stays in the orthant where it begins ---- */

/* The part of the direction that agrees with going down the slope. */
static void align(int64_t n, const double *slope, double *direction)
{
    for (int64_t i = 0; i < n; i++)
        if (direction[i] * slope[i] >= 0) direction[i] = 0;
}

/* theta + step * direction, where what would change its sign becomes 0. */
static void step_within(const logistic_problem *p, const logistic_point *from, const double *slope, double step,
                        const double *direction, double *theta)
{
    for (int64_t i = 0; i < p->thetas; i++) {
        double t = from->theta[i], side = t != 0 ? t : -slope[i];
        theta[i] = fma(step, direction[i], t);
        if (i % p->wide != p->cols && theta[i] * side <= 0) theta[i] = 0;
    }
}

static tarn_code halve_within(descent *d, bool *moved, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const logistic_problem *p = d->p;
    double value = logistic_value(p, &d->at), step = 1;

    *moved = false;
    for (int i = 0; i < LOGISTIC_HALVINGS && !*moved; i++, step /= 2) {
        double fall = 0;
        step_within(p, &d->at, d->slope, step, d->direction, d->next.theta);
        for (int64_t j = 0; j < p->thetas; j++) fall = fma(d->slope[j], d->next.theta[j] - d->at.theta[j], fall);
        if (!(fall < 0)) break;
        TARN_TRY(logistic_pass(p, &d->next, err));
        *moved = logistic_value(p, &d->next) <= value + 1e-4 * fall;
    }
done:
    return rc;
}

static tarn_code take_step(descent *d, bool *moved, tarn_err *err)
{
    lbfgs_direction(&d->h, d->slope, d->direction);
    if (d->p->absolute == 0) return wolfe(d, moved, err);
    align(d->p->thetas, d->slope, d->direction);
    return halve_within(d, moved, err);
}

/* From d->at, where a pass has looked, until the slope is no larger than `goal` (*small), nothing helps, or `most`
 * steps are done. */
static tarn_code descend(descent *d, double goal, int64_t most, bool *small, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool moved = true;

    for (;; d->steps++) {
        logistic_slope(d->p, &d->at, d->slope);
        *small = logistic_largest(d->p, d->slope) <= goal;
        TARN_TRY(logistic_tell(d->p, d->steps, &d->at, err));
        if (*small || d->steps == most) break;
        TARN_TRY(take_step(d, &moved, err));
        if (!moved && d->h.count == 0) break;
        if (moved) remember(&d->h, &d->at, &d->next);
        else d->h.count = 0, d->h.scale = 1; /* what was remembered misleads: begin anew from here */
        if (moved) logistic_swap(&d->at, &d->next);
    }
done:
    return rc;
}

/* Legs in single precision, while each brings the gradient down to a tenth at least. Where one leads astray, because a
 * column does not fit into single precision, it is as if it had not been. */
static tarn_code go_legs(descent *d, const logistic_params *params, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double from, to = 0;
    bool small;

    TARN_TRY(logistic_single_refer(d->single, &d->at, err));
    for (to = logistic_largest(d->p, d->at.gradient), from = INFINITY;
         to > params->tol && d->steps < params->max_iter && to <= from / 10;) {
        from = to;
        d->near = true;
        rc = descend(d, fmax(0.9 * params->tol, LEG * from), params->max_iter, &small, err);
        d->near = false;
        TARN_TRY(rc);
        logistic_single_reference(d->single, &d->next);
        TARN_TRY(logistic_single_refer(d->single, &d->at, err));
        to = logistic_largest(d->p, d->at.gradient);
        if (logistic_lower(d->p, &d->next, &d->at, 0, 0)) continue;
        logistic_swap(&d->at, &d->next);
        d->h.count = 0, d->h.scale = 1;
        break;
    }
done:
    return rc;
}

static tarn_code descent_new(const logistic_problem *p, descent *d, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t n = (size_t)p->thetas;

    d->p = p;
    rc = logistic_point_new(p, false, &d->at, err);
    if (rc == TARN_OK) rc = logistic_point_new(p, false, &d->next, err);
    if (rc == TARN_OK) rc = history_new(p, &d->h, err);
    if (rc == TARN_OK) rc = tarn_alloc(&d->direction, n, sizeof *d->direction, err);
    if (rc == TARN_OK) rc = tarn_alloc(&d->slope, n, sizeof *d->slope, err);
    TARN_TRY(tarn_comm_agree(p->job->comm, rc, err));
    TARN_TRY(logistic_curvature_new(p, &d->h.rough, err));
    TARN_TRY(logistic_single_new(p, &d->single, err));
done:
    return rc;
}

static void descent_clear(descent *d)
{
    logistic_point_clear(&d->at);
    logistic_point_clear(&d->next);
    history_free(&d->h);
    logistic_single_free(d->single);
    tarn_free(d->direction);
    tarn_free(d->slope);
}

tarn_code logistic_lbfgs(const logistic_problem *p, const logistic_params *params, double *theta, tarn_fitted *out,
                         tarn_err *err)
{
    tarn_code rc = TARN_OK;
    descent d = {0};
    bool small = false;

    TARN_TRY(descent_new(p, &d, err));
    if (d.single) TARN_TRY(go_legs(&d, params, err));
    else TARN_TRY(logistic_pass(p, &d.at, err));
    TARN_TRY(descend(&d, params->tol, params->max_iter, &small, err));
    logistic_finish(p, &d.at, d.steps, small, theta, out);
done:
    descent_clear(&d);
    return rc;
}
