/* SPDX-License-Identifier: Apache-2.0 */
/* token_list.c - tarn token list. */
#include "cli/access_command.h"

static tarn_code run(tarn_cli *cli, const void *params, int argc, char *const *argv, tarn_err *err)
{
    (void)params, (void)argc, (void)argv;
    return tarn_cli_access_list(cli, "token", "tokens", "id:user:role:created:expires:used:note", err);
}

const tarn_command tarn_command_token_list = {
    .name = "token list",
    .stage = "lake",
    .title = "tokens: whose, until when, last used",
    .usage = "",
    .help = "The tokens themselves are not kept and cannot be shown again.",
    .run = run,
};
