/* SPDX-License-Identifier: Apache-2.0 */
/* token_revoke.c - tarn token revoke. */
#include "cli/access_command.h"

static tarn_code run(tarn_cli *cli, const void *params, int argc, char *const *argv, tarn_err *err)
{
    (void)params, (void)argc;
    return tarn_cli_access_change(cli, tarn_access_token_drop, argv[0], "revoked token", err);
}

const tarn_command tarn_command_token_revoke = {
    .name = "token revoke",
    .stage = "lake",
    .title = "make a token worthless",
    .usage = "ID",
    .help = "ID is the short one that 'tarn token list' shows. The token is refused from the next request on.",
    .least = 1,
    .most = 1,
    .run = run,
};
