/* SPDX-License-Identifier: Apache-2.0 */
/* distribution.c - incomplete beta and gamma functions, and the distributions that are special cases of them.
 *
 * rest(x):       log Gamma(x + 1) - [(x + 1/2) log x - x + log sqrt(2 pi)], Stirling's error. From 10 on by its series;
 *                below, from rest(x) - rest(x + 1) = (x + 1/2) log(1 + 1/x) - 1.
 * deviance(x,m): x log(x / m) + m - x, by a series where x and m are close and the terms cancel.
 * With these two a density is exp of a few numbers that are small where it matters, so that no figures are lost for
 * large counts. The functions are then a series (gamma, x < a + 1) or a continued fraction times the density.
 *
 * Source: Loader, "Fast and accurate computation of binomial probabilities", 2000 (rest, deviance, densities); Press
 * et al., "Numerical Recipes", 3rd edition, sections 6.2 and 6.4 (continued fractions, by Lentz's method); Wichura,
 * "Algorithm AS 241", Applied Statistics 37, 1988 (normal quantile).
 */
#include "math/distribution.h"

#include "math/elementary.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#define LOG_SQRT_2PI 0.918938533204672741780329736406
#define TWO_PI       6.283185307179586476925286766559

enum { MOST_STEPS = 200000 };

static double polynomial(const double *c, int n, double x)
{
    double sum = c[n - 1];

    for (int i = n - 2; i >= 0; i--) sum = sum * x + c[i];
    return sum;
}

static double rest(double x)
{
    static const double series[] = {1.0 / 12,   -1.0 / 360,      1.0 / 1260, -1.0 / 1680,
                                    1.0 / 1188, -691.0 / 360360, 1.0 / 156,  -3617.0 / 122400};
    double sum = 0;

    for (; x < 10; x++) sum += (x + 0.5) * tarn_log1p(1 / x) - 1;
    return sum + polynomial(series, 8, 1 / (x * x)) / x;
}

static double deviance(double x, double m)
{
    double d = x - m, v = d / (x + m), sum = d * v, term = 2 * x * v;

    if (fabs(d) >= 0.1 * (x + m)) return x * tarn_log(x / m) + m - x;
    for (int j = 1; j < 1000; j++) {
        double before = sum;
        term *= v * v;
        sum += term / (2 * j + 1);
        if (!(sum > before || sum < before)) break;
    }
    return sum;
}

double tarn_log_gamma(double x)
{
    if (!(x > 0)) return NAN;
    if (x < 1e-5) return tarn_log_gamma(x + 1) - tarn_log(x); /* 1/x of rest() would drown the rest */
    return (x - 0.5) * tarn_log(x) - x + LOG_SQRT_2PI + rest(x);
}

/* x^a e^-x / Gamma(a + 1) */
static double poisson(double a, double x) { return tarn_exp(-rest(a) - deviance(a, x)) / sqrt(TWO_PI * a); }

static double gamma_series(double x, double a)
{
    double sum = 1, term = 1;

    for (int n = 1; n < MOST_STEPS && term > sum * 0x1p-56; n++) {
        term *= x / (a + n);
        sum += term;
    }
    return sum * poisson(a, x);
}

static double not_zero(double x) { return fabs(x) < 1e-300 ? 1e-300 : x; }

static double gamma_fraction(double x, double a)
{
    double b = x + 1 - a, c = 1e300, d = 1 / not_zero(b), h = d;

    for (int i = 1; i < MOST_STEPS; i++) {
        double an = -i * (i - a);
        b += 2;
        d = 1 / not_zero(an * d + b);
        c = not_zero(b + an / c);
        h *= d * c;
        if (fabs(d * c - 1) < 0x1p-52) break;
    }
    return h * a * poisson(a, x);
}

double tarn_gamma_below(double x, double a)
{
    if (!(a > 0 && x >= 0)) return NAN;
    if (x <= 0) return 0;
    if (isinf(x)) return 1;
    return x < a + 1 ? gamma_series(x, a) : 1 - gamma_fraction(x, a);
}

double tarn_gamma_above(double x, double a)
{
    if (!(a > 0 && x >= 0)) return NAN;
    if (x <= 0) return 1;
    if (isinf(x)) return 0;
    return x < a + 1 ? 1 - gamma_series(x, a) : gamma_fraction(x, a);
}

/* 1 / (b_1 + a_2 / (b_2 + ...)) of I_x(a, b), x + y = 1, without the density: the even part of the classical fraction,
 * in which y keeps the figures that 1 - x would lose (Didonato & Morris 1992, ACM Trans. Math. Softw. 18, equation 9).
 */
static double beta_fraction(double a, double b, double x, double y)
{
    double f = not_zero(a / (a + 1) * (a * y - b * x + 1)), c = f, d = 0;

    for (int m = 1; m < MOST_STEPS; m++) {
        double s = a + 2 * m - 1;
        double top = (a + m - 1) / s * ((a + b + m - 1) / s) * m * (b - m) * x * x;
        double side = m + m * (b - m) * x / s + (a + m) / (s + 2) * (a * y - b * x + 1 + m * (1 + y));
        d = 1 / not_zero(side + top * d);
        c = not_zero(side + top / c);
        f *= c * d;
        if (fabs(c * d - 1) < 0x1p-52) break;
    }
    return 1 / f;
}

