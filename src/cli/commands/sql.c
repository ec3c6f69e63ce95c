/* SPDX-License-Identifier: Apache-2.0 */
/* sql.c - tarn sql: a query over tables of the lake. */
#include "cli/columns_print.h"
#include "flow/flow.h"

#include <stdio.h>

typedef struct sql_params {
    int64_t limit;
    bool csv;
    char branch[200];
} sql_params;

static const tarn_param params[] = {
    TARN_INT(sql_params, limit, 40, 1, 1e12, "rows to show"),
    TARN_BOOL_PARAM(sql_params, csv, false, "print all rows as CSV"),
    TARN_TEXT(sql_params, branch, "", "branch whose tables go by their plain names (default: the project's)"),
    TARN_PARAMS_END,
};

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const sql_params *p = values;
    tarn_lake *lake = NULL;
    tarn_lake_db db = {0};
    tarn_columns *c = NULL;
    tarn_text csv = {0};
    char branch[256];

    (void)argc;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_db_open(lake, p->branch[0] ? p->branch : tarn_cli_branch(cli, branch, sizeof branch),
                               tarn_pool_threads(cli->pool), false, &db, err));
    TARN_TRY(tarn_db_query(db.db, argv[0], -1, &c, err));
    if (p->csv && !cli->json) {
        TARN_TRY(tarn_columns_csv(c, &csv, err));
        (void)fwrite(csv.data, 1, csv.len, stdout); /* main() checks the stream */
    } else {
        TARN_TRY(tarn_out_columns(cli, c, p->limit, err));
    }
done:
    tarn_text_clear(&csv);
    tarn_columns_release(c);
    tarn_lake_db_close(&db);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_sql = {
    .name = "sql",
    .stage = "prepare",
    .title = "a query over tables of the lake",
    .usage = "QUERY",
    .help = "Tables go by their path: flights, \"clean/planes\"; any reference may stand in front: "
            "\"main@{2026-01-31}/flights\".\n"
            "Example: tarn sql 'SELECT carrier, avg(arr_delay) FROM flights GROUP BY carrier ORDER BY 2'",
    .least = 1,
    .most = 1,
    .params_size = sizeof(sql_params),
    .params = params,
    .run = run,
};
