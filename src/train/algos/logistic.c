/* SPDX-License-Identifier: Apache-2.0 */
/* logistic.c - logistic regression for two classes and, with the softmax, for more.
 *
 * Problem: logistic_parts.h writes out what is minimised. The penalty makes it strictly convex, so data that a
 * plane can separate converge too. Columns should be of like size, since the penalty treats them alike: scaling is
 * preparation's work, not done here.
 *
 * Method: Newton with a Cholesky factorisation while there are few coefficients (5 to 10 passes over the rows), else
 * L-BFGS from a rough Hessian. A penalty on absolute values makes Newton's step a small lasso of its own (proximal
 * Newton), and keeps L-BFGS within an orthant (OWL-QN). With more than two classes each has coefficients of its own,
 * which the penalty makes unique.
 *
 * Cost: Newton O(n (K d)^2 / 2 + (K d)^3 / 3) per pass, L-BFGS O(n K d) per pass; one block of rows per thread in
 * memory, and with L-BFGS on wide rows half the matrix once more, and two numbers per row and output
 * (logistic_single.h).
 * Source: Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 2nd ed., 2009, section 4.4;
 * Nocedal, Wright, Numerical Optimization, 2nd ed., 2006, algorithms 3.2 and 7.5; Lee, Sun, Saunders, SIAM J. Optim.
 * 24(3), 2014 (proximal Newton); Andrew, Gao, ICML 2007 (OWL-QN).
 */
#include "base/mem.h"
#include "train/algos/logistic_parts.h"
#include "train/linear.h"

#include <math.h>
#include <string.h>

/* Up to here a pass with the Hessian costs little more than one without. */
enum { FEW_THETAS = 600 };

static const tarn_param params_table[] = {
    TARN_REAL(logistic_params, C, 1, 1e-12, 1e12, "inverse of the penalty on coefficients: smaller is stricter"),
    TARN_REAL(logistic_params, l1_ratio, 0, 0, 1,
              "share of the penalty on absolute coefficients, which leaves columns out; the rest is on squares"),
    TARN_WORD(logistic_params, class_weight, LOGISTIC_EQUAL, "none|balanced",
              "balanced: each class weighs the same in total, whatever its number of rows"),
    TARN_BOOL_PARAM(logistic_params, intercept, true, "fit a constant term, which is not penalised"),
    TARN_WORD(logistic_params, solver, LOGISTIC_AUTO, "auto|newton|lbfgs",
              "newton: few passes, memory grows with the square of the coefficients; auto: newton up to 600 of them"),
    TARN_REAL(
        logistic_params, tol, 1e-6, 0, 1,
        "stop when no entry of the gradient of the mean loss is larger, each column in units of its root mean square"),
    TARN_INT(logistic_params, max_iter, 1000, 1, 1e9, "stop after as many steps in any case"),
    TARN_PARAMS_END,
};

static tarn_code add_nodes(const logistic_problem *p, const double *theta, uint32_t *first, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t d = (size_t)p->cols, k = (size_t)p->outputs;
    double *data = NULL;

    TARN_TRY(tarn_alloc(&data, k * (d + 1), sizeof *data, err));
    for (size_t o = 0; o < k; o++) {
        const double *from = theta + o * (size_t)p->wide;
        data[o] = p->wide > p->cols ? from[d] : 0;
        memcpy(data + k + o * d, from, d * sizeof *data);
    }
    TARN_TRY(tarn_linear_add(p->job, (uint32_t)k, data, k == 1 ? TARN_LINK_SIGMOID : TARN_LINK_SOFTMAX, first, err));
done:
    tarn_free(data);
    return rc;
}

/* How far a column typically moves the margin: |coefficient| times the column's deviation, summed over outputs; columns
 * of one text together. */
static void importance(const logistic_problem *p, const double *theta, double *out)
{
    const tarn_sparse *sparse = p->job->x->sparse;
    int32_t source = 0;

    for (int32_t j = 0; j < p->cols; j++) {
        double variance = p->square[j] - p->mean[j] * p->mean[j];
        double sum = 0;
        for (int32_t o = 0; o < p->outputs; o++) sum += fabs(theta[(int64_t)o * p->wide + j]);
        while (j >= p->dense && j - p->dense >= sparse->source[source].first + sparse->source[source].cols) source++;
        out[j < p->dense ? j : p->dense + source] += variance > 0 ? sum * sqrt(variance) : 0;
    }
}

/* With a penalty on absolute values nothing decides how high the intercepts of several classes lie together: their mean
 * is made 0. */
static void level(const logistic_problem *p, double *theta)
{
    double mean = 0;

    if (p->outputs == 1 || p->wide == p->cols || p->absolute == 0) return;
    for (int32_t k = 0; k < p->outputs; k++) mean += theta[(int64_t)k * p->wide + p->cols] / p->outputs;
    for (int32_t k = 0; k < p->outputs; k++) theta[(int64_t)k * p->wide + p->cols] -= mean;
}

static bool use_newton(const logistic_problem *p, const logistic_params *params)
{
    if (p->job->x->sparse) return false;
    return params->solver == LOGISTIC_NEWTON || (params->solver == LOGISTIC_AUTO && p->thetas <= FEW_THETAS);
}

static tarn_code fit(const tarn_fit *job, const void *params, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const logistic_params *set = params;
    logistic_problem p = {0};
    double *theta = NULL;
    size_t places = (size_t)job->x->cols + (job->x->sparse ? (size_t)job->x->sparse->sources : 0);

    if (job->x->sparse && set->solver == LOGISTIC_NEWTON)
        return TARN_FAIL(err, TARN_INVALID, "solver 'newton' does not take text; use 'lbfgs' or 'auto'");
    TARN_TRY(logistic_open(&p, job, set, err));
    rc = tarn_alloc(&theta, (size_t)p.thetas, sizeof *theta, err);
    if (rc == TARN_OK) rc = tarn_alloc(&out->importance, places, sizeof *out->importance, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    if (p.absolute > 0 && use_newton(&p, set)) TARN_TRY(logistic_proximal(&p, set, theta, out, err));
    else TARN_TRY((use_newton(&p, set) ? logistic_newton : logistic_lbfgs)(&p, set, theta, out, err));
    level(&p, theta);
    importance(&p, theta, out->importance);
    TARN_TRY(add_nodes(&p, theta, &out->out, err));
done:
    tarn_free(theta);
    logistic_close(&p);
    return rc;
}

const tarn_algo tarn_algo_logistic = {
    .name = "logistic",
    .title = "Logistic regression (two classes or softmax; L2, L1 or both)",
    .paper = "Cox 1958, J. R. Stat. Soc. B 20(2); Liu & Nocedal 1989, Math. Programming 45 (L-BFGS)",
    .does = TARN_DOES_BINARY | TARN_DOES_MULTICLASS,
    .takes = TARN_TAKES_SPARSE,
    .params_size = sizeof(logistic_params),
    .params = params_table,
    .space = "{C: {from: 0.001, to: 100, scale: log}}",
    .fit = fit,
};
