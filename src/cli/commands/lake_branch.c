/* SPDX-License-Identifier: Apache-2.0 */
/* lake_branch.c - tarn lake branch: list, make, remove branches. */
#include "cli/ref_command.h"

typedef struct branch_params {
    bool remove;
} branch_params;

static const tarn_param params[] = {
    TARN_BOOL_PARAM(branch_params, remove, false,
                    "remove the branch; its commits stay reachable by id and by the ref log"),
    TARN_PARAMS_END,
};

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_ref_change change = {
        .prefix = "heads/", .word = "branch", .remove = ((const branch_params *)values)->remove, .message = ""};

    return tarn_cli_refs(cli, &change, argc, argv, err);
}

const tarn_command tarn_command_lake_branch = {
    .name = "lake branch",
    .stage = "lake",
    .title = "branches: list, make, remove",
    .usage = "[BRANCH [REF]]",
    .help = "Without arguments: lists. With a name: makes it at REF (default: the project's branch). Constant time, "
            "whatever the size.",
    .most = 2,
    .params_size = sizeof(branch_params),
    .params = params,
    .run = run,
};
