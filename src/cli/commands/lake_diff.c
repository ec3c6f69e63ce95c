/* SPDX-License-Identifier: Apache-2.0 */
/* lake_diff.c - tarn lake diff: paths that differ between two references, or that are staged, and what changed in
 * tables. */
#include "cli/lake_print.h"
#include "cli/rows_print.h"
#include "lake/history.h"

#include <stdio.h>

typedef struct diff_params {
    bool rows, stat, staged;
    char key[1024], as[256], branch[200];
    int64_t limit;
} diff_params;

static const tarn_param params[] = {
    TARN_BOOL_PARAM(diff_params, rows, false, "the rows of tables that came, went and changed"),
    TARN_BOOL_PARAM(diff_params, stat, false, "how many rows of tables came, went and changed, and in which columns"),
    TARN_TEXT(diff_params, key, "", "columns that name a row: a,b; else those that the project declares"),
    TARN_INT(diff_params, limit, 20, 1, 1e12, "rows to show of each table"),
    TARN_BOOL_PARAM(diff_params, staged, false, "what is staged (as without arguments)"),
    TARN_TEXT(diff_params, as, "", "whose staging area (default: your own)"),
    TARN_TEXT(diff_params, branch, "", "branch (default: the project's)"),
    TARN_PARAMS_END,
};

/* What is compared: two references, or (argc 0) a branch and what `who` staged on it. */
typedef struct question {
    tarn_cli *cli;
    tarn_lake *lake;
    int argc;
    char *const *argv;
    const char *branch, *who;
} question;

static const char *prefix_of(const question *q) { return q->argc > 2 ? q->argv[2] : ""; }

/* Tell fn what differs. *a: the first commit, not set where it is what is staged that is told. */
static tarn_code walk(const question *q, tarn_id *a, tarn_change_fn *fn, void *arg, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *to = q->argc > 1 ? q->argv[1] : q->branch;
    char branch[256], path[1025];
    bool staged = false;
    tarn_id b;

    if (q->argc == 0) return tarn_lake_staged(q->lake, q->branch, q->who, fn, arg, err);
    TARN_TRY(tarn_lake_resolve(q->lake, q->argv[0], a, err));
    TARN_TRY(tarn_lake_resolve_staged(q->lake, to, &staged, branch, path, err));
    if (staged) return tarn_lake_diff_staged(q->lake, a, branch, q->who, prefix_of(q), fn, arg, err);
    TARN_TRY(tarn_lake_resolve(q->lake, to, &b, err));
    TARN_TRY(tarn_lake_diff(q->lake, a, &b, prefix_of(q), fn, arg, err));
done:
    return rc;
}

static tarn_code show_paths(const question *q, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_change_list changes = {.cli = q->cli, .list = json_array()};
    tarn_id a;

    TARN_TRY(walk(q, &a, tarn_print_change, &changes, err));
    tarn_out(q->cli, "%lld added, %lld removed, %lld changed\n", (long long)changes.added, (long long)changes.removed,
             (long long)changes.changed);
    TARN_TRY(tarn_json_set(q->cli->result, "changes", json_incref(changes.list), err));
done:
    json_decref(changes.list);
    return rc;
}

static tarn_code show_rows(const question *q, const diff_params *p, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_table_list tables = {.path = prefix_of(q)};
    tarn_id a;
    char where[600];

    (void)snprintf(where, sizeof where, "%.250s and %.250s", q->argc ? q->argv[0] : q->branch,
                   q->argc > 1 ? q->argv[1]
                   : q->argc   ? q->branch
                               : "what is staged");
    tarn_rows_print what = {
        .key = p->key, .limit = p->rows ? p->limit : 0, .where = where, .commit = q->argc ? &a : NULL};
    TARN_TRY(walk(q, &a, tarn_keep_table, &tables, err));
    TARN_TRY(tarn_out_rows(q->cli, q->lake, &tables, &what, err));
done:
    tarn_table_list_clear(&tables);
    return rc;
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const diff_params *p = values;
    char own[256], full[256], path[1025], who[256];
    const char *branch = p->branch[0] ? p->branch : tarn_cli_branch(cli, own, sizeof own);
    question q = {.cli = cli, .argc = argc, .argv = argv, .who = tarn_cli_who(p->as, who, sizeof who)};
    bool staged = false;

    TARN_TRY(tarn_cli_lake(cli, &q.lake, err));
    if (argc == 1) TARN_TRY(tarn_lake_resolve_staged(q.lake, argv[0], &staged, full, path, err));
    if (staged) branch = full;
    else if (p->staged && argc == 1) branch = argv[0];
    if (staged || p->staged) q.argc = 0;
    q.branch = branch;
    TARN_TRY(p->rows || p->stat ? show_rows(&q, p, err) : show_paths(&q, err));
done:
    tarn_lake_close(q.lake);
    return rc;
}

const tarn_command tarn_command_lake_diff = {
    .name = "lake diff",
    .stage = "lake",
    .title = "paths that differ between two references, or that are staged; rows of tables that do",
    .usage = "[REF [REF [PATH]]]",
    .help =
        "Without arguments: what you have staged on the project's branch. With one: from there to the branch. The "
        "second may be BRANCH$, the branch with what is staged on top. PATH is a "
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
