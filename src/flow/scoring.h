/* SPDX-License-Identifier: Apache-2.0 */
/* scoring.h - one part of a split table put through a model: what learning and judging share. */
#ifndef TARN_FLOW_SCORING_H
#define TARN_FLOW_SCORING_H

#include "assess/assess.h"
#include "flow/stage.h"
#include "prepare/prepare.h"

/* The rows of table `path` that "prepare/split.parts" puts in `part`, ascending; tarn_free(*rows). */
TARN_MUST tarn_code tarn_part_rows(const tarn_stage_job *job, int64_t table_rows, tarn_part part, int64_t **rows,
                                   int64_t *n, tarn_err *err);

/* Predictions and labels of some rows; clear with tarn_scored_clear. judged points into it. */
typedef struct tarn_scored {
    tarn_arena *texts;
    double *fields, *p, *y;
    const char **classes;
    double *weight;   /* NULL: 1 each */
    int64_t *group;   /* NULL: no queries */
    int64_t *cluster; /* NULL: no rows depend on each other, but for those of a query */
    tarn_judged judged;
} tarn_scored;
TARN_MUST tarn_code tarn_score(const tarn_model *m, tarn_pool *pool, const tarn_columns *c, const int64_t *rows,
                               int64_t n, tarn_scored *out, tarn_err *err);
void tarn_scored_clear(tarn_scored *s);

/* Which of some rows depend on each other: those with the same value of the column by whose groups the rows were split.
 * (n) numbers, tarn_free(*out). Errors: TARN_INVALID there is no such column, or a row has no value. */
TARN_MUST tarn_code tarn_row_clusters(const tarn_columns *c, const char *column, const int64_t *rows, int64_t n,
                                      int64_t **out, tarn_err *err);

/* Put "importance" [{"name", "share"}] into report, one entry per input; empty if the model stores none. */
TARN_MUST tarn_code tarn_put_importance(const tarn_model *m, json_t *report, tarn_err *err);
/* Costs as the project declares them; given is false when j is NULL. */
tarn_costs tarn_costs_of(const json_t *j);

#endif
