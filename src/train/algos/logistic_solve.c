/* SPDX-License-Identifier: Apache-2.0 */
/* logistic_solve.c - Newton's method and L-BFGS for logistic regression. See logistic_parts.h.
 *
 * Both start from zero, never let the objective rise (beyond the rounding of the sum itself), and stop when the
 * gradient is small, when the limit of steps is reached, or when no step along the direction helps any more,
 * which is rounding's floor. All ranks hold the same sums, so they decide alike without talking. */
#include "base/mem.h"
#include "math/elementary.h"
#include "math/gram.h"
#include "train/algos/logistic_parts.h"

#include <math.h>
#include <string.h>

enum { HALVINGS = 40, MEMORY = 10, MOST_NEWTON = 5000 };
/* From so many blocks of rows on, Newton's method begins with one in EVERY of them. */
enum { MANY_BLOCKS = 64, EVERY = 16 };

/* Two values of a sum over rows that differ by less than this, relatively, are the same. */
static const double ROUNDING = 1e-13;

double logistic_largest(const logistic_problem *p, const double *gradient)
{
    double most = 0;

    for (int64_t i = 0; i < p->thetas; i++) {
        double g = fabs(gradient[i]) / p->size[i % p->wide];
        most = g > most ? g : most;
    }
    return most;
}

static void step_from(const logistic_point *from, double step, const double *direction, int64_t n, double *theta)
{
    for (int64_t i = 0; i < n; i++) theta[i] = fma(step, direction[i], from->theta[i]);
}

static void swap(logistic_point *a, logistic_point *b)
{
    logistic_point was = *a;
    *a = *b;
    *b = was;
}

/* Is the new point good enough? slope is the derivative along the direction at `from`, below 0. */
static bool lower(const logistic_problem *p, const logistic_point *from, const logistic_point *to, double step,
                  double slope)
{
    if (to->value <= from->value + 1e-4 * step * slope) return true;
    return to->value <= from->value + ROUNDING * fabs(from->value) &&
           logistic_largest(p, to->gradient) < logistic_largest(p, from->gradient);
}

/* Between two steps: has anyone cancelled, how far is it? */
static tarn_code tell(const logistic_problem *p, int64_t step, const logistic_point *at, tarn_err *err)
{
    const tarn_fit *job = p->job;
    tarn_code rc = tarn_cancel_check(job->sink, err);

    if (tarn_comm_rank(job->comm) == 0) {
        tarn_progress(job->sink, "logistic", step, 0, "steps");
        tarn_say(job->sink, TARN_DEBUG, "logistic: step %lld, mean loss %.12g, gradient %.3g", (long long)step,
                 at->value, logistic_largest(p, at->gradient));
    }
    return tarn_comm_agree(job->comm, rc, err);
}

static void finish(const logistic_problem *p, const logistic_point *at, int64_t steps, bool converged, double *theta,
                   tarn_fitted *out)
{
    memcpy(theta, at->theta, (size_t)p->thetas * sizeof *theta);
    out->iterations = steps;
    out->converged = converged;
    out->objective = logistic_value(p, at) * p->weight_sum;
}

/* Solve H d = -g, with the diagonal raised a little, then more, if rounding made H singular. space (thetas, thetas) is
 * overwritten. */
static tarn_code newton_direction(const logistic_problem *p, const logistic_point *at, double *space, double *direction,
                                  tarn_err *err)
{
    size_t n = (size_t)p->thetas;
    tarn_code rc = TARN_NUMERIC;

    for (double raise = 0; raise <= 1 && rc == TARN_NUMERIC; raise = raise > 0 ? raise * 100 : 1e-14) {
        memcpy(space, at->hessian, n * n * sizeof *space);
        for (size_t i = 0; i < n; i++) {
            space[i * n + i] *= 1 + raise;
            direction[i] = -at->gradient[i];
        }
        rc = tarn_cholesky_solve(n, space, direction, NULL, raise * 100 > 1 ? err : NULL);
    }
    return rc;
}

