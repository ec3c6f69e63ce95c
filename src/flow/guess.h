/* SPDX-License-Identifier: Apache-2.0 */
/* guess.h - from a table and the column to predict: which task it is, and what each column is good for.
 *
 * A guess is a beginning: it goes into a project file (draft.h) with its reasons, for people to read and change.
 */
#ifndef TARN_FLOW_GUESS_H
#define TARN_FLOW_GUESS_H

#include "base/str.h"
#include "model/model.h"
#include "table/column.h"

typedef enum tarn_role {
    TARN_ROLE_NUMBER,
    TARN_ROLE_CATEGORY,
    TARN_ROLE_TEXT, /* sentences */
    TARN_ROLE_TIME,
    TARN_ROLE_TARGET,
    TARN_ROLE_OUT /* not to be learned from */
} tarn_role;

typedef struct tarn_guessed {
    const char *name; /* the table's */
    tarn_role role;
    bool hours;         /* TIME: not all at midnight */
    bool crowded;       /* CATEGORY: of so many levels that a column for each would be too many */
    int64_t level_rows; /* CATEGORY: rows to learn from that a level needs to get a column of its own */
    char why[160];      /* OUT: the reason */
    char doubt[200];    /* what people should think about before they let it be learned from; mostly "" */
} tarn_guessed;

/* What is asked; "" (or NULL): to be found out. */
typedef struct tarn_wish {
    const char *target, *task, *positive;
    const char *time; /* a column by which rows are split: later ones are tested on; "": they are drawn */
} tarn_wish;

typedef struct tarn_guess {
    tarn_task task;
    char why[200]; /* the task, in words */
    char positive[256];
    int64_t rows;    /* that have a target */
    int64_t missing; /* that have none */
    int64_t rare;    /* that are of a class with fewer than rare_least rows, and so are left out of `rows` */
    int64_t rare_least;
    char rare_class[64];     /* one of those classes */
    int64_t classes, rarest; /* 0: regression. rarest: rows of the rarest class */
    tarn_guessed *columns;
    int n;
    const char *time; /* the wish's, or "" */
    char from[3][40]; /* with a time: where valid, test and holdout (may be "") begin */
} tarn_guess;

/* Look at every column. *out: tarn_guess_clear; its names are those of c.
 *
 * Errors: TARN_NOT_FOUND no such column (names the nearest); TARN_INVALID what is asked does not suit the column, there
 *         are too few rows, or nothing to learn from is left; TARN_NOMEM
 * Cost:   a pass over each column; the target, numbers that may be keys, and 10,000 rows of each column are sorted */
TARN_MUST tarn_code tarn_guess_problem(const tarn_columns *c, const tarn_wish *wish, tarn_guess *out, tarn_err *err);
void tarn_guess_clear(tarn_guess *g);
bool tarn_guess_has(const tarn_guess *g, tarn_role role);

#endif
