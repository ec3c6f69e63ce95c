/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - the step that writes the page for people: verdict, figures, pictures, data, notes. */
#include "assess/assess.h"
#include "base/mem.h"
#include "flow/stage.h"

#include <stdio.h>
#include <string.h>

typedef struct teller {
    tarn_stage_job *job;
    json_t *story, *data;
} teller;

static tarn_code add_fact(teller *t, tarn_err *err, const char *name, const char *fmt, ...) TARN_PRINTF(4, 5);
static tarn_code add_fact(teller *t, tarn_err *err, const char *name, const char *fmt, ...)
{
    char value[1024];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(value, sizeof value, fmt, args);
    va_end(args);
    return tarn_json_append(t->data, json_pack("{s:s, s:s}", "name", name, "value", value), err);
}

static int64_t int_of(const json_t *j, const char *key) { return json_integer_value(json_object_get(j, key)); }

static tarn_code tell_collected(teller *t, const json_t *report, tarn_err *err)
{
    char name[200], a[32], b[32];

    (void)snprintf(name, sizeof name, "Table %s", tarn_json_text(report, "table", ""));
    return add_fact(t, err, name, "%s rows, %zu columns; %s lines could not be read",
                    tarn_num_group(int_of(report, "rows"), a), json_array_size(json_object_get(report, "columns")),
                    tarn_num_group(int_of(report, "rejected"), b));
}

static tarn_code tell_repairs(teller *t, const json_t *report, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char name[300], a[32], b[32];
    size_t i;
    json_t *r, *list = json_object_get(report, "repairs");

    json_array_foreach(list, i, r)
    {
        (void)snprintf(name, sizeof name, "Repair in %s: %s %s", tarn_json_text(report, "table", ""),
                       tarn_json_text(r, "rule", ""), tarn_json_text(r, "column", ""));
        TARN_TRY(add_fact(t, err, name, "%s found, %s repaired (%s)", tarn_num_group(int_of(r, "found"), a),
                          tarn_num_group(int_of(r, "repaired"), b), tarn_json_text(r, "action", "")));
    }
done:
    return rc;
}

static tarn_code tell_join(teller *t, const json_t *report, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char name[300], a[32], b[32], c[32];
    size_t i;
    json_t *m, *list = json_object_get(report, "matches");

    json_array_foreach(list, i, m)
    {
        (void)snprintf(name, sizeof name, "%s with %s", tarn_json_text(m, "left", ""), tarn_json_text(m, "right", ""));
        TARN_TRY(add_fact(t, err, name, "%s rows join; %s rows (%s keys) find no match",
                          tarn_num_group(int_of(m, "joined"), a), tarn_num_group(int_of(m, "unmatched"), b),
                          tarn_num_group(int_of(m, "unmatched_keys"), c)));
    }
    (void)snprintf(name, sizeof name, "Table joined/%s", tarn_json_text(report, "table", ""));
    TARN_TRY(add_fact(t, err, name, "%s rows", tarn_num_group(int_of(report, "rows"), a)));
done:
    return rc;
}

/* Facts about the data, in the order of the run. */
static tarn_code tell_data(teller *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    for (size_t i = 0; i < t->job->n_inputs; i++) {
        const char *path = t->job->inputs[i].path;
        bool collected = strncmp(path, "ingest/", 7) == 0, cleansed = strncmp(path, "prepare/clean/", 14) == 0,
             joined = strncmp(path, "prepare/join/", 13) == 0;
        json_t *report = NULL;
        if (!collected && !cleansed && !joined) continue;
        TARN_TRY(tarn_stage_get_json(t->job, path, &report, err));
        rc = collected  ? tell_collected(t, report, err)
             : cleansed ? tell_repairs(t, report, err)
                        : tell_join(t, report, err);
        json_decref(report);
        TARN_TRY(rc);
    }
done:
    return rc;
}

