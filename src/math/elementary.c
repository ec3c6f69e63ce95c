/* SPDX-License-Identifier: Apache-2.0 */
/* elementary.c - exp, log, log1p, sigmoid and softplus from +, -, *, / and fma alone.
 *
 * Every function is written once, for four numbers side by side; a single number is lane 0 of the same code, so the
 * two forms cannot differ. IEEE 754 fixes the result of each operation, and the compiler may neither contract nor
 * reorder (-ffp-contract=off, no fast-math): the bits are those of the text below on every x86-64-v3 machine.
 *
 * Results are kept as unrounded sums hi + lo up to the last addition, so that the composed functions (sigmoid is an
 * exp and a division, softplus an exp and a log1p) stay within 0.65 units in the last place rather than adding up the
 * roundings of their parts.
 *
 * exp:   x = k ln2 + r, |r| <= ln2 / 2;  exp(x) = 2^k (1 + r + r^2 q(r)), q = Taylor's series to r^14, whose rest is
 *        below 2^-60.
 * log:   x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2), s = f / (2 + f), z = s^2 <= 0.0295;
 *        log(1 + f) = f - f^2/2 + s (f^2/2 + R(z)), R = sum of 2 z^j / (2 j + 1) to j = 11.
 * Source: the two reductions are those of Sun's fdlibm, e_exp.c and e_log.c (1993).
 */
#include "math/elementary.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

enum { LANES = 4 };

typedef __m256d four;

/* hi + lo, not yet added; |lo| is some 2^-50 |hi| at most, except near zero. */
typedef struct pair {
    four hi, lo;
} pair;

static inline four all(double x) { return _mm256_set1_pd(x); }
static inline __m256i bits_of(four x) { return _mm256_castpd_si256(x); }
static inline four with_bits(__m256i b) { return _mm256_castsi256_pd(b); }
static inline four mul_add(four a, four b, four c) { return _mm256_fmadd_pd(a, b, c); }
/* c - a b */
static inline four mul_from(four a, four b, four c) { return _mm256_fnmadd_pd(a, b, c); }
/* mask ? yes : no */
static inline four pick(four mask, four yes, four no) { return _mm256_blendv_pd(no, yes, mask); }
static inline four below(four a, four b) { return _mm256_cmp_pd(a, b, _CMP_LT_OQ); }
static inline four same(four a, four b) { return _mm256_cmp_pd(a, b, _CMP_EQ_OQ); }
static inline four magnitude(four x) { return _mm256_andnot_pd(all(-0.0), x); }

/* a + b and its rounding error, when |a| >= |b| or a is 0. */
static inline pair add_exact(four a, four b)
{
    pair p;

    p.hi = a + b;
    p.lo = (a - p.hi) + b;
    return p;
}

/* The same for any a and b (Knuth). */
static inline pair add_exact_any(four a, four b)
{
    pair p;
    four part;

    p.hi = a + b;
    part = p.hi - a;
    p.lo = (a - (p.hi - part)) + (b - part);
    return p;
}

/* 2^n for each n in -1022 .. 1023, given 1.5 * 2^52 + n. */
static inline four power_of_two(four biased)
{
    return with_bits(_mm256_slli_epi64(_mm256_add_epi64(bits_of(biased), _mm256_set1_epi64x(1023)), 52));
}

/* (exp(r) - 1 - r) / r^2 for |r| <= 0.35: even and odd powers apart, for two short chains instead of a long one. */
static inline four exp_rest(four r)
{
    const four z = r * r;
    four even = all(1.0 / 87178291200.0), odd = all(1.0 / 6227020800.0);

    even = mul_add(even, z, all(1.0 / 479001600.0));
    even = mul_add(even, z, all(1.0 / 3628800.0));
    even = mul_add(even, z, all(1.0 / 40320.0));
    even = mul_add(even, z, all(1.0 / 720.0));
    even = mul_add(even, z, all(1.0 / 24.0));
    even = mul_add(even, z, all(1.0 / 2.0));
    odd = mul_add(odd, z, all(1.0 / 39916800.0));
    odd = mul_add(odd, z, all(1.0 / 362880.0));
    odd = mul_add(odd, z, all(1.0 / 5040.0));
    odd = mul_add(odd, z, all(1.0 / 120.0));
    odd = mul_add(odd, z, all(1.0 / 6.0));
    return mul_add(odd, r, even);
}

