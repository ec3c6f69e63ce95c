/* SPDX-License-Identifier: Apache-2.0 */
/* lake_diff.c - tarn lake diff: paths that differ between two references, or that are staged, and what changed in
 * tables. */
#include "cli/lake_print.h"
#include "cli/rows_print.h"

#include <stdio.h>

typedef struct diff_params {
    bool rows, stat;
    char key[1024];
    int64_t limit;
} diff_params;

static const tarn_param params[] = {
    TARN_BOOL_PARAM(diff_params, rows, false, "the rows of tables that came, went and changed"),
    TARN_BOOL_PARAM(diff_params, stat, false, "how many rows of tables came, went and changed, and in which columns"),
    TARN_TEXT(diff_params, key, "", "columns that name a row: a,b; else those that the project declares"),
    TARN_INT(diff_params, limit, 20, 1, 1e12, "rows to show of each table"),
    TARN_PARAMS_END,
};

/* Tell fn what differs. *a: the first commit, not set where it is what is staged that is told. */
static tarn_code walk(tarn_lake *lake, int argc, char *const *argv, const char *branch, tarn_id *a, tarn_change_fn *fn,
                      void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id b;

    if (argc == 0) return tarn_lake_staged(lake, branch, fn, arg, err);
    TARN_TRY(tarn_lake_resolve(lake, argv[0], a, err));
    TARN_TRY(tarn_lake_resolve(lake, argc > 1 ? argv[1] : branch, &b, err));
    TARN_TRY(tarn_lake_diff(lake, a, &b, argc > 2 ? argv[2] : "", fn, arg, err));
done:
    return rc;
}

static tarn_code show_paths(tarn_cli *cli, tarn_lake *lake, int argc, char *const *argv, const char *branch,
                            tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_change_list changes = {.cli = cli, .list = json_array()};
    tarn_id a;

    TARN_TRY(walk(lake, argc, argv, branch, &a, tarn_print_change, &changes, err));
    tarn_out(cli, "%lld added, %lld removed, %lld changed\n", (long long)changes.added, (long long)changes.removed,
             (long long)changes.changed);
    TARN_TRY(tarn_json_set(cli->result, "changes", json_incref(changes.list), err));
done:
    json_decref(changes.list);
    return rc;
}

static tarn_code show_rows(tarn_cli *cli, tarn_lake *lake, const diff_params *p, int argc, char *const *argv,
                           const char *branch, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_table_list tables = {.path = argc > 2 ? argv[2] : ""};
    tarn_id a;
    char where[600];

    (void)snprintf(where, sizeof where, "%.250s and %.250s", argc ? argv[0] : branch,
                   argc > 1 ? argv[1]
                   : argc   ? branch
                            : "what is staged");
    tarn_rows_print what = {.key = p->key, .limit = p->rows ? p->limit : 0, .where = where, .commit = argc ? &a : NULL};
    TARN_TRY(walk(lake, argc, argv, branch, &a, tarn_keep_table, &tables, err));
    TARN_TRY(tarn_out_rows(cli, lake, &tables, &what, err));
done:
    tarn_table_list_clear(&tables);
    return rc;
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const diff_params *p = values;
    tarn_lake *lake = NULL;
    char branch[256];

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    (void)tarn_cli_branch(cli, branch, sizeof branch);
    if (p->rows || p->stat) rc = show_rows(cli, lake, p, argc, argv, branch, err);
    else rc = show_paths(cli, lake, argc, argv, branch, err);
done:
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_diff = {
    .name = "lake diff",
    .stage = "lake",
    .title = "paths that differ between two references, or that are staged; rows of tables that do",
    .usage = "[REF [REF [PATH]]]",
    .help =
        "Without arguments: what is staged on the project's branch. With one: from there to the branch. PATH is a "
        "table "
        "(orders) or what paths start with.\n\n"
        "With --rows or --stat, tables are compared row by row: rows are known by the key that the project file "
        "declares "
        "(tables: orders: key: order_id), or by --key. In the list, + is a row that came, - one that went, ~ one that "
        "changed, with the old and the new value of each cell that did.",
    .most = 3,
    .params_size = sizeof(diff_params),
    .params = params,
    .run = run,
};
