/* SPDX-License-Identifier: Apache-2.0 */
/* cross.h - cross-validation of a candidate, and of a search among settings. */
#ifndef TARN_FLOW_CROSS_H
#define TARN_FLOW_CROSS_H

#include "flow/fitting.h"

/* Folds as the candidate's specification declares them (params->n is 0 if it declares none). */
TARN_MUST tarn_code tarn_cross_folds(const tarn_fitting *f, tarn_fold_params *out, tarn_err *err);

/* Learn without each fold, judge on it. *out (decref): {"n", "repeats", "by", "test_share", "metrics": {name:
 * {"mean", "low", "high", "each": []}}}; NULL if no folds are declared. each: fold by fold, repetition by repetition;
 * test_share: rows judged on per row learned from. low to high is where the mean lies in 95 of 100 cases: Student's t
 * with a variance that allows for folds sharing the rows they learn from.
 *
 * Source: Nadeau, Bengio, Machine Learning 52, 2003. Errors: those of fitting; TARN_INVALID the folds do not suit */
TARN_MUST tarn_code tarn_cross_validate(const tarn_fitting *f, const int64_t *rows, int64_t n, json_t **out,
                                        tarn_err *err);

/* One figure: the mean of metric over the folds of rows, or, without folds, on the rows valid. The latter stop early in
 * either case. NaN where it is not defined. */
TARN_MUST tarn_code tarn_cross_figure(const tarn_fitting *f, const tarn_metric *metric, const int64_t *rows, int64_t n,
                                      const int64_t *valid, int64_t n_valid, double *out, tarn_err *err);

/* What the search itself is worth: without each fold, all settings (array) are tried by cross-validation of the
 * remaining rows, the best is fitted to these, and judged on the fold. As tarn_cross_validate gives it, and "chosen":
 * the number of the settings that each fold chose. Costs folds^2 fits for each of the settings. */
TARN_MUST tarn_code tarn_cross_nested(const tarn_stage_job *job, const json_t *spec, const json_t *settings,
                                      const tarn_metric *metric, const int64_t *rows, int64_t n, json_t **out,
                                      tarn_err *err);

#endif