/* exp(x) as hi + lo, hi being already the rounded sum. */
static inline pair exp_pair(four x)
{
    const four shift = all(0x1.8p52);
    /* Beyond +-1000 nothing changes. Operands in this order let NaN through. */
    const four t = _mm256_max_pd(all(-1000.0), _mm256_min_pd(all(1000.0), x));
    const four k = mul_add(t, all(0x1.71547652b82fep0), shift) - shift;
    /* ln2 in two parts; the first has 21 trailing zero bits, so k times it is exact. */
    const four r_hi = mul_from(k, all(0x1.62e42feep-1), t);
    const pair r = add_exact_any(r_hi, k * all(-0x1.a39ef35793c76p-33));
    const pair one_r = add_exact(all(1.0), r.hi);
    const four rest = mul_add(r.hi * r.hi, exp_rest(r.hi), one_r.lo + mul_add(r.lo, r.hi, r.lo));
    pair e = add_exact(one_r.hi, rest);
    /* 2^k in two factors: k may be outside of what one exponent holds. */
    const four half = mul_add(k, all(0.5), shift);
    const four scale_a = power_of_two(half), scale_b = power_of_two(shift + (k - (half - shift)));

    e.hi = (e.hi * scale_a) * scale_b;
    e.lo = (e.lo * scale_a) * scale_b;
    return e;
}

/* The sum of 2 z^j / (2 j + 1), j = 1 .. 11. */
static inline four log_rest(four z)
{
    const four zz = z * z;
    four odd = all(2.0 / 23), even = all(2.0 / 21);

    odd = mul_add(odd, zz, all(2.0 / 19));
    odd = mul_add(odd, zz, all(2.0 / 15));
    odd = mul_add(odd, zz, all(2.0 / 11));
    odd = mul_add(odd, zz, all(2.0 / 7));
    odd = mul_add(odd, zz, all(2.0 / 3));
    even = mul_add(even, zz, all(2.0 / 17));
    even = mul_add(even, zz, all(2.0 / 13));
    even = mul_add(even, zz, all(2.0 / 9));
    even = mul_add(even, zz, all(2.0 / 5));
    return z * mul_add(even, z, odd);
}

/* log(x) as hi + lo, for x normal, positive and finite. */
static inline pair log_pair(four x)
{
    const __m256i root = _mm256_set1_epi64x(0x3fe6a09e667f3bcd); /* sqrt(1/2) */
    const __m256i off = _mm256_sub_epi64(bits_of(x), root);
    const __m256i exponent = _mm256_and_si256(off, _mm256_set1_epi64x((long long)0xfff0000000000000));
    /* The 12 bits of the exponent read as a signed number, by way of 2^52 + (k + 2048). */
    const __m256i k_bits = _mm256_xor_si256(_mm256_srli_epi64(off, 52), _mm256_set1_epi64x(0x4330000000000800));
    const four k = with_bits(k_bits) - all(0x1p52 + 2048);
    const four m = with_bits(_mm256_sub_epi64(bits_of(x), exponent));
    const four f = m - all(1.0), s = f / (all(2.0) + f), half_f = all(0.5) * f;
    const four square = half_f * f, square_lo = _mm256_fmsub_pd(half_f, f, square);
    const pair near = add_exact(f, -square);
    const pair sum = add_exact(k * all(0x1.62e42feep-1), near.hi);
    four small = mul_add(s, square + log_rest(s * s), near.lo - square_lo);
    pair out;

    small = mul_add(k, all(0x1.a39ef35793c76p-33), small);
    out.hi = sum.hi;
    out.lo = sum.lo + small;
    return out;
}

/* What log is at and beyond the borders: 0, negative numbers, infinity, NaN; elsewhere y. `zero` is the pole. */
static inline four log_borders(four x, four zero, four y)
{
    y = pick(same(x, zero), all(-INFINITY), y);
    y = pick(below(x, zero), all(NAN), y);
    y = pick(same(x, all(INFINITY)), x, y);
    return pick(_mm256_cmp_pd(x, x, _CMP_UNORD_Q), x, y);
}

