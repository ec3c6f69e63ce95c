/* SPDX-License-Identifier: Apache-2.0 */
/* svm_pass.c - the two passes over all columns that a step of the solver makes. See svm_parts.h.
 *
 * Fractions num / den are compared as num_a den_b > num_b den_a, which needs no division. Within a lane the products
 * are rounded to float; lanes and pieces are compared in double, where such products are exact. */
#include "base/cpu.h"
#include "train/algos/svm_parts.h"

#include <immintrin.h>
#include <math.h>

bool svm_beats(const svm_choice *a, const svm_choice *b)
{
    if (a->at < 0) return false;
    if (b->at < 0) return true;
    double left = (double)a->num * b->den, right = (double)b->num * a->den;
    return left > right || (left == right && a->at < b->at);
}

static svm_choice best_of_lanes(__m256 num, __m256 den, __m256i at, double most)
{
    svm_choice best = {.at = -1, .den = 1};
    float n[8], d[8];
    int32_t where[8];

    _mm256_storeu_ps(n, num);
    _mm256_storeu_ps(d, den);
    _mm256_storeu_si256((__m256i *)(void *)where, at);
    for (int l = 0; l < 8; l++) {
        svm_choice lane = {.at = where[l], .num = n[l], .den = d[l]};
        if (svm_beats(&lane, &best)) best = lane;
    }
    best.value = most;
    return best;
}

static svm_choice least_of_lanes(const double value[8], const double where[8])
{
    svm_choice best = {.at = -1, .value = INFINITY, .den = 1};

    for (int l = 0; l < 8; l++)
        if (value[l] < best.value || (value[l] == best.value && where[l] >= 0 && where[l] < (double)best.at))
            best = (svm_choice){.at = (int64_t)where[l], .value = value[l], .den = 1};
    return best;
}

typedef struct doubles {
    __m256d a, b;
} doubles;

#define D doubles
#define M doubles
#define TARGET
#define FN(name) name##_avx2
static inline D FN(all)(double x) { return (D){_mm256_set1_pd(x), _mm256_set1_pd(x)}; }
static inline D FN(load)(const double *p) { return (D){_mm256_loadu_pd(p), _mm256_loadu_pd(p + 4)}; }
static inline void FN(store)(double *p, D x) { _mm256_storeu_pd(p, x.a), _mm256_storeu_pd(p + 4, x.b); }
static inline D FN(widen)(const float *p)
{
    return (D){_mm256_cvtps_pd(_mm_loadu_ps(p)), _mm256_cvtps_pd(_mm_loadu_ps(p + 4))};
}
static inline __m256 FN(narrow)(D x) { return _mm256_set_m128(_mm256_cvtpd_ps(x.b), _mm256_cvtpd_ps(x.a)); }
static inline D FN(add)(D x, D y) { return (D){_mm256_add_pd(x.a, y.a), _mm256_add_pd(x.b, y.b)}; }
static inline D FN(sub)(D x, D y) { return (D){_mm256_sub_pd(x.a, y.a), _mm256_sub_pd(x.b, y.b)}; }
static inline D FN(fma)(D x, D y, D z) { return (D){_mm256_fmadd_pd(x.a, y.a, z.a), _mm256_fmadd_pd(x.b, y.b, z.b)}; }
static inline D FN(max)(D x, D y) { return (D){_mm256_max_pd(x.a, y.a), _mm256_max_pd(x.b, y.b)}; }
static inline M FN(below)(D x, D y)
{
    return (D){_mm256_cmp_pd(x.a, y.a, _CMP_LT_OQ), _mm256_cmp_pd(x.b, y.b, _CMP_LT_OQ)};
}
static inline D FN(pick)(M m, D x, D y)
{
    return (D){_mm256_blendv_pd(y.a, x.a, m.a), _mm256_blendv_pd(y.b, x.b, m.b)};
}
static inline D FN(count)(double x)
{
    return (D){_mm256_setr_pd(x, x + 1, x + 2, x + 3), _mm256_setr_pd(x + 4, x + 5, x + 6, x + 7)};
}
static inline double FN(most)(D x)
{
    double lane[8], most = -INFINITY;

    FN(store)(lane, x);
    for (int l = 0; l < 8; l++) most = lane[l] > most ? lane[l] : most;
    return most;
}
#include "train/algos/svm_pass_body.def"

#define D        __m512d
#define M        __mmask8
#define TARGET   TARN_AVX512
#define FN(name) name##_avx512
TARN_AVX512 static inline D FN(all)(double x) { return _mm512_set1_pd(x); }
TARN_AVX512 static inline D FN(load)(const double *p) { return _mm512_loadu_pd(p); }
TARN_AVX512 static inline void FN(store)(double *p, D x) { _mm512_storeu_pd(p, x); }
TARN_AVX512 static inline D FN(widen)(const float *p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
TARN_AVX512 static inline __m256 FN(narrow)(D x) { return _mm512_cvtpd_ps(x); }
TARN_AVX512 static inline D FN(add)(D x, D y) { return _mm512_add_pd(x, y); }
TARN_AVX512 static inline D FN(sub)(D x, D y) { return _mm512_sub_pd(x, y); }
TARN_AVX512 static inline D FN(fma)(D x, D y, D z) { return _mm512_fmadd_pd(x, y, z); }
TARN_AVX512 static inline D FN(max)(D x, D y) { return _mm512_max_pd(x, y); }
TARN_AVX512 static inline M FN(below)(D x, D y) { return _mm512_cmp_pd_mask(x, y, _CMP_LT_OQ); }
TARN_AVX512 static inline D FN(pick)(M m, D x, D y) { return _mm512_mask_blend_pd(m, y, x); }
TARN_AVX512 static inline D FN(count)(double x)
{
    return _mm512_setr_pd(x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7);
}
TARN_AVX512 static inline double FN(most)(D x)
{
    double lane[8], most = -INFINITY;

    FN(store)(lane, x);
    for (int l = 0; l < 8; l++) most = lane[l] > most ? lane[l] : most;
    return most;
}
#include "train/algos/svm_pass_body.def"

svm_choice svm_choose_j(const svm_pass *s, size_t from, size_t to)
{
    return tarn_cpu_avx512() ? choose_j_avx512(s, from, to) : choose_j_avx2(s, from, to);
}

svm_choice svm_move(const svm_pass *s, size_t from, size_t to)
{
    return tarn_cpu_avx512() ? move_avx512(s, from, to) : move_avx2(s, from, to);
}
