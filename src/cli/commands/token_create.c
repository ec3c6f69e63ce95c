/* SPDX-License-Identifier: Apache-2.0 */
/* token_create.c - tarn token create. */
#include "base/secret.h"
#include "cli/access_command.h"

typedef struct token_params {
    char role[32], expires[64], note[210];
} token_params;

static const tarn_param params[] = {
    TARN_TEXT(token_params, role, "", "carry no more than this role (default: as much as the user)"),
    TARN_TEXT(token_params, expires, "", "end after 30d, 12h or 15m, or on a day (default: never)"),
    TARN_TEXT(token_params, note, "", "what it is for"),
    TARN_PARAMS_END,
};

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    const token_params *p = values;
    tarn_lake *lake = NULL;
    tarn_who by = tarn_who_local();
    tarn_credential what = {.user = argv[0], .note = p->note};
    char token[TARN_TOKEN_TEXT] = "";
    tarn_code rc = TARN_OK;

    (void)argc;
    TARN_TRY(tarn_cli_role(p->role, &what.most, err));
    TARN_TRY(tarn_cli_expires(p->expires, &what.expires_us, err));
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_access_token_new(lake, &by, &what, token, err));
    tarn_out(cli, "%s\n", token);
    tarn_say(cli->sink, TARN_WARN, "this is the only time that the token is shown");
    TARN_TRY(tarn_json_set(cli->result, "token", json_string(token), err));
    TARN_TRY(tarn_json_set(cli->result, "id", json_stringn(token + 5, TARN_TOKEN_ID - 1), err));
done:
    tarn_secret_wipe(token, sizeof token);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_token_create = {
    .name = "token create",
    .stage = "lake",
    .title = "make a token for a user, shown once",
    .usage = "USER",
    .help = "A program sends it with each request: Authorization: Bearer tarn_...\n"
            "It is kept as a hash only. Keep it in a file of mode 0600:\n"
            "    (umask 077; tarn token create ann --role reader --expires 90d > token)",
    .least = 1,
    .most = 1,
    .params_size = sizeof(token_params),
    .params = params,
    .run = run,
};
