/* SPDX-License-Identifier: Apache-2.0 */
/* rows_print.h - differences between the rows of two versions of tables, at the terminal and as JSON. */
#ifndef TARN_CLI_ROWS_PRINT_H
#define TARN_CLI_ROWS_PRINT_H

#include "cli/command.h"
#include "table/rows.h"

/* Tables that differ, gathered by tarn_keep_table from any walk over changes (tarn_lake_diff, tarn_lake_staged). */
typedef struct tarn_table_list {
    const char *path;              /* the table ("orders" or "orders.parquet") or what paths start with; "": all */
    struct tarn_table_pair *pairs; /* (n) */
    size_t n;
    bool exact;    /* path named a table that differs: it alone is kept */
    size_t others; /* files that differ and are no tables */
    char other[1025];
} tarn_table_list;
/* A tarn_change_fn; arg is a tarn_table_list. */
tarn_code tarn_keep_table(void *arg, tarn_change_kind kind, const tarn_entry *before, const tarn_entry *after,
                          tarn_err *err);
void tarn_table_list_clear(tarn_table_list *l);

typedef struct tarn_rows_print {
    const char *key;       /* of every table; "": what the project declares of each */
    int64_t limit;         /* rows to show of each table; 0: only counts */
    const char *where;     /* what was compared, for messages: "main~1 and main" */
    const tarn_id *commit; /* where a table that does not differ may be; NULL: nowhere */
} tarn_rows_print;

/* Print what changed inside these tables. cli->result gets "tables":
 * [{"path","change","key","added","removed","changed", "unchanged","columns","rows"}...]. A table that cannot be
 * compared is an error if it was named by its path; else the reason is printed in its place ("error"). */
TARN_MUST tarn_code tarn_out_rows(tarn_cli *cli, tarn_lake *lake, const tarn_table_list *tables,
                                  const tarn_rows_print *what, tarn_err *err);

/* A value of a cell as JSON: a number or a truth where the column has these, else its text; NULL is null. */
json_t *tarn_row_value_json(tarn_type type, const char *text);

#endif
