/* SPDX-License-Identifier: Apache-2.0 */
/* elementary.h - exp, log and their kin with the same bits on every machine.
 *
 * The C library picks an implementation by processor, so its last bit may differ between two machines; a model that
 * was trained with it could not be reproduced. These are plain arithmetic with explicit fused multiply-add.
 */
#ifndef TARN_MATH_ELEMENTARY_H
#define TARN_MATH_ELEMENTARY_H

#include <stddef.h>

/* Within 1 unit in the last place of the true value; NaN, infinities, zeros, subnormal results as in C's <math.h>. */
double tarn_exp(double x);
double tarn_log(double x);   /* x < 0: NaN; 0: -infinity */
double tarn_log1p(double x);
/* 1 / (1 + exp(-x)), without overflow. */
double tarn_sigmoid(double x);
/* log(1 + exp(x)), without overflow. */
double tarn_softplus(double x);

/* The same numbers, n at a time. out may be x. */
void tarn_exp_n(size_t n, const double *x, double *out);
void tarn_sigmoid_n(size_t n, const double *x, double *out);

#endif
