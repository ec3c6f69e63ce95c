/* SPDX-License-Identifier: Apache-2.0 */
/* distribution.h - probabilities of the distributions that intervals and tests rest on.
 *
 * "Below" is the chance of that value or less, "above" the chance of more (the same for continuous ones); each tail is
 * computed by itself, so that small chances keep their figures. Made from tarn_exp and tarn_log, so the bits are the
 * same on every machine. Within 1e-12 of the true value, relatively, for chances above 1e-300 (binomial, beta: for
 * counts up to 1e6); arguments outside of the domain give NaN.
 *
 * Threads: any.
 *
 * Example (compiled by make check-docs):
 *
 *     // How likely is a difference this large, or larger, in either direction, if there were none?
 *     double two_sided(double z) { return 2 * tarn_normal_above(z < 0 ? -z : z); }
 */
#ifndef TARN_MATH_DISTRIBUTION_H
#define TARN_MATH_DISTRIBUTION_H

#ifdef __cplusplus
extern "C" {
#endif

/* log Gamma(x), x > 0; the error is some 1e-15 of the larger of 1 and the value. */
double tarn_log_gamma(double x);
/* The regularised incomplete beta function I_x(a, b); a, b > 0. */
double tarn_beta_below(double x, double a, double b);
/* The regularised incomplete gamma functions P(a, x) and Q(a, x) = 1 - P; a > 0, x >= 0. */
double tarn_gamma_below(double x, double a);
double tarn_gamma_above(double x, double a);

double tarn_normal_below(double z);
double tarn_normal_above(double z);
double tarn_normal_quantile(double p); /* 0 and 1 give the infinities */

/* Student's t: the chance of |T| > |t|. df > 0 need not be whole. */
double tarn_t_beyond(double t, double df);
double tarn_t_quantile(double p, double df);
double tarn_f_above(double f, double df1, double df2);
double tarn_chi2_above(double x, double df);
/* Chance of at most k among n tries of chance p; k and n whole numbers. */
double tarn_binomial_below(double k, double n, double p);

/* The range of k standard normal values: the studentised range with infinitely many degrees of freedom. The error is
 * some 1e-14, not relative. k is 2 or more. */
double tarn_range_above(double q, int k);
double tarn_range_quantile(double p, int k);

#ifdef __cplusplus
}
#endif
#endif
