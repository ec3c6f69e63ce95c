/* SPDX-License-Identifier: Apache-2.0 */
/* elementary.h - exp, log and their kin with the same bits on every machine.
 *
 * The C library picks an implementation by processor, so its last bit may differ between two machines; a model that
 * was trained with it could not be reproduced. These are plain arithmetic with explicit fused multiply-add.
 *
 * Threads: any.
 *
 * Example (compiled by make check-docs):
 *
 *     // Mean log-loss of margins f against labels y in {0, 1}; t is scratch of n.
 *     double log_loss(size_t n, const double *f, const double *y, double *t)
 *     {
 *         double sum = 0;
 *
 *         tarn_softplus_n(n, f, t);
 *         for (size_t i = 0; i < n; i++) sum += t[i] - y[i] * f[i];
 *         return sum / (double)n;
 *     }
 */
#ifndef TARN_MATH_ELEMENTARY_H
#define TARN_MATH_ELEMENTARY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Within 1 unit in the last place of the true value; NaN, infinities, zeros, subnormal results as in C's <math.h>
 * (but no errno). */
double tarn_exp(double x);
double tarn_log(double x);   /* x < 0: NaN; 0: -infinity */
double tarn_log1p(double x); /* x < -1: NaN; -1: -infinity; keeps the sign of zero */
/* 1 / (1 + exp(-x)), without overflow. */
double tarn_sigmoid(double x);
/* log(1 + exp(x)), without overflow. */
double tarn_softplus(double x);

/* The same numbers to the bit, n at a time, about four times as fast. out may be x; otherwise they must not overlap. */
void tarn_exp_n(size_t n, const double *x, double *out);
void tarn_log_n(size_t n, const double *x, double *out);
void tarn_sigmoid_n(size_t n, const double *x, double *out);
void tarn_softplus_n(size_t n, const double *x, double *out);

#ifdef __cplusplus
}
#endif
#endif
