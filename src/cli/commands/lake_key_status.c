/* SPDX-License-Identifier: Apache-2.0 */
/* lake_key_status.c - tarn lake key status: whether the lake is encrypted, and by what. */
#include "cli/secret.h"

#include <stdio.h>

static const char *const kinds[] = {"none", "key file", "passphrase"};

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    tarn_key_status s;
    char when[32] = "";

    (void)values, (void)argc, (void)argv;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_key_status(lake, &s, err));
    TARN_TRY(tarn_json_set(cli->result, "encrypted", json_boolean(s.kind != TARN_KEY_NONE), err));
    if (s.kind == TARN_KEY_NONE) {
        tarn_out(cli, "The lake is not encrypted. `tarn init --encrypt` makes one that is.\n");
        goto done;
    }
    (void)tarn_time_text(s.made_us, when);
    tarn_out(cli, "Encrypted with AES-256-GCM; lake %s\nKey          %s\n", s.lake, kinds[s.kind]);
    if (s.kind == TARN_KEY_PASSPHRASE)
        tarn_out(cli, "Guessing     Argon2id, %lld passes over %lld MiB a guess\n", (long long)s.passes,
                 (long long)s.mib);
    tarn_out(cli, "Generations  %d, the newest of %s\nPlain copies %s\n", s.generations, when,
             tarn_lake_cache_dir(lake));
    json_t *j = json_pack("{s:s, s:s, s:i, s:s, s:s}", "lake", s.lake, "key", kinds[s.kind], "generations",
                          s.generations, "changed", when, "plain_copies", tarn_lake_cache_dir(lake));
    (void)json_object_update(cli->result, j);
    json_decref(j);
done:
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_key_status = {
    .name = "lake key status",
    .stage = "lake",
    .title = "whether the lake is encrypted, and by what key",
    .usage = "",
    .help = "Needs the key, like every command on an encrypted lake: TARN_KEY_FILE names the key file, TARN_PASSPHRASE "
            "holds the passphrase, which is asked for at a terminal otherwise.",
    .run = run,
};
