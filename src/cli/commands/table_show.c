/* SPDX-License-Identifier: Apache-2.0 */
/* table_show.c - tarn table show: the first rows of a table. */
#include "cli/columns_print.h"
#include "flow/flow.h"

typedef struct show_params {
    int64_t limit;
} show_params;

static const tarn_param params[] = {
    TARN_INT(show_params, limit, 20, 1, 1e9, "rows to show"),
    TARN_PARAMS_END,
};

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const show_params *p = values;
    tarn_lake *lake = NULL;
    tarn_lake_db db = {0};
    tarn_columns *c = NULL;
    tarn_text sql = {0};
    char branch[256], a[32];
    int64_t rows = 0;

    (void)argc;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_db_open(lake, tarn_cli_branch(cli, branch, sizeof branch), 1, false, &db, err));
    tarn_text_add(&sql, "SELECT count(*) FROM ");
    tarn_sql_name(&sql, argv[0]);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_count(db.db, sql.data, &rows, err));
    sql.len = 0;
    tarn_text_add(&sql, "SELECT * FROM ");
    tarn_sql_name(&sql, argv[0]);
    tarn_text_addf(&sql, " LIMIT %lld", (long long)p->limit);
    TARN_TRY(tarn_text_check(&sql, err));
    TARN_TRY(tarn_db_query(db.db, sql.data, -1, &c, err));
    TARN_TRY(tarn_out_columns(cli, c, p->limit, err));
    tarn_out(cli, "%s%s rows in all%s\n", tarn_color(cli, "dim"), tarn_num_group(rows, a), tarn_color(cli, NULL));
    TARN_TRY(tarn_json_set(cli->result, "all_rows", json_integer((json_int_t)rows), err));
done:
    tarn_text_clear(&sql);
    tarn_columns_release(c);
    tarn_lake_db_close(&db);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_table_show = {
    .name = "table show",
    .stage = "prepare",
    .title = "the first rows of a table",
    .usage = "TABLE",
    .help = "TABLE is a path like flights or clean/planes, with any reference in front: main~1/flights.",
    .least = 1,
    .most = 1,
    .params_size = sizeof(show_params),
    .params = params,
    .run = run,
};
