/* SPDX-License-Identifier: Apache-2.0 */
/* lake_show.c - tarn lake show: one commit and what it changed. */
#include "cli/lake_print.h"

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    char branch[256];
    tarn_id id;
    tarn_commit commit = {0};
    tarn_change_list changes = {.cli = cli, .list = json_array()};

    (void)values;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_resolve(lake, argc ? argv[0] : tarn_cli_branch(cli, branch, sizeof branch), &id, err));
    TARN_TRY(tarn_lake_commit_read(lake, &id, &commit, err));
    tarn_out_commit(cli, &commit, true);
    tarn_out(cli, "\n");
    TARN_TRY(
        tarn_lake_diff(lake, commit.n_parents ? &commit.parents[0] : NULL, &id, "", tarn_print_change, &changes, err));
    TARN_TRY(tarn_json_set(cli->result, "commit", tarn_commit_json(&commit), err));
    TARN_TRY(tarn_json_set(cli->result, "changes", json_incref(changes.list), err));
done:
    json_decref(changes.list);
    tarn_commit_clear(&commit);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_show = {
    .name = "lake show",
    .stage = "lake",
    .title = "one commit and what it changed",
    .usage = "[REF]",
    .most = 1,
    .run = run,
};
