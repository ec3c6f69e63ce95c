/* SPDX-License-Identifier: Apache-2.0 */
/* prepare: stage 3. In: committed tables. Out: clean, joined, split rows; fitted nodes and a matrix.
 *
 * Three jobs, in the order of a run:
 *   cleanse  rules over one table, each repair counted (SQL underneath, nothing silent);
 *   split    rows into train, valid, test and holdout, by time, at random, stratified or by group,
 *            with a leak check; the same seed and rows give the same split, to the row;
 *   fit      preparation steps (impute, scale, onehot, dateparts), fitted on train rows only, as
 *            nodes of the model's graph: what serving runs is what training ran.
 */
#ifndef TARN_PREPARE_H
#define TARN_PREPARE_H

#include "base/json.h"
#include "base/param.h"
#include "base/sink.h"
#include "comm/comm.h"
#include "model/graph.h"
#include "table/table.h"

/* ---- cleanse ---- */

/* One repair rule on one table. Strings are borrowed; unused ones are NULL. */
typedef struct tarn_repair {
    const char *kind;    /* a name of the repair table: missing, range, duplicates, category */
    const char *columns; /* comma-separated; empty: all that the rule suits */
    const char *action;  /* missing: drop_row | value | median | mode; range: null | clip | drop_row;
                            duplicates: drop (keeps the first by `order`); category: spelling */
    const char *value;   /* missing/value: the value; */
    double least, most;  /* range; NaN: open */
    const char *order;   /* duplicates: columns that decide which row is first */
    const char *map;     /* category: JSON object {"variant": "proper"}; NULL: fold case and space to the most frequent spelling */
    int line, column;
} tarn_repair;
/* Replace SQL table `table` of db by its repaired form. *report: array of {rule, column, found, repaired,
 * action, examples}; caller decrefs. */
TARN_MUST tarn_code tarn_cleanse(tarn_db *db, const char *table, const tarn_repair *repairs, int n, json_t **report,
                                 tarn_err *err);

/* ---- split ---- */

typedef enum tarn_part { TARN_TRAIN, TARN_VALID, TARN_TEST, TARN_HOLDOUT, TARN_PARTS } tarn_part;
const char *tarn_part_name(tarn_part part); /* train, valid, test, holdout */

typedef struct tarn_split_params {
    int by;             /* words: random, stratified, time, group */
    char column[128];   /* time or group or stratum; empty for random */
    char valid_from[40], test_from[40], holdout_from[40]; /* by time: first moment or value of each part; empty: no such part */
    double valid, test, holdout;                           /* else: shares */
    int64_t seed;
} tarn_split_params;
extern const tarn_param tarn_split_table[];
/* part[rows] gets a tarn_part per row of c. *report: rows and share of each part, class shares of
 * `target` (may be NULL) per part, borders, and leaks: rows (all columns but `target` and the split
 * column equal) or groups found in more than one part. key: comma-separated columns that identify a
 * row (hashing by key makes the split independent of row order); NULL: row number. */
TARN_MUST tarn_code tarn_split(const tarn_columns *c, const tarn_split_params *params, const char *key,
                               const char *target, uint8_t *part, json_t **report, tarn_err *err);

/* ---- fit ---- */

/* One step of a preparation, as declared. */
typedef struct tarn_step_use {
    const char *name;          /* in steps.def */
    const void *params;        /* the step's own struct */
    int line, column;
} tarn_step_use;

/* The rows to learn from: fields of the model, its target, which rows. */
typedef struct tarn_prepare_job {
    const tarn_columns *data;
    const char *const *features; /* names of columns, NULL-terminated */
    const char *target;
    const char *positive;        /* BINARY: text of the class that is 1; NULL: the last in sorted order */
    tarn_task task;
    const int64_t *train_rows;   /* (n_train) row numbers, ascending: what is fitted on */
    int64_t n_train;
    const tarn_step_use *steps;
    int n_steps;
    tarn_pool *pool;
    tarn_comm *comm;
    const tarn_sink *sink;
} tarn_prepare_job;

/* A fitted preparation: graph prefix, its end registers, and labels. */
typedef struct tarn_prepared tarn_prepared;
TARN_MUST tarn_code tarn_prepare(const tarn_prepare_job *job, tarn_prepared **out, tarn_err *err);
void tarn_prepared_free(tarn_prepared *p);
tarn_graph *tarn_prepared_graph(tarn_prepared *p);       /* owned by p; the estimator adds to it */
const uint32_t *tarn_prepared_regs(const tarn_prepared *p, int32_t *n);
const tarn_feature *tarn_prepared_features(const tarn_prepared *p);
int tarn_prepared_classes(const tarn_prepared *p);
const char *const *tarn_prepared_class_names(const tarn_prepared *p);

/* A view of some rows of the job's data as an estimator's matrix: raw fields are read from the columns
 * and run through the graph prefix, block by block. The data and p must outlive it. rows_of[n]: row
 * numbers of this rank's part (see tarn_comm_rows). Fills block/self/features/rows/first/all_rows/cols/y/
 * classes of what train/algo.h calls tarn_matrix. */
typedef struct tarn_rows tarn_rows;
TARN_MUST tarn_code tarn_rows_new(const tarn_prepared *p, const tarn_columns *data, const int64_t *rows_of, int64_t n,
                                  tarn_rows **out, tarn_err *err);
void tarn_rows_free(tarn_rows *r);
tarn_code tarn_rows_block(void *rows, int64_t at, int64_t n, double *out, tarn_err *err);
const double *tarn_rows_y(const tarn_rows *r);

/* Raw fields of rows as a model's input columns (inputs, n), for scoring a table with any model: fields are found by name;
 * a missing required one is TARN_INVALID. out is the caller's. */
TARN_MUST tarn_code tarn_model_fields(const tarn_model *m, const tarn_columns *data, const int64_t *rows_of, int64_t n,
                                      double *out, tarn_err *err);
/* Labels of rows by the model's class names (or values); TARN_INVALID names a row whose label is missing or unknown. */
TARN_MUST tarn_code tarn_model_labels(const tarn_model *m, const tarn_columns *data, const int64_t *rows_of, int64_t n,
                                      double *out, tarn_err *err);

#endif
