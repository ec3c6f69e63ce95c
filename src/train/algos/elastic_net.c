/* SPDX-License-Identifier: Apache-2.0 */
/* elastic_net.c - least squares with a penalty that leaves columns out: lasso (l1_ratio = 1) and elastic net.
 *
 * Problem: elastic_net_parts.h writes out what is minimised. The penalty treats columns alike, so they should be of
 * like size: scaling is preparation's work.
 *
 * Method: one pass for cross products, then coordinate descent (elastic_net_descent.c), with alpha as given, or the
 * best of a path. Text and thousands of columns: elastic_net_passes.c.
 *
 * Cost: O(n d^2) for the pass, then O(d) per sweep and coordinate that moves; cross-validation reads no row again.
 * Source: Tibshirani, J. R. Stat. Soc. B 58(1), 1996; Zou, Hastie, J. R. Stat. Soc. B 67(2), 2005.
 */
#include "base/mem.h"
#include "math/gram.h"
#include "train/algos/elastic_net_parts.h"

static const tarn_param params_table[] = {
    TARN_REAL(
        elastic_net_params, alpha, 0, 0, 1e18,
        "weight of the penalty: larger is stricter; 0: chosen by cross-validation (text and thousands of columns: "
        "a hundredth of what leaves out every column)"),
    TARN_REAL(elastic_net_params, l1_ratio, 0.5, 1e-3, 1,
              "share of the penalty on absolute coefficients, the rest being on squares; 1 is the lasso"),
    TARN_INT(elastic_net_params, cv, 5, 2, 1000, "alpha = 0: folds of the cross-validation (runs of rows)"),
    TARN_INT(elastic_net_params, alphas, 100, 2, 10000, "alpha = 0: how many values of alpha are tried"),
    TARN_REAL(elastic_net_params, least_alpha, 1e-3, 1e-12, 0.9,
              "alpha = 0: the smallest one tried, as a share of the one that leaves out every column"),
    TARN_BOOL_PARAM(elastic_net_params, intercept, true, "fit a constant term, which is not penalised"),
    TARN_REAL(elastic_net_params, tol, 1e-8, 1e-15, 1, "stop when the objective is within this share of its scale"),
    TARN_INT(elastic_net_params, max_iter, 10000, 1, 1e9, "stop after as many sweeps or passes in any case"),
    TARN_PARAMS_END,
};

static tarn_code descend(const tarn_fit *job, const elastic_net_params *set, const tarn_moments *m, tarn_cross *c,
                         double *space, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t cols = (size_t)job->x->cols;
    double alpha = set->alpha;
    elastic_net_descent d = {.c = c,
                             .cols = cols,
                             .l1_ratio = set->l1_ratio,
                             .tol = set->tol,
                             .max_iter = set->max_iter,
                             .sink = job->sink,
                             .b = space,
                             .q = space + cols};

    tarn_moments_take(m, TARN_FOLD_NONE, TARN_FOLD_NONE, c);
    if (alpha == 0) TARN_TRY(elastic_net_choose(job, set, m, c, &alpha, err));
    elastic_net_begin(&d);
    rc = elastic_net_descend(&d, alpha, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    out->iterations = d.sweeps;
    out->converged = d.converged;
    out->objective = elastic_net_objective(&d, alpha);
done:
    return rc;
}

static tarn_code fit_sums(const tarn_fit *job, const elastic_net_params *set, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t cols = (size_t)job->x->cols;
    tarn_moments m = {0};
    tarn_cross c = {0};
    double *space = NULL;
    int32_t folds = (int32_t)(set->cv < job->x->all_rows ? set->cv : job->x->all_rows);

    rc = tarn_cancel_check(job->sink, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(tarn_moments_make(job, set->intercept, set->alpha > 0 ? 1 : folds, &m, err));
    rc = tarn_cross_new(&m, &c, err);
    if (rc == TARN_OK) rc = tarn_alloc(&space, 2 * cols, sizeof *space, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(descend(job, set, &m, &c, space, out, err));
    TARN_TRY(tarn_moments_finish(job, &c, c.mean[cols] - tarn_dot(cols, c.mean, space), space, out, err));
done:
    tarn_moments_clear(&m);
    tarn_cross_clear(&c);
    tarn_free(space);
    return rc;
}

static tarn_code fit_passes(const tarn_fit *job, const elastic_net_params *set, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_normal n = {0};
    double *b = NULL;

    TARN_TRY(tarn_normal_open(job, set->intercept, &n, err));
    rc = tarn_alloc(&b, (size_t)n.cols, sizeof *b, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(elastic_net_passes(&n, set, b, out, err));
    TARN_TRY(tarn_normal_finish(&n, n.mean[n.cols] - tarn_dot((size_t)n.cols, n.mean, b), b, out, err));
done:
    tarn_normal_close(&n);
    tarn_free(b);
    return rc;
}

static tarn_code fit(const tarn_fit *job, const void *params, tarn_fitted *out, tarn_err *err)
{
    const elastic_net_params *set = params;
    bool few = !job->x->sparse && job->x->cols <= TARN_MOMENTS_COLS;

    return (few ? fit_sums : fit_passes)(job, set, out, err);
}

const tarn_algo tarn_algo_elastic_net = {
    .name = "elastic_net",
    .title = "Elastic net and lasso (least squares, L1 and L2 penalty)",
    .paper = "Zou & Hastie 2005, J. R. Stat. Soc. B 67(2); Friedman, Hastie & Tibshirani 2010, J. Stat. Software 33(1)",
    .does = TARN_DOES_REGRESSION,
    .takes = TARN_TAKES_SPARSE,
    .params_size = sizeof(elastic_net_params),
    .params = params_table,
    .space = "{l1_ratio: [0.1, 0.5, 0.9, 1]}",
    .fit = fit,
};
