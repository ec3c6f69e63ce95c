/* SPDX-License-Identifier: Apache-2.0 */
/* near.c - exact distances and lists of the nearest. See near.h; near_scan.c goes through many rows.
 *
 * A sum over columns has 8 lanes, column j in lane j % 8; lanes are added as ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)).
 * Rounding never turns a larger sum of terms >= 0 into a smaller one, so a part of the columns bounds the whole. */
#include "math/near.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

enum { CHUNK = 64 };

static bool before(const tarn_hit *a, const tarn_hit *b)
{
    return a->distance < b->distance || (a->distance == b->distance && a->row < b->row);
}

/* hit[at] may be better than those below it: let it sink. */
static void sink(tarn_hit *hit, size_t n, size_t at)
{
    tarn_hit h = hit[at];

    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= n) break;
        if (child + 1 < n && before(&hit[child], &hit[child + 1])) child++;
        if (!before(&h, &hit[child])) break;
        hit[at] = hit[child];
        at = child;
    }
    hit[at] = h;
}

void tarn_best_add(tarn_best *b, double distance, uint32_t row)
{
    tarn_hit h = {.distance = distance, .row = row};

    if (b->n < b->k) {
        size_t at = b->n++;
        for (; at > 0 && before(&b->hit[(at - 1) / 2], &h); at = (at - 1) / 2) b->hit[at] = b->hit[(at - 1) / 2];
        b->hit[at] = h;
    } else if (before(&h, &b->hit[0])) {
        b->hit[0] = h;
        sink(b->hit, b->n, 0);
    }
}

void tarn_best_sort(tarn_best *b)
{
    for (size_t n = b->n; n > 1; n--) {
        tarn_hit worst = b->hit[0];
        b->hit[0] = b->hit[n - 1];
        b->hit[n - 1] = worst;
        sink(b->hit, n - 1, 0);
    }
}

double tarn_near_length(tarn_metric metric, double distance)
{
    return metric == TARN_METRIC_EUCLIDEAN ? sqrt(distance) : distance;
}

static double clean(double x) { return x > -1e150 ? (x < 1e150 ? x : 1e150) : -1e150; }

void tarn_near_fetch(const tarn_asked *q, size_t i, size_t d, double *out)
{
    for (size_t j = 0; j < d; j++) out[j] = clean(q->values[(q->column ? q->column[j] : j) * q->stride + i]);
}

/* A whole chunk of values that lie side by side, as clean() takes them. */
static void take_beside(const double *from, double out[CHUNK])
{
    const __m256d most = _mm256_set1_pd(1e150), least = _mm256_set1_pd(-1e150);

    for (size_t j = 0; j < CHUNK; j += 4) /* of a NaN and another, max is the other if that stands second */
        _mm256_storeu_pd(out + j, _mm256_min_pd(_mm256_max_pd(_mm256_loadu_pd(from + j), least), most));
}

/* Columns of a part as they are gone through, eight at a time; those that are not there are 0. */
static size_t by_eight(size_t n) { return (n + 7) / 8 * 8; }

/* Columns at .. of row i asked about, filled up with 0. */
static void take_asked(const tarn_asked *q, size_t i, size_t at, size_t n, double out[CHUNK])
{
    if (n == CHUNK && !q->column && q->stride == 1) {
        take_beside(q->values + at + i, out);
        return;
    }
    for (size_t j = 0; j < n; j++) out[j] = clean(q->values[(q->column ? q->column[at + j] : at + j) * q->stride + i]);
    for (size_t j = n; j < by_eight(n); j++) out[j] = 0;
}

static void take_stored(const tarn_near *s, size_t row, size_t at, size_t n, double out[CHUNK])
{
    if (s->wide) memcpy(out, s->wide + row * s->d + at, n * sizeof *out);
    else if (n == CHUNK)
        for (size_t j = 0; j < CHUNK; j += 4)
            _mm256_storeu_pd(out + j, _mm256_cvtps_pd(_mm_loadu_ps(s->narrow + row * s->d + at + j)));
    else
        for (size_t j = 0; j < n; j++) out[j] = (double)s->narrow[row * s->d + at + j];
    for (size_t j = n; j < by_eight(n); j++) out[j] = 0;
}

static double add_lanes(__m256d a, __m256d b)
{
    double l[8];

    _mm256_storeu_pd(l, a);
    _mm256_storeu_pd(l + 4, b);
    return ((l[0] + l[1]) + (l[2] + l[3])) + ((l[4] + l[5]) + (l[6] + l[7]));
}

/* Two times four lanes, and what a chunk adds to them. */
typedef struct sums {
    __m256d a, b;
} sums;

