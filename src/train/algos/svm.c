/* SPDX-License-Identifier: Apache-2.0 */
/* svm.c - support vector machines with kernels: classes, and regression.
 *
 * Problem: svm_parts.h writes it out. More than two classes are told apart pair by pair. Probabilities are Platt's
 * sigmoid of the decision, fitted to decisions on rows that were held out (by folds of the row's number); those of
 * pairs are coupled by node `coupling`. Row weights multiply C, and count in the sigmoid. The sigmoid is folded into
 * the coefficients, so that the machine's outputs are log odds.
 *
 * Columns should be of like size: scaling is preparation's work. Every rank holds all rows as floats (4 n d bytes) and
 * solves some of the problems; the only one of regression, or of two classes without folds, is solved by rank 0 while
 * the others wait.
 *
 * Cost: between O(n d) and O(n^2 d) time per problem, with as many as 1 + folds problems for each pair of classes; 8 n
 * d bytes and the cache in memory. Source: Cortes, Vapnik, Machine Learning 20, 1995; Drucker et al., NIPS 9, 1997
 * (regression); svm_solve.c names the solver's, svm_platt.c the sigmoid's.
 */
#include "base/mem.h"
#include "model/payload.h"
#include "train/algos/svm_parts.h"

#include <math.h>
#include <string.h>

static const tarn_param params_table[] = {
    TARN_REAL(svm_params, C, 1, 1e-12, 1e12, "how much an error costs: smaller is smoother"),
    TARN_WORD(
        svm_params, kernel, TARN_KERNEL_RBF, "linear|rbf|poly|sigmoid",
        "linear: x'z; rbf: exp(-gamma |x-z|^2); poly: (gamma x'z + coef0)^degree; sigmoid: tanh(gamma x'z + coef0)"),
    TARN_TEXT(svm_params, gamma, "scale",
              "a number; scale: 1 / (columns times the variance of all values); auto: 1 / columns"),
    TARN_INT(svm_params, degree, 3, 0, 64, "of the polynomial kernel"),
    TARN_REAL(svm_params, coef0, 0, -1e6, 1e6, "constant in the polynomial and the sigmoid kernel"),
    TARN_REAL(svm_params, epsilon, 0.1, 0, 1e12, "regression: errors up to this one cost nothing"),
    TARN_REAL(svm_params, tol, 1e-3, 1e-12, 1e6,
              "stop when no pair of rows violates the optimality conditions by more"),
    TARN_INT(svm_params, folds, 5, 0, 20,
             "classes: folds that the probabilities are fitted with; 0: to the training rows themselves, which takes a "
             "fraction of the time and makes them too sure"),
    TARN_WORD(svm_params, class_weight, 0, "none|balanced",
              "balanced: each class weighs the same in total, whatever its number of rows"),
    TARN_BOOL_PARAM(svm_params, shrinking, true, "set rows aside that seem settled; faster, same solution within tol"),
    TARN_REAL(svm_params, cache_mb, 400, 1, 1e6, "megabytes for rows of the kernel matrix"),
    TARN_INT(svm_params, max_iter, 0, 0, 1e12,
             "stop a problem after as many steps; 0: ten million, or 100 times its rows if that is more"),
    TARN_PARAMS_END,
};

/* The machine's payload and what it is made from. */
typedef struct machine {
    const svm_plan *plan;
    size_t rows, sides, classes; /* stored rows; classes 0 but for more than two */
    int32_t *stored;             /* (all rows) the place of a row, or -1 */
    double *slope, *offset;      /* (pairs) decisions become slope f + offset */
    char *data;
    size_t len;
} machine;

/* Log odds of a against b from the sigmoid; of class 1 against 0 for two classes; regression: the value itself. */
static void fit_sigmoids(const machine *m, double *spare)
{
    const svm_plan *plan = m->plan;
    int32_t classes = plan->job->x->classes;

    for (int64_t p = 0; p < plan->pairs; p++) {
        const svm_pair *pair = &plan->pair[p];
        double a = 0, b = 0;
        m->slope[p] = 1;
        if (classes == 0) continue;
        for (size_t i = 0; i < pair->n; i++) spare[i] = pair->cost[i] / plan->set->C;
        svm_platt(pair->n, pair->held_out, pair->y, spare, &a, &b);
        m->slope[p] = classes == 2 ? a : -a;
        m->offset[p] = classes == 2 ? b : -b;
    }
}

