/* SPDX-License-Identifier: Apache-2.0 */
/* prepare: stage 3. In: committed tables. Out: clean, joined, split rows; fitted nodes and a matrix.
 *
 * Three jobs, in the order of a run:
 *   cleanse  rules over one table, each repair counted (SQL underneath, nothing silent);
 *   split    rows into train, valid, test and holdout, by time, at random, stratified or by group,
 *            with a leak check; the same seed and rows give the same split, to the row;
 *   fit      preparation steps (impute, scale, onehot, dateparts), fitted on train rows only, as
 *            nodes of the model's graph: what serving runs is what training ran.
 *
 * Threads: one at a time, but tarn_rows_block: any. What is given to a call is borrowed for it, unless it says more.
 *
 * Example (compiled by make check-docs):
 *
 *     tarn_code first_block(const tarn_columns *flights, const int64_t *train, int64_t n, double *x, tarn_err *err)
 *     {
 *         static const char *const features[] = {"carrier", "distance", NULL};
 *         tarn_prepare_job job = {.data = flights, .features = features, .target = "late", .task = TARN_BINARY,
 *                                 .train_rows = train, .n_train = n};
 *         tarn_prepared *p = NULL;
 *         tarn_rows *rows = NULL;
 *         tarn_code rc = TARN_OK;
 *
 *         TARN_TRY(tarn_prepare(&job, &p, err));
 *         TARN_TRY(tarn_rows_new(p, flights, train, n, &rows, err));
 *         TARN_TRY(tarn_rows_block(rows, 0, n < TARN_BLOCK_ROWS ? n : TARN_BLOCK_ROWS, x, err));
 *     done:
 *         tarn_rows_free(rows);
 *         tarn_prepared_free(p);
 *         return rc;
 *     }
 */
#ifndef TARN_PREPARE_H
#define TARN_PREPARE_H

#include "base/json.h"
#include "base/mem.h"
#include "base/param.h"
#include "base/sink.h"
#include "comm/comm.h"
#include "model/graph.h"
#include "table/table.h"

/* ---- cleanse ---- */

/* What a kind of repair can be told besides its columns: fields of tarn_repair, as the project file names them. */
typedef struct tarn_repair_setting {
    const char *name, *help; /* value, least, most, order, map */
    const char *actions;     /* the actions it is for, "a|b"; NULL: all */
    bool needed;             /* by those actions; least and most: at least one of the two */
} tarn_repair_setting;

/* A kind of repair. Checks, help and docs are made from this table. */
typedef struct tarn_repair_kind {
    const char *name, *title;
    const char *suits;                   /* for people: which columns it can work on */
    const char *actions;                 /* "a|b"; the first is taken when none is given */
    const tarn_repair_setting *settings; /* ends with a NULL name */
} tarn_repair_kind;
int tarn_repair_kind_count(void);
const tarn_repair_kind *tarn_repair_kind_at(int i);
/* TARN_NOT_FOUND names the nearest known one. */
TARN_MUST tarn_code tarn_repair_kind_find(const char *name, const tarn_repair_kind **out, tarn_err *err);

/* One repair rule on one table. Strings are borrowed; unused ones are NULL, unused numbers NaN. */
typedef struct tarn_repair {
    const char *kind;    /* a name of the repair table: missing, range, rare, duplicates, category */
    const char *columns; /* comma-separated; empty: all that the rule suits */
    const char
        *action;        /* missing: drop_row | value | median | mode; range: null | clip | drop_row;
                           rare: null | value | drop_row; duplicates: drop (keeps the first by `order`); category: spelling */
    const char *value;  /* missing/value, rare/value: the value */
    double least, most; /* range; NaN: open. rare: least, the rows that a value needs */
    const char *order;  /* duplicates: columns that decide which row is first */
    const char *map;    /* category: JSON object {"variant": "proper"}; NULL: fold case and space to the most
                           frequent spelling */
    int line, column;
} tarn_repair;
/* Check one rule by the table of kinds alone: kind, action, settings that are missing, meaningless or senseless.
 * Columns are checked by tarn_cleanse, which knows the table. */
TARN_MUST tarn_code tarn_repair_check(const tarn_repair *r, tarn_err *err);

/* Replace SQL table `table` of db by its repaired form: the rules in their order, each on what the one before
 * left; the rows that stay keep their order. Nothing is changed silently.
 *
 * *report: array of {rule, column, found, repaired, action, examples[, with]}, one entry per rule and column
 * (duplicates: one per rule; a rule that suits no column: one with column ""); a rule that finds nothing says
 * found 0. `with` is what missing or rare values became. Row numbers in examples count from 1 in the table as it
 * came.
 *
 * median and mode are learned from all rows of the table. Where they must be learned from train rows only, use
 * the step `impute` instead.
 *
 * Owns:   caller decrefs *report
 * Errors: TARN_INVALID, TARN_NOT_FOUND: kind, action, column or setting, with the nearest known word; the table is then
 * as it was
 */
