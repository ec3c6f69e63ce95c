/* SPDX-License-Identifier: Apache-2.0 */
/* sgd_learn.c - one row after the other. See sgd_parts.h.
 *
 * Adaptive: with a_j = x_j / N_j, z = sum_j a_j v_j; each coefficient has a rate of its own, eta m / sqrt(G_j), where m
 * is 1 / the root of the mean of sum_j a_j^2, so that long rows do not step further than short ones. Plain: a_j = x_j,
 * one rate for all. Source: Duchi, Hazan, Singer, J. Mach. Learn. Res. 12, 2011 (adaptive); Ross, Mineiro, Langford,
 * UAI 2013 (normalised); as Vowpal Wabbit joins them.
 *
 * Kernels have 8 lanes: over outputs when there are several, else over dense columns; sums over lanes are made in one
 * fixed order. Square roots and divisions are IEEE's, so every machine gets the same bits.
 */
#include "math/elementary.h"
#include "train/algos/sgd_parts.h"

#include <immintrin.h>
#include <math.h>

static const float least_most = 1e-30f, least_square = 1e-30f;

static bool is_adaptive(const sgd_learner *s) { return s->set->learning_rate == SGD_ADAPTIVE; }

static double sum_lanes(__m256 x)
{
    float lane[SGD_LANES];

    _mm256_storeu_ps(lane, x);
    double a = (double)lane[0] + (double)lane[4], b = (double)lane[1] + (double)lane[5];
    double c = (double)lane[2] + (double)lane[6], d = (double)lane[3] + (double)lane[7];
    return (a + c) + (b + d);
}

/* The rate for all coefficients, before their own. */
static double rate_of(const sgd_learner *s)
{
    const sgd_params *p = s->set;
    const sgd_head *h = s->head;
    double t = h->steps;

    switch (p->learning_rate) {
    case SGD_ADAPTIVE: return h->norms > 0 ? p->eta0 * sqrt(h->weight / h->norms) : p->eta0;
    case SGD_OPTIMAL: return 1 / (p->alpha * (1 / (p->alpha * p->eta0) + t));
    case SGD_INVSCALING: return p->power_t == 0.5 ? p->eta0 / sqrt(t) : p->eta0 * tarn_exp(-p->power_t * tarn_log(t));
    default: return p->eta0;
    }
}

/* x / N, where N may grow; plain: x. */
static float normal(const sgd_learner *s, float *most, float x)
{
    float size = fabsf(x);

    if (!is_adaptive(s)) return x;
    if (size > *most) *most = size;
    return *most > least_most ? x / *most : 0;
}

/* ---- one output ---- */

static float *v_one(const sgd_learner *s, size_t j) { return s->coef + 2 * s->padded + 2 * j; }

/* a (padded): numbers as they count; returns their part of z, *squares the sum of their squares. */
static double one_dense(const sgd_learner *s, const float *x, bool grow, float *a, double *squares)
{
    __m256 sum = _mm256_setzero_ps(), square = sum, sign = _mm256_set1_ps(-0.0f), least = _mm256_set1_ps(least_most);

    for (size_t j = 0; j < s->padded; j += SGD_LANES) {
        __m256 v = _mm256_loadu_ps(x + j);
        if (is_adaptive(s)) {
            __m256 most = _mm256_max_ps(_mm256_loadu_ps(s->most + j), _mm256_andnot_ps(sign, v));
            if (grow) _mm256_storeu_ps(s->most + j, most);
            v = _mm256_div_ps(v, _mm256_max_ps(most, least));
        }
        _mm256_storeu_ps(a + j, v);
        sum = _mm256_fmadd_ps(v, _mm256_loadu_ps(s->coef + j), sum);
        square = _mm256_fmadd_ps(v, v, square);
    }
    *squares = sum_lanes(square);
    return sum_lanes(sum);
}

/* G grows by gg a^2; step becomes a / sqrt(G); returns sum of a * step. */
static double rates_dense(sgd_learner *s, float gg, float *step)
{
    __m256 reach = _mm256_setzero_ps(), least = _mm256_set1_ps(least_square), g2 = _mm256_set1_ps(gg);
    float *square = s->coef + s->padded;

    for (size_t j = 0; j < s->padded; j += SGD_LANES) {
        __m256 a = _mm256_loadu_ps(step + j);
        __m256 g = _mm256_fmadd_ps(g2, _mm256_mul_ps(a, a), _mm256_loadu_ps(square + j));
        _mm256_storeu_ps(square + j, g);
        __m256 r = _mm256_div_ps(a, _mm256_sqrt_ps(_mm256_max_ps(g, least)));
        _mm256_storeu_ps(step + j, r);
        reach = _mm256_fmadd_ps(r, a, reach);
    }
    return sum_lanes(reach);
}

static void move_dense(sgd_learner *s, float by, const float *step)
{
    __m256 b = _mm256_set1_ps(by);

    for (size_t j = 0; j < s->padded; j += SGD_LANES)
        _mm256_storeu_ps(s->coef + j, _mm256_fmadd_ps(b, _mm256_loadu_ps(step + j), _mm256_loadu_ps(s->coef + j)));
}

