/* SPDX-License-Identifier: Apache-2.0 */
/* sgd.c - linear models learned row by row: classification and regression, dense and sparse columns, one pass or
 * several.
 *
 * Problem: the mean of loss(z_i, y_i) over rows, with z = bias + sum_j w_j x_j, and a penalty on w (of columns brought
 * to like size). Of more than two classes, each has its own z: against the rest, or all through a softmax.
 *
 * Method: sgd_learn.c. Rows are learned in the order in which they stand, but for an order drawn within each block of
 * 8192; the coefficients follow from that order alone, whatever the threads and ranks. With validation rows, epochs go
 * on while they get better, and the best epoch's coefficients stay.
 *
 * Cost: O(K) for each number that is not 0, in each epoch; memory for two floats a coefficient.
 */
#include "base/mem.h"
#include "train/algos/sgd_parts.h"
#include "train/linear.h"

#include <math.h>
#include <string.h>

enum { PATIENCE = 2 };

static const tarn_param params_table[] = {
    TARN_WORD(sgd_params, loss, SGD_AUTO,
              "auto|log_loss|hinge|modified_huber|squared_error|huber|epsilon_insensitive|quantile",
              "what a row costs; auto: log_loss, or squared_error for values"),
    TARN_WORD(sgd_params, multi_class, SGD_ONE_VS_REST, "one_vs_rest|softmax",
              "more than two classes: each against the rest, or all together (log_loss only)"),
    TARN_INT(sgd_params, epochs, 5, 1, 1e6, "most passes over the rows"),
    TARN_REAL(sgd_params, tol, 1e-4, 0, 1, "stop when the mean loss of an epoch falls by less than this share"),
    TARN_WORD(sgd_params, learning_rate, SGD_ADAPTIVE, "adaptive|constant|optimal|invscaling",
              "adaptive: each coefficient by its own past; else eta0, 1 / (alpha (t + t0)), eta0 / t^power_t"),
    TARN_REAL(sgd_params, eta0, 0.5, 1e-9, 1e6, "size of the first steps"),
    TARN_REAL(sgd_params, power_t, 0.5, 0, 1, "invscaling: how fast steps get smaller"),
    TARN_WORD(sgd_params, penalty, SGD_NONE, "none|l2|l1|elasticnet", "what is added for large coefficients"),
    TARN_REAL(sgd_params, alpha, 1e-4, 0, 1e6, "weight of the penalty; also in learning_rate optimal"),
    TARN_REAL(sgd_params, l1_ratio, 0.15, 0, 1, "elasticnet: share of l1"),
    TARN_REAL(sgd_params, epsilon, 0.1, 0, 1e300, "huber, epsilon_insensitive: width, in units of the target"),
    TARN_REAL(sgd_params, quantile, 0.5, 1e-6, 0.999999, "quantile: which one"),
    TARN_WORD(sgd_params, average, SGD_AVERAGE_AUTO, "auto|yes|no",
              "give the mean of an epoch's coefficients instead of the last; auto: up to 4096 of them"),
    TARN_BOOL_PARAM(sgd_params, shuffle, true, "draw an order of the rows within each block of 8192"),
    TARN_PARAMS_END,
};

static tarn_code check(const tarn_fit *job, const sgd_params *set, sgd_loss *loss, tarn_err *err)
{
    bool values = job->x->classes == 0;

    *loss = set->loss != SGD_AUTO ? (sgd_loss)set->loss : values ? SGD_SQUARED : SGD_LOG;
    if (values != (*loss >= SGD_SQUARED))
        return TARN_FAIL(err, TARN_INVALID, "this loss is for %s",
                         values ? "classes; values have squared_error, huber, "
                                  "epsilon_insensitive and quantile"
                                : "values; classes have log_loss, hinge and "
                                  "modified_huber");
    if (set->multi_class == SGD_MULTINOMIAL && job->x->classes > 2) {
        if (*loss != SGD_LOG) return TARN_FAIL(err, TARN_INVALID, "multi_class softmax goes with log_loss only");
        *loss = SGD_SOFTMAX;
    }
    if (set->learning_rate == SGD_OPTIMAL && !(set->alpha > 0))
        return TARN_FAIL(err, TARN_INVALID, "learning_rate optimal needs an alpha above 0");
    return TARN_OK;
}

/* ---- epochs ---- */

typedef struct course {
    double best, last;
    int worse;   /* epochs since the best */
    void *state; /* of the best; NULL: no validation rows */
} course;

/* Whether to stop behind this epoch; with validation rows, keep its coefficients if they are the best. */
static tarn_code look_at_epoch(sgd_learner *s, course *c, double loss, bool *stop, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    if (s->job->valid) {
        rc = sgd_judge(s, s->job->valid, &loss, err);
        TARN_TRY(tarn_comm_agree(s->job->comm, rc, err));
        if (loss < c->best) {
            c->best = loss;
            c->worse = 0;
            memcpy(c->state, s->state, s->state_len);
        } else c->worse++;
        *stop = c->worse >= PATIENCE;
        goto done;
    }
    *stop = isfinite(c->last) && !(loss < c->last - s->set->tol * fabs(c->last));
    c->last = loss;
done:
    return rc;
}

