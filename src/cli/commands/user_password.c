/* SPDX-License-Identifier: Apache-2.0 */
/* user_password.c - tarn user password. */
#include "base/secret.h"
#include "cli/access_command.h"

static tarn_code run(tarn_cli *cli, const void *params, int argc, char *const *argv, tarn_err *err)
{
    tarn_lake *lake = NULL;
    tarn_who by = tarn_who_local();
    char password[1100] = "";
    size_t len = 0;
    tarn_code rc = TARN_OK;

    (void)params, (void)argc;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_cli_secret("new password", true, password, sizeof password, &len, err));
    TARN_TRY(tarn_access_user_password(lake, &by, argv[0], password, len, err));
    tarn_out(cli, "changed the password of %s\n", argv[0]);
    TARN_TRY(tarn_json_set(cli->result, "name", json_string(argv[0]), err));
done:
    tarn_secret_wipe(password, sizeof password);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_user_password = {
    .name = "user password",
    .stage = "lake",
    .title = "give a user a new password",
    .usage = "NAME",
    .help =
        "Asks for it without showing it, or reads one line from standard input. Open sessions of the user end; tokens "
        "and keys stay.",
    .least = 1,
    .most = 1,
    .run = run,
};
