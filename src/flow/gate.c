/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c - the checks that protected branches require. See gate.h. */
#include "flow/gate.h"

#include "base/file.h"
#include "base/mem.h"
#include "flow/child.h"
#include "flow/project.h"
#include "flow/recipe.h"
#include "flow/stage.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUMMARY = 400, VARIABLES = 12 };

static const int64_t memory_most = 2LL << 30, file_most = 256LL << 20;
static const size_t output_most = 1 << 20;

typedef struct check {
    const tarn_sink *sink;
    tarn_lake *lake;
    const tarn_gate_ask *ask;
    char scratch[4096];
    bool passed;
    char summary[SUMMARY + 1];
} check;

/* Text of anybody's into the summary: printable, valid, one line. */
static void summarize(check *c, const char *text, size_t len)
{
    size_t n = len < SUMMARY ? len : SUMMARY;

    while (n > 0 && n < len && ((unsigned char)text[n] & 0xC0) == 0x80) n--;
    memcpy(c->summary, text, n);
    c->summary[n] = '\0';
    bool valid = tarn_utf8_valid(text, n, NULL);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)c->summary[i] < 32 || c->summary[i] == 127 || (!valid && (unsigned char)c->summary[i] > 126))
            c->summary[i] = ' ';
}

/* ---- schema ---- */

/* The step's rules of tables that the commit holds, and these as inputs. */
static tarn_code take_tables(check *c, const tarn_planned *step, tarn_stage_job *job, tarn_entry *inputs,
                             json_t **params, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *rules = NULL, *rule;
    size_t i, n = 0;
    char path[1025];

    *params = json_pack("{s:s, s:[]}", "name", "check", "rules");
    rules = json_object_get(*params, "rules");
    if (!rules) return TARN_FAIL(err, TARN_NOMEM, "no memory for rules of tables");
    for (i = 0; i < step->n_inputs; i++) {
        rc = tarn_lake_lookup(c->lake, &c->ask->commit, step->inputs[i], &inputs[n], err);
        if (rc == TARN_OK) n++;
        else if (rc != TARN_NOT_FOUND) return rc;
    }
    rc = TARN_OK;
    job->inputs = inputs;
    job->n_inputs = n;
    json_array_foreach(json_object_get(step->params, "rules"), i, rule)
    {
        (void)snprintf(path, sizeof path, "%s.parquet", tarn_json_text(rule, "name", ""));
        if (tarn_stage_input(job, path)) TARN_TRY(tarn_json_append(rules, json_incref(rule), err));
    }
    job->params = *params;
done:
    return rc;
}

static tarn_code check_tables(check *c, const tarn_planned *step, size_t *held, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_stage_job job = {.lake = c->lake, .sink = c->sink, .folder = tarn_lake_folder(c->lake), .scratch = c->scratch};
    tarn_entry *inputs = NULL;
    json_t *params = NULL;

    TARN_TRY(tarn_alloc(&inputs, step->n_inputs + 1, sizeof *inputs, err));
    TARN_TRY(take_tables(c, step, &job, inputs, &params, err));
    size_t n = json_array_size(json_object_get(params, "rules"));
    *held += n;
    if (n > 0) TARN_TRY(tarn_stage_find(step->kind)->run(&job, err));
done:
    tarn_free(inputs);
    tarn_free(job.outputs);
    tarn_text_clear(&job.said);
    json_decref(params);
    return rc;
}

static tarn_code check_schema(check *c, tarn_err *err)
{
    tarn_project *p = NULL;
    size_t held = 0, declared = 0;
    tarn_err why = {0};
    tarn_code rc = tarn_project_read(tarn_lake_folder(c->lake), &p, NULL, &why);

    for (size_t i = 0; rc == TARN_OK && i < p->n_steps; i++) {
        if (strcmp(p->steps[i].kind, "check") != 0) continue;
        declared += json_array_size(json_object_get(p->steps[i].params, "rules"));
        rc = check_tables(c, &p->steps[i], &held, &why);
    }
    tarn_project_free(p);
    c->passed = rc == TARN_OK;
    if (rc == TARN_OK)
        (void)snprintf(c->summary, sizeof c->summary, "%zu of %zu declared tables are there and keep their rules", held,
                       declared);
    else summarize(c, why.msg, strlen(why.msg));
    if (rc == TARN_NOMEM || rc == TARN_CANCELLED) return TARN_FAIL(err, rc, "%s", why.msg);
    return TARN_OK;
}

