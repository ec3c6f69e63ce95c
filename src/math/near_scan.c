/* SPDX-License-Identifier: Apache-2.0 */
/* near_scan.c - all stored rows against a tile of rows. See near.h.
 *
 * Symbols: q a row asked about, x a stored one, u = 2^-24. For Euclidean distances |q - x|^2 <= limit means
 * |x|^2 - 2 q'x <= limit - |q|^2, for the cosine distance - q'x / |x| <= (limit - 1) |q|. The left side is worked out
 * in float, where it is off by no more than u (2 d + 12) |q| |x| + 3 u |x|^2 (rounding of q, of x, of d + 2
 * operations); this is doubled and added to the right side. What is not above that is measured exactly.
 *
 * Method: stored rows in blocks of BLOCK, columns in parts of PART, 48 asked rows on the wide side. In the first block
 * the k that look best are measured first, so that there is a limit for the others.
 * Metrics that are no products are measured one by one, leaving off where the limit is passed. */
#include "base/cpu.h"
#include "math/near.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

enum { TILE = TARN_NEAR_TILE, BLOCK = 192, PART = 48, MOST_STEP = 8, MOST_SEEDS = 32 };

#define VEC   __m256
#define LANES 8
#define STEP  2
#define TARGET
#define FN(name) name##_8
#define LOAD     _mm256_loadu_ps
#define STORE    _mm256_storeu_ps
#define ALL      _mm256_set1_ps
#define FMA      _mm256_fmadd_ps
#include "math/near_body.def"

#define VEC      __m512
#define LANES    16
#define STEP     8
#define TARGET   TARN_AVX512
#define FN(name) name##_16
#define LOAD     _mm512_loadu_ps
#define STORE    _mm512_storeu_ps
#define ALL      _mm512_set1_ps
#define FMA      _mm512_fmadd_ps
#include "math/near_body.def"

typedef struct scan {
    const tarn_near *s;
    const tarn_asked *q;
    size_t count, width; /* asked rows; the same up to a multiple of 16 */
    tarn_best *best;
    float limit[TILE];
    double square[TILE], error[TILE]; /* |q|^2, and what is added to the right side */
    uint64_t done[BLOCK];             /* of the first block: bit i, measured for asked row i */
} scan;

static float as_float(double x) { return x > -1e30 ? (x < 1e30 ? (float)x : 1e30f) : -1e30f; }

/* Columns from .. from + n - 1 of the asked rows. */
static void pack(const scan *c, size_t from, size_t n, float *tile)
{
    for (size_t j = 0; j < n; j++, tile += TILE) {
        const double *x = c->q->values + (c->q->column ? c->q->column[from + j] : from + j) * c->q->stride;
        for (size_t i = 0; i < c->count; i++) tile[i] = as_float(x[i]);
        for (size_t i = c->count; i < c->width; i++) tile[i] = 0;
    }
}

static void set_limit(scan *c, size_t i)
{
    double limit = tarn_best_limit(&c->best[i]), right;

    if (c->s->metric == TARN_METRIC_COSINE) right = (limit - 1) * sqrt(c->square[i]) + c->error[i];
    else right = limit - c->square[i] + c->error[i];
    c->limit[i] = isfinite(limit) ? (float)(right + fabs(right) * 0x1p-22 + 1e-37) : INFINITY;
}

static void begin(scan *c)
{
    double most = (double)c->s->most, d = (double)c->s->d;

    memset(c->square, 0, sizeof c->square);
    for (size_t j = 0; j < c->s->d; j++) {
        const double *x = c->q->values + (c->q->column ? c->q->column[j] : j) * c->q->stride;
        for (size_t i = 0; i < c->count; i++) {
            double v = x[i] > -1e150 ? (x[i] < 1e150 ? x[i] : 1e150) : -1e150;
            c->square[i] = fma(v, v, c->square[i]);
        }
    }
    for (size_t i = 0; i < TILE; i++) {
        double size = sqrt(c->square[i]);
        if (c->s->metric == TARN_METRIC_COSINE) c->error[i] = 0x1p-23 * (2 * d + 16) * size;
        else c->error[i] = 0x1p-23 * ((2 * d + 12) * size * most + 3 * most * most) + 0x1p-44 * d * c->square[i];
        if (!(size < 1e15)) c->error[i] = INFINITY; /* what as_float cut off is not accounted for */
        c->limit[i] = i < c->count ? INFINITY : -INFINITY;
    }
}