TARN_MUST tarn_code tarn_cleanse(tarn_db *db, const char *table, const tarn_repair *repairs, int n, json_t **report,
                                 tarn_err *err);

/* ---- split ---- */

typedef enum tarn_part { TARN_TRAIN, TARN_VALID, TARN_TEST, TARN_HOLDOUT, TARN_PARTS } tarn_part;
const char *tarn_part_name(tarn_part part); /* train, valid, test, holdout */

typedef struct tarn_split_params {
    int by;           /* words: random, stratified, time, group */
    char column[128]; /* time or group or stratum; empty for random */
    /* By time: first moment or value of each part; empty: no such part. Else: shares. */
    char valid_from[40], test_from[40], holdout_from[40];
    double valid, test, holdout;
    int64_t seed;
} tarn_split_params;
extern const tarn_param tarn_split_table[];
/* Put each row of c into a part: part[rows] gets a tarn_part.
 *
 * random: by a number drawn for the row's key, so a row keeps its part when others come or go; shares are
 *   met on average.
 *
 * stratified: within each value of the column (empty: of `target`) exactly to rounding, in order of the number
 *   drawn.
 *
 * time: by borders, which are dates, or numbers for a numeric column.
 *
 * group: all rows with one value of the column go to one part; shares are met as nearly as the groups allow.
 *
 * key: comma-separated columns that identify a row, so that the order of rows makes no difference; NULL or
 *   empty: the row number.
 *
 * *report: {by, column, key, seed, rows, parts: [{part, rows, share, classes: [{class, rows, share}] or mean,
 * first, last}], borders, leaks: {compared, duplicate_rows, groups, times, examples}}. Leaks: duplicate_rows are rows
 * whose columns (all but target, split column and key) equal those of a row in an earlier part; groups are values of
 * the split column in more than one part; times are rows older than the last of an earlier part.
 *
 * Owns:   caller decrefs *report
 * Errors: TARN_INVALID settings that contradict, an unknown column (names the nearest), a missing time or group (says
 *         in how many rows), a declared part without rows
 */
TARN_MUST tarn_code tarn_split(const tarn_columns *c, const tarn_split_params *params, const char *key,
                               const char *target, uint8_t *part, json_t **report, tarn_err *err);

/* How rows are dealt into folds for cross-validation. */
typedef struct tarn_fold_params {
    int64_t n;        /* 0: none; else 2 or more */
    int by;           /* words: random, stratified, group, time */
    char column[128]; /* group or time; of stratified, the target if empty */
    int64_t seed;
    int64_t repeats; /* how often rows are dealt anew; repetition r by seed + r */
} tarn_fold_params;
extern const tarn_param tarn_fold_table[];
/* Deal rows_of[n] (row numbers of c) into folds, once: fold[n] gets 0 .. params->n - 1, or -1.
 *
 * random: evenly, by a number drawn for the row number. stratified: the same within each value of the column. group:
 * all rows of a value in one fold, the largest groups first, each to the fold that is smallest then. time: rows in the
 * order of the column are cut into n + 1 runs, of which the first is in no fold (-1) and fold k is the run after k
 * others: a model judged on fold k may learn from runs before it only (tarn_fold_learns).
 *
 * Errors: TARN_INVALID more folds than rows, groups or moments; an unknown column; a missing group or time (names the
 *         row); repeats of what comes out the same each time; TARN_NOMEM */
TARN_MUST tarn_code tarn_folds(const tarn_columns *c, const tarn_fold_params *params, const char *target,
                               const int64_t *rows_of, int64_t n, int32_t *fold, tarn_err *err);
/* Whether a model that is judged on fold k learns from a row of fold `of`. */
bool tarn_fold_learns(const tarn_fold_params *params, int32_t k, int32_t of);

/* ---- fit ---- */

/* One step of a preparation, as declared. */
typedef struct tarn_step_use {
    const char *name;   /* in steps.def */
    const void *params; /* the step's own struct */
    int line, column;
} tarn_step_use;

/* The rows to learn from: fields of the model, its target, which rows. */
typedef struct tarn_prepare_job {
    const tarn_columns *data;
    const char *const *features; /* names of columns, NULL-terminated */
    const char *target;
    const char *positive; /* BINARY: text of the class that is 1; NULL: the last in sorted order */
    tarn_task task;
    const int64_t *train_rows; /* (n_train) row numbers, ascending, the same on each rank: what is fitted on; a
                                  rank takes its part by tarn_comm_rows */
    int64_t n_train;
    const tarn_step_use *steps;
    int n_steps;
    tarn_pool *pool;
    tarn_comm *comm;
    const tarn_sink *sink;
} tarn_prepare_job;

