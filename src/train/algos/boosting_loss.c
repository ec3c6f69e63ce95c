/* SPDX-License-Identifier: Apache-2.0 */
/* boosting_loss.c - losses, their gradients, and the rounding of these. See boosting_loss.h. */
#include "train/algos/boosting_loss.h"

#include "base/mem.h"
#include "math/elementary.h"

#include <math.h>
#include <string.h>

tarn_loss tarn_loss_for(int32_t classes)
{
    return (tarn_loss){.classes = classes, .outputs = classes > 2 ? classes : 1};
}

static int64_t block_rows(int64_t rows, int64_t block)
{
    int64_t left = rows - block * TARN_BLOCK_ROWS;

    return left < TARN_BLOCK_ROWS ? left : TARN_BLOCK_ROWS;
}

/* ---- base scores ---- */

typedef struct summing {
    const tarn_loss *loss;
    const tarn_matrix *x;
    const double *score; /* NULL: for the base */
} summing;

/* sum[0] += weights; then per class its weights, or the weighted values. */
static tarn_code sum_labels(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const summing *s = arg;
    int64_t at = block * TARN_BLOCK_ROWS, n = block_rows(s->x->rows, block);

    (void)worker, (void)err;
    for (int64_t i = at; i < at + n; i++) {
        double w = s->x->weight ? s->x->weight[i] : 1;
        sum[0] += w;
        if (s->loss->classes > 0) sum[1 + (int)s->x->y[i]] += w;
        else sum[1] += w * s->x->y[i];
    }
    return TARN_OK;
}

