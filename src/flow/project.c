/* SPDX-License-Identifier: Apache-2.0 */
/* project.c - from the project file to a plan of steps. See project.h.
 *
 * One section of the file, one function (project_inside.h tells where); each checks its keys (keys.c), turns its values
 * into the JSON that a step's recipe will carry, and adds the steps. What a section makes (tables, candidates) is
 * remembered by lake path, so that later sections can be told when they name something that nobody makes.
 */
#include "flow/project_inside.h"

#include "base/file.h"
#include "flow/keys.h"

#include <ctype.h>
#include <string.h>

static void read_names(tarn_maker *m, const tarn_yaml *root)
{
    tarn_project *p = m->p;
    const tarn_yaml *lake = tarn_yaml_get(root, "lake"), *registry = tarn_yaml_get(root, "registry"),
                    *serve = tarn_yaml_get(root, "serve");

    p->name = tarn_maker_text(m, "%s", tarn_maker_word(root, "project", ""));
    p->problem = tarn_maker_text(m, "%s", tarn_maker_word(root, "problem", ""));
    if (lake) (void)tarn_keys_check(&tarn_keys_lake, lake, lake->line, lake->column, m->problems);
    p->branch = tarn_maker_text(m, "%s", tarn_maker_word(lake, "branch", "main"));
    if (registry && tarn_keys_check(&tarn_keys_registry, registry, registry->line, registry->column, m->problems)) {
        (void)tarn_maker_good_name(m, tarn_yaml_get(registry, "name"));
        if (tarn_yaml_get(registry, "alias")) (void)tarn_maker_good_name(m, tarn_yaml_get(registry, "alias"));
    }
    p->model = tarn_maker_text(m, "%s", tarn_maker_word(registry, "name", ""));
    p->alias = tarn_maker_text(m, "%s", tarn_maker_word(registry, "alias", "champion"));
    tarn_project_serve(m, serve);
}

static void read_file(tarn_maker *m, const tarn_yaml *root)
{
    if (!tarn_keys_check(&tarn_keys_file, root, 1, 1, m->problems)) {
        const tarn_yaml *ingest = tarn_yaml_get(root, "ingest");
        if (!ingest || ingest->kind != TARN_YAML_MAP) return; /* nothing below would make sense */
    }
    const tarn_yaml *rules = tarn_yaml_get(root, "tables"), *prepare = tarn_yaml_get(root, "prepare");
    m->rules = rules && rules->kind == TARN_YAML_MAP ? rules : NULL;
    read_names(m, root);
    tarn_project_ingest(m, tarn_yaml_get(root, "ingest"));
    tarn_project_check(m, "lake/check", 0);
    size_t raw = m->n_tables;
    for (size_t i = 0; i < raw; i++) {
        json_t *params = json_object();
        tarn_maker_put(m, params, "table", json_string(m->tables[i]));
        tarn_maker_add_step(m, tarn_maker_text(m, "prepare/profile/%s", m->tables[i]), "profile", params, &m->tables[i],
                            1, true, 0);
    }
    if (prepare && tarn_keys_check(&tarn_keys_prepare, prepare, prepare->line, prepare->column, m->problems)) {
        tarn_project_cleanse(m, tarn_yaml_get(prepare, "cleanse"));
        tarn_project_join(m, tarn_yaml_get(prepare, "join"));
        tarn_project_check(m, "prepare/check", raw);
    }
    tarn_project_unknown_rules(m);
    tarn_project_train(m, root);
}

static json_t *as_json(const tarn_yaml *y)
{
    json_t *out;

    if (!y) return json_null();
    if (y->kind == TARN_YAML_TEXT) return json_string(y->text);
    if (y->kind == TARN_YAML_LIST) {
        out = json_array();
        for (size_t i = 0; i < y->n; i++) (void)json_array_append_new(out, as_json(y->items[i]));
        return out;
    }
    out = json_object();
    for (size_t i = 0; i < y->n; i++) (void)json_object_set_new(out, y->keys[i]->text, as_json(y->items[i]));
    return out;
}

