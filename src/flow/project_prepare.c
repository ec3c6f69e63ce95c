/* SPDX-License-Identifier: Apache-2.0 */
/* project_prepare.c - section `prepare` of the project file: repairs, joins, the split; and the preparing steps of a
 * candidate. */
#include "flow/project_inside.h"

#include "flow/keys.h"
#include "flow/repairs.h"
#include "flow/settings.h"
#include "prepare/prepare.h"
#include "prepare/step.h"

#include <ctype.h>
#include <string.h>

static json_t *read_repair(tarn_maker *m, const tarn_yaml *map)
{
    static const char *const copied[] = {"kind", "action", "value", "least", "most"};
    json_t *repair = json_object();
    double x;

    if (!tarn_keys_check(&tarn_keys_repair, map, map->line, map->column, m->problems)) return repair;
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        const tarn_yaml *v = tarn_yaml_get(map, copied[i]);
        if (!v) continue;
        if (i >= 3 && !tarn_num_parse(v->text, strlen(v->text), false, &x))
            tarn_problems_add(m->problems, v->line, v->column, "'%s' should be a number", copied[i]);
        tarn_maker_put(m, repair, copied[i], json_string(v->text));
    }
    if (tarn_yaml_get(map, "columns"))
        tarn_maker_put(m, repair, "columns", json_string(tarn_maker_joined(m, tarn_yaml_get(map, "columns"))));
    if (tarn_yaml_get(map, "order"))
        tarn_maker_put(m, repair, "order", json_string(tarn_maker_joined(m, tarn_yaml_get(map, "order"))));
    const tarn_yaml *spellings = tarn_yaml_get(map, "map");
    if (spellings) {
        json_t *pairs = json_object();
        for (size_t i = 0; i < spellings->n; i++)
            tarn_maker_put(m, pairs, spellings->keys[i]->text, json_string(spellings->items[i]->text));
        tarn_maker_put(m, repair, "map", pairs);
    }
    return repair;
}

/* Hold one rule against the table of repair kinds. */
static void check_repair(tarn_maker *m, const tarn_yaml *at, json_t *repair)
{
    tarn_repairs one = {0};
    tarn_err why = {0};
    json_t *list = json_array();

    (void)json_array_append(list, repair);
    if (tarn_yaml_get(at, "kind") && tarn_maker_fine(m, tarn_repairs_open(list, &one, m->err)) && one.n == 1 &&
        tarn_repair_check(&one.list[0], &why) != TARN_OK)
        tarn_problems_add(m->problems, at->line, at->column, "%s", why.msg);
    tarn_repairs_close(&one);
    json_decref(list);
}

void tarn_project_cleanse(tarn_maker *m, const tarn_yaml *cleanse)
{
    for (size_t i = 0; cleanse && i < cleanse->n; i++) {
        const tarn_yaml *table = cleanse->keys[i], *list = cleanse->items[i];
        if (!tarn_maker_need_table(m, table, table->text)) continue;
        if (list->kind != TARN_YAML_LIST) {
            tarn_problems_add(m->problems, table->line, table->column, "prepare.cleanse.%s should be a list of repairs",
                              table->text);
            continue;
        }
        json_t *params = json_object(), *repairs = json_array();
        const char *path = tarn_maker_text(m, "clean/%s", table->text), *key = tarn_maker_key_of(m, path);
        tarn_maker_put(m, params, "table", json_string(table->text));
        tarn_maker_put(m, params, "key", json_string(key[0] ? key : tarn_maker_key_of(m, table->text)));
        tarn_maker_put(m, params, "repairs", repairs);
        for (size_t k = 0; k < list->n; k++) {
            json_t *repair = read_repair(m, list->items[k]);
            check_repair(m, list->items[k], repair);
            (void)tarn_maker_fine(m, tarn_json_append(repairs, repair, m->err));
        }
        tarn_maker_add_step(m, tarn_maker_text(m, "prepare/clean/%s", table->text), "cleanse", params, &table->text, 1,
                            true, table->line);
        tarn_maker_add_table(m, path);
    }
}

/* Tables that an SQL text names: every known one whose name stands in it as a whole word. More than needed does no
 * harm; the step sees no other. */
static size_t tables_in(const tarn_maker *m, const char *sql, const char **out)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n_tables; i++) {
        size_t len = strlen(m->tables[i]);
        for (const char *at = strstr(sql, m->tables[i]); at; at = strstr(at + 1, m->tables[i])) {
            bool starts = at == sql || !(isalnum((unsigned char)at[-1]) || strchr("_/-", at[-1]));
            bool ends = !at[len] || !(isalnum((unsigned char)at[len]) || strchr("_/-", at[len]));
            if (!starts || !ends) continue;
            out[n++] = m->tables[i];
            break;
        }
    }
    return n;
}

