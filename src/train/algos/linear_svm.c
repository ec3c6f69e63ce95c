/* SPDX-License-Identifier: Apache-2.0 */
/* linear_svm.c - support vector machines that are linear: classification and regression, dense columns and text.
 *
 * Problem: linear_svm_parts.h writes out what is minimised. Columns should be of like size.
 *
 * Method: with the squared loss, Newton's method on the primal problem, whose Hessian is a cross product of the rows
 * with a loss: worked out for a few hundred dense columns (linear_svm_primal.c), multiplied by vectors where there is
 * text (linear_svm_sparse.c); else coordinate descent on the dual problem, a row at a time: for one output
 * (linear_svm_dual.c), or for all outputs of several classes (linear_svm_joint.c). Then probabilities
 * (linear_svm_calibrate.c), for which it learns `folds` times more.
 *
 * Cost: primal O(n d^2) per step, 5 to 15 steps; with text O(entries) per product, some 100 products; dual O(entries)
 * per sweep and output. Ranks: the dense primal problem is shared; the others are solved by every rank, on all rows.
 * Source: Keerthi, DeCoste, J. Mach. Learn. Res. 6, 2005 (primal); Hsieh, Chang, Lin, Keerthi, Sundararajan, ICML 2008,
 * and Ho, Lin, J. Mach. Learn. Res. 13, 2012 (dual); Keerthi, Sundararajan, Chang, Hsieh, Lin, KDD 2008 (joint).
 */
#include "train/algos/linear_svm_parts.h"

#include "base/mem.h"
#include "train/linear.h"

#include <math.h>
#include <string.h>

enum { MOST_PRIMAL = 1500 };

static const tarn_param params_table[] = {
    TARN_REAL(linear_svm_params, C, 1, 1e-12, 1e12,
              "inverse of the penalty on squared coefficients: smaller is stricter"),
    TARN_WORD(
        linear_svm_params, loss, LINEAR_SVM_SQUARED, "squared_hinge|hinge",
        "what a row costs that is on the wrong side of its margin; for numbers: outside of epsilon, squared or not"),
    TARN_REAL(linear_svm_params, epsilon, 0, 0, 1e300, "numbers: an error up to this costs nothing"),
    TARN_INT(
        linear_svm_params, folds, 3, 0, 100,
        "classes: rows are left out in so many turns, to learn probabilities from margins of rows not learned from; "
        "0: from the rows learned from, which is faster and overconfident where columns are many"),
    TARN_BOOL_PARAM(linear_svm_params, intercept, true, "fit a constant term, penalised like the coefficients"),
    TARN_WORD(linear_svm_params, solver, LINEAR_SVM_AUTO, "auto|primal|dual",
              "primal: squared loss only; auto: primal where it can, up to 1500 columns, or with text if rows are more "
              "than columns"),
    TARN_WORD(linear_svm_params, multi_class, LINEAR_SVM_ONE_VS_REST, "one_vs_rest|crammer_singer",
              "more than two classes: each against the rest, or all together: a row costs what its class is short of 1 "
              "beyond the best other one (loss and solver are then of no use)"),
    TARN_REAL(linear_svm_params, tol, 1e-2, 1e-14, 1,
              "stop when no row (dual) or no coefficient (primal) is further off; primal with text: when a step lowers "
              "the objective by less than a tenth of this share of it"),
    TARN_INT(linear_svm_params, max_iter, 1000, 1, 1e9, "stop after as many steps or sweeps in any case"),
    TARN_PARAMS_END,
};

typedef tarn_code solver(linear_svm *m, tarn_err *err);

/* With text: the primal problem where rows are more than columns, so that they cannot all be told apart; else the dual
 * one is the shorter way. */
static tarn_code pick_solver(const linear_svm *m, solver **out, tarn_err *err)
{
    const tarn_matrix *x = m->job->x;
    const linear_svm_params *set = m->set;
    bool together = m->outputs > 1 && set->multi_class == LINEAR_SVM_CRAMMER_SINGER;
    bool can = set->loss == LINEAR_SVM_SQUARED && !together;
    bool pays = x->sparse ? x->all_rows > m->cols : x->cols <= MOST_PRIMAL;

    if (set->solver == LINEAR_SVM_PRIMAL && !can)
        return TARN_FAIL(err, TARN_INVALID,
                         "solver 'primal' needs loss 'squared_hinge' and multi_class 'one_vs_rest'; use 'dual'");
    *out = together ? linear_svm_joint : linear_svm_dual;
    if (can && (set->solver == LINEAR_SVM_PRIMAL || (set->solver == LINEAR_SVM_AUTO && pays)))
        *out = x->sparse ? linear_svm_sparse : linear_svm_primal;
    return TARN_OK;
}

