/* SPDX-License-Identifier: Apache-2.0 */
/* lake_du.c - tarn lake du: what takes space. */
#include "cli/command.h"
#include "lake/care.h"

#include <stdio.h>
#include <string.h>

typedef struct du_params {
    char path[1025];
} du_params;

static const tarn_param params[] = {
    TARN_TEXT(du_params, path, "", "by folders and files under this path of one REF; / for all"),
    TARN_PARAMS_END,
};

typedef struct listing {
    tarn_cli *cli;
    json_t *list;
} listing;

static tarn_code show(void *arg, const tarn_du *row, tarn_err *err)
{
    listing *l = arg;
    char logical[32], stored[32], alone[32];
    const char *name = row->name[0] ? row->name : "(staged, results of runs)";

    if (json_array_size(l->list) == 0) tarn_out(l->cli, "%10s %12s %12s %12s\n", "paths", "content", "stored", "alone");
    tarn_out(l->cli, "%10llu %12s %12s %12s  %s\n", (unsigned long long)row->paths,
             tarn_num_bytes(row->logical, logical), tarn_num_bytes(row->stored, stored),
             tarn_num_bytes(row->alone, alone), name);
    return tarn_json_append(l->list,
                            json_pack("{s:s, s:I, s:I, s:I, s:I}", "name", row->name, "paths", (json_int_t)row->paths,
                                      "logical", (json_int_t)row->logical, "stored", (json_int_t)row->stored, "alone",
                                      (json_int_t)row->alone),
                            err);
}

static tarn_code by_paths(tarn_cli *cli, tarn_lake *lake, const char *ref, const char *path, listing *l,
                          tarn_du_total *total, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id commit;
    char prefix[1026];
    size_t len = strlen(path);
    bool all = strcmp(path, "/") == 0, folder = len > 0 && path[len - 1] == '/';

    TARN_TRY(tarn_lake_resolve(lake, ref, &commit, err));
    (void)snprintf(prefix, sizeof prefix, "%s%s", all ? "" : path, all || folder ? "" : "/");
    TARN_TRY(tarn_lake_du_paths(lake, &commit, prefix, show, l, total, cli->sink, err));
    if (json_array_size(l->list) == 0)
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "there is no folder '%.300s' in %.200s", path, ref);
done:
    return rc;
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const du_params *p = values;
    tarn_lake *lake = NULL;
    tarn_du_total total = {0};
    listing l = {cli, json_array()};
    char branch[256], logical[32], live[32], shared[32], packs[32];

    if (p->path[0] && argc > 1) {
        rc = TARN_FAIL(err, TARN_USAGE, "--path looks into one REF; %d are given", argc);
        goto done;
    }
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    if (p->path[0])
        TARN_TRY(by_paths(cli, lake, argc ? argv[0] : tarn_cli_branch(cli, branch, sizeof branch), p->path, &l, &total,
                          err));
    else TARN_TRY(tarn_lake_du(lake, (const char *const *)argv, (size_t)argc, show, &l, &total, cli->sink, err));
    tarn_out(cli, "in all %s of content; %s stored, %s of it needed more than once; %s in packs\n",
             tarn_num_bytes(total.logical, logical), tarn_num_bytes(total.live, live),
             tarn_num_bytes(total.shared, shared), tarn_num_bytes(total.packs, packs));
    TARN_TRY(tarn_json_set(cli->result, "rows", json_incref(l.list), err));
    TARN_TRY(tarn_json_set(cli->result, "total",
                           json_pack("{s:I, s:I, s:I, s:I}", "logical", (json_int_t)total.logical, "stored",
                                     (json_int_t)total.live, "shared", (json_int_t)total.shared, "packs",
                                     (json_int_t)total.packs),
                           err));
done:
    json_decref(l.list);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_du = {
    .name = "lake du",
    .stage = "lake",
    .title = "what takes space, by branch or by path",
    .usage = "[REF...]",
    .help =
        "For each branch, tag and model: its paths and the bytes of their content, the bytes stored for it and its "
        "history, and those that nothing else needs. These are what `tarn lake gc` frees in the end when the ref is "
        "removed. What is stored once counts once.\nExample: `tarn lake du main --path clean/`",
    .most = -1,
    .params_size = sizeof(du_params),
    .params = params,
    .run = run,
};
