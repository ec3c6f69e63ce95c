/* SPDX-License-Identifier: Apache-2.0 */
/* logistic_absolute.c - logistic regression with a penalty on absolute coefficients: what the slope is where there is
 * no gradient, and proximal Newton. See logistic_parts.h.
 *
 * A Newton step minimises the quadratic model of the loss plus the penalty, by coordinate descent on the Hessian, which
 * never looks at a row. */
#include "base/mem.h"
#include "math/gram.h"
#include "train/algos/logistic_parts.h"

#include <math.h>
#include <string.h>

enum { HALVINGS = 40, SWEEPS = 2000, MOST_NEWTON = 5000 };

static bool is_free(const logistic_problem *p, int64_t i) { return i % p->wide == p->cols; }

void logistic_slope(const logistic_problem *p, const logistic_point *at, double *out)
{
    for (int64_t i = 0; i < p->thetas; i++) {
        double g = at->gradient[i], t = at->theta[i], by = is_free(p, i) ? 0 : p->absolute;
        if (t != 0) out[i] = g + (t > 0 ? by : -by);
        else out[i] = g > by ? g - by : g < -by ? g + by : 0;
    }
}

double logistic_value(const logistic_problem *p, const logistic_point *at)
{
    double sum = 0;

    for (int64_t i = 0; i < p->thetas; i++) sum += is_free(p, i) ? 0 : fabs(at->theta[i]);
    return at->value + p->absolute * sum;
}

/* The state of one step: d, and H d. */
typedef struct model {
    const logistic_problem *p;
    const logistic_point *at;
    double *hessian; /* (thetas, thetas) both triangles */
    double *d, *curved;
} model;

static double shrink(double x, double by) { return x > by ? x - by : x < -by ? x + by : 0; }

static double sweep(model *m)
{
    const logistic_problem *p = m->p;
    size_t n = (size_t)p->thetas;
    double most = 0;

    for (size_t i = 0; i < n; i++) {
        double curve = m->hessian[i * n + i], slope = m->at->gradient[i] + m->curved[i];
        if (!(curve > 0)) continue;
        double was = m->at->theta[i] + m->d[i], now = was - slope / curve;
        if (!is_free(p, (int64_t)i)) now = shrink(now, p->absolute / curve);
        double by = now - was;
        if (by == 0) continue;
        m->d[i] += by;
        tarn_axpy(n, by, m->hessian + i * n, m->curved);
        most = fmax(most, fabs(by) * sqrt(curve));
    }
    return most;
}

/* d minimises the model; returns how much the model falls, below 0. */
static double solve(model *m)
{
    const logistic_problem *p = m->p;
    size_t n = (size_t)p->thetas;
    double first = 0, fall = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) m->hessian[i * n + j] = m->hessian[j * n + i];
    memset(m->d, 0, n * sizeof *m->d);
    memset(m->curved, 0, n * sizeof *m->curved);
    for (int i = 0; i < SWEEPS; i++) {
        double moved = sweep(m);
        first = i == 0 ? moved : first;
        if (moved <= 1e-11 * first) break;
    }
    for (size_t i = 0; i < n; i++) {
        double t = m->at->theta[i];
        fall = fma(m->at->gradient[i], m->d[i], fall);
        if (!is_free(p, (int64_t)i)) fall += p->absolute * (fabs(t + m->d[i]) - fabs(t));
    }
    return fall;
}

static tarn_code halve(const model *m, double fall, logistic_point *next, bool *moved, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const logistic_problem *p = m->p;
    double value = logistic_value(p, m->at), step = 1;

    *moved = false;
    for (int i = 0; i < HALVINGS && fall < 0 && !*moved; i++, step /= 2) {
        for (int64_t j = 0; j < p->thetas; j++) /* what the whole step sets to 0 shall be 0 */
            next->theta[j] = step == 1 && m->at->theta[j] == -m->d[j] ? 0 : fma(step, m->d[j], m->at->theta[j]);
        TARN_TRY(logistic_pass(p, next, err));
        double now = logistic_value(p, next);
        *moved = now <= value + 1e-4 * step * fall || (step == 1 && now <= value + 1e-13 * fabs(value));
    }
done:
    return rc;
}

static tarn_code ask(const logistic_problem *p, tarn_err *err)
{
    tarn_code rc = tarn_cancel_check(p->job->sink, err);

    return tarn_comm_agree(p->job->comm, rc, err);
}

static tarn_code descend(model *m, const logistic_params *params, logistic_point *at, logistic_point *next,
                         double *slope, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    bool moved = true;

    TARN_TRY(logistic_pass(m->p, at, err));
    for (out->iterations = 0;; out->iterations++) {
        TARN_TRY(ask(m->p, err));
        logistic_slope(m->p, at, slope);
        out->converged = logistic_largest(m->p, slope) <= params->tol;
        if (out->converged || out->iterations == params->max_iter || !moved) break;
        m->at = at;
        m->hessian = at->hessian;
        double fall = solve(m);
        TARN_TRY(halve(m, fall, next, &moved, err));
        if (!moved) break;
        logistic_point was = *at;
        *at = *next;
        *next = was;
    }
done:
    return rc;
}

tarn_code logistic_proximal(const logistic_problem *p, const logistic_params *params, double *theta, tarn_fitted *out,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    logistic_point at = {0}, next = {0};
    double *space = NULL;
    size_t n = (size_t)p->thetas;

    if (p->thetas > MOST_NEWTON)
        return TARN_FAIL(err, TARN_LIMIT,
                         "%lld coefficients are too many for solver 'newton' (at most %d); use 'lbfgs'",
                         (long long)p->thetas, (int)MOST_NEWTON);
    rc = logistic_point_new(p, true, &at, err);
    if (rc == TARN_OK) rc = logistic_point_new(p, true, &next, err);
    if (rc == TARN_OK) rc = tarn_alloc(&space, 3 * n, sizeof *space, err);
    TARN_TRY(tarn_comm_agree(p->job->comm, rc, err));
    model m = {.p = p, .d = space, .curved = space + n};
    TARN_TRY(descend(&m, params, &at, &next, space + 2 * n, out, err));
    memcpy(theta, at.theta, n * sizeof *theta);
    out->objective = logistic_value(p, &at) * p->weight_sum;
done:
    logistic_point_clear(&at);
    logistic_point_clear(&next);
    tarn_free(space);
    return rc;
}