tarn_code tarn_loss_base(const tarn_loss *l, const tarn_fit *job, double *base, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    summing s = {.loss = l, .x = job->x};
    int64_t n = 1 + (l->classes > 0 ? l->classes : 1);
    double *sum = NULL;

    rc = tarn_alloc(&sum, (size_t)n, sizeof *sum, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(tarn_comm_sum_blocks(job->comm, job->pool, tarn_blocks(job->x->rows), n, sum_labels, &s, sum, err));
    for (int32_t k = 0; k < l->outputs; k++) {
        if (l->classes == 2) base[0] = tarn_log(sum[2] / sum[1]);
        else if (l->classes > 2) base[k] = tarn_log((sum[1 + k] > 0 ? sum[1 + k] : 1e-3) / sum[0]);
        else base[0] = sum[1] / sum[0];
        if (l->classes > 0 && !(base[k] > -30)) base[k] = -30; /* a class that no row has */
        if (l->classes > 0 && base[k] > 30) base[k] = 30;
        if (isfinite(base[k])) continue;
        rc = TARN_FAIL(err, TARN_NUMERIC, "the mean of the target is not finite; divide the target by a constant");
        goto done;
    }
done:
    tarn_free(sum);
    return rc;
}

/* ---- loss ---- */

static double row_loss(const tarn_loss *l, const double *score, int64_t stride, double y)
{
    if (l->classes == 0) return (score[0] - y) * (score[0] - y);
    if (l->classes == 2) return tarn_softplus(score[0]) - y * score[0];
    double top = score[0], sum = 0;
    for (int32_t k = 1; k < l->outputs; k++)
        if (score[k * stride] > top) top = score[k * stride];
    for (int32_t k = 0; k < l->outputs; k++) sum += tarn_exp(score[k * stride] - top);
    return tarn_log(sum) + top - score[(int64_t)y * stride];
}

static tarn_code sum_loss(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const summing *s = arg;
    int64_t at = block * TARN_BLOCK_ROWS, n = block_rows(s->x->rows, block);

    (void)worker, (void)err;
    for (int64_t i = at; i < at + n; i++) {
        double w = s->x->weight ? s->x->weight[i] : 1;
        sum[0] += w;
        sum[1] += w * row_loss(s->loss, s->score + i, s->x->rows, s->x->y[i]);
    }
    return TARN_OK;
}

tarn_code tarn_loss_mean(const tarn_loss *l, const tarn_matrix *x, tarn_pool *pool, tarn_comm *comm,
                         const double *score, double *mean, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    summing s = {.loss = l, .x = x, .score = score};
    double sum[2] = {0};

    TARN_TRY(tarn_comm_sum_blocks(comm, pool, tarn_blocks(x->rows), 2, sum_loss, &s, sum, err));
    *mean = sum[1] / sum[0];
done:
    return rc;
}

/* ---- noise ---- */

/* g is w times a mark whose square is on average the h of weight 1 (times (K-1)/K), or the squared residual. */
static tarn_code sum_noise(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const summing *s = arg;
    int64_t at = block * TARN_BLOCK_ROWS, n = block_rows(s->x->rows, block);

    (void)worker, (void)err;
    for (int64_t i = at; i < at + n; i++) {
        double w = s->x->weight ? s->x->weight[i] : 1, r = s->loss->classes > 0 ? 1 : s->score[i] - s->x->y[i];
        sum[0] += w;
        sum[1] += w * r * (w * r);
    }
    return TARN_OK;
}

tarn_code tarn_loss_noise(const tarn_loss *l, const tarn_fit *job, const double *score, double *noise, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    summing s = {.loss = l, .x = job->x, .score = score};
    double sum[2] = {0};

    TARN_TRY(tarn_comm_sum_blocks(job->comm, job->pool, tarn_blocks(job->x->rows), 2, sum_noise, &s, sum, err));
    *noise = sum[1] / sum[0];
    if (l->classes > 2) *noise *= (double)(l->classes - 1) / (double)l->classes;
done:
    return rc;
}

/* ---- gradients ---- */

/* Probabilities of rows at .. of all classes, to p (outputs, n). top (n) is scratch. */
static void softmax(const tarn_loss *l, const double *score, int64_t stride, int64_t n, double *p, double *top)
{
    for (int64_t i = 0; i < n; i++) top[i] = score[i];
    for (int32_t k = 1; k < l->outputs; k++)
        for (int64_t i = 0; i < n; i++) top[i] = score[k * stride + i] > top[i] ? score[k * stride + i] : top[i];
    for (int32_t k = 0; k < l->outputs; k++) {
        for (int64_t i = 0; i < n; i++) p[k * n + i] = score[k * stride + i] - top[i];
        tarn_exp_n((size_t)n, p + k * n, p + k * n);
    }
    for (int64_t i = 0; i < n; i++) top[i] = p[i];
    for (int32_t k = 1; k < l->outputs; k++)
        for (int64_t i = 0; i < n; i++) top[i] += p[k * n + i];
    for (int32_t k = 0; k < l->outputs; k++)
        for (int64_t i = 0; i < n; i++) p[k * n + i] /= top[i];
}

/* Whole steps: x scaled, plus a fraction in [0, 1), rounded down; within -most .. most. */
static inline int64_t steps(double x, double scale, uint32_t dither, int64_t most)
{
    double q = floor(x * scale + ((double)dither + 0.5) * 0x1p-16), top = (double)most;

    q = q < top ? q : top;
    return (int64_t)(q > -top ? q : -top);
}

static void pack_rows(const tarn_loss *l, const tarn_matrix *x, const tarn_rounding *r, const uint8_t *share,
                      int64_t at, int64_t n, int32_t k, const double *p, int64_t *packed)
{
    double h_factor = l->classes > 2 ? (double)l->classes / (double)(l->classes - 1) : 1;
    const double *y = x->y + at;

    for (int64_t i = 0; i < n; i++) {
        double w = x->weight ? x->weight[at + i] : 1;
        double hit = l->classes == 2 ? y[i] : y[i] == (double)k ? 1 : 0;
        double g = w * (p[i] - hit), h = w * h_factor * p[i] * (1 - p[i]);
        uint32_t d = r->dither[at + i];
        int64_t gs = steps(g, r->g_scale, (d + r->turn_g) & 65535, r->pack.g_most);
        int64_t hs = steps(h, r->h_scale, (d + r->turn_h) & 65535, r->pack.h_most);
        packed[i] = !share || share[at + i] ? tarn_pack_row(&r->pack, gs, hs) : 0;
    }
}

static double pack_residuals(const tarn_matrix *x, const tarn_rounding *r, const uint8_t *share, const double *score,
                             int64_t at, int64_t n, int64_t *packed)
{
    double most = 0;

    for (int64_t i = 0; i < n; i++) {
        double w = x->weight ? x->weight[at + i] : 1, residual = score[i] - x->y[at + i];
        uint32_t d = r->dither[at + i];
        int64_t gs = steps(w * residual, r->g_scale, (d + r->turn_g) & 65535, r->pack.g_most);
        int64_t hs = steps(w, r->h_scale, (d + r->turn_h) & 65535, r->pack.h_most);
        packed[i] = !share || share[at + i] ? tarn_pack_row(&r->pack, gs, hs) : 0;
        if (fabs(residual) > most) most = fabs(residual);
    }
    return most;
}

double tarn_loss_pack(const tarn_loss *l, const tarn_matrix *x, const tarn_rounding *r, const double *score,
                      const uint8_t *share, int64_t at, int64_t n, double *scratch, int64_t *packed)
{
    if (l->classes == 0) return pack_residuals(x, r, share, score + at, at, n, packed + at);
    if (l->classes == 2) tarn_sigmoid_n((size_t)n, score + at, scratch);
    else softmax(l, score + at, x->rows, n, scratch, scratch + (int64_t)l->outputs * n);
    for (int32_t k = 0; k < l->outputs; k++)
        pack_rows(l, x, r, share, at, n, k, scratch + k * n, packed + (int64_t)k * x->rows + at);
    return 0;
}