/* Halve the step until the objective falls. *moved is false if it does not. */
static tarn_code halve(const logistic_problem *p, const logistic_point *at, const double *direction,
                       logistic_point *next, bool *moved, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double slope = tarn_dot((size_t)p->thetas, at->gradient, direction), step = 1;

    *moved = false;
    for (int i = 0; i < HALVINGS && slope < 0 && !*moved; i++, step /= 2) {
        step_from(at, step, direction, p->thetas, next->theta);
        TARN_TRY(logistic_pass(p, next, err));
        *moved = lower(p, at, next, step, slope);
    }
done:
    return rc;
}

/* What Newton's method works with. */
typedef struct newton {
    logistic_point at, next;
    double *direction;
} newton;

static tarn_code newton_new(const logistic_problem *p, newton *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    TARN_TRY(logistic_point_new(p, true, &w->at, err));
    TARN_TRY(logistic_point_new(p, true, &w->next, err));
    TARN_TRY(tarn_alloc(&w->direction, (size_t)p->thetas, sizeof *w->direction, err));
done:
    return rc;
}

static void newton_clear(newton *w)
{
    logistic_point_clear(&w->at);
    logistic_point_clear(&w->next);
    tarn_free(w->direction);
}

/* One step. The gradient is then about the square of what it was: where that is small, the pass leaves out the Hessian,
 * which is most of its work. */
static tarn_code newton_step(const logistic_problem *p, double tol, newton *w, bool *moved, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double size = logistic_largest(p, w->at.gradient), *hessian = w->next.hessian;
    bool last = size * size <= tol / 10;

    TARN_TRY(newton_direction(p, &w->at, w->next.hessian, w->direction, err));
    if (last) w->next.hessian = NULL;
    rc = halve(p, &w->at, w->direction, &w->next, moved, err);
    w->next.hessian = hessian;
    TARN_TRY(rc);
    if (!*moved) goto done;
    swap(&w->at, &w->next);
    if (last && logistic_largest(p, w->at.gradient) > tol) TARN_TRY(logistic_pass(p, &w->at, err));
done:
    return rc;
}

/* From w->at, where a pass has looked, until the gradient is small (*small), nothing helps, or `most` steps are done.
 */
static tarn_code descend(const logistic_problem *p, double tol, int64_t most, newton *w, int64_t *steps, bool *small,
                         tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool moved = true;

    for (*steps = 0;; ++*steps) {
        *small = logistic_largest(p, w->at.gradient) <= tol;
        TARN_TRY(tell(p, *steps, &w->at, err));
        if (*small || *steps == most) break;
        TARN_TRY(newton_step(p, tol, w, &moved, err));
        if (!moved) break;
    }
done:
    return rc;
}

/* Look at where to begin. Of many rows, one block in EVERY already says where the minimum is to about 1 / sqrt(rows),
 * which saves half of the passes over all of them. Where that is no better than 0, say because rows stand in the order
 * of their classes, it is 0. */
static tarn_code begin(const logistic_problem *p, int64_t most, newton *w, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    logistic_problem part = *p;
    int64_t blocks = tarn_blocks(p->job->x->all_rows), steps;
    double zero = tarn_log(p->outputs > 1 ? (double)p->outputs : 2); /* the mean loss there */
    bool small;

    if (blocks < MANY_BLOCKS) return logistic_pass(p, &w->at, err);
    part.every = EVERY;
    part.weight_sum *= (double)((blocks + EVERY - 1) / EVERY) / (double)blocks;
    TARN_TRY(logistic_pass(&part, &w->at, err));
    rc = descend(&part, 1e-3, most, w, &steps, &small, err);
    if (rc != TARN_OK && rc != TARN_NUMERIC) return rc;
    if (rc == TARN_OK) TARN_TRY(logistic_pass(p, &w->at, err));
    if (rc == TARN_OK && w->at.value <= zero) goto done;
    rc = TARN_OK;
    memset(w->at.theta, 0, (size_t)p->thetas * sizeof *w->at.theta);
    TARN_TRY(logistic_pass(p, &w->at, err));
done:
    return rc;
}

