/* SPDX-License-Identifier: Apache-2.0 */
/* complement_nb.c - naive Bayes for counts, each class seen through all others: steadier when classes differ in size.
 *
 * With C_kj = alpha + the sum of column j over the rows that are not of class k, and share_kj = C_kj / sum_j C_kj, the
 * score of a class is -sum_j x_j log share_kj; with norm, the weights of a class are divided by their sum instead. As
 * in the paper, how frequent classes are is not used, unless fit_prior asks for it.
 *
 * Cost: one pass over what is not 0. Source: Rennie, Shih, Teevan, Karger, ICML 2003, section 3 (without the transforms
 * of the counts, which step `text` makes).
 */
#include "base/mem.h"
#include "math/elementary.h"
#include "train/bayes.h"

enum { STATE = 3 };

typedef struct complement_params {
    double alpha;
    bool norm, fit_prior;
} complement_params;

static const tarn_param params_table[] = {
    TARN_REAL(complement_params, alpha, 1, 1e-10, 1e9, "added to each column's sum in the other classes"),
    TARN_BOOL_PARAM(complement_params, norm, false, "divide a class's weights by their sum"),
    TARN_BOOL_PARAM(complement_params, fit_prior, false, "heed how frequent classes are"),
    TARN_PARAMS_END,
};

static double sum_at(const tarn_bayes *b, size_t k, size_t j)
{
    return j < b->cols ? b->dense.sum[k * b->cols + j] : b->sums[k * b->sparse + j - b->cols];
}

typedef struct weighing {
    const complement_params *set;
    const double *all_sums; /* (columns) over all classes */
} weighing;

static void weigh(const tarn_bayes *b, size_t k, const void *settings, double *bias, double *out)
{
    const weighing *w = settings;
    const complement_params *set = w->set;
    size_t all = b->cols + b->sparse;
    double sum = 0, logs = 0;

    (void)bias;
    for (size_t j = 0; j < all; j++) {
        double rest = w->all_sums[j] - sum_at(b, k, j);
        out[j] = (rest > 0 ? rest : 0) + set->alpha;
        sum += out[j];
    }
    for (size_t j = 0; j < all; j++) out[j] /= sum;
    tarn_log_n(all, out, out);
    for (size_t j = 0; j < all; j++) logs += out[j];
    for (size_t j = 0; j < all; j++) out[j] = !set->norm ? -out[j] : logs < 0 ? out[j] / logs : 0;
}

static tarn_code fit(const tarn_fit *job, const void *params, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const complement_params *set = params;
    double *linear = NULL, *all_sums = NULL;
    tarn_bayes b;

    TARN_TRY(tarn_bayes_gather(&b, job, TARN_BAYES_VALUES, 0, false, STATE, err));
    size_t all = b.cols + b.sparse;
    TARN_TRY(tarn_alloc(&linear, b.classes * (1 + all), sizeof *linear, err));
    TARN_TRY(tarn_alloc(&all_sums, all, sizeof *all_sums, err));
    if (set->fit_prior) tarn_bayes_prior(&b, true, linear);
    for (size_t k = 0; k < b.classes; k++)
        for (size_t j = 0; j < all; j++) all_sums[j] += sum_at(&b, k, j);
    TARN_TRY(tarn_bayes_each(&b, weigh, &(weighing){set, all_sums}, linear, err));
    TARN_TRY(tarn_bayes_linear(&b, job, linear, out, err));
    TARN_TRY(tarn_bayes_keep(&b, STATE, out, err));
done:
    tarn_bayes_clear(&b);
    tarn_free(linear);
    tarn_free(all_sums);
    return rc;
}

const tarn_algo tarn_algo_complement_nb = {
    .name = "complement_nb",
    .title = "Naive Bayes for counts by the complement of each class",
    .paper = "Rennie, Shih, Teevan & Karger 2003, Tackling the poor assumptions of naive Bayes text classifiers, ICML",
    .does = TARN_DOES_BINARY | TARN_DOES_MULTICLASS,
    .takes = TARN_TAKES_SPARSE,
    .learns_on = true,
    .counts = true,
    .params_size = sizeof(complement_params),
    .params = params_table,
    .fit = fit,
};