static inline four exp_four(four x) { return exp_pair(x).hi; }

static inline four log_four(four x)
{
    const four tiny = below(x, all(0x1p-1022));
    const pair y = log_pair(pick(tiny, x * all(0x1p54), x));
    /* Subnormal: 54 ln2 off again, added in the two parts that log_pair uses. */
    const pair shifted = add_exact(y.hi, all(-54 * 0x1.62e42feep-1));
    const four shifted_lo = shifted.lo + (y.lo - all(54 * 0x1.a39ef35793c76p-33));

    return log_borders(x, all(0.0), pick(tiny, shifted.hi + shifted_lo, y.hi + y.lo));
}

/* log(1 + x + x_lo) for x > -1 and finite, |x_lo| an ulp of x at most. With u = 1 + x rounded, what the rounding lost
 * enters as log(u + lost) = log(u) + lost / u. Of a small x too much would be lost: there it is x - x^2 / 2. */
static inline pair log1p_pair(four x, four x_lo)
{
    const pair u = add_exact_any(all(1.0), x);
    const pair y = log_pair(u.hi);
    const four small = below(magnitude(x), all(0x1p-30));
    pair out;

    out.hi = pick(small, x, y.hi);
    out.lo = pick(small, mul_from(x * x, all(0.5), x_lo), y.lo + (u.lo + x_lo) / u.hi);
    return out;
}

static inline four log1p_four(four x)
{
    const pair y = log1p_pair(x, all(0.0));
    /* The sum would turn -0 into 0. */
    const four sum = pick(same(x, all(0.0)), x, y.hi + y.lo);

    return log_borders(x, all(-1.0), sum);
}

/* With e = exp(-|x|): 1 / (1 + e) for x >= 0, e / (1 + e) below. */
static inline four sigmoid_four(four x)
{
    const four negative = below(x, all(0.0));
    const pair e = exp_pair(-magnitude(x)), d = add_exact(all(1.0), e.hi);
    const four d_lo = d.lo + e.lo, top = pick(negative, e.hi, all(1.0)), top_lo = pick(negative, e.lo, all(0.0));
    const four inverse = all(1.0) / d.hi, q = top * inverse;
    /* What q leaves over of top + top_lo, exactly in the first term. */
    const four left = mul_from(q, d.hi, top) + mul_from(q, d_lo, top_lo);

    return mul_add(left, inverse, q);
}

/* max(x, 0) + log(1 + exp(-|x|)) */
static inline four softplus_four(four x)
{
    const pair e = exp_pair(-magnitude(x)), y = log1p_pair(e.hi, e.lo);
    const pair sum = add_exact_any(pick(below(all(0.0), x), x, all(0.0)), y.hi);
    const four out = sum.hi + (sum.lo + y.lo);

    /* Infinity and NaN are their own answers; -infinity has gone to 0 by itself. */
    return pick(_mm256_cmp_pd(x, all(INFINITY), _CMP_NLT_UQ), x, out);
}

/* One scalar and one n-fold function from a four-fold one. The last n % 4 numbers go through a padded copy. */
#define ONE(name) \
    double tarn_##name(double x) { return _mm256_cvtsd_f64(name##_four(all(x))); }
#define MANY(name)                                                                                         \
    void tarn_##name##_n(size_t n, const double *x, double *out)                                           \
    {                                                                                                      \
        double last[LANES] = {0};                                                                          \
        size_t i = 0;                                                                                      \
                                                                                                           \
        for (; i + LANES <= n; i += LANES) _mm256_storeu_pd(out + i, name##_four(_mm256_loadu_pd(x + i))); \
        if (i == n) return;                                                                                \
        memcpy(last, x + i, (n - i) * sizeof *x);                                                          \
        _mm256_storeu_pd(last, name##_four(_mm256_loadu_pd(last)));                                        \
        memcpy(out + i, last, (n - i) * sizeof *x);                                                        \
    }

ONE(exp)
ONE(log)
ONE(log1p)
ONE(sigmoid)
ONE(softplus)
MANY(exp)
MANY(log)
MANY(sigmoid)
MANY(softplus)
