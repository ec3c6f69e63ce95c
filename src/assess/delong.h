/* SPDX-License-Identifier: Apache-2.0 */
/* delong.h - areas under ROC curves with their variances, of one model or of two on the same rows. */
#ifndef TARN_ASSESS_DELONG_H
#define TARN_ASSESS_DELONG_H

#include "assess/assess.h"

typedef struct tarn_delong {
    double area[2];
    double variance[2], covariance; /* of the areas */
} tarn_delong;

/* b may be NULL. BINARY rows without weights; NaN where a class has less than two rows.
 *
 * Cost:   O(n) after one sort of the scores of each model
 * Source: DeLong, DeLong, Clarke-Pearson, Biometrics 44(3), 1988; Sun & Xu, "Fast implementation of DeLong's
 * algorithm", IEEE Signal Processing Letters 21(11), 2014 */
TARN_MUST tarn_code tarn_delong_make(const tarn_judged *a, const tarn_judged *b, tarn_delong *out, tarn_err *err);

#endif
