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

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *folder = argc ? argv[0] : cli->folder;
    char path[4096];

    (void)values;
    TARN_TRY(tarn_dir_make(folder, err));
    TARN_TRY(tarn_lake_init(folder, err));
    TARN_TRY(tarn_path_join(path, sizeof path, folder, "tarn.yaml", err));
    bool fresh = !tarn_path_exists(path);
    if (fresh) TARN_TRY(tarn_file_save(path, start, strlen(start), err));
    tarn_out(cli, "Made the lake %s/.tarn%s\nNext: write tarn.yaml, then `tarn run`.\n", folder,
             fresh ? " and a project file tarn.yaml to start from" : "");
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
            "the machine changes.",
    .most = 1,
    .run = run,
};