static tarn_code run_epochs(sgd_learner *s, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    course c = {.best = INFINITY, .last = INFINITY};
    bool stop = false;

    if (s->job->valid) rc = tarn_alloc(&c.state, s->state_len, 1, err);
    TARN_TRY(tarn_comm_agree(s->job->comm, rc, err));
    for (int64_t e = 0; e < s->set->epochs && !stop; e++) {
        double loss = 0;
        rc = tarn_cancel_check(s->job->sink, err);
        TARN_TRY(tarn_comm_agree(s->job->comm, rc, err));
        TARN_TRY(sgd_epoch(s, e, &loss, err));
        if (!isfinite(loss)) {
            rc = TARN_FAIL(err, TARN_NUMERIC, "the loss is not finite after epoch %lld; lower eta0", (long long)e + 1);
            goto done;
        }
        out->objective = loss;
        out->iterations = e + 1;
        TARN_TRY(look_at_epoch(s, &c, loss, &stop, err));
        tarn_progress(s->job->sink, "train", e + 1, s->set->epochs, "epochs");
    }
    out->converged = stop || s->set->epochs == 1;
    if (s->job->valid && isfinite(c.best)) memcpy(s->state, c.state, s->state_len);
done:
    tarn_free(c.state);
    return rc;
}

/* ---- nodes ---- */

/* How far a column typically moves z, over all outputs: |weight| times its deviation, or of a sparse one times its
 * largest number and the root of the share of rows that have it. */
static tarn_code importance(const sgd_learner *s, const double *weights, double **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_sparse *sparse = s->job->x->sparse;
    size_t sources = sparse ? (size_t)sparse->sources : 0, all = s->dense + s->sparse, at = 0;

    TARN_TRY(tarn_alloc(out, s->dense + sources, sizeof **out, err));
    for (size_t j = 0; j < all; j++) {
        double sum = 0, size = j < s->dense ? s->scale[j] : (double)s->most[s->padded + j - s->dense];
        for (size_t c = 0; c < s->k; c++) sum += fabs(weights[s->k + c * all + j]);
        while (j >= s->dense && at + 1 < sources && j - s->dense >= (size_t)sparse->source[at + 1].first) at++;
        (*out)[j < s->dense ? j : s->dense + at] += sum * size;
    }
done:
    return rc;
}

/* Each class against the rest: probabilities are shares of what each says. */
static tarn_code add_shares(const sgd_learner *s, uint32_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_link_data shares = {.link = TARN_LINK_SHARES};
    uint32_t *regs = NULL, k = (uint32_t)s->k;

    TARN_TRY(tarn_alloc(&regs, k, sizeof *regs, err));
    for (uint32_t c = 0; c < k; c++) regs[c] = *out + c;
    TARN_TRY(tarn_graph_node(s->job->graph, "link", regs, k, k, NULL, &shares, sizeof shares, out, err));
done:
    tarn_free(regs);
    return rc;
}

static tarn_code add_nodes(const sgd_learner *s, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double *weights = NULL;
    tarn_link link = s->job->x->classes == 0  ? TARN_LINK_IDENTITY
                     : s->loss == SGD_SOFTMAX ? TARN_LINK_SOFTMAX
                                              : TARN_LINK_SIGMOID;

    TARN_TRY(tarn_alloc(&weights, s->k * (1 + s->dense + s->sparse), sizeof *weights, err));
    sgd_coefficients(s, weights);
    TARN_TRY(importance(s, weights, &out->importance, err));
    TARN_TRY(tarn_linear_add(s->job, (uint32_t)s->k, weights, link, &out->out, err));
    if (s->k > 1 && s->loss != SGD_SOFTMAX) TARN_TRY(add_shares(s, &out->out, err));
done:
    tarn_free(weights);
    return rc;
}

static tarn_code fit(const tarn_fit *job, const void *params, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    sgd_learner s = {0};

    TARN_TRY(check(job, params, &s.loss, err));
    TARN_TRY(sgd_open(&s, job, params, err));
    TARN_TRY(run_epochs(&s, out, err));
    TARN_TRY(add_nodes(&s, out, err));
    if (!job->keep_state) goto done;
    out->state = s.state;
    out->state_len = s.state_len;
    s.state = NULL;
done:
    sgd_close(&s);
    return rc;
}

const tarn_algo tarn_algo_sgd = {
    .name = "sgd",
    .title = "Linear models learned row by row",
    .paper = "Duchi, Hazan & Singer 2011, J. Mach. Learn. Res. 12; Ross, Mineiro & Langford 2013, UAI",
    .does = TARN_DOES_BINARY | TARN_DOES_MULTICLASS | TARN_DOES_REGRESSION,
    .takes = TARN_TAKES_SPARSE,
    .learns_on = true,
    .params_size = sizeof(sgd_params),
    .params = params_table,
    .fit = fit,
};