/* Coefficients of the last turn, times slope, as tarn_linear_add wants them. */
static tarn_code add_nodes(const linear_svm *m, const double *slope, const double *offset, uint32_t *first,
                           tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t k = (size_t)m->outputs, d = (size_t)m->cols;
    double *data = NULL;
    uint32_t *regs = NULL;
    tarn_link_data shares = {.link = TARN_LINK_SHARES};

    TARN_TRY(tarn_alloc(&data, k * (d + 1), sizeof *data, err));
    TARN_TRY(tarn_alloc(&regs, k, sizeof *regs, err));
    for (size_t o = 0; o < k; o++) {
        const double *b = m->b + ((size_t)(m->turns - 1) * k + o) * (size_t)m->wide;
        data[o] = fma(slope[o], m->set->intercept ? b[d] : 0, offset[o]);
        for (size_t j = 0; j < d; j++) data[k + o * d + j] = slope[o] * b[j];
    }
    TARN_TRY(
        tarn_linear_add(m->job, (uint32_t)k, data, m->regression ? TARN_LINK_IDENTITY : TARN_LINK_SIGMOID, first, err));
    if (k == 1) goto done;
    for (size_t o = 0; o < k; o++) regs[o] = *first + (uint32_t)o;
    TARN_TRY(tarn_graph_node(m->job->graph, "link", regs, (uint32_t)k, (uint32_t)k, NULL, &shares, sizeof shares, first,
                             err));
done:
    tarn_free(data);
    tarn_free(regs);
    return rc;
}

/* |coefficient|, summed over outputs and, for text, over its columns. Columns are taken to be of like size. */
static void importance(const linear_svm *m, double *out)
{
    const tarn_sparse *sparse = m->job->x->sparse;
    int32_t source = 0, dense = m->job->x->cols;
    const double *last = m->b + (int64_t)(m->turns - 1) * m->outputs * m->wide;

    for (int64_t j = 0; j < m->cols; j++) {
        double sum = 0;
        for (int32_t o = 0; o < m->outputs; o++) sum += fabs(last[o * m->wide + j]);
        while (j >= dense && j - dense >= sparse->source[source].first + sparse->source[source].cols) source++;
        out[j < dense ? j : dense + source] += sum;
    }
}

static tarn_code learn(linear_svm *m, double *slope, double *offset, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    solver *solve = NULL;

    TARN_TRY(pick_solver(m, &solve, err));
    TARN_TRY(solve(m, err));
    for (int32_t o = 0; o < m->outputs; o++) slope[o] = 1;
    if (!m->regression) TARN_TRY(linear_svm_calibrate(m, slope, offset, err));
done:
    return rc;
}

static tarn_code fit(const tarn_fit *job, const void *params, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_matrix *x = job->x;
    int32_t sources = x->sparse ? x->sparse->sources : 0;
    linear_svm m = {.job = job,
                    .set = params,
                    .regression = x->classes == 0,
                    .outputs = x->classes > 2 ? x->classes : 1,
                    .objective = NAN};
    double *slope = NULL;

    m.cols = x->cols + (x->sparse ? x->sparse->cols : 0);
    m.wide = m.cols + (m.set->intercept ? 1 : 0);
    m.turns = (m.regression ? 0 : (int32_t)m.set->folds) + 1;
    rc = tarn_alloc(&m.b, (size_t)m.turns * (size_t)m.outputs * (size_t)m.wide, sizeof *m.b, err);
    if (rc == TARN_OK) rc = tarn_alloc(&slope, 2 * (size_t)m.outputs, sizeof *slope, err);
    if (rc == TARN_OK) rc = tarn_alloc(&out->importance, (size_t)(x->cols + sources), sizeof *out->importance, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(learn(&m, slope, slope + m.outputs, err));
    importance(&m, out->importance);
    out->iterations = m.steps;
    out->converged = m.converged;
    out->objective = m.objective;
    TARN_TRY(add_nodes(&m, slope, slope + m.outputs, &out->out, err));
done:
    tarn_free(m.b);
    tarn_free(slope);
    return rc;
}

const tarn_algo tarn_algo_linear_svm = {
    .name = "linear_svm",
    .title = "Linear support vector machine (classes, by one against the rest, and numbers)",
    .paper = "Fan, Chang, Hsieh, Wang & Lin 2008, J. Mach. Learn. Res. 9 (LIBLINEAR); Platt 1999",
    .does = TARN_DOES_BINARY | TARN_DOES_MULTICLASS | TARN_DOES_REGRESSION,
    .takes = TARN_TAKES_SPARSE,
    .params_size = sizeof(linear_svm_params),
    .params = params_table,
    .space = "{C: {from: 0.001, to: 10, scale: log}}",
    .fit = fit,
};
