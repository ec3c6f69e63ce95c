/* SPDX-License-Identifier: Apache-2.0 */
/* table_profile.c - tarn table profile: every column of a table described. */
#include "base/mem.h"
#include "cli/command.h"
#include "flow/flow.h"

#include <stdio.h>
#include <string.h>

static void cell(tarn_text *t, const json_t *value)
{
    if (json_is_string(value)) tarn_text_add(t, json_string_value(value));
    else if (json_is_integer(value)) tarn_text_addf(t, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value)) tarn_text_addf(t, "%.6g", json_real_value(value));
    else tarn_text_add(t, "");
}

/* What stands under `head` for a column; its median is the second quartile. */
static const json_t *value_of(const json_t *column, const char *head)
{
    if (strcmp(head, "median") == 0) return json_array_get(json_object_get(column, "quartiles"), 1);
    return json_object_get(column, head);
}

static tarn_code print_columns(const tarn_cli *cli, const json_t *profile, tarn_err *err)
{
    static const char *const heads[] = {"name", "type", "missing", "distinct", "minimum", "median", "maximum", "mean"};
    enum { COLS = sizeof heads / sizeof *heads };
    tarn_code rc = TARN_OK;
    const json_t *columns = json_object_get(profile, "columns");
    size_t n = json_array_size(columns) + 1;
    tarn_text *texts = NULL;
    const char **cells = NULL;

    TARN_TRY(tarn_alloc(&texts, n * COLS, sizeof *texts, err));
    TARN_TRY(tarn_alloc(&cells, n * COLS, sizeof *cells, err));
    for (size_t r = 0; r < n; r++)
        for (size_t c = 0; c < COLS; c++) {
            tarn_text *t = &texts[r * COLS + c];
            if (r == 0) tarn_text_add(t, heads[c]);
            else cell(t, value_of(json_array_get(columns, r - 1), heads[c]));
            cells[r * COLS + c] = t->data ? t->data : "";
        }
    tarn_out_table(cli, cells, n, COLS);
done:
    for (size_t i = 0; texts && i < n * COLS; i++) tarn_text_clear(&texts[i]);
    tarn_free(texts);
    tarn_free(cells);
    return rc;
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    tarn_lake_db db = {0};
    json_t *profile = NULL;
    char branch[256], a[32];

    (void)values, (void)argc;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_db_open(lake, tarn_cli_branch(cli, branch, sizeof branch), tarn_pool_threads(cli->pool), false,
                               &db, err));
    TARN_TRY(tarn_table_profile(db.db, argv[0], &profile, err));
    tarn_out(cli, "%s: %s rows\n\n", argv[0], tarn_num_group(json_integer_value(json_object_get(profile, "rows")), a));
    if (!cli->json) TARN_TRY(print_columns(cli, profile, err));
    (void)json_object_update(cli->result, profile);
done:
    json_decref(profile);
    tarn_lake_db_close(&db);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_table_profile = {
    .name = "table profile",
    .stage = "prepare",
    .title = "every column of a table described",
    .usage = "TABLE",
    .help = "Missing and distinct values, extremes, quartiles, frequent values; --json has all of it, suspicious "
            "spellings too.",
    .least = 1,
    .most = 1,
    .run = run,
};
