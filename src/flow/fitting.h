/* SPDX-License-Identifier: Apache-2.0 */
/* fitting.h - one candidate, fitted to some rows of a table and judged on others: what the stages of training share. */
#ifndef TARN_FLOW_FITTING_H
#define TARN_FLOW_FITTING_H

#include "flow/scoring.h"
#include "flow/stage.h"
#include "train/train.h"

/* What a candidate is: a table, its features and target, steps, an estimator with settings, weights and queries. */
typedef struct tarn_fitting {
    const tarn_stage_job *job;
    const json_t *spec; /* parameters of a step `learn`, less its settings */
    const tarn_algo *algo;
    void *params;
    tarn_columns *data;
    const char **features;
    tarn_step_use *steps;
    size_t n_steps;
    tarn_task task;
    int weight, group; /* columns of data; -1: none */
} tarn_fitting;

/* spec and settings (of the estimator, as tarn_settings_from_yaml makes them) are borrowed. Close it after a failure,
 * too. Errors: TARN_INVALID names the setting or column. */
TARN_MUST tarn_code tarn_fitting_open(const tarn_stage_job *job, const json_t *spec, const json_t *settings,
                                      tarn_fitting *f, tarn_err *err);
void tarn_fitting_close(tarn_fitting *f);
/* For judging a model alone: only spec's weight, group and cluster are heeded, data is borrowed; nothing is to be
 * closed. */
TARN_MUST tarn_code tarn_fitting_judge(const tarn_stage_job *job, tarn_columns *data, tarn_fitting *f, tarn_err *err);

/* What came of it. */
typedef struct tarn_learned {
    tarn_prepared *prepared;
    tarn_fitted fitted;
    tarn_model *model; /* with a threshold of 0.5 */
} tarn_learned;

/* Learning on: rows that the preparation is fitted on, where they are not those to learn from, and what the estimator
 * left in fitted.state before (len 0: nothing, a first fit). */
typedef struct tarn_going_on {
    const int64_t *prepare;
    int64_t n_prepare;
    const void *before;
    size_t before_len;
} tarn_going_on;

/* Prepare and learn from rows[n] (ascending row numbers of the table), stopping early by valid[n_valid] (may be none).
 * Rows weigh what `weight` says times what `class_weight` says. With `on`, fitted.state is filled. *out is empty after
 * a failure. */
TARN_MUST tarn_code tarn_fitting_learn(const tarn_fitting *f, const int64_t *rows, int64_t n, const int64_t *valid,
                                       int64_t n_valid, const tarn_going_on *on, tarn_learned *out, tarn_err *err);
void tarn_learned_clear(tarn_learned *l);

/* Predictions for rows[n], with the rows' weights, queries and clusters, to be judged; members of a query come
 * together. */
TARN_MUST tarn_code tarn_fitting_score(const tarn_fitting *f, const tarn_model *m, const int64_t *rows, int64_t n,
                                       tarn_scored *out, tarn_err *err);

#endif
