/* SPDX-License-Identifier: Apache-2.0 */
/* user_remove.c - tarn user remove. */
#include "cli/access_command.h"

static tarn_code run(tarn_cli *cli, const void *params, int argc, char *const *argv, tarn_err *err)
{
    (void)params, (void)argc;
    return tarn_cli_access_change(cli, tarn_access_user_remove, argv[0], "removed user", err);
}

const tarn_command tarn_command_user_remove = {
    .name = "user remove",
    .stage = "lake",
    .title = "remove a user, with tokens, keys and grants",
    .usage = "NAME",
    .help = "Everything of the user is refused from the next request on. What they did stays in the audit log.",
    .least = 1,
    .most = 1,
    .run = run,
};
