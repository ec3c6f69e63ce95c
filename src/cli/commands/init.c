/* SPDX-License-Identifier: Apache-2.0 */
/* init.c - tarn init: make a lake, and a project file to start from. */
#include "base/file.h"
#include "base/mem.h"
#include "cli/command.h"

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
    bool join;
} init_params;

static const tarn_param params[] = {
    TARN_TEXT(
        init_params, store, "",
        "where packs live: a folder, s3://bucket/prefix, gs://bucket/prefix or azure://container/prefix (default: "
        "inside .tarn)"),
    TARN_TEXT(init_params, meta, "",
              "where metadata live: postgresql://user@host/database?schema=name (default: inside .tarn)"),
    TARN_BOOL_PARAM(init_params, join, false, "make no lake, but a .tarn for the one that is there"),
    TARN_PARAMS_END,
};

/* "s3://... and postgresql://..." for people; "" for a lake that is all inside its .tarn. */
static void say_where(const init_params *p, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%s%s%s%s%s", p->store[0] || p->meta[0] ? " over " : "", p->store,
                   p->store[0] && p->meta[0] ? " and " : "", p->meta, p->store[0] || p->meta[0] ? "," : "");
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const init_params *p = values;
    char where[2200];
    const char *folder = argc ? argv[0] : cli->folder;
    char path[4096];

    TARN_TRY(tarn_dir_make(folder, err));
    if (p->join) TARN_TRY(tarn_lake_join(folder, p->store, p->meta, err));
    else TARN_TRY(tarn_lake_init_at(folder, p->store, p->meta, err));
    TARN_TRY(tarn_path_join(path, sizeof path, folder, "tarn.yaml", err));
    bool fresh = !tarn_path_exists(path);
    if (fresh) TARN_TRY(tarn_file_save(path, start, strlen(start), err));
    say_where(p, where, sizeof where);
    tarn_out(cli, "%s the lake %s/.tarn%s%s\nNext: write tarn.yaml, then `tarn run`.\n", p->join ? "Joined" : "Made",
             folder, where, fresh ? " and made a project file tarn.yaml to start from" : "");
    TARN_TRY(tarn_json_set(cli->result, "folder", json_string(folder), err));
    TARN_TRY(tarn_json_set(cli->result, "project_file", json_string(fresh ? "made" : "kept"), err));
done:
    return rc;
}

const tarn_command tarn_command_init = {
    .name = "init",
    .stage = "project",
    .title = "make a lake, and a project file to start from",
    .usage = "[FOLDER] [--store URL] [--meta URL] [--join]",
    .help = "Makes FOLDER/.tarn (versions, cache, metadata) and, if there is none, FOLDER/tarn.yaml. Nothing else on "
            "the machine changes.\n\n"
            "Packs and metadata may live elsewhere, so that several servers work on one lake:\n"
            "    tarn init --store s3://bucket/prefix --meta postgresql://user@host/database\n"
            "    tarn init --join --store s3://bucket/prefix --meta postgresql://user@host/database\n"
            "Secrets are never in a URL: see docs/places.md for the variables and files that hold them.",
    .most = 1,
    .params_size = sizeof(init_params),
    .params = params,
    .run = run,
};
