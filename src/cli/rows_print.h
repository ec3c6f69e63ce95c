/* SPDX-License-Identifier: Apache-2.0 */
/* rows_print.h - differences between the rows of two versions of tables, at the terminal and as JSON. */
#ifndef TARN_CLI_ROWS_PRINT_H
#define TARN_CLI_ROWS_PRINT_H

#include "cli/command.h"

typedef struct tarn_rows_print {
    const char *key;   /* of every table; "": what the project declares of each */
    int64_t limit;     /* rows to show of each table; 0: only counts */
    const char *where; /* the two references, for messages: "main~1 and main" */
    const char *path;  /* the table ("orders" or "orders.parquet") or a prefix; "": all */
} tarn_rows_print;

/* Print what changed inside the tables that differ between two commits (b NULL: between branch `branch` and what is
 * staged on it). cli->result gets "tables":
 * [{"path","change","key","added","removed","changed","unchanged","columns","rows"}...]. A table that cannot be
 * compared is an error if it was named by path; else its reason is printed in its place. */
TARN_MUST tarn_code tarn_out_rows(tarn_cli *cli, tarn_lake *lake, const tarn_id *a, const tarn_id *b,
                                  const char *branch, const tarn_rows_print *what, tarn_err *err);

#endif