/* Stored rows stand by class, then by number: mark those that any pair uses. */
static void place_rows(machine *m)
{
    const svm_plan *plan = m->plan;
    int32_t classes = plan->job->x->classes;

    for (int64_t i = 0; i < plan->rows->n; i++) m->stored[i] = -1;
    for (int64_t p = 0; p < plan->pairs; p++)
        for (size_t i = 0; i < plan->pair[p].n; i++)
            if (plan->pair[p].full.beta[i] != 0) m->stored[plan->pair[p].row[i]] = 0;
    for (int32_t k = 0; k < (classes > 0 ? classes : 1); k++)
        for (int64_t i = 0; i < plan->rows->n; i++)
            if (m->stored[i] >= 0 && (classes == 0 || plan->rows->y[i] == k)) m->stored[i] = (int32_t)m->rows++;
}

static void fill_coefficients(const machine *m, double *bias, double *coef)
{
    const svm_plan *plan = m->plan;

    for (int64_t p = 0; p < plan->pairs; p++) {
        const svm_pair *pair = &plan->pair[p];
        bias[p] = m->offset[p] - m->slope[p] * pair->full.rho;
        for (size_t i = 0; i < pair->n; i++) {
            if (pair->full.beta[i] == 0) continue;
            size_t side = m->classes == 0 ? 0 : pair->y[i] > 0 ? (size_t)pair->b - 1 : (size_t)pair->a;
            coef[side * m->rows + (size_t)m->stored[pair->row[i]]] = m->slope[p] * pair->full.beta[i];
        }
    }
}

static void fill_rows(const machine *m, uint32_t *start, float *square, float *row)
{
    const svm_rows *rows = m->plan->rows;

    for (int64_t i = 0; i < rows->n; i++) {
        if (m->stored[i] < 0) continue;
        const float *x = rows->x + (size_t)i * rows->d;
        memcpy(row + (size_t)m->stored[i] * rows->d, x, rows->d * sizeof *x);
        square[m->stored[i]] = tarn_kernel_square(rows->d, x);
        if (m->classes > 0) start[(size_t)rows->y[i] + 1]++;
    }
    for (size_t k = 0; k < m->classes; k++) start[k + 1] += start[k];
}

static tarn_code fill_payload(machine *m, tarn_err *err)
{
    const svm_plan *plan = m->plan;
    size_t d = plan->rows->d, pairs = (size_t)plan->pairs, starts = m->classes ? (m->classes + 2) / 2 * 2 : 0;
    tarn_kernel_data head = {.kind = (uint32_t)plan->kernel.kind,
                             .degree = (uint32_t)plan->kernel.degree,
                             .rows = (uint32_t)m->rows,
                             .classes = (uint32_t)m->classes,
                             .gamma = plan->kernel.gamma,
                             .coef0 = plan->kernel.coef0};

    m->len = sizeof head + 8 * (d + pairs + m->sides * m->rows) + 4 * starts + (4 * m->rows * (1 + d) + 7) / 8 * 8;
    tarn_code rc = tarn_alloc(&m->data, m->len, 1, err);
    if (rc != TARN_OK) return rc;
    double *shift = (double *)(void *)(m->data + sizeof head), *bias = shift + d, *coef = bias + pairs;
    uint32_t *start = (uint32_t *)(void *)(coef + m->sides * m->rows);
    float *square = (float *)(void *)(start + starts);
    memcpy(m->data, &head, sizeof head);
    memcpy(shift, plan->rows->shift, d * sizeof *shift);
    fill_coefficients(m, bias, coef);
    fill_rows(m, start, square, square + m->rows);
    return TARN_OK;
}

