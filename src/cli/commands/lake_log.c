/* SPDX-License-Identifier: Apache-2.0 */
/* lake_log.c - tarn lake log: commits, newest first, all or some. */
#include "cli/graph.h"
#include "cli/lake_print.h"
#include "lake/history.h"

#include <stdio.h>
#include <string.h>

typedef struct log_params {
    int64_t limit;
    bool graph, moves;
    char author[200], since[64], until[64], path[1025];
} log_params;

static const tarn_param params[] = {
    TARN_INT(log_params, limit, 50, 1, 1e9, "show at most so many"),
    TARN_BOOL_PARAM(log_params, graph, false, "draw the lines of commits beside it"),
    TARN_TEXT(log_params, author, "", "only commits whose author's name holds this"),
    TARN_TEXT(log_params, since, "", "only commits from this time on, like 2026-01-31 or 2026-01-31T12:00"),
    TARN_TEXT(log_params, until, "", "only commits up to this time"),
    TARN_TEXT(log_params, path, "", "only commits that changed this path, or something in this folder"),
    TARN_BOOL_PARAM(log_params, moves, false, "instead: what happened to the ref itself, resets and removals too"),
    TARN_PARAMS_END,
};

typedef struct log_walk {
    tarn_cli *cli;
    json_t *list;
    bool drawn;
    tarn_graph graph;
    int64_t left; /* of moves */
} log_walk;

static tarn_code show_drawn(log_walk *w, const tarn_commit *c, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_text row = {0}, below = {0};

    tarn_graph_next(&w->graph, c, &row, &below);
    TARN_TRY(tarn_text_check(&row, err));
    TARN_TRY(tarn_text_check(&below, err));
    tarn_out(w->cli, "%s", row.data);
    tarn_out_commit(w->cli, c, false);
    tarn_out(w->cli, "%s", below.data ? below.data : "");
done:
    tarn_text_clear(&row);
    tarn_text_clear(&below);
    return rc;
}

static tarn_code show(void *arg, const tarn_commit *c, tarn_err *err)
{
    log_walk *w = arg;

    if (!w->drawn) tarn_out_commit(w->cli, c, false);
    else {
        tarn_code rc = show_drawn(w, c, err);
        if (rc != TARN_OK) return rc;
    }
    return tarn_json_append(w->list, tarn_commit_json(c), err);
}

static tarn_code show_move(void *arg, const tarn_move *move, tarn_err *err)
{
    log_walk *w = arg;
    char was[TARN_ID_HEX] = "", to[TARN_ID_HEX] = "", when[32];

    if (w->left-- == 0) return TARN_CANCELLED;
    if (!tarn_id_none(&move->was)) (void)tarn_id_hex(&move->was, was);
    if (!tarn_id_none(&move->to)) (void)tarn_id_hex(&move->to, to);
    tarn_out(w->cli, "%s  %-12.12s -> %-12.12s  %-10s  %.*s\n", tarn_time_text(move->time_us, when), was, to, move->who,
             (int)strcspn(move->why, "\n"), move->why);
    return tarn_json_append(
        w->list,
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "time", when, "was", was, "to", to, "who", move->who, "why", move->why),
        err);
}

static tarn_code read_time(const char *text, const char *name, int64_t *out, tarn_err *err)
{
    *out = 0;
    if (!text[0] || tarn_time_parse(text, strlen(text), out)) return TARN_OK;
    return TARN_FAIL(err, TARN_USAGE, "--%s: '%s' is not a time; write 2026-01-31 or 2026-01-31T12:00", name, text);
}

static tarn_code show_moves(log_walk *w, tarn_lake *lake, const char *ref, int64_t limit, tarn_err *err)
{
    w->left = limit;
    return tarn_lake_ref_moves(lake, ref, show_move, w, err);
}

static tarn_code show_commits(log_walk *w, tarn_lake *lake, const log_params *p, const char *ref, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id id;
    tarn_log_options o = {
        .author = p->author[0] ? p->author : NULL, .path = p->path[0] ? p->path : NULL, .limit = p->limit};

    TARN_TRY(read_time(p->since, "since", &o.since_us, err));
    TARN_TRY(read_time(p->until, "until", &o.until_us, err));
    if (p->graph && (o.author || o.path || o.until_us))
        return TARN_FAIL(err, TARN_USAGE, "--graph draws whole lines; leave --author, --path and --until away");
    TARN_TRY(tarn_lake_resolve(lake, ref, &id, err));
    TARN_TRY(tarn_lake_log_some(lake, &id, &o, show, w, err));
    if (json_array_size(w->list) == 0) tarn_say(w->cli->sink, TARN_INFO, "no commit of '%s' is of that kind", ref);
done:
    return rc;
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const log_params *p = values;
    tarn_lake *lake = NULL;
    char branch[256];
    const char *ref = argc ? argv[0] : tarn_cli_branch(cli, branch, sizeof branch);
    log_walk w = {.cli = cli, .list = json_array(), .drawn = p->graph};

    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    TARN_TRY(p->moves ? show_moves(&w, lake, ref, p->limit, err) : show_commits(&w, lake, p, ref, err));
    TARN_TRY(tarn_json_set(cli->result, p->moves ? "moves" : "commits", json_incref(w.list), err));
done:
    json_decref(w.list);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_lake_log = {
    .name = "lake log",
    .stage = "lake",
    .title = "commits, newest first",
    .usage = "[REF]",
    .help = "REF is a branch, a tag, models/NAME/ALIAS, a commit id, or one of these with ~2, ^2 or "
            "@{2026-01-31T12:00} behind it. A merge counts for --path if it differs from all its parents.",
    .most = 1,
    .params_size = sizeof(log_params),
    .params = params,
    .run = run,
};
