/* SPDX-License-Identifier: Apache-2.0 */
/* project_maker.c - tools for the readers of sections: texts, names, tables and steps. See project_inside.h. */
#include "flow/project_inside.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool tarn_maker_fine(tarn_maker *m, tarn_code rc)
{
    if (m->rc == TARN_OK) m->rc = rc;
    return m->rc == TARN_OK;
}

const char *tarn_maker_text(tarn_maker *m, const char *fmt, ...)
{
    char line[TARN_MAKER_TEXT];
    char *copy = NULL;
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
    if (!tarn_maker_fine(m, tarn_arena_strndup(m->p->arena, line, len, &copy, m->err))) return "";
    return copy;
}

void tarn_maker_put(tarn_maker *m, json_t *object, const char *key, json_t *take_value)
{
    (void)tarn_maker_fine(m, tarn_json_set(object, key, take_value, m->err));
}

json_t *tarn_maker_settings(tarn_maker *m, const tarn_param *table, size_t size, const tarn_yaml *map,
                            const char *const *skip, size_t n_skip)
{
    json_t *settings = NULL;
    tarn_code rc = tarn_settings_from_yaml(table, size, map, skip, n_skip, &settings, m->problems, m->err);

    if (tarn_maker_fine(m, rc)) return settings;
    json_decref(settings);
    return NULL;
}

/* The text under key of a map that was checked, or otherwise. */
const char *tarn_maker_word(const tarn_yaml *map, const char *key, const char *otherwise)
{
    const tarn_yaml *v = tarn_yaml_get(map, key);
    return v && v->kind == TARN_YAML_TEXT && (v->quoted || v->text[0]) ? v->text : otherwise;
}

/* "a, b" or [a, b] as a JSON array of texts. */
json_t *tarn_maker_words(tarn_maker *m, const tarn_yaml *v)
{
    json_t *list = json_array();

    if (v && v->kind == TARN_YAML_LIST) {
        for (size_t i = 0; i < v->n; i++)
            if (v->items[i]->kind == TARN_YAML_TEXT)
                (void)tarn_maker_fine(m, tarn_json_append(list, json_string(v->items[i]->text), m->err));
    } else if (v && v->kind == TARN_YAML_TEXT) {
        const char *at = v->text;
        while (*at) {
            at += strspn(at, ", ");
            size_t len = strcspn(at, ",");
            while (len > 0 && at[len - 1] == ' ') len--;
            if (len > 0) (void)tarn_maker_fine(m, tarn_json_append(list, json_stringn(at, len), m->err));
            at += strcspn(at, ",");
        }
    }
    return list;
}

/* The same as one text "a,b". */
const char *tarn_maker_joined(tarn_maker *m, const tarn_yaml *v)
{
    json_t *list = tarn_maker_words(m, v), *item;
    tarn_text t = {0};
    size_t i;

    json_array_foreach(list, i, item) tarn_text_addf(&t, "%s%s", i ? "," : "", json_string_value(item));
    const char *copy = tarn_maker_text(m, "%s", t.data ? t.data : "");
    tarn_text_clear(&t);
    json_decref(list);
    return copy;
}

/* A name becomes a part of a path and of SQL: letters, digits, '_' and '-', not starting with '-'. */
bool tarn_maker_good_name(tarn_maker *m, const tarn_yaml *key)
{
    const char *s = key->text;
    bool good = *s && *s != '-' && strlen(s) <= 60;

    for (; good && *s; s++) good = isalnum((unsigned char)*s) || *s == '_' || *s == '-';
    if (!good)
        tarn_problems_add(m->problems, key->line, key->column,
                          "'%.40s' cannot be a name: use letters, digits, '_' and '-', at most 60", key->text);
    return good;
}

static bool knows_table(const tarn_maker *m, const char *path)
{
    for (size_t i = 0; i < m->n_tables; i++)
        if (strcmp(m->tables[i], path) == 0) return true;
    return false;
}

void tarn_maker_add_table(tarn_maker *m, const char *path)
{
    if (m->n_tables < TARN_MAKER_TABLES) m->tables[m->n_tables++] = path;
}

bool tarn_maker_need_table(tarn_maker *m, const tarn_yaml *at, const char *path)
{
    if (knows_table(m, path)) return true;
    const char *near = tarn_nearest_word(path, m->tables, m->n_tables);
    tarn_problems_add(m->problems, at->line, at->column, "no table '%s' is made by then%s%s%s", path,
                      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return false;
}

/* Add a step; takes params. inputs get ".parquet" put behind when `tables`. */
void tarn_maker_add_step(tarn_maker *m, const char *name, const char *kind, json_t *take_params,
                         const char *const *inputs, size_t n_inputs, bool are_tables, int line)
{
    tarn_project *p = m->p;

    if (p->n_steps == p->cap_steps) {
        size_t cap = p->cap_steps ? 2 * p->cap_steps : 32;
        if (!tarn_maker_fine(m, tarn_resize(&p->steps, cap, sizeof *p->steps, m->err))) {
            json_decref(take_params);
            return;
        }
        p->cap_steps = cap;
    }
    const char **copy = NULL;
    (void)tarn_maker_fine(m, tarn_arena_alloc(p->arena, &copy, n_inputs + 1, sizeof *copy, m->err));
    for (size_t i = 0; copy && i < n_inputs; i++)
        copy[i] = tarn_maker_text(m, "%s%s", inputs[i], are_tables ? ".parquet" : "");
    p->steps[p->n_steps++] = (tarn_planned){.name = name,
                                            .kind = kind,
                                            .params = take_params,
                                            .inputs = copy,
                                            .n_inputs = copy ? n_inputs : 0,
                                            .line = line};
}

/* The declared key of a table, as "a,b"; "" if none. */
const char *tarn_maker_key_of(tarn_maker *m, const char *table)
{
    const tarn_yaml *rules = tarn_yaml_get(m->rules, table);
    const tarn_yaml *key = rules && rules->kind == TARN_YAML_MAP ? tarn_yaml_get(rules, "key") : NULL;
    return key ? tarn_maker_joined(m, key) : "";
}
