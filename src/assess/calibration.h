/* SPDX-License-Identifier: Apache-2.0 */
/* calibration.h - what was said to be likely, beside what came true. */
#ifndef TARN_ASSESS_CALIBRATION_H
#define TARN_ASSESS_CALIBRATION_H

#include "assess/assess.h"

enum { TARN_CALIBRATION_BINS = 10 };

/* Sums per bin of stated probability; bin b holds (b / 10, (b + 1) / 10], the first also 0. BINARY: the probability of
 * class 1 and whether it was class 1; MULTICLASS: the probability of the predicted class and whether it was right. */
typedef struct tarn_calibration {
    double weight[TARN_CALIBRATION_BINS];
    double stated[TARN_CALIBRATION_BINS];    /* sum of weight x probability */
    double came_true[TARN_CALIBRATION_BINS]; /* weight of rows where it came true */
} tarn_calibration;

void tarn_calibration_make(const tarn_judged *j, tarn_calibration *out);

#endif
