/* SPDX-License-Identifier: Apache-2.0 */
/* ask_lake.c - what routes ask of the registry, the lake and the top floor. See route.h. */
#include "serve/server.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* ---- versions ---- */

static json_t *describe(const tarn_version *v)
{
    char when[32], id[TARN_ID_HEX], commit[TARN_ID_HEX], data[TARN_ID_HEX], recipe[TARN_ID_HEX];

    return json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s*, s:s*, s:s*, s:s*}", "model", v->model, "version",
                     (json_int_t)v->number, "time", tarn_time_text(v->time_us, when), "author", v->author, "note",
                     v->note, "id", tarn_id_hex(&v->object, id), "commit", tarn_id_hex(&v->commit, commit), "data",
                     tarn_id_none(&v->data) ? NULL : tarn_id_hex(&v->data, data), "recipe",
                     tarn_id_none(&v->recipe) ? NULL : tarn_id_hex(&v->recipe, recipe), "run",
                     tarn_json_text(v->meta, "run", NULL), "project", tarn_json_text(v->meta, "project", NULL));
}

/* "champion, tested" or "champion tested" as an array. */
static json_t *split_words(const char *words)
{
    json_t *list = json_array();

    for (const char *p = words ? words : ""; *p;) {
        size_t n = strcspn(p, ", ");
        if (n > 0) (void)json_array_append_new(list, json_stringn(p, n));
        p += n;
        p += strspn(p, ", ");
    }
    return list;
}

static tarn_code add_version(void *arg, const tarn_version *v, const char *aliases, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *one = describe(v);

    TARN_TRY(tarn_json_append(arg, one, err));
    TARN_TRY(tarn_json_set(one, "aliases", split_words(aliases), err));
done:
    return rc;
}

tarn_code tarn_call_versions(tarn_call *call, json_t **out, tarn_err *err)
{
    json_t *list = json_array();
    tarn_code rc = tarn_registry_list(call->server->options.lake, NULL, add_version, list, err);

    if (rc != TARN_OK) json_decref(list);
    else *out = list;
    return rc;
}

static tarn_code add_name(void *arg, const tarn_version *v, const char *aliases, tarn_err *err)
{
    size_t i;
    json_t *name;

    (void)aliases;
    json_array_foreach((json_t *)arg, i, name)
    {
        if (strcmp(json_string_value(name), v->model) == 0) return TARN_OK;
    }
    return tarn_json_append(arg, json_string(v->model), err);
}

tarn_code tarn_call_names(tarn_call *call, tarn_err *err)
{
    json_t *names = json_array();
    tarn_code rc = tarn_registry_list(call->server->options.lake, NULL, add_name, names, err);

    if (rc == TARN_OK) return tarn_call_give(call, json_pack("{s:o}", "models", names), err);
    json_decref(names);
    return rc;
}

/* ---- a version's card ---- */

static tarn_code find_version(tarn_call *call, const char *model, const char *version, tarn_version *out, tarn_err *err)
{
    char name[300];
    int64_t number;

    if (strlen(model) > 120 || !tarn_int_parse(version, strlen(version), &number) || number < 1)
        return TARN_FAIL(err, TARN_NOT_FOUND, "'%.60s' version '%.40s' is not a version of a model", model, version);
    (void)snprintf(name, sizeof name, "%s/%lld", model, (long long)number);
    return tarn_registry_find(call->server->options.lake, name, out, err);
}

static tarn_code add_file(void *arg, const tarn_entry *e, tarn_err *err)
{
    return tarn_json_append(arg, json_pack("{s:s, s:I}", "path", e->path, "bytes", (json_int_t)e->object.size), err);
}

/* A JSON file of the version under `key`; left out if there is none. */
static tarn_code add_json(tarn_lake *lake, const tarn_version *v, const char *path, json_t *card, const char *key,
                          tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry entry;
    char *text = NULL;
    size_t len = 0;
    json_t *value = NULL;

    rc = tarn_lake_lookup(lake, &v->commit, path, &entry, err);
    if (rc == TARN_NOT_FOUND) return TARN_OK;
    if (rc != TARN_OK) return rc;
    TARN_TRY(tarn_lake_get(lake, &entry.object.id, 64 << 20, &text, &len, err));
    TARN_TRY(tarn_json_read(text, len, path, &value, err));
    TARN_TRY(tarn_json_set(card, key, json_incref(value), err));
done:
    json_decref(value);
    tarn_free(text);
    return rc;
}

