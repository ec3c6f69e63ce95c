/* SPDX-License-Identifier: Apache-2.0 */
/* init.c - tarn init: make a lake, and a project file to start from. */
#include "base/file.h"
#include "base/mem.h"
#include "base/seal.h"
#include "cli/secret.h"

#include <stdio.h>
#include <string.h>

/* What a new user finds in tarn.yaml: short, with every section explained, ready to be filled in. */
static const char start[] =
    "# A Tarn project. `tarn run` does what this file asks; `tarn reference project` explains every key.\n"
    "project: my-project\n"
    "problem: What is to be predicted, and for whom?\n"
    "\n"
    "ingest:                 # tables to collect\n"
    "  rows: {source: file, path: data/rows.csv}\n"
    "\n"
    "# tables:               # what they must look like; checked before each commit\n"
    "#   rows:\n"
    "#     key: id\n"
    "#     columns:\n"
    "#       amount: {type: real, not_null: true, range: [0, 1000000]}\n"
    "\n"
    "# prepare:              # repair, join, split\n"
    "#   cleanse:\n"
    "#     rows:\n"
    "#       - {kind: duplicates, action: drop}\n"
    "#   split: {by: random, valid: 0.2, test: 0.2, key: id}\n"
    "\n"
    "# train:                # learn\n"
    "#   table: clean/rows\n"
    "#   target: answer\n"
    "#   positive: yes\n"
    "#   features: [amount, country]\n"
    "#   candidates:\n"
    "#     boosting: {algo: boosting}\n"
    "#     forest: {algo: forest}\n"
    "\n"
    "# registry: {name: my-model}\n";

typedef struct init_params {
    char store[1024], meta[1024];
    bool join, encrypt, passphrase;
    char key_file[1024];
} init_params;

static const tarn_param params[] = {
    TARN_TEXT(
        init_params, store, "",
        "where packs live: a folder, s3://bucket/prefix, gs://bucket/prefix or azure://container/prefix (default: "
        "inside .tarn)"),
    TARN_TEXT(init_params, meta, "",
              "where metadata live: postgresql://user@host/database?schema=name (default: inside .tarn)"),
    TARN_BOOL_PARAM(init_params, join, false, "make no lake, but a .tarn for the one that is there"),
    TARN_BOOL_PARAM(init_params, encrypt, false,
                    "encrypt all that the lake will hold; losing the key is losing the data"),
    TARN_TEXT(init_params, key_file, "",
              "the key: a file of 32 random bytes (raw or 64 digits), made if it is not there"),
    TARN_BOOL_PARAM(init_params, passphrase, false, "the key: a passphrase, asked for or taken from TARN_PASSPHRASE"),
    TARN_PARAMS_END,
};

static tarn_code make_encrypted(const tarn_cli *cli, const init_params *p, const char *folder, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char passphrase[TARN_PASSPHRASE_MOST] = "", inside[4096];
    tarn_lake_key key;

    if (p->join)
        return TARN_FAIL(
            err, TARN_USAGE,
            "--encrypt makes a lake; one that is there is encrypted or plain already: leave it out to join");
    TARN_TRY(tarn_path_join(inside, sizeof inside, folder, ".tarn", err));
    if (tarn_path_exists(inside)) return TARN_FAIL(err, TARN_EXISTS, "there is a lake in '%s' already", folder);
    TARN_TRY(tarn_cli_new_key(cli, p->key_file, p->passphrase, "TARN_PASSPHRASE", passphrase, &key, err));
    TARN_TRY(tarn_lake_init_encrypted(folder, p->store, p->meta, &key, err));
done:
    tarn_secret_wipe(passphrase, sizeof passphrase);
    return rc;
}

static tarn_code make_lake(const tarn_cli *cli, const init_params *p, const char *folder, tarn_err *err)
{
    if (p->encrypt) return make_encrypted(cli, p, folder, err);
    if (p->passphrase || p->key_file[0])
        return TARN_FAIL(err, TARN_USAGE, "--key-file and --passphrase go with --encrypt");
    return p->join ? tarn_lake_join(folder, p->store, p->meta, err) : tarn_lake_init_at(folder, p->store, p->meta, err);
}

static void say_key(const tarn_cli *cli, const init_params *p)
{
    if (!p->encrypt) return;
    tarn_out(cli, "%s%s%s\nGive the key to every command: %s\n", tarn_color(cli, "yellow"), TARN_LOSING_THE_KEY,
             tarn_color(cli, NULL),
             p->passphrase ? "it is asked for, or taken from TARN_PASSPHRASE" : "TARN_KEY_FILE names the key file");
}

/* "s3://... and postgresql://..." for people; "" for a lake that is all inside its .tarn. */
static void say_where(const init_params *p, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%s%s%s%s%s", p->store[0] || p->meta[0] ? " over " : "", p->store,
                   p->store[0] && p->meta[0] ? " and " : "", p->meta, p->store[0] || p->meta[0] ? "," : "");
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char where[2200];
    const char *folder = argc ? argv[0] : cli->folder;
    const init_params *p = values;
    char path[4096];

    TARN_TRY(tarn_dir_make(folder, err));
    TARN_TRY(make_lake(cli, p, folder, err));
    TARN_TRY(tarn_path_join(path, sizeof path, folder, "tarn.yaml", err));
    bool fresh = !tarn_path_exists(path);
    if (fresh) TARN_TRY(tarn_file_save(path, start, strlen(start), err));
    say_where(p, where, sizeof where);
    tarn_out(cli, "%s the lake %s/.tarn%s%s%s\nNext: write tarn.yaml, then `tarn run`.\n", p->join ? "Joined" : "Made",
             folder, p->encrypt ? " (encrypted)" : "", where,
             fresh ? " and made a project file tarn.yaml to start from" : "");
    say_key(cli, p);
    TARN_TRY(tarn_json_set(cli->result, "encrypted", json_boolean(p->encrypt), err));
    TARN_TRY(tarn_json_set(cli->result, "folder", json_string(folder), err));
    TARN_TRY(tarn_json_set(cli->result, "project_file", json_string(fresh ? "made" : "kept"), err));
done:
    return rc;
}

const tarn_command tarn_command_init = {
    .name = "init",
    .stage = "project",
    .title = "make a lake, and a project file to start from",
    .usage = "[FOLDER]",
    .help = "Makes FOLDER/.tarn (versions, cache, metadata) and, if there is none, FOLDER/tarn.yaml. Nothing else on "
            "the machine changes.\n\n"
            "Packs and metadata may live elsewhere, so that several servers work on one lake:\n"
            "    tarn init --store s3://bucket/prefix --meta postgresql://user@host/database\n"
            "    tarn init --join --store s3://bucket/prefix --meta postgresql://user@host/database\n"
            "Secrets are never in a URL: see docs/places.md for the variables and files that hold them.\n\n"
            "--encrypt makes a lake whose files, store and metadata show a thief nothing that was put into them; "
            "docs/security/encryption.md says what stays readable. Every command then needs the key: TARN_KEY_FILE "
            "names the key file, TARN_PASSPHRASE holds the passphrase, or it is asked for.\n\n" TARN_LOSING_THE_KEY
            "\n\nExample: tarn init --encrypt --key-file ~/keys/project.key",
    .most = 1,
    .params_size = sizeof(init_params),
    .params = params,
    .run = run,
};
