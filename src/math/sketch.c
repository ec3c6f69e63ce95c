/* SPDX-License-Identifier: Apache-2.0 */
/* sketch.c - keys between rows in short. See sketch.h.
 *
 * A sketch of bytes is a_1 .. a_d, zeros up to a multiple of 32, and two numbers, for
 *   sum (a - b)^2 = [sum a^2 - 256 sum a] + [sum b^2] - 2 sum a (b - 128),
 * whose last sum is what a processor with VNNI adds up 64 columns at a time, b - 128 being a signed byte. All in whole
 * numbers, so every way gives the same.
 *
 * Floats are added in 32 lanes, column j in lane j % 32; lanes l and l + 8, .. first, then halves. */
#include "math/sketch.h"
#include "base/cpu.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

enum { STEP = 32, TOP = 255 };
#define FAR 1e18 /* squares of it are still floats */

typedef struct tail {
    uint32_t shifted, square; /* sum a^2 - 256 sum a, and sum a^2 */
} tail;

size_t tarn_sketch_body(tarn_sketch_kind kind, size_t d)
{
    size_t bytes = kind == TARN_SKETCH_BYTES ? d : d * sizeof(float);

    return (bytes + STEP - 1) / STEP * STEP;
}

size_t tarn_sketch_size(tarn_sketch_kind kind, size_t d)
{
    return tarn_sketch_body(kind, d) + (kind == TARN_SKETCH_BYTES ? sizeof(tail) : 0);
}

double tarn_sketch_scale(tarn_metric metric, size_t d, const double *x)
{
    double square = 0;

    if (metric != TARN_METRIC_COSINE) return 1;
    for (size_t j = 0; j < d; j++) square = fma(x[j], x[j], square);
    return square > 1e-300 && square < 1e300 ? 1 / sqrt(square) : 0;
}

/* Column j, in steps from low, within 0 .. 255; NaN is 0. */
static double steps_of(const tarn_sketches *s, double x, size_t j, double scale)
{
    double at = (x * scale - s->low[j]) * s->steps;

    return at > 0 ? (at < TOP ? at : TOP) : 0;
}

/* The same of 4 columns. */
static __m128i four_steps(const tarn_sketches *s, const double *x, size_t j, __m256d scale)
{
    __m256d at = _mm256_sub_pd(_mm256_mul_pd(_mm256_loadu_pd(x + j), scale), _mm256_loadu_pd(s->low + j));

    at = _mm256_mul_pd(at, _mm256_set1_pd(s->steps));
    at = _mm256_min_pd(_mm256_max_pd(at, _mm256_setzero_pd()), _mm256_set1_pd(TOP)); /* NaN: the second, 0 */
    return _mm256_cvtpd_epi32(at);
}

static void make_bytes(const tarn_sketches *s, const double *x, double scale, unsigned char *out)
{
    size_t body = tarn_sketch_body(TARN_SKETCH_BYTES, s->d), j = 0;
    const __m256d factor = _mm256_set1_pd(scale);
    tail t = {0, 0};

    for (; j + 8 <= s->d; j += 8) {
        __m128i words = _mm_packs_epi32(four_steps(s, x, j, factor), four_steps(s, x, j + 4, factor));
        _mm_storel_epi64((__m128i *)(void *)(out + j), _mm_packus_epi16(words, words));
    }
    for (; j < s->d; j++) out[j] = (unsigned char)nearbyint(steps_of(s, x[j], j, scale));
    memset(out + j, 0, body - j);
    for (j = 0; j < s->d; j++) {
        t.square += (uint32_t)out[j] * out[j];
        t.shifted += (uint32_t)out[j] * out[j] - 256u * out[j];
    }
    memcpy(out + body, &t, sizeof t);
}

void tarn_sketch_make(const tarn_sketches *s, const double *x, unsigned char *out)
{
    double scale = tarn_sketch_scale(s->metric, s->d, x);
    float *number = (float *)(void *)out;

    if (s->kind == TARN_SKETCH_BYTES) {
        make_bytes(s, x, scale, out);
        return;
    }
    for (size_t j = 0; j < s->d; j++) {
        double at = x[j] * scale - s->low[j];
        number[j] = (float)(at > -FAR ? (at < FAR ? at : FAR) : -FAR);
    }
    memset(number + s->d, 0, tarn_sketch_body(s->kind, s->d) - s->d * sizeof *number);
}

/* ---- bytes ---- */

static uint32_t add_words(__m256i sum)
{
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));

    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(s);
}

static __m256i load(const unsigned char *a) { return _mm256_loadu_si256((const __m256i *)(const void *)a); }

static __m256i apart(const unsigned char *a, const unsigned char *b)
{
    __m256i x = load(a), y = load(b);

    return _mm256_sub_epi8(_mm256_max_epu8(x, y), _mm256_min_epu8(x, y));
}

static uint32_t bytes_squared(const unsigned char *a, const unsigned char *b, size_t body)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i low = zero, high = zero;

    for (size_t j = 0; j < body; j += STEP) {
        __m256i x = apart(a + j, b + j), l = _mm256_unpacklo_epi8(x, zero), h = _mm256_unpackhi_epi8(x, zero);
        low = _mm256_add_epi32(low, _mm256_madd_epi16(l, l));
        high = _mm256_add_epi32(high, _mm256_madd_epi16(h, h));
    }
    return add_words(_mm256_add_epi32(low, high));
}

