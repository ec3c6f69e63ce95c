/* SPDX-License-Identifier: Apache-2.0 */
/* lake_blame.c - tarn lake blame: the commit that last changed a path. */
#include "cli/lake_print.h"
#include "lake/history.h"

#include <stdio.h>
#include <string.h>

typedef struct listing {
    tarn_cli *cli;
    json_t *list;
} listing;

static tarn_code show(void *arg, const tarn_entry *e, const tarn_commit *c, tarn_err *err)
{
    listing *l = arg;
    char hex[TARN_ID_HEX], when[32];
    size_t line = strcspn(c->message, "\n");

    tarn_out(l->cli, "%s%.12s%s  %s  %-10s  %-24s  %.*s\n", tarn_color(l->cli, "yellow"), tarn_id_hex(&c->id, hex),
             tarn_color(l->cli, NULL), tarn_time_text(c->time_us, when), c->author, e->path, (int)line, c->message);
    return tarn_json_append(l->list, json_pack("{s:s, s:o*}", "path", e->path, "commit", tarn_commit_json(c)), err);
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    tarn_id id;
    char path[1025];
    listing l = {cli, json_array()};

    (void)values, (void)argc;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_resolve_path(lake, argv[0], &id, path, err));
    TARN_TRY(tarn_lake_blame(lake, &id, path, show, &l, err));
    TARN_TRY(tarn_json_set(cli->result, "entries", json_incref(l.list), err));
done:
    json_decref(l.list);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_blame = {
    .name = "lake blame",
    .stage = "lake",
    .title = "the commit that last changed a path",
    .usage = "REF/PATH",
    .help = "With '/' behind, of each entry of a folder: `tarn lake blame main/clean/`. A renamed file counts as new.",
    .least = 1,
    .most = 1,
    .run = run,
};