static float rate_sparse(float *square, float gg, float a)
{
    *square = fmaf(gg, a * a, *square);
    return a / sqrtf(*square > least_square ? *square : least_square);
}

static void learn_one(sgd_learner *s, const sgd_row *row)
{
    float *step = s->step, *sparse = step + s->padded;
    double squares, z = one_dense(s, row->dense, true, step, &squares), rows = 0, reach = 0;
    float dot = 0;

    for (size_t e = 0; e < row->entries; e++) {
        size_t j = (size_t)row->index[e];
        float a = normal(s, &s->most[s->padded + j], row->value[e]);
        sparse[e] = a;
        dot = fmaf(a, v_one(s, j)[0], dot);
        rows += (double)(a * a);
    }
    z += (double)dot;
    squares += rows;
    s->head->weight += row->weight;
    s->head->norms += row->weight * squares;
    s->head->steps++;
    s->loss_sum += row->weight * sgd_gradient(s, &z, row->y, s->g, s->z);
    double g = s->g[0], rate = rate_of(s) * row->weight;
    if (g == 0) return;
    if (is_adaptive(s)) {
        float gg = (float)(row->weight * g * g);
        reach = rates_dense(s, gg, step);
        for (size_t e = 0; e < row->entries; e++) {
            float a = sparse[e];
            sparse[e] = rate_sparse(&v_one(s, (size_t)row->index[e])[1], gg, a);
            reach += (double)(a * sparse[e]);
        }
    } else reach = squares;
    double y = s->job->x->classes > 0 ? 0 : row->y;
    float by = (float)(-rate * g * sgd_damping(s, z, y, g, rate, reach));
    move_dense(s, by, step);
    for (size_t e = 0; e < row->entries; e++) {
        float *v = v_one(s, (size_t)row->index[e]);
        v[0] = fmaf(by, sparse[e], v[0]);
    }
}

/* ---- several outputs ---- */

static float *v_many(const sgd_learner *s, size_t j) { return s->coef + 2 * s->wide * j; }

/* Number e of a row: dense ones first. Returns its column, *x. */
static size_t entry(const sgd_learner *s, const sgd_row *row, size_t e, float *x)
{
    if (e <= s->dense) {
        *x = row->dense[e];
        return e;
    }
    *x = row->value[e - s->dense - 1];
    return s->padded + (size_t)row->index[e - s->dense - 1];
}

static void add_to_z(const sgd_learner *s, const float *v, float a, float *z)
{
    __m256 x = _mm256_set1_ps(a);

    for (size_t c = 0; c < s->wide; c += SGD_LANES)
        _mm256_storeu_ps(z + c, _mm256_fmadd_ps(x, _mm256_loadu_ps(v + c), _mm256_loadu_ps(z + c)));
}

/* As rates_dense, of one column for all outputs: step (wide), added to reach (wide). */
static void rates_many(const sgd_learner *s, float *square, const float *gg, float a, float *step, float *reach)
{
    __m256 x = _mm256_set1_ps(a), xx = _mm256_mul_ps(x, x), least = _mm256_set1_ps(least_square);

    for (size_t c = 0; c < s->wide; c += SGD_LANES) {
        __m256 g = _mm256_fmadd_ps(_mm256_loadu_ps(gg + c), xx, _mm256_loadu_ps(square + c));
        _mm256_storeu_ps(square + c, g);
        __m256 r = _mm256_div_ps(x, _mm256_sqrt_ps(_mm256_max_ps(g, least)));
        _mm256_storeu_ps(step + c, r);
        _mm256_storeu_ps(reach + c, _mm256_fmadd_ps(r, x, _mm256_loadu_ps(reach + c)));
    }
}

static void move_many(const sgd_learner *s, float *v, const float *by, const float *step)
{
    for (size_t c = 0; c < s->wide; c += SGD_LANES)
        _mm256_storeu_ps(v + c,
                         _mm256_fmadd_ps(_mm256_loadu_ps(by + c), _mm256_loadu_ps(step + c), _mm256_loadu_ps(v + c)));
}

static void step_many(sgd_learner *s, const sgd_row *row, size_t n, const float *a, double squares)
{
    float *gg = s->wide_z + s->wide, *reach = gg + s->wide, *by = reach + s->wide, *step = s->step + n;
    double rate = rate_of(s) * row->weight;
    float x;

    for (size_t c = 0; c < s->k; c++) {
        gg[c] = (float)(row->weight * s->g[c] * s->g[c]);
        reach[c] = is_adaptive(s) ? 0 : (float)squares;
    }
    for (size_t e = 0; e < n; e++) {
        size_t j = entry(s, row, e, &x);
        if (is_adaptive(s)) rates_many(s, v_many(s, j) + s->wide, gg, a[e], step + e * s->wide, reach);
        else
            for (size_t c = 0; c < s->wide; c++) step[e * s->wide + c] = a[e];
    }
    for (size_t c = 0; c < s->k; c++)
        by[c] = (float)(-rate * s->g[c] * sgd_damping(s, s->z[c], 0, s->g[c], rate, (double)reach[c]));
    for (size_t e = 0; e < n; e++) move_many(s, v_many(s, entry(s, row, e, &x)), by, step + e * s->wide);
}