TARN_VNNI static uint32_t bytes_squared_vnni(const unsigned char *a, const unsigned char *b, size_t body)
{
    const __m512i half = _mm512_set1_epi8((char)0x80);
    __m512i even = _mm512_setzero_si512(), odd = even;
    tail ta, tb;
    size_t j = 0;

    for (; j + 4 * STEP <= body; j += 4 * STEP) {
        even = _mm512_dpbusd_epi32(even, _mm512_loadu_si512(a + j), _mm512_xor_si512(_mm512_loadu_si512(b + j), half));
        odd = _mm512_dpbusd_epi32(odd, _mm512_loadu_si512(a + j + 2 * STEP),
                                  _mm512_xor_si512(_mm512_loadu_si512(b + j + 2 * STEP), half));
    }
    for (; j + 2 * STEP <= body; j += 2 * STEP)
        even = _mm512_dpbusd_epi32(even, _mm512_loadu_si512(a + j), _mm512_xor_si512(_mm512_loadu_si512(b + j), half));
    even = _mm512_add_epi32(even, odd);
    __m256i sum = _mm256_add_epi32(_mm512_castsi512_si256(even), _mm512_extracti64x4_epi64(even, 1));
    if (j < body)
        sum = _mm256_dpbusd_epi32(sum, load(a + j), _mm256_xor_si256(load(b + j), _mm512_castsi512_si256(half)));
    memcpy(&ta, a + body, sizeof ta);
    memcpy(&tb, b + body, sizeof tb);
    return ta.shifted + tb.square - 2 * add_words(sum);
}

static uint32_t bytes_sum(const unsigned char *a, const unsigned char *b, size_t body)
{
    __m256i sum = _mm256_setzero_si256();

    for (size_t j = 0; j < body; j += STEP) sum = _mm256_add_epi64(sum, _mm256_sad_epu8(load(a + j), load(b + j)));
    return add_words(sum); /* high halves are 0 */
}

static uint32_t bytes_most(const unsigned char *a, const unsigned char *b, size_t body)
{
    __m256i most = _mm256_setzero_si256();
    unsigned char lane[STEP], top = 0;

    for (size_t j = 0; j < body; j += STEP) most = _mm256_max_epu8(most, apart(a + j, b + j));
    _mm256_storeu_si256((__m256i *)(void *)lane, most);
    for (int j = 0; j < STEP; j++) top = lane[j] > top ? lane[j] : top;
    return top;
}

/* ---- floats ---- */

typedef enum how { SQUARES, SIZES, LARGEST } how;

static __m256 put(how h, __m256 sum, const unsigned char *a, const unsigned char *b)
{
    __m256 x =
        _mm256_sub_ps(_mm256_loadu_ps((const float *)(const void *)a), _mm256_loadu_ps((const float *)(const void *)b));

    if (h == SQUARES) return _mm256_fmadd_ps(x, x, sum);
    x = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
    return h == SIZES ? _mm256_add_ps(sum, x) : _mm256_max_ps(sum, x);
}

static __m256 join(how h, __m256 a, __m256 b) { return h == LARGEST ? _mm256_max_ps(a, b) : _mm256_add_ps(a, b); }

__attribute__((always_inline)) static inline uint32_t floats(how h, const unsigned char *a, const unsigned char *b,
                                                             size_t body)
{
    __m256 s0 = _mm256_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
    size_t j = 0;
    float lane[8];
    uint32_t key;

    for (; j + 4 * STEP <= body; j += 4 * STEP) {
        s0 = put(h, s0, a + j, b + j);
        s1 = put(h, s1, a + j + STEP, b + j + STEP);
        s2 = put(h, s2, a + j + 2 * STEP, b + j + 2 * STEP);
        s3 = put(h, s3, a + j + 3 * STEP, b + j + 3 * STEP);
    }
    if (j < body) s0 = put(h, s0, a + j, b + j);
    if (j + STEP < body) s1 = put(h, s1, a + j + STEP, b + j + STEP);
    if (j + 2 * STEP < body) s2 = put(h, s2, a + j + 2 * STEP, b + j + 2 * STEP);
    _mm256_storeu_ps(lane, join(h, join(h, s0, s1), join(h, s2, s3)));
    for (int half = 4; half > 0; half /= 2)
        for (int l = 0; l < half; l++) {
            float other = lane[l + half];
            lane[l] = h == LARGEST ? (other > lane[l] ? other : lane[l]) : lane[l] + other;
        }
    memcpy(&key, lane, sizeof key);
    return key;
}

static uint32_t floats_squared(const unsigned char *a, const unsigned char *b, size_t body)
{
    return floats(SQUARES, a, b, body);
}

static uint32_t floats_sum(const unsigned char *a, const unsigned char *b, size_t body)
{
    return floats(SIZES, a, b, body);
}

static uint32_t floats_most(const unsigned char *a, const unsigned char *b, size_t body)
{
    return floats(LARGEST, a, b, body);
}

tarn_sketch_key *tarn_sketch_keys(tarn_metric metric, tarn_sketch_kind kind)
{
    bool bytes = kind == TARN_SKETCH_BYTES;

    if (metric == TARN_METRIC_MANHATTAN) return bytes ? bytes_sum : floats_sum;
    if (metric == TARN_METRIC_CHEBYSHEV) return bytes ? bytes_most : floats_most;
    if (!bytes) return floats_squared;
    return tarn_cpu_vnni() ? bytes_squared_vnni : bytes_squared;
}
