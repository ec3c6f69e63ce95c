/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.c - kernels of support vector machines, many at a time. See kernel.h.
 *
 * The loops stand in kernel_body.def, once for each width of vector; all operations are elementwise and the same ones,
 * so the bits are too. */
#include "math/kernel.h"

#include "base/cpu.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define VEC   __m256
#define LANES 8
#define TARGET
#define FN(name) name##_8
#define ALL      _mm256_set1_ps
#define LOAD     _mm256_loadu_ps
#define STORE    _mm256_storeu_ps
#define ADD      _mm256_add_ps
#define SUB      _mm256_sub_ps
#define MUL      _mm256_mul_ps
#define DIV      _mm256_div_ps
#define FMA      _mm256_fmadd_ps
#define NMA      _mm256_fnmadd_ps
#define MIN      _mm256_min_ps
#define MAX      _mm256_max_ps
#define ROUND(x) _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define POWER_OF_TWO(r) \
    _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(r), _mm256_set1_epi32(127)), 23))
#define MAGNITUDE(x)    _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x)
#define WITH_SIGN(y, x) _mm256_or_ps(y, _mm256_and_ps(_mm256_set1_ps(-0.0f), x))
#include "math/kernel_body.def"

#define VEC      __m512
#define LANES    16
#define TARGET   TARN_AVX512
#define FN(name) name##_16
#define ALL      _mm512_set1_ps
#define LOAD     _mm512_loadu_ps
#define STORE    _mm512_storeu_ps
#define ADD      _mm512_add_ps
#define SUB      _mm512_sub_ps
#define MUL      _mm512_mul_ps
#define DIV      _mm512_div_ps
#define FMA      _mm512_fmadd_ps
#define NMA      _mm512_fnmadd_ps
#define MIN      _mm512_min_ps
#define MAX      _mm512_max_ps
#define ROUND(x) _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT)
#define POWER_OF_TWO(r) \
    _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(r), _mm512_set1_epi32(127)), 23))
#define MAGNITUDE(x)    _mm512_andnot_ps(_mm512_set1_ps(-0.0f), x)
#define WITH_SIGN(y, x) _mm512_or_ps(y, _mm512_and_ps(_mm512_set1_ps(-0.0f), x))
#include "math/kernel_body.def"

float tarn_kernel_number(double x)
{
    if (!(x > -1e15)) return -1e15f;
    return x < 1e15 ? (float)x : 1e15f;
}

float tarn_kernel_square(size_t d, const float *x)
{
    float sum = 0;

    for (size_t j = 0; j < d; j++) sum = fmaf(x[j], x[j], sum);
    return sum;
}

void tarn_kernel_pack(size_t d, size_t i, const float *x, float *packed, float *square)
{
    float *to = packed + i / TARN_KERNEL_WIDE * TARN_KERNEL_WIDE * d + i % TARN_KERNEL_WIDE;

    for (size_t j = 0; j < d; j++) to[j * TARN_KERNEL_WIDE] = x[j];
    if (square) square[i] = tarn_kernel_square(d, x);
}

void tarn_kernel_row(const tarn_kernel *k, size_t d, size_t n, const float *packed, const float *square, const float *x,
                     float xx, float *out)
{
    if (tarn_cpu_avx512()) row_16(k, d, n, packed, square, x, xx, out);
    else row_8(k, d, n, packed, square, x, xx, out);
}

void tarn_kernel_dots(size_t d, const float *tile, size_t rows, const float *x, size_t apart, float *sum)
{
    if (tarn_cpu_avx512()) dots_16(d, tile, rows, x, apart, sum);
    else dots_8(d, tile, rows, x, apart, sum);
}

void tarn_kernel_finish(const tarn_kernel *k, const float *sum, const float *square, float xx, float *out)
{
    if (tarn_cpu_avx512()) last_16(k, sum, square, xx, out);
    else last_8(k, sum, square, xx, out);
}
