/* SPDX-License-Identifier: Apache-2.0 */
/* draft.h - a project file from a guess: plain, commented, and meant to be changed by hand afterwards. */
#ifndef TARN_FLOW_DRAFT_H
#define TARN_FLOW_DRAFT_H

#include "flow/guess.h"
#include "train/train.h"

/* What becomes of an estimator of the table, by its number there. */
typedef struct tarn_draft_candidate {
    int64_t tries; /* of its settings; less than 2: only the preset ones */
    char out[200]; /* why it is not tried; "": it is */
} tarn_draft_candidate;

typedef struct tarn_draft {
    const char *name;                 /* of project, table and model: letters, digits, '_' */
    const char *path;                 /* of the rows, as the file source takes it */
    const char *metric;               /* "": the task's own */
    tarn_draft_candidate *candidates; /* (tarn_algo_count()) */
} tarn_draft;

/* Fill candidates[tarn_algo_count()]: `tries` each for those that do the task and take what the table has, and for the
 * others why not. */
void tarn_draft_choose(const tarn_guess *g, int64_t tries, tarn_draft_candidate *candidates);

/* The project file, added to out. It passes tarn_project_parse as long as a candidate is left. */
TARN_MUST tarn_code tarn_draft_write(const tarn_guess *g, const tarn_draft *d, tarn_text *out, tarn_err *err);

/* A name as `name` above, from a path: its last part without ending. */
void tarn_draft_name(const char *path, char *out, size_t cap);

#endif
