/* SPDX-License-Identifier: Apache-2.0 */
/* table_schema.c - tarn table schema: columns of a table and their types. */
#include "base/mem.h"
#include "cli/command.h"
#include "flow/flow.h"

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    tarn_lake_db db = {0};
    tarn_field *fields = NULL;
    int n = 0;
    tarn_text from = {0};
    char branch[256];
    json_t *list = json_array();

    (void)values, (void)argc;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_db_open(lake, tarn_cli_branch(cli, branch, sizeof branch), 1, false, &db, err));
    tarn_sql_name(&from, argv[0]);
    TARN_TRY(tarn_text_check(&from, err));
    TARN_TRY(tarn_db_schema(db.db, from.data, &fields, &n, err));
    for (int i = 0; i < n; i++) {
        tarn_out(cli, "%-28s %-6s %s%s%s\n", fields[i].name, tarn_type_name(fields[i].type), tarn_color(cli, "dim"),
                 fields[i].sql_type, tarn_color(cli, NULL));
        TARN_TRY(tarn_json_append(list,
                                  json_pack("{s:s, s:s, s:s}", "name", fields[i].name, "type",
                                            tarn_type_name(fields[i].type), "sql_type", fields[i].sql_type),
                                  err));
    }
    TARN_TRY(tarn_json_set(cli->result, "columns", json_incref(list), err));
done:
    json_decref(list);
    tarn_free(fields);
    tarn_text_clear(&from);
    tarn_lake_db_close(&db);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_table_schema = {
    .name = "table schema",
    .stage = "prepare",
    .title = "columns of a table and their types",
    .usage = "TABLE",
    .least = 1,
    .most = 1,
    .run = run,
};
