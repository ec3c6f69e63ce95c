/* SPDX-License-Identifier: Apache-2.0 */
/* recipe.c - making, naming, comparing and running recipes. See recipe.h. */
#include "flow/recipe.h"

#include "base/file.h"
#include "base/mem.h"
#include "flow/flow.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

tarn_code tarn_recipe_make(const tarn_stage *stage, const json_t *params, const tarn_entry *inputs, size_t n,
                           const json_t *sources, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char hex[TARN_ID_HEX];
    json_t *recipe = json_object(), *ids = json_object();

    *out = NULL;
    for (size_t i = 0; i < n; i++)
        TARN_TRY(tarn_json_set(ids, inputs[i].path, json_string(tarn_id_hex(&inputs[i].object.id, hex)), err));
    TARN_TRY(tarn_json_set(recipe, "tarn", json_string(tarn_version_text()), err));
    TARN_TRY(tarn_json_set(recipe, "code", json_string(tarn_code_hash()), err));
    TARN_TRY(tarn_json_set(recipe, "step", json_string(stage->name), err));
    TARN_TRY(tarn_json_set(recipe, "params", json_deep_copy(params), err));
    TARN_TRY(tarn_json_set(recipe, "inputs", json_incref(ids), err));
    if (sources) TARN_TRY(tarn_json_set(recipe, "sources", json_deep_copy(sources), err));
    *out = recipe;
    recipe = NULL;
done:
    json_decref(ids);
    json_decref(recipe);
    return rc;
}

tarn_code tarn_recipe_id(const json_t *recipe, tarn_id *id, char **text, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *bytes = NULL;

    if (text) *text = NULL;
    TARN_TRY(tarn_json_compact(recipe, &bytes, err));
    TARN_TRY(tarn_digest(bytes, strlen(bytes), id, err));
    if (text) {
        *text = bytes;
        bytes = NULL;
    }
done:
    tarn_free(bytes);
    return rc;
}

tarn_code tarn_recipe_get(tarn_lake *lake, const tarn_id *id, json_t **out, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char *text = NULL, hex[TARN_ID_HEX];
    size_t len = 0;

    *out = NULL;
    TARN_TRY(tarn_lake_get(lake, id, 16 << 20, &text, &len, err));
    TARN_TRY(tarn_json_read(text, len, "recipe", out, err));
    const char *step = tarn_json_text(*out, "step", "");
    if (!tarn_stage_find(step) || !json_is_object(json_object_get(*out, "params")) ||
        !json_is_object(json_object_get(*out, "inputs"))) {
        json_decref(*out);
        *out = NULL;
        rc = TARN_FAIL(err, TARN_CORRUPT, "object %.12s is not a recipe that this version of Tarn can read",
                       tarn_id_hex(id, hex));
    }
done:
    tarn_free(text);
    return rc;
}

bool tarn_recipe_is_before(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot && strcmp(dot, ".before") == 0;
}

/* Absent is equal to absent. */
static bool same(const json_t *a, const json_t *b) { return a == b || json_equal(a, b); }

/* One changed leaf below `was` and `is` is enough: people want a hint, not a patch. */
static bool find_change(const char *name, const json_t *was, const json_t *is, tarn_text *out)
{
    const char *key;
    json_t *value, *object = json_incref((json_t *)(uintptr_t)is);
    bool found = false;

    if (same(was, is)) {
        json_decref(object);
        return false;
    }
    if (json_is_object(is) && json_is_object(was)) {
        json_object_foreach(object, key, value)
        {
            if (!found) found = find_change(key, json_object_get(was, key), value, out);
        }
    }
    json_decref(object);
    if (found) return true;
    if (json_is_string(was) && json_is_string(is) && strlen(json_string_value(was)) < 40 &&
        strlen(json_string_value(is)) < 40) {
        tarn_text_addf(out, "%s%s: %s -> %s", out->len ? ", " : "", name, json_string_value(was),
                       json_string_value(is));
    } else {
        tarn_text_addf(out, "%s%s", out->len ? ", " : "", name);
    }
    return true;
}

void tarn_recipe_difference(const json_t *was, const json_t *is, char *out, size_t cap)
{
    tarn_text text = {0};
    const char *key;
    json_t *value, *inputs = json_object_get(is, "inputs");

    (void)find_change("parameters", json_object_get(was, "params"), json_object_get(is, "params"), &text);
    json_object_foreach(inputs, key, value)
    {
        if (!same(json_object_get(json_object_get(was, "inputs"), key), value))
            tarn_text_addf(&text, "%s%s", text.len ? ", " : "", key);
    }
    if (!same(json_object_get(was, "sources"), json_object_get(is, "sources")))
        tarn_text_addf(&text, "%sthe source's files", text.len ? ", " : "");
    if (!same(json_object_get(was, "code"), json_object_get(is, "code")))
        tarn_text_addf(&text, "%sthe program itself", text.len ? ", " : "");
    (void)snprintf(out, cap, "changed: %s", text.data ? text.data : "?");
    tarn_text_clear(&text);
}

tarn_code tarn_recipe_run(const tarn_stage *stage, const tarn_id *recipe, tarn_stage_job *job, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char scratch[4096], hex[TARN_ID_HEX];

    int n = snprintf(scratch, sizeof scratch, "%s/step-%.12s-%ld", tarn_lake_tmp_dir(job->lake),
                     tarn_id_hex(recipe, hex), (long)getpid());
    if (n < 0 || (size_t)n >= sizeof scratch) return TARN_FAIL(err, TARN_LIMIT, "path of the lake is too long");
    TARN_TRY(tarn_dir_make(scratch, err));
    job->scratch = scratch;
    TARN_TRY(stage->run(job, err));
    for (size_t i = 0; i < job->n_outputs; i++) job->outputs[i].recipe = *recipe;
done:
    job->scratch = NULL;
    if (tarn_dir_remove(scratch, NULL) != TARN_OK) tarn_say(job->sink, TARN_WARN, "cannot remove %s", scratch);
    return rc;
}

void tarn_recipe_sweep(const tarn_lake *lake)
{
    char path[4400];
    const char *folder = tarn_lake_tmp_dir(lake);
    struct dirent *e;

    DIR *dir = opendir(folder);
    while (dir && (e = readdir(dir)) != NULL) {
        const char *dash = strrchr(e->d_name, '-');
        int64_t pid = 0;
        if (strncmp(e->d_name, "step-", 5) != 0 || !dash || !tarn_int_parse(dash + 1, strlen(dash + 1), &pid)) continue;
        if (pid < 1 || kill((pid_t)pid, 0) == 0 || errno != ESRCH) continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (tarn_dir_remove(path, NULL) != TARN_OK) continue; /* it costs only space */
    }
    if (dir) (void)closedir(dir);
}

void tarn_stage_job_clear(tarn_stage_job *job)
{
    tarn_free(job->outputs);
    tarn_text_clear(&job->said);
    *job = (tarn_stage_job){0};
}