static void learn_many(sgd_learner *s, const sgd_row *row)
{
    size_t n = s->dense + 1 + row->entries;
    float *a = s->step, *z = s->wide_z, x;
    double squares = 0;

    for (size_t c = 0; c < s->wide; c++) z[c] = 0;
    for (size_t e = 0; e < n; e++) {
        size_t j = entry(s, row, e, &x);
        a[e] = normal(s, &s->most[j], x);
        squares += (double)(a[e] * a[e]);
        add_to_z(s, v_many(s, j), a[e], z);
    }
    for (size_t c = 0; c < s->k; c++) s->z[c] = (double)z[c];
    s->head->weight += row->weight;
    s->head->norms += row->weight * squares;
    s->head->steps++;
    s->loss_sum += row->weight * sgd_gradient(s, s->z, row->y, s->g, s->y);
    step_many(s, row, n, a, squares);
}

void sgd_learn(sgd_learner *s, const sgd_row *row)
{
    s->weight_sum += row->weight;
    if (s->k == 1) learn_one(s, row);
    else learn_many(s, row);
}

/* ---- saying ---- */

void sgd_predict(const sgd_learner *s, const sgd_row *row, double *z)
{
    size_t n = s->dense + 1 + row->entries;
    double squares;
    float x;

    if (s->k == 1) {
        float dot = 0;
        z[0] = one_dense(s, row->dense, false, s->step, &squares);
        for (size_t e = 0; e < row->entries; e++) {
            size_t j = (size_t)row->index[e];
            float most = s->most[s->padded + j], size = fabsf(row->value[e]);
            dot = fmaf(normal(s, &(float){most > size ? most : size}, row->value[e]), v_one(s, j)[0], dot);
        }
        z[0] += (double)dot;
        return;
    }
    for (size_t c = 0; c < s->wide; c++) s->wide_z[c] = 0;
    for (size_t e = 0; e < n; e++) {
        size_t j = entry(s, row, e, &x);
        float most = s->most[j];
        add_to_z(s, v_many(s, j), normal(s, &most, x), s->wide_z);
    }
    for (size_t c = 0; c < s->k; c++) z[c] = (double)s->wide_z[c];
}

/* ---- averages ---- */

static float *v_of(const sgd_learner *s, size_t j)
{
    if (s->k > 1) return v_many(s, j);
    return j < s->padded ? s->coef + j : v_one(s, j - s->padded);
}

void sgd_average(sgd_learner *s)
{
    float share = (float)(1 / ++s->head->averaged);

    for (size_t j = 0; j < s->padded + s->sparse; j++) {
        const float *v = v_of(s, j);
        float *mean = s->mean_coef + j * s->wide;
        for (size_t c = 0; c < s->wide; c++) mean[c] = fmaf(v[c] - mean[c], share, mean[c]);
    }
}

void sgd_swap_average(sgd_learner *s)
{
    for (size_t j = 0; s->head->averaged > 0 && j < s->padded + s->sparse; j++) {
        float *v = v_of(s, j), *mean = s->mean_coef + j * s->wide;
        for (size_t c = 0; c < s->wide; c++) {
            float old = v[c];
            v[c] = mean[c];
            mean[c] = old;
        }
    }
}

/* ---- penalty ---- */

static float shrunk(float v, float square, bool adaptive, double l2, double l1)
{
    double own = adaptive ? 1 / sqrt((double)(square > least_square ? square : least_square)) : 1;

    if (v == 0) return 0;
    double x = (double)v / (1 + l2 * own), less = l1 * own;
    return (float)(x > less ? x - less : x < -less ? x + less : 0);
}

void sgd_shrink(sgd_learner *s, double rows)
{
    const sgd_params *p = s->set;
    double share = p->penalty == SGD_L1 ? 1 : p->penalty == SGD_ELASTICNET ? p->l1_ratio : 0;
    double rate = rate_of(s) * rows * p->alpha, l1 = rate * share, l2 = rate * (1 - share);
    bool adaptive = is_adaptive(s);

    if (p->penalty == SGD_NONE || rate == 0) return;
    for (size_t j = 0; j < s->padded + s->sparse; j++) {
        if (j >= s->dense && j < s->padded) continue; /* the constant, and what pads */
        if (s->k > 1) {
            float *v = v_many(s, j);
            for (size_t c = 0; c < s->k; c++) v[c] = shrunk(v[c], v[s->wide + c], adaptive, l2, l1);
        } else if (j < s->padded) s->coef[j] = shrunk(s->coef[j], s->coef[s->padded + j], adaptive, l2, l1);
        else {
            float *v = v_one(s, j - s->padded);
            v[0] = shrunk(v[0], v[1], adaptive, l2, l1);
        }
    }
}
