/* SPDX-License-Identifier: Apache-2.0 */
/* paired.h - what tests of two models' scores on the same sets share. */
#ifndef TARN_ASSESS_PAIRED_H
#define TARN_ASSESS_PAIRED_H

#include "assess/assess.h"

/* t = mean difference / sqrt(variance of the differences x factor), with its interval; puts df into more. */
TARN_MUST tarn_code tarn_paired_t(const tarn_contest *c, double factor, tarn_outcome *out, json_t *more, tarn_err *err);

/* 5 x 2 cross-validation: score 2 i + j is fold j of repetition i. d (10) out, the differences; out->difference is
 * their mean. TARN_INVALID: there are not ten. */
TARN_MUST tarn_code tarn_paired_52(const tarn_contest *c, double d[10], tarn_outcome *out, tarn_err *err);
/* Sum of squared distances of the two differences of a repetition from their mean. */
double tarn_paired_spread(const double d[10], int repetition);

#endif