static tarn_code add_probabilities(const machine *m, uint32_t sums, uint32_t *first, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_graph *graph = m->plan->job->graph;
    uint32_t pairs = (uint32_t)m->plan->pairs, *regs = NULL;
    tarn_link_data link = {.link = TARN_LINK_SIGMOID};
    tarn_coupling_data coupling = {.classes = (uint32_t)m->classes};

    TARN_TRY(tarn_alloc(&regs, pairs, sizeof *regs, err));
    for (uint32_t p = 0; p < pairs; p++) regs[p] = sums + p;
    TARN_TRY(tarn_graph_node(graph, "link", regs, pairs, pairs, NULL, &link, sizeof link, first, err));
    for (uint32_t p = 0; p < pairs; p++) regs[p] = *first + p;
    if (m->classes > 0)
        TARN_TRY(tarn_graph_node(graph, "coupling", regs, pairs, coupling.classes, NULL, &coupling, sizeof coupling,
                                 first, err));
done:
    tarn_free(regs);
    return rc;
}

static tarn_code add_nodes(const svm_plan *plan, uint32_t *first, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_fit *job = plan->job;
    machine m = {.plan = plan, .classes = plan->pairs > 1 ? (size_t)job->x->classes : 0};
    double *spare = NULL;
    uint32_t sums = 0;

    m.sides = m.classes > 0 ? m.classes - 1 : 1;
    TARN_TRY(tarn_alloc(&m.stored, (size_t)plan->rows->n, sizeof *m.stored, err));
    TARN_TRY(tarn_alloc(&m.slope, (size_t)plan->pairs, sizeof *m.slope, err));
    TARN_TRY(tarn_alloc(&m.offset, (size_t)plan->pairs, sizeof *m.offset, err));
    TARN_TRY(tarn_alloc(&spare, (size_t)plan->rows->n, sizeof *spare, err));
    fit_sigmoids(&m, spare);
    place_rows(&m);
    TARN_TRY(fill_payload(&m, err));
    tarn_say(job->sink, TARN_INFO, "%zu of %lld rows are support vectors", m.rows, (long long)plan->rows->n);
    TARN_TRY(tarn_graph_node_take(job->graph, "kernel", job->regs, (uint32_t)job->x->cols, (uint32_t)plan->pairs,
                                  &m.data, m.len, &sums, err));
    *first = sums;
    if (job->x->classes > 0) TARN_TRY(add_probabilities(&m, sums, first, err));
done:
    tarn_free(m.stored);
    tarn_free(m.slope);
    tarn_free(m.offset);
    tarn_free(m.data);
    tarn_free(spare);
    return rc;
}

static tarn_code fit(const tarn_fit *job, const void *params, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const svm_params *set = params;
    svm_rows rows = {0};
    svm_plan plan = {0};

    TARN_TRY(svm_rows_read(job, set, &rows, err));
    rc = svm_plan_make(job, set, &rows, &plan, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(svm_plan_solve(&plan, err));
    out->objective = 0;
    for (int64_t p = 0; p < plan.pairs; p++) {
        out->objective += plan.pair[p].full.objective;
        out->iterations += plan.pair[p].full.iterations;
        out->converged = out->converged && plan.pair[p].full.converged;
    }
    if (out->iterations == 0) out->iterations = 1; /* it looked, and there was nothing to do */
    TARN_TRY(add_nodes(&plan, &out->out, err));
done:
    svm_plan_clear(&plan);
    svm_rows_clear(&rows);
    return rc;
}

const tarn_algo tarn_algo_svm = {
    .name = "svm",
    .title = "Support vector machine with kernel (classes and regression)",
    .paper = "Cortes & Vapnik 1995, Machine Learning 20; Fan, Chen & Lin 2005, JMLR 6 (solver)",
    .does = TARN_DOES_BINARY | TARN_DOES_MULTICLASS | TARN_DOES_REGRESSION,
    .quadratic = true,
    .other_centre = TARN_DOES_REGRESSION, /* something like a median */
    .params_size = sizeof(svm_params),
    .params = params_table,
    .space = "{C: {from: 0.1, to: 1000, scale: log}}",
    .fit = fit,
};
