/* SPDX-License-Identifier: Apache-2.0 */
/* lake_rm.c - tarn lake rm: stage the removal of paths. */
#include "base/mem.h"
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

typedef struct rm_params {
    char branch[200];
} rm_params;

static const tarn_param params[] = {
    TARN_TEXT(rm_params, branch, "", "branch to stage on (default: the project's)"),
    TARN_PARAMS_END,
};

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const rm_params *p = values;
    tarn_lake *lake = NULL;
    tarn_entry *entries = NULL;
    tarn_id head;
    char branch[256];
    const char *on = p->branch[0] ? p->branch : tarn_cli_branch(cli, branch, sizeof branch);

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_resolve(lake, on, &head, err));
    TARN_TRY(tarn_alloc(&entries, (size_t)argc, sizeof *entries, err));
    for (int i = 0; i < argc; i++) {
        tarn_entry there;
        TARN_TRY(tarn_lake_lookup(lake, &head, argv[i], &there, err));
        (void)snprintf(entries[i].path, sizeof entries[i].path, "%s", there.path);
    }
    TARN_TRY(tarn_lake_stage(lake, on, entries, (size_t)argc, err));
    tarn_out(cli, "%d paths staged for removal on %s; `tarn lake commit` commits them\n", argc, on);
    TARN_TRY(tarn_json_set(cli->result, "staged", json_integer(argc), err));
done:
    tarn_free(entries);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_rm = {
    .name = "lake rm",
    .stage = "lake",
    .title = "stage the removal of paths",
    .usage = "PATH...",
    .least = 1,
    .most = -1,
    .params_size = sizeof(rm_params),
    .params = params,
    .run = run,
};
