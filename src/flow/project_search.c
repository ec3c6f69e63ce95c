/* SPDX-License-Identifier: Apache-2.0 */
/* project_search.c - the search for settings that a candidate asks for: its tries, in rounds, and the pick. */
#include "flow/project_inside.h"

#include "flow/search.h"

#include <string.h>

/* A step that tries one set of settings, or the one at place `slot` of the round before. Returns its output. */
static const char *add_try(tarn_maker *m, const tarn_yaml *name, const json_t *params, const char *metric,
                           int64_t round, int64_t i, double share, json_t *take_settings, const json_t *earlier)
{
    json_t *own = json_deep_copy(params), *text;
    const char *step =
        tarn_maker_text(m, "train/tries/%s/%lld-%02lld", name->text, (long long)round + 1, (long long)i + 1);
    const char *output = tarn_maker_text(m, "%s.json", step), **inputs = NULL;
    size_t n = 0, k;

    if (tarn_maker_fine(m,
                        tarn_arena_alloc(m->p->arena, &inputs, json_array_size(earlier) + 2, sizeof *inputs, m->err))) {
        inputs[n++] = tarn_maker_text(m, "%s.parquet", tarn_json_text(params, "table", ""));
        inputs[n++] = "prepare/split.parts";
        json_array_foreach((json_t *)(uintptr_t)earlier, k, text) inputs[n++] =
            tarn_maker_text(m, "%s", json_string_value(text));
    }
    tarn_maker_put(m, own, "metric", json_string(metric));
    tarn_maker_put(m, own, "output", json_string(output));
    if (share < 1) tarn_maker_put(m, own, "share", json_real(share));
    if (take_settings) tarn_maker_put(m, own, "settings", take_settings);
    else {
        tarn_maker_put(m, own, "earlier", json_deep_copy(earlier));
        tarn_maker_put(m, own, "slot", json_integer(i));
    }
    tarn_maker_add_step(m, step, "try", own, inputs, n, false, name->line);
    return output;
}

/* Tries, in rounds, and the step that takes the best. Returns what that one writes. */
static const char *add_search(tarn_maker *m, const tarn_yaml *name, const json_t *params, const char *metric,
                              const tarn_search *search)
{
    const char *output = tarn_maker_text(m, "train/search/%s.json", name->text), **inputs = NULL;
    json_t *pick = json_object(), *done = json_array(), *text;
    size_t n = 0, k;

    for (int64_t r = 0; r < search->rounds; r++) {
        double share = 1;
        int64_t tries = tarn_search_round(search, r, &share);
        json_t *now = json_array();
        for (int64_t i = 0; i < tries; i++) {
            json_t *settings = r == 0 ? json_deep_copy(json_array_get(search->tries, (size_t)i)) : NULL;
            const char *path = add_try(m, name, params, metric, r, i, share, settings, done);
            (void)tarn_maker_fine(m, tarn_json_append(now, json_string(path), m->err));
        }
        json_decref(done);
        done = now;
    }
    if (tarn_maker_fine(m, tarn_arena_alloc(m->p->arena, &inputs, json_array_size(done) + 2, sizeof *inputs, m->err))) {
        json_array_foreach(done, k, text) inputs[n++] = tarn_maker_text(m, "%s", json_string_value(text));
        if (search->nested) inputs[n++] = tarn_maker_text(m, "%s.parquet", tarn_json_text(params, "table", ""));
        if (search->nested) inputs[n++] = "prepare/split.parts";
    }
    tarn_maker_put(m, pick, "metric", json_string(metric));
    tarn_maker_put(m, pick, "tries", done);
    tarn_maker_put(m, pick, "tried", json_integer((json_int_t)json_array_size(search->tries)));
    tarn_maker_put(m, pick, "output", json_string(output));
    if (search->nested) tarn_maker_put(m, pick, "nested", json_deep_copy(search->tries));
    if (search->nested) tarn_maker_put(m, pick, "candidate", json_deep_copy(params));
    tarn_maker_add_step(m, tarn_maker_text(m, "train/search/%s", name->text), "pick", pick, inputs, n, false,
                        name->line);
    return output;
}

/* The search that a candidate asks for; NULL if it asks for none. */
const char *tarn_project_search(tarn_maker *m, const tarn_yaml *name, const tarn_yaml *search, const tarn_algo *algo,
                                const json_t *params, const char *metric)
{
    const char *output = NULL;
    tarn_search s = {0};
    int64_t seed = json_integer_value(json_object_get(params, "seed"));
    const json_t *settings = json_object_get(params, "settings");

    if (!search || !tarn_maker_fine(m, tarn_search_read(algo, search, settings, seed, &s, m->problems, m->err)))
        return NULL;
    if (s.nested && !json_object_get(params, "folds"))
        tarn_problems_add(m->problems, search->line, search->column, "nested needs 'train.folds'");
    if (json_array_size(s.tries) > 0) output = add_search(m, name, params, metric, &s);
    tarn_search_clear(&s);
    return output;
}
