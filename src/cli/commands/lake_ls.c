/* SPDX-License-Identifier: Apache-2.0 */
/* lake_ls.c - tarn lake ls: paths of a reference. */
#include "cli/command.h"
#include "lake/history.h"

#include <string.h>

typedef struct ls_params {
    bool all, staged;
    char as[256];
} ls_params;

static const tarn_param params[] = {
    TARN_BOOL_PARAM(ls_params, all, false, "list what is inside folders too"),
    TARN_BOOL_PARAM(ls_params, staged, false, "with the staged changes of the branch on top (as REF$)"),
    TARN_TEXT(ls_params, as, "", "whose staging area (default: your own)"),
    TARN_PARAMS_END,
};

typedef struct listing {
    tarn_cli *cli;
    json_t *list;
} listing;

static tarn_code show(void *arg, const tarn_entry *e, tarn_err *err)
{
    listing *l = arg;
    char hex[TARN_ID_HEX], size[32];

    if (e->path[strlen(e->path) - 1] == '/') {
        tarn_out(l->cli, "%12s  %10s  %s%s%s\n", "", "", tarn_color(l->cli, "blue"), e->path, tarn_color(l->cli, NULL));
        return tarn_json_append(l->list, json_pack("{s:s}", "folder", e->path), err);
    }
    tarn_out(l->cli, "%.12s  %10s  %s\n", tarn_id_hex(&e->object.id, hex), tarn_num_bytes(e->object.size, size),
             e->path);
    json_t *j = json_pack("{s:s, s:s, s:I}", "path", e->path, "object", hex, "bytes", (json_int_t)e->object.size);
    if (!tarn_id_none(&e->recipe)) (void)json_object_set_new(j, "recipe", json_string(tarn_id_hex(&e->recipe, hex)));
    return tarn_json_append(l->list, j, err);
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const ls_params *p = values;
    tarn_lake *lake = NULL;
    char branch[256], full[256], path[1025], who[256];
    const char *ref = argc ? argv[0] : tarn_cli_branch(cli, branch, sizeof branch), *prefix = argc > 1 ? argv[1] : "";
    tarn_id id;
    listing l = {cli, json_array()};
    bool staged = false;

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_resolve_staged(lake, ref, &staged, full, path, err));
    if (staged || p->staged) {
        TARN_TRY(tarn_lake_list_staged(lake, staged ? full : ref, tarn_cli_who(p->as, who, sizeof who),
                                       staged && argc < 2 ? path : prefix, "", p->all ? 0 : '/', show, &l, err));
    } else {
        TARN_TRY(tarn_lake_resolve(lake, ref, &id, err));
        TARN_TRY(tarn_lake_list(lake, &id, prefix, "", p->all ? 0 : '/', show, &l, err));
    }
    TARN_TRY(tarn_json_set(cli->result, "entries", json_incref(l.list), err));
done:
    json_decref(l.list);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_ls = {
    .name = "lake ls",
    .stage = "lake",
    .title = "paths of a reference",
    .usage = "[REF [PREFIX]]",
    .help =
        "Example: `tarn lake ls main clean/`; `main$` is main with what you have staged on top, `main~2` two commits "
        "ago.",
    .most = 2,
    .params_size = sizeof(ls_params),
    .params = params,
    .run = run,
};
