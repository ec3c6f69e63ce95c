/* SPDX-License-Identifier: Apache-2.0 */
/* lake_hold_list.c - tarn lake hold list: what is held, by whom, until when; the rules; the lake's clock. */
#include "cli/command.h"
#include "lake/hold.h"

#include <stdio.h>

typedef struct list_params {
    bool all;
} list_params;

static const tarn_param params[] = {
    TARN_BOOL_PARAM(list_params, all, false, "also those that have ended or were released"),
    TARN_PARAMS_END,
};

typedef struct listing {
    tarn_cli *cli;
    json_t *holds, *rules;
} listing;

static const char *state_of(const tarn_hold *h) { return h->active ? "active" : h->released_us ? "released" : "ended"; }

static tarn_code show(void *arg, const tarn_hold *h, tarn_err *err)
{
    listing *l = arg;
    char hex[TARN_ID_HEX], until[32] = "-", made[32];
    const char *kind = h->kind == TARN_HOLD_COMMIT ? "commit" : "object";

    if (h->until_us) (void)tarn_time_text(h->until_us, until);
    (void)tarn_time_text(h->made_us, made);
    tarn_out(l->cli, "%.12s  %-10s  %-8s  until %-20s  %s %.12s  %s%s%s  %s%s%s\n", h->name, tarn_hold_modes[h->mode],
             state_of(h), until, kind, tarn_id_hex(&h->id, hex), h->branch, *h->path ? "/" : "", h->path, h->who,
             *h->why ? ": " : "", h->why);
    return tarn_json_append(l->holds,
                            json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "hold", h->name,
                                      "mode", tarn_hold_modes[h->mode], "state", state_of(h), "kind", kind, "id", hex,
                                      "ref", h->branch, "path", h->path, "until", h->until_us ? until : "", "made",
                                      made, "who", h->who, "why", h->why),
                            err);
}

static tarn_code show_rule(void *arg, const tarn_hold_rule *r, tarn_err *err)
{
    listing *l = arg;

    tarn_out(l->cli, "rule          %-10s  every new commit on '%s' for %lld days\n", tarn_hold_modes[r->mode],
             r->pattern, (long long)r->days);
    return tarn_json_append(l->rules,
                            json_pack("{s:s, s:s, s:I}", "pattern", r->pattern, "mode", tarn_hold_modes[r->mode],
                                      "days", (json_int_t)r->days),
                            err);
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = NULL;
    listing l = {cli, json_array(), json_array()};
    int64_t now = 0, ahead = 0;
    char when[32];

    (void)argc, (void)argv;
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(tarn_lake_hold_clock(lake, &now, &ahead, err));
    if (((const list_params *)values)->all) TARN_TRY(tarn_lake_holds_all(lake, show, &l, err));
    else TARN_TRY(tarn_lake_holds(lake, show, &l, err));
    TARN_TRY(tarn_lake_hold_rules(lake, show_rule, &l, err));
    if (json_array_size(l.holds) + json_array_size(l.rules) == 0) tarn_out(cli, "Nothing is held.\n");
    if (ahead > 60000000 || ahead < -60000000)
        tarn_out(cli, "%sThe machine's clock is %lld s %s the lake's (%s): holds end by the lake's.%s\n",
                 tarn_color(cli, "yellow"), (long long)((ahead < 0 ? -ahead : ahead) / 1000000),
                 ahead < 0 ? "behind" : "ahead of", tarn_time_text(now, when), tarn_color(cli, NULL));
    TARN_TRY(tarn_json_set(cli->result, "holds", json_incref(l.holds), err));
    TARN_TRY(tarn_json_set(cli->result, "rules", json_incref(l.rules), err));
    TARN_TRY(tarn_json_set(cli->result, "clock", json_string(tarn_time_text(now, when)), err));
    TARN_TRY(tarn_json_set(cli->result, "ahead_seconds", json_integer(ahead / 1000000), err));
done:
    json_decref(l.holds);
    json_decref(l.rules);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_hold_list = {
    .name = "lake hold list",
    .stage = "lake",
    .title = "what is held, by whom and until when, and the rules",
    .usage = "",
    .params_size = sizeof(list_params),
    .params = params,
    .run = run,
};