/* The curves are pictures already; a card needs the figures only. */
static void drop_curves(json_t *card)
{
    static const char *const big[] = {"roc", "pr", "calibration", "histogram", "residuals", "scatter", "tenths"};
    json_t *test = json_object_get(card, "test"), *profit = json_object_get(test, "profit");

    for (size_t i = 0; i < sizeof big / sizeof *big; i++) (void)json_object_del(test, big[i]);
    (void)json_object_del(profit, "thresholds");
    (void)json_object_del(profit, "values");
    (void)json_object_del(profit, "flagged");
}

static tarn_code add_graph(tarn_call *call, const char *name, json_t *card, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_loaded *loaded = NULL;
    json_t *nodes = json_array();
    char line[300];

    TARN_TRY(tarn_models_get(call->server->models, name, &loaded, err));
    for (int i = 0; i < tarn_model_nodes(loaded->model); i++)
        TARN_TRY(tarn_json_append(nodes, json_string(tarn_model_node_text(loaded->model, i, line, sizeof line)), err));
    TARN_TRY(tarn_json_set(card, "nodes", json_incref(nodes), err));
    TARN_TRY(tarn_json_set(card, "target", json_string(tarn_model_target(loaded->model)), err));
    TARN_TRY(tarn_json_set(card, "inputs", json_integer(tarn_model_inputs(loaded->model)), err));
done:
    json_decref(nodes);
    tarn_loaded_release(loaded);
    return rc;
}

static tarn_code find_aliases(void *arg, const tarn_version *v, const char *aliases, tarn_err *err)
{
    json_t *card = arg;

    if (v->number != json_integer_value(json_object_get(card, "version"))) return TARN_OK;
    tarn_code rc = tarn_json_set(card, "aliases", split_words(aliases), err);
    return rc == TARN_OK ? TARN_CANCELLED : rc;
}

tarn_code tarn_call_card(tarn_call *call, const char *model, const char *version, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = call->server->options.lake;
    tarn_version v = {0};
    json_t *card = NULL, *files = json_array();
    char name[300];

    TARN_TRY(find_version(call, model, version, &v, err));
    card = describe(&v);
    TARN_TRY(tarn_json_set(card, "files", json_incref(files), err));
    TARN_TRY(tarn_lake_list(lake, &v.commit, "", "", 0, add_file, files, err));
    TARN_TRY(add_json(lake, &v, "train/leaderboard.json", card, "leaderboard", err));
    TARN_TRY(add_json(lake, &v, "assess/test.json", card, "test", err));
    drop_curves(card);
    (void)snprintf(name, sizeof name, "%s/%lld", v.model, (long long)v.number);
    TARN_TRY(add_graph(call, name, card, err));
    TARN_TRY(tarn_registry_list(lake, v.model, find_aliases, card, err));
    *out = json_incref(card);
done:
    json_decref(files);
    json_decref(card);
    tarn_version_clear(&v);
    return rc;
}

/* ---- a version's files ---- */

/* Only these are shown; the policy lets none of them run anything or fetch anything. */
static const char *const file_types[][2] = {{".html", "text/html; charset=utf-8"},
                                            {".svg", "image/svg+xml"},
                                            {".json", "application/json"},
                                            {".tarn", "application/octet-stream"}};
static const char file_policy[] =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";

static const char *type_of(const char *file)
{
    size_t len = strlen(file);

    for (size_t i = 0; i < sizeof file_types / sizeof *file_types; i++) {
        size_t n = strlen(file_types[i][0]);
        if (len > n && strcmp(file + len - n, file_types[i][0]) == 0) return file_types[i][1];
    }
    return NULL;
}

