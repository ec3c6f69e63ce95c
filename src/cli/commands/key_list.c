/* SPDX-License-Identifier: Apache-2.0 */
/* key_list.c - tarn key list. */
#include "cli/access_command.h"

static tarn_code run(tarn_cli *cli, const void *params, int argc, char *const *argv, tarn_err *err)
{
    (void)params, (void)argc, (void)argv;
    return tarn_cli_access_list(cli, "key", "keys", "id:user:role:created:expires:used:note", err);
}

const tarn_command tarn_command_key_list = {
    .name = "key list",
    .stage = "lake",
    .title = "access keys: whose, until when, last used",
    .usage = "",
    .help = "The secrets cannot be shown again.",
    .run = run,
};
