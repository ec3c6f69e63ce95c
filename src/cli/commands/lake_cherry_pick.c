/* SPDX-License-Identifier: Apache-2.0 */
/* lake_cherry_pick.c - tarn lake cherry-pick: do a commit of another branch once more. */
#include "cli/join_command.h"

static tarn_code join(tarn_lake *lake, const char *what, const char *branch, const tarn_merge_options *options,
                      tarn_merge_result *out, tarn_err *err)
{
    tarn_id id;
    tarn_code rc = tarn_lake_resolve(lake, what, &id, err);

    return rc == TARN_OK ? tarn_lake_pick(lake, branch, &id, options, out, err) : rc;
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    return tarn_cli_join(cli, values, join, argc, argv, err);
}

const tarn_command tarn_command_lake_cherry_pick = {
    .name = "lake cherry-pick",
    .stage = "lake",
    .title = "do a commit of another branch once more",
    .usage = "COMMIT [BRANCH]",
    .help = "Makes a commit on BRANCH (default: the project's) with the changes of COMMIT alone, as a merge with the "
            "same rules for conflicts.",
    .least = 1,
    .most = 2,
    .params_size = sizeof(tarn_join_params),
    .params = tarn_pick_table,
    .run = run,
};
