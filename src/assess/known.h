/* SPDX-License-Identifier: Apache-2.0 */
/* known.h - what metrics remember, so that judging the same rows with other weights costs one pass over them.
 *
 * Resampling judges the same rows hundreds of times; only the weights differ. tarn_facts holds what the weights do not
 * touch: predicted classes, orders, what each loss says of each row, groups. tarn_known holds what follows from one set
 * of weights, so that twenty figures of one confusion table make it once.
 *
 * Order of calls: tarn_facts_new; tarn_known_new for the first time; compute every metric that will be asked, by which
 * the facts become complete; tarn_facts_settle. From then on any number of tarn_known, one per thread, read the facts.
 * Then sums are made in several lanes, and their last digits may differ from those of the first time. A metric computed
 * with j->known NULL, or after tarn_facts_settle without having been asked before, is right as well,
 * just slower.
 */
#ifndef TARN_ASSESS_KNOWN_H
#define TARN_ASSESS_KNOWN_H

#include "assess/confusion.h"
#include "assess/curve.h"
#include "assess/ranking.h"
#include "assess/sum.h"

enum { TARN_KNOWN_LOSSES = 24 };

typedef struct tarn_facts {
    bool learning;
    int curves;     /* 1 for BINARY, the number of classes for MULTICLASS, else 0; 0 also if they would take too much */
    int32_t *class; /* (rows) predicted; NULL for REGRESSION */
    uint32_t **order; /* (curves) rows by rising score */
    uint32_t *
        *point; /* (curves) of each place in order: the point of the curve that it belongs to, counted from the top */
    int losses;
    tarn_loss_fn *loss[TARN_KNOWN_LOSSES];
    double *said[TARN_KNOWN_LOSSES]; /* (rows) */
    double *off;                     /* (rows) |y - p|, and rows by it: for the median */
    uint32_t *off_order, *y_order;
    tarn_groups groups; /* n 0: not made */
} tarn_facts;

typedef struct tarn_known {
    tarn_facts *facts;
    bool confused, weighed, *drawn; /* whether these hold for the present weights */
    double weight;                  /* of all rows */
    tarn_confusion confusion;
    tarn_curve *curve; /* (facts->curves) */
} tarn_known;

TARN_MUST tarn_code tarn_facts_new(const tarn_judged *j, tarn_facts **out, tarn_err *err);
void tarn_facts_settle(tarn_facts *f);
void tarn_facts_free(tarn_facts *f);

TARN_MUST tarn_code tarn_known_new(tarn_facts *facts, int64_t rows, tarn_known **out, tarn_err *err);
/* The weights are others now. */
void tarn_known_forget(tarn_known *k);
void tarn_known_free(tarn_known *k);

/* *out is the remembered one, or *own if nothing is remembered (start with {0}; the caller clears own in any case). */
TARN_MUST tarn_code tarn_known_confusion(const tarn_judged *j, tarn_confusion *own, const tarn_confusion **out,
                                         tarn_err *err);
TARN_MUST tarn_code tarn_known_curve(const tarn_judged *j, int class, tarn_curve *own, const tarn_curve **out,
                                     tarn_err *err);
TARN_MUST tarn_code tarn_known_groups(const tarn_judged *j, tarn_groups *own, const tarn_groups **out, tarn_err *err);

#endif
