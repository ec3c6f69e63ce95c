/* SPDX-License-Identifier: Apache-2.0 */
/* user_add.c - tarn user add. */
#include "base/secret.h"
#include "cli/access_command.h"

#include <string.h>

typedef struct user_params {
    char role[32];
} user_params;

static const tarn_param params[] = {
    TARN_TEXT(user_params, role, "", "give this role on the whole lake: reader, writer, maintainer, admin"),
    TARN_PARAMS_END,
};

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    const user_params *p = values;
    tarn_lake *lake = NULL;
    tarn_who by = tarn_who_local();
    tarn_grant g = {.deny = false};
    tarn_role role;
    char password[1100] = "";
    size_t len = 0;
    tarn_code rc = TARN_OK;

    (void)argc;
    TARN_TRY(tarn_cli_role(p->role, &role, err));
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_cli_secret("password", true, password, sizeof password, &len, err));
    TARN_TRY(tarn_access_user_add(lake, &by, argv[0], password, len, err));
    if (role != TARN_ROLE_ANYBODY) {
        (void)strcpy(g.user, argv[0]); /* a name that was accepted fits */
        (void)strcpy(g.what, p->role);
        TARN_TRY(tarn_access_grant(lake, &by, &g, err));
    }
    tarn_out(cli, "added user %s%s%s\n", argv[0],
             role ? ", role " : "; it may do nothing yet: 'tarn grant' gives rights", p->role);
    TARN_TRY(tarn_json_set(cli->result, "name", json_string(argv[0]), err));
    TARN_TRY(tarn_json_set(cli->result, "role", role ? json_string(p->role) : json_null(), err));
done:
    tarn_secret_wipe(password, sizeof password);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_user_add = {
    .name = "user add",
    .stage = "lake",
    .title = "add a user of the server",
    .usage = "NAME",
    .help = "Asks for a password (8 characters or more) without showing it, or reads one line from standard input.\n"
            "On this machine's command line no user is needed: whoever may write the folder may do everything.",
    .least = 1,
    .most = 1,
    .params_size = sizeof(user_params),
    .params = params,
    .run = run,
};