/* A fitted preparation: graph prefix, its end registers, and labels. */
typedef struct tarn_prepared tarn_prepared;
/* Make the model's raw fields from the features (BOOL, INT, REAL: numbers; TEXT: a category with the levels that
 * train rows have, or a text where a step `text` takes it; TIME: a moment; required if no train row lacks it), then fit
 * the steps in their order on train rows only. Texts are no columns of the matrix: what they become is sparse
 * (tarn_rows_sparse).
 *
 * Errors: TARN_INVALID a feature or target is unknown (names the nearest), has no value in train rows, or does not suit
 * the task or step. Every rank returns the same code.
 */
TARN_MUST tarn_code tarn_prepare(const tarn_prepare_job *job, tarn_prepared **out, tarn_err *err);
void tarn_prepared_free(tarn_prepared *p);
/* Owned by p; the estimator adds its nodes to it. They stay there, so each candidate needs a preparation of its own. */
tarn_graph *tarn_prepared_graph(tarn_prepared *p);
const uint32_t *tarn_prepared_regs(const tarn_prepared *p, int32_t *n);
const tarn_feature *tarn_prepared_features(const tarn_prepared *p); /* (n) as tarn_prepared_regs */
int tarn_prepared_classes(const tarn_prepared *p);                  /* 0 for REGRESSION */
/* Labels as text: "false", "true"; numbers in their shortest form; texts. Sorted (numbers as numbers), but for BINARY
 * with `positive`, which is class 1. */
const char *const *tarn_prepared_class_names(const tarn_prepared *p);

/* A view of some rows of the job's data as an estimator's matrix: raw fields are read from the columns
 * and run through the graph prefix, block by block. The data and p must outlive it. rows_of[n]: row
 * numbers of this rank's part (see tarn_comm_rows). Fills block/self/features/rows/first/all_rows/cols/y/
 * classes of what train/algo.h calls tarn_matrix. Columns may also come from another table that has the fields. The
 * graph may not grow while a block is made.
 *
 * Errors: TARN_INVALID a row number is outside the table, or a label is missing or unknown (names the row, counted from
 * 1).
 */
typedef struct tarn_rows tarn_rows;
TARN_MUST tarn_code tarn_rows_new(const tarn_prepared *p, const tarn_columns *data, const int64_t *rows_of, int64_t n,
                                  tarn_rows **out, tarn_err *err);
void tarn_rows_free(tarn_rows *r);
tarn_code tarn_rows_block(void *rows, int64_t at, int64_t n, double *out, tarn_err *err);
/* The same where it is kept since an earlier pass, column j at the result + j * *stride; NULL: it is not kept. */
const double *tarn_rows_view(const void *rows, int64_t at, int64_t n, int64_t *stride);
const double *tarn_rows_y(const tarn_rows *r);

/* What step `text` makes of these rows: sparse columns, as train/algo.h calls them. cols is 0 if there are none. */
typedef struct tarn_text_source {
    int32_t first, cols;
    uint32_t reg;
    const void *head; /* a recipe (model/payload.h) */
    size_t len;
} tarn_text_source;
typedef struct tarn_text_columns {
    int32_t cols;
    const int64_t *start; /* (rows + 1) */
    const int32_t *index;
    const float *value;
    const tarn_text_source *source; /* (sources) of the preparation */
    int32_t sources;
} tarn_text_columns;
/* Where the sparse columns come from, in order; NULL if there are none. */
const tarn_text_source *tarn_prepared_texts(const tarn_prepared *p, int32_t *n);
/* Made at the first call, in parallel; the rows' own. Errors: TARN_NOMEM */
TARN_MUST tarn_code tarn_rows_sparse(tarn_rows *r, tarn_pool *pool, tarn_text_columns *out, tarn_err *err);

/* Raw fields of rows as a model's input columns (inputs, n), for scoring a table with any model: fields are found by
 * name; a required one that the table does not have is TARN_INVALID, one that is not required reads as missing, and so
 * does a null in any row. out is the caller's; where it holds texts, it is good as long as the arena and the data. */
TARN_MUST tarn_code tarn_model_fields(const tarn_model *m, const tarn_columns *data, const int64_t *rows_of, int64_t n,
                                      tarn_arena *arena, double *out, tarn_err *err);
/* Labels of rows of the model's target column by the model's class names (or values); true and 1, false and 0 are the
 * same. TARN_INVALID names a row whose label is missing or unknown. */
TARN_MUST tarn_code tarn_model_labels(const tarn_model *m, const tarn_columns *data, const int64_t *rows_of, int64_t n,
                                      double *out, tarn_err *err);

#endif
