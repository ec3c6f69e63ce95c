/* SPDX-License-Identifier: Apache-2.0 */
/* user_disable.c - tarn user disable. */
#include "cli/access_command.h"

static tarn_code change(tarn_lake *lake, const tarn_who *by, const char *name, tarn_err *err)
{
    return tarn_access_user_enable(lake, by, name, false, err);
}

static tarn_code run(tarn_cli *cli, const void *params, int argc, char *const *argv, tarn_err *err)
{
    (void)params, (void)argc;
    return tarn_cli_access_change(cli, change, argv[0], "disabled user", err);
}

const tarn_command tarn_command_user_disable = {
    .name = "user disable",
    .stage = "lake",
    .title = "let a user in no more, and keep all that is theirs",
    .usage = "NAME",
    .help = "Password, tokens and keys are refused from the next request on; 'tarn user enable' undoes it.",
    .least = 1,
    .most = 1,
    .run = run,
};
