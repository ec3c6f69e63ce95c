/* SPDX-License-Identifier: Apache-2.0 */
/* rowside.h - one of the tables that are compared or merged: its columns, its key, how SQL reads it.
 *
 * Private to table/. In the SQL of rows*.c a side is a subquery with columns r (row of the file, from 0) and c0, c1,
 * ... (numbered by what is done, not by the file), so that no name from outside stands anywhere but here.
 */
#ifndef TARN_TABLE_ROWSIDE_H
#define TARN_TABLE_ROWSIDE_H

#include "base/mem.h"
#include "table/rows.h"

typedef struct tarn_rowside_column {
    const char *name, *type; /* SQL type, whole */
} tarn_rowside_column;

/* Rows first..last of a file, from 0. */
typedef struct tarn_row_range {
    int64_t first, last;
} tarn_row_range;

typedef struct tarn_rowside {
    const char *path; /* NULL: a table without rows and columns */
    const char *label;
    tarn_rowside_column *columns;
    int n_columns;
    int64_t rows;
    bool part; /* only the rows in `ranges` are read */
    const tarn_row_range *ranges;
    size_t n_ranges;
} tarn_rowside;

/* The names in a text like "a, b" as an array in the arena; TARN_INVALID if there is none. */
TARN_MUST tarn_code tarn_rowside_key(tarn_arena *arena, const char *key, const char ***names, int *n, tarn_err *err);

/* Strings are the arena's. label NULL: the path. */
TARN_MUST tarn_code tarn_rowside_open(tarn_db *db, tarn_arena *arena, const char *path, const char *label,
                                      tarn_rowside *out, tarn_err *err);
/* Index of the column, -1 if there is none. Case of ASCII letters does not matter. */
int tarn_rowside_find(const tarn_rowside *side, const char *name);
/* The key must name columns, and hold no null and no value twice. */
TARN_MUST tarn_code tarn_rowside_check_key(tarn_db *db, const tarn_rowside *side, const char *const *key, int n_key,
                                           tarn_err *err);

/* Append " FROM ..." that reads the side's rows (those of its ranges), with file_row_number. */
void tarn_rowside_from(tarn_text *sql, const tarn_rowside *side);

/* The column as text of row `row` of a piece of a result, into *out as a C string; NULL for null. Appends to `store`,
 * whose text must be taken as offsets until it is complete: *out is an offset there, SIZE_MAX for null. */
void tarn_cell_keep(tarn_text *store, const tarn_column *c, int64_t row, size_t *out);

#endif
