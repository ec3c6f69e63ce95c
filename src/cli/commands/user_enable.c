/* SPDX-License-Identifier: Apache-2.0 */
/* user_enable.c - tarn user enable. */
#include "cli/access_command.h"

static tarn_code change(tarn_lake *lake, const tarn_who *by, const char *name, tarn_err *err)
{
    return tarn_access_user_enable(lake, by, name, true, err);
}

static tarn_code run(tarn_cli *cli, const void *params, int argc, char *const *argv, tarn_err *err)
{
    (void)params, (void)argc;
    return tarn_cli_access_change(cli, change, argv[0], "enabled user", err);
}

const tarn_command tarn_command_user_enable = {
    .name = "user enable",
    .stage = "lake",
    .title = "let a disabled user in again",
    .usage = "NAME",
    .help = "Password, tokens, keys and grants are as they were.",
    .least = 1,
    .most = 1,
    .run = run,
};