/* Products of stored rows first .. first + rows - 1 with all asked rows: sum (rows, TILE). */
static void multiply(const scan *c, size_t first, size_t rows, float *sum)
{
    float tile[PART * TILE], spare[MOST_STEP * PART];
    size_t d = c->s->d, step = tarn_cpu_avx512() ? 8 : 2, whole = c->s->narrow ? rows / step * step : 0;
    size_t ahead = c->s->rows - first >= 2 * BLOCK ? BLOCK * d : 0;

    memset(sum, 0, (rows + MOST_STEP) / MOST_STEP * MOST_STEP * TILE * sizeof *sum);
    for (size_t from = 0; from < d; from += PART) {
        size_t n = d - from < PART ? d - from : PART;
        pack(c, from, n, tile);
        if (whole > 0 && step == 8) dots_16(n, tile, c->width, whole, c->s->narrow + first * d + from, d, ahead, sum);
        else if (whole > 0) dots_8(n, tile, c->width, whole, c->s->narrow + first * d + from, d, ahead, sum);
        for (size_t r = whole; r < rows; r += step) { /* doubles, and the last few */
            for (size_t k = 0; k < step; k++)
                for (size_t j = 0; j < n; j++) {
                    size_t at = (first + (r + k < rows ? r + k : rows - 1)) * d + from + j;
                    spare[k * PART + j] = c->s->narrow ? c->s->narrow[at] : as_float(c->s->wide[at]);
                }
            if (step == 8) dots_16(n, tile, c->width, step, spare, PART, 0, sum + r * TILE);
            else dots_8(n, tile, c->width, step, spare, PART, 0, sum + r * TILE);
        }
    }
}

/* Products become what is compared with the limits. */
static void finish(const scan *c, size_t first, size_t rows, float *sum)
{
    bool cosine = c->s->metric == TARN_METRIC_COSINE;

    for (size_t r = 0; r < rows; r++) {
        float norm = c->s->norm[first + r], slope = cosine ? -norm : -2, start = cosine ? 0 : norm;
        for (size_t i = 0; i < c->width; i++) sum[r * TILE + i] = fmaf(slope, sum[r * TILE + i], start);
    }
}

static void measure(scan *c, size_t i, size_t row)
{
    double distance = tarn_near_distance(c->s, c->q, i, row, tarn_best_limit(&c->best[i]));

    tarn_best_add(&c->best[i], distance, (uint32_t)row);
    set_limit(c, i);
}

/* In the first block: measure the k that look best. */
static void seed(scan *c, size_t i, size_t rows, float *sum)
{
    size_t k = c->best[i].k < rows ? c->best[i].k : rows;

    for (size_t n = 0; n < k && k <= MOST_SEEDS; n++) {
        size_t least = 0;
        for (size_t r = 1; r < rows; r++)
            if (sum[r * TILE + i] < sum[least * TILE + i]) least = r;
        if (!(sum[least * TILE + i] < INFINITY)) return;
        measure(c, i, least);
        c->done[least] |= UINT64_C(1) << i;
        sum[least * TILE + i] = INFINITY;
    }
}

/* Which of 8 are not above their limits (or not numbers). */
static int not_above(const float *x, const float *limit)
{
    return _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(x), _mm256_loadu_ps(limit), _CMP_NGT_UQ));
}

static void look(scan *c, size_t first, size_t rows, const float *sum)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < c->width; i += 8)
            for (int mask = not_above(sum + r * TILE + i, c->limit + i); mask; mask &= mask - 1) {
                size_t at = i + (size_t)__builtin_ctz((unsigned)mask);
                if (at >= c->count) break;
                if (first == 0 && c->done[r] >> at & 1) continue;
                if (!(sum[r * TILE + at] > c->limit[at])) measure(c, at, first + r);
            }
}

static void scan_tile(scan *c)
{
    float sum[(BLOCK + MOST_STEP) * TILE];

    begin(c);
    for (size_t first = 0; first < c->s->rows; first += BLOCK) {
        size_t rows = c->s->rows - first < BLOCK ? c->s->rows - first : BLOCK;
        multiply(c, first, rows, sum);
        finish(c, first, rows, sum);
        for (size_t i = 0; first == 0 && i < c->count; i++) seed(c, i, rows, sum);
        look(c, first, rows, sum);
    }
}

static void scan_one(const tarn_near *s, const tarn_asked *q, size_t i, tarn_best *best)
{
    enum { KEPT = 2048 };
    double values[KEPT];
    tarn_asked own = {.values = values, .stride = 1};

    if (s->d <= KEPT) {
        for (size_t j = 0; j < s->d; j++) values[j] = q->values[(q->column ? q->column[j] : j) * q->stride + i];
        q = &own;
        i = 0;
    }
    for (size_t row = 0; row < s->rows; row++)
        tarn_best_add(best, tarn_near_distance(s, q, i, row, tarn_best_limit(best)), (uint32_t)row);
}

void tarn_near_scan(const tarn_near *s, const tarn_asked *q, size_t count, tarn_best *best)
{
    bool products = s->metric == TARN_METRIC_EUCLIDEAN || s->metric == TARN_METRIC_COSINE;

    for (size_t i = 0; i < count;) {
        tarn_asked some = *q;
        scan c = {.s = s, .q = &some, .best = best + i};
        c.count = count - i < TILE ? count - i : TILE;
        c.width = (c.count + 15) / 16 * 16;
        some.values += i;
        if (products) scan_tile(&c);
        else
            for (size_t k = 0; k < c.count; k++) scan_one(s, &some, k, &best[i + k]);
        i += c.count;
    }
}
