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
/* What the project's train.weight and train.group say of the rows, for judging them as the run does: (n) each,
 * tarn_free, NULL where none is declared. */
TARN_MUST tarn_code tarn_cli_weigh(const tarn_cli *cli, const tarn_columns *columns, const int64_t *rows, int64_t n,
                                   double **weight, int64_t **group, tarn_err *err);
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