static tarn_code first_problem(const char *file, const tarn_problems *problems, tarn_err *err)
{
    const tarn_problem *first = &problems->items[0];

    if (problems->n == 1)
        return TARN_FAIL(err, TARN_INVALID, "%s:%d:%d: %s", file, first->line, first->column, first->text);
    return TARN_FAIL(err, TARN_INVALID, "%s:%d:%d: %s (and %zu more)", file, first->line, first->column, first->text,
                     problems->n - 1);
}

static tarn_code fill_project(tarn_project *p, const char *text, size_t len, const char *file, const char *folder,
                              tarn_problems *problems, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const tarn_yaml *root = NULL;
    tarn_maker m = {.p = p, .problems = problems, .err = err};

    p->file = tarn_maker_text(&m, "%s", file);
    p->folder = tarn_maker_text(&m, "%s", folder);
    TARN_TRY(m.rc);
    TARN_TRY(tarn_arena_alloc(p->arena, &m.tables, TARN_MAKER_TABLES, sizeof *m.tables, err));
    TARN_TRY(tarn_yaml_read(text, len, p->arena, &root, problems, err));
    if (problems->n == 0) {
        read_file(&m, root);
        p->settings = as_json(root);
    }
    json_decref(m.costs);
    TARN_TRY(m.rc);
    tarn_problems_sort(problems);
    if (problems->n > 0) rc = first_problem(file, problems, err);
done:
    return rc;
}

tarn_code tarn_project_parse(const char *text, size_t len, const char *file, const char *folder, tarn_project **out,
                             tarn_problems *problems, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    tarn_project *p = NULL;
    tarn_problems own = {0};

    *out = NULL;
    TARN_TRY(tarn_alloc(&p, 1, sizeof *p, err));
    TARN_TRY(tarn_arena_new(&p->arena, err));
    TARN_TRY(fill_project(p, text, len, file, folder, problems ? problems : &own, err));
    *out = p;
    p = NULL;
done:
    tarn_problems_clear(&own);
    tarn_project_free(p);
    return rc;
}

tarn_code tarn_project_read(const char *folder, tarn_project **out, tarn_problems *problems, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    char path[TARN_MAKER_TEXT];
    char *text = NULL;
    size_t len = 0;

    *out = NULL;
    TARN_TRY(tarn_path_join(path, sizeof path, folder, "tarn.yaml", err));
    if (!tarn_path_exists(path)) {
        rc = TARN_FAIL(err, TARN_NOT_FOUND, "there is no project file '%s'; `tarn init` makes one", path);
        goto done;
    }
    TARN_TRY(tarn_file_read(path, 4 << 20, &text, &len, err));
    TARN_TRY(tarn_project_parse(text, len, "tarn.yaml", folder, out, problems, err));
done:
    tarn_free(text);
    return rc;
}

void tarn_project_free(tarn_project *p)
{
    if (!p) return;
    for (size_t i = 0; i < p->n_steps; i++) json_decref(p->steps[i].params);
    tarn_free(p->steps);
    json_decref(p->settings);
    tarn_arena_free(p->arena);
    tarn_free(p);
}

void tarn_project_reference(tarn_text *out)
{
    static const char *const shapes[] = {"value",         "names", "whole number", "true or false",
                                         "[least, most]", "list",  "group",        "value or group"};
    _Static_assert(sizeof shapes / sizeof shapes[0] == TARN_SHAPE_ANY + 1, "a word for each shape");

    tarn_text_add(
        out,
        "# The project file\n\n`tarn.yaml` says what is wanted. This page is made from the tables that check it.\n");
    for (const tarn_keys *const *k = tarn_all_keys; *k; k++) {
        tarn_text_addf(out, "\n## %s\n\n%c%s%s.\n\n| key | is | needed | meaning |\n|---|---|---|---|\n", (*k)->place,
                       toupper((unsigned char)(*k)->help[0]), (*k)->help + 1, "");
        for (const tarn_key *key = (*k)->keys; key->name; key++)
            tarn_text_addf(out, "| `%s` | %s | %s | %s |\n", key->name, shapes[key->shape], key->required ? "yes" : "",
                           key->help);
    }
}
