/* SPDX-License-Identifier: Apache-2.0 */
/* lake_key_rotate.c - tarn lake key rotate: another key for an encrypted lake, without writing data anew. */
#include "base/seal.h"
#include "cli/secret.h"

#include <stdio.h>

typedef struct rotate_params {
    char key_file[1024];
    bool passphrase;
} rotate_params;

static const tarn_param params[] = {
    TARN_TEXT(rotate_params, key_file, "", "the new key: a file of 32 random bytes, made if it is not there"),
    TARN_BOOL_PARAM(rotate_params, passphrase, false,
                    "the new key: a passphrase, asked for or taken from TARN_NEW_PASSPHRASE"),
    TARN_PARAMS_END,
};

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const rotate_params *p = values;
    tarn_lake *lake = NULL;
    tarn_lake_key key;
    tarn_key_status s;
    char passphrase[TARN_PASSPHRASE_MOST] = "";

    (void)argc, (void)argv;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    if (!tarn_lake_encrypted(lake)) {
        rc = TARN_FAIL(err, TARN_INVALID,
                       "the lake is not encrypted, so it has no key; `tarn init --encrypt` makes one");
        goto done;
    }
    TARN_TRY(tarn_cli_new_key(cli, p->key_file, p->passphrase, "TARN_NEW_PASSPHRASE", passphrase, &key, err));
    TARN_TRY(tarn_lake_key_rotate(lake, &key, err));
    TARN_TRY(tarn_lake_key_status(lake, &s, err));
    tarn_out(cli,
             "The lake has a new key; generation %d seals what is written from now on. The old key opens nothing "
             "any more, but whoever has it and an old copy of .tarn reads what stood there.\n" TARN_LOSING_THE_KEY "\n",
             s.generations);
    TARN_TRY(tarn_json_set(cli->result, "generations", json_integer(s.generations), err));
done:
    tarn_secret_wipe(passphrase, sizeof passphrase);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_key_rotate = {
    .name = "lake key rotate",
    .stage = "lake",
    .title = "another key for an encrypted lake, without writing data anew",
    .usage = "",
    .help =
        "Opens the lake with its present key (TARN_KEY_FILE, TARN_PASSPHRASE, or asked for), seals the lake's own keys "
        "with the new one and adds a generation for what is written from now on. Servers must be started again with "
        "the new key.\n\n" TARN_LOSING_THE_KEY "\n\nExample: TARN_KEY_FILE=old.key tarn lake key rotate --key-file "
        "new.key",
    .params_size = sizeof(rotate_params),
    .params = params,
    .run = run,
};
