/* SPDX-License-Identifier: Apache-2.0 */
/* scored.h - models and rows by the names that people type, and what a model says of the rows. */
#ifndef TARN_CLI_SCORED_H
#define TARN_CLI_SCORED_H

#include "assess/assess.h"
#include "cli/command.h"
#include "flow/flow.h"
#include "prepare/prepare.h"
#include "registry/registry.h"

/* The rows of a file, read by the file source (bad lines are told and left out), or of a table of the lake. */
TARN_MUST tarn_code tarn_cli_rows(tarn_cli *cli, const char *name, tarn_lake_db *db, tarn_columns **out, tarn_err *err);

/* The rows of a part (valid, test, holdout) of the table that the project judges on, as split by its last run. *rows
 * (tarn_free) are n row numbers of *columns. Errors: TARN_INVALID the part has no rows, or the split is of another
 * version of the table */
TARN_MUST tarn_code tarn_cli_part(tarn_cli *cli, tarn_lake_db *db, const char *part, tarn_columns **columns,
                                  int64_t **rows, int64_t *n, tarn_err *err);
/* What the project says of rows, for judging them as its run does: by train.weight, train.group and, where it splits by
 * group, the column of that. Clear with tarn_weighed_clear. */
typedef struct tarn_weighed {
    double *weight;           /* (n) NULL: none is declared */
    int64_t *group, *cluster; /* (n) NULL: none is declared */
    char groups_of[200];      /* the column of which intervals and tests draw whole groups; "": they draw rows */
} tarn_weighed;
/* *out is empty after a failure. */
TARN_MUST tarn_code tarn_cli_weigh(const tarn_cli *cli, const tarn_columns *columns, const int64_t *rows, int64_t n,
                                   tarn_weighed *out, tarn_err *err);
void tarn_weighed_clear(tarn_weighed *w);
/* j, of the same rows, borrows all of it. */
void tarn_weighed_give(const tarn_weighed *w, tarn_judged *j);
/* Say it, and put it under "groups_of" into the result, if whole groups are drawn. */
TARN_MUST tarn_code tarn_weighed_tell(tarn_cli *cli, const tarn_weighed *w, tarn_err *err);
/* What a step wrote at a path of the branch: JSON, decref. TARN_NOT_FOUND if it is not there. */
TARN_MUST tarn_code tarn_cli_read_json(tarn_lake *lake, const char *branch, const char *path, json_t **out,
                                       tarn_err *err);

/* A registered model: name, name@alias, name/version or id. v may be NULL. */
TARN_MUST tarn_code tarn_cli_model(tarn_lake *lake, const char *name, tarn_model **out, tarn_version *v, tarn_err *err);
/* The same, or a candidate of the last run on the branch, by its name in the project file. */
TARN_MUST tarn_code tarn_cli_candidate(tarn_lake *lake, const char *branch, const char *name, tarn_model **out,
                                       tarn_err *err);

/* What the model says of some rows: out (outputs, n) is the caller's. rows (n) rows of c. */
TARN_MUST tarn_code tarn_cli_score(tarn_cli *cli, const tarn_model *m, const tarn_columns *c, const int64_t *rows,
                                   int64_t n, double *out, tarn_err *err);

#endif
