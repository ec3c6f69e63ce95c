/* SPDX-License-Identifier: Apache-2.0 */
/* lineage.c - walking recipes backwards: what made this, and does it make it again?
 *
 * A recipe names its inputs by path and content. The commit that a derived object stands in holds those inputs under
 * the same paths, each with its own recipe: so the chain is followed inside one commit. */
#include "base/mem.h"
#include "flow/flow.h"
#include "flow/recipe.h"

#include <string.h>

enum { MOST_SEEN = 4096 };

/* ---- what made this ---- */

typedef struct history {
    tarn_lake *lake;
    const tarn_id *commit;
    json_t *seen; /* object id -> true */
} history;

static tarn_code describe(history *h, const char *path, const char *expect_hex, int depth, json_t **out, tarn_err *err);

static tarn_code describe_inputs(history *h, const json_t *recipe, int depth, json_t *node, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *path;
    json_t *id, *inputs = json_object_get(recipe, "inputs"), *list = json_array();

    json_object_foreach(inputs, path, id)
    {
        json_t *input = NULL;
        TARN_TRY(describe(h, path, json_string_value(id), depth + 1, &input, err));
        TARN_TRY(tarn_json_append(list, input, err));
    }
    TARN_TRY(tarn_json_set(node, "inputs", json_incref(list), err));
done:
    json_decref(list);
    return rc;
}

static tarn_code add_recipe(history *h, const tarn_entry *entry, int depth, json_t *node, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    json_t *recipe = NULL;
    char hex[TARN_ID_HEX];

    TARN_TRY(tarn_recipe_get(h->lake, &entry->recipe, &recipe, err));
    const tarn_stage *stage = tarn_stage_find(tarn_json_text(recipe, "step", ""));
    TARN_TRY(tarn_json_set(node, "recipe", json_string(tarn_id_hex(&entry->recipe, hex)), err));
    TARN_TRY(tarn_json_set(node, "step", json_string(stage->name), err));
    TARN_TRY(tarn_json_set(node, "stage", json_string(stage->stage), err));
    TARN_TRY(tarn_json_set(node, "code", json_incref(json_object_get(recipe, "code")), err));
    TARN_TRY(tarn_json_set(node, "params", json_incref(json_object_get(recipe, "params")), err));
    if (json_object_get(recipe, "sources"))
        TARN_TRY(tarn_json_set(node, "sources", json_incref(json_object_get(recipe, "sources")), err));
    if (depth < 64) TARN_TRY(describe_inputs(h, recipe, depth, node, err));
done:
    json_decref(recipe);
    return rc;
}

static tarn_code describe(history *h, const char *path, const char *expect_hex, int depth, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry entry = {0};
    char hex[TARN_ID_HEX];
    json_t *node = json_object();

    *out = NULL;
    TARN_TRY(tarn_json_set(node, "path", json_string(path), err));
    rc = tarn_lake_lookup(h->lake, h->commit, path, &entry, err);
    bool other = rc == TARN_OK && expect_hex && strcmp(tarn_id_hex(&entry.object.id, hex), expect_hex) != 0;
    if ((rc == TARN_NOT_FOUND && expect_hex) || other) { /* not in this commit: its name is all we know */
        TARN_TRY(tarn_json_set(node, "object", json_string(expect_hex), err));
        *out = json_incref(node);
        goto done;
    }
    if (rc != TARN_OK) goto done;
    TARN_TRY(tarn_json_set(node, "object", json_string(tarn_id_hex(&entry.object.id, hex)), err));
    TARN_TRY(tarn_json_set(node, "bytes", json_integer((json_int_t)entry.object.size), err));
    if (json_object_get(h->seen, path)) {
        TARN_TRY(tarn_json_set(node, "seen", json_true(), err));
    } else {
        TARN_TRY(tarn_json_set(h->seen, path, json_true(), err));
        if (!tarn_id_none(&entry.recipe)) TARN_TRY(add_recipe(h, &entry, depth, node, err));
    }
    *out = json_incref(node);
done:
    json_decref(node);
    return rc;
}

tarn_code tarn_flow_lineage(tarn_lake *lake, const tarn_id *commit, const char *path, json_t **out, tarn_err *err)
{
    history h = {lake, commit, json_object()};
    tarn_code rc = describe(&h, path, NULL, 0, out, err);

    json_decref(h.seen);
    return rc;
}

/* ---- does it make it again ---- */

typedef struct again {
    tarn_lake *lake;
    const tarn_id *commit;
    tarn_pool *pool;
    const tarn_sink *sink;
    tarn_id done[MOST_SEEN]; /* recipes that were run */
    size_t n_done;
    json_t *steps;
    bool same, code_same;
} again;

static bool was_done(again *a, const tarn_id *recipe)
{
    for (size_t i = 0; i < a->n_done; i++)
        if (tarn_id_equal(&a->done[i], recipe)) return true;
    if (a->n_done < MOST_SEEN) a->done[a->n_done++] = *recipe;
    return false;
}

