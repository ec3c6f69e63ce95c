/* SPDX-License-Identifier: Apache-2.0 */
/* lake_diff.c - tarn lake diff: paths that differ between two references, or that are staged. */
#include "cli/lake_print.h"
#include "lake/history.h"

typedef struct diff_params {
    bool staged;
    char as[256], branch[200];
} diff_params;

static const tarn_param params[] = {
    TARN_BOOL_PARAM(diff_params, staged, false, "what is staged (as without arguments)"),
    TARN_TEXT(diff_params, as, "", "whose staging area (default: your own)"),
    TARN_TEXT(diff_params, branch, "", "branch (default: the project's)"),
    TARN_PARAMS_END,
};

static tarn_code diff_refs(tarn_lake *lake, const char *from, const char *to, const char *prefix, const char *who,
                           tarn_change_list *changes, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id a, b;
    char branch[256], path[1025];
    bool staged = false;

    TARN_TRY(tarn_lake_resolve(lake, from, &a, err));
    TARN_TRY(tarn_lake_resolve_staged(lake, to, &staged, branch, path, err));
    if (staged) return tarn_lake_diff_staged(lake, &a, branch, who, prefix, tarn_print_change, changes, err);
    TARN_TRY(tarn_lake_resolve(lake, to, &b, err));
    TARN_TRY(tarn_lake_diff(lake, &a, &b, prefix, tarn_print_change, changes, err));
done:
    return rc;
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    const diff_params *p = values;
    char own[256], name[256], path[1025], who[256];
    const char *branch = p->branch[0] ? p->branch : tarn_cli_branch(cli, own, sizeof own);
    bool staged = argc == 0 || p->staged;
    tarn_change_list changes = {.cli = cli, .list = json_array()};

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    (void)tarn_cli_who(p->as, who, sizeof who);
    if (argc == 1 && !staged) TARN_TRY(tarn_lake_resolve_staged(lake, argv[0], &staged, name, path, err));
    if (staged && argc == 1) branch = p->staged ? argv[0] : name;
    if (staged) TARN_TRY(tarn_lake_staged(lake, branch, who, tarn_print_change, &changes, err));
    else TARN_TRY(diff_refs(lake, argv[0], argc > 1 ? argv[1] : branch, argc > 2 ? argv[2] : "", who, &changes, err));
    tarn_out(cli, "%lld added, %lld removed, %lld changed\n", (long long)changes.added, (long long)changes.removed,
             (long long)changes.changed);
    TARN_TRY(tarn_json_set(cli->result, "changes", json_incref(changes.list), err));
done:
    json_decref(changes.list);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_diff = {
    .name = "lake diff",
    .stage = "lake",
    .title = "paths that differ between two references, or that are staged",
    .usage = "[REF [REF [PREFIX]]]",
    .help = "Without arguments: what you have staged on the project's branch. With one: from there to the branch. The "
            "second may be BRANCH$, the branch with what is staged on top.",
    .most = 3,
    .params_size = sizeof(diff_params),
    .params = params,
    .run = run,
};
