/* SPDX-License-Identifier: Apache-2.0 */
/* cleansing.h - a cleansing while it goes on: the working copy, statements on it, the report (private to prepare).
 *
 * cleanse.c drives; cleanse_values.c repairs single values, cleanse_equal.c what is there twice or spelt twice.
 */
#ifndef TARN_PREPARE_CLEANSING_H
#define TARN_PREPARE_CLEANSING_H

#include "prepare/prepare.h"

#define TARN_CLEANSE_COPY "\"tarn cleanse\""     /* the working copy */
#define TARN_CLEANSE_MAP  "\"tarn cleanse map\"" /* a -> b, for spellings */
enum { TARN_CLEANSE_EXAMPLES = 3 };

typedef struct tarn_cleansing {
    tarn_db *db;
    tarn_field *fields; /* of the table */
    int n_fields;
    char row[160]; /* column of row numbers in the working copy */
    json_t *report;
} tarn_cleansing;

/* What one rule did to one column. */
typedef struct tarn_outcome {
    const char *column, *action;
    int64_t found, repaired;
    char with[256]; /* what missing values were filled with; empty: nothing */
    json_t *examples;
} tarn_outcome;

/* These run the statement in sql and leave sql empty. */
TARN_MUST tarn_code tarn_cleanse_run(const tarn_cleansing *c, tarn_text *sql, tarn_err *err);
TARN_MUST tarn_code tarn_cleanse_count(const tarn_cleansing *c, tarn_text *sql, int64_t *n, tarn_err *err);
/* Append the texts of a one-column query to a JSON array, TARN_CLEANSE_EXAMPLES at most. */
TARN_MUST tarn_code tarn_cleanse_texts(const tarn_cleansing *c, tarn_text *sql, json_t *array, tarn_err *err);

/* Rows of the working copy where a condition holds: how many; the first of them as "row 7" or, with a column,
 * "row 7: value"; away with them. */
TARN_MUST tarn_code tarn_cleanse_count_where(const tarn_cleansing *c, const tarn_text *where, int64_t *n,
                                             tarn_err *err);
TARN_MUST tarn_code tarn_cleanse_examples(const tarn_cleansing *c, const tarn_text *where, const char *column,
                                          json_t *array, tarn_err *err);
TARN_MUST tarn_code tarn_cleanse_delete(const tarn_cleansing *c, const tarn_text *where, tarn_err *err);

/* Enter an outcome in the report. */
TARN_MUST tarn_code tarn_cleanse_tell(tarn_cleansing *c, const tarn_repair *r, tarn_outcome *o, tarn_err *err);

TARN_MUST tarn_code tarn_cleanse_field(const tarn_cleansing *c, const char *name, int *at, tarn_err *err);
/* Mark the columns that a rule works on; named ones must suit (NULL: all do). `wants` is for the message. */
TARN_MUST tarn_code tarn_cleanse_pick(const tarn_cleansing *c, const tarn_repair *r, bool (*suits)(const tarn_field *),
                                      const char *wants, uint8_t *marked, tarn_err *err);

/* One rule on one column; fills the outcome. */
typedef tarn_code tarn_cleanse_column(tarn_cleansing *c, const tarn_repair *r, const tarn_field *f, tarn_outcome *o,
                                      tarn_err *err);
tarn_cleanse_column tarn_cleanse_missing, tarn_cleanse_range, tarn_cleanse_rare, tarn_cleanse_category;
/* One rule on all its columns together; enters the outcome itself. */
TARN_MUST tarn_code tarn_cleanse_duplicates(tarn_cleansing *c, const tarn_repair *r, const char *action, tarn_err *err);

#endif
