/* SPDX-License-Identifier: Apache-2.0 */
/* lake_revert.c - tarn lake revert: undo a commit by a new one. */
#include "cli/join_command.h"

static tarn_code join(tarn_lake *lake, const char *what, const char *branch, const tarn_merge_options *options,
                      tarn_merge_result *out, tarn_err *err)
{
    tarn_id id;
    tarn_code rc = tarn_lake_resolve(lake, what, &id, err);

    return rc == TARN_OK ? tarn_lake_revert(lake, branch, &id, options, out, err) : rc;
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    return tarn_cli_join(cli, values, join, argc, argv, err);
}

const tarn_command tarn_command_lake_revert = {
    .name = "lake revert",
    .stage = "lake",
    .title = "undo a commit by a new one",
    .usage = "COMMIT [BRANCH]",
    .help = "Makes a commit on BRANCH (default: the project's) that takes back what COMMIT changed, as a merge with "
            "the same rules for conflicts. History stays as it was.",
    .least = 1,
    .most = 2,
    .params_size = sizeof(tarn_join_params),
    .params = tarn_pick_table,
    .run = run,
};
