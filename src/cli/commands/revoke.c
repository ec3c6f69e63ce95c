/* SPDX-License-Identifier: Apache-2.0 */
/* revoke.c - tarn revoke: take a grant back. */
#include "cli/access_command.h"

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    (void)argc;
    return tarn_cli_grant(cli, values, argv[0], argv[1], false, err);
}

const tarn_command tarn_command_revoke = {
    .name = "revoke",
    .stage = "lake",
    .title = "take back what 'tarn grant' gave, or forbade",
    .usage = "USER ROLE",
    .help = "With the same words and options as the grant; 'tarn grant' without arguments lists them.",
    .least = 2,
    .most = 2,
    .params_size = sizeof(tarn_grant_params),
    .params = tarn_grant_options,
    .run = run,
};
