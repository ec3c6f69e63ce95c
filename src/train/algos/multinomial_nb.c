/* SPDX-License-Identifier: Apache-2.0 */
/* multinomial_nb.c - naive Bayes for counts: a row's columns are drawn from its class's shares.
 *
 * With N_kj the sum of column j over the rows of class k, the shares are (N_kj + alpha) / (sum_j N_kj + alpha d), and
 * log P(k | x) = log pi_k + sum_j x_j log share_kj + constant: a linear model. Weights of words (tf-idf) do as counts.
 *
 * Cost: one pass over what is not 0. Source: Manning, Raghavan, Schuetze, Introduction to Information Retrieval, 2008,
 * section 13.2.
 */
#include "base/mem.h"
#include "math/elementary.h"
#include "train/bayes.h"

enum { STATE = 2 };

typedef struct multinomial_params {
    double alpha;
    bool fit_prior;
} multinomial_params;

static const tarn_param params_table[] = {
    TARN_REAL(multinomial_params, alpha, 1, 1e-10, 1e9, "added to each column's sum in each class"),
    TARN_BOOL_PARAM(multinomial_params, fit_prior, true, "classes are as frequent as in the rows; false: all alike"),
    TARN_PARAMS_END,
};

/* log of the shares of class k. */
static void log_shares(const tarn_bayes *b, size_t k, const void *settings, double *bias, double *out)
{
    const multinomial_params *set = settings;
    size_t all = b->cols + b->sparse;
    double sum = 0;

    (void)bias;
    for (size_t j = 0; j < all; j++) {
        out[j] = (j < b->cols ? b->dense.sum[k * b->cols + j] : b->sums[k * b->sparse + j - b->cols]) + set->alpha;
        sum += out[j];
    }
    double log_sum = tarn_log(sum);
    tarn_log_n(all, out, out);
    for (size_t j = 0; j < all; j++) out[j] -= log_sum;
}

static tarn_code fit(const tarn_fit *job, const void *params, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const multinomial_params *set = params;
    double *linear = NULL;
    tarn_bayes b;

    TARN_TRY(tarn_bayes_gather(&b, job, TARN_BAYES_VALUES, 0, false, STATE, err));
    size_t all = b.cols + b.sparse;
    TARN_TRY(tarn_alloc(&linear, b.classes * (1 + all), sizeof *linear, err));
    tarn_bayes_prior(&b, set->fit_prior, linear);
    TARN_TRY(tarn_bayes_each(&b, log_shares, set, linear, err));
    TARN_TRY(tarn_bayes_linear(&b, job, linear, out, err));
    TARN_TRY(tarn_bayes_keep(&b, STATE, out, err));
done:
    tarn_bayes_clear(&b);
    tarn_free(linear);
    return rc;
}

const tarn_algo tarn_algo_multinomial_nb = {
    .name = "multinomial_nb",
    .title = "Naive Bayes for counts (words of texts)",
    .paper = "Manning, Raghavan & Schuetze 2008, Introduction to Information Retrieval, section 13.2",
    .does = TARN_DOES_BINARY | TARN_DOES_MULTICLASS,
    .takes = TARN_TAKES_SPARSE,
    .learns_on = true,
    .counts = true,
    .params_size = sizeof(multinomial_params),
    .params = params_table,
    .fit = fit,
};
