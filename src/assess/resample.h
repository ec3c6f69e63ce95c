/* SPDX-License-Identifier: Apache-2.0 */
/* resample.h - judge the same rows again and again, drawn with replacement or with a few left out.
 *
 * A unit is a row, or all rows of a cluster or group where there are any. Round r of the draws takes as many units n as
 * there are: draw i is (n x v) / 2^32, v number i % 4 of tarn_philox(seed, TARN_STREAM_BOOTSTRAP, r, i / 4), so that
 * the chance of a unit is off by n / 2^32 of itself at most; above 2^20 units, the same with two numbers of 64 bits.
 * The draws depend on seed and number of units alone, whatever the threads, and two models judged together see the same
 * rows.
 *
 * Source: Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 and 14.
 */
#ifndef TARN_ASSESS_RESAMPLE_H
#define TARN_ASSESS_RESAMPLE_H

#include "assess/assess.h"

typedef struct tarn_trial {
    const tarn_judged *judged[2]; /* the same rows; [1] NULL: one model only */
    const tarn_metric *const *metric;
    int metrics;
    int resamples;  /* rounds that draw */
    int leave_outs; /* rounds that leave units out, after those: round k leaves out those whose number is k modulo it */
    uint64_t seed;
} tarn_trial;

/* Which rows are one unit, by number; NULL: each is its own. */
static inline const int64_t *tarn_judged_unit(const tarn_judged *j) { return j->cluster ? j->cluster : j->group; }
/* Each row counts once and stands alone, as formulas take for granted that need no draws. */
static inline bool tarn_judged_plain(const tarn_judged *j) { return !j->weight && !tarn_judged_unit(j); }

/* How many units there are. */
TARN_MUST tarn_code tarn_resample_units(const tarn_judged *j, int64_t *units, tarn_err *err);

/* value (models, metrics) out, of all rows; may be NULL
 * out (resamples + leave_outs, models, metrics) out; NaN where it is not defined in a round, and in all if the rows are
 * one cluster: nothing tells how another would be
 * Cost: O(rows) per round and metric, without sorting; memory O(rows) per thread */
TARN_MUST tarn_code tarn_resample(const tarn_trial *trial, tarn_pool *pool, double *value, double *out, tarn_err *err);

/* What `how` leaves open, by rows and outputs. */
tarn_resampling tarn_resampling_of(const tarn_resampling *how, const tarn_judged *j);

/* Every stride-th of n numbers from x on, the undefined ones left out, rising; *kept how many. tarn_free(*out). */
TARN_MUST tarn_code tarn_resample_sorted(const double *x, int64_t n, int64_t stride, double **out, int64_t *kept,
                                         tarn_err *err);
/* Quantile of rising numbers, between two by a straight line (numpy's default); NaN for n 0. */
double tarn_quantile(const double *rising, int64_t n, double q);
/* Percentile interval of rounds; NaN where less than half of them are defined. */
TARN_MUST tarn_code tarn_resample_interval(const double *x, int64_t n, int64_t stride, double level, double *low,
                                           double *high, tarn_err *err);

#endif