/* Every output that stands in the commit must have come out with the same bytes. */
static tarn_code compare_outputs(again *a, const tarn_stage *stage, const tarn_id *recipe, const tarn_stage_job *job,
                                 tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char expected[TARN_ID_HEX], got[TARN_ID_HEX];

    for (size_t i = 0; i < job->n_outputs; i++) {
        tarn_entry was;
        rc = tarn_lake_lookup(a->lake, a->commit, job->outputs[i].path, &was, err);
        if (rc == TARN_NOT_FOUND || (rc == TARN_OK && !tarn_id_equal(&was.recipe, recipe))) continue;
        if (rc != TARN_OK) goto done;
        bool same = tarn_id_equal(&was.object.id, &job->outputs[i].object.id);
        a->same = a->same && same;
        TARN_TRY(tarn_json_append(a->steps,
                                  json_pack("{s:s, s:s, s:s, s:s, s:b}", "step", stage->name, "output", was.path,
                                            "expected", tarn_id_hex(&was.object.id, expected), "got",
                                            tarn_id_hex(&job->outputs[i].object.id, got), "same", (int)same),
                                  err));
    }
    rc = TARN_OK;
done:
    return rc;
}

static tarn_code make_again(again *a, const char *path, tarn_err *err);

static tarn_code run_again(again *a, const tarn_stage *stage, const tarn_id *id, const json_t *recipe, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *path;
    json_t *hex, *wanted = json_object_get(recipe, "inputs");
    tarn_entry *inputs = NULL;
    size_t n = 0;
    tarn_stage_job job = {.lake = a->lake,
                          .pool = a->pool,
                          .sink = a->sink,
                          .folder = tarn_lake_folder(a->lake),
                          .params = json_object_get(recipe, "params")};

    TARN_TRY(tarn_alloc(&inputs, json_object_size(wanted) + 1, sizeof *inputs, err));
    json_object_foreach(wanted, path, hex)
    {
        if (!tarn_recipe_is_before(path)) TARN_TRY(make_again(a, path, err));
        TARN_TRY(tarn_lake_lookup(a->lake, a->commit, path, &inputs[n], err));
        tarn_id id_wanted;
        const char *text = json_string_value(hex);
        if (!text || !tarn_id_parse(text, strlen(text), &id_wanted) ||
            !tarn_id_equal(&id_wanted, &inputs[n].object.id)) {
            rc = TARN_FAIL(err, TARN_CORRUPT, "the commit holds another '%s' than the recipe was made with", path);
            goto done;
        }
        n++;
    }
    job.inputs = inputs;
    job.n_inputs = n;
    tarn_say(a->sink, TARN_INFO, "%s again", stage->title);
    TARN_TRY(tarn_cancel_check(a->sink, err));
    TARN_TRY(tarn_recipe_run(stage, id, &job, err));
    TARN_TRY(compare_outputs(a, stage, id, &job, err));
done:
    tarn_stage_job_clear(&job);
    tarn_free(inputs);
    return rc;
}

/* Run what made `path`, and before that what made its inputs. It ends at raw tables, and at what an earlier run left
 * for a step to go on from: that was made from the data of its own time, by an earlier version of the model. */
static tarn_code make_again(again *a, const char *path, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_entry entry;
    json_t *recipe = NULL;

    TARN_TRY(tarn_lake_lookup(a->lake, a->commit, path, &entry, err));
    if (tarn_id_none(&entry.recipe) || was_done(a, &entry.recipe)) return TARN_OK;
    TARN_TRY(tarn_recipe_get(a->lake, &entry.recipe, &recipe, err));
    const tarn_stage *stage = tarn_stage_find(tarn_json_text(recipe, "step", ""));
    a->code_same = a->code_same && strcmp(tarn_json_text(recipe, "code", ""), tarn_code_hash()) == 0;
    if (!stage->facts) TARN_TRY(run_again(a, stage, &entry.recipe, recipe, err));
done:
    json_decref(recipe);
    return rc;
}

tarn_code tarn_flow_reproduce(tarn_lake *lake, const tarn_version *version, tarn_pool *pool, const tarn_sink *sink,
                              json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char hex[TARN_ID_HEX];
    again *a = NULL;

    *out = NULL;
    if (tarn_id_none(&version->recipe) || tarn_id_none(&version->data))
        return TARN_FAIL(err, TARN_NOT_FOUND,
                         "version %lld of model '%s' came without a recipe: it was not made by a run",
                         (long long)version->number, version->model);
    TARN_TRY(tarn_alloc(&a, 1, sizeof *a, err));
    *a = (again){.lake = lake,
                 .commit = &version->data,
                 .pool = pool,
                 .sink = sink,
                 .steps = json_array(),
                 .same = true,
                 .code_same = true};
    rc = make_again(a, "model.tarn", err);
    if (rc == TARN_OK) {
        *out = json_pack("{s:s, s:I, s:s, s:b, s:b, s:O}", "model", version->model, "version",
                         (json_int_t)version->number, "id", tarn_id_hex(&version->object, hex), "same", (int)a->same,
                         "code_same", (int)a->code_same, "steps", a->steps);
        if (!*out) rc = TARN_FAIL(err, TARN_NOMEM, "cannot make the result");
    }
    json_decref(a->steps);
done:
    tarn_free(a);
    return rc;
}
