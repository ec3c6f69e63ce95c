/* SPDX-License-Identifier: Apache-2.0 */
/* confusion.h - who was taken for whom: the table from which all figures of decisions follow. */
#ifndef TARN_ASSESS_CONFUSION_H
#define TARN_ASSESS_CONFUSION_H

#include "assess/assess.h"

typedef struct tarn_confusion {
    int classes;
    double *cells;             /* (classes, classes) weight of rows: true class, predicted class */
    double *truth, *predicted; /* (classes) sums of lines and of columns */
    double total;
} tarn_confusion;

/* The class that is predicted for a row: BINARY by the threshold, MULTICLASS the likeliest (the first of equals). */
int tarn_judged_class(const tarn_judged *j, int64_t row);

/* Start with {0}; tarn_confusion_clear in any case. */
TARN_MUST tarn_code tarn_confusion_make(const tarn_judged *j, tarn_confusion *out, tarn_err *err);
void tarn_confusion_clear(tarn_confusion *c);

/* Figures of one class against all others. 0 where there is nothing to divide by. */
double tarn_confusion_precision(const tarn_confusion *c, int class);
double tarn_confusion_recall(const tarn_confusion *c, int class);
double tarn_confusion_specificity(const tarn_confusion *c, int class);
/* Rows that are and are predicted, among those that are or are predicted. */
double tarn_confusion_jaccard(const tarn_confusion *c, int class);
/* (1 + b^2) P R / (b^2 P + R) */
double tarn_confusion_fbeta(const tarn_confusion *c, int class, double beta);

/* What the plug-ins compute: the figure of class 1 for BINARY, else its mean over the classes that occur among labels
 * or predictions. */
typedef double tarn_rate_fn(const tarn_confusion *c, int class);
TARN_MUST tarn_code tarn_confusion_rate(const tarn_judged *j, tarn_rate_fn *rate, double *out, tarn_err *err);
/* The same for a figure of the whole table. */
typedef double tarn_whole_fn(const tarn_confusion *c);
TARN_MUST tarn_code tarn_confusion_whole(const tarn_judged *j, tarn_whole_fn *whole, double *out, tarn_err *err);

/* Mean of the figures of the classes, each counting by the weight of rows that truly are of it. */
TARN_MUST tarn_code tarn_confusion_weighted(const tarn_judged *j, tarn_rate_fn *rate, double *out, tarn_err *err);
/* For the slot `share` of a metric. */
typedef void tarn_share_fn(const tarn_confusion *c, double *part, double *whole);
TARN_MUST tarn_code tarn_confusion_share(const tarn_judged *j, tarn_share_fn *share_of, double *part, double *whole,
                                         tarn_err *err);

#endif