tarn_code logistic_newton(const logistic_problem *p, const logistic_params *params, double *theta, tarn_fitted *out,
                          tarn_err *err)
{
    tarn_code rc = TARN_OK;
    newton w = {0};
    int64_t steps = 0;
    bool small = false;

    if (p->thetas > MOST_NEWTON)
        return TARN_FAIL(err, TARN_LIMIT,
                         "%lld coefficients are too many for solver 'newton' (at most %d); use 'lbfgs'",
                         (long long)p->thetas, (int)MOST_NEWTON);
    rc = newton_new(p, &w, err);
    TARN_TRY(tarn_comm_agree(p->job->comm, rc, err));
    TARN_TRY(begin(p, params->max_iter, &w, err));
    TARN_TRY(descend(p, params->tol, params->max_iter, &w, &steps, &small, err));
    finish(p, &w.at, steps, small, theta, out);
done:
    newton_clear(&w);
    return rc;
}

/* The last steps and the changes of gradient they brought: what L-BFGS knows of the curvature. */
typedef struct history {
    const logistic_problem *p;
    int64_t count;           /* steps seen since the start; the last MEMORY of them are kept */
    double *steps, *changes; /* (MEMORY, thetas), step i at i % MEMORY */
    double rho[MEMORY];      /* 1 / (step . change) */
    double *diagonal;        /* (wide) of the Hessian at theta = 0 with centred columns, roughly */
    double *work;            /* (thetas) */
    double scale;            /* the inverse Hessian to begin with is scale times what `precondition` does */
} history;

static tarn_code history_new(const logistic_problem *p, history *h, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t n = (size_t)p->thetas;
    double share = 1.0 / (p->outputs > 1 ? p->outputs : 2);

    *h = (history){.p = p, .scale = 1};
    TARN_TRY(tarn_alloc(&h->steps, MEMORY * n, sizeof(double), err));
    TARN_TRY(tarn_alloc(&h->changes, MEMORY * n, sizeof(double), err));
    TARN_TRY(tarn_alloc(&h->diagonal, (size_t)p->wide, sizeof(double), err));
    TARN_TRY(tarn_alloc(&h->work, n, sizeof(double), err));
    for (int32_t j = 0; j < p->wide; j++) {
        bool centred = p->wide > p->cols && j < p->cols;
        double square = p->square[j] - (centred ? p->mean[j] * p->mean[j] : 0);
        /* a constant column, up to rounding: nothing is gained by a huge step along it */
        if (square < 1e-12 * p->square[j]) square = p->square[j];
        h->diagonal[j] = share * (1 - share) * square + (j < p->cols ? p->penalty : 0);
    }
done:
    return rc;
}

/* v becomes (inverse of a rough Hessian) v. Rough: diagonal, for columns moved to mean zero, which with an intercept is
 * only another way to write the same model; columns far from zero would otherwise fight the intercept for ever. */
static void precondition(const history *h, double *v)
{
    const logistic_problem *p = h->p;
    bool centred = p->wide > p->cols;

    for (int32_t k = 0; k < p->outputs; k++, v += p->wide) {
        double constant = centred ? v[p->cols] : 0;
        for (int32_t j = 0; j < p->cols; j++) v[j] = fma(-p->mean[j], constant, v[j]) / h->diagonal[j];
        if (centred) v[p->cols] = constant / h->diagonal[p->cols] - tarn_dot((size_t)p->cols, p->mean, v);
    }
}

static void history_free(history *h)
{
    tarn_free(h->steps);
    tarn_free(h->changes);
    tarn_free(h->diagonal);
    tarn_free(h->work);
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
    precondition(h, h->work);
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
    precondition(h, direction);
    for (size_t i = 0; i < n; i++) direction[i] *= h->scale;
    for (int64_t t = oldest; t < h->count; t++) {
        size_t at = (size_t)(t % MEMORY);
        double beta = h->rho[at] * tarn_dot(n, h->changes + at * n, direction);
        tarn_axpy(n, alpha[at] - beta, h->steps + at * n, direction);
    }
}

