/* SPDX-License-Identifier: Apache-2.0 */
/* rowmerge.h - a three-way merge while it is made: the columns of its result, decided in rowschema.c, filled in
 * rowmerge.c.
 *
 * Private to table/. Sides are b (base), o (ours), t (theirs).
 */
#ifndef TARN_TABLE_ROWMERGE_H
#define TARN_TABLE_ROWMERGE_H

#include "table/rowside.h"

/* Where the cells of a column come from. */
typedef enum tarn_merge_from {
    TARN_FROM_BOTH,  /* cell by cell */
    TARN_FROM_OURS,  /* ours, where it has the row; theirs has it only in rows that it added */
    TARN_FROM_THEIRS /* theirs, where it has the row */
} tarn_merge_from;

/* A column of the result. */
typedef struct tarn_merge_column {
    const char *name, *type;
    int b, o, t; /* index in the side, or -1 */
    int key;     /* place in the key, or -1 */
    tarn_merge_from from;
} tarn_merge_column;

typedef struct tarn_merging {
    tarn_db *db;
    const tarn_rows_merge_options *options;
    tarn_rows_merged *out;
    tarn_arena *arena;
    tarn_rowside b, o, t;
    const char **key;
    int n_key;
    tarn_merge_column *columns;
    int n;
} tarn_merging;

/* Decide m->columns; conflicts about columns are handed over and counted. TARN_INVALID if key columns differ. */
TARN_MUST tarn_code tarn_merge_schema(tarn_merging *m, tarn_err *err);

#endif
