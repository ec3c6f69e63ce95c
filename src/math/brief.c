/* SPDX-License-Identifier: Apache-2.0 */
/* brief.c - rows become bytes. See brief.h.
 *
 * Symbols: t = z - centre, worked out in double. Its parts are off by no more than 2^-52 of themselves, and |z| = 1 of
 * the cosine distance by no more than columns 2^-53: 1e-11 (|t| + |z|) covers both for as many columns as there can be.
 */
#include "math/brief.h"

#include <immintrin.h>
#include <math.h>

enum { TOP = 127 };
#define EVERYWHERE 4 /* no two points of length 1 are farther apart */
#define FAR        1e15

/* x becomes t; returns the largest part of it by size. A NaN makes it infinite. */
static double move(size_t d, double scale, const float *centre, double *x)
{
    const __m256d sign = _mm256_set1_pd(-0.0), factor = _mm256_set1_pd(scale);
    __m256d most = _mm256_setzero_pd(), odd = _mm256_setzero_pd();
    double lanes[4], top = 0;
    size_t j = 0;

    for (; j + 4 <= d; j += 4) {
        __m256d t = _mm256_fmsub_pd(_mm256_loadu_pd(x + j), factor, _mm256_cvtps_pd(_mm_loadu_ps(centre + j)));
        _mm256_storeu_pd(x + j, t);
        most = _mm256_max_pd(_mm256_andnot_pd(sign, t), most);
        odd = _mm256_or_pd(odd, _mm256_cmp_pd(t, t, _CMP_UNORD_Q));
    }
    _mm256_storeu_pd(lanes, most);
    for (int k = 0; k < 4; k++) top = lanes[k] > top ? lanes[k] : top;
    if (_mm256_movemask_pd(odd)) top = INFINITY;
    for (; j < d; j++) {
        x[j] = fma(x[j], scale, -(double)centre[j]);
        top = fabs(x[j]) <= top ? top : isnan(x[j]) ? INFINITY : fabs(x[j]);
    }
    return top;
}

/* Codes of t, in steps; t becomes the rest. */
static void cut(size_t d, double step, double *t, int8_t *code)
{
    const double inverse = step > 0 ? 1 / step : 0;
    const __m256d all = _mm256_set1_pd(inverse), size = _mm256_set1_pd(step), top = _mm256_set1_pd(TOP);
    const __m128i lowest = _mm_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    size_t j = 0;

    for (; j + 4 <= d; j += 4) {
        __m256d x = _mm256_loadu_pd(t + j), at = _mm256_mul_pd(x, all);
        at = _mm256_max_pd(_mm256_min_pd(at, top), _mm256_sub_pd(_mm256_setzero_pd(), top));
        __m128i whole = _mm256_cvtpd_epi32(at);
        _mm256_storeu_pd(t + j, _mm256_fnmadd_pd(_mm256_cvtepi32_pd(whole), size, x));
        _mm_storeu_si32(code + j, _mm_shuffle_epi8(whole, lowest));
    }
    for (; j < d; j++) {
        double at = nearbyint(fmin(fmax(t[j] * inverse, -TOP), TOP));
        code[j] = (int8_t)at;
        t[j] = fma(-at, step, t[j]);
    }
    for (; j < tarn_brief_stride(d); j++) code[j] = 0;
}

static double length(size_t d, const double *x)
{
    __m256d sum = _mm256_setzero_pd();
    double lanes[4];
    size_t j = 0;

    for (; j + 4 <= d; j += 4) sum = _mm256_fmadd_pd(_mm256_loadu_pd(x + j), _mm256_loadu_pd(x + j), sum);
    _mm256_storeu_pd(lanes, sum);
    for (; j < d; j++) lanes[j % 4] = fma(x[j], x[j], lanes[j % 4]);
    return sqrt((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]));
}

double tarn_brief_scale(bool cosine, size_t d, const double *x)
{
    double size = cosine ? length(d, x) : 1;

    return size > 1e-140 && size < 1e140 ? 1 / size : 0;
}

bool tarn_brief_make(bool cosine, size_t d, const float *centre, double *x, int8_t *code, tarn_brief_note *note)
{
    double scale = tarn_brief_scale(cosine, d, x);
    int32_t sum = 0, squares = 0;

    double top = move(d, scale, centre, x), size = length(d, x);
    if (!(top < FAR) || !(size < FAR)) return false;
    float step = (float)(top / TOP);
    cut(d, (double)step, x, code);
    for (size_t j = 0; j < d; j++) {
        sum += code[j];
        squares += code[j] * code[j];
    }
    double lost = length(d, x) + 1e-11 * (size + cosine) + (scale > 0 ? 0 : EVERYWHERE);
    *note = (tarn_brief_note){.step = step,
                              .error = (float)(lost * 1.000001) + 1e-37f,
                              .square = (float)((double)step * (double)step * squares),
                              .shift = -128 * sum};
    return true;
}