/* A step after which the objective is lower and the slope flatter (weak Wolfe conditions): doubled while the slope is
 * still steep, halved between the two when the objective is not lower. */
static tarn_code wolfe(const logistic_problem *p, const logistic_point *at, const double *direction,
                       logistic_point *next, bool *moved, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t n = (size_t)p->thetas;
    double slope = tarn_dot(n, at->gradient, direction), step = 1, low = 0, high = INFINITY;

    *moved = false;
    for (int i = 0; i < HALVINGS && slope < 0; i++) {
        step_from(at, step, direction, p->thetas, next->theta);
        TARN_TRY(logistic_pass(p, next, err));
        *moved = lower(p, at, next, step, slope);
        if (*moved && tarn_dot(n, next->gradient, direction) >= 0.9 * slope) break;
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

static tarn_code halve_within(const logistic_problem *p, const logistic_point *at, const double *slope,
                              const double *direction, logistic_point *next, bool *moved, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double value = logistic_value(p, at), step = 1;

    *moved = false;
    for (int i = 0; i < HALVINGS && !*moved; i++, step /= 2) {
        double fall = 0;
        step_within(p, at, slope, step, direction, next->theta);
        for (int64_t j = 0; j < p->thetas; j++) fall = fma(slope[j], next->theta[j] - at->theta[j], fall);
        if (!(fall < 0)) break;
        TARN_TRY(logistic_pass(p, next, err));
        *moved = logistic_value(p, next) <= value + 1e-4 * fall;
    }
done:
    return rc;
}

/* A step from `at`; slope is of use with a penalty on absolute values only. */
static tarn_code take_step(const logistic_problem *p, const history *h, const logistic_point *at, const double *slope,
                           double *direction, logistic_point *next, bool *moved, tarn_err *err)
{
    lbfgs_direction(h, slope, direction);
    if (p->absolute == 0) return wolfe(p, at, direction, next, moved, err);
    align(p->thetas, slope, direction);
    return halve_within(p, at, slope, direction, next, moved, err);
}

tarn_code logistic_lbfgs(const logistic_problem *p, const logistic_params *params, double *theta, tarn_fitted *out,
                         tarn_err *err)
{
    tarn_code rc = TARN_OK;
    logistic_point at = {0}, next = {0};
    history h = {0};
    double *direction = NULL, *slope = NULL;
    int64_t steps = 0;
    bool moved = true, small = false;

    rc = logistic_point_new(p, false, &at, err);
    if (rc == TARN_OK) rc = logistic_point_new(p, false, &next, err);
    if (rc == TARN_OK) rc = history_new(p, &h, err);
    if (rc == TARN_OK) rc = tarn_alloc(&direction, (size_t)p->thetas, sizeof *direction, err);
    if (rc == TARN_OK) rc = tarn_alloc(&slope, (size_t)p->thetas, sizeof *slope, err);
    TARN_TRY(tarn_comm_agree(p->job->comm, rc, err));
    TARN_TRY(logistic_pass(p, &at, err));
    for (;; steps++) {
        logistic_slope(p, &at, slope);
        small = logistic_largest(p, slope) <= params->tol;
        TARN_TRY(tell(p, steps, &at, err));
        if (small || steps == params->max_iter) break;
        TARN_TRY(take_step(p, &h, &at, slope, direction, &next, &moved, err));
        if (!moved && h.count == 0) break;
        if (moved) remember(&h, &at, &next);
        else h.count = 0, h.scale = 1; /* what was remembered misleads: begin anew from here */
        if (moved) swap(&at, &next);
    }
    finish(p, &at, steps, small, theta, out);
done:
    logistic_point_clear(&at);
    logistic_point_clear(&next);
    history_free(&h);
    tarn_free(direction);
    tarn_free(slope);
    return rc;
}
