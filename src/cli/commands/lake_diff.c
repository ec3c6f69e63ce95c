/* SPDX-License-Identifier: Apache-2.0 */
/* lake_diff.c - tarn lake diff: paths that differ between two references, or that are staged. */
#include "cli/lake_print.h"

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    char branch[256];
    tarn_id a, b;
    tarn_change_list changes = {.cli = cli, .list = json_array()};

    (void)values;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    (void)tarn_cli_branch(cli, branch, sizeof branch);
    if (argc == 0) {
        TARN_TRY(tarn_lake_staged(lake, branch, tarn_print_change, &changes, err));
    } else {
        TARN_TRY(tarn_lake_resolve(lake, argv[0], &a, err));
        TARN_TRY(tarn_lake_resolve(lake, argc > 1 ? argv[1] : branch, &b, err));
        TARN_TRY(tarn_lake_diff(lake, &a, &b, argc > 2 ? argv[2] : "", tarn_print_change, &changes, err));
    }
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
    .help = "Without arguments: what is staged on the project's branch. With one: from there to the branch.",
    .most = 3,
    .run = run,
};
