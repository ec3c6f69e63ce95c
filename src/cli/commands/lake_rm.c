/* SPDX-License-Identifier: Apache-2.0 */
/* lake_rm.c - tarn lake rm: stage the removal of paths and folders. */
#include "base/mem.h"
#include "cli/command.h"
#include "lake/history.h"

#include <stdio.h>
#include <string.h>

typedef struct rm_params {
    char branch[200], as[256];
    bool recursive;
} rm_params;

static const tarn_param params[] = {
    TARN_TEXT(rm_params, branch, "", "branch to stage on (default: the project's)"),
    TARN_TEXT(rm_params, as, "", "whose staging area (default: your own)"),
    TARN_BOOL_PARAM(rm_params, recursive, false, "PATH is a folder: all that is in it, as one staged row"),
    TARN_PARAMS_END,
};

static tarn_code is_there(void *arg, const tarn_entry *e, tarn_err *err)
{
    (void)e, (void)err;
    *(bool *)arg = true;
    return TARN_CANCELLED;
}

/* The row that clears a folder, "a/b" or "a/b/", if there is anything in it. */
static tarn_code clear_folder(tarn_lake *lake, const char *on, const char *who, const char *typed, tarn_entry *out,
                              tarn_err *err)
{
    size_t len = strlen(typed);
    bool there = false;

    while (len > 0 && typed[len - 1] == '/') len--;
    if (len == 0 || len + 2 > sizeof out->path)
        return TARN_FAIL(err, TARN_INVALID, "'%.80s' is not a folder in the lake; write it like raw/photos/", typed);
    (void)snprintf(out->path, sizeof out->path, "%.*s/", (int)len, typed);
    tarn_code rc = tarn_lake_list_staged(lake, on, who, out->path, "", 0, is_there, &there, err);
    if (rc == TARN_OK && !there) rc = TARN_FAIL(err, TARN_NOT_FOUND, "there is no path under '%.300s'", out->path);
    return rc;
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const rm_params *p = values;
    tarn_lake *lake = NULL;
    tarn_entry *entries = NULL, there;
    char branch[256], who[256];
    const char *on = p->branch[0] ? p->branch : tarn_cli_branch(cli, branch, sizeof branch);

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    (void)tarn_cli_who(p->as, who, sizeof who);
    TARN_TRY(tarn_alloc(&entries, (size_t)argc, sizeof *entries, err));
    for (int i = 0; i < argc; i++) {
        size_t len = strlen(argv[i]);
        if (p->recursive) {
            TARN_TRY(clear_folder(lake, on, who, argv[i], &entries[i], err));
            continue;
        }
        if (len > 0 && argv[i][len - 1] == '/')
            rc = TARN_FAIL(err, TARN_USAGE, "'%.150s' is a folder; -r removes it with all that is in it", argv[i]);
        TARN_TRY(rc);
        TARN_TRY(tarn_lake_lookup_staged(lake, on, who, argv[i], &there, err));
        (void)snprintf(entries[i].path, sizeof entries[i].path, "%s", there.path);
    }
    TARN_TRY(tarn_lake_stage(lake, on, who, entries, (size_t)argc, err));
    tarn_out(cli, "%d %s%s staged for removal on %s; `tarn lake commit` commits them\n", argc,
             p->recursive ? "folder" : "path", argc == 1 ? "" : "s", on);
    TARN_TRY(tarn_json_set(cli->result, "staged", json_integer(argc), err));
done:
    tarn_free(entries);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_rm = {
    .name = "lake rm",
    .stage = "lake",
    .title = "stage the removal of paths and folders",
    .usage = "PATH...",
    .help = "With -r a whole folder, at once, however much is in it: `tarn lake rm -r raw/photos/`. What is put there "
            "afterwards stays.",
    .least = 1,
    .most = -1,
    .params_size = sizeof(rm_params),
    .params = params,
    .run = run,
};
