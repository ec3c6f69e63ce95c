/* SPDX-License-Identifier: Apache-2.0 */
/* curve.h - what every possible threshold would do: the exact curve behind ROC, precision-recall and profit.
 *
 * One point per distinct score, highest first; equal scores fall together. Figures are computed on all points;
 * tarn_thin then chooses those worth drawing.
 */
#ifndef TARN_ASSESS_CURVE_H
#define TARN_ASSESS_CURVE_H

#include "assess/assess.h"

typedef struct tarn_curve {
    int64_t n;
    double *threshold;           /* (n) falling; a row is flagged when its score is at or above */
    double *tp, *fp;             /* (n) weight of flagged rows that are of the class, and that are not */
    double positives, negatives; /* weight of all rows that are, and are not */
} tarn_curve;

/* The curve of one class against the others (BINARY: class 1). Rows of weight 0 are left out.
 * Start with {0}; tarn_curve_clear in any case. Cost: O(n). */
TARN_MUST tarn_code tarn_curve_make(const tarn_judged *j, int class, tarn_curve *out, tarn_err *err);
void tarn_curve_clear(tarn_curve *c);
/* The same in two parts: memory for rows, and the curve in it from the rows by rising score. */
TARN_MUST tarn_code tarn_curve_allocate(int64_t rows, tarn_curve *c, tarn_err *err);
void tarn_curve_draw(const tarn_judged *j, int class, const uint32_t *order, tarn_curve *c);

/* Area under the ROC curve by trapezoids; NaN with one class only. */
double tarn_curve_roc_area(const tarn_curve *c);
/* Average precision: the sum over thresholds of (gain in recall) x precision; 0 without positives. */
double tarn_curve_average_precision(const tarn_curve *c);

/* What the plug-ins compute: the area of class 1 for BINARY, else the mean over all classes. */
typedef double tarn_area_fn(const tarn_curve *c);
TARN_MUST tarn_code tarn_curve_area(const tarn_judged *j, tarn_area_fn *area, double *out, tarn_err *err);

/* The same, but the mean counts each class by its rows. */
TARN_MUST tarn_code tarn_curve_weighted(const tarn_judged *j, tarn_area_fn *area, double *out, tarn_err *err);
/* Weight of true rows among the share (0 to 1) of rows with the highest scores; of rows with one score, as many as a
 * random choice among them would be expected to give. */
double tarn_curve_captured(const tarn_curve *c, double share);

/* Choose at most `most` (2 or more) of n points so that the line through them stays close to the line through all:
 * first and last always, points on a straight run never, then by falling distance from the line drawn so far. Distances
 * are measured with both axes scaled to 1; the lower of equals goes first.
 *
 * keep (most) out, rising; *kept out
 * After: Douglas & Peucker, "Algorithms for the reduction of the number of points", Cartographica 10(2), 1973
 */
TARN_MUST tarn_code tarn_thin(const double *x, const double *y, int64_t n, int most, int64_t *keep, int *kept,
                              tarn_err *err);

#endif
