/* SPDX-License-Identifier: Apache-2.0 */
/* columns_print.h - rows at the terminal: what sql, table show and predict share. */
#ifndef TARN_CLI_COLUMNS_PRINT_H
#define TARN_CLI_COLUMNS_PRINT_H

#include "cli/command.h"
#include "table/column.h"

/* One cell as text; "" for a missing value. Times as 2026-01-31T12:00:00Z. */
void tarn_cell_text(const tarn_column *c, int64_t row, tarn_text *out);
/* As an aligned table (at most `most` rows), and into cli->result as {"columns": [...], "rows": [[...]]}. */
TARN_MUST tarn_code tarn_out_columns(tarn_cli *cli, const tarn_columns *c, int64_t most, tarn_err *err);
/* As CSV (RFC 4180), added to out. */
TARN_MUST tarn_code tarn_columns_csv(const tarn_columns *c, tarn_text *out, tarn_err *err);

#endif