static json_t *read_matches(tarn_maker *m, const tarn_yaml *list, const char **inputs, size_t *n_inputs)
{
    json_t *out = json_array();

    for (size_t i = 0; list && i < list->n; i++) {
        const tarn_yaml *map = list->items[i];
        if (!tarn_keys_check(&tarn_keys_match, map, map->line, map->column, m->problems)) continue;
        json_t *match = json_object();
        for (int side = 0; side < 2; side++) {
            const tarn_yaml *table = tarn_yaml_get(map, side ? "right" : "left");
            bool seen = false;
            if (!tarn_maker_need_table(m, table, table->text)) continue;
            tarn_maker_put(m, match, side ? "right" : "left", json_string(table->text));
            for (size_t k = 0; k < *n_inputs; k++) seen = seen || strcmp(inputs[k], table->text) == 0;
            if (!seen && *n_inputs < TARN_MAKER_TABLES) inputs[(*n_inputs)++] = table->text;
        }
        tarn_maker_put(m, match, "on", tarn_maker_words(m, tarn_yaml_get(map, "on")));
        (void)tarn_maker_fine(m, tarn_json_append(out, match, m->err));
    }
    return out;
}

void tarn_project_join(tarn_maker *m, const tarn_yaml *join)
{
    const char **inputs = NULL;

    if (!tarn_maker_fine(m, tarn_arena_alloc(m->p->arena, &inputs, TARN_MAKER_TABLES, sizeof *inputs, m->err))) return;
    for (size_t i = 0; join && i < join->n; i++) {
        const tarn_yaml *name = join->keys[i], *map = join->items[i];
        if (!tarn_maker_good_name(m, name) ||
            !tarn_keys_check(&tarn_keys_join, map, name->line, name->column, m->problems))
            continue;
        const tarn_yaml *sql = tarn_yaml_get(map, "sql"), *key = tarn_yaml_get(map, "key");
        size_t n = tables_in(m, sql->text, inputs);
        if (n == 0)
            tarn_problems_add(m->problems, sql->line, sql->column, "this SQL names no table that the project makes");
        json_t *params = json_object();
        tarn_maker_put(m, params, "name", json_string(name->text));
        tarn_maker_put(m, params, "sql", json_string(sql->text));
        tarn_maker_put(m, params, "key", json_string(key ? tarn_maker_joined(m, key) : ""));
        tarn_maker_put(m, params, "matches", read_matches(m, tarn_yaml_get(map, "matches"), inputs, &n));
        tarn_maker_add_step(m, tarn_maker_text(m, "prepare/join/%s", name->text), "join", params, inputs, n, true,
                            name->line);
        tarn_maker_add_table(m, tarn_maker_text(m, "joined/%s", name->text));
    }
}

/* ---- split, and the steps of a candidate ---- */

void tarn_project_split(tarn_maker *m, const tarn_yaml *split, const tarn_yaml *train)
{
    static const char *const own[] = {"key"};

    if (!split) {
        tarn_problems_add(m->problems, train->line, train->column,
                          "'train' needs 'prepare.split': which rows are for learning, which for judging");
        return;
    }
    if (!tarn_keys_check(&tarn_keys_split, split, split->line, split->column, m->problems)) return;
    json_t *settings = tarn_maker_settings(m, tarn_split_table, sizeof(tarn_split_params), split, own, 1);
    if (!settings) return;
    json_t *params = json_object();
    const char *table = tarn_maker_word(train, "table", "");
    tarn_maker_put(m, params, "table", json_string(table));
    tarn_maker_put(m, params, "target", json_string(tarn_maker_word(train, "target", "")));
    const tarn_yaml *key = tarn_yaml_get(split, "key");
    tarn_maker_put(m, params, "key", json_string(key ? tarn_maker_joined(m, key) : ""));
    tarn_maker_put(m, params, "settings", settings);
    tarn_maker_add_step(m, "prepare/split", "split", params, &table, 1, true, split->line);
}

json_t *tarn_project_steps(tarn_maker *m, const tarn_yaml *list)
{
    static const char *const own[] = {"step"};
    json_t *out = json_array();

    for (size_t i = 0; list && list->kind == TARN_YAML_LIST && i < list->n; i++) {
        const tarn_yaml *map = list->items[i];
        const tarn_step *step = NULL;
        tarn_err why = {0};
        if (!tarn_keys_check(&tarn_keys_step, map, map->line, map->column, m->problems)) continue;
        const tarn_yaml *name = tarn_yaml_get(map, "step");
        if (tarn_step_find(name->text, &step, &why) != TARN_OK) {
            tarn_problems_add(m->problems, name->line, name->column, "%s", why.msg);
            continue;
        }
        json_t *settings = tarn_maker_settings(m, step->params, step->params_size, map, own, 1);
        if (!settings) break;
        json_t *use = json_object();
        tarn_maker_put(m, use, "step", json_string(step->name));
        tarn_maker_put(m, use, "settings", settings);
        (void)tarn_maker_fine(m, tarn_json_append(out, use, m->err));
    }
    return out;
}
