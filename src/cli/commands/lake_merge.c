/* SPDX-License-Identifier: Apache-2.0 */
/* lake_merge.c - tarn lake merge: bring one branch's changes into another. */
#include "cli/join_command.h"

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    return tarn_cli_join(cli, values, tarn_lake_merge, argc, argv, err);
}

const tarn_command tarn_command_lake_merge = {
    .name = "lake merge",
    .stage = "lake",
    .title = "bring one branch's changes into another",
    .usage = "FROM [INTO]",
    .help = "Compares both with their best common ancestor. What one side changed is taken; a path that both changed "
            "differently is a conflict: then nothing changes, and all of them are listed. Settle them by path "
            "(`--ours 'clean/**' --theirs raw/`), for all that is left (`--strategy theirs`), or by changing a "
            "branch. INTO (default: the project's branch) just moves to FROM if that only adds commits. "
            "Conflicts end with status 75.",
    .least = 1,
    .most = 2,
    .params_size = sizeof(tarn_join_params),
    .params = tarn_merge_table,
    .run = run,
};