/* ---- a command ---- */

static void name_program(char *out, size_t cap)
{
    ssize_t n = readlink("/proc/self/exe", out, cap - 1);
    out[n > 0 ? n : 0] = '\0';
}

static tarn_code add_variable(tarn_arena *arena, const char **list, size_t *n, const char *name, const char *value,
                              tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *copy = NULL;
    tarn_text t = {0};

    tarn_text_addf(&t, "%s=%s", name, value);
    TARN_TRY(tarn_text_check(&t, err));
    TARN_TRY(tarn_arena_strndup(arena, t.data, t.len, &copy, err));
    list[(*n)++] = copy;
done:
    tarn_text_clear(&t);
    return rc;
}

static tarn_code make_environment(const check *c, tarn_arena *arena, const char **list, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t n = 0;
    char program[4096], commit[TARN_ID_HEX], head[TARN_ID_HEX] = "";
    const char *path = getenv("PATH"), *branch = c->ask->ref;
    tarn_text checking = {0};

    name_program(program, sizeof program);
    if (!tarn_id_none(&c->ask->head)) (void)tarn_id_hex(&c->ask->head, head);
    if (strncmp(branch, "heads/", 6) == 0) branch += 6;
    TARN_TRY(tarn_lake_checking(c->lake, c->ask->ref, &checking, err));
    const char *const pairs[][2] = {{"PATH", path ? path : "/usr/local/bin:/usr/bin:/bin"},
                                    {"HOME", c->scratch},
                                    {"TMPDIR", c->scratch},
                                    {"LANG", "C.UTF-8"},
                                    {"TARN", program},
                                    {"TARN_LAKE", tarn_lake_folder(c->lake)},
                                    {"TARN_REF", branch},
                                    {"TARN_EVENT", c->ask->event},
                                    {"TARN_COMMIT", tarn_id_hex(&c->ask->commit, commit)},
                                    {"TARN_HEAD", head},
                                    {"TARN_CHECKING", checking.data}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        TARN_TRY(add_variable(arena, list, &n, pairs[i][0], pairs[i][1], err));
done:
    tarn_text_clear(&checking);
    return rc;
}

/* The last lines of what it said, and how it ended. */
static void judge(check *c, const tarn_child_end *end)
{
    const char *said = end->output.data ? end->output.data : "";
    size_t len = strlen(said);
    char how[100] = "";

    c->passed = end->status == 0 && !end->too_long && !end->too_much;
    while (len > 0 && (unsigned char)said[len - 1] <= 32) len--;
    size_t from = len > 300 ? len - 300 : 0;
    while (from > 0 && from < len && said[from - 1] != '\n') from++;
    if (from == len && len > 0) from = len > 300 ? len - 300 : 0; /* one long line: its end */
    if (end->too_long) (void)snprintf(how, sizeof how, "killed after %lld seconds", (long long)c->ask->seconds);
    else if (end->too_much) (void)snprintf(how, sizeof how, "killed, since it said more than 1 MiB");
    else if (end->status > 128) (void)snprintf(how, sizeof how, "killed by signal %d", end->status - 128);
    else if (end->status != 0) (void)snprintf(how, sizeof how, "ended with status %d", end->status);
    tarn_text t = {0};
    tarn_text_addf(&t, "%s%s%.*s", how, how[0] && len > from ? ": " : "", (int)(len - from), said + from);
    if (t.data) summarize(c, t.data, t.len);
    tarn_text_clear(&t);
}

static tarn_code check_command(check *c, const char *command, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_arena *arena = NULL;
    const char *environment[VARIABLES + 1] = {NULL};
    tarn_child_end end = {.status = -1};

    TARN_TRY(tarn_arena_new(&arena, err));
    TARN_TRY(make_environment(c, arena, environment, err));
    tarn_child child = {.command = command + strspn(command, " "),
                        .folder = c->scratch,
                        .environment = environment,
                        .seconds = c->ask->seconds,
                        .memory_bytes = memory_most,
                        .file_bytes = file_most,
                        .output_bytes = output_most};
    TARN_TRY(tarn_child_run(&child, &end, err));
    judge(c, &end);
done:
    tarn_text_clear(&end.output);
    tarn_arena_free(arena);
    return rc;
}

/* ---- all of them ---- */

static tarn_code run_check(check *c, const char *what, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char hex[TARN_ID_HEX];

    c->passed = false;
    c->summary[0] = '\0';
    (void)snprintf(c->scratch, sizeof c->scratch, "%.3500s/step-check-%.12s-%p-%ld", tarn_lake_tmp_dir(c->lake),
                   tarn_id_hex(&c->ask->commit, hex), (void *)c,
                   (long)getpid()); /* a killed run's: see tarn_recipe_sweep */
    TARN_TRY(tarn_dir_make(c->scratch, err));
    if (strncmp(what, "command:", 8) == 0) TARN_TRY(check_command(c, what + 8, err));
    else if (strcmp(what, "schema") == 0) TARN_TRY(check_schema(c, err));
    else (void)snprintf(c->summary, sizeof c->summary, "this tarn knows no check '%.80s'", what);
done:
    if (tarn_dir_remove(c->scratch, NULL) != TARN_OK) tarn_say(c->sink, TARN_WARN, "cannot remove %s", c->scratch);
    return rc;
}

/* A long command is named by its beginning, cut between characters. */
static void tell_failed(const check *c, const char *what, char first[SUMMARY + 300])
{
    size_t n = strlen(what);

    if (n > 70)
        for (n = 70; n > 0 && ((unsigned char)what[n] & 0xC0) == 0x80;) n--;
    (void)snprintf(first, SUMMARY + 300, "check '%.*s%s' failed: %s", (int)n, what, what[n] ? "..." : "", c->summary);
}

static tarn_code run_all(check *c, json_t *results, int *failed, char first[SUMMARY + 300], tarn_err *err)
{
    tarn_code rc = TARN_OK;
    size_t i;
    json_t *value;

    *failed = 0;
    tarn_recipe_sweep(c->lake);
    json_array_foreach(c->ask->require, i, value)
    {
        const char *what = json_string_value(value) ? json_string_value(value) : "";
        double start = tarn_seconds();
        TARN_TRY(tarn_cancel_check(c->sink, err));
        TARN_TRY(run_check(c, what, err));
        if (!c->passed && (*failed)++ == 0) tell_failed(c, what, first);
        if (!results) continue;
        TARN_TRY(tarn_json_append(results,
                                  json_pack("{s:s, s:b, s:o, s:s}", "check", what, "passed", (int)c->passed, "seconds",
                                            tarn_json_num(tarn_seconds() - start), "summary", c->summary),
                                  err));
    }
done:
    return rc;
}

tarn_code tarn_flow_checks(const tarn_sink *sink, tarn_lake *lake, const tarn_gate_ask *ask, json_t *results,
                           int *failed, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    check *c = NULL;
    char first[SUMMARY + 300];

    TARN_TRY(tarn_alloc(&c, 1, sizeof *c, err));
    *c = (check){.sink = sink, .lake = lake, .ask = ask};
    TARN_TRY(run_all(c, results, failed, first, err));
done:
    tarn_free(c);
    return rc;
}

tarn_code tarn_flow_gate(const void *arg, tarn_lake *lake, const tarn_gate_ask *ask, json_t *results, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    check *c = NULL;
    char first[SUMMARY + 300] = "";
    int failed = 0;

    TARN_TRY(tarn_alloc(&c, 1, sizeof *c, err));
    *c = (check){.sink = arg, .lake = lake, .ask = ask};
    TARN_TRY(run_all(c, results, &failed, first, err));
    if (failed > 0) rc = TARN_FAIL(err, TARN_CHECK, "%s", first);
    if (failed > 0) tarn_err_note(err, "'%.40s' stays as it was", ask->ref);
done:
    tarn_free(c);
    return rc;
}