/* I_x(a, b), x + y = 1: the smaller of the two is the one that has its figures. */
static double beta(double a, double b, double x, double y)
{
    double n = a + b;

    if (!(a > 0 && b > 0 && x >= 0 && y >= 0)) return NAN;
    if (x <= 0) return 0;
    if (y <= 0) return 1;
    double density =
        sqrt(a * b / (TWO_PI * n)) * tarn_exp(rest(n) - rest(a) - rest(b) - deviance(a, n * x) - deviance(b, n * y));
    if (x < (a + 1) / (n + 2)) return density * beta_fraction(a, b, x, y);
    return 1 - density * beta_fraction(b, a, y, x);
}

double tarn_beta_below(double x, double a, double b) { return beta(a, b, x, 1 - x); }

double tarn_normal_below(double z)
{
    return isnan(z) ? NAN : z < 0 ? tarn_gamma_above(z * z / 2, 0.5) / 2 : 0.5 + tarn_gamma_below(z * z / 2, 0.5) / 2;
}

double tarn_normal_above(double z) { return tarn_normal_below(-z); }

double tarn_normal_quantile(double p)
{
    static const double a[] = {3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
                               1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                               3.3430575583588128105e+4, 2.5090809287301226727e+3};
    static const double b[] = {1,
                               4.2313330701600911252e+1,
                               6.8718700749205790830e+2,
                               5.3941960214247511077e+3,
                               2.1213794301586595867e+4,
                               3.9307895800092710610e+4,
                               2.8729085735721942674e+4,
                               5.2264952788528545610e+3};
    static const double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                               3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                               2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[] = {1,
                               2.05319162663775882187e0,
                               1.67638483018380384940e0,
                               6.89767334985100004550e-1,
                               1.48103976427480074590e-1,
                               1.51986665636164571966e-2,
                               5.47593808499534494600e-4,
                               1.05075007164441684324e-9};
    static const double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                               2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                               2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[] = {1,
                               5.99832206555887937690e-1,
                               1.36929880922735805310e-1,
                               1.48753612908506148525e-2,
                               7.86869131145613259100e-4,
                               1.84631831751005468180e-5,
                               1.42151175831644588870e-7,
                               2.04426310338993978564e-15};
    double q = p - 0.5, r = q < 0 ? p : 1 - p;

    if (!(p >= 0 && p <= 1)) return NAN;
    if (fabs(q) <= 0.425) {
        r = 0.180625 - q * q;
        return q * polynomial(a, 8, r) / polynomial(b, 8, r);
    }
    if (r <= 0) return q < 0 ? -INFINITY : INFINITY;
    r = sqrt(-tarn_log(r));
    double z = r <= 5 ? polynomial(c, 8, r - 1.6) / polynomial(d, 8, r - 1.6)
                      : polynomial(e, 8, r - 5) / polynomial(f, 8, r - 5);
    return q < 0 ? -z : z;
}

double tarn_t_beyond(double t, double df)
{
    if (!(df > 0) || isnan(t)) return NAN;
    if (isinf(t)) return 0;
    double t2 = t * t;
    return beta(df / 2, 0.5, df / (df + t2), t2 / (df + t2));
}

double tarn_f_above(double f, double df1, double df2)
{
    if (!(df1 > 0 && df2 > 0 && f >= 0)) return NAN;
    if (isinf(f)) return 0;
    double a = df1 * f;
    return beta(df2 / 2, df1 / 2, df2 / (df2 + a), a / (df2 + a));
}

double tarn_chi2_above(double x, double df) { return tarn_gamma_above(x / 2, df / 2); }

double tarn_binomial_below(double k, double n, double p)
{
    if (!(n >= 0 && p >= 0 && p <= 1) || isnan(k)) return NAN;
    if (k < 0) return 0;
    if (k >= n) return 1;
    return beta(n - k, k + 1, 1 - p, p);
}

typedef double tail_fn(double x, double parameter);

/* The x >= 0 at which the falling tail is q: halving until two neighbouring numbers are left. */
static double invert(tail_fn *tail, double parameter, double q)
{
    double low = 0, high = 1;

    while (high < 1e300 && tail(high, parameter) > q) high *= 2;
    for (int i = 0; i < 2000; i++) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high) break;
        if (tail(middle, parameter) > q) low = middle;
        else high = middle;
    }
    return high;
}

double tarn_t_quantile(double p, double df)
{
    if (!(p >= 0 && p <= 1 && df > 0)) return NAN;
    if (p <= 0 || p >= 1) return p <= 0 ? -INFINITY : INFINITY;
    double tail = p < 0.5 ? p : 1 - p, t = tail >= 0.5 ? 0 : invert(tarn_t_beyond, df, 2 * tail);
    return p < 0.5 ? -t : t;
}

/* k times the integral over the lowest value z of density(z) [below(z + q) - below(z)]^(k - 1): by the trapezoid rule,
 * whose error falls faster than any power of the step for such functions. */
static double range_below(double q, int k)
{
    const double step = 1.0 / 16;
    double sum = 0;

    for (int i = -160; i <= 160; i++) {
        double z = i * step, inside = tarn_normal_below(z + q) - tarn_normal_below(z), power = 1;
        for (int j = 1; j < k; j++) power *= inside;
        sum += tarn_exp(-z * z / 2) * power;
    }
    return k * sum * step / sqrt(TWO_PI);
}

double tarn_range_above(double q, int k)
{
    if (!(q >= 0) || k < 2) return NAN;
    double below = range_below(q, k);
    return below < 1 ? 1 - below : 0;
}

static double range_tail(double q, double k) { return tarn_range_above(q, (int)k); }

double tarn_range_quantile(double p, int k)
{
    if (!(p >= 0 && p < 1) || k < 2) return NAN;
    return invert(range_tail, k, 1 - p);
}
