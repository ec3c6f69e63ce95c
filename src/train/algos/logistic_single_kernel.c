/* SPDX-License-Identifier: Apache-2.0 */
/* logistic_single_kernel.c - rows times coefficients, and residuals times rows, in single precision. See
 * logistic_single.h.
 *
 * Outputs go up to MOST at a time, so that their sums stay in registers. Products with coefficients are added in 16
 * lanes, products with residuals row after row, for any width of vector: so the bits are the same for all. */
#include "base/cpu.h"
#include "train/algos/logistic_single.h"

#include <immintrin.h>

enum { MOST = 6, COLUMNS = 64 };

/* to (8) += v */
static inline void widen_8(double *to, __m256 v)
{
    const __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(v)), high = _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1));

    _mm256_storeu_pd(to, _mm256_add_pd(_mm256_loadu_pd(to), low));
    _mm256_storeu_pd(to + 4, _mm256_add_pd(_mm256_loadu_pd(to + 4), high));
}

/* to (16) += v */
TARN_AVX512 static inline void widen_16(double *to, __m512 v)
{
    const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(v)),
                  high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));

    _mm512_storeu_pd(to, _mm512_add_pd(_mm512_loadu_pd(to), low));
    _mm512_storeu_pd(to + 8, _mm512_add_pd(_mm512_loadu_pd(to + 8), high));
}

#define VEC     __m256
#define LANES   8
#define ROWS    2
#define VECTORS 2
#define TARGET
#define FN(name) name##_8
#define ZERO     _mm256_setzero_ps
#define LOAD     _mm256_loadu_ps
#define ALL      _mm256_set1_ps
#define STORE    _mm256_storeu_ps
#define FMA      _mm256_fmadd_ps
#define WIDEN    widen_8
#include "train/algos/logistic_single_body.def"

#define VEC      __m512
#define LANES    16
#define ROWS     4
#define VECTORS  4
#define TARGET   TARN_AVX512
#define FN(name) name##_16
#define ZERO     _mm512_setzero_ps
#define LOAD     _mm512_loadu_ps
#define ALL      _mm512_set1_ps
#define STORE    _mm512_storeu_ps
#define FMA      _mm512_fmadd_ps
#define WIDEN    widen_16
#include "train/algos/logistic_single_body.def"

/* Outputs of the next group, of `left` ones: groups of like size. */
static int next_group(size_t left)
{
    size_t groups = (left + MOST - 1) / MOST;

    return (int)((left + groups - 1) / groups);
}

/* 16 lanes to 4: l + 8, then l + 4. */
static inline __m128 fold(const float *lanes)
{
    const __m256 v = _mm256_add_ps(_mm256_loadu_ps(lanes), _mm256_loadu_ps(lanes + 8));

    return _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
}

/* z (4) = lanes of four rows, `apart` from each other, added up. */
static inline void add_lanes(const float *sum, int apart, float *z)
{
    __m128 a = fold(sum), b = fold(sum + apart), c = fold(sum + 2 * apart), d = fold(sum + 3 * apart);

    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(z, _mm_add_ps(_mm_add_ps(a, c), _mm_add_ps(b, d)));
}

void logistic_single_times(const logistic_rows *t, size_t outputs, const float *theta, size_t stride, float *z)
{
    const bool wide16 = tarn_cpu_avx512();
    float sum[4 * MOST * 16];

    for (size_t i = 0; i < t->rows; i += 4)
        for (size_t k = 0; k < outputs;) {
            const int outs = next_group(outputs - k);
            (wide16 ? times_16 : times_8)(outs, t->wide, t->x + i * t->wide, theta + k * t->wide, sum);
            for (int o = 0; o < outs; o++, k++) add_lanes(sum + o * 16, outs * 16, z + k * stride + i);
        }
}

void logistic_single_transposed(const logistic_rows *t, size_t outputs, const float *r, size_t stride, double *g)
{
    const bool wide16 = tarn_cpu_avx512();
    const size_t most = wide16 ? COLUMNS : 16;

    for (size_t j = 0, columns; j < t->wide; j += columns) {
        columns = t->wide - j < most ? 16 : most;
        for (size_t k = 0; k < outputs;) {
            const int outs = next_group(outputs - k);
            (wide16 ? turned_16 : turned_8)(outs, t->rows, t->wide, t->x + j, k == 0 ? t->ahead : 0, r + k * stride,
                                            stride, columns, g + k * t->wide + j);
            k += (size_t)outs;
        }
    }
}
