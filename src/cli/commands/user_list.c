/* SPDX-License-Identifier: Apache-2.0 */
/* user_list.c - tarn user list. */
#include "cli/access_command.h"

static tarn_code run(tarn_cli *cli, const void *params, int argc, char *const *argv, tarn_err *err)
{
    (void)params, (void)argc, (void)argv;
    return tarn_cli_access_list(cli, "user", "users", "name:enabled:created", err);
}

const tarn_command tarn_command_user_list = {
    .name = "user list",
    .stage = "lake",
    .title = "users, and whether they are enabled",
    .usage = "",
    .help = "What they may do is listed by 'tarn grant' without arguments.",
    .run = run,
};
