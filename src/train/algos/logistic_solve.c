/* SPDX-License-Identifier: Apache-2.0 */
/* logistic_solve.c - Newton's method for logistic regression, and what L-BFGS shares with it. See logistic_parts.h.
 *
 * Solvers start from zero, never let the objective rise (beyond the rounding of the sum itself), and stop when the
 * gradient is small, when the limit of steps is reached, or when no step along the direction helps any more,
 * which is rounding's floor. All ranks hold the same sums, so they decide alike without talking. */
#include "base/mem.h"
#include "math/elementary.h"
#include "math/gram.h"
#include "train/algos/logistic_parts.h"

#include <math.h>
#include <string.h>

enum { MOST_NEWTON = 5000 };
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

void logistic_step(const logistic_point *from, double step, const double *direction, int64_t n, double *theta)
{
    for (int64_t i = 0; i < n; i++) theta[i] = fma(step, direction[i], from->theta[i]);
}

void logistic_swap(logistic_point *a, logistic_point *b)
{
    logistic_point was = *a;
    *a = *b;
    *b = was;
}

bool logistic_lower(const logistic_problem *p, const logistic_point *from, const logistic_point *to, double step,
                    double slope)
{
    if (to->value <= from->value + 1e-4 * step * slope) return true;
    return to->value <= from->value + ROUNDING * fabs(from->value) &&
           logistic_largest(p, to->gradient) < logistic_largest(p, from->gradient);
}

tarn_code logistic_tell(const logistic_problem *p, int64_t step, const logistic_point *at, tarn_err *err)
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

void logistic_finish(const logistic_problem *p, const logistic_point *at, int64_t steps, bool converged, double *theta,
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
    for (int i = 0; i < LOGISTIC_HALVINGS && slope < 0 && !*moved; i++, step /= 2) {
        logistic_step(at, step, direction, p->thetas, next->theta);
        TARN_TRY(logistic_pass(p, next, err));
        *moved = logistic_lower(p, at, next, step, slope);
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
    logistic_swap(&w->at, &w->next);
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
        TARN_TRY(logistic_tell(p, *steps, &w->at, err));
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
    logistic_finish(p, &w.at, steps, small, theta, out);
done:
    newton_clear(&w);
    return rc;
}
