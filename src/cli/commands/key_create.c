/* SPDX-License-Identifier: Apache-2.0 */
/* key_create.c - tarn key create. */
#include "base/secret.h"
#include "cli/access_command.h"

typedef struct key_params {
    char role[32], expires[64], note[210];
} key_params;

static const tarn_param params[] = {
    TARN_TEXT(key_params, role, "", "carry no more than this role (default: as much as the user)"),
    TARN_TEXT(key_params, expires, "", "end after 30d, 12h or 15m, or on a day (default: never)"),
    TARN_TEXT(key_params, note, "", "what it is for"),
    TARN_PARAMS_END,
};

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    const key_params *p = values;
    tarn_lake *lake = NULL;
    tarn_who by = tarn_who_local();
    tarn_credential what = {.user = argv[0], .note = p->note};
    char id[TARN_KEY_ID] = "", secret[TARN_KEY_SECRET] = "";
    tarn_code rc = TARN_OK;

    (void)argc;
    TARN_TRY(tarn_cli_role(p->role, &what.most, err));
    TARN_TRY(tarn_cli_expires(p->expires, &what.expires_us, err));
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_access_key_new(lake, &by, &what, id, secret, err));
    tarn_out(cli, "access key  %s\nsecret key  %s\n", id, secret);
    tarn_say(cli->sink, TARN_WARN, "this is the only time that the secret key is shown");
    TARN_TRY(tarn_json_set(cli->result, "id", json_string(id), err));
    TARN_TRY(tarn_json_set(cli->result, "secret", json_string(secret), err));
done:
    tarn_secret_wipe(secret, sizeof secret);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_key_create = {
    .name = "key create",
    .stage = "lake",
    .title = "make an access key for S3 clients, shown once",
    .usage = "USER",
    .help = "S3 clients sign their requests with the secret key, so it must be known again to check them: it is kept "
            "sealed\n"
            "with .tarn/server.key, a file of mode 0600 that is made with the first key.",
    .least = 1,
    .most = 1,
    .params_size = sizeof(key_params),
    .params = params,
    .run = run,
};
