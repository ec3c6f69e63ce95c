/* SPDX-License-Identifier: Apache-2.0 */
/* bayes_nodes.c - see bayes.h: from sums to nodes. */
#include "train/bayes.h"

#include "base/mem.h"
#include "math/elementary.h"
#include "train/linear.h"

#include <math.h>
#include <string.h>

void tarn_bayes_prior(const tarn_bayes *b, bool learned, double *out)
{
    double total = 0;

    for (size_t k = 0; k < b->classes; k++) total += b->count[k];
    for (size_t k = 0; k < b->classes; k++)
        out[k] = learned ? tarn_log(b->count[k]) - tarn_log(total) : -tarn_log((double)b->classes);
}

/* ---- linear ones ---- */

/* Mean size of a column over all rows. */
static double size_of(const tarn_bayes *b, size_t j, double rows)
{
    double sum = 0;

    for (size_t k = 0; k < b->classes; k++)
        sum += j < b->cols ? fabs(b->dense.sum[k * b->cols + j]) : fabs(b->sums[k * b->sparse + j - b->cols]);
    return sum / rows;
}

static tarn_code measure(const tarn_bayes *b, const double *weight, double **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_sparse *s = b->job->x->sparse;
    size_t all = b->cols + b->sparse, sources = s ? (size_t)s->sources : 0, at = 0;
    double rows = 0;

    TARN_TRY(tarn_alloc(out, b->cols + sources, sizeof **out, err));
    for (size_t k = 0; k < b->classes; k++) rows += b->count[k];
    for (size_t j = 0; j < all; j++) {
        double mean = 0, far = 0;
        for (size_t k = 0; k < b->classes; k++) mean += weight[k * all + j] / (double)b->classes;
        for (size_t k = 0; k < b->classes; k++) far += fabs(weight[k * all + j] - mean);
        while (j >= b->cols && at + 1 < sources && j - b->cols >= (size_t)s->source[at + 1].first) at++;
        (*out)[j < b->cols ? j : b->cols + at] += far * size_of(b, j, rows);
    }
done:
    return rc;
}

tarn_code tarn_bayes_linear(const tarn_bayes *b, const tarn_fit *job, double *linear, tarn_fitted *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t all = b->cols + b->sparse, outputs = b->classes == 2 ? 1 : b->classes;
    double *weight = linear + b->classes;

    TARN_TRY(measure(b, weight, &out->importance, err));
    if (outputs == 1) {
        linear[0] = linear[1] - linear[0];
        for (size_t j = 0; j < all; j++) linear[1 + j] = weight[all + j] - weight[j]; /* to the place before its own */
    }
    TARN_TRY(tarn_linear_add(job, (uint32_t)outputs, linear, outputs == 1 ? TARN_LINK_SIGMOID : TARN_LINK_SOFTMAX,
                             &out->out, err));
    out->iterations = 1;
done:
    return rc;
}

/* ---- normal ones ---- */

static double variance_of(double weight, double sum, double square)
{
    double mean = sum / weight, v = square / weight - mean * mean;

    return v > 0 ? v : 0;
}

/* Values whose squares are beyond a double have no variance. */
static tarn_code check_squares(const tarn_bayes *b, const int32_t *cols, int32_t n, tarn_err *err)
{
    for (int32_t c = 0; c < n; c++) {
        size_t j = (size_t)cols[c];
        bool finite = isfinite(b->dense.plain[2 * b->cols + j]);
        for (size_t k = 0; k < b->classes; k++) finite = finite && isfinite(b->dense.square[k * b->cols + j]);
        if (!finite) return tarn_matrix_overflow(b->job->x, (int64_t)j, err);
    }
    return TARN_OK;
}

/* The largest variance of a column, each row counted once. */
static double largest_variance(const tarn_bayes *b, const int32_t *cols, int32_t n)
{
    const double *plain = b->dense.plain;
    double most = 0;

    for (int32_t c = 0; c < n; c++) {
        size_t j = (size_t)cols[c];
        if (plain[j] > 0) most = fmax(most, variance_of(plain[j], plain[b->cols + j], plain[2 * b->cols + j]));
    }
    return most;
}

/* Mean, half the inverse variance, and half log(2 pi variance) of a column in each class; returns what it tells: half
 * the log of how much wider it is over all. A class that never has the column takes it as it is over all. */
static double describe(const tarn_bayes *b, size_t j, double add, double *mean, double *half, double *width, size_t d)
{
    static const double two_pi = 6.283185307179586476925, narrowest = 1e-30;
    double weight = 0, sum = 0, square = 0, tells = 0;

    for (size_t k = 0; k < b->classes; k++) {
        weight += b->dense.weight[k * b->cols + j];
        sum += b->dense.sum[k * b->cols + j];
        square += b->dense.square[k * b->cols + j];
    }
    double all = fmax((weight > 0 ? variance_of(weight, sum, square) : 1) + add, narrowest);
    for (size_t k = 0; k < b->classes; k++) {
        size_t at = k * b->cols + j;
        bool has = b->dense.weight[at] > 0;
        double w = has ? b->dense.weight[at] : weight, s = has ? b->dense.sum[at] : sum;
        double v = has ? fmax(variance_of(w, s, b->dense.square[at]) + add, narrowest) : all;
        mean[k * d] = b->dense.shift[j] + (w > 0 ? s / w : 0);
        half[k * d] = 0.5 / v;
        width[k * d] = weight > 0 ? 0.5 * tarn_log(two_pi * v) : 0;
        if (weight > 0 && has) tells += 0.5 * b->dense.weight[at] / weight * tarn_log(all / v);
    }
    return fmax(tells, 0);
}

tarn_code tarn_bayes_normal(const tarn_bayes *b, const int32_t *cols, int32_t n_cols, double smoothing,
                            const double *bias, double *importance, uint32_t *first, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t d = (size_t)n_cols, cells = b->classes * d;
    double add = 0, *data = NULL;
    uint32_t *regs = NULL;

    TARN_TRY(check_squares(b, cols, n_cols, err));
    add = smoothing * largest_variance(b, cols, n_cols);
    TARN_TRY(tarn_alloc(&data, b->classes + 3 * cells, sizeof *data, err));
    TARN_TRY(tarn_alloc(&regs, d, sizeof *regs, err));
    memcpy(data, bias, b->classes * sizeof *data);
    double *mean = data + b->classes, *half = mean + cells, *width = half + cells;
    for (size_t c = 0; c < d; c++) {
        regs[c] = b->job->regs[cols[c]];
        importance[cols[c]] = describe(b, (size_t)cols[c], add, mean + c, half + c, width + c, d);
    }
    TARN_TRY(tarn_graph_node(b->job->graph, "gaussian", regs, (uint32_t)d, (uint32_t)b->classes, NULL, data,
                             (b->classes + 3 * cells) * sizeof *data, first, err));
done:
    tarn_free(regs);
    tarn_free(data);
    return rc;
}

tarn_code tarn_bayes_link(const tarn_bayes *b, uint32_t sums, uint32_t *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_link_data link = {.link = TARN_LINK_SOFTMAX};
    uint32_t *regs = NULL, n = (uint32_t)b->classes;

    TARN_TRY(tarn_alloc(&regs, n, sizeof *regs, err));
    for (uint32_t k = 0; k < n; k++) regs[k] = sums + k;
    TARN_TRY(tarn_graph_node(b->job->graph, "link", regs, n, n, NULL, &link, sizeof link, out, err));
    if (n == 2) ++*out;
done:
    tarn_free(regs);
    return rc;
}
