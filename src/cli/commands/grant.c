/* SPDX-License-Identifier: Apache-2.0 */
/* grant.c - tarn grant: give rights, or list what is given. */
#include "cli/access_command.h"

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    if (argc == 1) return TARN_FAIL(err, TARN_USAGE, "say what '%.64s' may do: a role or an action", argv[0]);
    if (argc == 0) return tarn_cli_access_list(cli, "grant", "grants", "user:what:deny:branch:path:model", err);
    return tarn_cli_grant(cli, values, argv[0], argv[1], true, err);
}

const tarn_command tarn_command_grant = {
    .name = "grant",
    .stage = "lake",
    .title = "give a user a role or an action, or forbid it; list grants",
    .usage = "[USER ROLE]",
    .help =
        "Roles, each with the ones before: reader, writer, maintainer, admin. Instead of a role, one action such as\n"
        "predict or hold.bypass. USER '*' is every user. Without options: on the whole lake. For example:\n"
        "    tarn grant ann writer --branch 'exp/*'\n"
        "    tarn grant '*' reader --path secret --deny",
    .most = 2,
    .params_size = sizeof(tarn_grant_params),
    .params = tarn_grant_options,
    .run = run,
};
