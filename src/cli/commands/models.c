/* SPDX-License-Identifier: Apache-2.0 */
/* models.c - tarn models: registered models, their versions and aliases. */
#include "base/mem.h"
#include "cli/holdouts.h"
#include "registry/registry.h"

#include <stdio.h>

typedef struct listing {
    tarn_cli *cli;
    json_t *list, *uses; /* of the holdout, on this branch */
    size_t n;
} listing;

static tarn_code list_one(void *arg, const tarn_version *v, const char *aliases, tarn_err *err)
{
    listing *l = arg;
    char hex[TARN_ID_HEX], data[TARN_ID_HEX], commit[TARN_ID_HEX], when[32];

    if (l->n++ == 0)
        tarn_out(l->cli, "%s%-20s %7s  %-14s %-12s  %-12s  %-20s  %7s  %s%s\n", tarn_color(l->cli, "bold"), "model",
                 "version", "alias", "id", "data", "made", "holdout", "by", tarn_color(l->cli, NULL));
    int64_t used = tarn_holdout_count(l->uses, "id", tarn_id_hex(&v->object, hex));
    tarn_out(l->cli, "%-20s %7lld  %-14s %.12s  %.12s  %s  %7lld  %s\n", v->model, (long long)v->number,
             aliases[0] ? aliases : "-", hex, tarn_id_hex(&v->data, data), tarn_time_text(v->time_us, when),
             (long long)used, v->author);
    return tarn_json_append(l->list,
                            json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "model", v->model,
                                      "version", (json_int_t)v->number, "aliases", aliases, "id", hex, "data", data,
                                      "commit", tarn_id_hex(&v->commit, commit), "made", when, "by", v->author, "note",
                                      v->note, "holdout_uses", (json_int_t)used),
                            err);
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    listing l = {.cli = cli, .list = json_array()};
    char branch[256];

    (void)values;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_holdout_uses(lake, tarn_cli_branch(cli, branch, sizeof branch), &l.uses, err));
    TARN_TRY(tarn_registry_list(lake, argc ? argv[0] : NULL, list_one, &l, err));
    if (l.n == 0 && argc) {
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "there is no model '%.100s'; `tarn models` lists what there is", argv[0]);
        goto done;
    }
    if (l.n == 0) tarn_out(cli, "No model is registered yet; `tarn run` registers the winner.\n");
    TARN_TRY(tarn_json_set(cli->result, "models", json_incref(l.list), err));
done:
    json_decref(l.list);
    json_decref(l.uses);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_models = {
    .name = "models",
    .stage = "registry",
    .title = "registered models, their versions and aliases",
    .usage = "[MODEL]",
    .most = 1,
    .run = run,
};
