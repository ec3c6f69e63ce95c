/* SPDX-License-Identifier: Apache-2.0 */
/* key_revoke.c - tarn key revoke. */
#include "cli/access_command.h"

static tarn_code run(tarn_cli *cli, const void *params, int argc, char *const *argv, tarn_err *err)
{
    (void)params, (void)argc;
    return tarn_cli_access_change(cli, tarn_access_key_drop, argv[0], "revoked key", err);
}

const tarn_command tarn_command_key_revoke = {
    .name = "key revoke",
    .stage = "lake",
    .title = "make an access key worthless",
    .usage = "ID",
    .help = "ID is the key's public part, TARN..., as 'tarn key list' shows it.",
    .least = 1,
    .most = 1,
    .run = run,
};
