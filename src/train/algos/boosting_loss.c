/* SPDX-License-Identifier: Apache-2.0 */
/* boosting_loss.c - losses, their gradients, and the rounding of these. See boosting_loss.h. */
#include "train/algos/boosting_loss.h"

#include "base/mem.h"
#include "math/elementary.h"
#include "train/tree_quantile.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

enum { TILE = 256 };

#define POISSON_CAUTION 2.0137527074704766 /* e^0.7 */

tarn_code tarn_loss_for(const tarn_matrix *x, tarn_loss_kind kind, tarn_loss *out, tarn_err *err)
{
    *out = (tarn_loss){.classes = x->classes, .outputs = x->classes > 2 ? x->classes : 1, .kind = kind};
    if (kind != TARN_LOSS_AUTO && (x->classes > 0 || x->group))
        return TARN_FAIL(err, TARN_INVALID, "parameter 'objective' is for regression; leave it out for %s",
                         x->group ? "ranking" : "classes");
    if (x->group) out->kind = TARN_LOSS_RANKING;
    else if (x->classes > 0) out->kind = x->classes == 2 ? TARN_LOSS_LOGISTIC : TARN_LOSS_SOFTMAX;
    else if (kind == TARN_LOSS_AUTO) out->kind = TARN_LOSS_SQUARED;
    bool above = out->kind == TARN_LOSS_GAMMA;
    for (int64_t i = 0; i < x->rows && tarn_loss_has_log_link(out); i++) {
        if (above ? x->y[i] > 0 : x->y[i] >= 0) continue;
        return TARN_FAIL(err, TARN_INVALID, "the target is %g in row %lld; this objective takes values %s only",
                         x->y[i], tarn_matrix_row(x, i), above ? "above 0" : "of 0 or more");
    }
    return TARN_OK;
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
    const double *g, *h; /* of ranking */
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

static tarn_code base_of(const tarn_loss *l, const double *sum, int32_t k, double *base, tarn_err *err)
{
    if (l->kind == TARN_LOSS_LOGISTIC) *base = tarn_log(sum[2] / sum[1]);
    else if (l->classes > 2) *base = tarn_log((sum[1 + k] > 0 ? sum[1 + k] : 1e-3) / sum[0]);
    else *base = l->kind == TARN_LOSS_RANKING ? 0 : sum[1] / sum[0];
    if (tarn_loss_has_log_link(l)) *base = tarn_log(*base);
    bool log = l->classes > 0 || tarn_loss_has_log_link(l);
    if (log && !(*base > -30)) *base = -30; /* a class that no row has, or nothing above 0 */
    if (l->classes > 0 && *base > 30) *base = 30;
    if (isfinite(*base)) return TARN_OK;
    return TARN_FAIL(err, TARN_NUMERIC, "the mean of the target is not finite; divide the target by a constant");
}

tarn_code tarn_loss_base(const tarn_loss *l, const tarn_fit *job, double most_weight, double *base, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    summing s = {.loss = l, .x = job->x};
    int64_t n = 1 + (l->classes > 0 ? l->classes : 1);
    double *sum = NULL;

    if (tarn_loss_refits(l) || l->kind == TARN_LOSS_HUBER)
        return tarn_quantile_of(job->comm, job->x->y, job->x->weight, most_weight, job->x->rows,
                                l->kind == TARN_LOSS_QUANTILE ? l->level : 0.5, base, err);
    rc = tarn_alloc(&sum, (size_t)n, sizeof *sum, err);
    TARN_TRY(tarn_comm_agree(job->comm, rc, err));
    TARN_TRY(tarn_comm_sum_blocks(job->comm, job->pool, tarn_blocks(job->x->rows), n, sum_labels, &s, sum, err));
    for (int32_t k = 0; k < l->outputs; k++) TARN_TRY(base_of(l, sum, k, &base[k], err));
done:
    tarn_free(sum);
    return rc;
}

/* ---- loss ---- */

static double value_loss(const tarn_loss *l, double score, double y)
{
    double off = score - y, size = fabs(off), p = l->power;

    switch (l->kind) {
    case TARN_LOSS_ABSOLUTE: return size;
    case TARN_LOSS_HUBER: return size <= l->delta ? off * off / 2 : l->delta * (size - l->delta / 2);
    case TARN_LOSS_QUANTILE: return off < 0 ? -l->level * off : (1 - l->level) * off;
    case TARN_LOSS_POISSON: return tarn_exp(score) - y * score;
    case TARN_LOSS_GAMMA: return y * tarn_exp(-score) + score;
    case TARN_LOSS_TWEEDIE: return tarn_exp((2 - p) * score) / (2 - p) - y * tarn_exp((1 - p) * score) / (1 - p);
    default: return off * off;
    }
}

static double row_loss(const tarn_loss *l, const double *score, int64_t stride, double y)
{
    if (l->classes == 0) return value_loss(l, score[0], y);
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

/* g is w times a mark whose square is on average the h of weight 1 (times (K-1)/K), or what the loss says. */
static tarn_code sum_noise(void *arg, int64_t block, int worker, double *sum, tarn_err *err)
{
    const summing *s = arg;
    int64_t at = block * TARN_BLOCK_ROWS, n = block_rows(s->x->rows, block);
    bool known = s->loss->classes > 0;

    (void)worker, (void)err;
    for (int64_t i = at; i < at + n; i++) {
        double w = s->x->weight ? s->x->weight[i] : 1, g = 1, h = 1;
        if (s->g) g = s->g[i], h = s->h[i];
        else if (!known) tarn_loss_rows(s->loss, s->x, s->score, i, 1, &g, &h);
        sum[0] += w * h;
        sum[1] += w * g * (w * g);
    }
    return TARN_OK;
}

tarn_code tarn_loss_noise(const tarn_loss *l, const tarn_fit *job, const double *score, const double *g,
                          const double *h, double *noise, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    summing s = {.loss = l, .x = job->x, .score = score, .g = g, .h = h};
    double sum[2] = {0};

    TARN_TRY(tarn_comm_sum_blocks(job->comm, job->pool, tarn_blocks(job->x->rows), 2, sum_noise, &s, sum, err));
    *noise = sum[0] > 0 ? sum[1] / sum[0] : 0;
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

/* ---- rounding ---- */

/* Whole steps: x scaled, plus a fraction in [0, 1), rounded down; within -most .. most, which is below 2^31. */
static inline __m256i steps4(__m256d x, double scale, __m256d dither, int64_t most)
{
    __m256d top = _mm256_set1_pd((double)most);
    __m256d q = _mm256_floor_pd(_mm256_mul_pd(x, _mm256_set1_pd(scale)) + dither);

    q = _mm256_max_pd(_mm256_min_pd(q, top), -top);
    return _mm256_cvtepi32_epi64(_mm256_cvttpd_epi32(q));
}

/* (d + turn) mod 2^16, as a fraction. */
static inline __m256d fraction4(__m128i d, uint16_t turn)
{
    __m128i turned = _mm_and_si128(_mm_add_epi32(d, _mm_set1_epi32(turn)), _mm_set1_epi32(65535));

    return (_mm256_cvtepi32_pd(turned) + 0.5) * 0x1p-16;
}

static inline __m256i pack4(const tarn_rounding *r, int64_t at, __m256d g, __m256d h)
{
    const tarn_pack *p = &r->pack;
    __m128i d = _mm_cvtepu16_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(r->dither + at)));
    __m256i gs = steps4(g, r->g_scale, fraction4(d, r->turn_g), p->g_most);
    __m256i hs = steps4(h, r->h_scale, fraction4(d, r->turn_h), p->h_most);
    __m256i one = _mm256_set1_epi64x(1);

    gs = _mm256_slli_epi64(gs, p->g_shift);
    hs = p->g_shift > p->h_shift ? _mm256_slli_epi64(hs, p->h_shift) : _mm256_setzero_si256();
    return _mm256_add_epi64(_mm256_add_epi64(gs, hs), one);
}

/* Rows at .. at + n - 1, n <= TILE, with g and h (TILE); the dither may be read three places behind. */
static void pack_tile(const tarn_rounding *r, const uint8_t *share, int64_t at, int64_t n, const double *g,
                      const double *h, int64_t *packed)
{
    int64_t four[4], i = 0;

    for (; i < n; i += 4) {
        __m256i v = pack4(r, at + i, _mm256_loadu_pd(g + i), _mm256_loadu_pd(h + i));
        if (i + 4 <= n) _mm256_storeu_si256((__m256i *)(void *)(packed + i), v);
        else _mm256_storeu_si256((__m256i *)(void *)four, v);
    }
    for (int64_t k = n & ~INT64_C(3); k < n; k++) packed[k] = four[k & 3];
    for (int64_t k = 0; share && k < n; k++)
        if (!share[at + k]) packed[k] = 0;
}

/* The same of any number of rows, times their weights. */
void tarn_loss_pack_rows(const tarn_matrix *x, const tarn_rounding *r, const uint8_t *share, int64_t at, int64_t n,
                         const double *g, const double *h, int64_t *packed)
{
    double tile_g[TILE] = {0}, tile_h[TILE] = {0};

    for (int64_t from = at, some; from < at + n; from += some, g += some, h += some) {
        some = at + n - from < TILE ? at + n - from : TILE;
        for (int64_t i = 0; i < some; i++) {
            double w = x->weight ? x->weight[from + i] : 1;
            tile_g[i] = w * g[i];
            tile_h[i] = w * h[i];
        }
        pack_tile(r, share, from, some, tile_g, tile_h, packed + from);
    }
}

/* Class k with probabilities p (n). */
static void pack_class(const tarn_loss *l, const tarn_matrix *x, const tarn_rounding *r, const uint8_t *share,
                       int64_t at, int64_t n, int32_t k, const double *p, int64_t *packed)
{
    double h_factor = l->classes > 2 ? (double)l->classes / (double)(l->classes - 1) : 1, the_class = k;
    double tile_g[TILE] = {0}, tile_h[TILE] = {0};

    if (l->classes == 2) the_class = 1;
    for (int64_t from = at, some; from < at + n; from += some, p += some) {
        some = at + n - from < TILE ? at + n - from : TILE;
        for (int64_t i = 0; i < some; i++) {
            double w = x->weight ? x->weight[from + i] : 1, hit = x->y[from + i] == the_class;
            tile_g[i] = w * (p[i] - hit);
            tile_h[i] = w * h_factor * p[i] * (1 - p[i]);
        }
        pack_tile(r, share, from, some, tile_g, tile_h, packed + from);
    }
}

static double pack_residuals(const tarn_matrix *x, const tarn_rounding *r, const uint8_t *share, const double *score,
                             int64_t at, int64_t n, int64_t *packed)
{
    double most = 0, tile_g[TILE] = {0}, tile_h[TILE] = {0};

    for (int64_t from = at, some; from < at + n; from += some) {
        some = at + n - from < TILE ? at + n - from : TILE;
        for (int64_t i = 0; i < some; i++) {
            double residual = score[from + i] - x->y[from + i];
            tile_h[i] = x->weight ? x->weight[from + i] : 1;
            tile_g[i] = tile_h[i] * residual;
            most = fabs(residual) > most ? fabs(residual) : most;
        }
        pack_tile(r, share, from, some, tile_g, tile_h, packed + from);
    }
    return most;
}

/* With F in g, the objectives whose scores are logs. */
static void log_rows(const tarn_loss *l, const double *y, int64_t n, double *g, double *h)
{
    double p = l->power;

    for (int64_t i = 0; i < n; i++) g[i] = g[i] < 80 ? g[i] : 80; /* e^80: far beyond any count, far from overflow */
    for (int64_t i = 0; i < n && l->kind == TARN_LOSS_TWEEDIE; i++) {
        double one = y[i] * tarn_exp((1 - p) * g[i]), two = tarn_exp((2 - p) * g[i]);
        g[i] = two - one;
        h[i] = (2 - p) * two - (1 - p) * one;
    }
    if (l->kind == TARN_LOSS_TWEEDIE) return;
    for (int64_t i = 0; i < n && l->kind == TARN_LOSS_GAMMA; i++) g[i] = g[i] > -80 ? -g[i] : 80;
    tarn_exp_n((size_t)n, g, h);
    for (int64_t i = 0; i < n; i++) {
        if (l->kind == TARN_LOSS_POISSON) {
            g[i] = h[i] - y[i];
            h[i] *= POISSON_CAUTION;
        } else {
            h[i] *= y[i];
            g[i] = 1 - h[i];
        }
    }
}

void tarn_loss_rows(const tarn_loss *l, const tarn_matrix *x, const double *score, int64_t at, int64_t n, double *g,
                    double *h)
{
    const double *y = x->y + at;

    if (tarn_loss_has_log_link(l)) {
        memcpy(g, score + at, (size_t)n * sizeof *g);
        log_rows(l, y, n, g, h);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        double off = score[at + i] - y[i];
        h[i] = 1;
        if (l->kind == TARN_LOSS_ABSOLUTE) off = off > 0 ? 1 : off < 0 ? -1 : 0;
        if (l->kind == TARN_LOSS_QUANTILE) off = off < 0 ? -l->level : 1 - l->level;
        if (l->kind == TARN_LOSS_HUBER) off = off > l->delta ? l->delta : off < -l->delta ? -l->delta : off;
        g[i] = off;
    }
}

double tarn_loss_pack(const tarn_loss *l, const tarn_matrix *x, const tarn_rounding *r, const double *score,
                      const uint8_t *share, int64_t at, int64_t n, double *scratch, int64_t *packed)
{
    if (l->kind == TARN_LOSS_SQUARED) return pack_residuals(x, r, share, score, at, n, packed);
    if (l->classes == 0) {
        tarn_loss_rows(l, x, score, at, n, scratch, scratch + n);
        tarn_loss_pack_rows(x, r, share, at, n, scratch, scratch + n, packed);
        return 0;
    }
    if (l->classes == 2) tarn_sigmoid_n((size_t)n, score + at, scratch);
    else softmax(l, score + at, x->rows, n, scratch, scratch + (int64_t)l->outputs * n);
    for (int32_t k = 0; k < l->outputs; k++)
        pack_class(l, x, r, share, at, n, k, scratch + k * n, packed + (int64_t)k * x->rows);
    return 0;
}
