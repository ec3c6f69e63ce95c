/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - tables compared and merged row by row: the second door of table/.
 *
 * A table is a Parquet file (any writer's), a row is known by its key: columns whose values together stand once in the
 * table, none of them null. tarn_rows_diff says which rows came, went and changed, and in which columns.
 * tarn_rows_merge unites two changed copies of one base, cell by cell; what both changed differently is a conflict.
 *
 * What is equal: NaN is NaN, null is null, -0.0 is 0.0. Column names are compared without regard to the case of ASCII
 * letters, as SQL does. Columns of different types are compared as numbers or times where both are that, else as text.
 *
 * Values are handed over as the texts that SQL gives (dates as 2026-01-31, bools as true and false); NULL is null.
 *
 * Threads: as the tarn_db that they are given, which must be a trusted one. With a spill folder, the tables may be
 * larger than memory.
 */
#ifndef TARN_TABLE_ROWS_H
#define TARN_TABLE_ROWS_H

#include "base/mem.h"
#include "table/table.h"

/* ---- diff ---- */

typedef enum tarn_row_kind { TARN_ROW_ADDED, TARN_ROW_REMOVED, TARN_ROW_CHANGED } tarn_row_kind;
const char *tarn_row_kind_name(tarn_row_kind kind); /* added, removed, changed */

/* A column of either table. */
typedef struct tarn_rows_column {
    const char *name;
    const char *before, *after; /* SQL types; NULL: that table has no such column */
    tarn_type type_before, type_after;
    bool key;
    int64_t changed; /* cells that differ, in rows that are in both tables */
} tarn_rows_column;

typedef struct tarn_row_cell {
    const tarn_rows_column *column;
    const char *before, *after; /* NULL is null */
} tarn_row_cell;

/* One row that differs. Its cells are those that differ; of an added row all that it has (`before` is NULL), of a
 * removed one all that it had. Valid during the call. */
typedef struct tarn_row_change {
    tarn_row_kind kind;
    const tarn_row_cell *key; /* before and after are the same here */
    int n_key;
    const tarn_row_cell *cells;
    int n_cells;
} tarn_row_change;
/* Return other than TARN_OK to stop; TARN_CANCELLED stops without being an error. */
typedef tarn_code tarn_row_fn(void *arg, const tarn_row_change *row, tarn_err *err);

typedef struct tarn_rows_options {
    const char *key;             /* "order_id" or "year, month, day" */
    const char *a_name, *b_name; /* what messages call the tables; NULL: their paths */
    int64_t limit;               /* rows to hand over, the first in key order; 0: none, < 0: all */
    tarn_row_fn *row;            /* NULL: none */
    void *arg;
} tarn_rows_options;

typedef struct tarn_rows_difference {
    int64_t rows_a, rows_b;                     /* in the tables */
    int64_t added, removed, changed, unchanged; /* rows, by what is in the columns that both have */
    int64_t groups_a, groups_b, groups_same; /* row groups; those that are the same bytes in both and were not read */
    tarn_rows_column *columns;               /* b's in b's order, then those that only a has */
    int n_columns;
    tarn_arena *arena; /* of all the above */
} tarn_rows_difference;

/* What turns table a into table b. Either path may be NULL: an empty table with the other's columns.
 *
 * Columns that only one table has, or that have another type, are reported in out->columns; their cells do not make a
 * row changed, unless a cell of a column with another type has another value.
 *
 * Cost: the key columns of both files, and all columns of the row groups that are not the same, byte for byte, in both;
 * comparing bytes runs at the speed of memory. Memory: the rows that differ (spilled where the db can).
 * Errors: TARN_INVALID a key column is not there, a key is null or stands twice (named, with its count). *out:
 * tarn_rows_difference_clear, on failure too. */
TARN_MUST tarn_code tarn_rows_diff(tarn_db *db, const char *a, const char *b, const tarn_rows_options *options,
                                   tarn_rows_difference *out, tarn_err *err);
void tarn_rows_difference_clear(tarn_rows_difference *d);

/* ---- merge ---- */

typedef enum tarn_clash {
    TARN_CLASH_CELL,   /* changed to different values */
    TARN_CLASH_OURS,   /* ours removed the row, theirs changed it */
    TARN_CLASH_THEIRS, /* theirs removed the row, ours changed it */
    TARN_CLASH_ADDED,  /* both added the row, with different values */
    TARN_CLASH_COLUMN  /* the column itself: see `why` */
} tarn_clash;
const char *tarn_clash_name(tarn_clash clash); /* cell, removed by ours, removed by theirs, added, column */

/* One cell, or one column, that cannot be merged. Valid during the call. */
typedef struct tarn_row_conflict {
    tarn_clash kind;
    const tarn_row_cell *key; /* column and its value in `after`; none for a column */
    int n_key;
    const char *column;
    tarn_type type;
    const char *base, *ours, *theirs; /* NULL: null, or the row is not there (kind says so) */
    const char *why;                  /* of TARN_CLASH_COLUMN: one line; else NULL */
} tarn_row_conflict;
typedef tarn_code tarn_row_conflict_fn(void *arg, const tarn_row_conflict *conflict, tarn_err *err);

typedef enum tarn_rows_side { TARN_ROWS_NONE, TARN_ROWS_OURS, TARN_ROWS_THEIRS } tarn_rows_side;

typedef struct tarn_rows_merge_options {
    const char *key;
    const char *base_name, *ours_name, *theirs_name; /* for messages; NULL: their paths */
    tarn_rows_side resolve;         /* whose value stands where they conflict; NONE: nothing is written then */
    int64_t limit;                  /* conflicting rows to hand over; 0: none, < 0: all */
    tarn_row_conflict_fn *conflict; /* NULL: none */
    void *arg;
} tarn_rows_merge_options;

typedef struct tarn_rows_merged {
    bool written;                            /* the merged table is at its path */
    int64_t rows;                            /* in it */
    int64_t added, removed, changed;         /* rows of ours that theirs' work added, removed, changed */
    int64_t conflict_rows, conflict_columns; /* resolved or not */
} tarn_rows_merged;

/* Merge tables ours and theirs, which both came from base (NULL: neither had a base, both were added), into path `to`.
 *
 * A cell that one side changed is taken; one that both changed to the same value is that value. A conflict is: a cell
 * that both changed, to different values; a row that one side removed and the other changed; a row that both added with
 * different values. Columns: one that a side added is added, null in rows that only the other side has; a value in it
 * does not make a row changed. One that a side dropped is dropped, unless the other changed a cell or the type of it (a
 * conflict); what the other side wrote there in rows that it added goes with it. One that a side gave another type gets
 * it, and the other side's cells are cast; a cell that the other side wrote and that does not survive the cast, two
 * different new types, and a column that both added with different types are conflicts.
 *
 * With `resolve`, every conflict is decided for that side: cells, rows and columns. Without, conflicts leave `to`
 * alone, out->written is false, and the call is TARN_OK.
 *
 * The result has the rows of ours in their order, then those that theirs added, in theirs' order; columns of ours, then
 * those that come from theirs. The same inputs give the same bytes.
 *
 * Cost: reads all three key columns, the row groups in which base and theirs differ, ours; writes the result.
 * Errors: as tarn_rows_diff; TARN_INVALID also when a key column has not the same type in all. */
TARN_MUST tarn_code tarn_rows_merge(tarn_db *db, const char *base, const char *ours, const char *theirs,
                                    const tarn_rows_merge_options *options, const char *to, tarn_rows_merged *out,
                                    tarn_err *err);

#endif
