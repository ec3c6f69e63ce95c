/* SPDX-License-Identifier: Apache-2.0 */
/* audit_log.c - tarn audit log. */
#include "base/mem.h"
#include "cli/access_command.h"

#include <string.h>

typedef struct log_params {
    char who[80], action[40], target[260], result[20], since[40], until[40];
    int64_t from, most;
} log_params;

static const tarn_param params[] = {
    TARN_TEXT(log_params, who, "", "only by this user (ann, or user:ann, local:root, anonymous)"),
    TARN_TEXT(log_params, action, "", "only this action, or those that begin so: commit, user."),
    TARN_TEXT(log_params, target, "", "only targets that hold this text"),
    TARN_TEXT(log_params, result, "", "only this result: ok or denied"),
    TARN_TEXT(log_params, since, "", "from this time on: 2026-01-31, 2026-01-31T12:00"),
    TARN_TEXT(log_params, until, "", "up to this time"),
    TARN_INT(log_params, from, 1, 1, 1e15, "from this record on"),
    TARN_INT(log_params, most, 0, 0, 1e9, "the last so many that fit (0: all)"),
    TARN_PARAMS_END,
};

typedef struct search {
    tarn_cli *cli;
    const log_params *p;
    int64_t since, until;
    json_t *found;
} search;

static bool time_fits(const search *s, const json_t *record)
{
    const char *text = tarn_json_text(record, "time", "");
    int64_t at = 0;

    if (!tarn_time_parse(text, strlen(text), &at)) return true; /* damaged: shown rather than hidden */
    return at >= s->since && at <= s->until;
}

static bool fits(const search *s, const json_t *record)
{
    const char *who = tarn_json_text(record, "who", ""), *colon = strchr(who, ':'), *action = s->p->action;

    if (s->p->who[0] && strcmp(who, s->p->who) != 0 && !(colon && strcmp(colon + 1, s->p->who) == 0)) return false;
    if (action[0] && strncmp(tarn_json_text(record, "action", ""), action, strlen(action)) != 0) return false;
    if (s->p->target[0] && !strstr(tarn_json_text(record, "target", ""), s->p->target)) return false;
    if (s->p->result[0] && strcmp(tarn_json_text(record, "result", ""), s->p->result) != 0) return false;
    return time_fits(s, record);
}

static tarn_code look(void *arg, int64_t seq, const char *record, tarn_err *err)
{
    search *s = arg;
    json_t *value = NULL;
    tarn_err bad = {0};
    tarn_code rc = TARN_OK;

    if (tarn_json_read(record, strlen(record), "record", &value, &bad) != TARN_OK)
        value = json_pack("{s:I, s:s, s:s}", "seq", (json_int_t)seq, "action", "?", "detail", bad.msg);
    if (!value) return TARN_FAIL(err, TARN_NOMEM, "no memory for the log");
    if (fits(s, value)) rc = tarn_json_append(s->found, json_incref(value), err);
    if (s->p->most > 0 && json_array_size(s->found) > (size_t)s->p->most) (void)json_array_remove(s->found, 0);
    json_decref(value);
    return rc;
}

static void print(const search *s)
{
    const json_t *r;
    size_t i;

    json_array_foreach(s->found, i, r)
    {
        tarn_out(s->cli, "%6lld  %s  %-16s %-14s %-7s %s", (long long)json_integer_value(json_object_get(r, "seq")),
                 tarn_json_text(r, "time", "?"), tarn_json_text(r, "who", "?"), tarn_json_text(r, "action", "?"),
                 tarn_json_text(r, "result", "?"), tarn_json_text(r, "target", ""));
        if (json_object_get(r, "count"))
            tarn_out(s->cli, "  (%lld times)", (long long)json_integer_value(json_object_get(r, "count")));
        if (json_object_get(r, "from")) tarn_out(s->cli, "  from %s", tarn_json_text(r, "from", ""));
        if (json_object_get(r, "detail")) tarn_out(s->cli, "  %s", tarn_json_text(r, "detail", ""));
        tarn_out(s->cli, "\n");
    }
}

static tarn_code read_time(const char *text, int64_t otherwise, int64_t *out, tarn_err *err)
{
    *out = otherwise;
    if (!*text || tarn_time_parse(text, strlen(text), out)) return TARN_OK;
    return TARN_FAIL(err, TARN_USAGE, "'%.40s' is no time; write 2026-01-31 or 2026-01-31T12:00", text);
}

static tarn_code run(tarn_cli *cli, const void *values, int argc, char *const *argv, tarn_err *err)
{
    search s = {.cli = cli, .p = values};
    tarn_lake *lake = NULL;
    tarn_code rc = TARN_OK;

    (void)argc, (void)argv;
    TARN_TRY(read_time(s.p->since, INT64_MIN, &s.since, err));
    TARN_TRY(read_time(s.p->until, INT64_MAX, &s.until, err));
    TARN_TRY(tarn_cli_lake(cli, &lake, err));
    s.found = json_array();
    TARN_TRY(tarn_audit_read(lake, s.p->from, look, &s, err));
    print(&s);
    TARN_TRY(tarn_json_set(cli->result, "records", json_incref(s.found), err));
done:
    json_decref(s.found);
    tarn_lake_close(lake);
    return rc;
}

const tarn_command tarn_command_audit_log = {
    .name = "audit log",
    .stage = "lake",
    .title = "what was done, by whom, from where",
    .usage = "",
    .help = "Oldest first. Commits, moved refs, users and grants, logins, what was refused, and what came through the "
            "server.\n"
            "    tarn audit log --result denied --since 2026-01-31",
    .params_size = sizeof(log_params),
    .params = params,
    .run = run,
};
