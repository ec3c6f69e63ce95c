/* SPDX-License-Identifier: Apache-2.0 */
/* bernoulli_nb.c - naive Bayes for yes and no: each column is there or not, with a probability for each class.
 *
 * With n_kj the rows of class k where column j is above `binarize` (of a text: where it has the token), p_kj = (n_kj +
 * alpha) / (n_k + 2 alpha), and log P(k | x) = log pi_k + sum_j log(1 - p_kj) + sum_j b_j (log p_kj - log(1 - p_kj)):
 * linear in b, which node `above` makes of columns, and node `bag` of texts, whose recipe then counts no further than
 * one.
 *
 * Cost: one pass over what is not 0. Source: Manning, Raghavan, Schuetze, Introduction to Information Retrieval, 2008,
 * section 13.3.
 */
#include "base/mem.h"
#include "math/elementary.h"
#include "model/payload.h"
#include "train/bayes.h"

#include <string.h>

enum { STATE = 4, PIECE = 256 };

typedef struct bernoulli_params {
    double alpha, binarize;
    bool fit_prior;
} bernoulli_params;

static const tarn_param params_table[] = {
    TARN_REAL(bernoulli_params, alpha, 1, 1e-10, 1e9, "rows of either sort added to each column in each class"),
    TARN_REAL(bernoulli_params, binarize, 0, -1e300, 1e300, "a number above this is a yes"),
    TARN_BOOL_PARAM(bernoulli_params, fit_prior, true, "classes are as frequent as in the rows; false: all alike"),
    TARN_PARAMS_END,
};

/* The job as its model sees it: columns above the threshold, recipes that say yes and no. */
typedef struct yes_no {
    tarn_fit job;
    tarn_matrix x;
    tarn_sparse sparse;
    tarn_sparse_source *source;
    char **heads;
    uint32_t *regs;
} yes_no;

static void yes_no_clear(yes_no *v)
{
    for (int32_t s = 0; v->heads && s < v->sparse.sources; s++) tarn_free(v->heads[s]);
    tarn_free(v->heads);
    tarn_free(v->source);
    tarn_free(v->regs);
}

/* A recipe without its weights: what is there is 1. */
static tarn_code plain_head(const tarn_sparse_source *from, tarn_sparse_source *to, char **head, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_bag_data d;

    memcpy(&d, from->head, sizeof d);
    size_t len = from->len - (d.flags & TARN_BAG_IDF ? d.cols * sizeof(double) : 0);
    d.flags = (d.flags & ~(uint32_t)(TARN_BAG_IDF | TARN_BAG_SUBLINEAR)) | TARN_BAG_BINARY;
    d.norm = TARN_NORM_NONE;
    TARN_TRY(tarn_alloc(head, len, 1, err));
    memcpy(*head, from->head, len);
    memcpy(*head, &d, sizeof d);
    *to = *from;
    to->head = *head;
    to->len = len;
done:
    return rc;
}

static tarn_code yes_no_init(yes_no *v, const tarn_fit *job, double threshold, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_sparse *s = job->x->sparse;
    size_t cols = (size_t)job->x->cols;
    double *data = NULL;
    uint32_t first = 0;

    *v = (yes_no){.job = *job, .x = *job->x};
    v->job.x = &v->x;
    TARN_TRY(tarn_alloc(&v->regs, cols, sizeof *v->regs, err));
    TARN_TRY(tarn_alloc(&data, cols, sizeof *data, err));
    for (size_t j = 0; j < cols; j++) data[j] = threshold;
    if (cols > 0)
        TARN_TRY(tarn_graph_node(job->graph, "above", job->regs, (uint32_t)cols, (uint32_t)cols, NULL, data,
                                 cols * sizeof *data, &first, err));
    for (size_t j = 0; j < cols; j++) v->regs[j] = first + (uint32_t)j;
    v->job.regs = v->regs;
    if (!s) goto done;
    v->sparse = *s;
    v->x.sparse = &v->sparse;
    TARN_TRY(tarn_alloc(&v->source, (size_t)s->sources, sizeof *v->source, err));
    TARN_TRY(tarn_alloc(&v->heads, (size_t)s->sources, sizeof *v->heads, err));
    for (int32_t k = 0; k < s->sources; k++) TARN_TRY(plain_head(&s->source[k], &v->source[k], &v->heads[k], err));
    v->sparse.source = v->source;
done:
    tarn_free(data);
    return rc;
}

/* Bias and weights of class k. */
static void weigh(const tarn_bayes *b, size_t k, const void *settings, double *bias, double *weight)
{
    double alpha = ((const bernoulli_params *)settings)->alpha;
    double yes_or_no = tarn_log(b->count[k] + 2 * alpha), no[PIECE];
    size_t all = b->cols + b->sparse;

    for (size_t from = 0; from < all; from += PIECE) {
        size_t n = all - from < PIECE ? all - from : PIECE;
        double *yes = weight + from;
        for (size_t i = 0; i < n; i++) {
            size_t j = from + i;
            double with = j < b->cols ? b->dense.sum[k * b->cols + j] : b->sums[k * b->sparse + j - b->cols];
            double rest = b->count[k] - with;
            yes[i] = with + alpha;
            no[i] = (rest > 0 ? rest : 0) + alpha;
        }
        tarn_log_n(n, yes, yes);
        tarn_log_n(n, no, no);
        for (size_t i = 0; i < n; i++) {
            *bias += no[i] - yes_or_no;
            yes[i] = (yes[i] - yes_or_no) - (no[i] - yes_or_no);
        }
    }
}

static tarn_code fit(const tarn_fit *job, const void *params, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const bernoulli_params *set = params;
    double *linear = NULL;
    yes_no v = {0};
    tarn_bayes b;

    TARN_TRY(tarn_bayes_gather(&b, job, TARN_BAYES_ABOVE, set->binarize, false, STATE, err));
    size_t all = b.cols + b.sparse;
    TARN_TRY(tarn_alloc(&linear, b.classes * (1 + all), sizeof *linear, err));
    tarn_bayes_prior(&b, set->fit_prior, linear);
    TARN_TRY(tarn_bayes_each(&b, weigh, set, linear, err));
    TARN_TRY(yes_no_init(&v, job, set->binarize, err));
    TARN_TRY(tarn_bayes_linear(&b, &v.job, linear, out, err));
    TARN_TRY(tarn_bayes_keep(&b, STATE, out, err));
done:
    yes_no_clear(&v);
    tarn_bayes_clear(&b);
    tarn_free(linear);
    return rc;
}

const tarn_algo tarn_algo_bernoulli_nb = {
    .name = "bernoulli_nb",
    .title = "Naive Bayes for yes and no",
    .paper = "Manning, Raghavan & Schuetze 2008, Introduction to Information Retrieval, section 13.3",
    .does = TARN_DOES_BINARY | TARN_DOES_MULTICLASS,
    .takes = TARN_TAKES_SPARSE,
    .learns_on = true,
    .params_size = sizeof(bernoulli_params),
    .params = params_table,
    .fit = fit,
};