static void add_squares(sums *s, size_t n, const double *x, const double *y)
{
    for (size_t j = 0; j < n; j += 8) {
        __m256d d = _mm256_sub_pd(_mm256_loadu_pd(x + j), _mm256_loadu_pd(y + j));
        __m256d e = _mm256_sub_pd(_mm256_loadu_pd(x + j + 4), _mm256_loadu_pd(y + j + 4));
        s->a = _mm256_fmadd_pd(d, d, s->a);
        s->b = _mm256_fmadd_pd(e, e, s->b);
    }
}

static void add_products(sums *s, size_t n, const double *x, const double *y)
{
    for (size_t j = 0; j < n; j += 8) {
        s->a = _mm256_fmadd_pd(_mm256_loadu_pd(x + j), _mm256_loadu_pd(y + j), s->a);
        s->b = _mm256_fmadd_pd(_mm256_loadu_pd(x + j + 4), _mm256_loadu_pd(y + j + 4), s->b);
    }
}

static void add_sizes(sums *s, size_t n, const double *x, const double *y, bool largest)
{
    const __m256d sign = _mm256_set1_pd(-0.0);

    for (size_t j = 0; j < n; j += 8) {
        __m256d d = _mm256_andnot_pd(sign, _mm256_sub_pd(_mm256_loadu_pd(x + j), _mm256_loadu_pd(y + j)));
        __m256d e = _mm256_andnot_pd(sign, _mm256_sub_pd(_mm256_loadu_pd(x + j + 4), _mm256_loadu_pd(y + j + 4)));
        s->a = largest ? _mm256_max_pd(d, s->a) : _mm256_add_pd(d, s->a);
        s->b = largest ? _mm256_max_pd(e, s->b) : _mm256_add_pd(e, s->b);
    }
}

static double most_of_lanes(const sums *s)
{
    double l[8], most = 0;

    _mm256_storeu_pd(l, s->a);
    _mm256_storeu_pd(l + 4, s->b);
    for (int k = 0; k < 8; k++) most = l[k] > most ? l[k] : most;
    return most;
}

static size_t chunk_at(size_t d, size_t at) { return d - at < CHUNK ? d - at : CHUNK; }

static double cosine_distance(const tarn_near *s, const tarn_asked *q, size_t i, size_t row)
{
    double x[CHUNK], y[CHUNK];
    sums xy = {_mm256_setzero_pd(), _mm256_setzero_pd()}, xx = xy, yy = xy;

    for (size_t at = 0; at < s->d; at += CHUNK) {
        size_t n = chunk_at(s->d, at);
        take_asked(q, i, at, n, x);
        take_stored(s, row, at, n, y);
        add_products(&xy, n, x, y);
        add_products(&xx, n, x, x);
        add_products(&yy, n, y, y);
    }
    double size = sqrt(add_lanes(xx.a, xx.b)) * sqrt(add_lanes(yy.a, yy.b));
    return size > 0 ? 1 - add_lanes(xy.a, xy.b) / size : 1;
}

double tarn_near_distance(const tarn_near *s, const tarn_asked *q, size_t i, size_t row, double limit)
{
    double x[CHUNK], y[CHUNK], sum = 0;
    sums lanes = {_mm256_setzero_pd(), _mm256_setzero_pd()};
    bool largest = s->metric == TARN_METRIC_CHEBYSHEV;

    if (s->metric == TARN_METRIC_COSINE) return cosine_distance(s, q, i, row);
    for (size_t at = 0; at < s->d && !(sum > limit); at += CHUNK) {
        size_t n = chunk_at(s->d, at);
        take_asked(q, i, at, n, x);
        take_stored(s, row, at, n, y);
        if (s->metric == TARN_METRIC_EUCLIDEAN) add_squares(&lanes, n, x, y);
        else add_sizes(&lanes, n, x, y, largest);
        sum = largest ? most_of_lanes(&lanes) : add_lanes(lanes.a, lanes.b);
    }
    return sum;
}

float tarn_near_norm(const tarn_near *s, size_t row, float *length)
{
    double x[CHUNK];
    sums xx = {_mm256_setzero_pd(), _mm256_setzero_pd()};

    for (size_t at = 0; at < s->d; at += CHUNK) {
        size_t n = chunk_at(s->d, at);
        take_stored(s, row, at, n, x);
        add_products(&xx, n, x, x);
    }
    double square = add_lanes(xx.a, xx.b), size = sqrt(square);
    *length = (float)(size * 1.000001);
    if (s->metric == TARN_METRIC_COSINE) return size > 1e-30 ? (float)(1 / size) : 0;
    return (float)square;
}
