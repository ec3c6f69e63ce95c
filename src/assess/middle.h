/* SPDX-License-Identifier: Apache-2.0 */
/* middle.h - medians over rows: without weights the mean of the two middle values, with weights the first value at
 * which the weights so far reach half of all (as scikit-learn has it). */
#ifndef TARN_ASSESS_MIDDLE_H
#define TARN_ASSESS_MIDDLE_H

#include "assess/assess.h"

/* Median of |y - p|. */
TARN_MUST tarn_code tarn_middle_error(const tarn_judged *j, double *out, tarn_err *err);
/* Median of y. */
TARN_MUST tarn_code tarn_middle_truth(const tarn_judged *j, double *out, tarn_err *err);

#endif