static tarn_code tell_parts(teller *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    static const struct {
        const char *name, *used_for;
    } uses[] = {{"train", "learning, and fitting the preparation"},
                {"valid", "choosing among the candidates, early stopping, the threshold"},
                {"test", "the figures of this report"},
                {"holdout", "kept apart; `tarn holdout` judges on them, and counts how often"}};
    json_t *split = NULL, *parts = json_array(), *part;
    size_t i;

    TARN_TRY(tarn_stage_get_json(t->job, "prepare/split.json", &split, err));
    json_t *list = json_object_get(split, "parts");
    json_array_foreach(list, i, part)
    {
        json_t *copy = json_copy(part), *first = json_object_get(part, "first"), *last = json_object_get(part, "last");
        if (first) (void)json_object_set(copy, "from", first);
        if (last) (void)json_object_set(copy, "to", last);
        for (size_t k = 0; k < 4; k++)
            if (strcmp(tarn_json_text(part, "name", tarn_json_text(part, "part", "")), uses[k].name) == 0) {
                (void)json_object_set_new(copy, "name", json_string(uses[k].name));
                (void)json_object_set_new(copy, "used_for", json_string(uses[k].used_for));
            }
        TARN_TRY(tarn_json_append(parts, copy, err));
    }
    TARN_TRY(tarn_json_set(t->story, "parts", json_incref(parts), err));
done:
    json_decref(parts);
    json_decref(split);
    return rc;
}

static tarn_code tell_model(teller *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *board = NULL, *assessed = NULL, *candidate;
    size_t i;
    char hex[TARN_ID_HEX];

    TARN_TRY(tarn_stage_get_json(t->job, "train/leaderboard.json", &board, err));
    TARN_TRY(tarn_stage_get_json(t->job, "assess/test.json", &assessed, err));
    const char *winner = tarn_json_text(board, "winner", "");
    json_t *candidates = json_object_get(board, "candidates");
    json_array_foreach(candidates, i, candidate)
    {
        if (strcmp(tarn_json_text(candidate, "name", ""), winner) != 0) continue;
        TARN_TRY(
            tarn_json_set(t->story, "champion_title", json_string(tarn_json_text(candidate, "title", winner)), err));
    }
    TARN_TRY(tarn_json_set(t->story, "champion", json_string(winner), err));
    TARN_TRY(tarn_json_set(t->story, "candidates", json_incref(candidates), err));
    TARN_TRY(tarn_json_set(t->story, "assessed", json_incref(assessed), err));
    TARN_TRY(tarn_json_set(t->story, "baseline", json_incref(json_object_get(assessed, "baseline")), err));
    TARN_TRY(tarn_json_set(t->story, "importance", json_incref(json_object_get(assessed, "importance")), err));
    TARN_TRY(tarn_json_set(t->story, "model_id",
                           json_string(tarn_id_hex(&tarn_stage_input(t->job, "model.tarn")->object.id, hex)), err));
done:
    json_decref(assessed);
    json_decref(board);
    return rc;
}

static tarn_code tell_frame(teller *t, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const json_t *p = t->job->params;
    static const char *const copied[] = {"problem", "target", "positive", "noun", "notes"};
    const char *model = tarn_json_text(p, "model", "");
    json_t *commands = json_array();

    TARN_TRY(tarn_json_set(t->story, "title", json_string(tarn_json_text(p, "project", "")), err));
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        json_t *value = json_object_get(p, copied[i]);
        if (!value || (json_is_string(value) && !json_string_value(value)[0])) continue;
        TARN_TRY(tarn_json_set(t->story, copied[i], json_incref(value), err));
    }
    if (model[0])
        (void)json_array_append_new(
            commands,
            json_sprintf("tarn reproduce %s    # train it again from its recipe and compare the bytes", model));
    (void)json_array_append_new(commands,
                                json_string("tarn run          # do what has changed since, and nothing else"));
    TARN_TRY(tarn_json_set(t->story, "commands", json_incref(commands), err));
done:
    json_decref(commands);
    return rc;
}

static tarn_code run(tarn_stage_job *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    teller t = {job, json_object(), json_array()};
    char *html = NULL, size[32];

    TARN_TRY(tell_frame(&t, err));
    TARN_TRY(tell_model(&t, err));
    TARN_TRY(tell_parts(&t, err));
    TARN_TRY(tell_data(&t, err));
    TARN_TRY(tarn_json_set(t.story, "data", json_incref(t.data), err));
    TARN_TRY(tarn_report_html(t.story, &html, err));
    TARN_TRY(tarn_stage_put(job, "report.html", html, strlen(html), err));
    tarn_text_addf(&job->said, "report.html, %s", tarn_num_bytes(strlen(html), size));
done:
    tarn_free(html);
    json_decref(t.data);
    json_decref(t.story);
    return rc;
}

const tarn_stage tarn_stage_report = {.name = "report", .stage = "assess", .title = "write the report", .run = run};