tarn_code tarn_call_file(tarn_call *call, const char *model, const char *version, const char *file, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_lake *lake = call->server->options.lake;
    tarn_version v = {0};
    tarn_entry entry;
    char *bytes = NULL, hex[TARN_ID_HEX];
    size_t len = 0;

    TARN_TRY(find_version(call, model, version, &v, err));
    call->type = type_of(file);
    rc = tarn_lake_lookup(lake, &v.commit, file, &entry, err);
    if (!call->type || rc == TARN_INVALID) rc = TARN_NOT_FOUND;
    if (rc == TARN_NOT_FOUND)
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "version %s of model '%.60s' has no file '%.100s'", version, model, file);
    if (rc != TARN_OK) goto done;
    call->policy = file_policy;
    call->cache = "no-cache";
    (void)snprintf(call->etag_room, sizeof call->etag_room, "\"%s\"", tarn_id_hex(&entry.object.id, hex));
    call->etag = call->etag_room;
    const char *have = tarn_call_header(call, "If-None-Match");
    if (have && strstr(have, call->etag)) {
        call->status = 304;
        goto done;
    }
    TARN_TRY(tarn_lake_get(lake, &entry.object.id, 0, &bytes, &len, err));
    tarn_text_addn(&call->out, bytes, len);
    rc = tarn_text_check(&call->out, err);
done:
    tarn_free(bytes);
    tarn_version_clear(&v);
    return rc;
}

/* ---- commits ---- */

typedef struct commit_list {
    json_t *list;
    int64_t most;
} commit_list;

static tarn_code add_commit(void *arg, const tarn_commit *c, tarn_err *err)
{
    commit_list *l = arg;
    char id[TARN_ID_HEX], when[32];
    json_t *parents = json_array();

    if (l->most-- <= 0) {
        json_decref(parents);
        return TARN_CANCELLED;
    }
    for (int i = 0; i < c->n_parents; i++) {
        char hex[TARN_ID_HEX];
        (void)json_array_append_new(parents, json_string(tarn_id_hex(&c->parents[i], hex)));
    }
    return tarn_json_append(l->list,
                            json_pack("{s:s, s:s, s:s, s:s, s:I, s:o, s:O*}", "id", tarn_id_hex(&c->id, id), "time",
                                      tarn_time_text(c->time_us, when), "author", c->author, "message", c->message,
                                      "paths", (json_int_t)c->paths, "parents", parents, "meta", c->meta),
                            err);
}

tarn_code tarn_call_commits(tarn_call *call, const char *ref, int64_t most, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_id from;
    commit_list l = {json_array(), most};

    TARN_TRY(tarn_lake_resolve(call->server->options.lake, ref, &from, err));
    rc = tarn_lake_log(call->server->options.lake, &from, add_commit, &l, err);
    if (rc != TARN_OK && rc != TARN_CANCELLED) goto done;
    rc = TARN_OK;
    *out = json_incref(l.list);
done:
    json_decref(l.list);
    return rc;
}

/* ---- the top floor, and the rest ---- */

tarn_code tarn_call_view(tarn_call *call, tarn_view_kind kind, const char *about, json_t **out, tarn_err *err)
{
    tarn_server *s = call->server;
    const tarn_server_view *v = &s->options.view;
    tarn_code rc = TARN_OK;

    *out = NULL;
    bool there = kind == TARN_VIEW_PROJECT ? v->project != NULL
                 : kind == TARN_VIEW_RUNS  ? v->runs != NULL
                                           : v->why != NULL;
    if (!there) return TARN_FAIL(err, TARN_NOT_FOUND, "this server was started without a project");
    if (kind == TARN_VIEW_WHY) TARN_TRY(tarn_predlog_sync(s->log, err)); /* the prediction may be a moment old */
    (void)pthread_mutex_lock(&s->view_lock);
    if (kind == TARN_VIEW_PROJECT) rc = v->project(v->arg, out, err);
    else if (kind == TARN_VIEW_RUNS) rc = v->runs(v->arg, out, err);
    else rc = v->why(v->arg, about, out, err);
    (void)pthread_mutex_unlock(&s->view_lock);
done:
    return rc;
}

const char *tarn_call_program(const tarn_call *call) { return call->server->options.version; }

tarn_code tarn_call_metrics(tarn_call *call, tarn_err *err)
{
    tarn_server *s = call->server;
    tarn_predlog_counts counts;
    const char *accept = tarn_call_header(call, "Accept");
    bool open = accept && strstr(accept, "application/openmetrics-text");

    tarn_predlog_count(s->log, &counts);
    tarn_metric_facts facts = {.version = s->options.version,
                               .code = s->options.code,
                               .log_records = counts.records,
                               .log_waiting_bytes = counts.waiting_bytes,
                               .log_commits = counts.commits,
                               .started = s->started};
    call->type = open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                      : "text/plain; version=0.0.4; charset=utf-8";
    tarn_metrics_write(&s->metrics, &facts, open, &call->out);
    return tarn_text_check(&call->out, err);
}
